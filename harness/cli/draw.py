"""``deconform draw``: the picture of what a text says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli.main import OK
from harness.cli.translate import typed
from harness.core.errors import InputError
from harness.core.operators import Operator, Sizes, axis_name, sizes
from harness.drawing import draw_svg
from harness.lookup.answer import read_text

_EXAMPLE_SIZE = 4


class DrawError(InputError):
    """A picture that cannot be drawn or written."""


def draw(options: argparse.Namespace) -> int:
    """Draw which input elements reach which output elements."""
    found = read_text(
        typed(options.text), options.source, input=options.input, weight=options.weight
    )
    operator = found.operator
    in_size = _example_size(operator) if found.input is None else found.input[2:]
    drawn = draw_svg(operator, in_size, _axis(options.axis, operator.rank))
    if options.output == "-":
        sys.stdout.write(drawn)
        return OK
    try:
        Path(options.output).write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise DrawError(f"{options.output} cannot be written: {error.strerror}.") from None
    said = ""
    if found.input is None:
        shape = ",".join(map(str, (1, operator.in_channels, *in_size)))
        said = f", for an input of {sizes(in_size)}; choose another with --input {shape}"
    print(f"wrote {options.output}{said}")  # noqa: T201
    return OK


def _axis(name: str | None, rank: int) -> int | None:
    """Read an axis's name or number."""
    if name is None:
        return None
    names = [axis_name(axis, rank) for axis in range(rank)]
    numbers = [str(axis) for axis in range(rank)]
    for known in (names, numbers):
        if name in known:
            return known.index(name)
    raise DrawError(f"--axis {name}: there are {', '.join(names)} (or {', '.join(numbers)}).")


def _example_size(operator: Operator) -> Sizes:
    """A small input that gives an output, where the text leaves it open."""
    size = _EXAMPLE_SIZE
    while min(operator.out_size((size,) * operator.rank)) < 1:
        size *= 2
    return (size,) * operator.rank
