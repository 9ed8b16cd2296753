"""ONNX models: each ``ConvTranspose``, whatever computes its weights.

The fields that are needed are read here, not by the ``onnx`` package, which parses whole files,
weights included, and takes longer to import than everything else that a look-up does.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 (the numbers of the fields)
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.convention.layers import Found, Layer, Refused, array_of, sizes_in
from harness.core.bounded import MIB, head_of, mapped
from harness.core.errors import InputError
from harness.core.operators import Sizes
from harness.core.protobuf import (
    Field,
    ProtobufError,
    fields,
    integers,
    message,
    number,
    signed,
    text,
)
from harness.frameworks.onnxruntime.calls import OPERATOR
from harness.syntax.tree import Name, Value

_MOST_BYTES: Final = 16384 * MIB
_MOST_FIELDS: Final = 2_000_000
_DEEPEST: Final = 20  # Graphs in nodes of graphs
_OWN: Final = {"", "ai.onnx"}  # Domains of the standard's operators
# What hands its first input on, in another type or order, which leaves its shape known.
_HANDING_ON: Final = {"Identity", "Cast", "DequantizeLinear", "Transpose"}
_ARRAYS: Final = ("X", "W", "B")
_MOST_STEPS: Final = 10
_INTS: Final = 7  # Type of an attribute
_GRAPHS: Final = {6, 11}  # An attribute's fields that hold graphs


def is_model(path: Path) -> bool:
    """Whether a file begins as a model does: with a version of the format."""
    head = memoryview(head_of(path))
    try:
        first, version = next(fields(head))
    except (ProtobufError, StopIteration):
        return False
    # Fields may stand in any order; every known writer begins with the first.
    return first in {1, 2, 7, 8} and (first != 1 or isinstance(version, int))


def layers(path: Path) -> Iterator[Found]:
    """Yield every ``ConvTranspose`` of a model, those of its functions and subgraphs too."""
    with mapped(path, _MOST_BYTES) as content:
        try:
            yield from _Model(content).layers()
        except ProtobufError as error:
            raise InputError(f"{path.name} is no whole ONNX model: {error}") from None


@dataclass
class _Node:
    """A node, of which the attributes are read where they are needed."""

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    name: str = ""
    kind: str = ""
    domain: str = ""
    attributes: list[memoryview] = field(default_factory=list)

    @property
    def shown_name(self) -> str:
        """The node's name, or that of its first output, as other tools show it."""
        return self.name or next(filter(None, self.outputs), "")

    def input(self, place: int) -> str:
        """Return the name of an input; empty where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else ""


@dataclass
class _Graph:
    """What is known of a graph's values, and of those around it, by their names."""

    shapes: MutableMapping[str, tuple[int | None, ...]]
    made_by: MutableMapping[str, _Node]

    def inner(self) -> _Graph:
        return _Graph(ChainMap({}, self.shapes), ChainMap({}, self.made_by))


