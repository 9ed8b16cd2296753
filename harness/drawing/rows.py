"""One axis: input above full output above output, with a line for each product."""

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
    text_width,
)
from harness.drawing.geometry import Axis, Link

_LABELS: Final = 76
_LARGEST_CELL: Final = 30
_HIGHEST_CELL: Final = 22
_GAP: Final = 12
_TWO_LABELS: Final = 110
_NAMED_TAPS: Final = 9


def rows(axis: Axis) -> Part:
    """Draw an axis."""
    positions = max(len(axis.positions), 1)
    cell = min(_LARGEST_CELL, (WIDTH - _LABELS) / positions)
    height = min(cell, _HIGHEST_CELL)
    name, law, note = _name(axis), _law(axis), _omissions(axis)
    top = 52 + 20 * bool(note)
    full = top + height + min(120.0, 56 + cell * min(axis.effective_kernel, 12) / 2)
    layout = _Layout(axis, cell, height, top, full, full + height + _GAP)
    lines = (
        text(f'<tspan class="head">{name}</tspan><tspan class="quiet" dx="10">{law}</tspan>'),
        *_named_taps(axis.kernel),
        *([text(note, y=52, kind="quiet")] if note else []),
        *_links(layout),
        *_row("input", layout.inputs(), layout, top),
        *_row("full", layout.full(), layout, layout.full_y),
        *_row("output", layout.output(), layout, layout.output_y),
        *_edges(layout),
        *_crop_labels(layout),
    )
    row = _LABELS + positions * cell + text_width(f"crop {axis.crop[1]}")
    width = max(row, text_width(name + law) + 10, text_width(note))
    return Part(width, layout.output_y + height + 52, lines)


@dataclass(frozen=True)
class _Layout:
    """The places of an axis' three rows."""

    axis: Axis
    cell: float
    height: float
    input_y: float
    full_y: float
    output_y: float

    def x(self, position: float) -> float:
        """Return where a position begins."""
        return _LABELS + (position - self.axis.positions.start) * self.cell

    def centre(self, element: int) -> float:
        """Return the middle of an input element, above the middle of what it reaches."""
        return self.x(element * self.axis.stride + self.axis.effective_kernel / 2)

    def is_drawn(self, position: int) -> bool:
        """Whether a position, or the end of the last one, is in the picture."""
        return self.axis.positions.start <= position <= self.axis.positions.stop

    def inputs(self) -> Iterator[Cell]:
        """Yield the elements of the input."""
        for element in self.axis.elements:
            x = min(self.centre(element), WIDTH - self.cell / 2) - self.cell / 2
            yield Cell(x, self.input_y, "input", number=element)

    def full(self) -> Iterator[Cell]:
        """Yield the elements of the full output."""
        axis = self.axis
        most = max(map(axis.count, axis.positions), default=0)
        for position in filter(axis.is_full, axis.positions):
            kind = "kept" if position in axis.output else "cut"
            dark = shade(axis.count(position), most)
            yield Cell(self.x(position), self.full_y, kind, dark, position)

    def output(self) -> Iterator[Cell]:
        """Yield the elements of the output, each below its position in the full output."""
        axis = self.axis
        for position in axis.positions:
            if position in axis.output:
                kind = "kept" if axis.is_full(position) else "added"
                number = position - axis.output.start
                yield Cell(self.x(position), self.output_y, kind, 0.75, number)


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


def _omissions(axis: Axis) -> str:
    """Describe how much of the axis is drawn; empty if all of it is."""
    drawn, note = len(axis.elements), ""
    if drawn < axis.whole:
        note = f"drawn: {drawn} of {axis.whole} input elements; each further one adds {axis.stride}"
    if len(axis.positions) < len(axis.extent):
        note += (
            f"{'; ' if note else 'drawn: '}{len(axis.positions)} of {len(axis.extent)} positions"
        )
    return note


def _named_taps(taps: int) -> Iterator[str]:
    """Explain the taps' colours; of many taps, name only some."""
    yield text("tap", y=32, kind="quiet")
    for i, tap in enumerate(range(0, taps, -(-taps // _NAMED_TAPS))):
        x = 30 + 40 * i
        yield path("link swatch", (f"M{x} 28h14",), f' stroke="{tap_colour(tap, taps)}"')
        yield text(f"{tap}", x + 18, 32, "quiet")


def _links(layout: _Layout) -> Iterator[str]:
    """Draw a line for each product, faint if the crop removes it; one path for each tap."""
    axis = layout.axis
    by_tap: dict[tuple[int, bool], list[Link]] = {}
    for link in axis.links:
        by_tap.setdefault((link.tap, link.position in axis.output), []).append(link)
    for (tap, kept), links in sorted(by_tap.items()):
        kind = "link" + " thin" * (layout.cell < LEGIBLE) + " off" * (not kept)
        colour = f' stroke="{tap_colour(tap, axis.kernel)}"'
        yield path(kind, (_curve(link, layout) for link in links), colour)


def _curve(link: Link, layout: _Layout) -> str:
    top, bottom = layout.input_y + layout.height, layout.full_y
    bend = (bottom - top) / 3
    start = coordinate(min(layout.centre(link.element), WIDTH - layout.cell / 2))
    end = coordinate(layout.x(link.position + 0.5))
    heights = map(coordinate, (top, top + bend, bottom - bend, bottom))
    return "M{0} {2}C{0} {3} {1} {4} {1} {5}".format(start, end, *heights)


def _row(name: str, drawn: Iterable[Cell], layout: _Layout, y: float) -> Iterator[str]:
    yield text(name, _LABELS - 14, y + layout.height / 2 + 4, "end")
    yield from cells(drawn, layout.cell, layout.height)


def _ends(layout: _Layout) -> Iterator[tuple[int, int, bool]]:
    """Yield the cropped ends that are drawn: position, crop, and whether it is the last end."""
    output, (begin, end) = layout.axis.output, layout.axis.crop
    for position, side, last in ((output.start, begin, False), (output.stop, end, True)):
        if side and layout.is_drawn(position):
            yield position, side, last


def _edges(layout: _Layout) -> Iterator[str]:
    """Draw where the crop cuts."""
    top, bottom = layout.full_y - 6, layout.output_y + layout.height + 6
    for position, side, _ in _ends(layout):
        if side > 0:
            x = coordinate(layout.x(position))
            yield path("edge", (f"M{x} {coordinate(top)}V{coordinate(bottom)}",))


def _crop_labels(layout: _Layout) -> Iterator[str]:
    """Label each end below the output: outside, what the crop removes; inside, what it adds."""
    y = layout.output_y + layout.height + 18
    output = (layout.axis.output.stop - layout.axis.output.start) * layout.cell
    # Inside a short output the two labels would overlap.
    lower = 15 if min(layout.axis.crop) < 0 and output < _TWO_LABELS else 0
    for position, side, last in _ends(layout):
        rightwards = (side > 0) == last
        x = layout.x(position) + (5 if rightwards else -5)
        label = f"crop {side}" if side > 0 else f"adds {-side}"
        yield text(label, x, y + lower * last, "quiet" if rightwards else "quiet end")
