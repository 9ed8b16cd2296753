"""The meaning of TensorRT's ``add_deconvolution_nd``, and of what is set on its layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import (
    crop_without_margins,
    integers,
    shape_of,
    shown,
    with_margins,
    without_margins,
)
from harness.core.operators import Sizes
from harness.syntax.callsite import Application, CallSite
from harness.syntax.tree import Argument, Call, Name, Value, last_name

_PARAMETERS: Final = (
    Parameter("input", "x, NCHW"),
    Parameter("num_output_maps", "output channels", role="out_channels"),
    Parameter("kernel_shape", "kernel, of two or three axes", role="kernel"),
    Parameter("kernel", "w, IOHW: (c_in, c_out // groups, *kernel)"),
    Parameter("bias", "b; None, or trt.Weights(), is no bias", None),
)
# Of the layer: https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/python-api/infer/\
# Graph/Layers.html#tensorrt.IDeconvolutionLayer
_SETTINGS: Final = (
    Parameter("stride_nd", "stride", 1, aliases=("stride",)),
    Parameter("dilation_nd", "dilation", 1, aliases=("dilation",)),
    Parameter("num_groups", "groups", 1),
    Parameter("padding_nd", "crop at both ends", 0, aliases=("padding",)),
    Parameter("pre_padding", "crop at the beginning", 0),
    Parameter("post_padding", "crop at the end", 0),
    Parameter("padding_mode", "how the crop is chosen", "EXPLICIT_ROUND_DOWN"),
)
_MODES: Final = ("EXPLICIT_ROUND_DOWN", "EXPLICIT_ROUND_UP", "SAME_UPPER", "SAME_LOWER")
_DIMS: Final = {"Dims", "Dims2", "Dims3", "DimsHW", "array", "list", "tuple"}
_HANDING_ON: Final = {"Weights", "ascontiguousarray", "astype"}


def _read(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    given.check_given("kernel")
    kernel_shape = _unwrapped(given, given.value("kernel_shape"))
    margins_of = _padded(given)
    given = replace(
        given,
        form=replace(given.form, parameters=(*given.form.parameters, *_SETTINGS)),
        given={
            **given.given,
            "kernel_shape": replace(given.given["kernel_shape"], value=kernel_shape),
            **_set_on_the_layer(given),
        },
    )
    size = None
    if not given.is_open("kernel_shape"):
        size = integers("kernel_shape", kernel_shape, given.given["kernel_shape"].column)
        # https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/operators/Deconvolution.html
        if not isinstance(kernel_shape, tuple) or len(size) not in {2, 3}:
            raise given.error(
                f"kernel_shape {shown(kernel_shape)}: TensorRT takes two or three numbers.",
                "kernel_shape",
            )
    groups = given.integer("num_groups")
    weight = shape_of(_array(given, "kernel"))
    margins: Pairs = margins_of or ((0, 0),) * len(size or (weight or (0,) * 4)[2:])
    complete = given.channels_and_kernel(
        None,
        given.open_integer("num_output_maps"),
        None if size is None else without_margins(size, margins),
        groups,
        weight,
    )
    rank = len(complete[2])
    reading = given.reading(
        complete,
        stride=given.per_axis("stride_nd", rank),
        dilation=given.per_axis("dilation_nd", rank),
        crop=None,
        groups=groups,
        bias=_has_bias(given),
    )
    operator = reading.operator
    wider = replace(operator, kernel=with_margins(operator.kernel, margins))
    crop, notes = _crop(given, wider.effective_kernel, wider.stride)
    crop = crop_without_margins(crop, margins, operator.dilation)
    if margins_of:
        notes.append("The zeros that the text writes around the kernel are in the answer.")
    reading = given.cropped(reading, crop, *notes)
    return replace(reading, form=given.form.name)


def _set_on_the_layer(given: Arguments) -> dict[str, Argument]:
    """What the text sets on the layer after the call, by the parameters' own names."""
    layer, found = given.site.name, dict[str, Argument]()
    own = {name: each.name for each in _SETTINGS for name in (each.name, *each.aliases)}
    for statement in given.site.after if layer else ():
        if statement.target == layer:
            break
        owner, _, attribute = (statement.target or "").rpartition(".")
        if owner != layer or attribute not in own:
            continue
        name, column = own[attribute], given.call.column
        value = _unwrapped(given, statement.value)
        if name == "padding_nd":
            # It sets both.
            found["pre_padding"] = Argument("pre_padding", value, column)
            found["post_padding"] = Argument("post_padding", value, column)
        else:
            found[name] = Argument(name, value, column)
    return found


