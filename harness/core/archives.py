"""Archives from outside: they name no millions of members, and a member unfolds within bounds."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from harness.core.bounded import MIB, size_of
from harness.core.errors import InputError

_MOST_NAMED: Final = 16 * MIB  # Bytes of the list of the members
_END: Final = b"PK\x05\x06"  # Of an archive: how long the list is, and a comment
_END_SIZE: Final = 22
_MOST_COMMENT: Final = 1 << 16
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error),
    *(RuntimeError, ValueError),  # Encrypted; pointing out of itself
)


@contextmanager
def archive(path: Path, most: int) -> Iterator[zipfile.ZipFile]:
    """Open an archive of at most ``most`` bytes.

    Raises
    ------
    InputError
        Where it is none, is damaged, encrypted, or names too many members.
    OSError
    """
    size_of(path, most)
    with path.open("rb") as stream:
        _check_list(stream, path.name)
        try:
            opened = zipfile.ZipFile(stream)
        except _BROKEN as error:
            raise InputError(f"{path.name} is no whole archive: {error}.") from None
        with opened:
            yield opened


def _check_list(stream: IO[bytes], name: str) -> None:
    """Refuse a list of members that would fill the memory; it is read whole."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_SIZE - _MOST_COMMENT))
    tail = stream.read()
    at = tail.rfind(_END)
    listed = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    # A list of more than 4 GiB stands in another record, and is too long anyway.
    if listed > _MOST_NAMED:
        raise InputError(f"{name} names more members than are read of an archive.")


def member(opened: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a member of at most ``most`` bytes, whatever it says of its size.

    Raises
    ------
    InputError
        Where there is none, or it is larger.
    """
    content = member_head(opened, name, most + 1)
    if len(content) > most:
        raise InputError(f"{name} unfolds to more than {most // MIB} MiB, the most that is read.")
    return content


def member_head(opened: zipfile.ZipFile, name: str, size: int) -> bytes:
    """Return what a member begins with.

    Raises
    ------
    InputError
        Where there is none, or it is damaged.
    """
    try:
        with opened.open(name) as stream:
            return stream.read(size)
    except KeyError:
        raise InputError(f"there is no {name} in the archive.") from None
    except _BROKEN as error:
        raise InputError(f"{name} cannot be taken out of the archive: {error}.") from None
