"""CuPy: all that is known of it."""
