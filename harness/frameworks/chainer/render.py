"""Chainer: ``chainer.functions.deconvolution_{1d,2d,3d}``, ``chainer.links.Deconvolution*``.

https://docs.chainer.org/en/stable/reference/generated/chainer.functions.deconvolution_2d.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.initializers import training_notes
from harness.convention.spoken import Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import Training
from harness.frameworks.chainer.training import drawn, factors

_HERE: Final = "{}"
_LIMITS: Final = (
    "pad crops both ends alike and outsize moves the end by less than the stride, on all axes in "
    "the same direction"
)


def render(operator: Operator, _dtype: str, _documented: bool, device: Device) -> Program:
    """Write an operator as a program."""
    split = text.split_crop(operator, native=_is_native(operator))
    bias = ", b_" if split.own_bias else ""
    is_cpu = device == "cpu"
    return _program(
        split,
        {name: f"{name}_" for name in text.inputs_of(operator)},
        text.lines(
            f"y_ = F.deconvolution_{operator.rank}d(x_, w_{bias}{_options(split)})",
            _after(split, "b_"),
        ),
        inputs=text.inputs_of(operator),
        there=_HERE if is_cpu else "cupy.asarray({})",
        back=_HERE if is_cpu else "cupy.asnumpy({})",
        setup=text.lines(
            "import chainer", "import chainer.functions as F", None if is_cpu else "import cupy"
        ),
    )


def _program(
    split: text.CropSplit,
    leaves: Mapping[str, str],
    call: str,
    *,
    inputs: Sequence[str],
    setup: str,
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
    variables = [f"{name}_ = chainer.Variable({there.format(name)})" for name in inputs]
    return Program(
        setup=setup,
        reason=split.reason(_LIMITS),
        forward=Section(text.lines(*variables), call, f"y = {back.format('y_.array')}"),
        gradient=Section(
            text.lines(*variables, f"dy_ = chainer.Variable({there.format('dy')})"),
            text.lines(call, f"{gradients} = chainer.grad([y_], [{names}], [dy_])"),
            text.lines(*(f"d{name} = {back.format(f'd{name}_.array')}" for name in leaves)),
        ),
        training=training,
        notes=notes,
    )


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


def _after(split: text.CropSplit, bias: str) -> str:
    pads = text.tuple_of([(0, 0), (0, 0), *text.extended(split.rest)])
    return split.after(f"y_ = F.pad(y_, {pads}, 'constant')", f"y_ = F.bias(y_, {bias})")


def _options(split: text.CropSplit) -> str:
    """Write the arguments that the function and the link have in common."""
    operator = split.operator
    return text.arguments(
        stride=text.per_axis(operator.stride, default=1),
        pad=text.per_axis(split.pad, default=0),
        outsize=_outsize("x_", split),
        dilate=text.per_axis(operator.dilation, default=1),
        groups=str(operator.groups) if operator.groups != 1 else None,
    )


def _outsize(array: str, split: text.CropSplit) -> str | None:
    """Write the output's size where it is not the natural one."""
    removed = [2 * pad - back for pad, back in zip(split.pad, split.back, strict=True)]
    size = text.tuple_of(text.full_size_of(array, split.operator, 2, removed))
    return size if any(split.back) else None


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``chainer.functions.deconvolution_{1d,2d,3d,nd}`` after the arrays.

    They go by name, because the functions differ in which they take by position.
    """
    split = text.split_crop(operator, native=_is_native(operator))
    return Spoken(
        split,
        {
            "stride": text.tuple_of(operator.stride),
            "pad": text.tuple_of(split.pad),
            "outsize": str(_outsize("x", split)),
            "dilate": text.tuple_of(operator.dilation),
            "groups": str(operator.groups),
        },
        reason=split.reason(_LIMITS),
    )


def layer(operator: Operator, _dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    split = text.split_crop(operator, native=_is_native(operator))
    bias = "layer.late_b" if split.late_bias else "layer.b"
    initial_bias = drawn(training.bias, operator, by_fan=False)
    options = _options(split) + text.arguments(
        nobias=None if split.own_bias else "True",
        initialW=drawn(training.weights, operator, by_fan=True),
        initial_bias=initial_bias if split.own_bias else None,
    )
    channels = f"{operator.in_channels}, {operator.out_channels}, {text.per_axis(operator.kernel)}"
    late_bias = f"chainer.Parameter({initial_bias or '0'}, {operator.out_channels})"
    return _program(
        split,
        {"x": "x_", "w": "layer.W"} | ({"b": bias} if operator.bias else {}),
        text.lines(
            f"layer = L.Deconvolution{operator.rank}D({channels}{options})",
            "layer.W.array = w",
            f"with layer.init_scope():\n    {bias} = {late_bias}" if split.late_bias else None,
            f"{bias}.array = b" if operator.bias else None,
            "y_ = layer(x_)",
            _after(split, bias),
        ),
        inputs=("x",),
        setup=text.lines(
            "import chainer",
            "import chainer.functions as F" if text.extends(split.rest) else None,
            "import chainer.links as L",
        ),
        training=factors(training, bias if operator.bias else None),
        notes=training_notes("Chainer", training),
    )
