"""Chainer: ``chainer.functions.deconvolution_{1d,2d,3d}``, ``chainer.links.Deconvolution*``.

https://docs.chainer.org/en/stable/reference/generated/chainer.functions.deconvolution_2d.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.convention.device import Device
from harness.convention.initializers import training_notes
from harness.convention.text import (
    Crops,
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
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import Training
from harness.frameworks.chainer.training import drawn, factors

_HERE: Final = "{}"


def render(operator: Operator, _dtype: str, documented: bool, device: Device) -> Program:
    """Write an operator as a program."""
    call, reason = _call(operator, documented)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    is_cpu = device == "cpu"
    return _program(
        inputs,
        {name: f"{name}_" for name in inputs},
        call,
        there=_HERE if is_cpu else "cupy.asarray({})",
        back=_HERE if is_cpu else "cupy.asnumpy({})",
        setup=lines(
            "import chainer",
            "import chainer.functions as F",
            None if is_cpu else "import cupy",
        ),
        reason=reason,
    )


def _program(
    inputs: Sequence[str],
    leaves: Mapping[str, str],
    call: str,
    *,
    setup: str,
    reason: str | None,
    there: str = _HERE,
    back: str = _HERE,
    training: str = "",
    notes: tuple[str, ...] = (),
) -> Program:
    """Make the program of a call that is given ``inputs`` and differentiated by ``leaves``.

    ``there`` and ``back`` move an array to the device and to the host.
    """
    gradients = ", ".join(f"d{name}_" for name in leaves)
    names = ", ".join(leaves.values())
    variables = lines(*(f"{name}_ = chainer.Variable({there.format(name)})" for name in inputs))
    return Program(
        setup=setup,
        reason=reason,
        forward=Section(variables, call, f"y = {back.format('y_.array')}"),
        gradient=Section(
            lines(variables, f"dy_ = chainer.Variable({there.format('dy')})"),
            lines(call, f"{gradients} = chainer.grad([y_], [{names}], [dy_])"),
            lines(*(f"d{name} = {back.format(f'd{name}_.array')}" for name in leaves)),
        ),
        training=training,
        notes=notes,
    )


def _call(operator: Operator, documented: bool) -> tuple[str, str | None]:
    if documented or _is_native(operator):
        pad, outsize = _pad_and_outsize(operator)
        return _deconvolution(operator, pad, outsize, bias=operator.bias), None
    common, rest = symmetric_part(operator)
    late_bias = operator.bias and extends(rest)
    call = lines(
        _deconvolution(operator, common, None, bias=operator.bias and not late_bias),
        _cropped(rest, "b_" if late_bias else None),
    )
    return call, _needs_crop(operator)


def _is_native(operator: Operator) -> bool:
    # outsize may differ from the natural size by less than the stride either way, but the backward
    # pass has one cover_all for all axes and fails where one axis grows and another shrinks:
    # https://github.com/chainer/chainer/blob/master/chainer/functions/connection/deconvolution_2d.py
    growth = [begin - end for begin, end in operator.crop]
    one_way = min(growth) >= 0 or max(growth) <= 0
    return one_way and all(
        begin >= 0 and abs(begin - end) < stride
        for (begin, end), stride in zip(operator.crop, operator.stride, strict=True)
    )


def _pad_and_outsize(operator: Operator) -> tuple[list[int], str | None]:
    pad = [begin for begin, _ in operator.crop]
    if all(begin == end for begin, end in operator.crop):
        return pad, None
    removed = [begin + end for begin, end in operator.crop]
    return pad, tuple_of(full_size_of("x_", operator, 2, removed))


def _needs_crop(operator: Operator) -> str:
    return (
        "pad crops both ends alike and outsize moves the end by less than the stride, on all axes "
        f"in the same direction: crop {operator.crop} needs a slice or a pad."
    )


def _cropped(rest: Crops, late_bias: str | None) -> str:
    """Write what is left of the crop: a pad, a slice and the bias of what was padded."""
    pads = tuple_of([(0, 0), (0, 0), *extended(rest)])
    return lines(
        f"y_ = F.pad(y_, {pads}, 'constant')" if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        f"y_ = F.bias(y_, {late_bias})" if late_bias else None,
    )


def _deconvolution(
    operator: Operator, pad: Sequence[int], outsize: str | None, *, bias: bool
) -> str:
    options = _options(operator, pad, outsize)
    return f"y_ = F.deconvolution_{operator.rank}d(x_, w_{', b_' if bias else ''}{options})"


def _options(operator: Operator, pad: Sequence[int], outsize: str | None) -> str:
    """Write what the function and the link name alike."""
    return arguments(
        stride=per_axis(operator.stride, default=1),
        pad=per_axis(pad, default=0),
        outsize=outsize,
        dilate=per_axis(operator.dilation, default=1),
        groups=str(operator.groups) if operator.groups != 1 else None,
    )


# The link.


def layer(operator: Operator, _dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    native = _is_native(operator)
    common, rest = symmetric_part(operator)
    pad, outsize = _pad_and_outsize(operator) if native else (common, None)
    rest = ((0, 0),) * operator.rank if native else rest
    late_bias = operator.bias and extends(rest)
    bias = "layer.late_b" if late_bias else "layer.b"
    call = lines(
        _constructed(operator, pad, outsize, training, bias=operator.bias and not late_bias),
        "layer.W.array = w",
        _late_parameter(operator, training) if late_bias else None,
        f"{bias}.array = b" if operator.bias else None,
        "y_ = layer(x_)",
        _cropped(rest, bias if late_bias else None),
    )
    return _program(
        ("x",),
        {"x": "x_", "w": "layer.W"} | ({"b": bias} if operator.bias else {}),
        call,
        setup=lines(
            "import chainer",
            "import chainer.functions as F" if extends(rest) else None,
            "import chainer.links as L",
        ),
        reason=None if native else _needs_crop(operator),
        training=factors(training, bias if operator.bias else None),
        notes=training_notes("Chainer", training),
    )


def _constructed(
    operator: Operator,
    pad: Sequence[int],
    outsize: str | None,
    training: Training,
    *,
    bias: bool,
) -> str:
    options = _options(operator, pad, outsize) + arguments(
        nobias=None if bias else "True",
        initialW=drawn(training.weights, operator, by_fan=True),
        initial_bias=drawn(training.bias, operator, by_fan=False) if bias else None,
    )
    channels = f"{operator.in_channels}, {operator.out_channels}, {per_axis(operator.kernel)}"
    return f"layer = L.Deconvolution{operator.rank}D({channels}{options})"


def _late_parameter(operator: Operator, training: Training) -> str:
    initial = drawn(training.bias, operator, by_fan=False) or "0"
    parameter = f"chainer.Parameter({initial}, {operator.out_channels})"
    return f"with layer.init_scope():\n    layer.late_b = {parameter}"
