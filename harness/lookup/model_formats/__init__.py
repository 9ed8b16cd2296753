"""Formats of models whose framework has no convention here; each has its call as a form."""
