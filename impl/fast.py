"""Transposed convolution of NumPy arrays, by matrix products where these pay.

Along each axis, element ``stride * p + r`` of the full output is position ``p`` of *phase* ``r``.
Kernel element ``t``, with ``dilation * t = stride * j + r``, belongs to phase ``r`` and has *shift*
``j``.  The definition then splits into one small dense convolution per phase::

    full[o, stride * p + r]  =  sum over c and the taps t of phase r:  w[c, o, t] * x[c, p - j(t)]

Two algorithms turn it into matrix products.  Dumoulin and Visin (arXiv:1603.07285) call them the
transposed and the ordinary convolution; Shi et al. (arXiv:1609.07009) show that they are equal.

Scatter (``impl.scatter``)
    One product computes all taps at all positions, and each tap is added to its phase.  It moves
    ``c_out * taps * positions`` elements.
Gather (``impl.gather``)
    Phases whose taps have the same shifts share one matrix of shifted inputs and one product with
    their weights.  It moves ``c_in * shifts * positions`` elements, and copies the weights once.
    If the kernel is a multiple of the stride, all phases have the same shifts.

If nothing has to be added or moved, the output is one product (``impl.product``).  With few
channels, as in a depthwise layer, products are slow; if numba is installed, compiled loops compute
the sums without moving anything (``impl.direct``).

The cost model counts moved elements and calls; both algorithms multiply equally often.  A copy
costs 0.6 of an addition in place, and a call as much as 4000 of those.  The adjoint of scattering
copies what scattering adds, and the adjoint of gathering copies and adds.  Scattering takes one
call for each tap and a few for each phase, gathering a few for each set of shifts, shift and phase.
``deconform bench`` compares the choice with the frameworks on layers of known models
(``specs/bench``).  Gathering also multiplies the zeros beyond the input: infinite weights (for its
adjoint, an infinite cotangent) would give NaN that the definition does not have.  So gathering is
used for finite numbers of moderate size only, and the loops for such weights only.

All of them work block by block, so that temporaries stay in the caches, in memory kept from call to
call.  Blocks whose products are too small for the BLAS's threads are dealt to our own
(``impl.threads``).  If rows of positions are much shorter than the batch, entries are first made
the innermost axis, because NumPy loops over the last axis.  Temporary memory stays below 64 MiB,
except in the first call that compiles loops.
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

Algorithm: TypeAlias = Literal["scatter", "gather"]

# Bytes of a block's largest array: larger ones leave the caches, smaller ones cost more calls.
BLOCK: Final = 4 << 20
_MOST_WEIGHTS: Final = 32 << 20
_MOST_COPIES: Final = 50 << 20
# Other subclasses, such as masked arrays, redefine arithmetic.
_PLAIN: Final = (np.ndarray, np.memmap)
# Make entries innermost if there are this many times more of them than elements in a row.
_MANY_ENTRIES: Final = 16
# Costs per moved element, and per call, in units of one addition in place.
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
    """Compute a transposed convolution of NumPy arrays; see :func:`impl.conv_transpose`."""
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_bias(b)
    if not _is_plain(x, w, b):
        return reference.conv_transpose(
            x, w, b, stride=stride, dilation=dilation, crop=crop, groups=groups
        )
    return conv_transpose_by(None, geometry, x, w, b)


def conv_transpose_by(
    algorithm: Algorithm | None, geometry: Geometry, x: Array, w: Array, b: Array | None
) -> Array:
    """Compute a transposed convolution by an algorithm; by the cheapest of all if ``None``.

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
    if algorithm is None and _need_no_copy(dtype, problem, x, y):
        if is_product(problem.phases, len(x)):
            multiply(problem, y)
            return y
        if is_worth(problem) and _is_finite(problem.w):
            direct(problem, y)
            return y
    if not problem.phases.reaches_all:
        _filled(y, b)
    by = gather if (algorithm or cheaper(problem)) == "gather" else scatter
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
    """Fill an output with what its unreached elements hold: the bias."""
    y[...] = 0 if b is None else b.reshape(-1, *(1,) * (y.ndim - 2))
    return y


