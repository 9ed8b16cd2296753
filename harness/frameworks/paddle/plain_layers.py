"""What PaddlePaddle's plain layers and functions do to channels and sizes.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/Overview_en.html
"""

from __future__ import annotations

from typing import Final

from harness.convention.chains import Flow
from harness.convention.python_flows import (
    Change,
    Given,
    PlainLayers,
    adaptive,
    flattened,
    keep,
    linear,
    shuffled,
    unsqueezed,
    upsampled,
    viewed,
)
from harness.convention.values import Pairs
from harness.core.operators import Sizes

_KEPT: Final = (
    *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "CELU", "GELU", "Silu", "Swish"),
    *("Mish", "Tanh", "Sigmoid", "Softplus", "Softsign", "Hardtanh", "Hardswish", "Hardsigmoid"),
    *("Identity", "Dropout", "Dropout2D", "Dropout3D", "AlphaDropout", "Softmax"),
    *("BatchNorm", "BatchNorm1D", "BatchNorm2D", "BatchNorm3D", "SyncBatchNorm", "GroupNorm"),
    *("LayerNorm", "InstanceNorm1D", "InstanceNorm2D", "InstanceNorm3D", "LocalResponseNorm"),
)
_KEEPING: Final = (
    *("relu", "relu_", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "swish"),
    *("mish", "tanh", "sigmoid", "softplus", "hardtanh", "dropout", "dropout2d", "batch_norm"),
    *("instance_norm", "layer_norm", "astype", "clone", "detach", "cuda", "cpu", "clip"),
)


def _is_first(given: Given) -> bool:
    """Whether the channels of a layer are second, as they are by default."""
    return given.named.get("data_format") in {None, "NCL", "NCHW", "NCDHW"}


def _pairs(value: object, rank: int) -> Pairs | None:
    """Return a padding's numbers: one, one for each axis, or both ends of each in turns."""
    values = value if isinstance(value, tuple) else (value,) * rank
    sides = [side for side in values if type(side) is int and side >= 0]
    if len(sides) != len(values) or len(sides) not in {rank, 2 * rank}:
        return None
    if len(sides) == rank:
        return tuple((side, side) for side in sides)
    return tuple(zip(sides[::2], sides[1::2], strict=True))


def _convolution(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        channels = given.integer(1, "out_channels")
        kernel = given.per_axis(2, "kernel_size", None, rank)
        stride = given.per_axis(3, "stride", 1, rank)
        dilation = given.per_axis(5, "dilation", 1, rank)
        padding = given.value(4, "padding", 0)
        if not _is_first(given):
            return None
        return _windows(flow, channels, kernel, stride, dilation, padding)

    return change


def _pooling(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        kernel = given.per_axis(0, "kernel_size", None, rank)
        stated = given.value(1, "stride")
        stride = kernel if stated is None else given.per_axis(1, "stride", None, rank)
        # By position it stands at different places.
        has_more = len(given.positional) > 3 or given.named.get("ceil_mode")
        if has_more or not _is_first(given):
            return Flow(flow.channels) if _is_first(given) else None
        padding = given.value(2, "padding", 0)
        return _windows(flow, flow.channels, kernel, stride, (1,) * rank, padding)

    return change


def _windows(
    flow: Flow,
    channels: int | None,
    kernel: Sizes | None,
    stride: Sizes | None,
    dilation: Sizes | None,
    padding: object,
) -> Flow:
    word = padding.upper() if isinstance(padding, str) else None
    if stride is not None and word == "SAME":
        return flow.strided(channels, stride)
    if kernel is None or stride is None or dilation is None:
        return Flow(channels)
    pairs = _pairs(0 if word == "VALID" else padding, len(kernel))
    if pairs is None:
        return Flow(channels)
    return flow.convolved(channels, kernel, stride, pairs, dilation)


def _upsampled(given: Given, flow: Flow) -> Flow | None:
    return upsampled(given, flow) if _is_first(given) else None


def _padded(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        value = given.value(0, "padding")
        pairs = _pairs(value, rank) if isinstance(value, int) else _pairs_in_turns(value, rank)
        if pairs is None or flow.size is None or len(flow.size) != rank or not _is_first(given):
            return Flow(flow.channels) if _is_first(given) else None
        # The last axis comes first.
        size = tuple(n + sum(pair) for n, pair in zip(flow.size, reversed(pairs), strict=True))
        return Flow(flow.channels, size)

    return change


def _pairs_in_turns(value: object, rank: int) -> Pairs | None:
    return _pairs(value, rank) if isinstance(value, tuple) and len(value) == 2 * rank else None


_RANKS: Final = (1, 2, 3)
PLAIN: Final = PlainLayers(
    layers={
        **dict.fromkeys(_KEPT, keep),
        **{f"Conv{rank}D": _convolution(rank) for rank in _RANKS},
        **{f"{kind}Pool{rank}D": _pooling(rank) for kind in ("Max", "Avg") for rank in _RANKS},
        **{f"Adaptive{kind}Pool{r}D": adaptive(r) for kind in ("Max", "Avg") for r in _RANKS},
        **{f"{kind}Pad{rank}D": _padded(rank) for kind in ("", "Zero") for rank in _RANKS},
        **dict.fromkeys(("Upsample", "UpsamplingNearest2D", "UpsamplingBilinear2D"), _upsampled),
        "PixelShuffle": shuffled,
        "Linear": linear,
        "Flatten": lambda given, flow: (
            flattened(given, flow) if given.value(0, "start_axis", 1) == 1 else None
        ),
    },
    functions={
        **dict.fromkeys(_KEEPING, keep),
        "reshape": viewed,
        "interpolate": _upsampled,
        "upsample": _upsampled,
        "flatten": lambda given, flow: (
            flattened(given, flow) if given.value(0, "start_axis", 0) == 1 else None
        ),
        "unsqueeze": unsqueezed("axis"),
    },
    modules=frozenset({"paddle"}),
)
