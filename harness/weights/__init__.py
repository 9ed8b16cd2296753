"""Weights: their layouts, the files that hold them, and conversion between frameworks."""
