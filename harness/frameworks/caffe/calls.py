"""The meaning of Caffe's ``Deconvolution``: in a net's text, and in pycaffe's ``NetSpec``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shown, sizes_of
from harness.core.operators import Sizes
from harness.syntax.caffe_net import KIND
from harness.syntax.callsite import Application, CallSite
from harness.syntax.tree import Call, Name, calls, last_name

_SIZES: Final = ("kernel", "stride", "pad")
_PARAMETERS: Final = (
    Parameter("num_output", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel: one number, or one for each axis", (), role="kernel"),
    Parameter("kernel_h", "kernel of the height", ()),
    Parameter("kernel_w", "kernel of the width", ()),
    Parameter("stride", "stride", ()),
    Parameter("stride_h", "stride of the height", ()),
    Parameter("stride_w", "stride of the width", ()),
    Parameter(
        "pad",
        "crop at both ends of each axis",
        (),
        pitfall="There is no output padding: an odd crop takes a layer Crop after it.",
    ),
    Parameter("pad_h", "crop of the height", ()),
    Parameter("pad_w", "crop of the width", ()),
    Parameter("dilation", "dilation", ()),
    Parameter("group", "groups", (1,)),
    Parameter("bias_term", "whether there is a bias", (True,)),
    Parameter("weight_filler", "how w is drawn", None, ignored=True),
    Parameter("bias_filler", "how b is drawn", None, ignored=True),
    Parameter("engine", "what computes it", None, ignored=True),
    Parameter("force_nd_im2col", "how it is computed", None, ignored=True),
    Parameter("axis", "the axis of the channels; only 1 is read", (1,)),
    Parameter("num_axes", "how many axes the input has, where the net shows it", None),
    Parameter("in_channels", "input channels, where the net shows them", None),
)


# Of the layer in pycaffe: https://github.com/BVLC/caffe/blob/master/python/caffe/net_spec.py
_NET_SPEC: Final = (
    Parameter("bottom", "x, NCHW"),
    Parameter("convolution_param", "the settings of the layer", keyword=True),
    Parameter(
        "name",
        "the layer's name: give it where the answer has one",
        None,
        keyword=True,
        ignored=True,
    ),
    Parameter("param", "how w and b are trained", None, keyword=True, ignored=True),
    Parameter("ntop", "how many outputs it has", None, keyword=True, ignored=True),
)


def _read_layer(given: Arguments) -> Reading:
    axis = _one(given, "axis")
    if axis != 1:
        raise given.error(f"axis is {axis}; only 1, the second one, is read.")
    kernel = _numbers(given, "kernel_size")
    has_two = any(given.value(f"{name}_{side}") != () for name in _SIZES for side in "hw")
    rank = 2 if has_two else len(kernel) if len(kernel) > 1 else _axes(given) - 2
    complete = given.channels_and_kernel(
        given.open_integer("in_channels") if given.has("in_channels") else None,
        _one(given, "num_output"),
        _per_axis(given, "kernel", rank, 0),
        _one(given, "group"),
    )
    pad = _per_axis(given, "pad", rank, 0)
    if min(pad) < 0:
        raise given.error(f"pad {list(pad)} must be at least 0 on every axis.", "pad")
    reading = given.reading(
        complete,
        stride=_per_axis(given, "stride", rank, 1),
        dilation=_alike(given, "dilation", _numbers(given, "dilation"), rank, 1),
        crop=tuple((each, each) for each in pad),
        groups=_one(given, "group"),
        bias=_flag(given, "bias_term"),
    )
    if reading.input is not None:
        reading = given.cropped(reading, reading.operator.crop)
    return reading


def _axes(given: Arguments) -> int:
    """How many axes the input has: an image's where nothing shows it."""
    shapes = (given.supplied.input, given.supplied.weight)
    shown_by = next((len(shape) for shape in shapes if shape), 4)
    return given.integer("num_axes") if given.has("num_axes") else shown_by


