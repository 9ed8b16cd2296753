"""What comes into a layer of a ``NetChain``: by the layers before it, or the chain's input."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Before:
    """What a chain says: channels, or its own ``"Input"`` where nothing changes the sizes."""

    channels: int | None = None
    input: Argument | None = None


def chain_before(given: Arguments) -> Before:
    """Follow ``NetChain[{ConvolutionLayer[8, 3], Ramp, …}, "Input" -> …]`` back."""
    for call in given.site.around:
        if call.dotted != "NetChain":
            continue
        layers = _layers(call.arguments[0].value) if call.arguments else ()
        places = [place for place, layer in enumerate(layers) if layer is given.call]
        if places:
            return _walked(layers[: places[0]], call)
    return Before()


def changed_elsewhere(given: Arguments) -> list[str]:
    """Name what the text does to the layer, or to all such layers, outside of its call."""
    layers = {given.site.name}
    notes = []
    for call in given.site.around:
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
    for text in (name.text for each in given.site.statements for name in names_in(each.value)):
        owner, operator, _ = text.partition("/.")
        words = set(identifiers(owner))
        if operator and words & {*layers, given.call.dotted}:
            notes.append(_REPLACED.format("/."))
    return list(dict.fromkeys(notes))


def _layers(value: Value) -> tuple[Value, ...]:
    """The layers of ``{a, b}``, of ``{"a" -> a, "b" -> b}`` or of an association."""
    pairs = rules(value, {})
    if pairs or not isinstance(value, tuple):
        return tuple(layer for _, layer in pairs)
    return value


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
