"""Keras's layers, which TensorFlow has too: read by both, and written by each with its tensors."""
