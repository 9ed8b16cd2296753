"""Answers on the terminal, in lines of pieces with styles."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def print_lines(lines: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Print lines of pairs of a style of ``rich`` and a text, in colour on a terminal."""
    if sys.stdout and sys.stdout.isatty():
        # Half of a look-up's time would go into this import; a pipe does without.
        from rich.text import Text

        from harness.cli.consoles import terminal

        console = terminal()
        for line in lines:
            console.print(Text.assemble(*((text, style) for style, text in line)), soft_wrap=True)
    else:
        for line in lines:
            print("".join(text for _, text in line))
