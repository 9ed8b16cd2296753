"""Programs that ``torch.export.save`` writes: their graphs, in JSON.

https://github.com/pytorch/pytorch/blob/main/torch/_export/serde/schema.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.convention.layers import Found, Layer, Refused, array_of, sizes_in
from harness.core.errors import InputError
from harness.frameworks.pytorch.calls import FORMS
from harness.syntax.tree import Value

_DEEPEST: Final = 20  # Graphs in nodes of graphs
_FUNCTIONS: Final = {form.rank: form for form in FORMS if form.style == "function"}
_TRANSPOSED: Final = re.compile(r"torch\.ops\.aten\.conv_transpose([123])d\.\w+")
_ANY: Final = re.compile(r"torch\.ops\.aten\._?convolution\.\w+")
_ALIKE: Final = re.compile(r"(?i)conv_?transpose|deconv")
_SETTINGS: Final = ("stride", "padding", "output_padding", "groups", "dilation")


def layers(program: Any) -> Iterator[Found]:
    """Yield the transposed convolutions of a program.

    Raises
    ------
    InputError
        Where it is no program.
    """
    module = program.get("graph_module") if isinstance(program, dict) else None
    graph = module.get("graph") if isinstance(module, dict) else None
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list):
        raise InputError("it holds no program of torch.export: there is no list of nodes.")
    yield from _graph(graph, {}, 0)


def _graph(graph: Mapping[str, Any], around: Mapping[str, Any], depth: int) -> Iterator[Found]:
    if depth > _DEEPEST:
        raise InputError(f"its graphs are nested more than {_DEEPEST} deep.")
    own, nodes = graph.get("tensor_values"), graph.get("nodes")
    values = {**around, **(own if isinstance(own, dict) else {})}
    for node in nodes if isinstance(nodes, list) else ():
        if not isinstance(node, dict):
            continue
        arguments = dict(_arguments(node))
        yield from _found(node, arguments, values)
        for argument in arguments.values():
            inner = argument.get("as_graph")
            if isinstance(inner, dict) and isinstance(inner.get("graph"), dict):
                yield from _graph(inner["graph"], values, depth + 1)


def _arguments(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed = node.get("inputs")
    for place, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, dict) and isinstance(each.get("arg"), dict):
            yield str(each.get("name") or place), each["arg"]


def _found(
    node: Mapping[str, Any], arguments: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]
) -> Iterator[Found]:
    target = str(node.get("target"))
    transposed = _TRANSPOSED.fullmatch(target)
    weight = _shape(arguments.get("weight"), values)
    if transposed:
        rank = int(transposed[1])
    elif _ANY.fullmatch(target) and _value(arguments.get("transposed")) is True:
        rank = len(weight) - 2 if weight else 0
    elif _ALIKE.search(target):
        yield Refused(_name(node), f"{target} is not read here.")
        return
    else:
        return
    if rank not in _FUNCTIONS:
        yield Refused(_name(node), "nothing says how many axes its weights have.")
        return
    given: dict[str, Value] = {
        name: _value(arguments[name]) for name in _SETTINGS if name in arguments
    }
    shapes = {"input": _shape(arguments.get("input"), values), "weight": weight}
    given |= {name: array_of(shape) for name, shape in shapes.items() if shape}
    if "as_tensor" in _tensor(arguments.get("bias")):
        given["bias"] = array_of((1,))
    yield Layer(_name(node), _FUNCTIONS[rank], given)


def _tensor(argument: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return an argument, or what an optional one is."""
    inner = (argument or {}).get("as_optional_tensor")
    return inner if isinstance(inner, dict) else argument or {}


def _shape(argument: Mapping[str, Any] | None, values: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return a tensor's shape; a batch of any size is one here."""
    tensor = _tensor(argument).get("as_tensor")
    about = values.get(str(tensor.get("name"))) if isinstance(tensor, dict) else None
    sizes = about.get("sizes") if isinstance(about, dict) else None
    if not isinstance(sizes, list):
        return None
    numbers = [size.get("as_int") if isinstance(size, dict) else None for size in sizes]
    if numbers and numbers[0] is None:
        numbers[0] = 1
    return sizes_in(numbers)


def _value(argument: Mapping[str, Any] | None) -> Value:
    """Return a number, a truth, or a list of numbers; text for what is none."""
    for kind, value in (argument or {}).items():
        match value:
            case int() if kind in {"as_int", "as_bool"}:
                return value
            case list() if kind == "as_ints":
                return tuple(value)
            case list() if kind == "as_sym_ints":
                return tuple(_value(each) if isinstance(each, dict) else None for each in value)
            case dict() if kind == "as_sym_int":
                return _value(value)
        return None if kind == "as_none" else f"{kind} of the program"
    return None


def _name(node: Mapping[str, Any]) -> str:
    """Return the module's path that a node is of, or the node's own name."""
    metadata = node.get("metadata")
    stack = metadata.get("nn_module_stack") if isinstance(metadata, dict) else None
    last = str(stack or "").rpartition(";")[2].split(",")
    path = last[1] if len(last) > 2 else ""
    outputs = node.get("outputs")
    first = outputs[0] if isinstance(outputs, list) and outputs else None
    tensor = first.get("as_tensor") if isinstance(first, dict) else None
    own = str(tensor.get("name")) if isinstance(tensor, dict) else ""
    return path or str(node.get("name") or own)
