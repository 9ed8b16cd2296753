"""Scatter: every input element through the whole kernel, and the adjoint of that.

One product computes all taps at all positions; each tap is then added to its phase, shifted by
``j`` positions::

    columns[o, t, p] = sum over c:  w[c, o, t] * x[c, p]
    full[o, stride * p + r]  =  sum over the taps t of phase r:  columns[o, t, p - j(t)]

The adjoint collects the cotangent's elements under each tap, ``patches[o, t, p]``, and needs two
products: ``dx = w @ patches`` and ``dw = x @ patches^T``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
    Placement,
    Problem,
    Sizes,
    accumulate,
    block_size,
    extents,
    last_axes,
    matmul,
    slices,
    write,
)
from impl.threads import deal, scratch, takes_one_thread

# From this many positions on, each batch entry gets a product of its own; fewer share one.
_WIDE: Final = 64


@dataclass(frozen=True)
class Rows:
    """A block of input rows: where each tap is added, and where the sums go in the output.

    ``finished`` places the positions to which no later row adds anything, ``reached`` all positions
    that the rows reach.
    """

    rows: slice
    size: Sizes
    extended: Sizes
    targets: Mapping[Sizes, Sequence[tuple[int, Index]]]
    finished: Mapping[Sizes, Placement]
    reached: Mapping[Sizes, Placement]


@dataclass(frozen=True)
class Blocks:
    """How a call is cut into blocks."""

    groups: Sequence[slice]
    entries: Sequence[slice]
    outs: Sequence[slice]
    rows: Sequence[Rows]


def scatter(problem: Problem, y: Array, block: int) -> None:
    """Write the elements of ``y (g, n, c_out, *out)`` that any phase reaches."""
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
    carried: dict[Sizes, Array] = {}
    for rows in every_rows:
        columns = _columns(problem, w, x[:, :, :, rows.rows], rows.size)
        for phase in problem.phases.kept:
            sums = _phase_sums(problem, rows, phase, columns, carried.get(phase))
            if rows is not every_rows[-1]:
                carried[phase] = sums[:, :, :, rows.size[0] :].copy()
            if (placement := rows.finished.get(phase)) is not None:
                write(sums[placement.in_block], b, target[placement.in_output])


def _columns(problem: Problem, w: Array, x: Array, size: Sizes) -> Array:
    """Compute all taps at all positions, ``(g, n, c_out, taps, *size)``."""
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


def _phase_sums(
    problem: Problem, rows: Rows, phase: Sizes, columns: Array, carried: Array | None
) -> Array:
    """Add up the taps of a phase, starting from what the previous block of rows carried over."""
    targets = rows.targets[phase]
    if rows.extended == rows.size:
        return columns[:, :, :, targets[0][0]]
    k, n, outs = columns.shape[:3]
    shape = (k, outs, n * math.prod(rows.extended))
    sums = scratch("sums", shape, problem.dtype, zeros=True)
    sums = problem.spread(sums, (k, outs), n, rows.extended).swapaxes(1, 2)
    if carried is not None:
        sums[:, :, :, : carried.shape[3]] = carried
    for number, at in targets:
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
            patches = _patches(problem, rows, dy[groups, entries, outs])
            w = problem.w[groups, :, outs].reshape(k, c_in, -1)
            accumulate(w, patches, sums, "dx", more=outs is not blocks.outs[0])
            to = dw[groups, :, outs].reshape(k, c_in, -1)
            accumulate(flat, patches.swapaxes(1, 2), to, "dw", more=number > 0)
        gradient = problem.spread(sums, (k, c_in), n, rows.size)
        dx[groups, entries, :, rows.rows] = gradient.swapaxes(1, 2)


def _patches(problem: Problem, rows: Rows, dy: Array) -> Array:
    """Collect ``(g, c_out * taps, n * positions)`` from ``dy (g, n, c_out, *out)``."""
    k, n, outs = dy.shape[:3]
    taps, positions = math.prod(problem.phases.geometry.kernel), math.prod(rows.size)
    flat = scratch("patches", (k, outs * taps, n * positions), problem.dtype)
    patches = problem.spread(flat, (k, outs, taps), n, rows.size)
    extended = math.prod(rows.extended)
    for phase, targets in rows.targets.items():
        placement = rows.reached.get(phase)
        whole = placement is not None and placement.elements == extended
        if rows.extended == rows.size:
            split = patches[:, :, targets[0][0]]
            if not whole:
                split[...] = 0
        else:
            shape = (k, outs, n * extended)
            split = scratch("split", shape, problem.dtype, zeros=not whole)
            split = problem.spread(split, (k, outs), n, rows.extended)
        if placement is not None:
            split.swapaxes(1, 2)[placement.in_block] = dy[placement.in_output]
        if rows.extended != rows.size:
            for number, at in targets:
                patches[:, :, number] = split[at]
    return flat


def _blocks_of(problem: Problem, block: int) -> tuple[Blocks, bool]:
    """Return how a call is cut, and whether its blocks go to several threads."""
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
    outs, left = block_size(c_out, most // (math.prod(geometry.kernel) * math.prod(size[1:])))
    rows, left = block_size(size[0], left)
    entries, left = block_size(n, left)
    groups, _ = block_size(geometry.groups, left)
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
    block = ((rows.start, rows.stop + shift[0]), *inner)
    return Rows(
        rows=rows,
        size=size,
        extended=extents(block),
        targets={
            phase: [
                (tap.number, last_axes(map(slice, tap.shift, map(add, tap.shift, size))))
                for tap in taps
            ]
            for phase, taps in phases.taps.items()
        },
        finished=_by_phase(phases.placements(((rows.start, end), *inner), block)),
        reached=_by_phase(phases.placements(block, block)),
    )


def _by_phase(placements: Iterable[Placement]) -> dict[Sizes, Placement]:
    return {placement.phase: placement for placement in placements}
