"""One axis: input, full output and output above each other, and a line for each product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from harness.drawing.canvas import (
    LEGIBLE,
    WIDTH,
    Cell,
    Part,
    cells,
    coordinate,
    path,
    shade,
    tap_colour,
    text,
    wide,
)
from harness.drawing.geometry import Axis, Link

_LABELS: Final = 76
_LARGEST_CELL: Final = 30
_HIGHEST_CELL: Final = 22
_GAP: Final = 12
_TWO_WORDS: Final = 110
_NAMED_TAPS: Final = 9


def rows(axis: Axis) -> Part:
    """Draw an axis."""
    positions = max(len(axis.positions), 1)
    cell = min(_LARGEST_CELL, (WIDTH - _LABELS) / positions)
    height = min(cell, _HIGHEST_CELL)
    said = _shown(axis)
    top = 52 + 20 * bool(said)
    full = top + height + min(120.0, 56 + cell * min(axis.effective_kernel, 12) / 2)
    placed = _Rows(axis, cell, height, top, full, full + height + _GAP)
    lines = (
        _heading(axis),
        *_named_taps(axis.kernel),
        *([text(said, y=52, kind="quiet")] if said else []),
        *_links(placed),
        *_row("input", placed.inputs(), placed, top),
        *_row("full", placed.full(), placed, placed.full_y),
        *_row("output", placed.output(), placed, placed.output_y),
        *_edges(placed),
        *_crop_words(placed),
    )
    crop = wide(f"crop {axis.crop[1]}")
    width = max(_LABELS + positions * cell + crop, wide(_name(axis) + _law(axis)) + 10, wide(said))
    return Part(width, placed.output_y + height + 52, lines)


@dataclass(frozen=True)
class _Rows:
    """Where the three rows of an axis stand."""

    axis: Axis
    cell: float
    height: float
    input_y: float
    full_y: float
    output_y: float

    def x(self, position: float) -> float:
        """Where a position begins."""
        return _LABELS + (position - self.axis.positions.start) * self.cell

    def centre(self, element: int) -> float:
        """The middle of an input element: that of all it reaches."""
        return self.x(element * self.axis.stride + self.axis.effective_kernel / 2)

    def is_drawn(self, position: int) -> bool:
        """Whether a position, or the end of the last one, is in the picture."""
        return self.axis.positions.start <= position <= self.axis.positions.stop

    def inputs(self) -> Iterator[Cell]:
        """The input's elements, each above the middle of what it reaches."""
        for element in self.axis.elements:
            x = min(self.centre(element), WIDTH - self.cell / 2) - self.cell / 2
            yield Cell(x, self.input_y, "input", number=element)

    def full(self) -> Iterator[Cell]:
        """The full output's elements."""
        axis = self.axis
        most = max(map(axis.count, axis.positions), default=0)
        for position in filter(axis.is_full, axis.positions):
            kind = "kept" if position in axis.output else "cut"
            dark = shade(axis.count(position), most)
            yield Cell(self.x(position), self.full_y, kind, dark, position)

    def output(self) -> Iterator[Cell]:
        """The output's elements, below the full output's."""
        axis = self.axis
        for position in axis.positions:
            if position in axis.output:
                kind = "kept" if axis.is_full(position) else "added"
                number = position - axis.output.start
                yield Cell(self.x(position), self.output_y, kind, 0.75, number)


def _heading(axis: Axis) -> str:
    name = f'<tspan class="head">{_name(axis)}</tspan>'
    return text(f'{name}<tspan class="quiet" dx="10">{_law(axis)}</tspan>')


def _name(axis: Axis) -> str:
    names = " and ".join(filter(None, (", ".join(axis.names[:-1]), axis.names[-1])))
    return f"{names[0].upper()}{names[1:]}"


def _law(axis: Axis) -> str:
    """Write the size law with its numbers."""
    begin, end = axis.crop
    full = (axis.whole - 1) * axis.stride + axis.effective_kernel
    kernel = f"{axis.dilation}*({axis.kernel} - 1) + 1" if axis.dilation > 1 else f"{axis.kernel}"
    law = f"full {full} = ({axis.whole} - 1)*{axis.stride} + {kernel}"
    return f"{law}, output {full - begin - end} = {full} - {_signed(begin)} - {_signed(end)}"


