"""Checkpoints as PyTorch and MXNet write them, made without these and without our own code."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
KINDS = {
    "float32": "Float", "float64": "Double", "float16": "Half", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "bfloat16": "BFloat16",
    "complex64": "ComplexFloat",
}  # fmt: skip
MAGIC = 0x1950A86A20F9469CFC6C


def _named(module: str, name: str) -> Any:
    """Return a function that a pickle names; whoever unpickles it by name has to have it."""

    def function(*_: object) -> object:
        raise AssertionError

    function.__module__, function.__name__, function.__qualname__ = module, name, name
    return function


_REBUILD = _named("torch._utils", "_rebuild_tensor_v2")
_PARAMETER = _named("torch._utils", "_rebuild_parameter")
_STORAGES = {kind: _named("torch", f"{kind}Storage") for kind in KINDS.values()}


@dataclass(eq=False)
class Stored:
    """A storage: elements in a row."""

    elements: Array
    dtype: str = ""
    claims: int | None = None  # What a file says of its number of elements

    @property
    def kind(self) -> str:
        return KINDS[self.dtype or self.elements.dtype.name]


@dataclass(eq=False)
class View:
    """A tensor: a view of a storage."""

    storage: Stored
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int = 0
    is_parameter: bool = False
    metadata: tuple[Any, ...] = ()

    def __reduce_ex__(self, _: object) -> tuple[Any, ...]:
        view: tuple[Any, ...] = (self.storage, self.offset, self.shape, self.stride, False, {})
        view += self.metadata
        if self.is_parameter:
            return _PARAMETER, (View(self.storage, self.shape, self.stride, self.offset), True, {})
        return _REBUILD, view


def tensor(array: Array, dtype: str = "", *, is_parameter: bool = False) -> View:
    array = np.require(array, requirements="C")
    stride = tuple(step // array.itemsize for step in array.strides)
    return View(Stored(array.ravel(), dtype), array.shape, stride, is_parameter=is_parameter)


class _Pickler(pickle.Pickler):
    def __init__(self, out: io.BytesIO, *, is_old: bool) -> None:
        super().__init__(out, protocol=2)
        self.storages: list[Stored] = []
        self.is_old = is_old

    def persistent_id(self, value: object) -> tuple[Any, ...] | None:
        if not isinstance(value, Stored):
            return None
        if value not in self.storages:
            self.storages.append(value)
        count = value.elements.size if value.claims is None else value.claims
        key = str(self.storages.index(value))
        known = ("storage", _STORAGES[value.kind], key, "cpu", count)
        return (*known, None) if self.is_old else known


def pickled(value: object, *, is_old: bool = False) -> tuple[bytes, list[Stored]]:
    """Pickle what may hold tensors; return also their storages."""
    modules = {name: ModuleType(name) for name in ("torch", "torch._utils")}
    for function in (_REBUILD, _PARAMETER, *_STORAGES.values()):
        setattr(modules[function.__module__], function.__name__, function)
    out = io.BytesIO()
    with mock.patch.dict(sys.modules, modules):
        pickler = _Pickler(out, is_old=is_old)
        pickler.dump(value)
    return out.getvalue(), pickler.storages


def archive(path: Path, value: object, order: str = "little") -> Path:
    """Write what ``torch.save`` writes today."""
    content, storages = pickled(value)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", content)
        file.writestr("net/byteorder", order)
        for key, storage in enumerate(storages):
            file.writestr(f"net/data/{key}", storage.elements.tobytes())
    return path


def legacy(path: Path, value: object) -> Path:
    """Write what ``torch.save`` wrote before PyTorch 1.6."""
    content, storages = pickled(value, is_old=True)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    parts = [pickle.dumps(each, protocol=2) for each in (MAGIC, 1001, system)]
    parts += [content, pickle.dumps([str(key) for key in range(len(storages))], protocol=2)]
    for storage in storages:
        parts += [struct.pack("<q", storage.elements.size), storage.elements.tobytes()]
    path.write_bytes(b"".join(parts))
    return path


def state(arrays: Mapping[str, Array]) -> dict[str, View]:
    return {name: tensor(array) for name, array in arrays.items()}


FLAGS = ("float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool")


def params(path: Path, arrays: Mapping[str, Array], version: int = 2) -> Path:
    """Write what ``mx.nd.save`` writes."""
    parts = [struct.pack("<QQQ", 0x112, 0, len(arrays))]
    for array in arrays.values():
        if version == 0:
            parts.append(struct.pack(f"<{array.ndim + 1}I", array.ndim, *array.shape))
        else:
            shape = struct.pack(f"<i{array.ndim}q", array.ndim, *array.shape)
            parts.append(struct.pack("<I", 0xF993FAC7 + version))
            parts.append(struct.pack("<i", 0) + shape if version > 1 else shape)
        parts.append(struct.pack("<iii", 1, 0, FLAGS.index(array.dtype.name)))
        parts.append(array.tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    parts += [struct.pack("<Q", len(name.encode())) + name.encode() for name in arrays]
    path.write_bytes(b"".join(parts))
    return path
