"""Memory that a worker of ours reads large arrays from: no pipe is as fast."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from typing import Any, Final

from harness.engines import worker

LEAST: Final = 2**18  # Bytes of arrays that are worth it
MOST: Final = 2**28  # What was lent once stays allocated.
_POISON: Final = bytes([worker.POISON])


class LentMemory:
    """A file in memory, of which each request has a part until it is answered.

    A worker may write to its view of it: it has a copy of each page that it writes to.
    """

    def __init__(self) -> None:
        # An object, which closes itself where nobody does.
        self._file = os.fdopen(os.memfd_create("deconform"), "r+b", buffering=0)
        self._mapping: mmap.mmap | None = None
        self._lent: dict[int, tuple[int, int]] = {}  # Where the part of each request is

    @property
    def descriptor(self) -> int:
        """What a worker inherits."""
        return self._file.fileno()

    @property
    def about(self) -> dict[str, int]:
        """What tells a worker which of its files this is."""
        return {"descriptor": self.descriptor, "inode": os.fstat(self.descriptor).st_ino}

    def lend(self, request: int, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Copy arrays; return what a worker must know to find them."""
        ready = {name: worker.ordered(value) for name, value in arrays.items()}
        places, end = worker.placed([array.nbytes for array in ready.values()])
        size = -(-end // mmap.PAGESIZE) * mmap.PAGESIZE  # So that another can begin after it
        begin = self._room(size)
        self._lent[request] = begin, begin + size
        mapping = self._reaching(begin + size)
        end = 0
        for place, array in zip(places, ready.values(), strict=True):
            mapping[begin + end : begin + place] = _POISON * (place - end)
            end = place + array.nbytes
            mapping[begin + place : begin + end] = worker.bytes_of(array)
        mapping[begin + end : begin + size] = _POISON * (size - end)
        return {"begin": begin, "size": size, "arrays": worker.descriptions(ready)}

    def take_back(self, request: int) -> None:
        """Use the part of a request again, which has been answered."""
        self._lent.pop(request, None)

    def close(self) -> None:
        """Forget it; a worker keeps what it has mapped."""
        if self._mapping is not None:
            self._mapping.close()
        self._file.close()

    def _room(self, size: int) -> int:
        """Return where so many bytes begin of which nothing is lent."""
        begin = 0
        for taken, end in sorted(self._lent.values()):
            if begin + size <= taken:
                break
            begin = end
        return begin

    def _reaching(self, end: int) -> mmap.mmap:
        if self._mapping is None or len(self._mapping) < end:
            os.ftruncate(self.descriptor, end)
            self._mapping = mmap.mmap(self.descriptor, end)
        return self._mapping
