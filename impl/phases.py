"""A transposed convolution taken apart into phases: which taps make which output elements."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from impl.geometry import Array, Geometry, accumulator

Sizes: TypeAlias = tuple[int, ...]
Spans: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Problem:
    """A call, its arrays by group: ``x (g, n, c_in, *size)``, ``w (g, c_in, c_out, taps)``."""

    geometry: Geometry
    x: Array
    w: Array
    b: Array | None
    dtype: np.dtype[Any]

    @classmethod
    def of(
        cls, geometry: Geometry, x: Array, w: Array, b: Array | None, dtype: np.dtype[Any]
    ) -> Problem:
        """Take a call's arrays; sums have the dtype that ``accumulator`` gives."""
        groups, sums = geometry.groups, accumulator(dtype)
        if b is not None:
            b = b.astype(sums, copy=False).reshape(groups, 1, -1, *(1,) * geometry.rank)
        problem = cls(geometry, x, w.astype(sums, copy=False), b, sums)
        return cls(geometry, problem.grouped(x), problem.taps_last(problem.w), b, sums)

    def grouped(self, array: Array) -> Array:
        """View ``(n, c, *size)`` as ``(g, n, c // g, *size)``."""
        n, c, *size = array.shape
        groups = self.geometry.groups
        return array.reshape(n, groups, c // groups, *size).swapaxes(0, 1)

    def taps_last(self, w: Array) -> Array:
        """View ``(c_in, c_out // g, *kernel)`` as ``(g, c_in // g, c_out // g, taps)``."""
        groups = self.geometry.groups
        return w.reshape(groups, len(w) // groups, w.shape[1], -1)

    @property
    def channels(self) -> tuple[int, int]:
        """Input and output channels of one group."""
        return self.w.shape[1], self.w.shape[2]

    @cached_property
    def taps(self) -> Mapping[Sizes, list[tuple[int, Sizes]]]:
        """The taps of each phase that has any, with their shifts."""
        found: dict[Sizes, list[tuple[int, Sizes]]] = {}
        geometry = self.geometry
        every = itertools.product(*map(range, geometry.kernel))
        for number, tap in enumerate(every):
            reached = [t * d for t, d in zip(tap, geometry.dilation, strict=True)]
            pairs = [divmod(at, s) for at, s in zip(reached, geometry.stride, strict=True)]
            phase = tuple(rest for _, rest in pairs)
            found.setdefault(phase, []).append((number, tuple(shift for shift, _ in pairs)))
        return found

    @cached_property
    def shift(self) -> Sizes:
        """The largest shift of any tap."""
        shifts = [shift for taps in self.taps.values() for _, shift in taps]
        return tuple(map(max, zip(*shifts, strict=True)))

    @cached_property
    def kept(self) -> Mapping[Sizes, Spans]:
        """The positions of each phase that the crop leaves."""
        return {phase: self._kept(phase) for phase in self.taps}

    def _kept(self, phase: Sizes) -> Spans:
        g, spans = self.geometry, []
        axes = zip(phase, g.stride, g.crop, g.out_size, g.in_size, self.shift, strict=True)
        for r, s, (begin, _), out, size, shift in axes:
            first = max(0, -((r - begin) // s))
            last = min(size + shift, -((r - begin - out) // s))
            spans.append((first, max(first, last)))
        return tuple(spans)

    def places(self, phase: Sizes, box: Spans) -> tuple[slice, ...]:
        """Where the output has the positions of a phase."""
        axes = zip(phase, box, self.geometry.stride, self.geometry.crop, strict=True)
        return tuple(
            slice(s * first + r - begin, s * (last - 1) + r - begin + 1, s)
            for r, (first, last), s, (begin, _) in axes
        )

    @property
    def reaches_all(self) -> bool:
        """Whether every output element belongs to a phase that is computed."""
        g = self.geometry
        return (
            self.x.size > 0
            and len(self.taps) == math.prod(g.stride)
            and all(side >= 0 for pair in g.crop for side in pair)
        )

    @cached_property
    def patterns(self) -> Mapping[tuple[Sizes, ...], list[Sizes]]:
        """The phases that have the same shifts, by these."""
        found: dict[tuple[Sizes, ...], list[Sizes]] = {}
        for phase, taps in self.taps.items():
            found.setdefault(tuple(shift for _, shift in taps), []).append(phase)
        return {shifts: sorted(phases) for shifts, phases in found.items()}


def inside(box: Spans, frame: Spans) -> tuple[slice, ...]:
    """Return where a box lies in an array that holds a larger one."""
    pairs = zip(box, frame, strict=True)
    return tuple(slice(first - at, last - at) for (first, last), (at, _) in pairs)


def last_axes(spatial: tuple[slice, ...]) -> tuple[Any, ...]:
    """Index the last axes."""
    return (..., *spatial)


def overlap(one: Spans, other: Spans) -> Spans | None:
    """Return what two boxes share; ``None`` where that is nothing."""
    spans = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
    return spans if all(first < last for first, last in spans) else None
