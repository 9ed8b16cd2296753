"""Building blocks of all pictures: parts, cells, colours and one style, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

WIDTH: Final = 760
LEGIBLE: Final = 17
# Ordered colours, distinct on white and on black; taps are spread over them.
_TAP_COLOURS: Final = (
    *((122, 81, 199), (38, 120, 210), (18, 155, 143)),
    *((122, 153, 20), (222, 142, 10), (214, 60, 62)),
)
# Every rule is limited to the picture's class, so that pictures can be embedded in a page.
STYLE: Final = """\
.geometry{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
.geometry .ground{fill:#fff}
.geometry text{fill:#1d2733}
.geometry .quiet{fill:#566370}
.geometry .head{font-weight:600;font-size:14px}
.geometry .cells text{font-size:11px;text-anchor:middle}
.geometry .end{text-anchor:end}
.geometry .middle{text-anchor:middle}
.geometry .input{fill:#8cc4ef;stroke:#1f6fb0}
.geometry .chosen{fill:#268bd2;stroke:#0d4f86;stroke-width:2}
.geometry .kept{fill:#2aa198;stroke:#177068}
.geometry .cut{fill:#9aa5af;fill-opacity:.14;stroke:#8d99a5;stroke-dasharray:3 2.5}
.geometry .added{fill:none;stroke:#177068;stroke-dasharray:1.5 2.5}
.geometry .frame{fill:none;stroke:#0b4f49;stroke-width:2.5}
.geometry .reach{fill:#f2b134;fill-opacity:.55;stroke:#b87700;stroke-width:2}
.geometry .ray{fill:none;stroke:#b87700;stroke-opacity:.7}
.geometry .edge{fill:none;stroke:#0b4f49;stroke-dasharray:4 3}
.geometry .link{fill:none;stroke-width:1.8}
.geometry .thin{stroke-width:1}
.geometry .off{stroke-opacity:.45;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){
.geometry .ground{fill:#121a22}
.geometry text{fill:#e8edf2}
.geometry .quiet{fill:#a3b0bc}
.geometry .input{fill:#1f5f93;stroke:#6db6ec}
.geometry .chosen{fill:#3b9be3;stroke:#c5e4fb}
.geometry .kept,.geometry .added{stroke:#4fc4b8}
.geometry .cut{stroke:#77838f}
.geometry .frame,.geometry .edge{stroke:#8be0d6}
.geometry .reach{fill:#d99a1c;stroke:#ffd27a}
.geometry .ray{stroke:#ffd27a}
}
"""


@dataclass(frozen=True)
class Part:
    """A piece of a picture and its size; its top left corner is (0, 0)."""

    width: float
    height: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """An element: its place, kind and shade, and its number if it has one."""

    x: float
    y: float
    kind: str
    shade: float = 1.0
    number: int | None = None


def text_width(line: str) -> float:
    """Return an upper bound on the width of a line of text; fonts differ."""
    return 6.7 * len(line)


@lru_cache(maxsize=4096)
def coordinate(value: float) -> str:
    """Write a coordinate without digits too small to see.

    >>> coordinate(14.0), coordinate(14.26)
    ('14', '14.3')
    """
    return f"{value:.1f}".removesuffix(".0")


def text(line: str, x: float = 0, y: float = 12, kind: str = "") -> str:
    """Write a line of text, unescaped: it must be numbers and our own words only."""
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{coordinate(x)}" y="{coordinate(y)}">{line}</text>'


def path(kind: str, pieces: Iterable[str], more: str = "") -> str:
    """Draw several pieces as one path."""
    return f'<path class="{kind}"{more} d="{"".join(pieces)}"/>'


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Write a rectangle as a piece of a path."""
    left, top, across, down = map(coordinate, (x, y, width, height))
    return f"M{left} {top}h{across}v{down}h-{across}z"


def cells(drawn: Iterable[Cell], width: float, height: float) -> Iterator[str]:
    """Draw elements, one path for all that look the same; then their numbers."""
    drawn = tuple(drawn)
    inset = 1 if width > 8 else 0.5
    pieces: dict[tuple[str, float], list[str]] = {}
    for cell in drawn:
        piece = rectangle(cell.x + inset, cell.y + inset, width - 2 * inset, height - 2 * inset)
        pieces.setdefault((cell.kind, cell.shade), []).append(piece)
    for (kind, shade), same in pieces.items():
        yield path(kind, same, f' fill-opacity="{shade:g}"' if kind == "kept" else "")
    numbered = [cell for cell in drawn if cell.number is not None]
    if numbered and width >= LEGIBLE:
        yield '<g class="cells">'
        for cell in numbered:
            yield text(f"{cell.number}", cell.x + width / 2, cell.y + height / 2 + 4)
        yield "</g>"


def shade(count: int, most: int) -> float:
    """Return how dark an output element is: darker, the more products are summed in it.

    >>> shade(0, 4), shade(2, 4), shade(4, 4)
    (0.0, 0.48, 0.82)
    """
    return round(0.14 + 0.68 * count / most, 2) if count else 0.0


def tap_colour(tap: int, taps: int) -> str:
    """Return a tap's colour; the taps are spread evenly over the colours.

    >>> tap_colour(0, 3), tap_colour(2, 3)
    ('#7a51c7', '#d63c3e')
    """
    place = tap / (taps - 1) * (len(_TAP_COLOURS) - 1) if taps > 1 else 1
    first = min(int(place), len(_TAP_COLOURS) - 2)
    part = place - first
    ends = zip(_TAP_COLOURS[first], _TAP_COLOURS[first + 1], strict=True)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in ends)
