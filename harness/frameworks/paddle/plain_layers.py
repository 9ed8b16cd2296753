"""What PaddlePaddle's plain layers and functions do to channels and sizes.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/Overview_en.html
"""

from __future__ import annotations

from typing import Final

from harness.convention.chains import Flow
from harness.convention.python_flows import Change, Given, PlainLayers, flattened, keep, reshaped
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


def _adaptive(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow:
        return Flow(flow.channels, given.per_axis(0, "output_size", None, rank))

    return change


def _upsampled(given: Given, flow: Flow) -> Flow | None:
    if not _is_first(given):
        return None
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


def _reshaped(given: Given, flow: Flow) -> Flow | None:
    """``x.reshape([-1, 64, 8, 8])``, whose first size is the batch."""
    del flow
    first = given.positional[0] if given.positional else given.named.get("shape")
    return reshaped(first if isinstance(first, tuple) else tuple(given.positional))


def _unsqueezed(given: Given, flow: Flow) -> Flow | None:
    place = given.value(0, "axis")
    is_last = flow.size is not None and place in (-1, len(flow.size) + 2)
    return Flow(flow.channels, (*(flow.size or ()), 1)) if is_last else None


_RANKS: Final = (1, 2, 3)
PLAIN: Final = PlainLayers(
    layers={
        **dict.fromkeys(_KEPT, keep),
        **{f"Conv{rank}D": _convolution(rank) for rank in _RANKS},
        **{f"{kind}Pool{rank}D": _pooling(rank) for kind in ("Max", "Avg") for rank in _RANKS},
        **{f"Adaptive{kind}Pool{r}D": _adaptive(r) for kind in ("Max", "Avg") for r in _RANKS},
        **{f"{kind}Pad{rank}D": _padded(rank) for kind in ("", "Zero") for rank in _RANKS},
        **dict.fromkeys(("Upsample", "UpsamplingNearest2D", "UpsamplingBilinear2D"), _upsampled),
        "PixelShuffle": _shuffled,
        "Linear": _linear,
        "Flatten": lambda given, flow: (
            flattened(given, flow) if given.value(0, "start_axis", 1) == 1 else None
        ),
    },
    functions={
        **dict.fromkeys(_KEEPING, keep),
        "reshape": _reshaped,
        "interpolate": _upsampled,
        "upsample": _upsampled,
        "flatten": lambda given, flow: (
            flattened(given, flow) if given.value(0, "start_axis", 0) == 1 else None
        ),
        "unsqueeze": _unsqueezed,
    },
    modules=frozenset({"paddle"}),
)
