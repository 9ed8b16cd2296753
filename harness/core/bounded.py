"""Files from outside: one that may never end or is larger than its reader allows is refused."""

from __future__ import annotations

import errno
import json
import mmap
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from harness.core.errors import InputError

MIB: Final = 1 << 20
_MOST_JSON: Final = 16 * MIB  # Brackets alone unfold to twenty times as much


def size_of(path: Path, most: int) -> int:
    """Return a file's size; raise ``OSError`` for a pipe, a device, and more than ``most`` bytes.

    >>> size_of(Path(__file__), MIB) > 100
    True
    """
    try:
        about = path.stat()
    except ValueError as error:  # What no name of a file holds
        raise OSError(errno.EINVAL, str(error)) from None
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")
    if about.st_size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // MIB} MiB, the most that is read")
    return about.st_size


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file of at most ``most`` bytes, and no more of one that grows meanwhile."""
    size_of(path, most)
    with path.open("rb") as stream:
        return stream.read(most)


def head_of(path: Path, most: int = 4096) -> bytes:
    """Return what a file begins with; nothing of what cannot be read, or is no file."""
    try:
        size_of(path, 1 << 62)
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError:
        return b""


@contextmanager
def mapped(path: Path, most: int) -> Iterator[memoryview]:
    """Yield the bytes of a file of at most ``most`` bytes, of which only what is used is read."""
    if not size_of(path, most):
        yield memoryview(b"")
        return
    with path.open("rb") as stream:
        content = mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ)
    view = memoryview(content)
    try:
        yield view
    finally:
        # A part of it that is still held, as by an error's traceback, lets go of the rest later.
        with suppress(BufferError):
            view.release()
            content.close()


def from_json(content: bytes, what: str) -> Any:
    """Return what a text in JSON holds.

    Raises
    ------
    InputError
        Where it is none, is longer than 16 MiB, or nested too deeply.

    Examples
    --------
    >>> from_json(b'{"a": [1]}', "it")
    {'a': [1]}
    """
    if len(content) > _MOST_JSON:
        raise InputError(
            f"{what} has {len(content)} bytes; {_MOST_JSON} are read of a text in JSON."
        )
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        kind = "is nested too deeply" if isinstance(error, RecursionError) else "is no JSON"
        raise InputError(f"{what} {kind}: {error}.") from None
