"""The meaning of TVM's calls: ``conv{1,2,3}d_transpose`` of Relax and Relay, and those of TOPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shown
from harness.core.operators import Sizes

_DATA: Final = Parameter("data", "x, NCHW unless data_layout says otherwise")
_WEIGHT: Final = Parameter("weight", "w, (c_in, c_out // groups, *kernel)")
_STRIDES: Final = Parameter("strides", "stride", 1)
_PADDING: Final = Parameter(
    "padding",
    "crop: one number, one for each axis, or all beginnings and then all ends",
    0,
    pitfall="Four numbers of two axes are (top, left, bottom, right).",
)
_OUTPUT_PADDING: Final = Parameter(
    "output_padding",
    "given back at the end of each axis, less than the stride",
    0,
    pitfall="It must be less than the stride, even where the dilation is larger.",
)
_DILATION: Final = Parameter("dilation", "dilation", 1)
_GROUPS: Final = Parameter("groups", "groups", 1)
_LAYOUTS: Final = (
    Parameter("data_layout", "layout of x: its channels second, or last", None),
    Parameter("kernel_layout", "layout of w", None),
    Parameter("out_layout", "layout of y; only that of x is read", None),
)
_OUT_DTYPE: Final = Parameter("out_dtype", "the type of the sums", None, ignored=True)
_RELAX: Final = (
    *(_DATA, _WEIGHT, _STRIDES, _PADDING, _OUTPUT_PADDING, _DILATION, _GROUPS),
    *(*_LAYOUTS, _OUT_DTYPE),
)
_RELAY: Final = (
    *(_DATA, _WEIGHT, _STRIDES, _PADDING, _DILATION),
    Parameter("channels", "output channels", None, role="out_channels"),
    Parameter("kernel_size", "kernel", None, role="kernel"),
    *(_GROUPS, *_LAYOUTS, _OUTPUT_PADDING, _OUT_DTYPE),
)
_REQUIRED_STRIDES: Final = Parameter("strides", "stride", aliases=("stride",))
_TOPI: Final = (
    Parameter("Input", "x, NCHW", aliases=("data",)),
    Parameter("Filter", "w, (c_in, c_out // groups, *kernel)", aliases=("kernel",)),
    _REQUIRED_STRIDES,
    Parameter(
        "padding",
        "crop: as above, or 'VALID', or 'SAME', which is half of kernel - 1, an odd one at the "
        "beginning",
        pitfall="'SAME' does not depend on the stride.",
    ),
    Parameter("out_dtype", "the type of the sums", ignored=True),
    Parameter("output_padding", "given back at the end of each axis, less than the stride"),
)
_TOPI_GROUPED: Final = (*_TOPI, Parameter("groups", "groups"))
_NAMED: Final = {"data": "x", "weight": "w", "Input": "x", "Filter": "w"}
_AXES: Final = {1: "W", 2: "HW", 3: "DHW"}


def _read_graph(given: Arguments) -> Reading:
    """Read a call of Relax or Relay, whose layouts may be others than ours."""
    rank = given.form.rank or 2
    axes, groups = _AXES[rank], given.integer("groups")
    last = _layout(given, "data_layout", (f"NC{axes}", f"N{axes}C")) == f"N{axes}C"
    given = given.with_input_in_text(channels_last=last)
    kernel = _layout(given, "kernel_layout", (f"IO{axes}", f"OI{axes}", f"{axes}OI", f"{axes}IO"))
    if given.has("out_layout") and given.value("out_layout") not in (
        "",
        given.value("data_layout"),
    ):
        raise given.error(
            "out_layout is another than data_layout, which is not read.", "out_layout"
        )
    shape = given.array_shape("weight")
    # Before 0.8 Relay's default was called so, and was the other.
    if kernel == f"OI{axes}" and given.form.parameter("channels"):
        kernel = f"IO{axes}"
    weight = None
    if shape is not None and len(shape) == rank + 2:
        weight = tuple(shape[kernel.index(axis)] for axis in f"IO{axes}")
    channels = size = None
    if given.form.parameter("channels"):
        channels = given.integer("channels") if given.has("channels") else None
        size = given.per_axis("kernel_size", rank) if given.has("kernel_size") else None
    complete = given.channels_and_kernel(None, channels, size, groups, weight)
    layout = kernel.replace(axes, "HW") if kernel != f"IO{axes}" else ""
    return _read_geometry(given, complete, groups, channels_last=last, weights=layout)


def _layout(given: Arguments, name: str, known: tuple[str, ...]) -> str:
    value = given.known(name, known[0], known)
    if value in (None, ""):
        return known[0]
    if value not in known:
        names = " or ".join(map(repr, known))
        raise given.error(f"{name} must be {names}, found {shown(value)}.", name)
    return str(value)


def _read_topi(given: Arguments) -> Reading:
    for name in ("strides", "padding", "output_padding"):
        given.check_given(name)
    weight = given.array_shape("Filter")
    groups = given.integer("groups") if given.form.parameter("groups") else 1
    complete = given.channels_and_kernel(None, None, None, groups, weight)
    return _read_geometry(given, complete, groups)


def _read_geometry(
    given: Arguments,
    complete: tuple[int, int, Sizes],
    groups: int,
    *,
    channels_last: bool = False,
    weights: str = "",
) -> Reading:
    rank = len(complete[2])
    stride = given.per_axis("strides", rank)
    dilation = given.per_axis("dilation", rank) if given.form.parameter("dilation") else 1
    reading = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=None,
        groups=groups,
        bias=False,  # One that is added after a call is read there.
        channels_last=channels_last,
    )
    back = given.per_axis("output_padding", rank, least=0)
    # https://github.com/apache/tvm/pull/5758
    if any(more >= step for more, step in zip(back, stride, strict=True)):
        raise given.error(
            f"output_padding {list(back)} must be less than the stride, {list(stride)}: TVM "
            "refuses it.",
            "output_padding",
        )
    pads = _pads(given, complete[2])
    crop = tuple((begin, end - more) for (begin, end), more in zip(pads, back, strict=True))
    return replace(given.cropped(reading, crop), weights=weights)


def _pads(given: Arguments, kernel: Sizes) -> Pairs:
    rank, padding = len(kernel), given.value("padding")
    if padding in ("SAME", "VALID") and given.form.parameter("Filter"):
        # https://github.com/apache/tvm/blob/main/python/tvm/topi/nn/utils.py, get_pad_tuple
        totals = [size - 1 if padding == "SAME" else 0 for size in kernel]
        return tuple(((total + 1) // 2, total // 2) for total in totals)
    numbers = integers(
        "padding", padding, given.given["padding"].column if "padding" in given.given else 0
    )
    if not isinstance(padding, tuple) or len(numbers) == 1:
        numbers = (numbers[0],) * rank
    if len(numbers) == 2 * rank:
        return tuple(zip(numbers[:rank], numbers[rank:], strict=True))
    if len(numbers) != rank:
        raise given.error(
            f"padding {shown(padding)} has {len(numbers)} numbers; TVM takes one, {rank}, or "
            f"{2 * rank}: all beginnings, then all ends.",
            "padding",
        )
    return tuple((each, each) for each in numbers)


_DOCS: Final = "https://tvm.apache.org/docs/reference/api/python/"
_SOURCE: Final = "https://github.com/apache/tvm/blob/main/python/tvm/topi/nn/"
_OLD: Final = "https://tvm.apache.org/docs/v0.16.0/reference/api/python/relay/nn.html"


def _of_rank(rank: int) -> tuple[Form, ...]:
    name = f"conv{rank}d_transpose"
    relax = (f"R.nn.{name}", f"tvm.script.relax.nn.{name}", f"tvm.script.parser.relax.nn.{name}")
    relay = (f"relay.nn.{name}", f"relay.op.nn.{name}")
    page = f"{_DOCS}relax/op.html"
    return (
        Form(
            f"tvm.relax.op.nn.{name}",
            (f"relax.op.nn.{name}", *relax),
            "function",
            rank,
            _RELAX,
            page,
            _read_graph,
        ),
        Form(f"tvm.relay.nn.{name}", relay, "function", rank, _RELAY, _OLD, _read_graph),
    )


def _of_topi(name: str, rank: int, parameters: tuple[Parameter, ...]) -> Form:
    read: Callable[[Arguments], Reading] = _read_topi
    aliases = (f"topi.nn.{name}", f"nn.{name}")
    source = f"{_SOURCE}conv{rank}d_transpose.py"
    return Form(f"tvm.topi.nn.{name}", aliases, "function", rank, parameters, source, read)


FORMS: Final = (
    *(form for rank in (2, 1, 3) for form in _of_rank(rank)),
    _of_topi("conv2d_transpose_nchw", 2, _TOPI),
    _of_topi("group_conv2d_transpose_nchw", 2, _TOPI_GROUPED),
    _of_topi("conv1d_transpose_ncw", 1, _TOPI),
    _of_topi("group_conv1d_transpose_ncw", 1, _TOPI_GROUPED),
    _of_topi("conv3d_transpose_ncdhw", 3, _TOPI),
)
