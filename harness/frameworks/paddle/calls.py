"""The meaning of PaddlePaddle's calls: ``F.conv{1,2,3}d_transpose``, ``nn.Conv{1,2,3}DTranspose``.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/Conv2DTranspose_en.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.assumptions import bias_notes
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.frameworks.paddle.fluid import fluid_forms
from harness.frameworks.paddle.geometry import (
    LAYOUTS,
    geometry,
    is_channels_last,
    per_axis,
    with_shapes_in_text,
)
from harness.frameworks.paddle.training import has_bias, read_training

_STRIDE: Final = Parameter("stride", "stride", 1)
_OUTPUT_PADDING: Final = Parameter(
    "output_padding",
    "added at the end of each axis: crop (begin, end - output_padding)",
    0,
    pitfall="Less than stride, else refused when the layer is called; refused with output_size.",
)
_GROUPS: Final = Parameter("groups", "groups", 1)
_DILATION: Final = Parameter(
    "dilation",
    "dilation",
    1,
    pitfall="0 and negative ones are accepted silently on a CPU, and are refused here.",
)
_WEIGHT_ATTR: Final = Parameter(
    "weight_attr",
    "a ParamAttr: how the weights are drawn, and their factor of the learning rate; None is "
    "XavierUniform()",
    None,
    pitfall="fan_in counts the output channels of a transposed convolution.",
)
_BIAS_ATTR: Final = Parameter("bias_attr", "a ParamAttr of the bias; False is no bias", None)
_OUTPUT_SIZE: Final = Parameter(
    "output_size",
    "size of the output, less than a stride more than the natural one: the end is cropped less",
    None,
    pitfall="Refused next to output_padding.",
)
_NAME: Final = Parameter("name", "the operation's name", None, ignored=True)


def _padding(rank: int) -> Parameter:
    flat = "[begin, end] in a row" if rank == 1 else f"{2 * rank} numbers, begin and end in turns"
    return Parameter(
        "padding",
        f"crop: a number, one for each axis, {flat}, pairs with those of batch and channels, "
        "'VALID' for 0, or 'SAME'",
        0,
        pitfall="'SAME' crops by the input's size, as a convolution of the input pads: k - s where "
        "s divides the size, else k - size % s, never less than 0, the odd element at the end; and "
        "it sets dilation to 1 silently.",
    )


def _data_format(rank: int) -> Parameter:
    first, last = LAYOUTS[rank]
    return Parameter(
        "data_format",
        f"layout of x and y: '{first}' or '{last}'; the weights are IOHW in both",
        first,
        assumable=True,
    )


def _function_parameters(rank: int) -> tuple[Parameter, ...]:
    # The two change places, and not in all manuals:
    # https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/nn/functional/conv.py
    between = (_DILATION, _GROUPS) if rank == 2 else (_GROUPS, _DILATION)
    return (
        Parameter("x", "x, in data_format"),
        Parameter("weight", "w, IOHW: (c_in, c_out // groups, *kernel)"),
        Parameter(
            "bias", "b; None is no bias", None, pitfall="One of length 1 serves all channels."
        ),
        _STRIDE,
        _padding(rank),
        _OUTPUT_PADDING,
        *between,
        _OUTPUT_SIZE,
        _data_format(rank),
        _NAME,
    )


def _layer_parameters(rank: int) -> tuple[Parameter, ...]:
    # https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/nn/layer/conv.py
    between = (_GROUPS, _DILATION) if rank == 1 else (_DILATION, _GROUPS)
    return (
        Parameter("in_channels", "input channels", role="in_channels"),
        Parameter("out_channels", "output channels", role="out_channels"),
        Parameter("kernel_size", "kernel", role="kernel"),
        _STRIDE,
        _padding(rank),
        _OUTPUT_PADDING,
        *between,
        _WEIGHT_ATTR,
        _BIAS_ATTR,
        _data_format(rank),
    )


def _read_function(given: Arguments) -> Reading:
    given = with_shapes_in_text(given, "x")
    groups = given.integer("groups")
    weight = given.array_shape("weight")
    in_part = () if weight else given.array_shape_in_part("weight")
    complete = given.channels_and_kernel(None, None, None, groups, weight, in_part)
    asked = given.value("output_size")
    reading = geometry(given, complete, groups, asked, bias=given.has("bias"))
    return replace(reading, notes=(*bias_notes(given, "bias"), *reading.notes))


def _read_layer(given: Arguments) -> Reading:
    given = given.with_input_in_text(channels_last=is_channels_last(given))
    rank = given.form.rank
    assert rank is not None
    # Checked before open sizes, to refuse another framework's layer of the same name first.
    for name, least in (("stride", 1), ("output_padding", 0), ("dilation", 1)):
        per_axis(given, name, rank, least=least)
    given = _with_chain(given)
    groups = given.integer("groups")
    complete = given.channels_and_kernel(
        given.open_integer("in_channels"),
        given.open_integer("out_channels"),
        None if given.is_open("kernel_size") else per_axis(given, "kernel_size", rank),
        groups,
    )
    bias, of_bias = has_bias(given, "bias_attr")
    training, notes = read_training(given, ("weight_attr", "bias_attr"), complete[1])
    # The second argument of its forward call, by position too.
    by_name = [each for each in given.application if each.name == "output_size"]
    positional = [each for each in given.application if each.name is None][1:]
    asked = next((each.value for each in (*by_name, *positional)), None)
    asked = given.computed_with_shapes(asked)
    return geometry(
        given,
        complete,
        groups,
        asked,
        bias=bias,
        training=training if bias else training.without_bias(),
        notes=(*of_bias, *notes),
    )


def _with_chain(given: Arguments) -> Arguments:
    """Add the input that follows from the layers before this one."""
    channels = given.open_integer("in_channels")
    if given.site.stands_alone or given.supplied.input or channels is None:
        return given
    # Other look-ups start faster without it.
    from harness.convention.python_flows import with_input_of_chain  # noqa: PLC0415
    from harness.frameworks.paddle.plain_layers import PLAIN  # noqa: PLC0415

    return with_input_of_chain(given, PLAIN, FORMS, channels)


_DOCS: Final = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/"


def _forms(rank: int) -> tuple[Form, ...]:
    function, layer = f"conv{rank}d_transpose", f"Conv{rank}DTranspose"
    return (
        Form(
            f"paddle.nn.{layer}",
            (f"paddle.nn.layer.{layer}", f"paddle.nn.layer.conv.{layer}"),
            "layer",
            rank,
            _layer_parameters(rank),
            f"{_DOCS}{layer}_en.html",
            _read_layer,
        ),
        Form(
            f"paddle.nn.functional.{function}",
            (f"F.{function}", f"nn.F.{function}", f"paddle.nn.functional.conv.{function}"),
            "function",
            rank,
            _function_parameters(rank),
            f"{_DOCS}functional/{function}_en.html",
            _read_function,
        ),
    )


FORMS: Final = (*(form for rank in (2, 1, 3) for form in _forms(rank)), *fluid_forms())
