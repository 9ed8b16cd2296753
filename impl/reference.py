"""The definition of transposed convolution, written to be checked by eye.

Every input element is multiplied by the whole kernel and *scattered* into the full output::

    full[n, o, stride * i + dilation * tap]  +=  x[n, c, i] * w[c, o, tap]

for every batch entry ``n``, input channel ``c``, output channel ``o`` of the same group, input
position ``i`` and kernel position ``tap`` (per axis).  Then ``crop = (begin, end)`` elements are
removed from each end of each axis; a negative crop extends.  Elements that nothing reaches hold
the bias.  The kernel is not flipped: this is the adjoint of cross-correlation.

The code below does exactly that, one kernel position at a time, for all of ``n, c, o, i`` at once.
Nothing in it depends on the dtype: integers wrap as NumPy's do, ``object`` arrays of
:class:`fractions.Fraction` stay exact, and half precision is accumulated in single and rounded
once, as accelerators do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
PerAxis: TypeAlias = int | Sequence[int]
Crop: TypeAlias = int | Sequence[int | Sequence[int]]
Index: TypeAlias = tuple[Any, ...]


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
    """Transposed convolution: scatter every input element through the kernel, then crop.

    The adjoint of strided cross-correlation; the kernel is not flipped.

    Parameters
    ----------
    x : (n, c_in, *in_size) array
        One, two or three spatial axes; any numeric dtype, or ``object`` for exact arithmetic.
    w : (c_in, c_out // groups, *kernel) array
    b : (c_out,) array, optional
        Added to every output element, also to those that no input element reaches.
    stride, dilation : int or one int per spatial axis, default 1
    crop : int, or per spatial axis an int or a (begin, end) pair, default 0
        Elements removed from the full output; negative extends it.
    groups : int, default 1
        Must divide ``c_in`` and ``c_out``; group ``j`` of the inputs feeds group ``j`` of the
        outputs.

    Returns
    -------
    y : (n, c_out, *out_size) array
        ``out_size = (in_size - 1) * stride + dilation * (kernel - 1) + 1 - begin - end``.

    Raises
    ------
    ValueError
        If shapes disagree, an option is out of range, or an output size would be negative.

    References
    ----------
    V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*,
    arXiv:1603.07285, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose(np.array([[[1, 10]]]), np.array([[[1, 2, 3]]]), stride=2)
    array([[[ 1,  2, 13, 20, 30]]])
    >>> conv_transpose(np.array([[[1, 10]]]), np.array([[[1, 2, 3]]]), stride=2, crop=((1, -1),))
    array([[[ 2, 13, 20, 30,  0]]])
    """
    geometry = _Geometry.of(x, w, stride, dilation, crop, groups)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    if b is not None and b.shape != (geometry.out_channels,):
        raise ValueError(
            f"b has shape {b.shape}, but w has {w.shape[1]} output channels per group "
            f"x {groups} groups: it must be ({geometry.out_channels},)."
        )
    x, w = x.astype(_accumulator(dtype)), w.astype(_accumulator(dtype))
    x_rows, w_blocks = geometry.rows(x), geometry.blocks(w)
    canvas = np.zeros_like(x, shape=(len(x), geometry.out_channels, *geometry.canvas_size))
    for tap in np.ndindex(*geometry.kernel):
        contribution = w_blocks[_at(tap)].swapaxes(-1, -2) @ x_rows
        reached = _at(geometry.reached_through(tap))
        canvas[reached] += contribution.reshape(canvas[reached].shape)
    y = canvas[_at(geometry.kept)]
    if b is not None:
        y = y + b.astype(y.dtype).reshape(-1, *(1,) * geometry.rank)
    return y.astype(dtype)


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
    geometry = _Geometry.of(x, w, stride, dilation, crop, groups)
    if dy.shape != (len(x), geometry.out_channels, *geometry.out_size):
        raise ValueError(
            f"dy has shape {dy.shape}, but the output has shape "
            f"{(len(x), geometry.out_channels, *geometry.out_size)}."
        )
    dtype = np.result_type(dy, x, w)
    dy, x, w = (array.astype(_accumulator(dtype)) for array in (dy, x, w))
    canvas = np.zeros_like(dy, shape=(len(x), geometry.out_channels, *geometry.canvas_size))
    canvas[_at(geometry.kept)] = dy
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    x_rows, w_blocks = geometry.rows(x), geometry.blocks(w)
    for tap in np.ndindex(*geometry.kernel):
        reached = geometry.rows(canvas[_at(geometry.reached_through(tap))])
        dx += (w_blocks[_at(tap)] @ reached).reshape(dx.shape)
        dw[_at(tap)] = (x_rows @ reached.swapaxes(-1, -2)).sum(0).reshape(w.shape[:2])
    db = dy.sum(axis=(0, *range(2, dy.ndim)), dtype=dy.dtype)
    return dx.astype(dtype), dw.astype(dtype), db.astype(dtype)


@dataclass(frozen=True)
class _Geometry:
    """Where things are: the full output lies on a canvas that also holds what a crop adds to it."""

    groups: int
    out_channels: int
    in_size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]

    @classmethod
    def of(
        cls, x: Array, w: Array, stride: PerAxis, dilation: PerAxis, crop: Crop, groups: int
    ) -> _Geometry:
        rank = x.ndim - 2
        if not 1 <= rank <= 3 or w.ndim != x.ndim:
            raise ValueError(
                f"x has shape {x.shape} and w {w.shape}: both must have a batch or channel axis, "
                "a channel axis and the same one to three spatial axes."
            )
        if groups < 1 or x.shape[1] % groups:
            raise ValueError(f"groups {groups} must be positive and divide c_in {x.shape[1]}.")
        if w.shape[0] != x.shape[1]:
            raise ValueError(f"x has {x.shape[1]} channels, but w is for {w.shape[0]}.")
        if min(w.shape[2:]) < 1:
            raise ValueError(f"kernel {w.shape[2:]} must be at least 1 on every axis.")
        geometry = cls(
            groups=groups,
            out_channels=w.shape[1] * groups,
            in_size=x.shape[2:],
            kernel=w.shape[2:],
            stride=_positive("stride", stride, rank),
            dilation=_positive("dilation", dilation, rank),
            crop=_pairs(crop, rank),
        )
        for axis, size in enumerate(geometry.out_size):
            if size < 0:
                raise ValueError(
                    f"output size {size} on spatial axis {axis}: full size "
                    f"{geometry.full_size[axis]} = ({geometry.in_size[axis]}-1)*"
                    f"{geometry.stride[axis]} + {geometry.dilation[axis]}*"
                    f"({geometry.kernel[axis]}-1) + 1; crop {geometry.crop[axis]} removes "
                    f"{sum(geometry.crop[axis])}. Reduce crop or enlarge the input."
                )
        return geometry

    @property
    def rank(self) -> int:
        return len(self.in_size)

    @cached_property
    def full_size(self) -> tuple[int, ...]:
        axes = zip(self.in_size, self.stride, self.dilation, self.kernel, strict=True)
        return tuple((i - 1) * s + d * (k - 1) + 1 for i, s, d, k in axes)

    @cached_property
    def out_size(self) -> tuple[int, ...]:
        return tuple(
            full - begin - end for full, (begin, end) in zip(self.full_size, self.crop, strict=True)
        )

    @cached_property
    def origin(self) -> tuple[int, ...]:
        """Where the full output begins on the canvas: behind what a negative crop adds."""
        return tuple(max(0, -begin) for begin, _ in self.crop)

    @property
    def canvas_size(self) -> tuple[int, ...]:
        return tuple(
            max(origin + full, kept.stop)
            for origin, full, kept in zip(self.origin, self.full_size, self.kept, strict=True)
        )

    @property
    def kept(self) -> tuple[slice, ...]:
        """What the crop leaves of the canvas."""
        return tuple(
            slice(origin + begin, origin + begin + out)
            for origin, (begin, _), out in zip(self.origin, self.crop, self.out_size, strict=True)
        )

    def reached_through(self, tap: tuple[int, ...]) -> tuple[slice, ...]:
        """The canvas elements, one per input element, that the kernel element ``tap`` writes to."""
        axes = zip(self.origin, tap, self.dilation, self.stride, self.in_size, strict=True)
        return tuple(slice(o + t * d, o + t * d + s * i, s) for o, t, d, s, i in axes)

    def rows(self, array: Array) -> Array:
        """``(n, c, *size)`` as ``(n, groups, c // groups, positions)``."""
        n, c, *size = array.shape
        return array.reshape(n, self.groups, c // self.groups, math.prod(size))

    def blocks(self, w: Array) -> Array:
        """``(c_in, ...)`` as ``(groups, c_in // groups, ...)``."""
        return w.reshape(self.groups, w.shape[0] // self.groups, *w.shape[1:])


def _at(spatial: Index) -> Index:
    """Index the last axes."""
    return (..., *spatial)


def _accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _positive(name: str, value: PerAxis, rank: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, Sequence) else (int(value),) * rank
    if len(values) != rank or min(values) < 1:
        raise ValueError(f"{name} {value} must be a positive int, or {rank} of them.")
    return values


def _pairs(crop: Crop, rank: int) -> tuple[tuple[int, int], ...]:
    per_axis = crop if isinstance(crop, Sequence) else (crop,) * rank
    pairs = [tuple(side) if isinstance(side, Sequence) else (side, side) for side in per_axis]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            f"crop {crop} must be an int, or for each of {rank} spatial axes an int or a "
            "(begin, end) pair, such as " + str(((1, 0),) * rank) + "."
        )
    return tuple((begin, end) for begin, end in pairs)
