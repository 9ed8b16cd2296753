"""Calls of ``impl``, good and bad, by number, and what a process makes of each.

Run by itself it prints as JSON what a fresh process makes of each: one that has called nothing.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

import impl
from impl import reference


class Odd(int):
    """An integer that says it is another one."""

    def __int__(self) -> int:
        return 7

    def __hash__(self) -> int:
        return hash(1)

    def __eq__(self, other: object) -> bool:
        return True


INTEGERS = (1, 2, True, np.int8(1), np.int64(2), np.array(2), Odd(2), 0, -1, 3)
NO_INTEGERS = (
    *(1.0, 2.0, np.float64(1), np.float32(2), 1 + 0j, Fraction(2), Decimal(2), float("nan")),
    *(
        np.bool_(True),
        "2",
        "1",
        b"\x02\x02",
        bytearray(b"\x01\x01"),
        None,
        np.array([2]),
        np.array([1, 1]),
        {1, 2},
    ),
)
ONES = (1, True, np.int64(1), Odd(1), 1.0, np.float64(1), "1", None)
PAIRS = tuple(kind(pair) for pair in itertools.product(ONES, (1, 2, 2.0)) for kind in (tuple, list))
NESTED = (
    *((), (1,), (1, 1, 1), range(1, 3), ((1,), 1), ((1, 0), (0, 1)), ((1.0, 0), (0, 1))),
    *([[1, 0], [0, 1]], ((True, False), (0, 1)), ((1, 0), 1.0), ((1, 0), ("0", 1)), ((1, 0, 0), 1)),
)
OPTIONS = ("stride", "dilation", "crop", "groups")
X, W, B, DY = np.arange(80.0).reshape(1, 4, 5, 4), np.ones((4, 2, 3, 2)), np.ones(2), [[1.0]]
ARRAYS = ([[1.0]], None, "x", 1.0, np.ones(()), np.ones((1, 4, 5)), X[:, :2], X.astype("U3"))

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
FORWARD = (impl.conv_transpose, reference.conv_transpose)
GRADIENT = (impl.conv_transpose_vjp, reference.conv_transpose_vjp)
CALLS: list[Call] = [
    call
    for forward, gradient in zip(FORWARD, GRADIENT, strict=True)
    for call in (
        *(
            (function, (*arrays, X, W), {name: value})
            for function, arrays in ((forward, ()), (gradient, (np.ones((1, 2, 7, 5)),)))
            for name in OPTIONS
            for value in (*INTEGERS, *NO_INTEGERS, *PAIRS, *NESTED)
        ),
        *((forward, (odd, W, B), {}) for odd in ARRAYS),
        *((forward, (X, odd, B), {}) for odd in ARRAYS),
        *((forward, (X, W, odd), {}) for odd in ARRAYS),
        *((gradient, (odd, X, W), {}) for odd in ARRAYS),
    )
]


def verdict(number: int) -> str:
    """Make a call; return its error, or what its results are told by."""
    function, arrays, options = CALLS[number]
    try:
        results = function(*arrays, **options)
    except Exception as error:  # noqa: BLE001 -- which one it is, is what is compared
        return f"{type(error).__name__}: {error}"
    digest = hashlib.sha256()
    for array in results if isinstance(results, tuple) else (results,):
        digest.update(f"{array.shape}{array.dtype}".encode() + array.tobytes())
    return digest.hexdigest()


def fresh(number: int) -> str:
    """Return the verdict of a process that has called nothing yet."""
    reading, writing = os.pipe()
    if not os.fork():
        os.write(writing, verdict(number).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        found = answer.read().decode()
    os.wait()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps([fresh(number) for number in range(len(CALLS))]))
