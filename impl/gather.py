"""Gather: each phase as an ordinary convolution of the input, and the adjoint of that.

Phases whose taps have the same shifts share one matrix of shifted inputs and one product::

    shifted[c, j, p] = x[c, p - j]
    full[o, stride * p + r]  =  sum over c and j:  w[c, o, tap of r with shift j] * shifted[c, j, p]

The adjoint splits the cotangent into the same phases, ``split[r, o, p] = dy[o, stride * p + r]``,
once, however many taps there are.  Its products are ``w @ split``, which is added to ``dx`` once
per shift, and ``shifted @ split^T``.

If the kernel is a multiple of a large stride, the phases of a position are adjacent in the output:
then the product has positions outermost, and runs of phases are copied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from impl.geometry import Array
from impl.phases import (
    Index,
    Phases,
    Placement,
    Problem,
    Sizes,
    Spans,
    accumulate,
    block_size,
    extents,
    inside,
    last_axes,
    matmul,
    overlap,
    slices,
    write,
)
from impl.threads import deal, scratch, takes_one_thread

# Positions in a block of runs: enough rows for a product.  Such blocks are cut by output channel.
_ROWS: Final = 256

Move: TypeAlias = tuple[Index, Index]


class Run(NamedTuple):
    """The part of runs of phases that the crop leaves: indices into a product and the output."""

    in_product: Index
    shape: Sizes
    in_output: Index


@dataclass(frozen=True)
class Box:
    """A block of positions: which inputs each shift reads, and where its elements go.

    ``inputs`` holds, by pattern and shift, matching indices into the block and into the input; in
    a ``covered`` block the input has them all.  The crop removes nothing from a ``complete`` block.
    """

    sizes: Sizes
    covered: bool
    complete: bool
    inputs: Sequence[Sequence[Move | None]]
    placements: Sequence[Sequence[tuple[int, Placement]]]
    runs: Sequence[Run]


class Part(NamedTuple):
    """One block of a call: groups, batch entries, output channels of a group, positions."""

    groups: slice
    entries: slice
    outs: slice
    box: Box


def gather(problem: Problem, y: Array, block: int) -> None:
    """Write the elements of ``y (g, n, c_out, *out)`` that any phase reaches."""
    weights = _weights(problem)
    work = partial(_gather_part, problem, weights, y)
    by_groups, several = _parts_of(problem, block, kept=True)
    parts = [part for of_groups in by_groups for part in of_groups]
    deal(work, parts, several=several)


def _gather_part(problem: Problem, weights: Sequence[Array], y: Array, part: Part) -> None:
    target = y[part.groups, part.entries, part.outs]
    b = None if problem.b is None else problem.b[part.groups, :, part.outs]
    for number, w in enumerate(weights):
        shifted = _shifted(problem, part, number)
        columns = _columns(problem.phases, w, part)
        if problem.phases.in_runs:
            products = _product("phases", shifted.swapaxes(1, 2), columns)
        else:
            products = _product("phases", columns.swapaxes(1, 2), shifted)
        for source, destination in _views(problem, products, part, number, target):
            write(source, b, destination)


def gather_vjp(problem: Problem, dy: Array, dx: Array, dw: Array, block: int) -> None:
    """Add to ``dx (g, n, c_in, *size)`` and write ``dw (g, c_in, c_out, *kernel)``."""
    weights = _weights(problem)
    sums = [np.empty(w.shape, w.dtype) for w in weights]
    parts, several = _parts_of(problem, block, kept=False)

    def work(of_groups: Sequence[Part]) -> None:
        started: set[int] = set()
        for part in of_groups:
            _gather_vjp_part(problem, weights, sums, dy, dx, part, part.outs.start in started)
            started.add(part.outs.start)

    deal(work, parts, several=several)
    _put_weights(problem.phases, sums, dw)


def _gather_vjp_part(
    problem: Problem,
    weights: Sequence[Array],
    sums: Sequence[Array],
    dy: Array,
    dx: Array,
    part: Part,
    more: bool,
) -> None:
    phases, box = problem.phases, part.box
    cotangent = dy[part.groups, part.entries, part.outs]
    target = dx[part.groups, part.entries]
    for number, w in enumerate(weights):
        shifted = _shifted(problem, part, number)
        split = _split(problem, part, number, cotangent)
        accumulate(
            shifted, split.swapaxes(1, 2), _columns(phases, sums[number], part), "dw", more=more
        )
        back = _product("back", _columns(phases, w, part), split)
        moves, (k, n, c_in) = box.inputs[number], target.shape[:3]
        added = problem.spread(back, (k, c_in, len(moves)), n, box.sizes)
        for shift, move in enumerate(moves):
            if move is not None:
                in_block, in_input = move
                target[in_input] += added[:, :, shift][in_block].swapaxes(1, 2)


def _product(kind: str, left: Array, right: Array) -> Array:
    shape = (len(left), left.shape[1], right.shape[2])
    return matmul(left, right, scratch(kind, shape, left.dtype))


def _shifted(problem: Problem, part: Part, number: int) -> Array:
    """Collect what a pattern's shifts read, ``(g, c_in * shifts, n * positions)``."""
    x, box = problem.x[part.groups, part.entries], part.box
    (k, n, c_in), moves = x.shape[:3], box.inputs[number]
    if len(moves) == 1 and box.covered and box.sizes == x.shape[3:]:
        return problem.rows(x, (k, c_in)).astype(problem.dtype, copy=False)
    shape = (k, c_in * len(moves), n * math.prod(box.sizes))
    shifted = scratch("shifted", shape, problem.dtype, zeros=not box.covered)
    spread = problem.spread(shifted, (k, c_in, len(moves)), n, box.sizes)
    for shift, move in enumerate(moves):
        if move is not None:
            in_block, in_input = move
            spread[:, :, shift].swapaxes(1, 2)[in_block] = x[in_input]
    return shifted


