"""NumPy: all that is known of it."""
