"""What MATLAB's plain layers do to channels and sizes.

https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.convention.chains import Flow
from harness.convention.values import Pairs, sizes_of
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import function_of
from harness.syntax.tree import Call, Name, Value

_KEEP: Final = {
    *("reluLayer", "leakyReluLayer", "clippedReluLayer", "eluLayer", "geluLayer", "swishLayer"),
    *("tanhLayer", "sigmoidLayer", "batchNormalizationLayer", "instanceNormalizationLayer"),
    *("groupNormalizationLayer", "layerNormalizationLayer", "dropoutLayer", "softmaxLayer"),
    *("crossChannelNormalizationLayer", "preluLayer", "softplusLayer", "spatialDropoutLayer"),
}
_RANKS: Final = (1, 2, 3)
_CHANNEL_WISE: Final = "channel-wise"


@dataclass(frozen=True)
class _Given:
    """What a layer is given, as far as the text shows it."""

    positional: tuple[Value, ...]
    named: Mapping[str, Value]  # In lower case

    @classmethod
    def of(cls, layer: Call, known: Callable[[Value], Value]) -> _Given:
        positional, named = list[Value](), dict[str, Value]()
        rest = [(each.name, known(each.value)) for each in layer.arguments]
        while rest:
            name, value = rest.pop(0)
            is_option = isinstance(value, str) and value != _CHANNEL_WISE and bool(rest)
            if name is not None:
                named[name.lower()] = value
            elif is_option and isinstance(value, str):
                named[value.lower()] = rest.pop(0)[1]
            else:
                positional.append(value)
        return cls(tuple(positional), named)

    def at(self, place: int) -> Value:
        return self.positional[place] if place < len(self.positional) else None

    def integer(self, place: int) -> int | None:
        value = self.at(place)
        return value if type(value) is int and value > 0 else None

    def sizes(self, name: str, default: Value, rank: int) -> Sizes | None:
        return _sizes(self.named.get(name, default), rank)

    def padding(self, rank: int) -> Pairs | None:
        """``Padding``: a number, one for each axis, or one for each end."""
        value = self.named.get("padding", 0)
        if isinstance(value, int) and not isinstance(value, bool):
            return ((value, value),) * rank
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], tuple):
            begins, ends = (_sides(row) if isinstance(row, tuple) else None for row in value)
            is_whole = begins is not None and ends is not None and len(begins) == len(ends) == rank
            return tuple(zip(begins or (), ends or (), strict=True)) if is_whole else None
        sides = _sides(value) if isinstance(value, tuple) else None
        if sides is not None and len(sides) == 2 * rank and rank < 3:
            return tuple(zip(sides[::2], sides[1::2], strict=True))
        if sides is not None and len(sides) == rank and rank > 1:
            return tuple((side, side) for side in sides)
        return None


def _sides(values: Sequence[Value]) -> Sizes | None:
    sides = tuple(value for value in values if type(value) is int and value >= 0)
    return sides if len(sides) == len(values) else None


def _sizes(value: Value, rank: int) -> Sizes | None:
    known = sizes_of(value if isinstance(value, tuple) else (value,) * rank)
    return known if known is not None and len(known) == rank and min(known) > 0 else None


def step(layer: Value, flow: Flow, known: Callable[[Value], Value]) -> Flow | None:
    """Return what comes out of a layer; ``None`` where it is not plain.

    ``known`` gives the values of names.
    """
    if isinstance(layer, Name):  # A call without arguments
        layer = Call(Name(layer.text, layer.column), (), layer.column)
    if not isinstance(layer, Call):
        return None
    name = function_of(layer)
    if name in _KEEP:
        return flow
    change = _CHANGES.get(name)
    return None if change is None else change(_Given.of(layer, known), flow)


def _input(dimensions: int) -> Callable[[_Given, Flow], Flow | None]:
    def change(given: _Given, _: Flow) -> Flow | None:
        """``[28 28 1]`` is height, width and channels; ``[28 28]`` and ``28`` have one channel."""
        value = given.at(0)
        sizes = value if isinstance(value, tuple) else (value,) * (dimensions - 1)
        known = sizes_of((*sizes, 1) if len(sizes) == dimensions - 1 else sizes)
        if known is None or len(known) != dimensions:
            return None
        return Flow(known[-1], known[:-1])

    return change


def _convolution(rank: int) -> Callable[[_Given, Flow], Flow | None]:
    def change(given: _Given, flow: Flow) -> Flow | None:
        return _windows(given, flow, given.integer(1), rank)

    return change


def _pooling(rank: int) -> Callable[[_Given, Flow], Flow | None]:
    return lambda given, flow: _windows(given, flow, flow.channels, rank)


def _grouped(given: _Given, flow: Flow) -> Flow | None:
    filters, groups = given.integer(1), given.integer(2)
    if given.at(2) == _CHANNEL_WISE:
        groups = flow.channels
    channels = None if filters is None or groups is None else filters * groups
    return _windows(given, flow, channels, 2)


def _windows(given: _Given, flow: Flow, channels: int | None, rank: int) -> Flow:
    """What goes over its input in windows."""
    kernel, stride = _sizes(given.at(0), rank), given.sizes("stride", 1, rank)
    dilation = given.sizes("dilationfactor", 1, rank)
    if given.named.get("padding") == "same" and stride is not None:
        return flow.strided(channels, stride)
    padding = given.padding(rank)
    if kernel is None or stride is None or dilation is None or padding is None:
        return Flow(channels)
    return flow.convolved(channels, kernel, stride, padding, dilation)


def _resized(rank: int) -> Callable[[_Given, Flow], Flow | None]:
    def change(given: _Given, flow: Flow) -> Flow | None:
        if size := given.sizes("outputsize", None, rank):
            return Flow(flow.channels, size)
        factors = given.sizes("scale", None, rank)
        return Flow(flow.channels) if factors is None else flow.scaled(factors)

    return change


def _global(given: _Given, flow: Flow) -> Flow:
    del given
    return Flow(flow.channels, None if flow.size is None else (1,) * len(flow.size))


def _projected(given: _Given, flow: Flow) -> Flow | None:
    """MathWorks' own example of a layer, which projects a vector to ``[4 4 512]``."""
    del flow
    value = given.at(0)
    known = sizes_of(value) if isinstance(value, tuple) else None
    return None if known is None or len(known) < 2 else Flow(known[-1], known[:-1])


_CHANGES: Final[dict[str, Callable[[_Given, Flow], Flow | None]]] = {
    "imageInputLayer": _input(3),
    "image3dInputLayer": _input(4),
    "sequenceInputLayer": lambda given, _: Flow(given.integer(0)),
    "fullyConnectedLayer": lambda given, _: Flow(given.integer(0)),
    "projectAndReshapeLayer": _projected,
    "groupedConvolution2dLayer": _grouped,
    "resize2dLayer": _resized(2),
    "resize3dLayer": _resized(3),
    **{f"convolution{rank}dLayer": _convolution(rank) for rank in _RANKS},
    **{
        f"{kind}Pooling{rank}dLayer": _pooling(rank)
        for kind in ("max", "average")
        for rank in _RANKS
    },
    **{
        f"global{kind}Pooling{rank}dLayer": _global
        for kind in ("Max", "Average")
        for rank in _RANKS
    },
}