def _weights(problem: Problem) -> list[Array]:
    """Return each pattern's weights as ``(g, c_in * shifts, phases * c_out)``, or phases last."""
    phases, (g, c_in, c_out) = problem.phases, problem.w.shape[:3]
    if phases.is_regular:
        ordered = _by_shift(phases, problem.w)
        return [ordered.reshape(g, c_in * len(phases.patterns[0].shifts), -1)]
    flat = problem.w.reshape(g, c_in, c_out, -1).swapaxes(2, 3)
    return [
        flat[:, :, pattern.numbers].reshape(g, c_in * len(pattern.shifts), -1)
        for pattern in phases.patterns
    ]


def _put_weights(phases: Phases, weights: Sequence[Array], w: Array) -> None:
    """Undo ``_weights``: write its layout back to ``w (g, c_in, c_out, *kernel)``."""
    if phases.is_regular:
        ordered = _by_shift(phases, w)
        ordered[...] = weights[0].reshape(ordered.shape)
        return
    g, c_in, c_out = w.shape[:3]
    flat = w.reshape(g, c_in, c_out, -1).swapaxes(2, 3)
    for pattern, one in zip(phases.patterns, weights, strict=True):
        shape = (len(pattern.shifts), len(pattern.phases))
        flat[:, :, pattern.numbers] = one.reshape(g, c_in, *shape, c_out)