def _signed(value: int) -> str:
    return f"({value})" if value < 0 else f"{value}"


def _shown(axis: Axis) -> str:
    """Say how much of it is drawn, where that is not all."""
    drawn, said = len(axis.elements), ""
    if drawn < axis.whole:
        said = f"drawn: {drawn} of {axis.whole} input elements; each further one adds {axis.stride}"
    there = axis.extent.stop - axis.extent.start
    if len(axis.positions) < there:
        said += f"{'; ' if said else 'drawn: '}{len(axis.positions)} of {there} positions"
    return said


def _named_taps(taps: int) -> Iterator[str]:
    """Name the taps' colours; of many, some."""
    yield text("tap", y=32, kind="quiet")
    for i, tap in enumerate(range(0, taps, -(-taps // _NAMED_TAPS))):
        x = 30 + 40 * i
        yield path("link swatch", (f"M{x} 28h14",), f' stroke="{tap_colour(tap, taps)}"')
        yield text(f"{tap}", x + 18, 32, "quiet")


def _links(placed: _Rows) -> Iterator[str]:
    """Draw a line for each product, faintly where the crop removes it: a path for each tap."""
    axis = placed.axis
    alike: dict[tuple[int, bool], list[Link]] = {}
    for link in axis.links:
        alike.setdefault((link.tap, link.position in axis.output), []).append(link)
    for (tap, kept), links in sorted(alike.items()):
        kind = "link" + " thin" * (placed.cell < LEGIBLE) + " off" * (not kept)
        colour = f' stroke="{tap_colour(tap, axis.kernel)}"'
        yield path(kind, (_curve(link, placed) for link in links), colour)


def _curve(link: Link, placed: _Rows) -> str:
    top, bottom = placed.input_y + placed.height, placed.full_y
    bend = (bottom - top) / 3
    start = coordinate(min(placed.centre(link.element), WIDTH - placed.cell / 2))
    end = coordinate(placed.x(link.position + 0.5))
    heights = map(coordinate, (top, top + bend, bottom - bend, bottom))
    return "M{0} {2}C{0} {3} {1} {4} {1} {5}".format(start, end, *heights)


def _row(name: str, drawn: Iterable[Cell], placed: _Rows, y: float) -> Iterator[str]:
    yield text(name, _LABELS - 14, y + placed.height / 2 + 4, "end")
    yield from cells(drawn, placed.cell, placed.height)


def _ends(placed: _Rows) -> Iterator[tuple[int, int, bool]]:
    """Give the drawn ends that a crop made: the position, the crop, whether it is the last."""
    output = placed.axis.output
    for position, side, last in zip(
        (output.start, output.stop), placed.axis.crop, (False, True), strict=True
    ):
        if side and placed.is_drawn(position):
            yield position, side, last


def _edges(placed: _Rows) -> Iterator[str]:
    """Draw where the crop cuts."""
    top, bottom = placed.full_y - 6, placed.output_y + placed.height + 6
    for position, side, _ in _ends(placed):
        if side > 0:
            x = coordinate(placed.x(position))
            yield path("edge", (f"M{x} {coordinate(top)}V{coordinate(bottom)}",))


def _crop_words(placed: _Rows) -> Iterator[str]:
    """Say below the output what the crop did at each end: outside it removed, inside it added."""
    y = placed.output_y + placed.height + 18
    output = (placed.axis.output.stop - placed.axis.output.start) * placed.cell
    # Inside a short output the two would meet.
    lower = 15 if min(placed.axis.crop) < 0 and output < _TWO_WORDS else 0
    for position, side, last in _ends(placed):
        rightwards = (side > 0) == last
        x = placed.x(position) + (5 if rightwards else -5)
        said = f"crop {side}" if side > 0 else f"adds {-side}"
        yield text(said, x, y + lower * last, "quiet" if rightwards else "quiet end")
