"""A transposed convolution split into phases: which taps reach which output elements."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from impl.geometry import Array, Geometry, accumulator
from impl.threads import scratch

Sizes: TypeAlias = tuple[int, ...]
Spans: TypeAlias = tuple[tuple[int, int], ...]
Index: TypeAlias = tuple[Any, ...]

# From this stride of the last axis on, the phases of a position are copied as one run.
_LONG_RUN: Final = 16
# Rows this short cost more in per-row overhead than in work.
_SHORT_ROW: Final = 16


class Tap(NamedTuple):
    """A kernel element: its flat index, and how many positions past its input it writes."""

    number: int
    shift: Sizes


class Pattern(NamedTuple):
    """Phases with the same shifts; ``numbers`` holds the taps' flat indices by shift and phase."""

    shifts: tuple[Sizes, ...]
    phases: list[Sizes]
    numbers: npt.NDArray[np.intp]


class Placement(NamedTuple):
    """The elements of a phase that the crop leaves, as indices into a block and into the output."""

    phase: Sizes
    elements: int
    in_block: Index
    in_output: Index


@dataclass(frozen=True, eq=False)
class Phases:
    """The phases of a geometry; get them from ``phases_of``: cached, so identity is equality."""

    geometry: Geometry

    @cached_property
    def taps(self) -> Mapping[Sizes, list[Tap]]:
        """The taps of each phase that has any."""
        by_phase: dict[Sizes, list[Tap]] = {}
        geometry = self.geometry
        every = itertools.product(*map(range, geometry.kernel))
        for number, tap in enumerate(every):
            reached = [t * d for t, d in zip(tap, geometry.dilation, strict=True)]
            pairs = [divmod(at, s) for at, s in zip(reached, geometry.stride, strict=True)]
            phase = tuple(rest for _, rest in pairs)
            shift = tuple(shift for shift, _ in pairs)
            by_phase.setdefault(phase, []).append(Tap(number, shift))
        return by_phase

    @cached_property
    def shift(self) -> Sizes:
        """The largest shift of any tap on each axis."""
        shifts = [tap.shift for taps in self.taps.values() for tap in taps]
        return tuple(map(max, zip(*shifts, strict=True)))

    @cached_property
    def positions(self) -> Spans:
        """All positions of the full output."""
        sizes = zip(self.geometry.in_size, self.shift, strict=True)
        return tuple((0, size + shift) for size, shift in sizes)

    @cached_property
    def kept(self) -> Mapping[Sizes, Spans]:
        """The positions of each phase that the crop leaves."""
        return {phase: self._kept(phase) for phase in self.taps}

    def _kept(self, phase: Sizes) -> Spans:
        g, spans = self.geometry, []
        axes = zip(phase, g.stride, g.crop, g.out_size, self.positions, strict=True)
        for r, s, (begin, _), out, (_, most) in axes:
            first = max(0, -((r - begin) // s))
            last = min(most, -((r - begin - out) // s))
            spans.append((first, max(first, last)))
        return tuple(spans)

    @cached_property
    def kept_by_any(self) -> Spans:
        """The smallest box that contains every position in ``kept``."""
        axes = zip(*self.kept.values(), strict=True)
        return tuple((min(a for a, _ in spans), max(b for _, b in spans)) for spans in axes)

    def placements(self, box: Spans, block: Spans) -> list[Placement]:
        """Locate what the crop leaves of a box: in an array of the block's positions, by phase."""
        placements = []
        for phase, spans in self.kept.items():
            if (kept := overlap(box, spans)) is not None:
                elements, in_block = math.prod(extents(kept)), inside(kept, block)
                in_output = self._in_output(phase, kept)
                placements.append(Placement(phase, elements, in_block, in_output))
        return placements

    def _in_output(self, phase: Sizes, box: Spans) -> Index:
        axes = zip(phase, box, self.geometry.stride, self.geometry.crop, strict=True)
        return last_axes(
            slice(s * first + r - begin, s * (last - 1) + r - begin + 1, s)
            for r, (first, last), s, (begin, _) in axes
        )

    @cached_property
    def reaches_all(self) -> bool:
        """Whether every output element is reached: by a phase that has taps, at a position."""
        g = self.geometry
        return len(self.taps) == math.prod(g.stride) and all(
            side >= 0 for pair in g.crop for side in pair
        )

    @cached_property
    def patterns(self) -> Sequence[Pattern]:
        """The phases, grouped by equal shifts."""
        by_shifts: dict[tuple[Sizes, ...], list[Sizes]] = {}
        for phase, taps in sorted(self.taps.items()):
            by_shifts.setdefault(tuple(tap.shift for tap in taps), []).append(phase)
        patterns = []
        for shifts, phases in by_shifts.items():
            numbers = [[tap.number for tap in self.taps[phase]] for phase in phases]
            patterns.append(Pattern(shifts, phases, np.array(numbers).T))
        return patterns

    @cached_property
    def is_regular(self) -> bool:
        """Whether all phases have the same shifts: no dilation, and stride divides the kernel."""
        g = self.geometry
        axes = zip(g.kernel, g.stride, g.dilation, strict=True)
        return all(k % s == 0 and d == 1 for k, s, d in axes)

    @cached_property
    def in_runs(self) -> bool:
        """Whether the phases of a position, adjacent in the output, are copied as one run."""
        return self.is_regular and self.geometry.stride[-1] >= _LONG_RUN

    @cached_property
    def phases_last(self) -> bool:
        """Whether weights are ordered by channel, then phase, not by phase, then channel."""
        return self.in_runs or (self.is_regular and len(self.patterns[0].shifts) == 1)


@lru_cache(maxsize=256)
def phases_of(geometry: Geometry) -> Phases:
    """Return the phases of a geometry, the same object each time."""
    return Phases(geometry)


@dataclass(frozen=True)
class Problem:
    """A call, with arrays by group: ``x (g, n, c_in, *size)``, ``w (g, c_in, c_out, *kernel)``.

    ``dtype`` is the dtype of sums.  ``w`` and ``b`` have it already; ``x`` is converted block by
    block.
    """

    phases: Phases
    x: Array
    w: Array
    b: Array | None
    dtype: np.dtype[Any]

    @classmethod
    def of(
        cls, geometry: Geometry, x: Array, w: Array, b: Array | None, dtype: np.dtype[Any]
    ) -> Problem:
        """Group a call's arrays; sums have the ``accumulator`` dtype of ``dtype``."""
        groups, sums = geometry.groups, accumulator(dtype)
        if b is not None:
            b = b.astype(sums, copy=False).reshape(groups, 1, -1, *(1,) * geometry.rank)
        by_group = w.astype(sums, copy=False).reshape(groups, len(w) // groups, *w.shape[1:])
        return cls(phases_of(geometry), grouped(x, groups), by_group, b, sums)

    @property
    def entries_last(self) -> bool:
        """Whether batch entries are innermost in memory; temporaries then use the same order."""
        return self.x.shape[1] > 1 and self.x.strides[1] == self.x.itemsize

    def spread(self, rows: Array, lead: Sizes, n: int, size: Sizes) -> Array:
        """View rows over batch entries and positions as ``(*lead, n, *size)``."""
        if not self.entries_last:
            return rows.reshape(*lead, n, *size)
        return np.moveaxis(rows.reshape(*lead, *size, n), -1, len(lead))

    def rows(self, array: Array, lead: Sizes) -> Array:
        """Return an array ``(g, n, c, *size)`` as ``(*lead, rows)``, the inverse of ``spread``."""
        order = (
            (0, 2, *range(3, array.ndim), 1)
            if self.entries_last
            else (0, 2, 1, *range(3, array.ndim))
        )
        return array.transpose(order).reshape(*lead, -1)

    @property
    def channels(self) -> tuple[int, int]:
        """Input and output channels of one group."""
        return self.w.shape[1], self.w.shape[2]


def grouped(array: Array, groups: int) -> Array:
    """View ``(n, c, *size)`` as ``(g, n, c // g, *size)``."""
    n, c, *size = array.shape
    return array.reshape(n, groups, c // groups, *size).swapaxes(0, 1)


def entries_last(kind: str, array: Array, dtype: np.dtype[Any], *, copied: bool = True) -> Array:
    """Return a copy of an array ``(n, ...)`` with entries innermost, or only memory for one."""
    buffer = scratch(kind, (*array.shape[1:], len(array)), dtype)
    view = np.moveaxis(buffer, -1, 0)
    if copied:
        view[...] = array
    return view


def inside(box: Spans, block: Spans) -> Index:
    """Return the index of a box in an array of a block's positions."""
    pairs = zip(box, block, strict=True)
    return last_axes(slice(first - at, last - at) for (first, last), (at, _) in pairs)


def last_axes(spatial: Iterable[slice]) -> Index:
    """Return an index into the last axes."""
    return (..., *spatial)


def overlap(one: Spans, other: Spans) -> Spans | None:
    """Return the intersection of two boxes; ``None`` if it is empty."""
    spans = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
    return spans if all(first < last for first, last in spans) else None


def extents(box: Spans) -> Sizes:
    """Return a box's size."""
    return tuple(last - first for first, last in box)


def block_size(total: int, most: int) -> tuple[int, int]:
    """Return how many of a total a block takes, and how many times as much would still fit."""
    taken = max(1, min(total, most))
    return taken, most // taken if taken == total else 0


def slices(total: int, size: int) -> list[slice]:
    """Cut ``range(total)`` into slices of a size."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def write(source: Array, b: Array | None, target: Array) -> None:
    """Write a source plus the bias of each output channel to a target ``(g, n, c_out, *size)``.

    May modify the source.
    """
    if b is not None:
        b = b.reshape(*b.shape[:3], *(1,) * (target.ndim - 3))
        if target.shape[-1] > _SHORT_ROW:
            np.add(source, b, out=target, casting="unsafe")
            return
        # NumPy has per-row overhead in a strided addition, but not in a copy.
        source += b
    target[...] = source


def matmul(left: Array, right: Array, out: Array) -> Array:
    """Write a matrix product; NumPy's ``matmul`` is slow at outer products."""
    multiply = np.multiply if left.shape[-1] == 1 else np.matmul
    product: Array = multiply(left, right, out=out)
    return product


def accumulate(left: Array, right: Array, sums: Array, kind: str, *, more: bool) -> None:
    """Write a product to ``sums``, or add it if ``more``; ``kind`` names the scratch memory."""
    if more:
        sums += matmul(left, right, scratch(kind, sums.shape, sums.dtype))
    else:
        matmul(left, right, sums)
