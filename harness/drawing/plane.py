"""A plane of two axes: input, full output, what one element reaches, what the crop leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Final

from harness.core.operators import Operator, Sizes
from harness.drawing.canvas import (
    LEGIBLE,
    WIDTH,
    Cell,
    Part,
    cells,
    coordinate,
    path,
    rectangle,
    shade,
    text,
    text_width,
)
from harness.drawing.geometry import Axis, Limits, axes_of

_LIMITS: Final = Limits(whole=20, cut=14, longest=24)
_LARGEST_CELL: Final = 24
_GAP: Final = 84
_TOP: Final = 36
_NAMED_COUNTS: Final = 6


def plane(operator: Operator, in_size: Sizes) -> Part:
    """Draw an operator with two axes."""
    height, width = axes_of(operator, in_size, _LIMITS)
    for axis in (height, width):
        if len(axis.positions) < len(axis.extent) or not axis.elements:
            return _not_drawn(axis)
    columns = len(width.elements) + len(width.positions)
    cell = min(_LARGEST_CELL, (WIDTH - _GAP) / columns)
    grids = _Grids(height, width, cell)
    legend, legend_width = _legend(grids)
    bottom = _TOP + max(len(height.elements), len(height.positions)) * cell
    lines = (
        *_titles(grids),
        *cells(grids.inputs(), cell, cell),
        *cells(grids.outputs(), cell, cell),
        *_reach(grids),
        *_frame(grids),
        f'<g class="legend" transform="translate(0 {coordinate(bottom + 26)})">',
        *legend,
        "</g>",
    )
    return Part(max(columns * cell + _GAP, legend_width), bottom + 66, lines)


def _not_drawn(axis: Axis) -> Part:
    positions = len(axis.extent)
    elements = f"{axis.shown} input element{'s' * (axis.shown != 1)} along the {axis.names[0]}"
    note = f"The plane is not drawn: {elements} and {positions} positions."
    return Part(text_width(note), 34, (text(note, kind="quiet"),))


@dataclass(frozen=True)
class _Grids:
    """The two grids and their places in the picture."""

    height: Axis
    width: Axis
    cell: float

    @cached_property
    def most(self) -> int:
        """The most products that are summed in any element."""
        return math.prod(max(map(axis.count, axis.positions)) for axis in (self.height, self.width))

    @cached_property
    def chosen(self) -> tuple[int, int]:
        """The input element, in the middle, whose reach is shown."""
        return len(self.height.elements) // 2, len(self.width.elements) // 2

    def input_at(self, row: int, column: int) -> tuple[float, float]:
        """Return the place of an input element; the two grids are centred vertically."""
        lower = (len(self.height.positions) - len(self.height.elements)) / 2
        return column * self.cell, _TOP + (max(lower, 0) + row) * self.cell

    def output_at(self, row: int, column: int) -> tuple[float, float]:
        """Return the place of a position of the full output."""
        left, top = self._origin
        return left + column * self.cell, top + row * self.cell

    @cached_property
    def _origin(self) -> tuple[float, float]:
        """The place of position 0 of the full output."""
        lower = max((len(self.height.elements) - len(self.height.positions)) / 2, 0)
        return (
            (len(self.width.elements) - self.width.positions.start) * self.cell + _GAP,
            _TOP + (lower - self.height.positions.start) * self.cell,
        )

    def inputs(self) -> Iterator[Cell]:
        """Yield the elements of the input."""
        for row, column in product(self.height.elements, self.width.elements):
            kind = "chosen" if (row, column) == self.chosen else "input"
            yield Cell(*self.input_at(row, column), kind)

    def kind(self, row: int, column: int) -> str:
        """Return a position's kind; empty in the corners that belong to neither output."""
        is_full = self.height.is_full(row) and self.width.is_full(column)
        if row in self.height.output and column in self.width.output:
            return "kept" if is_full else "added"
        return "cut" if is_full else ""

    def count(self, row: int, column: int) -> int:
        """Return how many products are summed at a position."""
        return self.height.count(row) * self.width.count(column)

    def outputs(self) -> Iterator[Cell]:
        """Yield the elements of the full output and of the output."""
        for row, column in product(self.height.positions, self.width.positions):
            if kind := self.kind(row, column):
                dark = shade(self.count(row, column), self.most)
                yield Cell(*self.output_at(row, column), kind, dark)

    def reached(self) -> Iterator[Cell]:
        """Yield the elements that the chosen element reaches, one for each tap."""
        (row, column), (kernel_h, kernel_w) = self.chosen, (self.height.kernel, self.width.kernel)
        for i, j in product(range(kernel_h), range(kernel_w)):
            y = row * self.height.stride + i * self.height.dilation
            x = column * self.width.stride + j * self.width.dilation
            yield Cell(*self.output_at(y, x), "reach")


def _titles(grids: _Grids) -> Iterator[str]:
    height, width = grids.height, grids.width
    whole, shown = f"{height.whole}x{width.whole}", f"{len(height.elements)}x{len(width.elements)}"
    title = "input" if shown == whole else f"{shown} of {whole} input elements"
    left, _ = grids.output_at(height.positions.start, width.positions.start)
    full = f"full output {height.full}x{width.full}, framed: output {height.out}x{width.out}"
    x, y = grids.input_at(0, 0)
    yield text(title, x, y - 10)
    yield text(full, left, _TOP - 10)


def _reach(grids: _Grids) -> Iterator[str]:
    """Mark what the chosen element reaches, with rays from it."""
    reached = tuple(grids.reached())
    cell = grids.cell
    x, y = grids.input_at(*grids.chosen)
    start, left = coordinate(x + cell), coordinate(reached[0].x)
    ends = (y, reached[0].y), (y + cell, reached[-1].y + cell)
    yield path("ray", (f"M{start} {coordinate(a)}L{left} {coordinate(b)}" for a, b in ends))
    yield from cells(reached, cell, cell)
    if cell >= LEGIBLE:
        yield '<g class="cells">'
        taps = product(range(grids.height.kernel), range(grids.width.kernel))
        for (i, j), at in zip(taps, reached, strict=True):
            yield text(f"{i},{j}", at.x + cell / 2, at.y + cell / 2 + 4)
        yield "</g>"


def _frame(grids: _Grids) -> Iterator[str]:
    height, width = grids.height.output, grids.width.output
    if len(height) and len(width):
        x, y = grids.output_at(height.start, width.start)
        yield path("frame", (rectangle(x, y, len(width) * grids.cell, len(height) * grids.cell),))


def _legend(grids: _Grids) -> tuple[list[str], float]:
    """Explain the colours in the picture; return the lines and their width."""
    every = product(grids.height.positions, grids.width.positions)
    kinds = {at: grids.kind(*at) for at in every}
    counted = {grids.count(*at) for at, kind in kinds.items() if kind == "kept"}
    counts = sorted(counted)[:: -(-len(counted) // _NAMED_COUNTS) or 1]
    entries = [(Cell(0, -11, "kept", shade(count, grids.most)), f"{count}") for count in counts]
    entries += [(Cell(0, -11, "reach"), "what one element reaches, by tap")]
    entries += [(Cell(0, -11, "cut"), "removed by the crop")] * ("cut" in kinds.values())
    entries += [(Cell(0, -11, "added"), "added: the bias alone")] * ("added" in kinds.values())
    lines = [text("products summed", y=0, kind="quiet")]
    x = text_width("products summed") + 14
    for mark, meaning in entries:
        lines += cells((replace(mark, x=x),), 14, 14)
        lines.append(text(meaning, x + 19, 0, "quiet"))
        x += 19 + text_width(meaning) + 8
    return lines, x
