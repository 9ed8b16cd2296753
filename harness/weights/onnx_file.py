"""The arrays of an ONNX model, and which of them its ConvTranspose nodes use.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 (the numbers of the fields)
"""

from __future__ import annotations

import array as numbers
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.core.protobuf import Field, fields, integers, message, number, signed, text
from harness.weights.arrays import MOST_ARRAYS, Array, Contents, Layer, dtype_of, most_memory
from harness.weights.layouts import WeightsError

_LARGEST: Final = 2 << 30  # What protobuf can hold
_TYPES: Final = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64",
    15: "complex128", 16: "bfloat16", 17: "float8_e4m3fn",
}  # fmt: skip
# Fields of numbers of one width, by what is in them; a complex number is two.
_FIXED: Final = {4: "<f4", 10: "<f8"}
_VARINTS: Final = (5, 7, 11)
_EXTERNAL: Final = 1


@dataclass
class _Tensor:
    """A tensor's fields."""

    name: str = ""
    shape: list[int] = field(default_factory=list)
    dtype: str = ""
    raw: memoryview | None = None
    fixed: list[bytes] = field(default_factory=list)
    values: numbers.array[int] = field(default_factory=lambda: numbers.array("q"))
    is_external: bool = False


def read(path: Path) -> Contents:
    """Read the initializers and constants of a model, and its transposed convolutions."""
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is larger than protobuf's 2 GiB.")
    graph = [part for n, part in fields(memoryview(path.read_bytes())) if n == 7]
    if len(graph) != 1:
        raise ValueError(f"it is no model: it has {len(graph)} graphs.")
    arrays: dict[str, Array] = {}
    layers: list[Layer] = []
    left_out: list[str] = []
    left = most_memory(path)
    for name, tensor in _parts(message(graph[0]), layers):
        if tensor is None or tensor.is_external or not tensor.dtype:
            if tensor is not None and tensor.is_external:
                raise WeightsError(
                    f"{path}: {name:.200} is kept in another file, which is not read; save the "
                    "model in one: onnx.save(onnx.load('model.onnx'), 'whole.onnx')."
                )
            left_out.append(name)
            continue
        if name in arrays or len(arrays) >= MOST_ARRAYS:
            raise ValueError(f"{name:.80} is there twice, or one of more than {MOST_ARRAYS}.")
        left -= math.prod(tensor.shape) * dtype_of(tensor.dtype).itemsize
        if left < 0:
            raise ValueError(f"{name:.80} of shape {tensor.shape} is too large for its file.")
        arrays[name] = _array(tensor)
    known = [
        Layer(each.weight, each.bias, each.groups, each.bias is None)
        if each.bias in arrays
        else Layer(each.weight, None, each.groups, each.bias is None)
        for each in dict.fromkeys(layers)
        if each.weight in arrays
    ]
    if len({each.weight for each in known}) < len(known):
        known = []  # Weights of two nodes that are not alike: somebody has to choose.
    return Contents(arrays, layers=tuple(known), letters="IOHW", left_out=tuple(left_out))


def _parts(graph: memoryview, layers: list[Layer]) -> Iterator[tuple[str, _Tensor | None]]:
    """Yield the arrays of a graph by name; add its transposed convolutions to ``layers``."""
    for n, part in fields(graph):
        if n == 5:
            tensor = _tensor(message(part))
            yield tensor.name, tensor
        elif n == 15:
            yield "a sparse initializer", None
        elif n == 1:
            inputs, outputs, kind, attributes = _node(message(part))
            if kind == "ConvTranspose" and len(inputs) > 1:
                groups = attributes.get("group")
                bias = (inputs[2] or None) if len(inputs) > 2 else None
                layers.append(Layer(inputs[1], bias, groups if isinstance(groups, int) else 1))
            elif kind == "Constant" and isinstance(attributes.get("value"), _Tensor) and outputs:
                yield outputs[0], attributes["value"]


def _node(node: memoryview) -> tuple[list[str], list[str], str, Mapping[str, Any]]:
    inputs: list[str] = []
    outputs: list[str] = []
    kind = ""
    attributes: dict[str, Any] = {}
    for n, part in fields(node):
        if n == 1:
            inputs.append(text(part))
        elif n == 2:
            outputs.append(text(part))
        elif n == 4:
            kind = text(part)
        elif n == 5:
            name, value = _attribute(message(part))
            attributes[name] = value
    return inputs, outputs, kind, attributes


def _attribute(attribute: memoryview) -> tuple[str, Any]:
    """Return an attribute's name, and its value if that is an integer or a tensor."""
    name = ""
    value: int | memoryview | None = None
    for n, part in fields(attribute):
        if n == 1:
            name = text(part)
        elif n == 3:
            value = signed(number(part))
        elif n == 5:
            value = message(part)
    # Other tensors may be anything.
    return name, _tensor(value) if isinstance(value, memoryview) and name == "value" else value


def _tensor(content: memoryview) -> _Tensor:
    tensor = _Tensor()
    for n, part in fields(content):
        if n == 1:
            tensor.shape += map(signed, integers(part))
        elif n == 2:
            tensor.dtype = _TYPES.get(number(part), "")
        elif n == 8:
            tensor.name = text(part)
        else:
            _data(tensor, n, part)
    if len(tensor.shape) > 32 or any(size < 0 for size in tensor.shape):
        raise ValueError(f"{tensor.name:.80} has the shape {tensor.shape[:40]}.")
    return tensor


def _data(tensor: _Tensor, n: int, part: Field) -> None:
    if n == 9:
        tensor.raw = message(part)
    elif n in _FIXED:
        tensor.fixed.append(bytes(message(part)))
    elif n in _VARINTS:
        tensor.values.extend(map(signed, integers(part)))
    elif n == 14:
        tensor.is_external = number(part) == _EXTERNAL


def _array(tensor: _Tensor) -> Array:
    dtype = dtype_of(tensor.dtype)
    bits = np.dtype(f"<u{dtype.itemsize}") if dtype.itemsize < 16 else dtype
    if tensor.raw is not None:
        flat = np.frombuffer(tensor.raw, bits)
    elif tensor.fixed:
        flat = np.frombuffer(b"".join(tensor.fixed), bits)
    else:
        # Halves are the bits of an integer; whatever is signed is its lowest bits, too.
        mask = (1 << (8 * dtype.itemsize)) - 1
        flat = (np.frombuffer(tensor.values, "<i8").view("<u8") & np.uint64(mask)).astype(bits)
    if flat.size != math.prod(tensor.shape):
        raise ValueError(f"{tensor.name:.80} of shape {tensor.shape} has {flat.size} elements.")
    little = dtype if dtype.names else dtype.newbyteorder("<")
    return flat.view(little).reshape(tensor.shape)
