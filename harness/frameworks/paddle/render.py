"""PaddlePaddle: ``paddle.nn.functional.conv2d_transpose``, ``paddle.nn.Conv2DTranspose``, ...

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/conv2d_transpose_en.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.spoken import Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import Training
from harness.frameworks.paddle.training import attribute, decays

_LIMITS: Final = (
    "padding crops and must not be negative, and output_padding adds at the end only, less than "
    "the stride"
)


def render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a program."""
    split = text.split_crop(operator, native=is_native(operator))
    bias = ", b_" if split.own_bias else ""
    return _program(
        split,
        {name: f"{name}_" for name in text.inputs_of(operator)},
        text.lines(
            f"y_ = F.conv{operator.rank}d_transpose(x_, w_{bias}{_options(split)})",
            _after(split, "b_"),
        ),
        inputs=text.inputs_of(operator),
        setup="import paddle\nimport paddle.nn.functional as F",
    )


def _program(
    split: text.CropSplit,
    leaves: Mapping[str, str],
    call: str,
    *,
    inputs: Sequence[str],
    setup: str,
) -> Program:
    """Make the program of a call that is given ``inputs`` and differentiated by ``leaves``."""
    gradients = ", ".join(f"d{name}_" for name in leaves)
    names = ", ".join(leaves.values())
    return Program(
        setup=setup,
        reason=split.reason(_LIMITS),
        forward=Section(
            text.lines(*(f"{name}_ = paddle.to_tensor({name})" for name in inputs)),
            call,
            "y = y_.numpy()",
        ),
        gradient=Section(
            text.lines(
                *(f"{name}_ = paddle.to_tensor({name}, stop_gradient=False)" for name in inputs),
                "dy_ = paddle.to_tensor(dy)",
            ),
            text.lines(call, f"{gradients} = paddle.grad(y_, [{names}], dy_)"),
            text.lines(*(f"d{name} = d{name}_.numpy()" for name in leaves)),
        ),
    )


def _after(split: text.CropSplit, bias: str) -> str:
    pads = [side for pair in reversed(text.extended(split.rest)) for side in pair]
    shape = [-1, *(1,) * len(split.rest)]
    return split.after(f"y_ = F.pad(y_, {pads})", f"y_ = y_ + {bias}.reshape({shape})")


def _options(split: text.CropSplit) -> str:
    """Write the arguments that the function and the layer have in common.

    They go by name: dilation and groups change places between the functions, and the layers.
    """
    operator = split.operator
    return text.arguments(
        stride=text.per_axis(operator.stride, default=1),
        padding=_padding(split),
        output_padding=text.per_axis(_output_padding(split), default=0),
        groups=str(operator.groups) if operator.groups != 1 else None,
        dilation=text.per_axis(operator.dilation, default=1),
    )


def _is_symmetric(split: text.CropSplit) -> bool:
    """Whether padding that is the same at both ends, and output_padding, say the crop."""
    strides = split.operator.stride
    return all(
        back == 0 or 0 < back < stride for back, stride in zip(split.back, strides, strict=True)
    )


def _padding(split: text.CropSplit) -> str | None:
    if _is_symmetric(split):
        return text.per_axis(split.pad, default=0)
    ends = zip(split.pad, split.back, strict=True)
    return str([side for begin, back in ends for side in (begin, max(begin - back, 0))])


def _output_padding(split: text.CropSplit) -> Sequence[int]:
    if _is_symmetric(split):
        return split.back
    return [max(back - begin, 0) for begin, back in zip(split.pad, split.back, strict=True)]


def layer(operator: Operator, dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    split = text.split_crop(operator, native=is_native(operator))
    of_weights, of_bias = decays(training)
    weight_attr = attribute(
        training.weights, operator, training.weights_rate, of_weights, by_fan=True
    )
    bias_attr = attribute(training.bias, operator, training.bias_rate, of_bias, by_fan=False)
    options = _options(split) + text.arguments(
        weight_attr=weight_attr, bias_attr=bias_attr if split.own_bias else "False"
    )
    channels = f"{operator.in_channels}, {operator.out_channels}, {text.per_axis(operator.kernel)}"
    bias = "b_" if split.late_bias else "layer.bias"
    late_bias = text.arguments(attr=bias_attr, is_bias="True")
    return _program(
        split,
        {"x": "x_", "w": "layer.weight"} | ({"b": bias} if operator.bias else {}),
        text.lines(
            f"layer = nn.Conv{operator.rank}DTranspose({channels}{options})",
            f"layer.to(dtype='{dtype}')" if dtype != "float32" else None,
            "layer.weight.set_value(w)",
            f"b_ = paddle.create_parameter([{operator.out_channels}], '{dtype}'{late_bias})"
            if split.late_bias
            else None,
            f"{bias}.set_value(b)" if operator.bias else None,
            "y_ = layer(x_)",
            _after(split, "b_"),
        ),
        inputs=("x",),
        setup=text.lines(
            "import paddle",
            "from paddle import nn",
            "import paddle.nn.functional as F" if text.extends(split.rest) else None,
        ),
    )


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``paddle.nn.functional.conv{1,2,3}d_transpose`` after the arrays.

    They go by name, because the functions differ in their order.
    """
    split = text.split_crop(operator, native=is_native(operator))
    pads = _padding(split) if not _is_symmetric(split) else str(list(split.pad))
    return Spoken(
        split,
        {
            "stride": str(list(operator.stride)),
            "padding": str(pads),
            "output_padding": str(list(_output_padding(split))),
            "groups": str(operator.groups),
            "dilation": str(list(operator.dilation)),
        },
        reason=split.reason(_LIMITS),
    )


def is_native(operator: Operator) -> bool:
    """Whether PaddlePaddle takes this crop as padding and output_padding."""
    # Its errors when it is called: "Invalid padding, all value should be larger than or equal to
    # 0", "output_padding of Op(ConvTransposeOp) should be less than either stride or dilation".
    return all(
        begin >= 0 and -end < max(stride, 1)
        for (begin, end), stride in zip(operator.crop, operator.stride, strict=True)
    )
