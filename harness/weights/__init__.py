"""Weights: their layouts, the files that hold them, and the way from one framework's to another's."""
