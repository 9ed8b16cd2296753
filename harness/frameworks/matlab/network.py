"""Which channels and sizes come from the layers before one, in an array of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.convention.values import sizes_of
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import Workspace
from harness.syntax.callsite import CallSite
from harness.syntax.tree import Call, Name, Value

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
    layers = list(_flat(site.statement.value))
    places = [place for place, layer in enumerate(layers) if layer is site.call]
    return _walked(layers[: places[0]], workspace) if places else None


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
        name = layer.dotted if isinstance(layer, Call) else layer.text
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
