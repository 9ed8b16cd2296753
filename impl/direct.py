"""Direct: every phase of the output as a sum of shifted inputs, where products are the wrong tool.

Counted from the output's first element, an element of it is ``stride * q + r``: position ``q`` of
phase ``r``; and tap ``t`` belongs to the phase ``r`` for which ``dilation * t - begin - r`` is a
multiple ``stride * j`` of the stride, with ``begin`` what the crop removes::

    y[o, stride * q + r]  =  b[o] + sum over c and the taps t of r:  w[c, o, t] * x[c, q - j(t)]

With zeros around ``x`` all positions of a phase are one sum of shifted copies of it, each times one
weight.  A matrix product has nothing to share between the few channels of a depthwise layer; NumPy
has to write down each of the summands.  Loops that keep a sum in registers do neither: they are
compiled by numba (Lam, Pitrou and Seibert 2015, doi:10.1145/2833157.2833162), where that is
installed (``pip install deconform[compiled]``).  Nothing else of ``impl`` needs it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from impl.geometry import Array, Geometry
from impl.phases import Problem, Sizes, slices
from impl.threads import deal, scratch, thread_count

_DTYPES: Final = (np.dtype(np.float32), np.dtype(np.float64))
# Elements of a block of positions: with its summands it stays in the first cache.
_BLOCK: Final = 1024
# So few input channels, or pairs of channels, of a group give a product nothing to share; the pairs
# only where the input stays in a cache of this size.  Measured on some 280 layers.
_FEW_INPUTS: Final = 3
_FEW: Final = 128
_CACHE: Final = 256 << 10
# A larger stride leaves few terms to a phase, and makes many phases.
_MOST_STRIDE: Final = 15
# Positions that a loop must have to be worth its beginning and end.
_LONG: Final = 128
# Multiplications for which it is worth to import numba, and those to wake a thread for.
_MANY: Final = 1 << 17
_SEVERAL: Final = 1 << 18
# Bytes of the weights, of which there are copies, and of the input with zeros around it, for all
# threads.
_MOST_WEIGHTS: Final = 8 << 20
_MOST_PADDED: Final = 32 << 20


@cache
def _loops() -> Callable[..., None] | None:
    """The compiled loops; ``None`` where numba is not here, or cannot work here."""
    try:
        from impl.compiled import sum_phases  # noqa: PLC0415 -- half a second, and an extra
    # It refuses a NumPy that it does not know, and a place where it cannot keep what it compiled.
    except (ImportError, RuntimeError):
        return None
    made: Callable[..., None] = sum_phases
    return made


def compiled_by() -> str:
    """Say what compiles the loops, such as ``numba 0.68.0``; nothing where they are not used."""
    return f"numba {version('numba')}" if _loops() else ""


class Layout(NamedTuple):
    """Where the terms of all phases lie, by three axes: axes that a call lacks have size 1.

    Of the input with zeros around it, ``frame`` has the size of the last two axes, ``lead`` the
    zeros before the first element and ``room`` all elements of a channel.  A ``block`` has so many
    rows and columns of positions.  The terms of phase ``f`` begin at ``starts[f]``; ``places`` says
    where each meets the input, ``order`` which weight ``(c_in, tap)`` it has.
    """

    stride: Sizes
    frame: Sizes
    lead: int
    room: int
    block: Sizes
    starts: npt.NDArray[np.intp]
    places: npt.NDArray[np.intp]
    order: npt.NDArray[np.intp]


@lru_cache(maxsize=256)
def layout_of(geometry: Geometry, c_in: int) -> Layout:
    """Lay out a geometry's terms, for so many input channels of a group."""
    terms = _terms(geometry)
    shifts = np.array([shift for of_phase in terms.values() for _, shift in of_phase])
    size, stride = _three(geometry.in_size), _three(geometry.stride)
    out = [-(-o // s) for o, s in zip(_three(geometry.out_size), stride, strict=True)]
    # What a term meets beyond a row are zeros, behind it or behind the row before.
    later, earlier = shifts.max(0, initial=0).tolist(), (-shifts).max(0, initial=0).tolist()
    axes = zip(size, out, later, earlier, strict=True)
    frame = [max(n + j, q + back) for n, q, j, back in axes]
    steps = np.array([frame[1] * frame[2], frame[2], 1])
    distances = shifts @ steps
    lead = int(distances.max(initial=0))
    room = lead + math.prod(frame) + int((-distances).max(initial=0))
    starts, places, order = [0], [], []
    for phase in itertools.product(*map(range, stride)):
        for c, (number, shift) in itertools.product(range(c_in), terms.get(phase, ())):
            places.append(c * room - int(shift @ steps))
            order.append(c * math.prod(geometry.kernel) + number)
        starts.append(len(places))
    return Layout(
        stride=stride,
        frame=(frame[1], frame[2]),
        lead=lead,
        room=room,
        block=(max(1, min(out[1], _BLOCK // frame[2])), min(out[2], _BLOCK)),
        starts=np.array(starts, np.intp),
        places=np.array(places, np.intp),
        order=np.array(order, np.intp),
    )


def _terms(geometry: Geometry) -> dict[Sizes, list[tuple[int, npt.NDArray[np.intp]]]]:
    """The taps of each phase: their numbers, and how many positions further they write."""
    found: dict[Sizes, list[tuple[int, npt.NDArray[np.intp]]]] = {}
    for number, tap in enumerate(itertools.product(*map(range, geometry.kernel))):
        axes = zip(tap, geometry.dilation, geometry.crop, geometry.stride, strict=True)
        pairs = [divmod(t * d - begin, s) for t, d, (begin, _), s in axes]
        phase = _three([rest for _, rest in pairs], 0)
        shift = np.array(_three([j for j, _ in pairs], 0), np.intp)
        found.setdefault(phase, []).append((number, shift))
    return found


def _three(sizes: Sequence[int], missing: int = 1) -> Sizes:
    """Put what missing axes have before those of a call."""
    return (*(missing,) * (3 - len(sizes)), *sizes)


def is_worth(problem: Problem) -> bool:
    """Whether loops are here, take a call, and take less time for it than products."""
    c_in, c_out = problem.channels
    if problem.dtype not in _DTYPES or _multiplications(problem) < _MANY:
        return False
    if c_in > _FEW_INPUTS and c_in * c_out > _FEW:
        return False
    if max(problem.phases.geometry.stride) > _MOST_STRIDE or problem.w.nbytes > _MOST_WEIGHTS:
        return False
    layout = layout_of(problem.phases.geometry, c_in)
    padded = c_in * layout.room * problem.dtype.itemsize
    most = _MOST_PADDED // thread_count() if c_in <= _FEW_INPUTS else _CACHE
    is_long = layout.block[0] * layout.frame[1] >= _LONG
    return is_long and padded <= most and _loops() is not None


def _multiplications(problem: Problem) -> int:
    return int(problem.x.size * problem.w[0, 0].size)


def direct(problem: Problem, y: Array) -> None:
    """Write ``y (n, c_out, *out)``, which is contiguous as ``x`` is."""
    sum_phases = _loops()
    assert sum_phases is not None
    geometry, (c_in, c_out) = problem.phases.geometry, problem.channels
    layout, groups, n = layout_of(geometry, c_in), geometry.groups, len(y)
    x = problem.x.swapaxes(0, 1).reshape(n, groups, c_in, *_three(geometry.in_size))
    out = y.reshape(n, groups, c_out, *_three(geometry.out_size))
    by_channel = problem.w.swapaxes(1, 2).reshape(groups, c_out, -1)
    weights = np.ascontiguousarray(by_channel[:, :, layout.order])
    b = np.zeros((groups, c_out), y.dtype) if problem.b is None else problem.b.reshape(groups, -1)

    def write(part: slice) -> None:
        padded = scratch("padded", (c_in * layout.room,), y.dtype, zeros=True)
        sums = scratch("sums", (layout.stride[2] * _BLOCK,), y.dtype)
        bounds = part.start, part.stop
        sum_phases(x, out, b, weights, layout, bounds, padded, sums)

    parts, several = n * groups * c_out, _multiplications(problem) >= _SEVERAL
    size = -(-parts // (thread_count() if several else 1))
    deal(write, slices(parts, size), several=several)
