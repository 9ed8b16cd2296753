"""Transposed convolution of NumPy arrays, made of matrix products where these are of use.

Along each axis an element of the full output is ``stride * p + r``: position ``p`` of *phase*
``r``; and ``dilation * t`` of kernel element ``t`` is ``stride * j + r``: it belongs to that phase,
with *shift* ``j``.  The definition then falls apart into one small dense convolution per phase::

    full[o, stride * p + r]  =  sum over c and the taps t of phase r:  w[c, o, t] * x[c, p - j(t)]

There are two ways to make matrix products of it, in the words of Dumoulin and Visin
(arXiv:1603.07285) the transposed and the ordinary convolution; Shi et al. (arXiv:1609.07009) show
that they are the same.

Scatter (``impl.scatter``)
    One product makes all taps of all positions, and each tap is added to its phase.  It moves
    ``c_out * taps * positions`` elements.
Gather (``impl.gather``)
    Phases whose taps have the same shifts share one matrix of shifted inputs, and one product with
    their weights.  It moves ``c_in * shifts * positions`` elements, and copies the weights once.  A
    kernel that is a multiple of the stride has one set of shifts for all phases.

Where nothing is added or moved the output is one product (``impl.product``).  Where channels are
few, as in a depthwise layer, no product is any good; where numba is installed, compiled loops make
the sums without moving anything (``impl.direct``).

The cost model counts the elements moved, and the calls: the multiplications are the same.  A copy
costs 0.6 of an addition into place, and a call as much as 4000 of these; the adjoint of scattering
copies what scattering adds, and that of gathering copies and adds.  Scattering takes a call for
each tap and some for each phase, gathering some for each set of shifts, shift and phase.
``deconform bench`` holds what is chosen against the frameworks, on the layers of known models
(``specs/bench``).  Gathering has another price: where the weights (for its adjoint the cotangent)
are infinite, the zeros beyond the input would give NaN that the definition does not have.  So it is
for finite numbers of moderate size; so are the loops, as to weights.

All of them go block by block, so that temporaries stay in the caches, in memory kept from call to
call; blocks whose products are too small for the threads of the BLAS are dealt to threads of ours
(``impl.threads``).  Where rows of positions are much shorter than the batch, its entries are moved
side by side first, because NumPy's loops go along the last axis.  The memory beside inputs and
output stays below 64 MiB, but for the first call that compiles loops.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from impl import reference
from impl.direct import direct, is_worth
from impl.gather import gather, gather_vjp
from impl.geometry import Array, Crop, Geometry, PerAxis
from impl.phases import Phases, Problem, entries_last, extents, grouped, slices
from impl.product import is_product, multiply, multiply_vjp
from impl.scatter import scatter, scatter_vjp

Way: TypeAlias = Literal["scatter", "gather"]

# Bytes of one block's largest array: larger ones leave the caches, smaller ones cost more calls.
BLOCK: Final = 4 << 20
_MOST_WEIGHTS: Final = 32 << 20
_MOST_COPIES: Final = 50 << 20
# Others of its kind, such as masked arrays, have a meaning of their own.
_PLAIN: Final = (np.ndarray, np.memmap)
# How many times as many batch entries as elements in a row are worth moving side by side.
_MANY_ENTRIES: Final = 16
# What the cost model counts: elements moved, in units of an addition into place.
_COPY: Final = 0.6
_COPY_OF_WEIGHTS: Final = 1.0
_CALL: Final = 4000.0


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
    """Transposed convolution of NumPy arrays: :func:`impl.conv_transpose` is its contract."""
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
    """Transposed convolution in one of the two ways; in the cheapest of all where it is ``None``.

    >>> x, w = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
    >>> geometry = Geometry.of(x, w, stride=2, dilation=1, crop=0, groups=1)
    >>> conv_transpose_by("gather", geometry, x, w, None)
    array([[[ 1,  2, 13, 20, 30]]])
    """
    dtype = np.result_type(*(array for array in (x, w, b) if array is not None))
    problem = Problem.of(geometry, x, w, b, dtype)
    y = np.empty_like(x, dtype=dtype, shape=(len(x), geometry.out_channels, *geometry.out_size))
    if not (x.size and y.size):
        return _filled(y, b)
    if way is None and _lie_plainly(dtype, problem, x, y):
        if is_product(problem.phases, len(x)):
            multiply(problem, y)
            return y
        if is_worth(problem) and _is_finite(problem.w):
            direct(problem, y)
            return y
    if not problem.phases.reaches_all:
        _filled(y, b)
    by = gather if (way or cheaper(problem)) == "gather" else scatter
    for part, entries in _by_entries(problem, y):
        if part is problem:
            by(problem, grouped(y, geometry.groups), BLOCK)
            continue
        beyond = not problem.phases.reaches_all
        target = entries_last("y, entries last", y[entries], y.dtype, copied=beyond)
        by(part, grouped(target, geometry.groups), BLOCK)
        y[entries] = target
    return y


def _filled(y: Array, b: Array | None) -> Array:
    """Write what an output holds where nothing reaches."""
    y[...] = 0 if b is None else b.reshape(-1, *(1,) * (y.ndim - 2))
    return y


def _lie_plainly(dtype: np.dtype[Any], problem: Problem, *arrays: Array) -> bool:
    """Whether arrays lie in memory so that a product takes them as they are."""
    return dtype == problem.dtype and all(
        type(array) in _PLAIN and array.dtype == dtype and array.flags.c_contiguous
        for array in arrays
    )


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
    """Gradients of NumPy arrays: :func:`impl.conv_transpose_vjp` is their contract."""
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_cotangent(dy, len(x))
    if not _is_plain(dy, x, w):
        return reference.conv_transpose_vjp(
            dy, x, w, stride=stride, dilation=dilation, crop=crop, groups=groups
        )
    return conv_transpose_vjp_by(None, geometry, dy, x, w)


def conv_transpose_vjp_by(
    way: Way | None, geometry: Geometry, dy: Array, x: Array, w: Array
) -> tuple[Array, Array, Array]:
    """Gradients by the adjoint of one of the two ways; of the cheaper one where it is ``None``.

    Half precision always goes by that of scattering: it makes each element of ``dx`` at once.
    """
    dtype = np.result_type(dy, x, w)
    problem = Problem.of(geometry, x, w, None, dtype)
    dx = np.empty_like(x, dtype=dtype, order="C")
    dw = np.empty_like(w, dtype=problem.dtype, order="C")
    if not (dy.size and x.size):
        dx[...] = dw[...] = 0
    elif way is None and _lie_plainly(dtype, problem, x, dy) and is_product(problem.phases, len(x)):
        multiply_vjp(problem, dy, dx, dw)
    else:
        by = scatter_vjp
        if dtype == problem.dtype and (way or cheaper_vjp(problem, dy)) == "gather":
            by = gather_vjp
            dx[...] = 0
        by_group, groups = dw.reshape(problem.w.shape), geometry.groups
        for part, entries in _by_entries(problem, dy):
            if part is problem:
                by(problem, grouped(dy, groups), grouped(dx, groups), by_group, BLOCK)
                continue
            sums = np.empty_like(by_group) if entries.start else by_group
            cotangent = entries_last("y, entries last", dy[entries], problem.dtype)
            target = entries_last("dx, entries last", dx[entries], dtype)
            by(part, grouped(cotangent, groups), grouped(target, groups), sums, BLOCK)
            dx[entries] = target
            if entries.start:
                by_group += sums
    db = dy.sum(axis=(0, *range(2, dy.ndim)), dtype=problem.dtype)
    return dx, dw.astype(dtype, copy=False), db.astype(dtype, copy=False)


def _is_plain(*arrays: Array | None) -> bool:
    """Whether elements are numbers, not objects, and not truth values, of which sums are none."""
    return all(array is None or array.dtype.kind in "iufc" for array in arrays)


def _by_entries(problem: Problem, y: Array) -> Iterator[tuple[Problem, slice]]:
    """Parts of a call with batch entries side by side, where rows of positions are too short.

    NumPy's loops go along the last axis: a handful of elements cost as much as a hundred.
    """
    x, n = problem.x, problem.x.shape[1]
    bytes_of_one = max(1, x[:, 0].size, y[0].size) * problem.dtype.itemsize
    most = max(1, BLOCK // bytes_of_one)
    short = min(n, most) >= _MANY_ENTRIES * x.shape[-1] and problem.w.nbytes <= 2 * BLOCK
    if problem.entries_last or not short:
        yield problem, slice(0, n)
        return
    for entries in slices(n, most):
        by_entry = x[:, entries].swapaxes(0, 1)
        made = entries_last("x, entries last", by_entry, problem.dtype).swapaxes(0, 1)
        yield replace(problem, x=made), entries


def cheaper(problem: Problem) -> Way:
    """Scattering or gathering, what moves fewer elements; gathering only for finite weights."""
    c_in, _ = problem.channels
    forward, _ = _ways(problem.phases, problem.x.shape[1], c_in)
    small = problem.w.nbytes <= _MOST_WEIGHTS
    return "gather" if forward == "gather" and small and _is_finite(problem.w) else "scatter"


def cheaper_vjp(problem: Problem, dy: Array) -> Way:
    """The same for the gradients; gathering only for a finite cotangent."""
    c_in, _ = problem.channels
    _, backward = _ways(problem.phases, problem.x.shape[1], c_in)
    copies = 2 if problem.phases.in_runs else 3  # Runs add few output channels at a time.
    small = copies * problem.w.nbytes <= _MOST_COPIES
    return "gather" if backward == "gather" and small and _is_finite(dy) else "scatter"


def _is_finite(array: Array) -> bool:
    """Whether all elements are, and not so large that the sum of their squares is not."""
    if array.dtype.kind in "iu":
        return True
    if not array.flags.c_contiguous and array.nbytes > _MOST_WEIGHTS:
        return False  # To look at it would take a copy.
    flat = array.reshape(-1)
    return bool(np.isfinite(np.vdot(flat, flat)))


@lru_cache(maxsize=256)
def _ways(phases: Phases, n: int, c_in: int) -> tuple[Way, Way]:
    """The way that moves fewer elements, and the one whose adjoint does."""
    geometry, groups = phases.geometry, phases.geometry.groups
    c_out, taps = geometry.out_channels // groups, math.prod(geometry.kernel)
    shifts = sum(len(pattern.shifts) for pattern in phases.patterns)
    scattered = groups * n * c_out * taps * math.prod(geometry.in_size)
    gathered = groups * n * c_in * shifts * math.prod(extents(phases.positions))
    weights = _COPY_OF_WEIGHTS * groups * c_in * c_out * taps
    count, patterns = len(phases.taps), len(phases.patterns)
    more_calls = 8 * patterns + 2 * shifts - 2 * count - taps
    forward = _COPY * gathered + weights + _CALL * more_calls < scattered
    more_calls = 14 * patterns + 4 * shifts - count - taps
    backward = (_COPY + 1) * gathered + 2 * weights + _CALL * more_calls < _COPY * scattered
    return "gather" if forward else "scatter", "gather" if backward else "scatter"
