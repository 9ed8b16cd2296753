"""MXNet: all that is known of it."""
