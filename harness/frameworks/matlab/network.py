"""Which channels and sizes come from the layers before one, in an array of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.convention.values import sizes_of
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import Workspace, function_of
from harness.syntax.callsite import CallSite
from harness.syntax.tree import Call, Name, Value, calls

_INPUTS: Final = {"imageInputLayer": 3, "image3dInputLayer": 4}
_CONVOLUTIONS: Final = {
    *(f"convolution{rank}dLayer" for rank in (1, 2, 3)),
    *(f"transposedConv{rank}dLayer" for rank in (1, 2, 3)),
}
# These keep the sizes of what they are given; those below keep the channels.
_KEEP: Final = {
    *("reluLayer", "leakyReluLayer", "clippedReluLayer", "eluLayer", "geluLayer", "swishLayer"),
    *("tanhLayer", "sigmoidLayer", "batchNormalizationLayer", "instanceNormalizationLayer"),
    *("groupNormalizationLayer", "layerNormalizationLayer", "dropoutLayer"),
    *("crossChannelNormalizationLayer", "preluLayer", "softplusLayer"),
}
_APPLYING: Final = {"dlnetwork", "initialize", "predict", "forward"}
_KEEP_CHANNELS: Final = {
    f"{kind}Pooling{rank}dLayer" for kind in ("max", "average") for rank in (1, 2, 3)
}


@dataclass(frozen=True)
class Before:
    """What comes into a layer: its channels, and its canonical shape where that is known."""

    channels: int
    input: Sizes | None


def layer_before(site: CallSite, workspace: Workspace) -> Before | None:
    """Follow ``[imageInputLayer([28 28 1]), …, transposedConv2dLayer(…)]`` back."""
    for array in _arrays(site.statement.value):
        layers = list(_flat(array))
        places = [place for place, layer in enumerate(layers) if layer is site.call]
        if places:
            return _walked(layers[: places[0]], workspace)
    return None


def _arrays(value: Value) -> Iterator[Value]:
    """The arrays of layers in a value, outer ones first."""
    if isinstance(value, tuple):
        yield value
    for call in calls(value):
        yield from (part for part in call.parts if isinstance(part, tuple))


def input_after(site: CallSite, rank: int, canonical: Mapping[str, Sizes | None]) -> Before | None:
    """Find what ``dlnetwork(layer, X)``, ``initialize(net, X)`` or ``predict(net, X)`` puts in."""
    nets, statements = {site.name}, site.code.statements
    for place in range(site.place, len(statements)):
        statement = statements[place]
        for call in calls(statement.value):
            first, *others = call.positional or [None]
            is_net = first is site.call or (isinstance(first, Name) and first.text in nets)
            if not is_net or function_of(call) not in _APPLYING:
                continue
            if call is statement.value and call.dotted in {"dlnetwork", "initialize"}:
                nets.add(statement.target)
            there = replace(site, place=place)
            array = Workspace.before(there, canonical).array(others[0]) if others else None
            if array is not None and array.shape and array.labelled("C"):
                sizes = [*array.labelled("S"), *array.labelled("T")]
                # Steps that no filter goes over are examples.
                batch = math.prod([*array.labelled("B"), *sizes[rank:]])
                (channels, *_) = array.labelled("C")
                return Before(channels, (batch, channels, *sizes[:rank]))
    return None


def _flat(value: Value) -> Iterator[Value]:
    if isinstance(value, tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _walked(layers: Sequence[Value], workspace: Workspace) -> Before | None:
    same_size = True
    for layer in reversed(layers):
        if not isinstance(layer, Call | Name):
            return None
        name = function_of(layer) if isinstance(layer, Call) else layer.text
        arguments = layer.arguments[:2] if isinstance(layer, Call) else ()
        values = [workspace.plain(each.value) for each in arguments]
        if name in _INPUTS and values:
            return _input(values[0], _INPUTS[name], same_size=same_size)
        if name == "sequenceInputLayer" and values and isinstance(values[0], int):
            return Before(values[0], None)
        if name in _CONVOLUTIONS and len(values) == 2 and isinstance(values[1], int):
            return Before(values[1], None)
        if name not in _KEEP | _KEEP_CHANNELS:
            return None
        same_size = same_size and name in _KEEP
    return None


def _input(value: Value, dimensions: int, *, same_size: bool) -> Before | None:
    """``[28 28 1]`` is height, width and channels; ``[28 28]`` and ``28`` have one channel."""
    sizes = value if isinstance(value, tuple) else (value,) * (dimensions - 1)
    if len(sizes) == dimensions - 1:
        sizes = (*sizes, 1)
    known = sizes_of(sizes)
    if known is None or len(known) != dimensions:
        return None
    return Before(known[-1], (1, known[-1], *known[:-1]) if same_size else None)
