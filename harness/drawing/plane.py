"""Two axes: the input, the full output, what one element reaches, and what the crop leaves."""

from __future__ import annotations

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
    wide,
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
        if len(axis.positions) < axis.extent.stop - axis.extent.start or not axis.elements:
            return _left_out(axis)
    columns = len(width.elements) + len(width.positions)
    cell = min(_LARGEST_CELL, (WIDTH - _GAP) / columns)
    placed = _Plane(height, width, cell)
    legend, legend_width = _legend(placed)
    bottom = _TOP + max(len(height.elements), len(height.positions)) * cell
    lines = (
        *_titles(placed),
        *cells(placed.inputs(), cell, cell),
        *cells(placed.outputs(), cell, cell),
        *_reach(placed),
        *_frame(placed),
        f'<g class="legend" transform="translate(0 {coordinate(bottom + 26)})">',
        *legend,
        "</g>",
    )
    return Part(max(columns * cell + _GAP, legend_width), bottom + 66, lines)


def _left_out(axis: Axis) -> Part:
    there = axis.extent.stop - axis.extent.start
    elements = f"{axis.shown} input element{'s' * (axis.shown != 1)} along the {axis.names[0]}"
    said = f"The plane is not drawn: {elements} and {there} positions."
    return Part(wide(said), 34, (text(said, kind="quiet"),))


@dataclass(frozen=True)
class _Plane:
    """Where the two grids stand."""

    height: Axis
    width: Axis
    cell: float

    @cached_property
    def most(self) -> int:
        """The most products that are summed in an element."""
        return max(map(self.height.count, self.height.positions)) * max(
            map(self.width.count, self.width.positions)
        )

    @cached_property
    def chosen(self) -> tuple[int, int]:
        """The input element whose way is shown, in the middle."""
        return len(self.height.elements) // 2, len(self.width.elements) // 2

    def input_at(self, row: int, column: int) -> tuple[float, float]:
        """Where an input element stands, the grid beside the middle of the other one."""
        lower = (len(self.height.positions) - len(self.height.elements)) / 2
        return column * self.cell, _TOP + (max(lower, 0) + row) * self.cell

    def output_at(self, row: int, column: int) -> tuple[float, float]:
        """Where a position of the full output stands."""
        left, top = self._origin
        return left + column * self.cell, top + row * self.cell

    @cached_property
    def _origin(self) -> tuple[float, float]:
        """Where position 0 of the full output stands."""
        lower = max((len(self.height.elements) - len(self.height.positions)) / 2, 0)
        return (
            (len(self.width.elements) - self.width.positions.start) * self.cell + _GAP,
            _TOP + (lower - self.height.positions.start) * self.cell,
        )

    def inputs(self) -> Iterator[Cell]:
        """The input's elements."""
        for row, column in product(self.height.elements, self.width.elements):
            kind = "chosen" if (row, column) == self.chosen else "input"
            yield Cell(*self.input_at(row, column), kind)

    def kind(self, row: int, column: int) -> str:
        """What a position is; nothing in the corners that are in neither output."""
        is_full = self.height.is_full(row) and self.width.is_full(column)
        if row in self.height.output and column in self.width.output:
            return "kept" if is_full else "added"
        return "cut" if is_full else ""

    def outputs(self) -> Iterator[Cell]:
        """The elements of the full output and of the output."""
        for row, column in product(self.height.positions, self.width.positions):
            if kind := self.kind(row, column):
                dark = shade(self.height.count(row) * self.width.count(column), self.most)
                yield Cell(*self.output_at(row, column), kind, dark)

    def reached(self) -> Iterator[Cell]:
        """What the chosen element reaches, one element for each tap."""
        (row, column), (kernel_h, kernel_w) = self.chosen, (self.height.kernel, self.width.kernel)
        for i, j in product(range(kernel_h), range(kernel_w)):
            y = row * self.height.stride + i * self.height.dilation
            x = column * self.width.stride + j * self.width.dilation
            yield Cell(*self.output_at(y, x), "reach")


def _titles(placed: _Plane) -> Iterator[str]:
    rows, columns = len(placed.height.elements), len(placed.width.elements)
    whole = f"{placed.height.whole}x{placed.width.whole}"
    shown = f"{rows}x{columns}"
    said = "input" if shown == whole else f"{shown} of {whole} input elements"
    left, _ = placed.output_at(placed.height.positions.start, placed.width.positions.start)
    full = f"full output {placed.height.full}x{placed.width.full}, framed: "
    out = f"output {placed.height.out}x{placed.width.out}"
    x, y = placed.input_at(0, 0)
    yield text(said, x, y - 10)
    yield text(f"{full}{out}", left, _TOP - 10)


def _reach(placed: _Plane) -> Iterator[str]:
    """Mark what the chosen element reaches, with rays from the one to the other."""
    reached = tuple(placed.reached())
    cell = placed.cell
    x, y = placed.input_at(*placed.chosen)
    left = reached[0].x
    top, bottom = reached[0].y, reached[-1].y + cell
    start = coordinate(x + cell)
    rays = (
        f"M{start} {coordinate(y)}L{coordinate(left)} {coordinate(top)}",
        f"M{start} {coordinate(y + cell)}L{coordinate(left)} {coordinate(bottom)}",
    )
    yield path("ray", rays)
    yield from cells(reached, cell, cell)
    if cell >= LEGIBLE:
        yield '<g class="cells">'
        taps = product(range(placed.height.kernel), range(placed.width.kernel))
        for (i, j), at in zip(taps, reached, strict=True):
            yield text(f"{i},{j}", at.x + cell / 2, at.y + cell / 2 + 4)
        yield "</g>"


def _frame(placed: _Plane) -> Iterator[str]:
    """Draw a frame around the output."""
    height, width = placed.height.output, placed.width.output
    if len(height) and len(width):
        x, y = placed.output_at(height.start, width.start)
        yield path("frame", (rectangle(x, y, len(width) * placed.cell, len(height) * placed.cell),))


def _legend(placed: _Plane) -> tuple[list[str], float]:
    """Say what the colours mean, of all that is in the picture; and how wide that is."""
    every = product(placed.height.positions, placed.width.positions)
    kinds = {at: placed.kind(*at) for at in every}
    found = {
        placed.height.count(row) * placed.width.count(column)
        for (row, column), kind in kinds.items()
        if kind == "kept"
    }
    counts = sorted(found)[:: -(-len(found) // _NAMED_COUNTS) or 1]
    words = [(Cell(0, -11, "kept", shade(count, placed.most)), f"{count}") for count in counts]
    words += [(Cell(0, -11, "reach"), "what one element reaches, by tap")]
    words += [(Cell(0, -11, "cut"), "removed by the crop")] * ("cut" in kinds.values())
    words += [(Cell(0, -11, "added"), "added: the bias alone")] * ("added" in kinds.values())
    lines = [text("products summed", y=0, kind="quiet")]
    x = wide("products summed") + 14
    for mark, said in words:
        lines += cells((replace(mark, x=x),), 14, 14)
        lines.append(text(said, x + 19, 0, "quiet"))
        x += 19 + wide(said) + 8
    return lines, x
