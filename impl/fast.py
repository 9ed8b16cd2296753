"""Transposed convolution made of matrix products.

Along each axis an element of the full output is ``stride * p + r``: position ``p`` of *phase*
``r``; and ``dilation * t`` of kernel element ``t`` is ``stride * j + r``: it belongs to that phase,
with *shift* ``j``.  The definition then falls apart into one small dense convolution per phase::

    full[o, stride * p + r]  =  sum over c and the taps t of phase r:  w[c, o, t] * x[c, p - j(t)]

There are two ways to make matrix products of it, in the words of Dumoulin and Visin
(arXiv:1603.07285) the transposed and the ordinary convolution; Shi et al. (arXiv:1609.07009) show
that they are the same.

Scatter
    One product makes all taps of all positions, ``columns[o, t, p] = sum_c w[c, o, t] * x[c, p]``;
    each tap is added to its phase, ``j`` positions further.  It moves
    ``c_out * taps * positions`` elements.
Gather
    Phases whose taps have the same shifts share one matrix of shifted inputs,
    ``shifted[c, j, p] = x[c, p - j]``, and one product with their weights.  It moves
    ``c_in * shifts * positions`` elements, and copies the weights once.  A kernel that is a
    multiple of the stride has one set of shifts for all phases.

The cost model counts the elements moved, and the calls: the multiplications are the same.  A copy
costs half of an addition into place, and a call as much as 5000 of these;
``benchmarks/implementation.py`` holds what is chosen against the frameworks, on the layers of known
models.  Gathering has another price: where the weights are infinite, the zeros beyond the input
would give NaN that the definition does not have.  So it is for finite weights of moderate size.

The gradients are the adjoint of scattering: one matrix of the cotangent's elements that each tap
meets, ``met[o, t, p]``, gives ``dx = w @ met`` and ``dw = x @ met^T``.

All of them go block by block: the memory beside inputs and output stays below 64 MiB.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from impl import reference
from impl.geometry import Array, Crop, Geometry, PerAxis, accumulator
from impl.phases import Problem, Sizes, Spans, inside, last_axes, overlap

Way: TypeAlias = Literal["scatter", "gather"]

# Bytes of one block's largest array: larger ones leave the caches, smaller ones cost more calls.
BLOCK: Final = 4 << 20
_MOST_WEIGHTS: Final = 32 << 20
# Phases from which on it is quicker to interleave them beside the output than one by one in it.
_MANY: Final = 16
# What the cost model counts: elements moved, in units of an addition into place.
_COPY: Final = 0.5
_COPY_OF_WEIGHTS: Final = 1.0
_CALL: Final = 5000.0


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
) -> Array:
    """Transposed convolution, as :func:`impl.reference.conv_transpose` defines it.

    Parameters
    ----------
    x : (n, c_in, *in_size) array
    w : (c_in, c_out // groups, *kernel) array
    b : (c_out,) array, optional
    stride, dilation : int or one int per spatial axis, default 1
    crop : int, or per spatial axis an int or a (begin, end) pair, default 0
    groups : int, default 1

    Returns
    -------
    y : (n, c_out, *out_size) array
        Integers are exact, half precision is accumulated in single and rounded once.

    Raises
    ------
    ValueError
        If shapes disagree, an option is out of range, or an output size would be negative.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose(np.array([[[1, 10]]]), np.array([[[1, 2, 3]]]), stride=2)
    array([[[ 1,  2, 13, 20, 30]]])
    """
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_bias(b)
    if not _is_plain(x, w, b):
        return reference.conv_transpose(
            x, w, b, stride=stride, dilation=dilation, crop=crop, groups=groups
        )
    return conv_transpose_by(None, geometry, x, w, b)


def conv_transpose_by(
    way: Way | None, geometry: Geometry, x: Array, w: Array, b: Array | None
) -> Array:
    """Transposed convolution in one of the two ways; in the cheaper one where it is ``None``.

    >>> x, w = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
    >>> geometry = Geometry.of(x, w, stride=2, dilation=1, crop=0, groups=1)
    >>> conv_transpose_by("gather", geometry, x, w, None)
    array([[[ 1,  2, 13, 20, 30]]])
    """
    dtype = np.result_type(*(array for array in (x, w, b) if array is not None))
    problem = Problem.of(geometry, x, w, b, dtype)
    y = np.empty_like(x, dtype=dtype, shape=(len(x), geometry.out_channels, *geometry.out_size))
    grouped = problem.grouped(y)
    if not problem.reaches_all:
        grouped[...] = 0 if problem.b is None else problem.b
    if x.size and y.size:
        by = _gather if (way or cheaper(problem)) == "gather" else _scatter
        by(problem, grouped)
    return y


def conv_transpose_vjp(
    dy: Array,
    x: Array,
    w: Array,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Vector-Jacobian products of :func:`conv_transpose`: what ``backward`` computes.

    Parameters
    ----------
    dy : (n, c_out, *out_size) array
        Cotangent of the output.
    x, w, stride, dilation, crop, groups
        As given to :func:`conv_transpose`.

    Returns
    -------
    dx : (n, c_in, *in_size) array
    dw : (c_in, c_out // groups, *kernel) array
    db : (c_out,) array

    Raises
    ------
    ValueError
        As :func:`conv_transpose`, or if ``dy`` does not have the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
    >>> dx, dw, db = conv_transpose_vjp(np.array([[[1, 0, 0, 0, 2]]]), x, w, stride=2)
    >>> dx, dw, db
    (array([[[1, 6]]]), array([[[ 1,  0, 20]]]), array([3]))
    """
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_cotangent(dy, len(x))
    if not _is_plain(dy, x, w):
        return reference.conv_transpose_vjp(
            dy, x, w, stride=stride, dilation=dilation, crop=crop, groups=groups
        )
    dtype = np.result_type(dy, x, w)
    problem = Problem.of(geometry, x, w, None, dtype)
    dx = np.zeros_like(x, dtype=dtype, order="C")
    dw = np.zeros_like(w, dtype=accumulator(dtype), order="C")
    if dy.size and x.size:
        _adjoint(problem, problem.grouped(dy), problem.grouped(dx), problem.taps_last(dw))
    db = dy.sum(axis=(0, *range(2, dy.ndim)), dtype=accumulator(dtype))
    return dx, dw.astype(dtype, copy=False), db.astype(dtype, copy=False)


def _is_plain(*arrays: Array | None) -> bool:
    """Whether elements are numbers, not objects, and not truth values, of which sums are none."""
    return all(array is None or array.dtype.kind in "iufc" for array in arrays)


def cheaper(problem: Problem) -> Way:
    """The way that moves fewer elements; gathering only for finite weights."""
    groups, n = problem.x.shape[:2]
    c_in, c_out = problem.channels
    sizes = [
        size + shift for size, shift in zip(problem.geometry.in_size, problem.shift, strict=True)
    ]
    positions = groups * n * math.prod(problem.geometry.in_size)
    scattered = c_out * problem.w.shape[3] * positions
    gathered = groups * n * math.prod(sizes) * c_in * sum(map(len, problem.patterns))
    shifts, phases = sum(map(len, problem.patterns)), len(problem.taps)
    to_gather = _COPY * gathered + _COPY_OF_WEIGHTS * problem.w.size + _CALL * shifts
    to_scatter = scattered + _CALL * (problem.w.shape[3] + phases)
    if (
        to_gather >= to_scatter
        or problem.w.nbytes > _MOST_WEIGHTS
        or not np.isfinite(problem.w).all()
    ):
        return "scatter"
    return "gather"


def _scatter(problem: Problem, y: Array) -> None:
    c_in, _ = problem.channels
    weights = problem.w.reshape(*problem.w.shape[:2], -1).swapaxes(1, 2)
    taps = problem.w.shape[3]
    for groups, entries, outs_of_block, rows_of_block in _blocks(problem):
        x = problem.x[groups, entries].swapaxes(1, 2)
        for outs in outs_of_block:
            w = weights[groups, outs.start * taps : outs.stop * taps]
            b = None if problem.b is None else problem.b[groups, :, outs]
            begun: dict[Sizes, Array] = {}
            for rows in rows_of_block:
                part = x[:, :, :, rows]
                flat = part.reshape(len(part), c_in, -1).astype(problem.dtype, copy=False)
                columns = (w @ flat).reshape(len(part), -1, taps, *part.shape[2:])
                for phase in problem.taps:
                    sums = _added(problem, phase, columns, begun.get(phase))
                    begun[phase] = sums[:, :, :, rows.stop - rows.start :]
                    box = _finished(problem, rows)
                    _put(problem, phase, sums, box, y[groups, entries, outs], b)


def _added(problem: Problem, phase: Sizes, columns: Array, begun: Array | None) -> Array:
    """Add the taps of a phase, to what the block of rows before has begun of it."""
    k, outs, _, n, *size = columns.shape
    taps = problem.taps[phase]
    if not any(problem.shift):
        return columns[:, :, taps[0][0]]
    extended = [extent + shift for extent, shift in zip(size, problem.shift, strict=True)]
    sums = np.zeros_like(columns, shape=(k, outs, n, *extended))
    if begun is not None:
        sums[:, :, :, : problem.shift[0]] = begun
    for number, shift in taps:
        at = tuple(slice(j, j + extent) for j, extent in zip(shift, size, strict=True))
        sums[last_axes(at)] += columns[:, :, number]
    return sums


def _finished(problem: Problem, rows: slice) -> Spans:
    """The positions to which no later row adds anything."""
    size, shift = problem.geometry.in_size, problem.shift
    end = rows.stop + (shift[0] if rows.stop == size[0] else 0)
    inner = zip(size[1:], shift[1:], strict=True)
    return ((rows.start, end), *((0, extent + more) for extent, more in inner))


def _put(
    problem: Problem, phase: Sizes, sums: Array, box: Spans, y: Array, b: Array | None
) -> None:
    """Write what the crop leaves of a phase to its places, with the bias."""
    kept = overlap(box, problem.kept[phase])
    if kept is None:
        return
    source = sums[last_axes(inside(kept, box))].swapaxes(1, 2)
    _write(source, b, y[last_axes(problem.places(phase, kept))])


def _write(source: Array, b: Array | None, target: Array) -> None:
    if b is None:
        target[...] = source
    else:
        np.add(source, b, out=target, casting="unsafe")


def _gather(problem: Problem, y: Array) -> None:
    c_out = problem.channels[1]
    weights = {shifts: _weights_of(problem, phases) for shifts, phases in problem.patterns.items()}
    for groups, entries, box in _boxes(problem):
        x = problem.x[groups, entries].swapaxes(1, 2)
        b = None if problem.b is None else problem.b[groups]
        frame = zip(box, problem.shift, strict=True)
        wanted = tuple((first - shift, last) for (first, last), shift in frame)
        framed = _framed(x, wanted, problem.dtype)
        sizes = [last - first for first, last in box]
        for shifts, phases in problem.patterns.items():
            shifted = _shifted(framed, shifts, problem.shift, sizes)
            made = (weights[shifts][groups] @ shifted).reshape(
                len(x), len(phases), c_out, x.shape[2], *sizes
            )
            if len(phases) == math.prod(problem.geometry.stride) >= _MANY:
                _put_all(problem, made, box, y[groups, entries], b)
                continue
            for place, phase in enumerate(phases):
                _put(problem, phase, made[:, place], box, y[groups, entries], b)


def _put_all(problem: Problem, made: Array, box: Spans, y: Array, b: Array | None) -> None:
    """Interleave all phases, and write what the crop leaves of them: two calls for any stride."""
    g, rank = problem.geometry, problem.geometry.rank
    k, _, outs, n, *sizes = made.shape
    phases = made.reshape(k, *g.stride, outs, n, *sizes)
    spatial = [axis for a in range(rank) for axis in (3 + rank + a, 1 + a)]
    whole = phases.transpose(0, 2 + rank, 1 + rank, *spatial).reshape(
        k, n, outs, *(s * size for s, size in zip(g.stride, sizes, strict=True))
    )
    reached = tuple(
        (s * first - begin, s * last - begin)
        for (first, last), s, (begin, _) in zip(box, g.stride, g.crop, strict=True)
    )
    everything = tuple((0, size) for size in g.out_size)
    if (kept := overlap(reached, everything)) is not None:
        source = whole[last_axes(inside(kept, reached))]
        _write(source, b, y[last_axes(inside(kept, everything))])


def _weights_of(problem: Problem, phases: Sequence[Sizes]) -> Array:
    """The weights of phases with the same shifts as ``(g, phases * c_out, c_in * shifts)``."""
    numbers = [number for phase in phases for number, _ in problem.taps[phase]]
    groups, c_in, c_out = problem.w.shape[:3]
    chosen = problem.w[..., numbers].reshape(groups, c_in, c_out, len(phases), -1)
    rows = chosen.transpose(0, 3, 2, 1, 4)
    return np.ascontiguousarray(rows).reshape(groups, len(phases) * c_out, -1)


def _framed(array: Array, wanted: Spans, dtype: np.dtype[Any]) -> Array:
    """A part of an array that may go beyond it: there it holds zeros."""
    extents = [last - first for first, last in wanted]
    framed = np.zeros_like(array, dtype=dtype, shape=(*array.shape[:3], *extents), order="C")
    there = tuple((0, size) for size in array.shape[3:])
    if (met := overlap(wanted, there)) is not None:
        framed[last_axes(inside(met, wanted))] = array[last_axes(inside(met, there))]
    return framed


def _shifted(framed: Array, shifts: Sequence[Sizes], frame: Sizes, sizes: Sequence[int]) -> Array:
    """``(g, c_in, n, *framed)`` as ``(g, c_in * shifts, n * positions)``."""
    k, c_in, n = framed.shape[:3]
    if len(shifts) == 1 and not any(frame):
        return framed.reshape(k, c_in, -1)
    shifted = np.empty_like(framed, shape=(k, c_in, len(shifts), n, *sizes))
    for number, shift in enumerate(shifts):
        axes = zip(frame, shift, sizes, strict=True)
        at = tuple(slice(most - j, most - j + size) for most, j, size in axes)
        shifted[:, :, number] = framed[last_axes(at)]
    return shifted.reshape(k, c_in * len(shifts), -1)


def _adjoint(problem: Problem, dy: Array, dx: Array, dw: Array) -> None:
    c_in, _ = problem.channels
    for groups, entries, outs_of_block, rows_of_block in _blocks(problem):
        x = problem.x[groups, entries].swapaxes(1, 2)
        for rows in rows_of_block:
            part = x[:, :, :, rows]
            flat = part.reshape(len(part), c_in, -1).astype(problem.dtype, copy=False)
            sums = np.zeros_like(flat)
            for outs in outs_of_block:
                met = _met(problem, dy[groups, entries, outs].swapaxes(1, 2), rows)
                w = problem.w[groups, :, outs]
                sums += w.reshape(*w.shape[:2], -1) @ met
                dw[groups, :, outs] += (flat @ met.swapaxes(1, 2)).reshape(w.shape)
            dx[groups, entries, :, rows] = sums.reshape(part.shape).swapaxes(1, 2)


def _met(problem: Problem, dy: Array, rows: slice) -> Array:
    """What each tap meets of the cotangent, as ``(g, c_out * taps, n * positions)``."""
    g = problem.geometry
    size = (rows.stop - rows.start, *g.in_size[1:])
    reaches = [d * (extent - 1) + 1 for d, extent in zip(g.dilation, g.kernel, strict=True)]
    begins = [-begin for begin, _ in g.crop]
    begins[0] += g.stride[0] * rows.start
    axes = zip(begins, g.stride, size, reaches, strict=True)
    wanted = tuple((at, at + s * (extent - 1) + reach) for at, s, extent, reach in axes)
    framed = _framed(dy, wanted, problem.dtype)
    windows = sliding_window_view(framed, reaches, tuple(range(3, 3 + g.rank)))
    steps = tuple(slice(None, None, step) for step in (*g.stride, *g.dilation))
    taps = range(3 + g.rank, 3 + 2 * g.rank)
    met: Array = windows[last_axes(steps)].transpose(0, 1, *taps, 2, *range(3, 3 + g.rank))
    return met.reshape(*dy.shape[:1], dy.shape[1] * problem.w.shape[3], -1)


def _blocks(
    problem: Problem,
) -> Iterator[tuple[slice, slice, list[slice], list[slice]]]:
    """Groups, batch entries, output channels and input rows whose columns make one block."""
    groups, n = problem.x.shape[:2]
    size = problem.geometry.in_size
    taps_of_row = problem.dtype.itemsize * problem.w.shape[3] * math.prod(size[1:])
    outs, left = _some(problem.channels[1], BLOCK // max(1, taps_of_row))
    rows, left = _some(size[0], left)
    entries, left = _some(n, left)
    for some_groups in _slices(groups, _some(groups, left)[0]):
        for some_entries in _slices(n, entries):
            yield (
                some_groups,
                some_entries,
                list(_slices(problem.channels[1], outs)),
                list(_slices(size[0], rows)),
            )


def _boxes(problem: Problem) -> Iterator[tuple[slice, slice, Spans]]:
    """Groups, batch entries and positions whose shifted inputs make one block."""
    groups, n = problem.x.shape[:2]
    c_in, c_out = problem.channels
    widest = max(
        max(c_in * len(shifts), c_out * len(phases)) for shifts, phases in problem.patterns.items()
    )
    axes = list(zip(*problem.kept.values(), strict=True))
    whole = [(min(a for a, _ in spans), max(b for _, b in spans)) for spans in axes]
    left = BLOCK // (problem.dtype.itemsize * widest)
    parts: list[int] = []
    for first, last in reversed(whole):
        part, left = _some(last - first, left)
        parts.insert(0, part)
    entries, left = _some(n, left)
    spans = [
        [(first + part.start, first + part.stop) for part in _slices(last - first, size)]
        for (first, last), size in zip(whole, parts, strict=True)
    ]
    for some_groups in _slices(groups, _some(groups, left)[0]):
        for some_entries in _slices(n, entries):
            for box in itertools.product(*spans):
                yield some_groups, some_entries, box


def _some(total: int, most: int) -> tuple[int, int]:
    """How many of a total a block takes, and how many times as much it could still hold."""
    taken = max(1, min(total, most))
    return taken, most // taken if taken == total else 0


def _slices(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
