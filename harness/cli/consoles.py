"""Consoles: colours are ours, all else is text."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from harness.cli.terminal import ShownStream, shown


class ShownConsole(Console):
    """A console that shows the control characters of all that it is given."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render something."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))


def terminal(*, stderr: bool = False) -> Console:
    """Return the terminal's console."""
    return _console(sys.stderr if stderr else sys.stdout)


def wide_terminal() -> Console:
    """Return a console; a log has no width: let tables be as wide as they are."""
    console = terminal()
    return console if console.is_terminal else _console(sys.stdout, width=200)


def _console(stream: Any, width: int | None = None) -> Console:
    # Its own escapes must be obeyed.
    raw = stream.stream if isinstance(stream, ShownStream) else stream
    return ShownConsole(file=raw, width=width, markup=False, highlight=False)
