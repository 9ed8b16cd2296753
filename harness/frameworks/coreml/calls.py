"""The meaning of Core ML's ``mb.conv_transpose``, an operation of its intermediate language."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs, output_crop
from harness.convention.assumptions import bias_notes
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.convention.values import integers, same_crop, shown
from harness.core.operators import Operator, Sizes
from harness.syntax.tree import Call, last_name

_PARAMETERS: Final = (
    Parameter("x", "x, NCHW", keyword=True),
    Parameter("weight", "w, IOHW: (c_in, c_out // groups, *kernel)", keyword=True),
    Parameter("bias", "b; None is no bias", None, keyword=True),
    Parameter(
        "pad",
        "crop, (begin, end) of each axis in turn; 0 where it is left out",
        None,
        keyword=True,
        pitfall="It is ignored unless pad_type is 'custom'.",
    ),
    Parameter(
        "output_shape",
        "the whole shape of the output, batch and channels included",
        None,
        keyword=True,
        pitfall="The document does not say at which end it adds or takes: the end is assumed.",
    ),
    Parameter(
        "pad_type",
        "'valid': no crop; 'custom': by pad; 'same': an output of input * stride",
        "valid",
        keyword=True,
    ),
    Parameter("strides", "stride, a list of one for each axis", None, keyword=True),
    Parameter("dilations", "dilation, a list of one for each axis", None, keyword=True),
    Parameter("groups", "groups", 1, keyword=True),
    naming("operation", keyword=True),
)


def _read(given: Arguments) -> Reading:
    given = _without_constants(given.with_input_in_text())
    weight = given.array_shape("weight")
    groups = given.integer("groups")
    in_part = () if weight else given.array_shape_in_part("weight")
    complete = given.channels_and_kernel(None, None, None, groups, weight, in_part)
    rank = len(complete[2])
    reading = given.reading(
        complete,
        stride=_per_axis(given, "strides", rank),
        dilation=_per_axis(given, "dilations", rank),
        crop=None,
        groups=groups,
        bias=given.has("bias"),
        notes=bias_notes(given, "bias"),
    )
    crop, notes = _crop(given, reading.operator)
    return given.cropped(reading, crop, *notes)


def _without_constants(given: Arguments) -> Arguments:
    """The arguments, with what ``mb.const(val=w)`` is made of in its place."""
    arguments = dict(given.given)
    for name, each in given.given.items():
        if isinstance(each.value, Call) and last_name(each.value) == "const":
            arguments[name] = replace(each, value=each.value.named.get("val", each.value))
    return replace(given, given=arguments)


def _numbers(given: Arguments, name: str, count: int, takes: str) -> Sizes:
    """A list of as many integers as the operation needs."""
    value = given.value(name)
    if not isinstance(value, tuple):
        # Others are refused when the program is built, or are no numbers.
        integers(name, value, given.given[name].column)
        raise given.error(f"{name} {shown(value)}: Core ML takes a list of {takes}.", name)
    numbers = integers(name, value, given.given[name].column)
    if len(numbers) != count:
        raise given.error(
            f"{name} {list(numbers)} has {len(numbers)} numbers; Core ML takes {takes}.", name
        )
    return numbers


def _per_axis(given: Arguments, name: str, rank: int) -> Sizes:
    if not given.has(name):
        return (1,) * rank
    numbers = _numbers(given, name, rank, f"{rank}, one for each axis")
    if min(numbers) < 1:
        raise given.error(f"{name} {list(numbers)} must be at least 1 on every axis.", name)
    return numbers


def _crop(given: Arguments, operator: Operator) -> tuple[Pairs, list[str]]:
    rank, kind = operator.rank, given.choice("pad_type", "valid", "custom", "same")
    notes: list[str] = []
    crop: Pairs = ((0, 0),) * rank
    if kind == "custom" and given.has("pad"):
        takes = f"{2 * rank}, two for each axis in turn"
        sides = _numbers(given, "pad", 2 * rank, takes)
        if min(sides) < 0:
            raise given.error(f"pad {list(sides)} must be at least 0.", "pad")
        crop = tuple(zip(sides[::2], sides[1::2], strict=True))
    elif kind == "custom":
        raise given.error("pad_type 'custom' needs pad, two numbers for each axis.", "pad_type")
    elif given.has("pad"):
        notes.append(f"pad is ignored with pad_type {kind!r}: 'custom' counts it.")
    if kind == "same":
        crop, more = same_crop(
            operator.effective_kernel,
            operator.stride,
            odd="pad_type 'same' removes an odd element from the end, as TensorFlow does: Core "
            "ML's document does not say so.",
            missing="pad_type 'same' extends the output at the end where the kernel is smaller "
            "than the stride.",
        )
        notes += more
    if given.has("output_shape"):
        crop = _of_output_shape(given, operator, crop, notes)
    return crop, notes


def _of_output_shape(given: Arguments, operator: Operator, crop: Pairs, notes: list[str]) -> Pairs:
    """Take from the end what the shape leaves; most shapes are those that follow anyway."""
    rank = operator.rank
    shape = _numbers(given, "output_shape", rank + 2, f"{rank + 2}: batch, channels and sizes")
    if shape[1] != operator.out_channels:
        raise given.error(
            f"output_shape {list(shape)} has {shape[1]} channels, the weights "
            f"{operator.out_channels}; they must agree.",
            "output_shape",
        )
    asked = output_crop(given, operator, shape[2:], lambda axis, _total: crop[axis][0])
    if asked != crop:
        notes.append(
            "output_shape is another than pads make: what it adds or takes is taken to be at the "
            "end, which Core ML's document does not say."
        )
    return asked


_DOCS: Final = (
    "https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html"
    "#coremltools.converters.mil.mil.ops.defs.iOS15.conv.conv_transpose"
)
FORMS: Final = (
    Form(
        "coremltools.converters.mil.Builder.conv_transpose",
        (
            "coremltools.converters.mil.mil.Builder.conv_transpose",
            "mb.conv_transpose",
        ),
        "function",
        None,
        _PARAMETERS,
        _DOCS,
        _read,
    ),
)