def _by_shift(phases: Phases, w: Array) -> Array:
    """View regular weights as ``(g, c_in, *shifts, *phases, c_out)``, or phases last."""
    rank = phases.geometry.rank
    axes = zip(phases.geometry.kernel, phases.geometry.stride, strict=True)
    split = w.reshape(*w.shape[:3], *(size for k, s in axes for size in (k // s, s)))
    shifts, rests = range(3, 3 + 2 * rank, 2), range(4, 4 + 2 * rank, 2)
    last = (2, *rests) if phases.phases_last else (*rests, 2)
    return split.transpose(0, 1, *shifts, *last)


def _columns(phases: Phases, weights: Array, part: Part) -> Array:
    """Return the weights of a part's groups and output channels."""
    if not phases.phases_last:
        return weights[part.groups]
    count = math.prod(phases.geometry.stride)
    return weights[part.groups, :, part.outs.start * count : part.outs.stop * count]


def _split(problem: Problem, part: Part, number: int, dy: Array) -> Array:
    """Split ``dy`` into phases: ``(g, phases * c_out, n * positions)``, or phases last."""
    phases = problem.phases
    k, n, outs = dy.shape[:3]
    count = len(phases.patterns[number].phases)
    rows, columns = n * math.prod(part.box.sizes), outs * count
    shape = (k, rows, columns) if phases.in_runs else (k, columns, rows)
    split = scratch("phases", shape, problem.dtype, zeros=not part.box.complete)
    for target, source in _views(problem, split, part, number, dy):
        target[...] = source
    return split.swapaxes(1, 2) if phases.in_runs else split


def _views(
    problem: Problem, products: Array, part: Part, number: int, y: Array
) -> Iterator[tuple[Array, Array]]:
    """Yield pairs of views of the same elements, in a product and in ``y (g, n, c_out, *out)``."""
    (k, n, outs), box, phases = y.shape[:3], part.box, problem.phases
    stride = phases.geometry.stride
    rank = len(stride)
    if phases.in_runs:
        by_row = problem.spread(np.moveaxis(products, 1, 2), (k, products.shape[2]), n, box.sizes)
        whole = by_row.reshape(k, outs, *stride, n, *box.sizes)
        pairs = [axis for a in range(rank) for axis in (3 + rank + a, 2 + a)]
        interleaved = whole.transpose(0, 2 + rank, 1, *pairs)
        for run in box.runs:
            yield interleaved[run.in_product], y[run.in_output].reshape(k, n, outs, *run.shape)
        return
    count = len(phases.patterns[number].phases)
    if phases.phases_last:
        by_phase = problem.spread(products, (k, outs, count), n, box.sizes).swapaxes(1, 2)
    else:
        by_phase = problem.spread(products, (k, count, outs), n, box.sizes)
    for phase, placement in box.placements[number]:
        in_product = by_phase[:, phase].swapaxes(1, 2)[placement.in_block]
        yield in_product, y[placement.in_output]


def _parts_of(problem: Problem, block: int, *, kept: bool) -> tuple[Sequence[Sequence[Part]], bool]:
    """Return a call's blocks by groups, and whether they go to several threads."""
    phases, n, (c_in, c_out) = problem.phases, problem.x.shape[1], problem.channels
    most = block // problem.dtype.itemsize
    parts = _parts(phases, n, c_in, most // 4, kept)
    if not parts or not parts[0]:
        return [], False
    _, entries, _, box = parts[0][0]
    widest = max(len(p.shifts) * len(p.phases) for p in phases.patterns)
    if takes_one_thread(widest * c_in * c_out * entries.stop * math.prod(box.sizes)):
        return parts, True
    return _parts(phases, n, c_in, most, kept), False


@lru_cache(maxsize=64)
def _parts(phases: Phases, n: int, c_in: int, most: int, kept: bool) -> Sequence[Sequence[Part]]:
    geometry = phases.geometry
    c_out, outs = (geometry.out_channels // geometry.groups,) * 2
    whole = phases.kept_by_any if kept else phases.positions
    total = math.prod(extents(whole))
    if phases.phases_last:
        count = math.prod(geometry.stride)
        outs, _ = block_size(c_out, most // (count * max(1, min(total, _ROWS))))
    left = most // max(max(c_in * len(p.shifts), outs * len(p.phases)) for p in phases.patterns)
    sizes: list[int] = []
    for extent in reversed(extents(whole)):
        size, left = block_size(extent, left)
        sizes.insert(0, size)
    entries, left = block_size(n, left)
    groups, _ = block_size(geometry.groups, left)
    spans = [
        [(first + part.start, first + part.stop) for part in slices(last - first, size)]
        for (first, last), size in zip(whole, sizes, strict=True)
    ]
    boxes = [_box(phases, spatial) for spatial in product(*spans)]
    within = list(product(slices(n, entries), slices(c_out, outs), boxes))
    return [[Part(part, *rest) for rest in within] for part in slices(geometry.groups, groups)]


def _box(phases: Phases, spans: Spans) -> Box:
    patterns, whole = phases.patterns, tuple((0, size) for size in phases.geometry.in_size)
    placements = {each.phase: each for each in phases.placements(spans, spans)}
    written = [placement.elements for placement in placements.values()]
    return Box(
        sizes=extents(spans),
        covered=all(
            shift <= first and last <= size
            for (first, last), shift, (_, size) in zip(spans, phases.shift, whole, strict=True)
        ),
        complete=sum(written) == len(phases.taps) * math.prod(extents(spans)),
        inputs=[[_move(spans, shift, whole) for shift in pattern.shifts] for pattern in patterns],
        placements=[
            [
                (number, placements[phase])
                for number, phase in enumerate(pattern.phases)
                if phase in placements
            ]
            for pattern in patterns
        ],
        runs=_runs(phases, spans) if phases.in_runs else [],
    )


def _move(spans: Spans, shift: Sizes, whole: Spans) -> Move | None:
    """Return where the positions that a shift reads are, in a box and in the input."""
    axes = zip(spans, shift, strict=True)
    moved = tuple((first - j, last - j) for (first, last), j in axes)
    shared = overlap(moved, whole)
    return None if shared is None else (inside(shared, moved), inside(shared, whole))


def _runs(phases: Phases, box: Spans) -> list[Run]:
    g = phases.geometry
    axes = zip(box, g.stride, g.crop, g.out_size, strict=True)
    by_axis = [_runs_of_axis(span, s, begin, out) for span, s, (begin, _), out in axes]
    runs = []
    for combined in product(*by_axis):
        interleaved = [part for positions, rests, _ in combined for part in (positions, rests)]
        shape = tuple(part.stop - part.start for part in interleaved)
        in_output = last_axes(elements for _, _, elements in combined)
        runs.append(Run(last_axes(interleaved), shape, in_output))
    return runs


def _runs_of_axis(
    box: tuple[int, int], stride: int, begin: int, out: int
) -> list[tuple[slice, slice, slice]]:
    """Return runs as slices of positions, phases and output; cropped positions run alone."""
    first, last = box
    whole = max(first, -(-begin // stride)), min(last, (begin + out) // stride)
    cut = {begin // stride, (begin + out) // stride}
    spans = [(p, p + 1) for p in cut if first <= p < last and not whole[0] <= p < whole[1]]
    runs = []
    for p, end in [*spans, *([whole] if whole[0] < whole[1] else [])]:
        rests = slice(max(0, begin - stride * p), min(stride, begin + out - stride * p))
        if end - p > 1:
            rests = slice(0, stride)
        if rests.start < rests.stop:
            at = stride * p + rests.start - begin
            length = (end - p) * (rests.stop - rests.start)
            runs.append((slice(p - first, end - first), rests, slice(at, at + length)))
    return runs
