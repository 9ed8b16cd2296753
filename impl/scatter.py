"""Scatter: every input element through the whole kernel, and the adjoint of that.

One product makes all taps of all positions; each tap is added to its phase, ``j`` positions
further::

    columns[o, t, p] = sum over c:  w[c, o, t] * x[c, p]
    full[o, stride * p + r]  =  sum over the taps t of phase r:  columns[o, t, p - j(t)]

The adjoint is one matrix of the cotangent's elements that each tap meets, ``met[o, t, p]``, and two
products, ``dx = w @ met`` and ``dw = x @ met^T``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from operator import add
from typing import Final

import numpy as np

from impl.geometry import Array
from impl.phases import (
    Index,
    Phases,
    Problem,
    Put,
    Sizes,
    accumulate,
    extents,
    last_axes,
    matmul,
    slices,
    some,
    write,
)
from impl.threads import deal, scratch, takes_one_thread

# Positions from which on each batch entry has a product of its own; fewer are folded into one.
_WIDE: Final = 64


@dataclass(frozen=True)
class Rows:
    """A block of input rows: what each tap is added to, and what the output has of it.

    ``finished`` are the positions to which no later row adds anything, ``met`` all that rows reach.
    """

    rows: slice
    size: Sizes
    extended: Sizes
    added: Mapping[Sizes, Sequence[tuple[int, Index]]]
    finished: Mapping[Sizes, Put]
    met: Mapping[Sizes, Put]


@dataclass(frozen=True)
class Blocks:
    """How a call is cut."""

    groups: Sequence[slice]
    entries: Sequence[slice]
    outs: Sequence[slice]
    rows: Sequence[Rows]


def scatter(problem: Problem, y: Array, block: int) -> None:
    """Write into ``y (g, n, c_out, *out)`` all that phases reach of it."""
    blocks, several = _blocks_of(problem, block)
    parts = list(product(blocks.groups, blocks.entries, blocks.outs))
    deal(partial(_scatter_part, problem, blocks.rows, y), parts, several=several)


def _scatter_part(
    problem: Problem, every_rows: Sequence[Rows], y: Array, part: tuple[slice, slice, slice]
) -> None:
    groups, entries, outs = part
    b = None if problem.b is None else problem.b[groups, :, outs]
    x, target = problem.x[groups, entries], y[groups, entries, outs]
    w = problem.w[groups, :, outs].reshape(*problem.w[groups].shape[:2], -1).swapaxes(1, 2)
    begun: dict[Sizes, Array] = {}
    for rows in every_rows:
        columns = _columns(problem, w, x[:, :, :, rows.rows], rows.size)
        for phase in problem.phases.kept:
            sums = _added(problem, rows, phase, columns, begun.get(phase))
            if rows is not every_rows[-1]:
                begun[phase] = sums[:, :, :, rows.size[0] :].copy()
            if (put := rows.finished.get(phase)) is not None:
                write(sums[put.inside], b, target[put.places])


def _columns(problem: Problem, w: Array, x: Array, size: Sizes) -> Array:
    """All taps of all positions, ``(g, n, c_out, taps, *size)``."""
    k, n, c_in = x.shape[:3]
    taps, positions = math.prod(problem.phases.geometry.kernel), math.prod(size)
    if n > 1 and positions >= _WIDE and not problem.entries_last:
        flat = x.reshape(k, n, c_in, -1).astype(problem.dtype, copy=False)
        columns = scratch("columns", (k, n, w.shape[1], positions), problem.dtype)
        matmul(w[:, None], flat, columns)
        return columns.reshape(k, n, -1, taps, *size)
    folded = scratch("columns", (k, w.shape[1], n * positions), problem.dtype)
    matmul(w, problem.rows(x, (k, c_in)).astype(problem.dtype, copy=False), folded)
    spread = problem.spread(folded, (k, w.shape[1] // taps, taps), n, size)
    return np.moveaxis(spread, 3, 1)


def _added(
    problem: Problem, rows: Rows, phase: Sizes, columns: Array, begun: Array | None
) -> Array:
    """Add the taps of a phase, to what the block of rows before has begun of it."""
    added = rows.added[phase]
    if rows.extended == rows.size:
        return columns[:, :, :, added[0][0]]
    k, n, outs = columns.shape[:3]
    shape = (k, outs, n * math.prod(rows.extended))
    sums = scratch("sums", shape, problem.dtype, zeros=True)
    sums = problem.spread(sums, (k, outs), n, rows.extended).swapaxes(1, 2)
    if begun is not None:
        sums[:, :, :, : begun.shape[3]] = begun
    for number, at in added:
        sums[at] += columns[:, :, :, number]
    return sums


def scatter_vjp(problem: Problem, dy: Array, dx: Array, dw: Array, block: int) -> None:
    """Write ``dx (g, n, c_in, *size)`` and ``dw (g, c_in, c_out, *kernel)``."""
    blocks, several = _blocks_of(problem, block)
    work = partial(_scatter_vjp_groups, problem, blocks, dy, dx, dw)
    deal(work, blocks.groups, several=several)


def _scatter_vjp_groups(
    problem: Problem, blocks: Blocks, dy: Array, dx: Array, dw: Array, groups: slice
) -> None:
    for number, (entries, rows) in enumerate(product(blocks.entries, blocks.rows)):
        x = problem.x[groups, entries, :, rows.rows]
        k, n, c_in = x.shape[:3]
        flat = problem.rows(x, (k, c_in)).astype(problem.dtype, copy=False)
        sums = scratch("sums", flat.shape, problem.dtype)
        for outs in blocks.outs:
            met = _met(problem, rows, dy[groups, entries, outs])
            w = problem.w[groups, :, outs].reshape(k, c_in, -1)
            accumulate(w, met, sums, "dx", more=outs is not blocks.outs[0])
            to = dw[groups, :, outs].reshape(k, c_in, -1)
            accumulate(flat, met.swapaxes(1, 2), to, "dw", more=number > 0)
        made = problem.spread(sums, (k, c_in), n, rows.size)
        dx[groups, entries, :, rows.rows] = made.swapaxes(1, 2)


def _met(problem: Problem, rows: Rows, dy: Array) -> Array:
    """What taps meet, ``(g, c_out * taps, n * positions)``, of ``dy (g, n, c_out, *out)``."""
    k, n, outs = dy.shape[:3]
    taps, positions = math.prod(problem.phases.geometry.kernel), math.prod(rows.size)
    flat = scratch("met", (k, outs * taps, n * positions), problem.dtype)
    met = problem.spread(flat, (k, outs, taps), n, rows.size)
    extended = math.prod(rows.extended)
    for phase, added in rows.added.items():
        put = rows.met.get(phase)
        whole = put is not None and put.elements == extended
        if rows.extended == rows.size:
            split = met[:, :, added[0][0]]
            if not whole:
                split[...] = 0
        else:
            shape = (k, outs, n * extended)
            split = scratch("split", shape, problem.dtype, zeros=not whole)
            split = problem.spread(split, (k, outs), n, rows.extended)
        if put is not None:
            split.swapaxes(1, 2)[put.inside] = dy[put.places]
        if rows.extended != rows.size:
            for number, at in added:
                met[:, :, number] = split[at]
    return flat


def _blocks_of(problem: Problem, block: int) -> tuple[Blocks, bool]:
    """How a call is cut, and whether that is for several threads."""
    phases, n, (c_in, _) = problem.phases, problem.x.shape[1], problem.channels
    most = block // problem.dtype.itemsize
    blocks = _blocks(phases, n, most // 4)
    outs, entries, rows = blocks.outs[0].stop, blocks.entries[0].stop, blocks.rows[0]
    for_one_position = c_in * outs * math.prod(phases.geometry.kernel)
    if takes_one_thread(for_one_position * entries * math.prod(rows.size)):
        return blocks, True
    return _blocks(phases, n, most), False


@lru_cache(maxsize=64)
def _blocks(phases: Phases, n: int, most: int) -> Blocks:
    geometry = phases.geometry
    size, c_out = geometry.in_size, geometry.out_channels // geometry.groups
    outs, left = some(c_out, most // (math.prod(geometry.kernel) * math.prod(size[1:])))
    rows, left = some(size[0], left)
    entries, left = some(n, left)
    groups, _ = some(geometry.groups, left)
    return Blocks(
        slices(geometry.groups, groups),
        slices(n, entries),
        slices(c_out, outs),
        [_rows(phases, part) for part in slices(size[0], rows)],
    )


def _rows(phases: Phases, rows: slice) -> Rows:
    whole, shift = phases.geometry.in_size, phases.shift
    size = (rows.stop - rows.start, *whole[1:])
    inner = phases.positions[1:]
    end = rows.stop + (shift[0] if rows.stop == whole[0] else 0)
    reached = ((rows.start, rows.stop + shift[0]), *inner)
    return Rows(
        rows=rows,
        size=size,
        extended=extents(reached),
        added={
            phase: [
                (tap.number, last_axes(map(slice, tap.shift, map(add, tap.shift, size))))
                for tap in taps
            ]
            for phase, taps in phases.taps.items()
        },
        finished={put.phase: put for put in phases.puts(((rows.start, end), *inner), reached)},
        met={put.phase: put for put in phases.puts(reached, reached)},
    )
