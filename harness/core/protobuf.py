"""Read protobuf messages without their library: fields by number, of bytes that may be anybody's.

Nothing is copied: a field of bytes is a view of the message.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST: Final = 10  # Bytes of a varint
Field: TypeAlias = int | memoryview


class ProtobufError(ValueError):
    """Bytes that are no message."""


def fields(message: memoryview) -> Iterator[tuple[int, Field]]:
    r"""Yield the fields of a message, each with its number: integers, or views of bytes.

    A fixed-width field is a view of its 4 or 8 bytes.

    Raises
    ------
    ProtobufError
        Where the bytes are no message.

    Examples
    --------
    >>> (_, five), (two, view) = fields(memoryview(b"\x08\x05\x12\x01a"))
    >>> five, two, text(view)
    (5, 2, 'a')
    """
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ProtobufError(f"a field {number} of the unknown kind {kind}.")
        if size > len(message) - at:
            raise ProtobufError(f"its field {number} of {size} bytes is cut off.")
        yield number, message[at : at + size]
        at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the integer that begins at a place, and the place after it."""
    value = 0
    for place in range(_LONGEST):
        if at + place >= len(message):
            raise ProtobufError("it is cut off.")
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise ProtobufError(f"an integer of more than {_LONGEST} bytes.")


def integers(value: Field) -> Iterator[int]:
    """Yield what a repeated field of integers holds there: one, or several that are packed."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = varint(value, at)
        yield number


def signed(number: int) -> int:
    """Return the signed integer that is written as an unsigned one.

    >>> signed(2**64 - 1)
    -1
    """
    return number - (1 << 64) if number >> 63 else number


def text(value: Field) -> str:
    """Return a field's text."""
    return bytes(message(value)).decode(errors="replace")


def message(value: Field) -> memoryview:
    """Return a field that is a message, text or bytes."""
    if isinstance(value, int):
        raise ProtobufError("a number stands where bytes should.")
    return value


def number(value: Field) -> int:
    """Return a field that is an integer."""
    if not isinstance(value, int):
        raise ProtobufError("bytes stand where a number should.")
    return value