def _read_net_spec(given: Arguments) -> Reading:
    """Read the settings of ``L.Deconvolution(x, convolution_param=dict(...))``."""
    settings = given.value("convolution_param")
    for _ in range(len(given.assigned) + 1):
        if isinstance(settings, Name) and settings.text in given.assigned:
            settings = given.assigned[settings.text]
    if not isinstance(settings, Call) or settings.dotted != "dict":
        raise given.error(
            f"convolution_param is {shown(settings)}, whose settings the text does not hold: "
            "write dict(num_output=..., kernel_size=...).",
            "convolution_param",
        )
    inside = {each.name: each for each in settings.arguments if each.name}
    for name, each in inside.items():
        if LAYER.parameter(name) is None or name in {"num_axes", "in_channels"}:
            raise given.error(f"Caffe has no setting {name} of a convolution.", each.name)
    shape = _input(given)
    if shape and given.supplied.input is None:
        given = replace(given, supplied=replace(given.supplied, input=shape, is_in_text=True))
    reading = _read_layer(replace(given, form=LAYER, given=inside))
    notes = (*given.ignored_notes(), *reading.notes)
    return replace(reading, form=given.form.name, notes=notes)


def _input(given: Arguments) -> Sizes | None:
    """The shape of a layer ``Input`` that the text makes."""
    value = given.input_in_text if "bottom" not in given.given else given.given["bottom"].value
    value = given.assigned.get(value.text) if isinstance(value, Name) else value
    if not isinstance(value, Call) or last_name(value) not in {"Input", "DummyData"}:
        return None
    shape = value.named.get("shape")
    shape = shape[0] if isinstance(shape, tuple) and shape else shape
    sizes = shape.named.get("dim") if isinstance(shape, Call) else None
    known = sizes_of(sizes) if isinstance(sizes, tuple) else None
    return known if known and 3 <= len(known) <= 5 else None


def _output(site: CallSite) -> Application | None:
    """Find the call that returns the net's output."""
    for statement in site.after:
        value = statement.value
        if isinstance(value, Call) and any(last_name(call) == "forward" for call in calls(value)):
            is_plain = last_name(value) in {"array", "asarray", "copy"}
            return Application(value, statement) if is_plain else None
    return None


def _numbers(given: Arguments, name: str) -> Sizes:
    return integers(name, given.value(name), 0)


def _one(given: Arguments, name: str) -> int:
    numbers = _numbers(given, name)
    if len(numbers) != 1:
        raise given.error(f"{name} has {len(numbers)} values; there must be one.")
    return numbers[0]


def _flag(given: Arguments, name: str) -> bool:
    value = given.value(name)
    value = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    if value not in (True, False):
        raise given.error(f"{name} must be true or false.")
    return bool(value)


def _per_axis(given: Arguments, what: str, rank: int, default: int) -> Sizes:
    """Return kernel, stride or pad: by axis, by ``_h`` and ``_w``, or one number for all."""
    name = "kernel_size" if what == "kernel" else what
    whole = _numbers(given, name)
    sides = [_numbers(given, f"{what}_{side}") for side in "hw"]
    if not any(sides):
        return _alike(given, name, whole, rank, default)
    if whole or [len(side) for side in sides] != [1, 1]:
        raise given.error(f"{name}, {what}_h and {what}_w: either the first, or both others.")
    return (sides[0][0], sides[1][0])


def _alike(given: Arguments, name: str, numbers: Sizes, rank: int, default: int) -> Sizes:
    if len(numbers) not in (0, 1, rank):
        raise given.error(
            f"{name} {list(numbers)} has {len(numbers)} numbers; there are {rank} spatial axes."
        )
    return numbers if len(numbers) == rank else (numbers or (default,)) * rank


_PAGE: Final = "https://caffe.berkeleyvision.org/tutorial/layers/deconvolution.html"
LAYER: Final = Form(KIND, (), "layer", None, _PARAMETERS, _PAGE, _read_layer)
# A net's text, of which a part may be pasted.
NOTED: Final = (LAYER,)
_ELSEWHERE: Final = "pycaffe knows the settings of {} only in convolution_param=dict({}=...)."
FORMS: Final = (
    Form(
        *("caffe.layers.Deconvolution", ("L.Deconvolution",), "function", None, _NET_SPEC),
        *("https://github.com/BVLC/caffe/blob/master/python/caffe/net_spec.py", _read_net_spec),
        _output,
        # Its own message has another name than the layer, so that net_spec.py does not find it.
        hints={
            each.name: _ELSEWHERE.format(KIND, each.name)
            for each in _PARAMETERS
            if each.name not in {"num_axes", "in_channels"}
        },
    ),
)
