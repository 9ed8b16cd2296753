"""The loops of ``impl.direct``, compiled by numba: import only where numba is installed.

Their ``layout`` is ``(stride, size, lead, room, block, starts, offsets)``: the stride, the fields
of a ``Frame``, the number of each phase's first term, and the offset at which each term reads the
input.  ``padded`` holds each input channel with zeros around it, so that every term of a block of
positions reads one contiguous run.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

from impl.geometry import Array

# With NUMBA_DISABLE_JIT they stay plain Python, a thousand times slower than any product.
IS_COMPILED: Final = not numba.config.DISABLE_JIT

# Allow fused multiply-add only; NaN, infinities and the order of sums stay as written.
_compiled = numba.njit(cache=True, nogil=True, fastmath={"contract"})


@_compiled
def sum_phases(
    x: Array,
    y: Array,
    b: Array,
    weights: Array,
    layout: Any,
    parts: Any,
    padded: Array,
    sums: Array,
) -> None:
    """Write the output channels ``parts[0]`` to ``parts[1]`` of ``y (n, g, c_out, *out)``.

    Channels are counted in the order of ``y``, over entries and groups.

    ``x`` is ``(n, g, c_in, *in)``, ``b`` is ``(g, c_out)`` and ``weights`` is
    ``(g, c_out, terms)``; ``sums`` has room for one block of positions of each phase of the last
    axis.
    """
    groups, outs = y.shape[1], y.shape[2]
    framed = -1
    for part in range(parts[0], parts[1]):
        row, o = divmod(part, outs)
        n, g = divmod(row, groups)
        if row != framed:
            _frame(x[n, g], layout, padded)
            framed = row
        _sum_channel(y[n, g, o], b[g, o], weights[g, o], layout, padded, sums)


@_compiled
def _frame(x: Array, layout: Any, padded: Array) -> None:
    _, (height, width), lead, room, _, _, _ = layout
    channels, depth, rows, columns = x.shape
    for c in range(channels):
        for d in range(depth):
            for h in range(rows):
                at = c * room + lead + (d * height + h) * width
                to = padded[at : at + columns]
                for i in range(columns):
                    to[i] = x[c, d, h, i]


@_compiled
def _sum_channel(
    y: Array, bias: Any, weights: Array, layout: Any, padded: Array, sums: Array
) -> None:
    (s0, s1, s2), (height, width), lead, _, (most_rows, most_columns), starts, offsets = layout
    positions = -(-y.shape[2] // s2)
    for depth in range(y.shape[0]):
        q0, r0 = divmod(depth, s0)
        for r1 in range(min(s1, y.shape[1])):
            phase = (r0 * s1 + r1) * s2
            lines = -(-(y.shape[1] - r1) // s1)
            for q1 in range(0, lines, most_rows):
                rows = min(most_rows, lines - q1)
                for q2 in range(0, positions, most_columns):
                    columns = min(most_columns, positions - q2)
                    size = (rows - 1) * width + columns
                    at = lead + (q0 * height + q1) * width + q2
                    for r2 in range(s2):
                        first, last = starts[phase + r2], starts[phase + r2 + 1]
                        to = sums[r2 * size : (r2 + 1) * size]
                        _add(bias, weights, offsets, first, last, padded, at, to)
                    begin, end = s2 * q2, min(s2 * (q2 + columns), y.shape[2])
                    top = s1 * q1 + r1
                    out = y[depth, top : top + s1 * (rows - 1) + 1]
                    _write(sums, size, width, out, (s1, s2), begin, end)


@_compiled
def _add(
    bias: Any,
    weights: Array,
    offsets: Array,
    first: int,
    last: int,
    padded: Array,
    at: int,
    sums: Array,
) -> None:
    """Write the sum of a phase's terms, four at a time to read and write ``sums`` less often."""
    size = len(sums)
    fours = first + (last - first) // 4 * 4
    if first == fours:
        for i in range(size):
            sums[i] = bias
    for t in range(first, fours, 4):
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        a0, a1, a2, a3 = offsets[t], offsets[t + 1], offsets[t + 2], offsets[t + 3]
        x0, x1 = padded[at + a0 : at + a0 + size], padded[at + a1 : at + a1 + size]
        x2, x3 = padded[at + a2 : at + a2 + size], padded[at + a3 : at + a3 + size]
        if t == first:
            for i in range(size):
                sums[i] = bias + w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
        else:
            for i in range(size):
                sums[i] += w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
    for t in range(fours, last):
        weight = weights[t]
        inputs = padded[at + offsets[t] : at + offsets[t] + size]
        for i in range(size):
            sums[i] += weight * inputs[i]


@_compiled
def _write(
    sums: Array, size: int, width: int, out: Array, stride: Any, begin: int, end: int
) -> None:
    """Interleave: ``out[s1 * q, begin + s2 * p + r] = sums[size * r + width * q + p]``.

    The most common strides write all phases in one pass, which the compiler can vectorize.
    """
    s1, s2 = stride
    whole = (end - begin) // s2
    # Unsigned: numba tests signed indices for negative values in every step.
    count, first = np.uintp(whole), np.uintp(begin)
    one, two, three, four = np.uintp(1), np.uintp(2), np.uintp(3), np.uintp(4)
    for row in range(0, len(out), s1):
        to, at = out[row], row // s1 * width
        if s2 == 2:
            r0, r1 = np.uintp(at), np.uintp(at + size)
            for p in range(count):
                to[first + two * p] = sums[r0 + p]
                to[first + two * p + one] = sums[r1 + p]
        elif s2 == 4:
            r0, r1 = np.uintp(at), np.uintp(at + size)
            r2, r3 = np.uintp(at + 2 * size), np.uintp(at + 3 * size)
            for p in range(count):
                to[first + four * p] = sums[r0 + p]
                to[first + four * p + one] = sums[r1 + p]
                to[first + four * p + two] = sums[r2 + p]
                to[first + four * p + three] = sums[r3 + p]
        else:
            pace = np.uintp(s2)
            for r in range(s2):
                r0, r1 = np.uintp(at + r * size), np.uintp(begin + r)
                for p in range(count):
                    to[r1 + pace * p] = sums[r0 + p]
        for i in range(s2 * whole, end - begin):
            to[begin + i] = sums[size * (i % s2) + at + i // s2]
