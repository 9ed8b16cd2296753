"""Gather: each phase as an ordinary convolution of the input, and the adjoint of that.

Phases whose taps have the same shifts share one matrix of shifted inputs and one product::

    shifted[c, j, p] = x[c, p - j]
    full[o, stride * p + r]  =  sum over c and j:  w[c, o, tap of r with shift j] * shifted[c, j, p]

The adjoint splits the cotangent into the same phases, ``made[r, o, p] = dy[o, stride * p + r]``,
once, whatever the number of taps; its products are ``w @ made``, which adds to ``dx`` with each
shift, and ``shifted @ made^T``.

Where a kernel is a multiple of a large stride, the phases of a position lie side by side in the
output: there the product is made with positions outermost, and runs of phases are copied.
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
    Problem,
    Put,
    Sizes,
    Spans,
    accumulate,
    extents,
    inside,
    last_axes,
    matmul,
    overlap,
    slices,
    some,
    write,
)
from impl.threads import deal, scratch, takes_one_thread

# Positions of a block of runs: enough rows for a product; such blocks are cut by output channels.
_ROWS: Final = 256

Move: TypeAlias = tuple[Index, Index]


class Run(NamedTuple):
    """What the crop leaves of runs of phases: where positions, phases and the output have it."""

    made: Index
    shape: Sizes
    places: Index


@dataclass(frozen=True)
class Box:
    """A block of positions: what each shift meets of the input, and where its elements go.

    ``met`` holds, by pattern and shift, where the block and where the input has what both have;
    nothing is beyond it where the block is ``covered``.  ``complete`` is a block of which the
    crop leaves everything.
    """

    sizes: Sizes
    covered: bool
    complete: bool
    met: Sequence[Sequence[Move | None]]
    puts: Sequence[Sequence[tuple[int, Put]]]
    runs: Sequence[Run]


class Part(NamedTuple):
    """Groups, batch entries, output channels of a group and a box of positions: one block."""

    groups: slice
    entries: slice
    outs: slice
    box: Box


def gather(problem: Problem, y: Array, block: int) -> None:
    """Write into ``y (g, n, c_out, *out)`` all that phases reach of it."""
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
            made = _product("made", shifted.swapaxes(1, 2), columns)
        else:
            made = _product("made", columns.swapaxes(1, 2), shifted)
        for source, place in _places(problem, made, part, number, target):
            write(source, b, place)


def gather_vjp(problem: Problem, dy: Array, dx: Array, dw: Array, block: int) -> None:
    """Add to ``dx (g, n, c_in, *size)`` and write ``dw (g, c_in, c_out, *kernel)``."""
    weights = _weights(problem)
    sums = [np.empty(w.shape, w.dtype) for w in weights]
    parts, several = _parts_of(problem, block, kept=False)

    def work(of_groups: Sequence[Part]) -> None:
        begun: set[int] = set()
        for part in of_groups:
            _gather_vjp_part(problem, weights, sums, dy, dx, part, part.outs.start in begun)
            begun.add(part.outs.start)

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
        made = _taken_apart(problem, part, number, cotangent)
        accumulate(
            shifted, made.swapaxes(1, 2), _columns(phases, sums[number], part), "dw", more=more
        )
        back = _product("back", _columns(phases, w, part), made)
        moves, (k, n, c_in) = box.met[number], target.shape[:3]
        added = problem.spread(back, (k, c_in, len(moves)), n, box.sizes)
        for shift, move in enumerate(moves):
            if move is not None:
                source, place = move
                target[place] += added[:, :, shift][source].swapaxes(1, 2)


def _product(kind: str, left: Array, right: Array) -> Array:
    shape = (len(left), left.shape[1], right.shape[2])
    return matmul(left, right, scratch(kind, shape, left.dtype))


def _shifted(problem: Problem, part: Part, number: int) -> Array:
    """What the shifts of a pattern meet, ``(g, c_in * shifts, n * positions)``."""
    x, box = problem.x[part.groups, part.entries], part.box
    (k, n, c_in), moves = x.shape[:3], box.met[number]
    if len(moves) == 1 and box.covered and box.sizes == x.shape[3:]:
        return problem.rows(x, (k, c_in)).astype(problem.dtype, copy=False)
    shape = (k, c_in * len(moves), n * math.prod(box.sizes))
    shifted = scratch("shifted", shape, problem.dtype, zeros=not box.covered)
    spread = problem.spread(shifted, (k, c_in, len(moves)), n, box.sizes)
    for shift, move in enumerate(moves):
        if move is not None:
            place, source = move
            spread[:, :, shift].swapaxes(1, 2)[place] = x[source]
    return shifted


def _weights(problem: Problem) -> list[Array]:
    """Each pattern's weights as ``(g, c_in * shifts, phases * c_out)``, or phases last."""
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
    """Write weights as ``_weights`` makes them back into ``(g, c_in, c_out, *kernel)``."""
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
    """The weights of a part's groups and output channels."""
    if not phases.phases_last:
        return weights[part.groups]
    count = math.prod(phases.geometry.stride)
    return weights[part.groups, :, part.outs.start * count : part.outs.stop * count]


