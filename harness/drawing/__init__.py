"""Pictures of a transposed convolution's geometry, as SVG.

They follow Dumoulin & Visin, "A guide to convolution arithmetic for deep learning"
(https://arxiv.org/abs/1603.07285): input elements are blue, output elements green.  An operator
with two axes is drawn as a plane that shows what one element reaches; every operator is also drawn
axis by axis, with all taps.  The SVG contains its own styles, light and dark, and no text but
numbers and our own words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from harness.core.operators import Operator, OperatorError, Sizes, sizes
from harness.drawing.canvas import STYLE, Part, coordinate, text, text_width
from harness.drawing.geometry import Axis, axes_of
from harness.drawing.plane import plane
from harness.drawing.rows import rows

__all__ = ["draw_svg"]

_MARGIN: Final = 24
_INDEPENDENT: Final = (
    "The axes are independent: where an element goes along one does not depend on the others."
)


def draw_svg(operator: Operator, in_size: Sizes, axis: int | None = None) -> str:
    """Draw which input elements reach which output elements, and what the crop removes or adds.

    The document is complete, and equal arguments give equal text.  Large axes are drawn with fewer
    elements, and the picture says so; with an ``axis``, only that one is drawn.

    Raises
    ------
    OperatorError
        If the input has the wrong rank or gives no output, or there is no such axis.

    Examples
    --------
    >>> drawn = draw_svg(Operator.of(1, 1, (3,), stride=2, crop=((1, 0),)), (3,))
    >>> drawn.partition(" ")[0], "full 7 = (3 - 1)*2 + 3, output 6 = 7 - 1 - 0" in drawn
    ('<svg', True)
    """
    axes = axes_of(operator, in_size)
    if axis is not None and axis not in range(operator.rank):
        raise OperatorError(f"there is no axis {axis}: the operator has {operator.rank} of them.")
    parts = [_heading(operator, in_size)]
    if operator.rank == 2 and axis is None:
        parts.append(plane(operator, in_size))
    parts += map(rows, _merged(axes if axis is None else axes[axis : axis + 1]))
    if operator.rank == 3 and axis is None:
        parts.append(Part(text_width(_INDEPENDENT), 24, (text(_INDEPENDENT, kind="quiet"),)))
    return _document(_summary(operator, in_size), parts)


def _merged(axes: Iterable[Axis]) -> tuple[Axis, ...]:
    names_of: dict[Axis, tuple[str, ...]] = {}
    for axis in axes:
        key = replace(axis, names=())
        names_of[key] = (*names_of.get(key, ()), *axis.names)
    return tuple(replace(axis, names=names) for axis, names in names_of.items())


def _document(summary: str, parts: Sequence[Part]) -> str:
    lines = []
    y: float = _MARGIN
    for part in parts:
        lines += [f'<g transform="translate({_MARGIN} {coordinate(y)})">', *part.lines, "</g>"]
        y += part.height
    width, height = math.ceil(max(part.width for part in parts)) + 2 * _MARGIN, math.ceil(y)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="geometry" role="img" {size}>',
            "<title>A transposed convolution: what its elements reach</title>",
            f"<desc>{summary}</desc>",
            f"<style>\n{STYLE}</style>",
            # The page around it may not follow the reader's colour scheme, so it has a background.
            '<rect class="ground" width="100%" height="100%" rx="6"/>',
            *lines,
            "</svg>\n",
        )
    )


def _summary(operator: Operator, in_size: Sizes) -> str:
    """Describe the whole picture in words, for screen readers."""
    return (
        f"Input {sizes(in_size)}, kernel {sizes(operator.kernel)}, "
        f"stride {sizes(operator.stride)}, dilation {sizes(operator.dilation)}, "
        f"crop {_crops(operator)}: full output {sizes(operator.full_size(in_size))}, "
        f"output {sizes(operator.out_size(in_size))}."
    )


def _crops(operator: Operator) -> str:
    return " x ".join(f"({begin}, {end})" for begin, end in operator.crop)


def _heading(operator: Operator, in_size: Sizes) -> Part:
    full, out = sizes(operator.full_size(in_size)), sizes(operator.out_size(in_size))
    options = [f"kernel {sizes(operator.kernel)}", f"stride {sizes(operator.stride)}"]
    if set(operator.dilation) != {1}:
        options.append(f"dilation {sizes(operator.dilation)}")
    if any(side for pair in operator.crop for side in pair):
        options.append(f"crop {_crops(operator)}")
    arrow = "\N{RIGHTWARDS ARROW}"
    shapes = f"input {sizes(in_size)} {arrow} full {full} {arrow} output {out}"
    line = ", ".join(options)
    lines = (text(shapes, kind="head"), text(line, y=32, kind="quiet"))
    return Part(1.2 * max(text_width(shapes), text_width(line)), 58, lines)
