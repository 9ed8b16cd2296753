"""TensorFlow and Keras: all that is known of it."""
