"""The Wolfram Language: all that is known of it."""
