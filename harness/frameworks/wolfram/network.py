"""What comes into a layer of a ``NetChain``: by the layers before it, or the chain's input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from harness.convention.arguments import Arguments
from harness.frameworks.wolfram.ports import rules
from harness.syntax.names import identifiers
from harness.syntax.tree import Argument, Call, Name, Value, names_in

_CONVOLUTIONS: Final = {"ConvolutionLayer", "DeconvolutionLayer"}
_KEEP: Final = {
    *("ElementwiseLayer", "ParametricRampLayer", "DropoutLayer"),
    *("BatchNormalizationLayer", "NormalizationLayer", "LocalResponseNormalizationLayer"),
    *("Ramp", "Tanh", "LogisticSigmoid"),
    *("ReLU", "ELU", "SELU", "SoftSign", "SoftPlus", "HardTanh", "HardSigmoid", "Sigmoid"),
}
_REPLACING: Final = {"ReplaceAll", "ReplaceRepeated", "ReplacePart"}
# Functions and their options that change layers which they are given.
_CHANGING: Final = {
    "NetInitialize": "Method",
    **dict.fromkeys(("NetTrain", "NetChain", "NetGraph"), "LearningRateMultipliers"),
}
_REPLACED: Final = "{} is not read here: keep what it does to this layer."
_KEEP_CHANNELS: Final = {"PoolingLayer", "ResizeLayer"}


_INPUT: Final = "Input"


@dataclass(frozen=True)
class Before:
    """What a chain says: channels, or its own ``"Input"`` where nothing changes the sizes."""

    channels: int | None = None
    input: Argument | None = None


def chain_before(given: Arguments) -> Before:
    """Follow ``NetChain[{ConvolutionLayer[8, 3], Ramp, …}, "Input" -> …]`` back."""
    for _, call in given.site.code.naming("NetChain", "NetGraph"):
        layers = _layers(call.positional[0]) if call.positional else {}
        if call.dotted == "NetGraph":
            path = _path(layers, _edges(call.positional[1:2]), given.call)
        else:
            path = _up_to(layers.values(), given.call)
        if path is not None:
            return _walked(path, call)
    return Before()


def _up_to(layers: Iterable[Value], layer: Call) -> tuple[Value, ...] | None:
    """The layers before one, or ``None`` where it is not among them."""
    before = tuple(takewhile(lambda each: each is not layer, layers := tuple(layers)))
    return None if len(before) == len(layers) else before


def _path(
    vertices: Mapping[Value, Value], edges: Sequence[tuple[Value, Value]] | None, layer: Call
) -> tuple[Value, ...] | None:
    """Follow a graph from a layer to its input, as long as one vertex leads to the next."""
    lists = {key: each if isinstance(each, tuple) else (each,) for key, each in vertices.items()}
    here = next((key for key, each in lists.items() if _up_to(each, layer) is not None), None)
    if here is None:
        return None
    path = _up_to(lists[here], layer) or ()
    unknown: tuple[Value, ...] = (None,)
    if edges is None:
        return unknown
    for _ in lists:
        sources = {left for left, right in edges if right == here} or {_INPUT}
        here = sources.pop()
        if sources or here not in {*lists, _INPUT}:
            break
        if here == _INPUT:
            return path
        path = (*lists[here], *path)
    return unknown


def _edges(arguments: Sequence[Value]) -> list[tuple[Value, Value]] | None:
    """The pairs of ``{1 -> 2 -> 3, {NetPort["Input"], "a"} -> "b"}``, where all are known."""
    pairs, pending = list[tuple[Value, Value]](), list[Value]()
    for argument in arguments:
        pending += argument if isinstance(argument, tuple) else [argument]
    while pending:
        edge = pending.pop()
        if not isinstance(edge, Call) or edge.dotted != "Rule":
            return None
        left, right = (each.value for each in edge.arguments)
        if isinstance(right, Call) and right.dotted == "Rule":
            pending.append(right)
            right = right.arguments[0].value
        pairs += [
            (_port(one), _port(right)) for one in (left if isinstance(left, tuple) else (left,))
        ]
    return pairs


def _port(value: Value) -> Value:
    """The vertex of ``NetPort["Input"]`` and of ``NetPort[{"a", "Output"}]``."""
    if isinstance(value, Call) and value.arguments:
        first = value.arguments[0].value
        return first[0] if isinstance(first, tuple) and first else first
    return value.text if isinstance(value, Name) else value


def changed_elsewhere(given: Arguments) -> list[str]:
    """Name what the text does to the layer, or to all such layers, outside of its call."""
    layers = {given.site.name}
    notes = []
    for call in given.site.code.calls:
        name, first = call.dotted, call.arguments[0].value if call.arguments else None
        if (option := _CHANGING.get(name)) in call.named:
            notes.append(f"{name}'s {option} is not read here: keep what it does.")
        if name == "SetOptions" and _name(first) == given.call.dotted:
            notes.append(
                "SetOptions changes the defaults of the layer, which is not read here: write the "
                "options in the call."
            )
        is_layer = first is given.call or (isinstance(first, Name) and first.text in layers)
        if name == "NetReplacePart" or (name in _REPLACING and is_layer):
            notes.append(_REPLACED.format(name))
    for text in (name.text for each in given.site.code.statements for name in names_in(each.value)):
        owner, operator, _ = text.partition("/.")
        words = set(identifiers(owner))
        if operator and words & {*layers, given.call.dotted}:
            notes.append(_REPLACED.format("/."))
    return list(dict.fromkeys(notes))


def _layers(value: Value) -> Mapping[Value, Value]:
    """The layers of ``{a, b}``, ``{"a" -> a, "b" -> b}`` or an association, by their names."""
    pairs = rules(value, {})
    if pairs or not isinstance(value, tuple):
        return dict(pairs)
    return dict(enumerate(value, 1))


def _walked(layers: tuple[Value, ...], chain: Call) -> Before:
    for layer in reversed(layers):
        name = _name(layer)
        if name in _CONVOLUTIONS and isinstance(layer, Call) and layer.arguments:
            channels = layer.arguments[0].value
            return Before(channels if isinstance(channels, int) else None)
        if name == "ReshapeLayer" and layer is layers[-1] and isinstance(layer, Call):
            # What it gives is what comes in, as if the layer had it for its "Input".
            return Before(input=layer.arguments[0] if layer.arguments else None)
        if name not in _KEEP | _KEEP_CHANNELS:
            return Before()
    if any(_name(layer) in _KEEP_CHANNELS for layer in layers):
        return Before()
    return Before(input=next((each for each in chain.arguments if each.name == "Input"), None))


def _name(layer: Value) -> str:
    """Name a layer that is written out, or a function that stands for one."""
    if isinstance(layer, Call):
        return layer.dotted
    return layer.text if isinstance(layer, Name) else layer if isinstance(layer, str) else ""
