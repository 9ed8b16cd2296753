"""MXNet's models: the symbol's file, ``prefix-symbol.json``.

https://github.com/apache/mxnet/blob/v1.9.x/src/nnvm/legacy_json_util.cc tells the names that older
versions gave to a node's attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.convention.layers import Found, Layer, Refused, array_of, sizes_in
from harness.core.bounded import MIB, from_json, head_of, read_bytes
from harness.core.errors import InputError
from harness.frameworks.mxnet.calls import FORMS, unquoted
from harness.syntax.tree import Value

_MOST_BYTES: Final = 16 * MIB
_HEAD: Final = re.compile(rb'(?s)\s*\{\s*"nodes"\s*:\s*\[\s*\{.*"op"\s*:')
_FORM: Final = next(form for form in FORMS if form.parameter("num_filter"))
_DATA, _WEIGHT, _BIAS = 0, 1, 2  # Places among a node's inputs
# What has as many channels as its first input, if these are the second axis.
_KEEPING: Final = {
    *("Activation", "LeakyReLU", "BatchNorm", "BatchNorm_v1", "InstanceNorm", "L2Normalization"),
    *("Dropout", "Pooling", "Pooling_v1", "Crop", "LRN", "SyncBatchNorm", "CuDNNBatchNorm"),
    *("relu", "sigmoid", "tanh", "clip", "identity", "_copy", "BlockGrad", "Cast", "amp_cast"),
    *("elemwise_add", "_Plus", "_plus", "_add", "elemwise_sub", "elemwise_mul", "_mul", "add_n"),
    *("ElementWiseSum", "_mul_scalar", "_MulScalar", "_plus_scalar", "_PlusScalar"),
    *("_div_scalar", "_DivScalar", "_minus_scalar", "_MinusScalar", "square", "sqrt", "exp"),
}
_FILTERING: Final = {"Convolution", "Convolution_v1", "Deconvolution"}
_MOST_STEPS: Final = 10_000  # Nodes that are followed to find the channels of one


def is_model(path: Path) -> bool:
    """Whether a file begins as a symbol does."""
    return _HEAD.match(head_of(path)) is not None


def layers(path: Path) -> Iterator[Found]:
    """Yield the symbol's nodes that are a ``Deconvolution``."""
    nodes = _nodes(from_json(read_bytes(path, _MOST_BYTES), path.name), path.name)
    channels = _Channels(nodes)
    for node in nodes:
        if node["op"] != "Deconvolution":
            continue
        name = str(node.get("name", ""))
        if len(_inputs(node)) < 1:
            yield Refused(name, f"the node {name} has no input.")
        else:
            yield _layer(name, node, nodes, channels)


def _nodes(symbol: Any, name: str) -> list[dict[str, Any]]:
    nodes = symbol.get("nodes") if isinstance(symbol, dict) else None
    if not isinstance(nodes, list) or not all(
        isinstance(node, dict) and isinstance(node.get("op"), str) for node in nodes
    ):
        raise InputError(f"{name} is no symbol of MXNet: it has no list of nodes.")
    return nodes


def _inputs(node: Mapping[str, Any]) -> list[int]:
    """Return the nodes that go into a node, by their places."""
    listed = node.get("inputs", [])
    return [
        each[0]
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, list) and each and type(each[0]) is int
    ]


def _attributes(node: Mapping[str, Any]) -> dict[str, str]:
    """Return a node's attributes, of which all values are strings."""
    every: dict[str, str] = {}
    for name in ("attr", "param", "attrs"):
        given = node.get(name)
        every |= (
            {str(key): str(value) for key, value in (given or {}).items()}
            if isinstance(given, dict)
            else {}
        )
    return every


def _layer(
    name: str, node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]], channels: _Channels
) -> Layer:
    attributes = _attributes(node)
    arguments: dict[str, Value] = {
        key: value for key, value in attributes.items() if _FORM.parameter(key)
    }
    others = [
        key for key in attributes if key not in arguments and not re.fullmatch(r"__\w+__", key)
    ]
    notes = [f"{key}: {attributes[key]}, an attribute that is not in the answer." for key in others]
    inputs = _inputs(node)
    for place, parameter in ((_DATA, "data"), (_WEIGHT, "weight"), (_BIAS, "bias")):
        shape = _shape(nodes, inputs[place]) if place < len(inputs) else None
        if shape or (parameter == "bias" and place < len(inputs)):
            arguments[parameter] = array_of(shape or (1,))
    is_last = str(attributes.get("layout", "")).endswith("C")
    known = None if is_last else channels.of(inputs[_DATA])
    return Layer(name, _FORM, arguments, tuple(notes), known)


def _shape(nodes: Sequence[Mapping[str, Any]], place: int) -> tuple[int, ...] | None:
    """Return the shape that a variable says it has, if it says all of it."""
    if not 0 <= place < len(nodes) or nodes[place]["op"] != "null":
        return None
    return sizes_in(unquoted(_attributes(nodes[place]).get("__shape__")))


class _Channels:
    """How many channels the nodes' outputs have, where their attributes say it."""

    def __init__(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        self._nodes = nodes

    def of(self, place: int) -> int | None:
        """Return the channels of a node's output, the second of its axes."""
        for _ in range(_MOST_STEPS):
            if not 0 <= place < len(self._nodes):
                return None
            node = self._nodes[place]
            kind, attributes, inputs = node["op"], _attributes(node), _inputs(node)
            if str(attributes.get("layout", "")).endswith("C"):
                return None
            if kind in _FILTERING:
                return _positive(unquoted(attributes.get("num_filter")))
            if kind == "null":
                shape = _shape(self._nodes, place)
                return shape[1] if shape else None
            is_nearest = kind == "UpSampling" and attributes.get("sample_type") == "nearest"
            if not inputs or not (kind in _KEEPING or (is_nearest and len(inputs) == 1)):
                return None
            place = inputs[0]
        return None


def _positive(value: Value) -> int | None:
    return value if type(value) is int and value > 0 else None