def _unwrapped(given: Arguments, value: Value) -> Value:
    """What a name stands for, and the numbers of ``trt.DimsHW(2, 2)``."""
    for _ in range(len(given.assigned) + 1):
        if isinstance(value, Name) and value.text in given.assigned:
            value = given.assigned[value.text]
    if isinstance(value, Call) and last_name(value) in _DIMS:
        numbers = tuple(value.positional)
        return numbers[0] if len(numbers) == 1 and isinstance(numbers[0], tuple) else numbers
    return value


def _array(given: Arguments, name: str) -> Value:
    """What makes an array, without what hands it on to TensorRT."""
    value = given.array(name)
    for _ in range(len(given.assigned) + len(_HANDING_ON)):
        if isinstance(value, Name) and value.text in given.assigned:
            value = given.assigned[value.text]
        elif isinstance(value, Call) and last_name(value) in _HANDING_ON and value.positional:
            value = value.positional[0]
    return value


def _padded(given: Arguments) -> Pairs | None:
    """The zeros that the text writes around a kernel, by ``np.pad``."""
    value = _array(given, "kernel")
    if not isinstance(value, Call) or last_name(value) != "pad" or len(value.positional) != 2:
        return None
    pairs = value.positional[1]
    if not isinstance(pairs, tuple) or not all(isinstance(pair, tuple) for pair in pairs):
        return None
    column = value.column
    sides = [integers("the pad of the kernel", pair, column) for pair in pairs]
    if any(len(pair) != 2 or min(pair) < 0 for pair in sides) or any(map(any, sides[:2])):
        raise given.error("the kernel is padded along its channels.", "kernel")
    return tuple((begin, end) for begin, end in sides[2:])


def _has_bias(given: Arguments) -> bool:
    value = _unwrapped(given, given.value("bias"))
    is_empty = isinstance(value, Call) and last_name(value) == "Weights" and not value.arguments
    return value is not None and not is_empty


def _crop(given: Arguments, effective: Sizes, stride: Sizes) -> tuple[Pairs, list[str]]:
    rank, mode = len(effective), given.value("padding_mode")
    mode = mode.text.rpartition(".")[2] if isinstance(mode, Name) else mode
    if mode not in _MODES:
        raise given.error(f"padding_mode must be one of {', '.join(_MODES)}, found {shown(mode)}.")
    has_pads = bool({"pre_padding", "post_padding"} & given.given.keys())
    if mode in _MODES[:2]:
        begins = given.per_axis("pre_padding", rank, least=0)
        ends = given.per_axis("post_padding", rank, least=0)
        return tuple(zip(begins, ends, strict=True)), []
    totals = [max(extent - step, 0) for extent, step in zip(effective, stride, strict=True)]
    halves = [total // 2 for total in totals]
    pairs = [(half, total - half) for half, total in zip(halves, totals, strict=True)]
    notes = [f"padding_mode {mode}: the paddings that are set have no effect."] * has_pads
    return tuple(pair if mode == "SAME_UPPER" else pair[::-1] for pair in pairs), notes


def _output(site: CallSite) -> Application | None:
    """Find the call that returns the layer's output."""
    for statement in site.after:
        value = statement.value
        if isinstance(value, Call) and value.dotted == f"{site.name}.get_output":
            return Application(value, statement)
    return None


_DOCS: Final = (
    "https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/python-api/infer/Graph/"
    "Network.html#tensorrt.INetworkDefinition.add_deconvolution_nd"
)
FORMS: Final = tuple(
    Form(
        *(f"tensorrt.INetworkDefinition.{name}", (), "function", None, _PARAMETERS, _DOCS),
        *(_read, _output),
        is_method=True,
    )
    for name in ("add_deconvolution_nd", "add_deconvolution")
)