class _Model:
    """A model's fields, of which no more than a bounded number is read."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._left = _MOST_FIELDS

    def _fields(self, content: Field) -> Iterator[tuple[int, Field]]:
        for each in fields(message(content)):
            self._left -= 1
            if self._left < 0:
                raise ProtobufError(f"it has more than {_MOST_FIELDS} fields.")
            yield each

    def layers(self) -> Iterator[Found]:
        """Yield the layers of the graph and of the model's own functions."""
        for key, value in self._fields(self._content):
            nodes = {7: 1, 25: 7}.get(key)  # A graph, a function: the field of their nodes
            if nodes is not None:
                yield from self._graph(value, nodes, _Graph({}, {}), 0)

    def _graph(self, content: Field, nodes: int, known: _Graph, depth: int) -> Iterator[Found]:
        if depth > _DEEPEST:
            raise ProtobufError(f"its graphs are nested more than {_DEEPEST} deep.")
        every = []
        for key, value in self._fields(content):
            if key == nodes:
                every.append(self._node(value))
            elif nodes == 1 and key in {5, 15}:
                self._initializer(value, known, is_sparse=key == 15)
            elif nodes == 1 and key in {11, 12, 13}:
                self._value(value, known)
        known.made_by.update({name: node for node in every for name in node.outputs if name})
        for node in every:
            yield from self._found(node, known)
            for attribute in node.attributes:
                for key, value in self._fields(attribute):
                    if key in _GRAPHS:
                        yield from self._graph(value, 1, known.inner(), depth + 1)

    def _node(self, content: Field) -> _Node:
        node = _Node()
        for key, value in self._fields(content):
            match key:
                case 1:
                    node.inputs.append(text(value))
                case 2:
                    node.outputs.append(text(value))
                case 3:
                    node.name = text(value)
                case 4:
                    node.kind = text(value)
                case 5:
                    node.attributes.append(message(value))
                case 7:
                    node.domain = text(value)
        return node

    def _initializer(self, content: Field, known: _Graph, *, is_sparse: bool) -> None:
        """Note the shape of weights that the model holds, or has in another file."""
        shape: list[int] = []
        name = ""
        for key, value in self._fields(content):
            if is_sparse and key == 1:
                name = self._tensor(value)[0]
            elif key == (3 if is_sparse else 1):
                shape += map(signed, integers(value))
            elif key == 8 and not is_sparse:
                name = text(value)
        known.shapes[name] = tuple(shape)

    def _tensor(self, content: Field) -> tuple[str, Sizes]:
        name, shape = "", list[int]()
        for key, value in self._fields(content):
            if key == 1:
                shape += map(signed, integers(value))
            elif key == 8:
                name = text(value)
        return name, tuple(shape)

    def _value(self, content: Field, known: _Graph) -> None:
        """Note the shape of a value, as far as the model says it."""
        name, shape = "", None
        for key, value in self._fields(content):
            if key == 1:
                name = text(value)
            elif key == 2:
                shape = self._shape(value)
        if shape is not None:
            known.shapes.setdefault(name, shape)

    def _shape(self, content: Field) -> tuple[int | None, ...] | None:
        """Read the sizes of a type, ``None`` for one that is a name or left out."""
        for key, tensor in self._fields(content):
            for inner, shape in self._fields(tensor) if key == 1 else ():
                if inner == 2:
                    return tuple(
                        self._size(size) for axis, size in self._fields(shape) if axis == 1
                    )
        return None

    def _size(self, content: Field) -> int | None:
        return next((number(value) for key, value in self._fields(content) if key == 1), None)

    def _found(self, node: _Node, known: _Graph) -> Iterator[Found]:
        if node.kind == "ConvTranspose" and node.domain in _OWN:
            yield self._layer(node, known)
        elif "convtranspose" in node.kind.lower() or "deconv" in node.kind.lower():
            whose = f" of {node.domain}" if node.domain else ""
            yield Refused(
                node.shown_name,
                f"{node.kind}{whose} is not read: ONNX's own operator is ConvTranspose.",
            )
        elif node.kind == "Col2Im" and node.domain in _OWN:
            yield Refused(
                node.shown_name,
                "Col2Im adds up blocks that overlap, which after a MatMul is a transposed "
                "convolution: this is not read. Look up the layer that it was made from.",
            )

    def _layer(self, node: _Node, known: _Graph) -> Layer:
        arguments = {k: v for k, v in self._attributes(node) if k not in _ARRAYS}
        given, notes = self._weights(node.input(1), known)
        if given is not None:
            arguments["W"] = array_of(given)
        shape = known.shapes.get(node.input(0))
        # A batch of any size is one here.
        whole = sizes_in((shape[0] or 1, *shape[1:])) if shape else None
        if whole is not None:
            arguments["X"] = array_of(whole)
        if bias := node.input(2):
            arguments["B"] = array_of(sizes_in(known.shapes.get(bias)) or (1,))
        channels = shape[1] if shape and len(shape) > 1 else None
        return Layer(
            node.shown_name,
            OPERATOR,
            arguments,
            tuple(notes),
            channels if channels and channels > 0 else None,
        )

    def _attributes(self, node: _Node) -> Iterator[tuple[str, Value]]:
        for content in node.attributes:
            name, kind = "", 0
            ints: list[int] = []
            value: Value = None
            for key, each in self._fields(content):
                match key:
                    case 1:
                        name = text(each)
                    case 3:
                        value = signed(number(each))
                    case 4:
                        value = text(each)
                    case 8:
                        ints += map(signed, integers(each))
                    case 20:
                        kind = number(each)
                    case 21:
                        value = Name(text(each), 0)  # An argument of the function around it
            yield name, tuple(ints) if kind == _INTS or (ints and not kind) else value

    def _weights(self, name: str, known: _Graph) -> tuple[Sizes | None, list[str]]:
        """Return the shape of the weights, with notes on what computes them."""
        notes: list[str] = []
        orders: list[tuple[int, ...]] = []
        for _ in range(_MOST_STEPS):
            maker = known.made_by.get(name)
            if maker is None or maker.kind == "Constant":
                break
            notes.append(_computed(maker))
            if maker.kind not in _HANDING_ON or sizes_in(known.shapes.get(name)):
                break
            if maker.kind == "Transpose":
                order = dict(self._attributes(maker)).get("perm")
                orders.append(order if isinstance(order, tuple) else ())  # type: ignore[arg-type]
            name = maker.input(0)
        shape = sizes_in(known.shapes.get(name)) or self._constant(known.made_by.get(name))
        for order in reversed(orders):
            shape = _permuted(shape, order)
        return shape, notes

    def _constant(self, node: _Node | None) -> Sizes | None:
        """Return the shape of the tensor that a ``Constant`` holds."""
        for attribute in node.attributes if node and node.kind == "Constant" else ():
            for key, value in self._fields(attribute):
                if key == 5:
                    return sizes_in(self._tensor(value)[1])
        return None


def _computed(maker: _Node) -> str:
    if maker.kind == "DequantizeLinear":
        return (
            "The weights are quantised (DequantizeLinear): the answer is about the numbers that "
            "they stand for."
        )
    return (
        f"The weights are computed in the model ({maker.kind} {maker.shown_name}): carry over "
        "what that gives."
    )


def _permuted(shape: Sizes | None, order: Mapping[int, int] | tuple[int, ...]) -> Sizes | None:
    if shape is None:
        return None
    places = tuple(order) or tuple(reversed(range(len(shape))))
    if sorted(places) != list(range(len(shape))):
        return None
    return tuple(shape[place] for place in places)
