"""PyTorch's ``.pt`` and ``.pth``: read without executing their pickle, written without PyTorch.

Today's format is an archive of a pickle and of the bytes of each storage; before PyTorch 1.6 it was
several pickles and then these bytes, in one file.  A state dictionary may stand inside others,
such as ``{"generator": ..., "epoch": 3}``: names are joined by dots.

https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

from __future__ import annotations

import io
import math
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, TypeAlias

import numpy as np

from harness.core import archives
from harness.core.pickles import Made, Named, Outside, PickleError, unpickled
from harness.weights.arrays import (
    FOREIGN,
    MOST_ARRAYS,
    Array,
    Contents,
    check_members,
    dtype_name,
    dtype_of,
    most_memory,
)
from harness.weights.layouts import WeightsError

_MAGIC: Final = 0x1950A86A20F9469CFC6C  # What a file before PyTorch 1.6 begins with, as a pickle
_STORAGES: Final = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
_WITHOUT_TYPE: Final = "UntypedStorage"
_DTYPES: Final = {*_STORAGES.values(), "uint16", "uint32", "uint64", "float8_e4m3fn"}
_LARGEST: Final = 1 << 62  # Whoever calls has bounds of their own
_DEEPEST: Final = 30  # Dictionaries in dictionaries
_MOST_VISITS: Final = 10 * MOST_ARRAYS
_ADVICE: Final = "; save the tensors alone: torch.save(model.state_dict(), 'model.pt')."
# How a tensor is made, with the number of its arguments that say what it is.
_TENSORS: Final = {
    "torch._utils._rebuild_tensor": 4,
    "torch._utils._rebuild_tensor_v2": 4,
    "torch._utils._rebuild_tensor_v3": 7,
}
_PARAMETERS: Final = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
}


@dataclass(frozen=True)
class _Storage:
    """Elements in a row, that tensors are views of."""

    key: str
    dtype: str | None
    count: int

    @property
    def nbytes(self) -> int:
        return self.count * (dtype_of(self.dtype).itemsize if self.dtype else 1)


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read(path: Path) -> Contents:
    """Read the tensors of a file; what else it holds is left out."""
    with path.open("rb") as stream:
        is_archive = stream.read(4) == b"PK\x03\x04"
        stream.seek(0)
        value, raw, order = _archive(path) if is_archive else _legacy(path, stream)
        tensors, left_out = _found(path, value)
        if not tensors:
            raise WeightsError(f"{path} holds no tensors" + _ADVICE)
        most, used = most_memory(path), 0
        arrays: dict[str, Array] = {}
        for name, tensor in tensors:
            used += math.prod(tensor.shape) * dtype_of(tensor.dtype).itemsize
            if used > most:
                raise WeightsError(
                    f"{path}: its tensors would take more than {most >> 20} MiB, the most that a "
                    "file of its size may."
                )
            arrays[name] = _view(name, tensor, raw(tensor.storage), order)
    return Contents(arrays, left_out=tuple(left_out))


_Raw: TypeAlias = Callable[[_Storage], bytes]
_Order: TypeAlias = Literal["<", ">"]


def _archive(path: Path) -> tuple[Any, _Raw, _Order]:
    """Read the archive that PyTorch writes today; return also what reads a storage."""
    with archives.archive(path, _LARGEST) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if len(members) != len(archive.infolist()):
            raise ValueError("it holds two members of one name.")
        check_members(path, archive.infolist())
        roots = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise WeightsError(f"{path} is an archive, but none that torch.save writes.")
        (root,) = roots
        if f"{root}constants.pkl" in members:
            raise WeightsError(f"{path} is a TorchScript program, which is not read" + _ADVICE)
        with archive.open(f"{root}data.pkl") as stream:
            value = _unpickled(path, io.BytesIO(stream.read()))
        order: _Order = "<"
        if (said := f"{root}byteorder") in members and archive.read(said).strip() == b"big":
            order = ">"
    known: dict[str, bytes] = {}

    def raw(storage: _Storage) -> bytes:
        if storage.key not in known:
            with zipfile.ZipFile(path) as archive:
                known[storage.key] = archive.read(f"{root}data/{storage.key}")
        return known[storage.key]

    return value, raw, order


def _legacy(path: Path, stream: IO[bytes]) -> tuple[Any, _Raw, _Order]:
    """Read the file that PyTorch wrote before 1.6: four pickles, the keys, then each storage."""
    if _unpickled(path, stream) != _MAGIC:
        raise WeightsError(f"{path} is a pickle, but none that torch.save writes" + _ADVICE)
    _, system, value, keys = (_unpickled(path, stream) for _ in range(4))
    is_little = not isinstance(system, dict) or system.get("little_endian", True)
    order: _Order = "<" if is_little else ">"
    sizes = {each.key: each for each in _storages(value)}
    known: dict[str, bytes] = {}
    for key in keys:
        count, storage = int.from_bytes(stream.read(8), "little"), sizes.get(key)
        is_named = storage is not None and key not in known and count == storage.count
        if storage is None or not is_named or storage.nbytes > path.stat().st_size:
            raise ValueError(f"its storage {key!s:.80} is not the one that its tensors name.")
        known[key] = stream.read(storage.nbytes)
    return value, lambda storage: known[storage.key], order


def _unpickled(path: Path, stream: IO[bytes]) -> Any:
    try:
        return unpickled(stream)
    except PickleError as error:
        raise WeightsError(f"{path} cannot be read: " + str(error).rstrip(".") + _ADVICE) from None


def _storages(value: Any) -> Iterator[_Storage]:
    """Yield the storages that the tensors in a value are views of."""
    tensors, _ = _walked(value)
    yield from (tensor.storage for _, tensor in tensors)


def _found(path: Path, value: Any) -> tuple[list[tuple[str, _Tensor]], list[str]]:
    tensors, left_out = _walked(value)
    counts = Counter(name for name, _ in tensors)
    if len(counts) > MOST_ARRAYS:
        raise ValueError(f"it holds more than {MOST_ARRAYS} tensors.")
    if twice := [name for name, count in counts.items() if count > 1]:
        raise WeightsError(f"{path} holds two tensors of the name {twice[0]}.")
    return tensors, left_out


def _walked(value: Any) -> tuple[list[tuple[str, _Tensor]], list[str]]:
    """Return the tensors inside a value by their names, and the names of what holds none."""
    left = _MOST_VISITS

    def walk(value: Any, name: str, depth: int) -> tuple[list[tuple[str, _Tensor]], list[str]]:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise ValueError(
                f"it holds more than {_MOST_VISITS} values, or {_DEEPEST} in each other."
            )
        if isinstance(tensor := _tensor(value), _Tensor):
            return [(name or "weight", tensor)], []
        tensors, without = [], []
        for key, each in _children(value):
            inside, others = walk(each, f"{name}.{key}" if name else key, depth + 1)
            tensors += inside
            without += others
        return (tensors, without) if tensors or not name else ([], [name])

    return walk(value, "", 0)


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Made):
        # A module that was saved whole, of classes that PyTorch has itself.
        for part in ("_parameters", "_buffers", "_modules"):
            if isinstance(value.state, Mapping) and isinstance(value.state.get(part), Mapping):
                yield from value.state[part].items()
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from ((str(place), each) for place, each in enumerate(value))


def _tensor(value: Any, depth: int = 0) -> _Tensor | None:
    """Return the tensor that a call of PyTorch's own functions makes, if it does."""
    if not isinstance(value, Made) or depth > 3:
        return None
    name, arguments = value.by.name, value.arguments
    if name in _PARAMETERS:
        return _tensor(arguments[0], depth + 1)
    if name == "torch._tensor._rebuild_from_type_v2":
        made_by, _, inner, *_ = arguments
        return _tensor(Made(made_by, tuple(inner)), depth + 1)
    if name not in _TENSORS:
        return None
    outside, offset, shape, stride, *others = arguments
    storage = _storage(outside)
    dtype = storage.dtype
    if _TENSORS[name] == 7 and isinstance(others[2], Named):
        dtype = others[2].last
    if any(isinstance(each, Mapping) and any(each.values()) for each in others):
        # Its elements are stored as they were before torch.conj or the like.
        raise ValueError("a tensor is a conjugate or negative view, which is not read.")
    if dtype not in _DTYPES:
        raise ValueError(f"a tensor has the type {dtype!s:.80}, which is not read.")
    if not all(isinstance(each, int) for each in (offset, *shape, *stride)):
        raise ValueError("a tensor's shape is not of integers.")
    return _Tensor(storage, dtype, offset, tuple(shape), tuple(stride))


