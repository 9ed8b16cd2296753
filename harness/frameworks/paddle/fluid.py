"""The calls of PaddlePaddle's static graphs, and of Fluid before PaddlePaddle 2.

They make their own weights: https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/static/nn/common.py
and https://github.com/PaddlePaddle/Paddle/blob/v1.8.5/python/paddle/fluid/dygraph/nn.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.convention.values import integers, shown
from harness.core.operators import Sizes, axis_name
from harness.frameworks.paddle.geometry import (
    LAYOUTS,
    geometry,
    padding,
    per_axis,
    with_shapes_in_text,
)
from harness.frameworks.paddle.training import has_bias, read_training
from harness.syntax.tree import Reference, Value

_FILTER_SIZE: Final = Parameter(
    "filter_size",
    "kernel; without it, the one that gives output_size",
    None,
    role="kernel",
    pitfall="output_size comes before it by position.",
)
_OUTPUT_SIZE: Final = Parameter(
    "output_size", "size of the output, less than a stride more than the natural one", None
)
_GEOMETRY: Final = (
    Parameter(
        "padding",
        "crop, as in paddle.nn.functional.conv2d_transpose",
        0,
        pitfall="'SAME' crops by the input's size, and sets dilation to 1 silently.",
    ),
    Parameter("stride", "stride", 1, pitfall="It comes after padding by position."),
    Parameter("dilation", "dilation", 1),
    Parameter("groups", "groups; None is 1", None),
)
_ATTRIBUTES: Final = (
    Parameter("param_attr", "a ParamAttr: how the weights are drawn", None),
    Parameter("bias_attr", "a ParamAttr of the bias; False is no bias", None),
    Parameter("use_cudnn", "whether cuDNN is used", True, ignored=True),
    Parameter("act", "applied to the output; not part of the operator", None),
)


def _static_parameters(rank: int) -> tuple[Parameter, ...]:
    return (
        Parameter("input", "x, in data_format"),
        Parameter("num_filters", "output channels, of all groups", role="out_channels"),
        _OUTPUT_SIZE,
        _FILTER_SIZE,
        *_GEOMETRY,
        *_ATTRIBUTES,
        naming("operation"),
        Parameter(
            "data_format", "layout of x and y; weights are IOHW", LAYOUTS[rank][0], assumable=True
        ),
    )


def _dygraph_parameters(rank: int) -> tuple[Parameter, ...]:
    return (
        Parameter("num_channels", "input channels", role="in_channels"),
        Parameter("num_filters", "output channels, of all groups", role="out_channels"),
        Parameter("filter_size", "kernel", role="kernel"),
        *((_OUTPUT_SIZE,) if rank == 2 else ()),
        *_GEOMETRY,
        *_ATTRIBUTES,
        Parameter("dtype", "the type of the weights", "float32", ignored=True),
    )


def _read(given: Arguments) -> Reading:
    rank = given.form.rank
    assert rank is not None
    is_static = given.form.parameter("input") is not None
    if not is_static and not _is_of_fluid(given):
        raise given.error(f"nothing shows that {given.call.dotted} is Fluid's.")
    given = with_shapes_in_text(given, "input") if is_static else given.with_input_in_text()
    groups = given.integer("groups") if given.has("groups") else 1
    asked = given.value("output_size") if given.form.parameter("output_size") else None
    if given.has("filter_size"):
        kernel = None if given.is_open("filter_size") else per_axis(given, "filter_size", rank)
    else:
        kernel = _kernel(given, rank, asked)
    complete = given.channels_and_kernel(
        None if is_static else given.open_integer("num_channels"),
        given.open_integer("num_filters"),
        kernel,
        groups,
    )
    bias, of_bias = has_bias(given, "bias_attr")
    training, notes = read_training(given, ("param_attr", "bias_attr"), complete[1])
    if given.has("act"):
        notes.append(f"act {shown(given.value('act'))}: applied to the output; keep it.")
    return geometry(
        given,
        complete,
        groups,
        asked,
        bias=bias,
        training=training if bias else training.without_bias(),
        notes=(*of_bias, *notes),
    )


def _is_of_fluid(given: Arguments) -> bool:
    """Whether a layer, whose name PaddlePaddle 2 has for another one, is imported from Fluid."""
    owner = given.call.owner
    path = owner.text if isinstance(owner, Reference) and owner.is_imported else given.call.dotted
    return not {"fluid", "dygraph"}.isdisjoint(path.split("."))


def _kernel(given: Arguments, rank: int, asked: Value) -> Sizes:
    """Return the kernel that an output's size asks for, where there is no filter_size."""
    if asked is None:
        raise given.error(f"{given.form.name} needs filter_size, or output_size in its place.")
    in_size = given.in_size("output_size without filter_size")
    sizes = integers("output_size", asked, given.given["output_size"].column)
    sizes = sizes * rank if len(sizes) == 1 else sizes
    if not len(sizes) == len(in_size) == rank:
        raise given.error(f"output_size {shown(asked)}: there are {rank} axes.", "output_size")
    pairs = padding(given, rank)
    pairs = ((0, 0),) * rank if pairs == "SAME" else pairs
    strides, dilations = per_axis(given, "stride", rank), per_axis(given, "dilation", rank)
    kernel = []
    columns = zip(sizes, in_size, strides, pairs, dilations, strict=True)
    for axis, (size, number, stride, pair, dilation) in enumerate(columns):
        reach = size - (number - 1) * stride + sum(pair) - 1
        if reach < 0:
            raise given.error(
                f"output_size {shown(asked)} without filter_size: {axis_name(axis, rank)} "
                f"{number} with stride {stride} gives more with any kernel.",
                "output_size",
            )
        kernel.append(reach // dilation + 1)
    return tuple(kernel)


_DOCS: Final = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/static/nn/"
_OLD: Final = "https://github.com/PaddlePaddle/Paddle/blob/v1.8.5/python/paddle/fluid/dygraph/nn.py"


def fluid_forms() -> Iterator[Form]:
    """Yield the functions of static graphs, and the layers of Fluid."""
    for rank in (2, 3):
        function, layer = f"conv{rank}d_transpose", f"Conv{rank}DTranspose"
        yield Form(
            f"paddle.static.nn.{function}",
            _names(function, ("paddle.fluid.layers", "paddle.fluid.layers.nn", "fluid.layers")),
            "layer",
            rank,
            _static_parameters(rank),
            f"{_DOCS}{function}_en.html",
            _read,
        )
        yield Form(
            f"paddle.fluid.dygraph.{layer}",
            _names(layer, ("paddle.fluid.dygraph.nn", "fluid.dygraph", "fluid.dygraph.nn")),
            "layer",
            rank,
            _dygraph_parameters(rank),
            _OLD,
            _read,
        )


def _names(last: str, modules: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{module}.{last}" for module in modules)
