"""Files from outside: one that may never end or is larger than its reader allows is refused."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20


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