def _taken_apart(problem: Problem, part: Part, number: int, dy: Array) -> Array:
    """The cotangent of a product: ``(g, phases * c_out, n * positions)``, or phases last."""
    phases = problem.phases
    k, n, outs = dy.shape[:3]
    count = len(phases.patterns[number].phases)
    rows, columns = n * math.prod(part.box.sizes), outs * count
    shape = (k, rows, columns) if phases.in_runs else (k, columns, rows)
    made = scratch("made", shape, problem.dtype, zeros=not part.box.complete)
    for target, source in _places(problem, made, part, number, dy):
        target[...] = source
    return made.swapaxes(1, 2) if phases.in_runs else made


def _places(
    problem: Problem, made: Array, part: Part, number: int, y: Array
) -> Iterator[tuple[Array, Array]]:
    """Pairs of views of the same elements: of a product, and of ``y (g, n, c_out, *out)``."""
    (k, n, outs), box, phases = y.shape[:3], part.box, problem.phases
    stride = phases.geometry.stride
    rank = len(stride)
    if phases.in_runs:
        by_row = problem.spread(np.moveaxis(made, 1, 2), (k, made.shape[2]), n, box.sizes)
        whole = by_row.reshape(k, outs, *stride, n, *box.sizes)
        pairs = [axis for a in range(rank) for axis in (3 + rank + a, 2 + a)]
        interleaved = whole.transpose(0, 2 + rank, 1, *pairs)
        for run in box.runs:
            yield interleaved[run.made], y[run.places].reshape(k, n, outs, *run.shape)
        return
    count = len(phases.patterns[number].phases)
    if phases.phases_last:
        by_phase = problem.spread(made, (k, outs, count), n, box.sizes).swapaxes(1, 2)
    else:
        by_phase = problem.spread(made, (k, count, outs), n, box.sizes)
    for place, put in box.puts[number]:
        yield by_phase[:, place].swapaxes(1, 2)[put.inside], y[put.places]


def _parts_of(problem: Problem, block: int, *, kept: bool) -> tuple[Sequence[Sequence[Part]], bool]:
    """All blocks of a call, by groups, and whether they are for several threads."""
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
        outs, _ = some(c_out, most // (count * max(1, min(total, _ROWS))))
    left = most // max(max(c_in * len(p.shifts), outs * len(p.phases)) for p in phases.patterns)
    sizes: list[int] = []
    for extent in reversed(extents(whole)):
        size, left = some(extent, left)
        sizes.insert(0, size)
    entries, left = some(n, left)
    groups, _ = some(geometry.groups, left)
    spans = [
        [(first + part.start, first + part.stop) for part in slices(last - first, size)]
        for (first, last), size in zip(whole, sizes, strict=True)
    ]
    boxes = [_box(phases, spatial) for spatial in product(*spans)]
    within = list(product(slices(n, entries), slices(c_out, outs), boxes))
    return [[Part(some_, *rest) for rest in within] for some_ in slices(geometry.groups, groups)]


def _box(phases: Phases, spans: Spans) -> Box:
    patterns, there = phases.patterns, tuple((0, size) for size in phases.geometry.in_size)
    puts = {put.phase: put for put in phases.puts(spans, spans)}
    written = [put.elements for put in puts.values()]
    return Box(
        sizes=extents(spans),
        covered=all(
            shift <= first and last <= size
            for (first, last), shift, (_, size) in zip(spans, phases.shift, there, strict=True)
        ),
        complete=sum(written) == len(phases.taps) * math.prod(extents(spans)),
        met=[[_met(spans, shift, there) for shift in pattern.shifts] for pattern in patterns],
        puts=[
            [(place, puts[phase]) for place, phase in enumerate(pattern.phases) if phase in puts]
            for pattern in patterns
        ],
        runs=_runs(phases, spans) if phases.in_runs else [],
    )


def _met(spans: Spans, shift: Sizes, there: Spans) -> Move | None:
    """Where a box, and where the input, has the positions that a shift meets."""
    axes = zip(spans, shift, strict=True)
    moved = tuple((first - j, last - j) for (first, last), j in axes)
    met = overlap(moved, there)
    return None if met is None else (inside(met, moved), inside(met, there))


def _runs(phases: Phases, box: Spans) -> list[Run]:
    g = phases.geometry
    axes = zip(box, g.stride, g.crop, g.out_size, strict=True)
    by_axis = [_runs_of_axis(span, s, begin, out) for span, s, (begin, _), out in axes]
    found = []
    for combined in product(*by_axis):
        made = [part for positions, rests, _ in combined for part in (positions, rests)]
        shape = tuple(part.stop - part.start for part in made)
        found.append(Run(last_axes(made), shape, last_axes(place for _, _, place in combined)))
    return found


def _runs_of_axis(
    box: tuple[int, int], stride: int, begin: int, out: int
) -> list[tuple[slice, slice, slice]]:
    """Positions of a box, phases and output elements: a cut position, whole ones, a cut one."""
    first, last = box
    whole = max(first, -(-begin // stride)), min(last, (begin + out) // stride)
    cut = {begin // stride, (begin + out) // stride}
    spans = [(p, p + 1) for p in cut if first <= p < last and not whole[0] <= p < whole[1]]
    found = []
    for p, end in [*spans, *([whole] if whole[0] < whole[1] else [])]:
        rests = slice(max(0, begin - stride * p), min(stride, begin + out - stride * p))
        if end - p > 1:
            rests = slice(0, stride)
        if rests.start < rests.stop:
            at = stride * p + rests.start - begin
            length = (end - p) * (rests.stop - rests.start)
            found.append((slice(p - first, end - first), rests, slice(at, at + length)))
    return found
