"""Benchmarks: from samples to intervals, comparisons and what a machine can do at most."""
