"""MXNet: ``mx.nd.Deconvolution``, ``mx.sym.Deconvolution`` and ``gluon.nn.Conv{1,2,3}DTranspose``.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/legacy/ndarray/ndarray.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.initializers import training_notes
from harness.convention.spoken import Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import Training
from harness.frameworks.mxnet.training import drawn, factors

_NO_DOUBLE: Final = Unsupported(
    "MXNet 1.9.1 has no float64 Deconvolution with three spatial axes on the CPU."
)

_LIMITS: Final = (
    "pad crops both ends alike and adj gives back at the end only, less than the stride"
)


def render(
    operator: Operator, dtype: str, documented: bool, device: Device
) -> Program | Unsupported:
    """Write an operator as a program."""
    if operator.rank == 3 and dtype == "float64" and not documented and device == "cpu":
        return _NO_DOUBLE
    dilated = None if documented else _dilation_defect(operator, dtype)
    spelled = text.undilated(operator) if dilated else operator
    split = text.split_crop(spelled, native=_is_native(spelled))
    there = ", ctx=mx.gpu()" if device == "cuda" else ""
    inputs = text.inputs_of(operator)
    return _program(
        operator,
        split,
        dilated,
        inputs,
        there=there,
        call=text.lines(_deconvolution(split), _after(split, "b_")),
        gradients={name: f"{name}_.grad" for name in inputs},
    )


def _program(
    operator: Operator,
    split: text.CropSplit,
    dilated: str | None,
    inputs: Sequence[str],
    *,
    call: str,
    gradients: Mapping[str, str],
    layer: str = "",
    there: str = "",
    training: str = "",
    notes: tuple[str, ...] = (),
) -> Program:
    """Make the program of a call whose ``inputs`` are made from arrays.

    ``dilated`` is why the kernel gets zeros, if it does.
    """
    arrays = {name: f"{name}_ = {_array(name, there)}" for name in inputs}
    weights = ""
    if dilated:
        of_call = f"w_ = {_array('w_dilated', there)}" if arrays.pop("w", None) else None
        weights = text.lines(text.zero_inserted(operator), of_call)
    to_native = text.lines(weights, *arrays.values())
    attached = [f"{name}_.attach_grad()" for name in inputs]
    texts = {name: f"{gradient}.asnumpy()" for name, gradient in gradients.items()}
    if dilated:
        texts["w"] = text.zeros_removed(operator, texts["w"])
    cropped = split.reason(_LIMITS)
    return Program(
        reason=" ".join(text.because(dilated, cropped)) or None,
        setup=text.lines(
            "import mxnet as mx",
            "from mxnet.gluon import nn" if layer else None,
            "import numpy as np" if dilated else None,
        ),
        forward=Section(
            to_native, text.lines(layer, call, "y_.wait_to_read()"), "y = y_.asnumpy()"
        ),
        gradient=Section(
            text.lines(to_native, f"dy_ = {_array('dy', there)}", *attached),
            text.lines(
                layer,
                "with mx.autograd.record():",
                text.indented(call),
                "y_.backward(dy_)",
                "mx.nd.waitall()",
            ),
            text.lines(*(f"d{name} = {array}" for name, array in texts.items())),
        ),
        weights=weights,
        training=training,
        notes=(*notes, *_float64_notes(operator, dilated)),
    )


def _array(name: str, there: str = "") -> str:
    return f"mx.nd.array({name}, dtype={name}.dtype{there})"


def _dilation_defect(operator: Operator, dtype: str) -> str | None:
    if set(operator.dilation) == {1}:
        return None
    if operator.rank == 3:
        return "MXNet refuses dilate with three spatial axes: the kernel gets the zeros written in."
    # Without oneDNN (float64) col2im steps the input by `dilate`, silently wrong:
    # https://github.com/apache/mxnet/issues/11629
    strided = any(s > 1 for s in operator.stride)
    if dtype == "float64" and strided and any(k > 1 for k in operator.kernel):
        return (
            "MXNet 1.9.1 computes stride > 1 with dilate > 1 wrongly in float64 "
            "(apache/mxnet#11629): the kernel gets the zeros written in."
        )
    return None


def _float64_notes(operator: Operator, dilated: str | None) -> tuple[str, ...]:
    """Note what must not be done with a call of dilate, which the kernel of float32 computes."""
    if dilated or not _dilation_defect(operator, "float64"):
        return ()
    return ("For float32: MXNet 1.9.1 computes it wrongly in float64 (apache/mxnet#11629).",)


def _is_native(operator: Operator) -> bool:
    return all(
        begin >= 0 and 0 <= begin - end < stride
        for (begin, end), stride in zip(operator.crop, operator.stride, strict=True)
    )


def _after(split: text.CropSplit, bias: str) -> str:
    """Write the lines after the call; ``mx.nd.pad`` takes no three axes, so 1-D gets one more."""
    widths = ", ".join(f"{begin}, {end}" for begin, end in text.extended(split.rest))
    shape = text.tuple_of((1, -1, *(1,) * len(split.rest)))
    one = len(split.rest) == 1
    array, last = ("y_.expand_dims(2)", ".squeeze(axis=2)") if one else ("y_", "")
    zeros = "0, 0, 0, 0, 0, 0" if one else "0, 0, 0, 0"
    return split.after(
        f"y_ = mx.nd.pad({array}, mode='constant', pad_width=({zeros}, {widths})){last}",
        f"y_ = mx.nd.broadcast_add(y_, {bias}.reshape({shape}))",
    )


def _deconvolution(split: text.CropSplit) -> str:
    def unless(values: Sequence[int], default: int) -> str | None:
        return None if set(values) == {default} else text.tuple_of(values)

    operator = split.operator
    options = text.arguments(
        kernel=text.tuple_of(operator.kernel),
        stride=unless(operator.stride, 1),
        dilate=unless(operator.dilation, 1),
        pad=unless(split.pad, 0),
        adj=unless(split.back, 0),
        num_filter=str(operator.out_channels),
        num_group=str(operator.groups) if operator.groups != 1 else None,
        # The parameter defaults to True: https://github.com/apache/mxnet/issues/7461
        no_bias=str(not split.own_bias),
    )
    return f"y_ = mx.nd.Deconvolution(x_, w_{', b_' if split.own_bias else ''}{options})"


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``mx.nd.Deconvolution`` after the arrays.

    What MXNet does with them is another matter: dilation is said as it documents it.
    """
    split = text.split_crop(operator, native=_is_native(operator))
    return Spoken(
        split,
        {
            "kernel": text.tuple_of(operator.kernel),
            "stride": text.tuple_of(operator.stride),
            "dilate": text.tuple_of(operator.dilation),
            "pad": text.tuple_of(split.pad),
            "adj": text.tuple_of(split.back),
            "num_filter": str(operator.out_channels),
            "num_group": str(operator.groups),
            "no_bias": str(not split.own_bias),
        },
        reason=split.reason(_LIMITS),
    )


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write an operator as a layer of a network."""
    if operator.rank == 3 and dtype == "float64":
        return _NO_DOUBLE
    dilated = _dilation_defect(operator, dtype)
    spelled = text.undilated(operator) if dilated else operator
    split = text.split_crop(spelled, native=_is_native(spelled))
    bias = "b_" if split.late_bias else "layer.bias"
    initial_bias = drawn(training.bias, operator, by_fan=False)
    late_bias = text.arguments(shape="b.shape", dtype="b.dtype", init=initial_bias)
    options = text.arguments(
        strides=text.per_axis(spelled.stride, default=1),
        padding=text.per_axis(split.pad, default=0),
        output_padding=text.per_axis(split.back, default=0),
        dilation=text.per_axis(spelled.dilation, default=1),
        groups=str(operator.groups) if operator.groups != 1 else None,
        use_bias=None if split.own_bias else "False",
        weight_initializer=drawn(training.weights, operator, by_fan=not dilated),
        bias_initializer=initial_bias if split.own_bias else None,
        # Without it the groups are refused: "input num_filter must divide group size".
        in_channels=str(operator.in_channels),
    )
    sizes = f"{operator.out_channels}, {text.per_axis(spelled.kernel)}"
    return _program(
        operator,
        split,
        dilated,
        ["x"],
        layer=text.lines(
            f"layer = nn.Conv{operator.rank}DTranspose({sizes}{options})",
            None if dtype == "float32" else f"layer.cast('{dtype}')",
            "layer.initialize()",
            f"layer.weight.set_data({_array('w_dilated' if dilated else 'w')})",
            f"b_ = mx.gluon.Parameter('bias'{late_bias})\nb_.initialize()"
            if split.late_bias
            else None,
            f"{bias}.set_data({_array('b')})" if operator.bias else None,
        ),
        call=text.lines("y_ = layer(x_)", _after(split, "b_.data()")),
        gradients={"x": "x_.grad", "w": "layer.weight.grad()"}
        | ({"b": f"{bias}.grad()"} if operator.bias else {}),
        training=factors(training, bias if operator.bias else None),
        notes=(
            *training_notes("MXNet", training),
            *text.zeros_learn(training, in_kernel=bool(dilated)),
        ),
    )