def _need_no_copy(dtype: np.dtype[Any], problem: Problem, *arrays: Array) -> bool:
    """Whether a product can use the arrays without converting or copying them."""
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
    """Compute gradients of NumPy arrays; see :func:`impl.conv_transpose_vjp`."""
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_cotangent(dy, len(x))
    if not _is_plain(dy, x, w):
        return reference.conv_transpose_vjp(
            dy, x, w, stride=stride, dilation=dilation, crop=crop, groups=groups
        )
    return conv_transpose_vjp_by(None, geometry, dy, x, w)


def conv_transpose_vjp_by(
    algorithm: Algorithm | None, geometry: Geometry, dy: Array, x: Array, w: Array
) -> tuple[Array, Array, Array]:
    """Compute gradients by the adjoint of an algorithm; of the cheaper one if ``None``.

    Half precision always uses the adjoint of scattering, which writes each element of ``dx`` once.
    """
    dtype = np.result_type(dy, x, w)
    problem = Problem.of(geometry, x, w, None, dtype)
    dx = np.empty_like(x, dtype=dtype, order="C")
    dw = np.empty_like(w, dtype=problem.dtype, order="C")
    if not (dy.size and x.size):
        dx[...] = dw[...] = 0
    elif (
        algorithm is None
        and _need_no_copy(dtype, problem, x, dy)
        and is_product(problem.phases, len(x))
    ):
        multiply_vjp(problem, dy, dx, dw)
    else:
        by = scatter_vjp
        if dtype == problem.dtype and (algorithm or cheaper_vjp(problem, dy)) == "gather":
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
    """Whether all elements are numbers: not objects, nor booleans, whose sums are no booleans."""
    return all(array is None or array.dtype.kind in "iufc" for array in arrays)


def _by_entries(problem: Problem, y: Array) -> Iterator[tuple[Problem, slice]]:
    """Yield parts of a call with batch entries innermost, if rows of positions are too short.

    NumPy loops over the last axis, and a handful of elements there cost as much as a hundred.
    """
    x, n = problem.x, problem.x.shape[1]
    bytes_of_one = max(x[:, 0].size, y[0].size) * problem.dtype.itemsize
    most = max(1, BLOCK // bytes_of_one)
    short = min(n, most) >= _MANY_ENTRIES * x.shape[-1] and problem.w.nbytes <= 2 * BLOCK
    if problem.entries_last or not short:
        yield problem, slice(0, n)
        return
    for entries in slices(n, most):
        by_entry = x[:, entries].swapaxes(0, 1)
        innermost = entries_last("x, entries last", by_entry, problem.dtype).swapaxes(0, 1)
        yield replace(problem, x=innermost), entries


def cheaper(problem: Problem) -> Algorithm:
    """Return the cheaper algorithm; gathering only for finite weights."""
    c_in, _ = problem.channels
    forward, _ = _cheaper_algorithms(problem.phases, problem.x.shape[1], c_in)
    small = problem.w.nbytes <= _MOST_WEIGHTS
    return "gather" if forward == "gather" and small and _is_finite(problem.w) else "scatter"


def cheaper_vjp(problem: Problem, dy: Array) -> Algorithm:
    """Return the cheaper algorithm for gradients; gathering only for a finite cotangent."""
    c_in, _ = problem.channels
    _, backward = _cheaper_algorithms(problem.phases, problem.x.shape[1], c_in)
    copies = 2 if problem.phases.in_runs else 3  # Runs add a few output channels at a time.
    small = copies * problem.w.nbytes <= _MOST_COPIES
    return "gather" if backward == "gather" and small and _is_finite(dy) else "scatter"


def _is_finite(array: Array) -> bool:
    """Whether the sum of the squares, and so every element, is finite."""
    if array.dtype.kind in "iu":
        return True
    if not array.flags.c_contiguous and array.nbytes > _MOST_WEIGHTS:
        return False  # Looking at it would take a copy.
    flat = array.reshape(-1)
    return bool(np.isfinite(np.vdot(flat, flat)))


@lru_cache(maxsize=256)
def _cheaper_algorithms(phases: Phases, n: int, c_in: int) -> tuple[Algorithm, Algorithm]:
    """Return the algorithm that is cheaper forward, and the one whose adjoint is."""
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
