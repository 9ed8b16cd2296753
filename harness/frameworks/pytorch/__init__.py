"""PyTorch: all that is known of it."""
