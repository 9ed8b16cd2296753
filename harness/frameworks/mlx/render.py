"""MLX: ``mx.conv_transpose{1,2,3}d`` and ``mlx.nn.ConvTranspose{1,2,3}d``, channels last.

https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.conv_transpose2d.html
"""

from __future__ import annotations

from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import SILENT, Training

_FORWARD_ONLY: Final = "What is text only is written forward."
_LIMITS: Final = (
    "padding crops both ends alike, no more than dilation * (kernel - 1), and output_padding gives "
    "back at the end only"
)
# https://github.com/ml-explore/mlx/pull/1262
_GROUPS: Final = "conv_transpose3d takes no groups: one call for each."
_NO_GROUPS: Final = "MLX's layers take no groups: this is the function."


def render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a program."""
    split = _split(operator)
    return _program(
        split,
        text.lines(_call(split), _after(split)),
        ("x", "w"),
        imports="import mlx.core as mx",
        bias=("b_",) if operator.bias else (),
    )


def layer(operator: Operator, dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    notes = () if training == SILENT else ("How the layer is trained is not written.",)
    if operator.groups != 1:
        program = render(operator, dtype, False, "cpu")
        return Program(**{**vars(program), "notes": (_NO_GROUPS, *notes)})
    split = _split(operator)
    channels = f"{operator.in_channels}, {operator.out_channels}, {text.per_axis(operator.kernel)}"
    bias = None if split.own_bias else "False"
    call = text.lines(
        f"layer = nn.ConvTranspose{operator.rank}d({channels}{_options(split)}"
        f"{text.arguments(bias=bias)})",
        "layer.weight = w_",
        "layer.bias = b_" if split.own_bias else None,
        "y_ = layer(x_)",
        _after(split, added=split.late_bias),
    )
    return _program(
        split,
        call,
        ("x", "w"),
        imports="import mlx.core as mx\nimport mlx.nn as nn",
        bias=("b_",) if operator.bias else (),
        notes=notes,
    )


def _program(
    split: text.CropSplit,
    call: str,
    arrays: tuple[str, ...],
    *,
    imports: str,
    bias: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> Program:
    operator = split.operator
    spatial = "DHW"[-operator.rank :]
    outputs = "(GO)" if operator.groups > 1 else "O"
    native = {
        "x": "np.moveaxis(x, 1, -1)",
        "w": text.permuted("w", f"IO{spatial}", f"{outputs}{spatial}I", operator.groups),
    }
    reasons = text.because(_GROUPS if _is_divided(operator) else None, split.reason(_LIMITS))
    return Program(
        setup=f"{imports}\nimport numpy as np",
        reason=" ".join(reasons) or None,
        forward=Section(
            text.lines(
                *(f"{name}_ = mx.array({native[name]})" for name in arrays),
                *(f"{name} = mx.array(b)" for name in bias),
            ),
            call,
            "y = np.moveaxis(np.array(y_), -1, 1)",
        ),
        forward_only=_FORWARD_ONLY,
        notes=notes,
    )


def _is_divided(operator: Operator) -> bool:
    return operator.rank == 3 and operator.groups != 1


def _split(operator: Operator) -> text.CropSplit:
    """Put in the call what it computes rightly, and leave the rest to a slice or a pad.

    >>> split = _split(Operator.of(1, 1, (3, 3, 2), crop=((1, -5), (4, 3), (-1, 2))))
    >>> split.pad, split.back, split.rest
    ((1, 2, 0), (6, 0, 0), ((0, 0), (2, 1), (-1, 2)))
    """
    pads, backs, rest = [], [], []
    for (begin, end), kernel, dilation in zip(
        operator.crop, operator.kernel, operator.dilation, strict=True
    ):
        pad = min(max(begin, 0), dilation * (kernel - 1))
        back = max(pad - end, 0)
        pads.append(pad)
        backs.append(back)
        rest.append((begin - pad, end - (pad - back)))
    return text.CropSplit(operator, tuple(rest), tuple(pads), tuple(backs))


def _call(split: text.CropSplit) -> str:
    operator = split.operator
    function, options = f"mx.conv_transpose{operator.rank}d", _options(split)
    if _is_divided(operator):
        return text.lines(
            f"x_groups = mx.split(x_, {operator.groups}, axis=-1)",
            f"w_groups = mx.split(w_, {operator.groups}, axis=0)",
            "y_ = mx.concatenate([",
            f"    {function}(x_group, w_group{options})",
            "    for x_group, w_group in zip(x_groups, w_groups)",
            "], axis=-1)",
        )
    groups = f", groups={operator.groups}" if operator.groups != 1 else ""
    return f"y_ = {function}(x_, w_{options}{groups})"


def _options(split: text.CropSplit) -> str:
    """Write the arguments that the function and the layer have in common."""
    operator = split.operator
    return text.arguments(
        stride=text.per_axis(operator.stride, default=1),
        padding=text.per_axis(split.pad, default=0),
        dilation=text.per_axis(operator.dilation, default=1),
        output_padding=text.per_axis(split.back, default=0),
    )


def _after(split: text.CropSplit, *, added: bool = True) -> str:
    """Write the lines after the call; the function adds no bias itself."""
    bias = "y_ = y_ + b_.reshape(1, -1)" if added and split.operator.bias else None
    pads = [(0, 0), *text.extended(split.rest), (0, 0)]
    after = split.after(f"y_ = mx.pad(y_, {pads})", "", channels_last=True)
    return text.lines(after, bias)
