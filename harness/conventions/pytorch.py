"""PyTorch: ``torch.nn.functional.conv_transpose{1,2,3}d``.

https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
"""

from __future__ import annotations

from typing import Final

from harness.conventions._convention import (
    Convention,
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
from harness.operator import Operator
from harness.program import Program, Section


def _render(operator: Operator, _dtype: str, documented: bool) -> Program:
    call, reason = _call(operator, documented)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    names = ", ".join(f"{name}_" for name in inputs)
    gradients = ", ".join(f"d{name}_" for name in inputs)
    return Program(
        framework="pytorch",
        language="python",
        support="rewritten" if reason else "native",
        reason=reason,
        setup="import torch\nimport torch.nn.functional as F",
        forward=Section(
            lines(*(f"{name}_ = torch.from_numpy({name})" for name in inputs)),
            call,
            "y = y_.numpy()",
        ),
        gradient=Section(
            lines(
                *(f"{name}_ = torch.from_numpy({name}).requires_grad_()" for name in inputs),
                "dy_ = torch.from_numpy(dy)",
            ),
            lines(call, f"{gradients} = torch.autograd.grad(y_, ({names}), dy_)"),
            lines(*(f"d{name} = d{name}_.numpy()" for name in inputs)),
        ),
    )


def _call(operator: Operator, documented: bool) -> tuple[str, str | None]:
    padding = [begin for begin, _ in operator.crop]
    output_padding = [begin - end for begin, end in operator.crop]
    # PyTorch says so when it is called: "negative padding is not supported", "output padding must
    # be smaller than either stride or dilation".
    native = documented or all(
        p >= 0 and 0 <= q < max(s, d)
        for p, q, s, d in zip(
            padding, output_padding, operator.stride, operator.dilation, strict=True
        )
    )
    if native:
        return _conv_transpose(operator, padding, output_padding, bias=operator.bias), None
    common, rest = symmetric_part(operator)
    late_bias = operator.bias and extends(rest)
    pads = [side for pair in reversed(extended(rest)) for side in pair]
    call = lines(
        _conv_transpose(operator, common, (0,) * operator.rank, operator.bias and not late_bias),
        f"y_ = F.pad(y_, {tuple_of(pads)})" if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        f"y_ = y_ + b_.reshape({tuple_of((-1, *(1,) * operator.rank))})" if late_bias else None,
    )
    return call, (
        "padding crops both ends alike and output_padding gives back at the end only, less than "
        f"max(stride, dilation): crop {operator.crop} needs a slice or a pad."
    )


def _conv_transpose(
    operator: Operator,
    padding: tuple[int, ...] | list[int],
    output_padding: tuple[int, ...] | list[int],
    bias: bool,
) -> str:
    options = arguments(
        stride=per_axis(operator.stride, default=1),
        padding=per_axis(padding, default=0),
        output_padding=per_axis(output_padding, default=0),
        groups=str(operator.groups) if operator.groups != 1 else None,
        dilation=per_axis(operator.dilation, default=1),
    )
    return f"y_ = F.conv_transpose{operator.rank}d(x_, w_{', b_' if bias else ''}{options})"


CONVENTION: Final = Convention(
    name="pytorch",
    title="PyTorch",
    distribution="torch",
    module="torch",
    weights="IOHW",
    render=_render,
)
