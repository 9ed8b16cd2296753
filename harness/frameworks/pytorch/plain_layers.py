"""What PyTorch's plain layers and functions do to channels and sizes.

https://docs.pytorch.org/docs/stable/nn.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.convention.chains import Flow
from harness.convention.python_flows import Change, Given, PlainLayers, flattened, keep, reshaped
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


def _adaptive(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow:
        return Flow(flow.channels, given.per_axis(0, "output_size", None, rank))

    return change


def _upsampled(given: Given, flow: Flow) -> Flow:
    rank = len(flow.size or ())
    if given.value(0, "size") is not None:
        return Flow(flow.channels, given.per_axis(0, "size", None, rank) if rank else None)
    factors = given.per_axis(1, "scale_factor", None, rank)
    return Flow(flow.channels) if factors is None else flow.scaled(factors)


def _shuffled(given: Given, flow: Flow) -> Flow:
    factor = given.integer(0, "upscale_factor")
    if factor is None or flow.channels is None or flow.size is None or flow.channels % factor**2:
        return Flow()
    return Flow(flow.channels // factor**2, flow.size).scaled((factor,) * len(flow.size))


def _linear(given: Given, flow: Flow) -> Flow | None:
    """What goes over the last axis, which is that of channels in a vector only."""
    return None if flow.size else Flow(given.integer(1, "out_features"), ())


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


def _viewed(given: Given, flow: Flow) -> Flow | None:
    """``x.view(-1, 64, 8, 8)``, whose first size is the batch."""
    del flow
    first = given.positional[0] if given.positional else given.named.get("shape")
    return reshaped(first if isinstance(first, tuple) else tuple(given.positional))


def _unsqueezed(given: Given, flow: Flow) -> Flow | None:
    place = given.value(0, "dim")
    is_last = flow.size is not None and place in (-1, len(flow.size) + 2)
    return Flow(flow.channels, (*(flow.size or ()), 1)) if is_last else None


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
        **{f"Adaptive{kind}Pool{r}d": _adaptive(r) for kind in ("Max", "Avg") for r in (1, 2, 3)},
        **{
            f"{kind}Pad{rank}d": _padded(rank)
            for kind in ("Zero", "Reflection", "Replication", "Constant", "Circular")
            for rank in (1, 2, 3)
        },
        **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), _upsampled),
        "PixelShuffle": _shuffled,
        "Linear": _linear,
        "Flatten": flattened,
        "Unflatten": _unflattened,
    },
    functions={
        **dict.fromkeys(_KEEPING, keep),
        **dict.fromkeys(("view", "reshape"), _viewed),
        "interpolate": _upsampled,
        "flatten": lambda given, flow: (
            flattened(given, flow) if given.value(0, "start_dim", 0) == 1 else None
        ),
        "unsqueeze": _unsqueezed,
        **{f"{name[:3].lower()}_pool{name[-2:]}": change for name, change in _POOLINGS.items()},
    },
    modules=frozenset({"torch"}),
)
