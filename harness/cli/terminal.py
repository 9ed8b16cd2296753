"""What reaches a terminal: control characters are shown, never obeyed.

Names, reasons and frameworks' messages may come from anywhere.  All that is printed passes through
here, as plain text by :func:`showing` or as a console's by :mod:`harness.cli.consoles`.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

# All but tabs and line feeds; and what changes the direction of the text after it.
_OBEYED: Final = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    r"""Write control characters as Python does.

    >>> print(shown("a\x1b[2Jb"), shown("tab\t, line\n").encode())
    a\x1b[2Jb b'tab\t, line\n'
    """
    return _OBEYED.sub(lambda match: repr(match[0])[1:-1], text)


class ShownStream:
    """A stream that shows control characters."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        self.stream.write(shown(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def showing() -> Iterator[None]:
    """Show the control characters of what is printed inside, and ``?`` for what has no encoding."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    streams = sys.stdout, sys.stderr
    # There is none where there is no terminal, or it is closed.
    sys.stdout, sys.stderr = (
        cast(TextIO, ShownStream(stream)) if stream else stream for stream in streams
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
