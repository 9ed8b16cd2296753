"""What the plain layers and functions over JAX do to channels and sizes: Flax's and Haiku's.

https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from harness.convention.chains import Flow
from harness.convention.python_flows import Change, Given, PlainLayers, keep
from harness.convention.values import sizes_of
from harness.core.operators import Sizes
from harness.syntax.tree import Value

_KEPT: Final = (
    *("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm", "Dropout", "PReLU"),
    *("SpectralNorm", "WeightNorm"),
)
_KEEPING: Final = (
    *("relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "swish", "tanh"),
    *("sigmoid", "softplus", "log_sigmoid", "softmax", "hard_tanh", "hard_sigmoid", "astype"),
    *("mish", "dropout", "stop_gradient"),
)


class _Places(NamedTuple):
    """Where the arguments of a library's convolutions stand, and what they are called."""

    channels: tuple[int, str]
    kernel: tuple[int, str]
    stride: tuple[int, str]
    padding: tuple[int, str]
    dilation: tuple[int, str]
    rank: int | None = None  # None: by how many numbers the kernel has


_NOWHERE: Final = 99  # By name only


def _convolved(places: _Places) -> Change:
    def change(given: Given, flow: Flow) -> Flow:
        channels, kernel, stride, dilation, padding = _geometry(given, places)
        if kernel is None or stride is None or dilation is None:
            return Flow(channels)
        if padding == "SAME":
            return flow.strided(channels, stride)
        if padding != "VALID":
            return Flow(channels)
        return flow.convolved(channels, kernel, stride, ((0, 0),) * len(kernel), dilation)

    return change


def _transposed(places: _Places) -> Change:
    def change(given: Given, flow: Flow) -> Flow:
        channels, kernel, stride, dilation, padding = _geometry(given, places)
        if kernel is None or stride is None or dilation is None:
            return Flow(channels)
        extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        totals = [extent - s for extent, s in zip(extents, stride, strict=True)]
        if padding == "VALID":
            totals = [min(total, 0) for total in totals]
        elif padding != "SAME":
            return Flow(channels)
        crop = tuple((0, total) for total in totals)
        return flow.transposed(channels, kernel, stride, crop, dilation)

    return change


def _geometry(
    given: Given, places: _Places
) -> tuple[int | None, Sizes | None, Sizes | None, Sizes | None, Value]:
    kernel = given.value(*places.kernel)
    rank = places.rank or (len(kernel) if isinstance(kernel, tuple) else 1)
    stride, dilation = (
        (1,) * rank if given.value(*place) is None else given.per_axis(*place, None, rank)
        for place in (places.stride, places.dilation)
    )
    return (
        given.integer(*places.channels),
        given.per_axis(*places.kernel, None, rank),
        stride,
        dilation,
        given.value(*places.padding, "SAME"),
    )


def _dense(place: int, name: str) -> Change:
    """What goes over the last axis, that of channels."""
    return lambda given, flow: Flow(given.integer(place, name), flow.size)


def _shaped(sizes: Sequence[Value]) -> Flow | None:
    """What has such a shape, its batch first and its channels last."""
    if len(sizes) < 2 or any(isinstance(size, tuple) for size in sizes):
        return None
    last = sizes[-1]
    channels = last if type(last) is int and last > 0 else None
    return Flow(channels, sizes_of(sizes[1:-1]) if len(sizes) > 2 else ())


def _reshaped(given: Given, flow: Flow) -> Flow | None:
    """``x.reshape(-1, 7, 7, 64)``, or with the sizes in a tuple."""
    del flow
    first = given.positional[0] if given.positional else given.named.get("shape")
    return _shaped(first if isinstance(first, tuple) else given.positional)


def _pooled(given: Given, flow: Flow) -> Flow | None:
    rank = len(flow.size or ())
    window = given.per_axis(0, "window_shape", None, rank) if rank else None
    stride = given.per_axis(1, "strides", 1, rank) if rank else None
    padding = given.value(2, "padding", "VALID")
    if window is None or stride is None or padding not in {"SAME", "VALID"}:
        return Flow(flow.channels)
    if padding == "SAME":
        return flow.strided(flow.channels, stride)
    return flow.convolved(flow.channels, window, stride, ((0, 0),) * rank)


_FUNCTIONS: Final[dict[str, Callable[[Given, Flow], Flow | None]]] = {
    **dict.fromkeys(_KEEPING, keep),
    "reshape": _reshaped,
    "resize": _reshaped,
    "avg_pool": _pooled,
    "max_pool": _pooled,
}


def _plain(layers: dict[str, Change]) -> PlainLayers:
    return PlainLayers(
        layers={**dict.fromkeys(_KEPT, keep), **layers},
        functions=_FUNCTIONS,
        of_shape=lambda shape: _shaped(shape) or Flow(),
        modules=frozenset({"jax", "flax", "haiku"}),
    )


def _flax(first: int, channels: str, *, by_name: bool) -> tuple[_Places, _Places]:
    after = _NOWHERE if by_name else first + 3
    shared = ((first, channels), (first + 1, "kernel_size"), (first + 2, "strides"))
    return (
        _Places(*shared, (after, "padding"), (_NOWHERE, "kernel_dilation")),
        _Places(*shared, (after, "padding"), (after + 1, "kernel_dilation")),
    )


_LINEN, _LINEN_TRANSPOSED = _flax(0, "features", by_name=False)
_NNX, _NNX_TRANSPOSED = _flax(1, "out_features", by_name=True)
LINEN: Final = _plain(
    {
        "Conv": _convolved(_LINEN),
        "ConvTranspose": _transposed(_LINEN_TRANSPOSED),
        "Dense": _dense(0, "features"),
    }
)
NNX: Final = _plain(
    {
        "Conv": _convolved(_NNX),
        "ConvTranspose": _transposed(_NNX_TRANSPOSED),
        "Linear": _dense(1, "out_features"),
    }
)


def _haiku(rank: int, padding: int, dilation: int) -> _Places:
    return _Places(
        (0, "output_channels"),
        (1, "kernel_shape"),
        (2, "stride"),
        (padding, "padding"),
        (dilation, "rate"),
        rank,
    )


def _channels_last(change: Change) -> Change:
    def checked(given: Given, flow: Flow) -> Flow | None:
        is_usual = {"data_format", "output_shape"}.isdisjoint(given.named)
        return change(given, flow) if is_usual else None

    return checked


def _reshape_layer(given: Given, flow: Flow) -> Flow | None:
    """Haiku's ``Reshape``, whose shape has no batch."""
    del flow
    shape = given.value(0, "output_shape")
    return _shaped((None, *shape)) if isinstance(shape, tuple) else None


_RANKS: Final = (1, 2, 3)
HAIKU: Final = _plain(
    {
        **{f"Conv{r}D": _channels_last(_convolved(_haiku(r, 4, 3))) for r in _RANKS},
        **{
            f"Conv{r}DTranspose": _channels_last(_transposed(_haiku(r, 4, _NOWHERE)))
            for r in _RANKS
        },
        "Linear": _dense(0, "output_size"),
        "Reshape": _reshape_layer,
    }
)
