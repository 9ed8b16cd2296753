"""PyTorch: ``torch.nn.functional.conv_transpose{1,2,3}d``, ``torch.nn.ConvTranspose{1,2,3}d``.

https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.convention.device import Device
from harness.convention.text import (
    Crops,
    arguments,
    extended,
    extends,
    kept,
    lines,
    per_axis,
    removes,
    symmetric_part,
    tuple_of,
)
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import Training
from harness.frameworks.pytorch.training import training_text


def render(operator: Operator, _dtype: str, documented: bool, device: Device) -> Program:
    """Write an operator as a program."""
    call, reason = _call(operator, documented)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    there, back = {"cpu": ("", ""), "cuda": (".cuda()", ".cpu()")}[device]
    return _program(
        inputs,
        {name: f"{name}_" for name in inputs},
        call,
        result=f"y_{back}.numpy()",
        there=there,
        back=back,
        setup="import torch\nimport torch.nn.functional as F",
        reason=reason,
    )


def _program(
    inputs: Sequence[str],
    leaves: Mapping[str, str],
    call: str,
    *,
    result: str,
    setup: str,
    reason: str | None,
    there: str = "",
    back: str = "",
    training: str = "",
) -> Program:
    """Make the program of a call that is given ``inputs`` and differentiated by ``leaves``.

    ``there`` and ``back`` move a tensor to the device and to the host.
    """
    gradients = ", ".join(f"d{name}_" for name in leaves)
    names = ", ".join(leaves.values())
    return Program(
        setup=setup,
        reason=reason,
        forward=Section(
            lines(*(f"{name}_ = torch.from_numpy({name}){there}" for name in inputs)),
            call,
            f"y = {result}",
        ),
        gradient=Section(
            lines(
                *(f"{name}_ = torch.from_numpy({name}){there}.requires_grad_()" for name in inputs),
                f"dy_ = torch.from_numpy(dy){there}",
            ),
            lines(call, f"{gradients} = torch.autograd.grad(y_, ({names}), dy_)"),
            lines(*(f"d{name} = d{name}_{back}.numpy()" for name in leaves)),
        ),
        training=training,
    )


def _call(operator: Operator, documented: bool) -> tuple[str, str | None]:
    padding = [begin for begin, _ in operator.crop]
    output_padding = [begin - end for begin, end in operator.crop]
    if documented or is_native(operator, padding, output_padding):
        return _conv_transpose(operator, padding, output_padding, bias=operator.bias), None
    common, rest = symmetric_part(operator)
    none = (0,) * operator.rank
    late_bias = operator.bias and extends(rest)
    return lines(
        _conv_transpose(operator, common, none, bias=operator.bias and not late_bias),
        _cropped(operator, rest, "b_" if late_bias else None),
    ), _needs_crop(operator)


def _cropped(operator: Operator, rest: Crops, late_bias: str | None) -> str:
    """Write what is left of the crop: a pad, a slice and the bias of what was padded."""
    pads = [side for pair in reversed(extended(rest)) for side in pair]
    shape = tuple_of((-1, *(1,) * operator.rank))
    return lines(
        f"y_ = F.pad(y_, {tuple_of(pads)})" if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        f"y_ = y_ + {late_bias}.reshape({shape})" if late_bias else None,
    )


def _needs_crop(operator: Operator) -> str:
    return (
        "padding crops both ends alike and output_padding gives back at the end only, less than "
        f"max(stride, dilation): crop {operator.crop} needs a slice or a pad."
    )


def _conv_transpose(
    operator: Operator, padding: Sequence[int], output_padding: Sequence[int], *, bias: bool
) -> str:
    options = _options(operator, padding, output_padding)
    return f"y_ = F.conv_transpose{operator.rank}d(x_, w_{', b_' if bias else ''}{options})"


def _options(operator: Operator, padding: Sequence[int], output_padding: Sequence[int]) -> str:
    """Write what the function and the layer name alike."""
    return arguments(
        stride=per_axis(operator.stride, default=1),
        padding=per_axis(padding, default=0),
        output_padding=per_axis(output_padding, default=0),
        groups=str(operator.groups) if operator.groups != 1 else None,
        dilation=per_axis(operator.dilation, default=1),
    )


def layer(operator: Operator, _dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    padding: Sequence[int] = [begin for begin, _ in operator.crop]
    output_padding: Sequence[int] = [begin - end for begin, end in operator.crop]
    native = is_native(operator, padding, output_padding)
    rest: Crops = ((0, 0),) * operator.rank
    if not native:
        padding, rest = symmetric_part(operator)
        output_padding = (0,) * operator.rank
    late_bias = operator.bias and extends(rest)
    has_bias = operator.bias and not late_bias
    options = _options(operator, padding, output_padding) + arguments(
        bias=None if has_bias else "False"
    )
    channels = f"{operator.in_channels}, {operator.out_channels}, {per_axis(operator.kernel)}"
    call = lines(
        f"layer = nn.ConvTranspose{operator.rank}d({channels}{options})",
        "layer.weight = nn.Parameter(torch.from_numpy(w))",
        "layer.bias = nn.Parameter(torch.from_numpy(b))" if has_bias else None,
        "b_ = nn.Parameter(torch.from_numpy(b))" if late_bias else None,
        "y_ = layer(x_)",
        _cropped(operator, rest, "b_" if late_bias else None),
    )
    bias = "b_" if late_bias else "layer.bias"
    return _program(
        ("x",),
        {"x": "x_", "w": "layer.weight"} | ({"b": bias} if operator.bias else {}),
        call,
        result="y_.detach().numpy()",
        setup=lines(
            "import torch",
            "from torch import nn",
            "import torch.nn.functional as F" if extends(rest) else None,
        ),
        reason=None if native else _needs_crop(operator),
        training=training_text(operator, training, bias if operator.bias else None),
    )


def is_native(operator: Operator, padding: Sequence[int], output_padding: Sequence[int]) -> bool:
    """Whether PyTorch takes this padding and output_padding."""
    # PyTorch says so when it is called: "negative padding is not supported", "output padding must
    # be smaller than either stride or dilation".
    return all(
        p >= 0 and 0 <= q < max(s, d)
        for p, q, s, d in zip(
            padding, output_padding, operator.stride, operator.dilation, strict=True
        )
    )
