"""Snippets of people's code as trees of literals: nothing in them is ever evaluated."""
