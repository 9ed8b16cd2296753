"""Suites: cases, the files that hold them, what is expected of them and what is known to fail."""
