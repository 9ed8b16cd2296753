"""Graphs that Python text builds: the shapes of their values, and the nodes after a layer's.

What a node ``Pad`` removes and adds, and an ``Add`` of a bias, are one operator with the layer that
they follow, as our own programs write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.layers import sizes_in
from harness.convention.reading import Reading
from harness.convention.values import created_array, shape_of
from harness.core.operators import Sizes
from harness.syntax.tree import Call, Value, last_name

# What describes a value, and the names of its arguments.
_DESCRIBING: Final = {
    "make_tensor_value_info": ("name", "elem_type", "shape"),
    "make_tensor": ("name", "data_type", "dims", "vals"),
    "from_array": ("arr", "name"),
}
_MOST_NODES: Final = 4
_NOT_FOLLOWED: Final = "What the text does with the output is not in the answer: "


@dataclass(frozen=True)
class _Described:
    """A value of the graph that the text describes."""

    name: Value
    shape: Value
    elements: Value = None
    is_held: bool = False  # Whether it is an initializer


@dataclass(frozen=True)
class _Node:
    kind: Value
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    mode: Value


def shape_of_value(given: Arguments, name: Value) -> Sizes | None:
    """Return the shape of a value of the graph, by its name, where the text shows it.

    It may be described as an input or an initializer, or be called as the array that is given.
    """
    if not isinstance(name, str) or not name:
        return None
    shapes = [each.shape for each in _described(given) if each.name == name]
    # ``expect(node, inputs=[x, W], ...)`` is how ONNX's own examples give arrays their names.
    near = (each for each in given.assigned if each in {name, name.lower(), name.upper()})
    shapes += [shape_of(created_array(given.assigned[each], given.assigned)) for each in near]
    return next(filter(None, map(_whole, shapes)), None)


def _whole(shape: Value) -> Sizes | None:
    """Return a shape of which all sizes are known; a batch of any size is one here."""
    if not isinstance(shape, tuple) or not shape:
        return None
    batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else 1
    return sizes_in((batch, *shape[1:]))


def _described(given: Arguments) -> Iterator[_Described]:
    for statement, call in given.site.code.naming(*_DESCRIBING):
        last = last_name(call)
        values = _arguments(call, _DESCRIBING.get(last, ()))
        if last == "from_array":
            array = created_array(values[0], statement.assigned)
            elements = array.positional[0] if isinstance(array, Call) and array.positional else None
            yield _Described(values[1], shape_of(array), elements, is_held=True)
        elif last == "make_tensor":
            yield _Described(values[0], values[2], values[3], is_held=True)
        elif values:
            yield _Described(values[0], values[2])


def _arguments(call: Call, names: Sequence[str]) -> list[Value]:
    positional = [*call.positional, *[None] * len(names)]
    return [call.named.get(name, positional[place]) for place, name in enumerate(names)]


def with_nodes_after(given: Arguments, reading: Reading, outputs: Value) -> Reading:
    """Add to a reading what the nodes after the layer's do, as far as they are one operator."""
    output = outputs[0] if isinstance(outputs, tuple) and outputs else None
    nodes = list(_nodes(given))
    for _ in range(_MOST_NODES):
        after = [node for node in nodes if isinstance(output, str) and output in node.inputs]
        if len(after) != 1:
            break
        (node,) = after
        followed = _applied(given, reading, node, output)
        if followed is None:
            break
        reading, output = followed, next(iter(node.outputs), None)
    return reading


def _nodes(given: Arguments) -> Iterator[_Node]:
    # A name that stands for a list of nodes shows them again.
    every = {call.column: call for _, call in given.site.code.naming("make_node")}
    for call in every.values():
        kind, inputs, outputs = _arguments(call, ("op_type", "inputs", "outputs"))
        if isinstance(inputs, tuple) and isinstance(outputs, tuple):
            yield _Node(kind, inputs, outputs, call.named.get("mode", "constant"))


def _applied(given: Arguments, reading: Reading, node: _Node, output: Value) -> Reading | None:
    """Return a reading with a node; ``None`` for one that makes something else of the output."""
    operator = reading.operator
    held = {each.name: each for each in _described(given) if each.is_held}
    if node.kind == "Add" and not operator.bias and len(node.inputs) > 1:
        if not any(each in held for each in node.inputs if each != output):
            return None
        note = "The node Add of the text is in the answer, as the bias."
        return replace(reading, operator=replace(operator, bias=True), notes=(*reading.notes, note))
    if node.kind == "Slice" or (node.kind == "Pad" and node.mode != "constant"):
        return _without(reading, f"a node {node.kind}")
    if node.kind != "Pad" or node.inputs[0] != output:
        return None
    described = held.get(node.inputs[1]) if len(node.inputs) > 1 else None
    widths = _integers(described.elements) if described else None
    rank, others = operator.rank, (0, 0)
    if widths is None or len(widths) != 2 * rank + 4:
        return _without(reading, "a node Pad")
    if widths[:2] != others or widths[2 + rank : 4 + rank] != others:
        return _without(reading, "a node Pad")
    pairs = list(zip(widths[2 : 2 + rank], widths[-rank:], strict=True))
    if operator.bias and any(side > 0 for pair in pairs for side in pair):
        return _without(reading, "a node Pad, whose zeros are beyond the bias")
    crop = tuple((b - p, e - q) for (b, e), (p, q) in zip(operator.crop, pairs, strict=True))
    note = "The node Pad of the text is in the answer, as a crop."
    return given.cropped(replace(reading, notes=(*reading.notes, note)), crop)


def _without(reading: Reading, what: str) -> Reading | None:
    note = f"{_NOT_FOLLOWED}{what}."
    if note in reading.notes:
        return None
    return replace(reading, notes=(*reading.notes, note))


def _integers(value: Value) -> Sizes | None:
    if not isinstance(value, tuple):
        return None
    sizes = tuple(each for each in value if isinstance(each, int))
    return sizes if len(sizes) == len(value) else None
