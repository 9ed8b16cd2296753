"""Gluon's and the module interface's ``.params``: a list of arrays, then their names.

https://github.com/apache/mxnet/blob/v1.9.x/src/ndarray/ndarray.cc (NDArray::Save and Load)
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np

from harness.weights.arrays import MOST_ARRAYS, Array, Contents, dtype_name, dtype_of

_MAGIC: Final = 0x112
# How an array begins: without a version it is the number of its axes.
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE: Final = 0
_CPU: Final = (1, 0)
_TYPES: Final = (
    *("float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"),
    *("int16", "uint16", "uint32", "uint64", "bfloat16"),
)
HOLDS: Final = frozenset(_TYPES[:8])  # What every release since 1.5 reads
_MOST_AXES: Final = 32
_LONGEST_NAME: Final = 10_000


class _Stream:
    """A file's numbers, none of which lies outside of it."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self.left = size

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise ValueError(f"it ends {size - self.left} bytes too early.")
        self.left -= size
        return self._stream.read(size)

    def numbers(self, letters: str) -> tuple[int, ...]:
        form = struct.Struct("<" + letters)
        return form.unpack(self.take(form.size))

    def number(self, letter: str) -> int:
        return self.numbers(letter)[0]


def read(path: Path) -> Contents:
    """Read the arrays; what has no name is named by its place."""
    with path.open("rb") as file:
        stream = _Stream(file, path.stat().st_size)
        if stream.left < 16 or stream.numbers("QQ")[0] != _MAGIC:
            raise ValueError("it does not begin as mx.nd.save writes it.")
        arrays = [_array(stream) for _ in range(_count(stream))]
        names = [_name(stream) for _ in range(_count(stream))] or [*map(str, range(len(arrays)))]
        if len(names) != len(arrays) or len(set(names)) != len(names):
            raise ValueError(f"it has {len(arrays)} arrays and {len(set(names))} different names.")
        if stream.left:
            raise ValueError(f"{stream.left} bytes follow its end.")
    return Contents(dict(zip(names, arrays, strict=True)))


def _count(stream: _Stream) -> int:
    count = stream.number("Q")
    if count > MOST_ARRAYS:
        raise ValueError(f"it says to hold {count} arrays; at most {MOST_ARRAYS} are read.")
    return count


def _name(stream: _Stream) -> str:
    size = stream.number("Q")
    if size > _LONGEST_NAME:
        raise ValueError(f"a name of {size} characters.")
    return stream.take(size).decode()


def _array(stream: _Stream) -> Array:
    version = stream.number("I")
    if version in (_V2, _V3) and (kind := stream.number("i")) != _DENSE:
        raise ValueError(f"it holds a sparse array (storage type {kind}), which is not read.")
    axes = stream.number("i") if version in (_V1, _V2, _V3) else version
    # An array of no shape is an empty place; only since version 3 one without axes has an element.
    is_empty = axes < 0 or (axes == 0 and version != _V3)
    if axes > _MOST_AXES or is_empty:
        raise ValueError("it holds an array without a shape." if is_empty else f"{axes} axes.")
    shape = stream.numbers(("q" if version in (_V1, _V2, _V3) else "I") * axes)
    _, _, kind = stream.numbers("iii")
    if not 0 <= kind < len(_TYPES) or any(size < 0 for size in shape):
        raise ValueError(f"it holds an array of the shape {shape} and type {kind}.")
    dtype = dtype_of(_TYPES[kind])
    content = stream.take(math.prod(shape) * dtype.itemsize)
    little = dtype if dtype.names else dtype.newbyteorder("<")
    return np.frombuffer(content, little).reshape(shape)


def write(path: Path, contents: Contents) -> None:
    """Write arrays for ``load_parameters`` and ``mx.nd.load``; a number gets an axis."""
    with path.open("xb") as stream:
        stream.write(struct.pack("<QQQ", _MAGIC, 0, len(contents.arrays)))
        for array in contents.arrays.values():
            kind = _TYPES.index(dtype_name(array))
            sizes = array.shape or (1,)  # An array without axes is one without elements there.
            shape = struct.pack(f"<i{len(sizes)}q", len(sizes), *sizes)
            stream.write(struct.pack("<Ii", _V2, _DENSE) + shape)
            stream.write(struct.pack("<iii", *_CPU, kind))
            stream.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        stream.write(b"".join(_names(contents.arrays)))


def _names(names: object) -> Iterator[bytes]:
    assert isinstance(names, dict)
    yield struct.pack("<Q", len(names))
    for name in names:
        content = name.encode()
        yield struct.pack("<Q", len(content)) + content
