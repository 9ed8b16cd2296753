"""Chainer: ``chainer.functions.deconvolution_{1d,2d,3d}``.

https://docs.chainer.org/en/stable/reference/generated/chainer.functions.deconvolution_2d.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.conventions._convention import (
    Convention,
    arguments,
    extended,
    extends,
    full_size_of,
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
    variables = lines(*(f"{name}_ = chainer.Variable({name})" for name in inputs))
    return Program(
        framework="chainer",
        language="python",
        support="rewritten" if reason else "native",
        reason=reason,
        setup="import chainer\nimport chainer.functions as F",
        forward=Section(variables, call, "y = y_.array"),
        gradient=Section(
            lines(variables, "dy_ = chainer.Variable(dy)"),
            lines(call, f"{gradients} = chainer.grad([y_], [{names}], [dy_])"),
            lines(*(f"d{name} = d{name}_.array" for name in inputs)),
        ),
    )


def _call(operator: Operator, documented: bool) -> tuple[str, str | None]:
    # outsize may differ from the natural size by less than the stride either way, but the backward
    # pass has one cover_all for all axes and fails where one axis grows and another shrinks:
    # https://github.com/chainer/chainer/blob/master/chainer/functions/connection/deconvolution_2d.py
    growth = [begin - end for begin, end in operator.crop]
    one_way = min(growth) >= 0 or max(growth) <= 0
    native = documented or (
        one_way
        and all(
            begin >= 0 and abs(begin - end) < stride
            for (begin, end), stride in zip(operator.crop, operator.stride, strict=True)
        )
    )
    if native:
        ends = [begin + end for begin, end in operator.crop]
        symmetric = all(begin == end for begin, end in operator.crop)
        outsize = None if symmetric else tuple_of(full_size_of("x_", operator, 2, ends))
        pad = [begin for begin, _ in operator.crop]
        return _deconvolution(operator, pad, outsize, bias=operator.bias), None
    common, rest = symmetric_part(operator)
    late_bias = operator.bias and extends(rest)
    pads = [(0, 0), (0, 0), *extended(rest)]
    call = lines(
        _deconvolution(operator, common, None, bias=operator.bias and not late_bias),
        f"y_ = F.pad(y_, {tuple_of(pads)}, 'constant')" if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        "y_ = F.bias(y_, b_)" if late_bias else None,
    )
    return call, (
        "pad crops both ends alike and outsize moves the end by less than the stride, on all axes "
        f"in the same direction: crop {operator.crop} needs a slice or a pad."
    )


def _deconvolution(
    operator: Operator, pad: Sequence[int], outsize: str | None, *, bias: bool
) -> str:
    options = arguments(
        stride=per_axis(operator.stride, default=1),
        pad=per_axis(pad, default=0),
        outsize=outsize,
        dilate=per_axis(operator.dilation, default=1),
        groups=str(operator.groups) if operator.groups != 1 else None,
    )
    return f"y_ = F.deconvolution_{operator.rank}d(x_, w_{', b_' if bias else ''}{options})"


CONVENTION: Final = Convention(
    name="chainer",
    title="Chainer",
    distribution="chainer",
    module="chainer",
    weights="IOHW",
    render=_render,
    environ={"CHAINER_WARN_VERSION_MISMATCH": "0"},
)
