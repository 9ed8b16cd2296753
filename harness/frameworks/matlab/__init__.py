"""MATLAB: all that is known of it."""
