"""The meaning of OpenVINO's calls: ``convolution_backprop_data``, of several groups too.

https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets/operation-specs/convolution/convolution-backprop-data-1.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs, output_crop
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.convention.values import integer, integers, shown, sizes_of
from harness.core.operators import Operator, Sizes
from harness.frameworks.openvino.render import is_pointwise
from harness.syntax.tree import Call, Name, Value, last_name

_DATA: Final = Parameter("data", "x, NCHW")
_OF_BOTH: Final = (
    Parameter("strides", "stride; a list of one for each axis"),
    Parameter(
        "output_shape",
        "spatial size of the output; auto_pad says where its crop is",
        None,
        pitfall="With auto_pad 'explicit' its crop begins at pads_begin, or with groups at 0, "
        "whatever pads_begin is; the document says that half of it is at the beginning.",
    ),
    Parameter("pads_begin", "crop at the beginning of each axis; 0 where it is left out", None),
    Parameter(
        "pads_end",
        "crop at the end of each axis; 0 where it is left out",
        None,
        pitfall="Both are ignored unless auto_pad is 'explicit'.",
    ),
    Parameter("dilations", "dilation; 1 where it is left out", None),
)
_AUTO_PAD: Final = Parameter(
    "auto_pad",
    "'explicit': by pads_begin and pads_end; 'valid': no crop at the beginning; 'same_upper' and "
    "'same_lower': of the crop that output_shape makes an odd element is taken from the beginning "
    "or the end",
    None,
    pitfall="Without output_shape all but 'explicit' crop nothing: it is not ONNX's SAME_UPPER.",
)
_AFTER: Final = (
    Parameter(
        "output_padding",
        "given back at the end of each axis: crop (pads_begin, pads_end - output_padding)",
        None,
    ),
    naming("node"),
)
_PLAIN: Final = (
    _DATA,
    Parameter("filters", "w, IOHW: (c_in, c_out, *kernel)"),
    *_OF_BOTH,
    _AUTO_PAD,
    *_AFTER,
)
_GROUPED: Final = (
    _DATA,
    Parameter(
        "filters",
        "w, GIOHW: (groups, c_in // groups, c_out // groups, *kernel)",
        pitfall="The number of groups is said nowhere else.",
    ),
    *_OF_BOTH,
    replace(_AUTO_PAD, default="EXPLICIT"),
    *_AFTER,
)
_AUTO_PADS: Final = ("explicit", "same_upper", "same_lower", "valid")
_CONSTANTS: Final = {"constant", "Constant", "array", "asarray", "int64"}


def _read_plain(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    weight = given.array_shape("filters")
    in_part = () if weight else given.array_shape_in_part("filters")
    complete = given.channels_and_kernel(None, None, None, 1, weight, in_part)
    return _read_geometry(given, complete, 1, bias=False)


def _read_grouped(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    groups, weight = _grouped(given)
    complete = given.channels_and_kernel(None, None, None, groups, weight)
    return _read_geometry(given, complete, groups, bias=False)


def _read_layer(given: Arguments) -> Reading:
    """Read a layer of a model, whose sum with a bias has been found."""
    given = given.with_input_in_text()
    groups, weight = 1, given.array_shape("filters")
    if given.form.name.endswith("GroupConvolutionBackpropData"):
        groups, weight = _grouped(given)
    complete = given.channels_and_kernel(None, None, None, groups, weight)
    return _read_geometry(given, complete, groups, bias=given.has("bias"))


def _grouped(given: Arguments) -> tuple[int, Sizes | None]:
    """Return the groups, and the canonical shape of the weights where the text shows it."""
    shape: Sequence[Value] = given.array_shape("filters") or _reshaped(given)
    if not shape:
        given.check_given("filters")
        raise given.error(
            f"the groups are the first size of filters, {shown(given.value('filters'))}, which the "
            "text does not show: write above it filters = w.reshape(groups, c_in // groups, "
            "c_out // groups, *kernel), with numbers.",
            "filters",
        )
    groups = integer("groups", shape[0], given.given["filters"].column)
    if groups < 1:
        raise given.error(f"groups {groups}, the first size of filters, must be at least 1.")
    sizes = sizes_of(shape)
    if sizes is None or not 4 <= len(sizes) <= 6:
        return groups, None
    return groups, (groups * sizes[1], *sizes[2:])


def _reshaped(given: Arguments) -> Sequence[Value]:
    """The sizes that the text gives to the weights, as far as it shows them."""
    value = _unwrapped(given, given.given["filters"].value if "filters" in given.given else None)
    if not isinstance(value, Call) or last_name(value) != "reshape":
        return ()
    tuples = [each for each in value.positional if isinstance(each, tuple)]
    return tuples[-1] if tuples else [each.value for each in value.arguments]


def _unwrapped(given: Arguments, value: Value) -> Value:
    """Return what a name stands for, or what a constant is made of."""
    for _ in range(len(given.assigned) + 2):
        if isinstance(value, Name) and value.text in given.assigned:
            value = given.assigned[value.text]
        elif isinstance(value, Call) and last_name(value) in _CONSTANTS and value.positional:
            value = value.positional[0]
    return value


def _read_geometry(
    given: Arguments, complete: tuple[int, int, Sizes], groups: int, *, bias: bool
) -> Reading:
    rank = len(complete[2])
    reading = given.reading(
        complete,
        stride=_per_axis(given, "strides", rank, 1, least=1),
        dilation=_per_axis(given, "dilations", rank, 1, least=1),
        crop=None,
        groups=groups,
        bias=bias,  # One that is added after a call is read there.
    )
    crop, notes = _crop(given, reading.operator)
    if is_pointwise(replace(reading.operator, crop=crop)) and any(map(any, crop)):
        notes.append(
            "OpenVINO 2026.4 ignores the pads here, as the output is as large as the input and "
            "the kernel is 1: the answer is what its document says."
        )
    return given.cropped(reading, crop, *notes)


def _per_axis(
    given: Arguments, name: str, rank: int, default: int, *, least: int | None = None
) -> Sizes:
    """One integer for each axis, or the default where the argument is left out."""
    if name != "strides" and not given.has(name):
        return (default,) * rank
    value = given.value(name)
    column = given.given[name].column if name in given.given else 0
    if isinstance(value, int):
        raise given.error(f"{name} {shown(value)}: OpenVINO takes a list of {rank}.", name)
    sizes = integers(name, value, column)
    if len(sizes) != rank:
        raise given.error(
            f"{name} {list(sizes)} has {len(sizes)} numbers; there are {rank} spatial axes, and "
            "OpenVINO takes one for each.",
            name,
        )
    if least is not None and min(sizes) < least:
        raise given.error(f"{name} {list(sizes)} must be at least {least} on every axis.", name)
    return sizes


def _crop(given: Arguments, operator: Operator) -> tuple[Pairs, list[str]]:
    auto_pad = "explicit"
    if given.has("auto_pad"):
        auto_pad = given.choice("auto_pad", *_AUTO_PADS, any_case=True)
    rank = operator.rank
    is_ignored = auto_pad != "explicit" or (operator.groups > 1 and given.has("output_shape"))
    begins = _per_axis(given, "pads_begin", rank, 0, least=None if is_ignored else 0)
    ends = _per_axis(given, "pads_end", rank, 0)
    more = _per_axis(given, "output_padding", rank, 0)
    if given.has("output_shape"):
        return _of_output_shape(given, operator, auto_pad, begins, more)
    if auto_pad == "explicit":
        axes = zip(begins, ends, more, strict=True)
        return tuple((begin, end - back) for begin, end, back in axes), []
    notes = []
    if any(begins) or any(ends):
        notes.append(f"auto_pad {auto_pad!r}: pads_begin and pads_end are ignored.")
    elif auto_pad != "valid":
        notes.append(f"auto_pad {auto_pad!r} without output_shape crops nothing in OpenVINO.")
    return tuple((0, -back) for back in more), notes


def _of_output_shape(
    given: Arguments, operator: Operator, auto_pad: str, begins: Sizes, more: Sizes
) -> tuple[Pairs, list[str]]:
    if given.supplied.input:  # What is written as x.shape[2] * 2, as programs of ours do.
        given = given.with_shapes({"x": given.supplied.input})
    value = _unwrapped(given, given.value("output_shape"))
    asked = integers("output_shape", value, given.given["output_shape"].column)
    if len(asked) != operator.rank or min(asked) < 0:
        raise given.error(
            f"output_shape {list(asked)} must have a size for each of {operator.rank} spatial "
            "axes, and no other.",
            "output_shape",
        )

    def begin(axis: int, total: int) -> int:
        removed = max(total + more[axis], 0)
        by_word = {
            "same_upper": (removed + 1) // 2,
            "same_lower": removed // 2,
            "explicit": begins[axis] if operator.groups == 1 else 0,
        }
        return by_word.get(auto_pad, 0)

    notes = []
    if auto_pad in {"explicit", "valid"}:
        notes.append(
            f"output_shape with auto_pad {auto_pad!r}: the document says that half of its crop is "
            "at the beginning; this is what OpenVINO 2026.4 computes on a CPU."
        )
    if auto_pad == "explicit" and operator.groups > 1 and any(begins):
        notes.append("With groups and output_shape OpenVINO ignores pads_begin.")
    return output_crop(given, operator, asked, begin), notes


_DOCS: Final = (
    "https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets/operation-specs/"
    "convolution/"
)
# Both operations are those of the first set in all of them; before 2026 they were in ``runtime``.
_MODULES: Final = (
    *("ops", "opset", "op"),
    *(f"openvino.{within}opset{n}" for n in (8, *range(1, 18)) for within in ("", "runtime.")),
)


def _form(
    name: str,
    parameters: tuple[Parameter, ...],
    page: str,
    read: Callable[[Arguments], Reading],
) -> Form:
    aliases = tuple(dict.fromkeys(f"{module}.{name}" for module in _MODULES))
    full = f"openvino.opset13.{name}"
    others = tuple(each for each in aliases if each != full)
    return Form(full, others, "function", None, parameters, f"{_DOCS}{page}.html", read)


FORMS: Final = (
    _form("convolution_backprop_data", _PLAIN, "convolution-backprop-data-1", _read_plain),
    _form(
        "group_convolution_backprop_data",
        _GROUPED,
        "group-convolution-backprop-data-1",
        _read_grouped,
    ),
)
# The layers of its models, as the parts of their files are named.
_OF_LAYERS: Final = Parameter("bias", "b, which a layer after this one adds", None)
NOTED: Final = tuple(
    Form(
        f"openvino.{name}",
        (),
        "function",
        None,
        (*form.parameters[:-1], _OF_LAYERS),
        form.source,
        _read_layer,
    )
    for name, form in zip(
        ("ConvolutionBackpropData", "GroupConvolutionBackpropData"), FORMS, strict=True
    )
)
