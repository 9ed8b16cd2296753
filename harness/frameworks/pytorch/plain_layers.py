"""What PyTorch's plain layers and functions do to channels and sizes.

https://docs.pytorch.org/docs/stable/nn.html
"""

from __future__ import annotations

from collections.abc import Sequence
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
    reshaped,
    shuffled,
    unsqueezed,
    upsampled,
    viewed,
)
from harness.convention.values import Pairs

_KEPT: Final = (
    *(
        "ReLU",
        "ReLU6",
        "LeakyReLU",
        "PReLU",
        "RReLU",
        "ELU",
        "SELU",
        "CELU",
        "GELU",
        "SiLU",
        "Mish",
    ),
    *("Tanh", "Sigmoid", "Softplus", "Softsign", "Hardtanh", "Hardswish", "Hardsigmoid"),
    *("Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"),
    *("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "GroupNorm", "LayerNorm"),
    *("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LocalResponseNorm", "Softmax"),
)
_KEEPING: Final = (
    *("relu", "relu_", "leaky_relu", "leaky_relu_", "prelu", "elu", "selu", "gelu", "silu", "mish"),
    *("tanh", "sigmoid", "softplus", "hardtanh", "dropout", "dropout2d", "batch_norm"),
    *("instance_norm", "layer_norm", "group_norm", "contiguous", "float", "double", "half"),
    *("clone", "detach", "cuda", "cpu", "to", "clamp"),
)


def _convolution(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        channels = given.integer(1, "out_channels")
        kernel = given.per_axis(2, "kernel_size", None, rank)
        stride = given.per_axis(3, "stride", 1, rank)
        dilation = given.per_axis(5, "dilation", 1, rank)
        padding = given.value(4, "padding", 0)
        if kernel is None or stride is None or dilation is None:
            return Flow(channels)
        if padding == "same":
            return Flow(channels, flow.size)
        sides = given.per_axis(4, "padding", 0, rank, least=0)
        pairs = _both(sides) if sides else _both((0,) * rank) if padding == "valid" else None
        if pairs is None:
            return Flow(channels)
        return flow.convolved(channels, kernel, stride, pairs, dilation)

    return change


def _pooling(rank: int, *, is_max: bool) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        kernel = given.per_axis(0, "kernel_size", None, rank)
        stated = given.value(1, "stride")
        stride = kernel if stated is None else given.per_axis(1, "stride", None, rank)
        padding = given.per_axis(2, "padding", 0, rank, least=0)
        dilation = given.per_axis(3, "dilation", 1, rank) if is_max else (1,) * rank
        # With it the last window may be one that reaches over the end.
        ceil = given.value(5 if is_max else 3, "ceil_mode", False)
        is_known = None not in (kernel, stride, padding, dilation) and ceil is False
        if not is_known or kernel is None or stride is None or padding is None:
            return Flow(flow.channels)
        return flow.convolved(flow.channels, kernel, stride, _both(padding), dilation)

    return change


def _both(sides: Sequence[int]) -> Pairs:
    return tuple((side, side) for side in sides)


def _unflattened(given: Given, flow: Flow) -> Flow | None:
    sizes = given.value(1, "unflattened_size")
    if given.value(0, "dim") != 1 or flow.size or not isinstance(sizes, tuple):
        return None
    return reshaped((None, *sizes))


def _padded(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow:
        sides = given.per_axis(0, "padding", None, 2 * rank, least=0)
        if sides is None or flow.size is None or len(flow.size) != rank:
            return Flow(flow.channels)
        # The last axis comes first.
        pairs = list(zip(sides[::2], sides[1::2], strict=True))[::-1]
        size = tuple(n + sum(pair) for n, pair in zip(flow.size, pairs, strict=True))
        return Flow(flow.channels, size)

    return change


_POOLINGS: Final = {
    f"{kind}Pool{rank}d": _pooling(rank, is_max=kind == "Max")
    for kind in ("Max", "Avg")
    for rank in (1, 2, 3)
}
PLAIN: Final = PlainLayers(
    layers={
        **dict.fromkeys(_KEPT, keep),
        **{f"Conv{rank}d": _convolution(rank) for rank in (1, 2, 3)},
        **_POOLINGS,
        **{f"Adaptive{kind}Pool{r}d": adaptive(r) for kind in ("Max", "Avg") for r in (1, 2, 3)},
        **{
            f"{kind}Pad{rank}d": _padded(rank)
            for kind in ("Zero", "Reflection", "Replication", "Constant", "Circular")
            for rank in (1, 2, 3)
        },
        **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), upsampled),
        "PixelShuffle": shuffled,
        "Linear": linear,
        "Flatten": flattened,
        "Unflatten": _unflattened,
    },
    functions={
        **dict.fromkeys(_KEEPING, keep),
        **dict.fromkeys(("view", "reshape"), viewed),
        "interpolate": upsampled,
        "flatten": lambda given, flow: (
            flattened(given, flow) if given.value(0, "start_dim", 0) == 1 else None
        ),
        "unsqueeze": unsqueezed("dim"),
        **{f"{name[:3].lower()}_pool{name[-2:]}": change for name, change in _POOLINGS.items()},
    },
    modules=frozenset({"torch"}),
)
