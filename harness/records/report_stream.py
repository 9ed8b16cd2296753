"""A report while its run goes on: each event is written before anybody hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

from harness.core import files
from harness.records.record import Event, Footer
from harness.records.report_file import as_line

Write: TypeAlias = Callable[[Event], None]


@contextmanager
def report_stream(path: Path, repeated: int = 0) -> Iterator[Write]:
    """Yield what writes the events of a run, from its header to its footer, into a report.

    A new report is in its place from the first line on.  One that replaces another is next to it
    as ``.part``, and takes its place with the footer.  A resumed run writes as many events as were
    ``repeated`` from the interrupted one before its report replaces that one.

    Raises
    ------
    WriteError
        If it cannot be written, or if another process is writing it.
    """
    with ExitStack() as stack:
        with files.explained(path):
            if files.is_replaceable(path):
                place = stack.enter_context(files.locked(path))
                writing = _Writing(place, path, repeated)
                stack.callback(writing.end)
                write = writing.write
            else:
                stream = stack.enter_context(files.opened(path))
                write = partial(_append, stream, path)
        try:
            yield write
        finally:
            with files.explained(path):
                stack.close()


def interrupted(path: Path) -> Path:
    """Return where an interrupted run has left its report: in its place, or next to it."""
    part = files.part_of(path)
    return part if part.is_file() and part.stat().st_size else path


class _Writing:
    def __init__(self, place: Path, path: Path, repeated: int) -> None:
        self._place = place
        self._path = path
        self._left = repeated  # Events until the report takes the place of the interrupted one
        part = files.part_of(place)
        if repeated:
            self._kept = interrupted(place)
        elif place.exists():
            self._kept = part
        else:
            part.unlink(missing_ok=True)
            self._kept = place
        self._at = self._kept.with_name(f"{self._kept.name}.new") if repeated else self._kept
        if self._at != place:
            self._at.unlink(missing_ok=True)
        self._stream = self._at.open("xb")
        self._is_whole = False

    def write(self, event: Event) -> None:
        _append(self._stream, self._path, event)
        self._left -= 1
        if not self._left:
            self._move(self._kept)
        self._is_whole = isinstance(event, Footer)

    def end(self) -> None:
        with self._stream:
            if self._is_whole:
                self._move(self._place)
                files.part_of(self._place).unlink(missing_ok=True)
            elif self._left > 0 or not self._stream.tell():
                self._at.unlink()

    def _move(self, to: Path) -> None:
        files.put(self._at, to)
        self._at = to


def _append(stream: IO[bytes], path: Path, event: Event) -> None:
    with files.explained(path):
        stream.write(as_line(event).encode())
        stream.flush()
