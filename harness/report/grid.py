"""Columns of figures that fit the width of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

_LABEL = 10
_GAP = 2


@dataclass(frozen=True)
class Cell:
    """A figure, and a second one shown next to it or below it."""

    first: str = ""
    second: str = ""
    style: str = ""


@dataclass(frozen=True)
class GridRow:
    """A row under a heading that neighbouring rows may share."""

    heading: str
    label: str
    cells: Sequence[Cell]


def grid(names: Sequence[str], rows: Sequence[GridRow], width: int) -> Iterator[Text]:
    """Lay rows out below the columns' names.

    Both parts of a cell are side by side if that fits, else the second is below the first.  Columns
    that still do not fit go into another grid below.
    """
    if not rows:
        return
    widths = _widths(names, rows, stacked=False)
    if stacked := _LABEL + sum(widths) > width:
        widths = _widths(names, rows, stacked=True)
    first = 0
    while first < len(names):
        last = first + 1
        while last < len(names) and _LABEL + sum(widths[first : last + 1]) <= width:
            last += 1
        part = [GridRow(row.heading, row.label, row.cells[first:last]) for row in rows]
        yield from _part(names[first:last], part, widths[first:last], stacked=stacked)
        first = last


def _widths(names: Sequence[str], rows: Sequence[GridRow], *, stacked: bool) -> list[int]:
    return [
        _GAP
        + max(
            len(name),
            *(len(line) for row in rows for line, _ in _in_lines(row.cells[i], stacked=stacked)),
        )
        for i, name in enumerate(names)
    ]


def _in_lines(cell: Cell, *, stacked: bool) -> tuple[tuple[str, str], ...]:
    if stacked:
        return (cell.first, ""), (cell.second, cell.style)
    return ((f"{cell.first}  {cell.second}" if cell.second else cell.first, cell.style),)


def _part(
    names: Sequence[str], rows: Sequence[GridRow], widths: Sequence[int], *, stacked: bool
) -> Iterator[Text]:
    yield Text()
    head = (name.rjust(width) for name, width in zip(names, widths, strict=True))
    yield Text(" " * _LABEL + "".join(head), "bold")
    for heading, members in groupby(rows, lambda row: row.heading):
        yield Text(heading, "bold")
        for row in members:
            cells = [_in_lines(cell, stacked=stacked) for cell in row.cells]
            labels = (f"  {row.label}".ljust(_LABEL), " " * _LABEL)
            for label, line in zip(labels, zip(*cells, strict=True), strict=False):
                if any(text for text, _ in line):
                    parts = (
                        (t.rjust(w), style) for (t, style), w in zip(line, widths, strict=True)
                    )
                    yield Text.assemble(label, *parts)
