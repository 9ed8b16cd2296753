"""Doors: how somebody's own implementation is reached, and what it is sent."""
