"""Read FlatBuffers without their library: fields by their places, of bytes that may be anybody's.

Nothing is copied but what is asked for, and every place is checked.

https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

_SIZES: Final = {"b": 1, "B": 1, "H": 2, "i": 4, "I": 4}
_MOST_TEXT: Final = 10_000  # Bytes of a name


class FlatbufferError(ValueError):
    """Bytes that are no buffer."""


@dataclass(frozen=True)
class Table:
    """A table in a buffer; a field is known by its place among the schema's."""

    content: memoryview
    at: int

    @classmethod
    def root(cls, content: memoryview) -> Self:
        """Return the table that holds all others.

        >>> Table.root(memoryview(bytes([10, 0, 0, 0, 6, 0, 8, 0, 4, 0, 6, 0, 0, 0, 7]))).number(0)
        Traceback (most recent call last):
        harness.core.flatbuffer.FlatbufferError: it points out of itself, to byte 14.
        """
        return cls(content, _number(content, 0, "I"))

    def number(self, field: int, kind: str = "i", default: int = 0) -> int:
        """Return an integer, of the kind that :mod:`struct` calls so."""
        at = self._place(field)
        return _number(self.content, at, kind) if at else default

    def table(self, field: int) -> Self | None:
        """Return a table, where the field is there."""
        at = self._place(field)
        return type(self)(self.content, self._target(at)) if at else None

    def numbers(self, field: int, most: int) -> tuple[int, ...] | None:
        """Return a list of at most so many 32-bit integers, where the field is there."""
        place = self._place(field)
        if not place:
            return None
        at, count = self._list(place, 4)
        if count > most:
            raise FlatbufferError(f"it has a list of {count} numbers; {most} are read.")
        return struct.unpack_from(f"<{count}i", self.content, at)

    def tables(self, field: int) -> Iterator[Self]:
        """Yield the tables of a list."""
        place = self._place(field)
        if not place:
            return
        at, count = self._list(place, 4)
        for each in range(count):
            yield type(self)(self.content, self._target(at + 4 * each))

    def count(self, field: int) -> int:
        """Return how many tables or numbers a list has."""
        place = self._place(field)
        return self._list(place, 4)[1] if place else 0

    def item(self, field: int, index: int) -> Self:
        """Return one table of a list."""
        at, count = self._list(self._place(field), 4)
        if not 0 <= index < count:
            raise FlatbufferError(f"it names item {index} of a list of {count}.")
        return type(self)(self.content, self._target(at + 4 * index))

    def octets(self, field: int) -> memoryview:
        """Return a list of bytes; empty where the field is left out."""
        place = self._place(field)
        if not place:
            return self.content[:0]
        at, count = self._list(place, 1)
        return self.content[at : at + count]

    def text(self, field: int) -> str:
        """Return a text; empty where the field is left out."""
        return bytes(self.octets(field)[:_MOST_TEXT]).decode(errors="replace")

    def _place(self, field: int) -> int:
        """Return where a field's value stands; 0 where it is left out."""
        schema = self.at - _number(self.content, self.at, "i")
        entry = 4 + 2 * field
        if schema < 0 or entry >= _number(self.content, schema, "H"):
            if schema < 0:
                raise FlatbufferError(f"it points out of itself, to byte {schema}.")
            return 0
        offset = _number(self.content, schema + entry, "H")
        return self.at + offset if offset else 0

    def _target(self, at: int) -> int:
        return at + _number(self.content, at, "I")

    def _list(self, at: int, size: int) -> tuple[int, int]:
        """Return where a list's elements begin, and their number."""
        start = self._target(at)
        count = _number(self.content, start, "I")
        if count * size > len(self.content) - start - 4:
            raise FlatbufferError(f"it has a list of {count} elements, which is cut off.")
        return start + 4, count


def _number(content: memoryview, at: int, kind: str) -> int:
    if at < 0 or at + _SIZES[kind] > len(content):
        raise FlatbufferError(f"it points out of itself, to byte {at}.")
    value: int = struct.unpack_from(f"<{kind}", content, at)[0]
    return value
