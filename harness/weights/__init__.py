"""Weights: layouts, files, and conversion between frameworks."""
