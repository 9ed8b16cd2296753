"""Memory for large arrays on their way to a worker of ours and back: no pipe is as fast."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from harness.engines import worker
from harness.engines.request import Image

LEAST: Final = 2**18  # Bytes of arrays that are worth it
MOST: Final = 2**28  # What was lent once stays allocated.


@dataclass(frozen=True)
class _Part:
    """What a request has of the file: first its arrays, then room for those of its answer."""

    begin: int
    room: int
    end: int


class LentMemory:
    """A file in memory, of which each request has a part until it is answered.

    A worker maps its arrays, and may write to them: it has a copy of each page that it writes to.
    It writes those of its answer to the file, in the order of its frame, and they are copied from
    there.  Nothing is mapped here: whatever a worker does to the file, reading it is safe.
    """

    def __init__(self) -> None:
        # An object, which closes itself where nobody does.
        self._file = os.fdopen(os.memfd_create("deconform"), "r+b", buffering=0)
        self._lent: dict[int, _Part] = {}  # By request

    @property
    def descriptor(self) -> int:
        """What a worker inherits."""
        return self._file.fileno()

    @property
    def about(self) -> dict[str, int]:
        """What tells a worker which of its files this is."""
        return {"descriptor": self.descriptor, "inode": os.fstat(self.descriptor).st_ino}

    def lend(self, request: int, image: Image, room: int = 0) -> dict[str, Any]:
        """Copy arrays, and keep room for so many bytes of an answer, where it is worth it.

        Returns
        -------
        dict
            What the request tells the worker: as ``lent`` where its arrays are, which then need not
            follow it, and as ``room`` where those of the answer may be.
        """
        size = _in_pages(image.size) if LEAST <= image.nbytes <= MOST else 0
        room = room if LEAST <= room <= MOST else 0
        if not size + room:
            return {}
        begin = self._free(size + room)
        self._lent[request] = part = _Part(begin, begin + size, begin + size + room)
        told: dict[str, Any] = {}
        if size and self._write(part, image):
            told["lent"] = begin, size
        if room:
            told["room"] = {"begin": part.room, "size": room}
        return told

    def _write(self, part: _Part, image: Image) -> bool:
        """Write arrays, and guards to the end of the last page; whether there was memory for it."""
        size = part.room - part.begin
        parts = [*image.parts, bytes([worker.POISON]) * (size - image.size)]
        with suppress(OSError):
            return os.pwritev(self.descriptor, parts, part.begin) == size
        return False

    def answered(self, request: int, described: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a copy of the arrays of an answer, which are where there was room for them.

        Raises
        ------
        ValueError
            If they cannot be there.
        """
        part = self._lent.get(request, _Part(0, 0, 0))
        nbytes, room = sum(each["nbytes"] for each in described), part.end - part.room
        if nbytes > room:
            raise ValueError(f"its arrays have {nbytes} bytes, where room for {room} was lent")
        arrays = dict(worker.allocated(described))
        parts = [worker.bytes_of(array) for array in arrays.values()]
        with suppress(OSError):  # Such as for more arrays than the system reads at once
            if os.preadv(self.descriptor, parts, part.room) == nbytes:
                return arrays
        raise ValueError("its arrays are not where it was lent room for them")

    def take_back(self, request: int) -> None:
        """Use the part of a request again, which has been answered."""
        self._lent.pop(request, None)

    def close(self) -> None:
        """Forget it; a worker keeps what it has mapped."""
        self._file.close()

    def _free(self, size: int) -> int:
        """Return where so many bytes begin of which nothing is lent."""
        begin = 0
        for taken in sorted(self._lent.values(), key=lambda part: part.begin):
            if begin + size <= taken.begin:
                break
            begin = _in_pages(taken.end)
        return begin


def _in_pages(nbytes: int) -> int:
    return -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
