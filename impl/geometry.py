"""The geometry of a transposed convolution: checks of a call, sizes and indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import index
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
PerAxis: TypeAlias = int | Sequence[int]
Crop: TypeAlias = int | Sequence[int | Sequence[int]]


@dataclass(frozen=True)
class Geometry:
    """A checked geometry; its canvas holds the full output and what negative crops add to it."""

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
    ) -> Geometry:
        """Check a call; raise ``ValueError``, with the arithmetic, if it is not valid.

        Options that are no integers raise ``TypeError`` before anything is cached, however equal
        they are to integers: ``2.0 == 2``, and so are tuples of them.
        """
        options = (_integers(stride, 1), _integers(dilation, 1), _integers(crop, 2))
        return cls._of_shapes(_shape("x", x), _shape("w", w), *options, _integers(groups, 0))

    @classmethod
    @lru_cache(maxsize=256)
    def _of_shapes(
        cls,
        x: tuple[int, ...],
        w: tuple[int, ...],
        stride: PerAxis,
        dilation: PerAxis,
        crop: Crop,
        groups: int,
    ) -> Geometry:
        rank = len(x) - 2
        if not 1 <= rank <= 3 or len(w) != len(x):
            raise ValueError(
                f"x has shape {x} and w {w}: both must have a batch or channel axis, "
                "a channel axis and the same one to three spatial axes."
            )
        if groups < 1 or x[1] % groups:
            raise ValueError(f"groups {groups} must be positive and divide c_in {x[1]}.")
        if w[0] != x[1]:
            raise ValueError(f"x has {x[1]} channels, but w is for {w[0]}.")
        if min(w[2:]) < 1:
            raise ValueError(f"kernel {w[2:]} must be at least 1 on every axis.")
        geometry = cls(
            groups=groups,
            out_channels=w[1] * groups,
            in_size=x[2:],
            kernel=w[2:],
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

    def check_bias(self, b: Array | None) -> None:
        """Raise ``ValueError`` if the bias has the wrong shape."""
        if b is not None and _shape("b", b) != (self.out_channels,):
            raise ValueError(
                f"b has shape {b.shape}, but w has {self.out_channels // self.groups} output "
                f"channels per group x {self.groups} groups: it must be ({self.out_channels},)."
            )

    def check_cotangent(self, dy: Array, n: int) -> None:
        """Raise ``ValueError`` if the cotangent does not have the output's shape."""
        shape = (n, self.out_channels, *self.out_size)
        if _shape("dy", dy) != shape:
            raise ValueError(f"dy has shape {dy.shape}, but the output has shape {shape}.")

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.in_size)

    @cached_property
    def full_size(self) -> tuple[int, ...]:
        """``(in_size - 1) * stride + dilation * (kernel - 1) + 1``."""
        axes = zip(self.in_size, self.stride, self.dilation, self.kernel, strict=True)
        return tuple((i - 1) * s + d * (k - 1) + 1 for i, s, d, k in axes)

    @cached_property
    def out_size(self) -> tuple[int, ...]:
        """``full_size - begin - end``."""
        return tuple(
            full - begin - end for full, (begin, end) in zip(self.full_size, self.crop, strict=True)
        )

    @cached_property
    def origin(self) -> tuple[int, ...]:
        """Where the full output begins on the canvas: after what a negative crop adds."""
        return tuple(max(0, -begin) for begin, _ in self.crop)

    @property
    def canvas_size(self) -> tuple[int, ...]:
        """Size of the full output with what negative crops add."""
        return tuple(
            max(origin + full, kept.stop)
            for origin, full, kept in zip(self.origin, self.full_size, self.kept, strict=True)
        )

    @property
    def kept(self) -> tuple[slice, ...]:
        """The part of the canvas that the crop leaves."""
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


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype to accumulate in: single precision for 16 bits, else the same.

    The package ml_dtypes adds bfloat16 to NumPy, of kind ``V``.
    """
    is_short = dtype.itemsize == 2 and dtype.kind in "fV"
    return np.dtype(np.float32) if is_short else dtype


def _shape(name: str, array: Array) -> tuple[int, ...]:
    shape: tuple[int, ...] | None = getattr(array, "shape", None)
    if shape is None:
        raise TypeError(f"{name} must be an array, not {type(array).__name__}.")
    return shape


def _integers(value: Any, depth: int) -> Any:
    """Return plain integers, in tuples of ``depth`` levels at most.

    The cache would keep an equal bool or NumPy integer as it is.

    >>> _integers([True, (2, 3)], 2)
    (1, (2, 3))
    """
    if type(value) is int:  # Most are, and a small call takes less time than asking Sequence.
        return value
    if depth and (type(value) is tuple or _is_sequence(value)):
        return tuple([_integers(each, depth - 1) for each in value])
    return int(index(value))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def _positive(name: str, value: PerAxis, rank: int) -> tuple[int, ...]:
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) != rank or min(values) < 1:
        raise ValueError(f"{name} {value} must be a positive int, or {rank} of them.")
    return values


def _pairs(crop: Crop, rank: int) -> tuple[tuple[int, int], ...]:
    per_axis = (crop,) * rank if isinstance(crop, int) else crop
    pairs = [(side,) * 2 if isinstance(side, int) else tuple(side) for side in per_axis]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            f"crop {crop} must be an int, or for each of {rank} spatial axes an int or a "
            "(begin, end) pair, such as " + str(((1, 0),) * rank) + "."
        )
    return tuple((begin, end) for begin, end in pairs)
