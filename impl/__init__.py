"""Transposed convolution on arrays: the canonical implementation.

``conv_transpose`` and ``conv_transpose_vjp`` are what other programs call.
``impl.reference`` is the definition behind them; it stays slow and obvious.
"""

from impl.reference import conv_transpose, conv_transpose_vjp

__all__ = ["conv_transpose", "conv_transpose_vjp"]
