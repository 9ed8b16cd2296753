"""The meaning of ONNX's ``ConvTranspose``, of its inputs and attributes, however it is written.

https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shown
from harness.core.operators import Operator, Sizes

_INPUTS: Final = (
    Parameter("X", "x, NCHW"),
    Parameter("W", "w, IOHW: (c_in, c_out // group, *kernel)"),
    Parameter("B", "b", None),
)
_ATTRIBUTES: Final = (
    Parameter(
        "auto_pad",
        "'NOTSET': by pads or output_shape; 'VALID': no crop; 'SAME_UPPER' and 'SAME_LOWER': an "
        "output of input * strides, of whose crop an odd element is taken from the end or the "
        "beginning",
        "NOTSET",
    ),
    Parameter("dilations", "dilation; 1 where it is left out", None),
    Parameter("group", "groups", 1),
    Parameter("kernel_shape", "kernel; that of W where it is left out", None, role="kernel"),
    Parameter(
        "output_padding",
        "given back at the end of each axis: crop (begin, end - output_padding)",
        None,
        pitfall="Less than the stride.",
    ),
    Parameter(
        "output_shape",
        "spatial size of the output, in place of pads",
        None,
        pitfall="An odd element of the crop is taken from the beginning, unless auto_pad is "
        "SAME_UPPER.",
    ),
    Parameter("pads", "crop: the begins of all axes, then the ends", None),
    Parameter("strides", "stride; 1 where it is left out", None),
)
_OF_NODES: Final = (
    Parameter("op_type", "'ConvTranspose'"),
    Parameter("inputs", "names of x, w and, if there is a third, b"),
    Parameter("outputs", "the name of y"),
    Parameter("name", "the node's name: give it where the answer has one", None, ignored=True),
    Parameter("doc_string", "a description", None, ignored=True),
    Parameter("domain", "'' or 'ai.onnx', that of ONNX's own operators", None),
    Parameter("overload", "for functions of the model", None, ignored=True),
    *(replace(each, keyword=True) for each in _ATTRIBUTES),
)
_AUTO_PADS: Final = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def _read(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    return _meaning(given, given.array_shape("W"), bias=given.has("B"))


def _read_node(given: Arguments) -> Reading:
    # Other look-ups start faster without it.
    from harness.frameworks.onnxruntime.nodes import (  # noqa: PLC0415
        shape_of_value,
        with_nodes_after,
    )

    if given.has("domain") and given.known("domain") not in ("", "ai.onnx"):
        raise given.error(
            f"domain {shown(given.value('domain'))}: only ONNX's own operators are read, whose "
            "domain is ''.",
            "domain",
        )
    inputs, outputs = given.value("inputs"), given.value("outputs")
    notes: tuple[str, ...] = ()
    if not isinstance(inputs, tuple):
        notes = (
            f"inputs is {shown(inputs)}, which the text does not hold: without a third one, a "
            "bias, is the answer.",
        )
        inputs = ()
    x, w, b = (*inputs, None, None, None)[:3]
    shape = shape_of_value(given, x)
    if shape and given.supplied.input is None:
        given = replace(given, supplied=replace(given.supplied, input=shape, is_in_text=True))
    reading = _meaning(given, shape_of_value(given, w), bias=b not in (None, ""))
    reading = replace(reading, notes=(*notes, *reading.notes))
    return reading if given.site.stands_alone else with_nodes_after(given, reading, outputs)


def _meaning(given: Arguments, weight: Sizes | None, *, bias: bool) -> Reading:
    groups = given.integer("group")
    kernel = given.open_per_axis("kernel_shape") if given.has("kernel_shape") else None
    complete = given.channels_and_kernel(None, None, kernel, groups, weight)
    rank = len(complete[2])
    reading = given.reading(
        complete,
        stride=_per_axis(given, "strides", rank, 1),
        dilation=_per_axis(given, "dilations", rank, 1),
        crop=None,
        groups=groups,
        bias=bias,
    )
    crop, notes = _crop(given, reading.operator)
    return given.cropped(reading, crop, *notes)


def _per_axis(given: Arguments, name: str, rank: int, default: int, least: int = 1) -> Sizes:
    """One integer for each axis, or the default where the attribute is left out."""
    if not given.has(name) or given.value(name) == ():
        return (default,) * rank
    sizes = integers(name, given.value(name), 0)
    if len(sizes) != rank:
        raise given.error(
            f"{name} {list(sizes)} has {len(sizes)} numbers; there are {rank} spatial axes, and "
            "ONNX takes one for each."
        )
    if min(sizes) < least:
        raise given.error(f"{name} {list(sizes)} must be at least {least} on every axis.")
    return sizes


def _crop(given: Arguments, operator: Operator) -> tuple[Pairs, list[str]]:
    rank, auto_pad = operator.rank, given.choice("auto_pad", *_AUTO_PADS)
    extra = _per_axis(given, "output_padding", rank, 0, 0)
    # https://github.com/onnx/onnx/issues/8035: what a runtime refuses, whatever the axis.
    for axis, (more, stride) in enumerate(zip(extra, operator.stride, strict=True)):
        if more >= stride:
            raise given.error(
                f"output_padding {list(extra)} must be less than the stride {stride} on axis "
                f"{axis}: ONNX Runtime refuses it."
            )
    pads = _pads(given, rank)
    if any(map(any, pads)) and auto_pad != "NOTSET":
        raise given.error(
            f"pads {shown(given.value('pads'))} and auto_pad {auto_pad} exclude each other."
        )
    if given.has("output_shape") and given.value("output_shape") != ():
        return _of_output_shape(given, operator, extra, auto_pad)
    if auto_pad.startswith("SAME"):
        return _same(operator, extra, auto_pad)
    return tuple((b, e - more) for (b, e), more in zip(pads, extra, strict=True)), []


def _pads(given: Arguments, rank: int) -> Pairs:
    if not given.has("pads") or given.value("pads") == ():
        return ((0, 0),) * rank
    pads = integers("pads", given.value("pads"), 0)
    if len(pads) != 2 * rank:
        raise given.error(
            f"pads {list(pads)} has {len(pads)} numbers; for {rank} spatial axes ONNX takes "
            f"{2 * rank}, the begins and then the ends."
        )
    if min(pads) < 0:
        raise given.error(f"pads {list(pads)} must not be negative.")
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def _same(operator: Operator, extra: Sizes, auto_pad: str) -> tuple[Pairs, list[str]]:
    """Return the crop to ``input * strides``; nothing is extended to it."""
    crop, notes = [], list[str]()
    for kernel, stride, more in zip(operator.effective_kernel, operator.stride, extra, strict=True):
        total = kernel - stride + more
        begin = _begin(max(total, 0), auto_pad)
        crop.append((begin, kernel - stride - begin) if total > 0 else (0, -more))
        if total < 0:
            notes = [
                f"auto_pad {auto_pad} with a stride larger than the kernel: the documentation "
                "promises an output of input * strides; ONNX's shape inference and ONNX Runtime, "
                "and this answer, extend nothing."
            ]
    return tuple(crop), notes


def _begin(total: int, auto_pad: str) -> int:
    """How much of a crop is taken at the beginning."""
    return total // 2 if auto_pad == "SAME_UPPER" else total - total // 2


def _of_output_shape(
    given: Arguments, operator: Operator, extra: Sizes, auto_pad: str
) -> tuple[Pairs, list[str]]:
    rank = operator.rank
    if given.supplied.input:  # What is written as x.shape[2] * 2, as programs of ours do.
        given = given.with_shapes({"x": given.supplied.input})
    asked = integers("output_shape", given.value("output_shape"), 0)
    # Version 1 let models state the batch and the channels, too.
    if len(asked) not in (rank, rank + 2):
        raise given.error(f"output_shape {list(asked)} must have a number for each of {rank} axes.")
    full = operator.full_size(given.in_size("output_shape"))
    crop = []
    for axis, (size, whole, more) in enumerate(zip(asked[-rank:], full, extra, strict=True)):
        if size < 0 or size - whole >= operator.stride[axis]:
            raise given.error(
                f"output_shape {list(asked)}: axis {axis} has a full size of {whole}, which is "
                f"extended by less than the stride {operator.stride[axis]}."
            )
        begin = _begin(max(whole + more - size, 0), auto_pad)
        crop.append((begin, whole - size - begin))
    return tuple(crop), []


_DOCUMENT: Final = "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"
# The operator itself, as models and the notations of graphs have it.
OPERATOR: Final = Form(
    "onnx.ConvTranspose", (), "function", None, (*_INPUTS, *_ATTRIBUTES), _DOCUMENT, _read
)
_NODE: Final = Form(
    "onnx.helper.make_node",
    ("helper.make_node", "oh.make_node"),
    "function",
    None,
    _OF_NODES,
    _DOCUMENT,
    _read_node,
    makes="ConvTranspose",
)
FORMS: Final = (_NODE,)
NOTED: Final = (OPERATOR,)
