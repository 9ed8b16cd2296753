"""Transposed convolution on arrays: the canonical implementation.

``conv_transpose`` and ``conv_transpose_vjp`` are what other programs call: fast, made of matrix
products.  ``impl.reference`` has the same two functions: the definition, slow and obvious, which
the fast ones are tested against.
"""

from impl.fast import conv_transpose, conv_transpose_vjp

__all__ = ["conv_transpose", "conv_transpose_vjp"]
