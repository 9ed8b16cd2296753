"""Layers whose output is a single matrix product, with nothing to add or to move.

A kernel of one element with stride 1 mixes channels at each position,
``y[n, o, p] = sum over c: w[c, o] * x[n, c, p]``; an input of one position scales the kernel,
``y[n, o, t] = sum over c: w[c, o, t] * x[n, c]``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from impl.geometry import Array
from impl.phases import Phases, Problem, accumulate, matmul

# From this many positions on, each batch entry gets a product of its own.
_WIDE: Final = 64


@lru_cache(maxsize=256)
def is_product(phases: Phases, n: int) -> bool:
    """Whether the output is a product of the arrays as they are in memory."""
    geometry = phases.geometry
    if any(side for pair in geometry.crop for side in pair):
        return False
    if math.prod(geometry.in_size) == 1:
        return geometry.out_size == geometry.kernel
    mixes = math.prod(geometry.kernel) == 1 and geometry.out_size == geometry.in_size
    return mixes and (n == 1 or math.prod(geometry.in_size) >= _WIDE)


def multiply(problem: Problem, y: Array) -> None:
    """Write ``y (n, c_out, *out)``, which must be contiguous."""
    g, n, c_in = problem.x.shape[:3]
    x, w = problem.x.reshape(g, n, c_in, -1), problem.w.reshape(g, c_in, -1)
    if x.shape[3] == 1:
        matmul(x[..., 0], w, y.reshape(n, g, -1).swapaxes(0, 1))
    else:
        out = y.reshape(n, g, -1, x.shape[3]).swapaxes(0, 1)
        matmul(w.swapaxes(1, 2)[:, None], x, out)
    if problem.b is not None:
        y += problem.b.reshape(-1, *(1,) * (y.ndim - 2))


def multiply_vjp(problem: Problem, dy: Array, dx: Array, dw: Array) -> None:
    """Write ``dx`` and ``dw``, which must be contiguous, from ``dy (n, c_out, *out)``."""
    g, n, c_in = problem.x.shape[:3]
    x, w = problem.x.reshape(g, n, c_in, -1), problem.w.reshape(g, c_in, -1)
    to = dx.reshape(n, g, c_in, -1).swapaxes(0, 1)
    sums = dw.reshape(g, c_in, -1)
    if x.shape[3] == 1:
        rows = dy.reshape(n, g, -1).swapaxes(0, 1)
        matmul(rows, w.swapaxes(1, 2), to[..., 0])
        matmul(x[..., 0].swapaxes(1, 2), rows, sums)
        return
    cotangent = dy.reshape(n, g, -1, x.shape[3]).swapaxes(0, 1)
    matmul(w[:, None], cotangent, to)
    for entry in range(n):
        by_position = cotangent[:, entry].swapaxes(1, 2)
        accumulate(x[:, entry], by_position, sums, "dw", more=entry > 0)
