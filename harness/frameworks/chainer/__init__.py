"""Chainer: all that is known of it."""
