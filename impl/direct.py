"""Direct: each phase of the output as a sum of shifted inputs, for layers that suit no product.

Counted from the first element of the output, element ``stride * q + r`` is position ``q`` of phase
``r``.  Tap ``t`` belongs to the phase ``r`` for which ``dilation * t - begin - r`` is a multiple
``stride * j`` of the stride, where ``begin`` is what the crop removes in front::

    y[o, stride * q + r]  =  b[o] + sum over c and the taps t of r:  w[c, o, t] * x[c, q - j(t)]

With zeros around ``x``, a whole phase is one sum of shifted copies of ``x``, each times one weight.
A matrix product gains nothing from the few channels of a depthwise layer, and NumPy has to store
every summand.  Loops that keep a sum in registers avoid both.  They are compiled by numba (Lam,
Pitrou and Seibert 2015, doi:10.1145/2833157.2833162), if installed
(``pip install deconform[compiled]``); nothing else in ``impl`` needs it.  The first call compiles
them, which takes a few seconds; numba caches the result next to ``impl`` or in the user's cache.

They are used for single and double precision and strides of at most 15, if a group has at most
three input channels, or few pairs of channels and an input that fits in a cache.  Beyond that,
products are as fast (``deconform bench -k depthwise``, with and without numba).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from operator import mul
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

from impl.geometry import Array, Geometry
from impl.phases import Problem, Sizes, slices
from impl.threads import deal, scratch, thread_count

_DTYPES: Final = (np.dtype(np.float32), np.dtype(np.float64))
# Positions of a block: with its summands it fits in the L1 cache.
_BLOCK: Final = 1024
# Loops beat a product up to this many input channels in a group, or up to this many pairs of
# channels if the input fits in a cache of this size.
_FEW_INPUTS: Final = 3
_FEW: Final = 128
_CACHE: Final = 256 << 10
# A larger stride makes many phases with few terms each.
_MOST_STRIDE: Final = 15
# A loop over fewer positions is not worth its overhead.
_LONG: Final = 128
# Multiplications that make it worth importing numba, and waking a thread.
_MANY: Final = 1 << 17
_SEVERAL: Final = 1 << 18
# Limits of temporary memory: terms, bytes of reordered weights, and bytes of padded input in all
# threads.
_MOST_TERMS: Final = 1 << 16
_MOST_ORDERED: Final = 8 << 20
_MOST_PADDED: Final = 32 << 20


@cache
def _compiled() -> ModuleType | None:
    """Return the module of the loops; ``None`` if numba is missing, broken or disabled."""
    try:
        from impl import compiled  # noqa: PLC0415 -- half a second, and an extra

        is_compiled = compiled.IS_COMPILED
    # Incompatible versions or libraries can make an import raise anything, and leave half a module
    # to another thread.
    except Exception:  # noqa: BLE001
        return None
    return compiled if is_compiled else None


@cache
def _loops(dtype: np.dtype[Any]) -> Callable[..., None] | None:
    """Compile the loops for a dtype by a first call; return ``None`` if that fails."""
    if (compiled := _compiled()) is None:
        return None
    loops: Callable[..., None] = compiled.sum_phases
    one = np.ones((1, 1, 1), dtype)
    geometry = Geometry.of(one, one, stride=1, dilation=1, crop=0, groups=1)
    try:
        _direct(loops, Problem.of(geometry, one, one, None, dtype), np.empty_like(one))
    # For example, no disk space for the compiled code: fall back to products.
    except Exception:  # noqa: BLE001
        return None
    return loops


def compiled_by() -> str:
    """Return what compiles the loops, such as ``numba 0.68.0``; empty if they are not used."""
    return f"numba {version('numba')}" if _compiled() else ""


class Frame(NamedTuple):
    """An input channel padded with zeros, on three axes; missing axes have size 1.

    ``size`` is the size of the last two axes, ``lead`` the number of zeros before the first
    element and ``room`` the number of all elements.  ``block`` is the most rows and columns of
    positions that are summed at once.
    """

    size: Sizes
    lead: int
    room: int
    block: Sizes

    @property
    def longest(self) -> int:
        """The most elements that a block spans, from its first position to its last."""
        return (self.block[0] - 1) * self.size[1] + self.block[1]


def frame_of(geometry: Geometry) -> Frame:
    """Lay out the padded input of a geometry."""
    stride = _three(geometry.stride)
    out = [-(-o // s) for o, s in zip(_three(geometry.out_size), stride, strict=True)]
    begin = _three([begin for begin, _ in geometry.crop], 0)
    last = map(mul, _three(geometry.dilation), (k - 1 for k in _three(geometry.kernel)))
    # The shifts of the last tap and of the first.
    late = [(reach - at) // s for reach, at, s in zip(last, begin, stride, strict=True)]
    early = [-at // s for at, s in zip(begin, stride, strict=True)]
    # Past either end of a row, a term must read zeros: those after it, or after the previous row.
    axes = zip(_three(geometry.in_size), out, late, early, strict=True)
    size = [max(n + max(0, to), q - min(0, back)) for n, q, to, back in axes]
    steps = (size[1] * size[2], size[2], 1)
    lead = max(0, sum(map(mul, late, steps)))
    room = lead + math.prod(size) + max(0, -sum(map(mul, early, steps)))
    block = (max(1, min(out[1], _BLOCK // size[2])), min(out[2], _BLOCK))
    return Frame((size[1], size[2]), lead, room, block)


@lru_cache(maxsize=64)
def _terms(geometry: Geometry, c_in: int) -> tuple[Array, Array, Array]:
    """Return the number of each phase's first term, and each term's offset and weight."""
    frame, stride = frame_of(geometry), _three(geometry.stride)
    steps = (frame.size[0] * frame.size[1], frame.size[1], 1)
    distance, phase = np.zeros((2, 1), np.intp)
    begin = _three([begin for begin, _ in geometry.crop], 0)
    axes = zip(
        _three(geometry.kernel), _three(geometry.dilation), begin, stride, steps, strict=True
    )
    for k, d, at, s, step in axes:
        shift, rest = np.divmod(d * np.arange(k) - at, s)
        distance = np.add.outer(distance, shift * step).ravel()
        phase = np.add.outer(phase * s, rest).ravel()
    phases = np.tile(phase, c_in)
    order = np.argsort(phases, kind="stable")
    channel, tap = np.divmod(order, len(phase))
    counts = np.bincount(phases, minlength=math.prod(stride))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return starts, channel * frame.room - distance[tap], order


def _three(sizes: Sequence[int], missing: int = 1) -> Sizes:
    """Extend sizes to three axes; the missing ones come first."""
    return (*(missing,) * (3 - len(sizes)), *sizes)


def is_worth(problem: Problem) -> bool:
    """Whether compiled loops are available, can do a call, and are faster than products."""
    (c_in, c_out), geometry = problem.channels, problem.phases.geometry
    if problem.dtype not in _DTYPES or _multiplications(problem) < _MANY:
        return False
    if c_in > _FEW_INPUTS and c_in * c_out > _FEW:
        return False
    terms = c_in * math.prod(geometry.kernel)
    if terms > _MOST_TERMS or problem.w.nbytes > _MOST_ORDERED:
        return False
    frame = frame_of(geometry)
    padded = c_in * frame.room * problem.dtype.itemsize
    most = _MOST_PADDED // thread_count() if c_in <= _FEW_INPUTS else _CACHE
    if max(geometry.stride) > _MOST_STRIDE or frame.longest < _LONG or padded > most:
        return False
    return _loops(problem.dtype) is not None


def _multiplications(problem: Problem) -> int:
    return int(problem.x.size * problem.w[0, 0].size)


def direct(problem: Problem, y: Array) -> None:
    """Write ``y (n, c_out, *out)``; it and ``x`` must be contiguous."""
    loops = _loops(problem.dtype)
    assert loops is not None
    _direct(loops, problem, y)


def _direct(loops: Callable[..., None], problem: Problem, y: Array) -> None:
    geometry, (c_in, c_out), n = problem.phases.geometry, problem.channels, len(y)
    frame, (starts, offsets, order) = frame_of(geometry), _terms(geometry, c_in)
    groups, stride = geometry.groups, _three(geometry.stride)
    # A plain tuple: numba's cache goes by its types, not by field names.
    layout = (stride, frame.size, frame.lead, frame.room, frame.block, starts, offsets)
    x = problem.x.swapaxes(0, 1).reshape(n, groups, c_in, *_three(geometry.in_size))
    # Always read-only: numba would compile a second version for writable arrays.
    x.flags.writeable = False
    out = y.reshape(n, groups, c_out, *_three(geometry.out_size))
    by_channel = problem.w.swapaxes(1, 2).reshape(groups, c_out, -1)
    weights = np.ascontiguousarray(by_channel[:, :, order])
    b = np.zeros((groups, c_out), y.dtype)
    if problem.b is not None:
        b[...] = problem.b.reshape(groups, c_out)

    def write(part: slice) -> None:
        padded = scratch("padded", (c_in * frame.room,), y.dtype, zeros=True)
        sums = scratch("sums", (stride[2] * frame.longest,), y.dtype)
        loops(x, out, b, weights, layout, (part.start, part.stop), padded, sums)

    parts, several = n * groups * c_out, _multiplications(problem) >= _SEVERAL
    size = -(-parts // (thread_count() if several else 1))
    deal(write, slices(parts, size), several=several)