def _storage(outside: Any) -> _Storage:
    if not isinstance(outside, Outside):
        raise TypeError("a tensor has no storage.")
    word, kind, key, _, count, *view = outside.known_by
    is_known = isinstance(kind, Named) and kind.last in {*_STORAGES, _WITHOUT_TYPE}
    if word != "storage" or not is_known or not isinstance(count, int) or any(view):
        raise ValueError("a tensor's storage is of a kind that is not read.")
    return _Storage(str(key), _STORAGES.get(kind.last), count)


def _view(name: str, tensor: _Tensor, raw: bytes, order: _Order) -> Array:
    """Return the tensor's elements; what is outside of the storage is refused."""
    dtype = dtype_of(tensor.dtype)
    if dtype.names is None:
        dtype = dtype.newbyteorder(order)
    elif order == ">" and dtype.itemsize > 1:
        raise ValueError(f"{name:.80} is {tensor.dtype} in big-endian order, which is not read.")
    elements = np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype)
    shape, stride, offset = tensor.shape, tensor.stride, tensor.offset
    if len(shape) != len(stride) or min((*shape, *stride, offset)) < 0 or len(shape) > 32:
        raise ValueError(f"{name:.80} has the shape {shape} and the strides {stride}.")
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if math.prod(shape) and last >= len(elements):
        raise ValueError(
            f"{name:.80} ends at its storage's element {last}, which has {len(elements)} elements."
        )
    if not math.prod(shape):
        return np.empty(shape, dtype)
    strides = [step * dtype.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(elements[offset:], shape, strides, writeable=False)


def write(path: Path, contents: Contents) -> None:
    """Write a state dictionary for ``torch.load`` with ``weights_only``."""
    named = list(contents.arrays.items())
    with zipfile.ZipFile(path, "x") as archive:
        archive.writestr("archive/data.pkl", _pickled(named))
        archive.writestr("archive/byteorder", "little")
        for place, (_, array) in enumerate(named):
            with archive.open(f"archive/data/{place}", "w", force_zip64=True) as stream:
                stream.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        archive.writestr("archive/version", "3\n")


def _pickled(named: Sequence[tuple[str, Array]]) -> bytes:
    """Write the pickle of an ordered dictionary of tensors, as ``torch.save`` does."""
    rows = b"".join(
        _text(name) + _tensor_pickled(place, a) for place, (name, a) in enumerate(named)
    )
    return b"\x80\x02" + _EMPTY_DICTIONARY + b"(" + rows + b"u."


def _tensor_pickled(place: int, array: Array) -> bytes:
    name = dtype_name(array)
    dtype = FOREIGN[name][0] if name in FOREIGN else name
    kinds = {of: kind for kind, of in _STORAGES.items()}
    strides = [math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim)]
    # Types that have no storage of their own are named next to bytes.
    kind = kinds.get(dtype)
    count = array.size if kind else array.nbytes
    by = b"_rebuild_tensor_v2" if kind else b"_rebuild_tensor_v3"
    storage = f"ctorch\n{kind}\n" if kind else f"ctorch.storage\n{_WITHOUT_TYPE}\n"
    key = _text("storage") + storage.encode() + _text(str(place)) + _text("cpu") + _int(count)
    view = _int(0) + _tuple(array.shape) + _tuple(strides) + b"\x89" + _EMPTY_DICTIONARY
    more = b"" if kind else f"ctorch\n{dtype}\n".encode()
    return b"ctorch._utils\n" + by + b"\n((" + key + b"tQ" + view + more + b"tR"


_EMPTY_DICTIONARY: Final = b"ccollections\nOrderedDict\n)R"


def _text(text: str) -> bytes:
    content = text.encode()
    return b"X" + len(content).to_bytes(4, "little") + content


def _int(number: int) -> bytes:
    return b"\x8a\x09" + number.to_bytes(9, "little", signed=True)


def _tuple(numbers: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(_int, numbers)) + b"t"
