"""What Keras's plain layers do to channels and sizes.

https://keras.io/api/layers/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from harness.convention.chains import Flow
from harness.convention.python_flows import Change, Given, PlainLayers, flattened, keep
from harness.convention.values import sizes_of
from harness.core.operators import Sizes
from harness.syntax.tree import Value

_KEPT: Final = (
    *("BatchNormalization", "LayerNormalization", "GroupNormalization", "InstanceNormalization"),
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "Softmax"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise"),
    *("GaussianDropout", "AlphaDropout", "ActivityRegularization"),
)
_KEEPING: Final = (
    *("relu", "leaky_relu", "elu", "selu", "gelu", "tanh", "sigmoid", "softplus", "swish", "silu"),
    *("dropout", "identity", "cast"),
)
_OWN_INPUTS: Final = ("input_shape", "batch_input_shape")


@cache
def plain(*, channels_first: bool) -> PlainLayers:
    """Return the layers, whose shapes have their channels first or last."""

    def canonical(sizes: Sequence[Value]) -> Flow | None:
        """What has such a shape, the batch not included."""
        known = [size if type(size) is int and size > 0 else None for size in sizes]
        if len(known) == 1:
            return Flow(known[0], ())
        channels = known[0] if channels_first else known[-1]
        return Flow(channels, sizes_of(known[1:] if channels_first else known[:-1]))

    def shaped(name: str) -> Change:
        def change(given: Given, flow: Flow) -> Flow | None:
            del flow
            for with_batch in ("batch_shape", "batch_input_shape"):
                if isinstance(whole := given.named.get(with_batch), tuple):
                    return canonical(whole[1:])
            sizes = given.value(0, name, given.named.get("input_shape"))
            return canonical(sizes) if isinstance(sizes, tuple) else None

        return change

    def begun(change: Change) -> Change:
        """Let a layer state the shape of its own input, as the first of a model does."""

        def of_own_input(given: Given, flow: Flow) -> Flow | None:
            own = next((given.named[name] for name in _OWN_INPUTS if name in given.named), None)
            if isinstance(own, tuple):
                sizes = own[1:] if "batch_input_shape" in given.named else own
                flow = canonical(sizes) or Flow()
            return change(given, flow)

        return of_own_input

    layers: dict[str, Change] = {**dict.fromkeys(_KEPT, keep), **_LAYERS, "Flatten": flattened}
    return PlainLayers(
        layers={
            **{name: begun(change) for name, change in layers.items()},
            "Reshape": begun(shaped("target_shape")),
            "Input": shaped("shape"),
            "InputLayer": shaped("shape"),
        },
        functions=dict.fromkeys(_KEEPING, keep),
        inputs={"Input": shaped("shape")},
        of_shape=lambda shape: canonical(shape[1:]) or Flow(),
        modules=frozenset({"tensorflow", "keras", "tf_keras"}),
    )


def _dense(given: Given, flow: Flow) -> Flow:
    """What goes over the last axis, that of channels."""
    return Flow(given.integer(0, "units"), flow.size)


def _convolution(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        channels = given.integer(0, "filters")
        if _is_first(given):
            return None
        kernel = given.per_axis(1, "kernel_size", None, rank)
        stride = given.per_axis(2, "strides", 1, rank)
        dilation = given.per_axis(5, "dilation_rate", 1, rank)
        padding = given.value(3, "padding", "valid")
        return _windows(flow, channels, kernel, stride, dilation, padding)

    return change


def _pooling(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        if _is_first(given):
            return None
        kernel = given.per_axis(0, "pool_size", 2, rank)
        stated = given.value(1, "strides")
        stride = kernel if stated is None else given.per_axis(1, "strides", None, rank)
        padding = given.value(2, "padding", "valid")
        return _windows(flow, flow.channels, kernel, stride, (1,) * rank, padding)

    return change


def _is_first(given: Given) -> bool:
    """Whether the layer itself has a layout, which may differ from that of the others."""
    return given.named.get("data_format") is not None


def _windows(
    flow: Flow,
    channels: int | None,
    kernel: Sizes | None,
    stride: Sizes | None,
    dilation: Sizes | None,
    padding: Value,
) -> Flow:
    word = padding.lower() if isinstance(padding, str) else None
    if stride is not None and word == "same":
        return flow.strided(channels, stride)
    if kernel is None or stride is None or dilation is None or word != "valid":
        return Flow(channels)
    return flow.convolved(channels, kernel, stride, ((0, 0),) * len(kernel), dilation)


def _upsampled(rank: int) -> Change:
    def change(given: Given, flow: Flow) -> Flow | None:
        factors = given.per_axis(0, "size", 2, rank)
        is_plain = factors is not None and not _is_first(given)
        return flow.scaled(factors) if is_plain and factors is not None else Flow(flow.channels)

    return change


def _edged(rank: int, name: str, sign: int, default: Value) -> Change:
    """``ZeroPadding2D`` and ``Cropping2D``: a number, one for each axis, or a pair for each."""

    def change(given: Given, flow: Flow) -> Flow | None:
        value = given.value(0, name, default)
        values = value if isinstance(value, tuple) else (value,) * rank
        pairs = [each if isinstance(each, tuple) else (each, each) for each in values]
        sides = [side for pair in pairs for side in pair if type(side) is int and side >= 0]
        if len(pairs) != rank or len(sides) != 2 * rank or flow.size is None or _is_first(given):
            return Flow(flow.channels)
        totals = [sign * (a + b) for a, b in zip(sides[::2], sides[1::2], strict=True)]
        size = tuple(n + total for n, total in zip(flow.size, totals, strict=True))
        return Flow(flow.channels, size if min(size) > 0 else None)

    return change


def _global(given: Given, flow: Flow) -> Flow | None:
    return None if given.named.get("keepdims") or _is_first(given) else Flow(flow.channels, ())


_RANKS: Final = (1, 2, 3)
_LAYERS: Final[dict[str, Callable[[Given, Flow], Flow | None]]] = {
    "Dense": _dense,
    **{f"Conv{rank}D": _convolution(rank) for rank in _RANKS},
    **{f"Convolution{rank}D": _convolution(rank) for rank in _RANKS},
    **{f"{kind}Pooling{r}D": _pooling(r) for kind in ("Max", "Average") for r in _RANKS},
    **{f"Global{kind}Pooling{r}D": _global for kind in ("Max", "Average") for r in _RANKS},
    **{f"UpSampling{rank}D": _upsampled(rank) for rank in _RANKS},
    **{f"ZeroPadding{rank}D": _edged(rank, "padding", 1, 1) for rank in _RANKS},
    **{f"Cropping{rank}D": _edged(rank, "cropping", -1, None) for rank in _RANKS},
}
