"""``deconform draw``: which input elements of a call reach which output elements."""

from __future__ import annotations

import argparse

from harness.cli.exit_statuses import OK
from harness.cli.options import UsageError, add_shared
from harness.core.operators import axis_name, sizes

_EXAMPLE_SIZE = 4


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "text", "from", "input", "weight")
    parser.add_argument("--axis", metavar="NAME", help="only this one, such as width, or 0")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE.svg", help="write it; - prints it"
    )


def run(options: argparse.Namespace) -> int:
    from harness.cli.output import write_text
    from harness.cli.translate import typed
    from harness.drawing import draw_svg
    from harness.lookup.answer import read_text

    reading = read_text(
        typed(options.text), options.source, input=options.input, weight=options.weight
    )
    operator = reading.operator
    size = _EXAMPLE_SIZE
    while min(operator.out_size((size,) * operator.rank)) < 1:
        size *= 2
    in_size = reading.input[2:] if reading.input else (size,) * operator.rank
    write_text(options.output, draw_svg(operator, in_size, _axis(options.axis, operator.rank)))
    if options.output == "-":
        return OK
    hint = ""
    if reading.input is None:
        shape = ",".join(map(str, (1, operator.in_channels, *in_size)))
        hint = f", for an input of {sizes(in_size)}; choose another with --input {shape}"
    print(f"wrote {options.output}{hint}")
    return OK


def _axis(name: str | None, rank: int) -> int | None:
    """Read an axis's name or number."""
    if name is None:
        return None
    axes = {axis_name(axis, rank): str(axis) for axis in range(rank)}
    if (number := axes.get(name, name)) in axes.values():
        return int(number)
    known = f"{', '.join(axes)} (or {', '.join(axes.values())})"
    raise UsageError(f"--axis {name}: there are {known}.")
