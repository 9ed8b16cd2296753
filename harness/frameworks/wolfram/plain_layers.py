"""What the Wolfram Language's plain layers do to channels and sizes.

https://reference.wolfram.com/language/guide/NeuralNetworkLayers.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention.chains import Flow
from harness.convention.values import Pairs, same_crop, sizes_of
from harness.core.operators import Sizes
from harness.frameworks.wolfram.arrays import resolved
from harness.syntax.tree import Call, Name, Value

_KEEP: Final = {
    *("ElementwiseLayer", "ParametricRampLayer", "DropoutLayer", "SoftmaxLayer"),
    *("BatchNormalizationLayer", "NormalizationLayer", "LocalResponseNormalizationLayer"),
    *("Ramp", "Tanh", "LogisticSigmoid"),
    *("ReLU", "ELU", "SELU", "SoftSign", "SoftPlus", "HardTanh", "HardSigmoid", "Sigmoid"),
}
_WINDOWS: Final = {"ConvolutionLayer", "DeconvolutionLayer", "PoolingLayer"}


def step(layer: Value, flow: Flow, assigned: Mapping[str, Value]) -> Flow | None:
    """Return what comes out of a layer; ``None`` where it is not plain.

    ``assigned`` are the values of names.
    """
    layer = resolved(layer, assigned)
    if isinstance(layer, int):  # Short for a LinearLayer
        return Flow(layer, ())
    name = name_of(layer)
    if name in _KEEP:
        return flow
    if not isinstance(layer, Call):
        return None
    first = resolved(layer.positional[0], assigned) if layer.positional else None
    match name:
        case _ if name in _WINDOWS:
            return _windows(name, layer, flow, assigned)
        case "ReshapeLayer" | "LinearLayer":
            return _shaped(first)
        case "ResizeLayer":
            return _resized(first, flow)
    return None


def name_of(layer: Value) -> str:
    """Name a layer that is written out, or a function that stands for one."""
    if isinstance(layer, Call):
        return layer.dotted
    return layer.text if isinstance(layer, Name) else layer if isinstance(layer, str) else ""


def keeps_rank(layer: Value, assigned: Mapping[str, Value]) -> bool:
    """Whether as many spatial axes come out of a layer as go into it."""
    return name_of(resolved(layer, assigned)) in {*_KEEP, *_WINDOWS, "ResizeLayer"}


def rank_shown(layer: Value, assigned: Mapping[str, Value]) -> int | None:
    """How many spatial axes a layer has, where the size of its windows, or another, says so."""
    layer = resolved(layer, assigned)
    name = name_of(layer)
    if not isinstance(layer, Call) or name not in {*_WINDOWS, "ResizeLayer"}:
        return None
    sizes = layer.positional[0 if name in {"PoolingLayer", "ResizeLayer"} else 1 :]
    sizes += [layer.named.get(option) for option in ("Stride", "Dilation", "PaddingSize")]
    known = (resolved(size, assigned) for size in sizes)
    ranks = {len(size) for size in known if isinstance(size, tuple)}
    return ranks.pop() if len(ranks) == 1 else None


def _shaped(value: Value) -> Flow | None:
    sizes = value if isinstance(value, tuple) else (value,)
    channels = sizes_of(sizes[:1])
    return Flow(channels[0], sizes_of(sizes[1:])) if channels else None


def _resized(value: Value, flow: Flow) -> Flow:
    """``{h, w}``, of which ``Scaled[2]`` is twice what comes in."""
    sizes = value if isinstance(value, tuple) else (value,)
    if flow.size is None or len(flow.size) != len(sizes):
        known = sizes_of(sizes) if isinstance(value, tuple) else None
        return Flow(flow.channels, known)
    results = []
    for before, size in zip(flow.size, sizes, strict=True):
        factor = size.positional[0] if name_of(size) == "Scaled" and isinstance(size, Call) else 0
        result = before * factor if type(factor) is int and factor else size
        results.append(result if type(result) is int and result > 0 else None)
    return Flow(flow.channels, sizes_of(results))


def _windows(name: str, layer: Call, flow: Flow, assigned: Mapping[str, Value]) -> Flow | None:
    """What goes over its input in windows."""
    given = [resolved(value, assigned) for value in layer.positional]
    options = {key: resolved(value, assigned) for key, value in layer.named.items()}
    if options.get("Interleaving", False) is not False:
        return None
    channels = flow.channels
    if name != "PoolingLayer":
        first = given.pop(0) if given else None
        channels = first if type(first) is int else None
    rank = len(flow.size) if flow.size is not None else 0
    kernel = _per_axis(given[0] if given else None, rank)
    steps = options.get("Stride", given[1] if name == "PoolingLayer" and len(given) > 1 else 1)
    stride, dilation = _per_axis(steps, rank), _per_axis(options.get("Dilation", 1), rank)
    if kernel is None or stride is None or dilation is None or flow.size is None:
        return Flow(channels)
    padding = options.get("PaddingSize", 0)
    if name == "DeconvolutionLayer":
        crop = _crop(padding, kernel, stride, dilation)
        return (
            Flow(channels)
            if crop is None
            else flow.transposed(channels, kernel, stride, crop, dilation)
        )
    if padding == "Same":
        return flow.strided(channels, stride)
    pairs = _pairs(padding, rank)
    if pairs is None:
        return Flow(channels)
    if name == "PoolingLayer" and not _is_exact(flow.size, kernel, stride, pairs):
        return Flow(channels)  # Whether what is left over counts is not documented.
    return flow.convolved(channels, kernel, stride, pairs, dilation)


def _is_exact(size: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs) -> bool:
    axes = zip(size, kernel, stride, padding, strict=True)
    return all((n + sum(pad) - k) % s == 0 for n, k, s, pad in axes)


def _crop(value: Value, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Pairs | None:
    if value == "Same":
        effective = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        return same_crop(effective, stride, odd="", missing="")[0]
    return _pairs(value, len(kernel))


def _per_axis(value: Value, rank: int) -> Sizes | None:
    sizes = sizes_of(value if isinstance(value, tuple) else (value,) * rank)
    return sizes if sizes and len(sizes) == rank else None


def _pairs(value: Value, rank: int) -> Pairs | None:
    """``n``, ``{n1, n2}`` for both ends of each axis, or ``{{n1, m1}, {n2, m2}}``."""
    values = value if isinstance(value, tuple) else (value,) * rank
    pairs = [each if isinstance(each, tuple) else (each, each) for each in values]
    known = [
        (begin, end)
        for begin, end in (pair for pair in pairs if len(pair) == 2)
        if type(begin) is int and type(end) is int and min(begin, end) >= 0
    ]
    return tuple(known) if len(known) == len(pairs) == rank else None
