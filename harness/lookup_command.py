"""``deconform translate``: apart from the other commands, which import what a look-up needs not."""

from __future__ import annotations

import argparse
import json
import sys

from harness.cli import OK
from harness.lookup import answer, look_up


def translate(options: argparse.Namespace) -> int:
    """Print how the frameworks say what a text says."""
    text = sys.stdin.read() if options.text == "-" else options.text
    found = look_up(
        text,
        options.source,
        options.to,
        input=options.input,
        weight=options.weight,
        style=options.style,
    )
    if options.json:
        print(json.dumps(found.to_json(), indent=2))  # noqa: T201
        return OK
    lines = answer(found, options.program)
    if sys.stdout.isatty():
        # Half of a look-up's time would go into this import; a pipe does without.
        from rich.console import Console  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(markup=False, highlight=False)
        for line in lines:
            console.print(Text.assemble(*((text, style) for style, text in line)), soft_wrap=True)
    else:
        for line in lines:
            print("".join(text for _, text in line))  # noqa: T201
    return OK
