"""Arithmetic of literal numbers, in bounds: what ``64*8`` and ``2^5`` say in a snippet."""

from __future__ import annotations

import math
from typing import Final

from harness.syntax.tree import MAX_DIGITS

Number = int | float
_LARGEST: Final = 10**MAX_DIGITS


def fold(left: Number, operation: str, right: Number) -> Number | None:
    """Compute ``left operation right``; ``None`` where there is no number, or no small one.

    Parameters
    ----------
    left, right : int or float
    operation : str
        One of ``+ - * / ^``; there is no number for any other.

    Examples
    --------
    >>> fold(64, "/", 2), fold(1, "/", 3), fold(1, "/", 0), fold(9, "^", 387420489)
    (32, 0.3333333333333333, None, None)
    """
    try:
        result = _computed(left, operation, right)
    except (OverflowError, ZeroDivisionError):
        return None
    if isinstance(result, int):
        return result if abs(result) < _LARGEST else None
    return result if isinstance(result, float) and math.isfinite(result) else None


def is_exact(left: Number, operation: str, right: Number, result: Number) -> bool:
    """Whether two integers give exactly this number, without rounding."""
    if isinstance(left, float) or isinstance(right, float) or isinstance(result, int):
        return True
    numerator, denominator = (left, right) if operation == "/" else (1, left**-right)
    above, below = result.as_integer_ratio()
    return numerator * below == denominator * above


def _computed(left: Number, operation: str, right: Number) -> object:
    match operation:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if isinstance(left, int) and isinstance(right, int) and left % right == 0:
                return left // right
            return left / right
        # A power that fits the bounds has a small exponent; any other is not even begun.
        case "^" if abs(left) <= 1 or abs(right) <= _LARGEST.bit_length():
            return left**right
    return None
