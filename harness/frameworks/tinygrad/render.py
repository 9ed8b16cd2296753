"""tinygrad: ``Tensor.conv_transpose2d``, which takes any number of axes.

https://docs.tinygrad.org/tensor/ops/#tinygrad.Tensor.conv_transpose2d
"""

from __future__ import annotations

from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import SILENT, Training

_FORWARD_ONLY: Final = "What is text only is written forward."


def render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a program."""
    arrays = text.inputs_of(operator)
    bias = ", b_" if operator.bias else ""
    return Program(
        setup="from tinygrad import Tensor",
        forward=Section(
            text.lines(*(f"{name}_ = Tensor({name})" for name in arrays)),
            f"y_ = x_.conv_transpose2d(w_{bias}{_options(operator)})",
            "y = y_.numpy()",
        ),
        forward_only=_FORWARD_ONLY,
    )


def layer(operator: Operator, _dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    # One number stands for two axes, whatever the number of axes.
    kernel = text.per_axis(operator.kernel) if operator.rank == 2 else None
    kernel = kernel or text.tuple_of(operator.kernel)
    channels = f"{operator.in_channels}, {operator.out_channels}, {kernel}"
    bias = "" if operator.bias else ", bias=False"
    notes = () if training == SILENT else ("How the layer is trained is not written.",)
    return Program(
        setup="from tinygrad import Tensor, nn",
        forward=Section(
            "x_ = Tensor(x)",
            text.lines(
                f"layer = nn.ConvTranspose2d({channels}{_options(operator)}{bias})",
                "layer.weight = Tensor(w)",
                "layer.bias = Tensor(b)" if operator.bias else None,
                "y_ = layer(x_)",
            ),
            "y = y_.numpy()",
        ),
        forward_only=_FORWARD_ONLY,
        notes=notes,
    )


def _options(operator: Operator) -> str:
    """Write the arguments that the function and the layer have in common."""
    crop = operator.crop
    padding = output_padding = None
    if all(begin >= end for begin, end in crop):
        padding = text.per_axis([begin for begin, _ in crop], default=0)
        output_padding = text.per_axis([begin - end for begin, end in crop], default=0)
    else:
        # The last axis first: https://docs.tinygrad.org/tensor/ops/
        padding = text.tuple_of([side for pair in reversed(crop) for side in pair])
    return text.arguments(
        groups=str(operator.groups) if operator.groups != 1 else None,
        stride=text.per_axis(operator.stride, default=1),
        dilation=text.per_axis(operator.dilation, default=1),
        padding=padding,
        output_padding=output_padding,
    )
