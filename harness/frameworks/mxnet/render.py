"""MXNet: ``mx.nd.Deconvolution``, ``mx.sym.Deconvolution`` and ``gluon.nn.Conv{1,2,3}DTranspose``.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/legacy/ndarray/ndarray.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.convention.device import Device
from harness.convention.initializers import training_notes
from harness.convention.text import (
    Crops,
    arguments,
    because,
    extended,
    extends,
    indented,
    kept,
    lines,
    per_axis,
    removes,
    symmetric_part,
    tuple_of,
    undilated,
    zero_inserted,
    zeros_learn,
    zeros_removed,
)
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import Training
from harness.frameworks.mxnet.training import drawn, factors

_NO_DOUBLE: Final = Unsupported(
    "MXNet 1.9.1 has no float64 Deconvolution with three spatial axes on the CPU."
)


def render(
    operator: Operator, dtype: str, documented: bool, device: Device
) -> Program | Unsupported:
    """Write an operator as a program."""
    if operator.rank == 3 and dtype == "float64" and not documented and device == "cpu":
        return _NO_DOUBLE
    dilated = None if documented else _dilation_defect(operator, dtype)
    call, cropped = _call(undilated(operator) if dilated else operator, documented)
    reasons = because(dilated, cropped)
    weights = "w_dilated" if dilated else "w"
    arrays = {"x": "x", "w": weights, "b": "b"} if operator.bias else {"x": "x", "w": weights}
    there = {"cpu": "", "cuda": ", ctx=mx.gpu()"}[device]
    to_native = lines(
        zero_inserted(operator) if dilated else None,
        *(
            f"{name}_ = mx.nd.array({array}, dtype=x.dtype{there})"
            for name, array in arrays.items()
        ),
    )
    dw = "w_.grad.asnumpy()"
    return Program(
        reason=" ".join(reasons) or None,
        setup=lines("import mxnet as mx", "import numpy as np" if dilated else None),
        forward=Section(to_native, lines(call, "y_.wait_to_read()"), "y = y_.asnumpy()"),
        gradient=Section(
            lines(
                to_native,
                f"dy_ = mx.nd.array(dy, dtype=x.dtype{there})",
                *(f"{name}_.attach_grad()" for name in arrays),
            ),
            _recorded(call),
            lines(
                "dx = x_.grad.asnumpy()",
                f"dw = {zeros_removed(operator, dw) if dilated else dw}",
                "db = b_.grad.asnumpy()" if operator.bias else None,
            ),
        ),
    )


def _recorded(call: str) -> str:
    return lines(
        "with mx.autograd.record():", indented(call), "y_.backward(dy_)", "mx.nd.waitall()"
    )


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


def _call(operator: Operator, documented: bool) -> tuple[str, str | None]:
    if documented or _is_native(operator):
        return _deconvolution(operator, *_pad_and_adj(operator), bias=operator.bias), None
    common, rest = symmetric_part(operator)
    late_bias = operator.bias and extends(rest)
    bias = operator.bias and not late_bias
    call = lines(
        _deconvolution(operator, common, (0,) * operator.rank, bias=bias),
        _cropped(rest, "b_" if late_bias else None),
    )
    return call, _needs_crop(operator)


def _is_native(operator: Operator) -> bool:
    return all(
        begin >= 0 and 0 <= begin - end < stride
        for (begin, end), stride in zip(operator.crop, operator.stride, strict=True)
    )


def _pad_and_adj(operator: Operator) -> tuple[list[int], list[int]]:
    pad = [begin for begin, _ in operator.crop]
    return pad, [begin - end for begin, end in operator.crop]


def _needs_crop(operator: Operator) -> str:
    return (
        "pad crops both ends alike and adj gives back at the end only, less than the stride: "
        f"crop {operator.crop} needs a slice or a pad."
    )


def _cropped(rest: Crops, late_bias: str | None) -> str:
    """Write what is left of the crop: a pad, a slice and the bias of what was padded."""
    shape = tuple_of((1, -1, *(1,) * len(rest)))
    return lines(
        _padded(rest) if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        f"y_ = mx.nd.broadcast_add(y_, {late_bias}.reshape({shape}))" if late_bias else None,
    )


def _padded(rest: Sequence[tuple[int, int]]) -> str:
    """Write an extension; ``mx.nd.pad`` takes four or five axes only, so 1-D gets one more."""
    widths = tuple_of([0, 0, 0, 0, *(side for pair in extended(rest) for side in pair)])
    if len(rest) == 1:
        widths = tuple_of([0, 0, 0, 0, 0, 0, *extended(rest)[0]])
        padded = f"mx.nd.pad(y_.expand_dims(2), mode='constant', pad_width={widths})"
        return f"y_ = {padded}.squeeze(axis=2)"
    return f"y_ = mx.nd.pad(y_, mode='constant', pad_width={widths})"


def _deconvolution(
    operator: Operator, pad: Sequence[int], adj: Sequence[int], *, bias: bool
) -> str:
    options = arguments(
        kernel=tuple_of(operator.kernel),
        stride=_unless(operator.stride, 1),
        dilate=_unless(operator.dilation, 1),
        pad=_unless(pad, 0),
        adj=_unless(adj, 0),
        num_filter=str(operator.out_channels),
        num_group=str(operator.groups) if operator.groups != 1 else None,
        # The parameter defaults to True: https://github.com/apache/mxnet/issues/7461
        no_bias=str(not bias),
    )
    return f"y_ = mx.nd.Deconvolution(x_, w_{', b_' if bias else ''}{options})"


def _unless(values: Sequence[int], default: int) -> str | None:
    return None if set(values) == {default} else tuple_of(values)


# The layer.


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write an operator as a layer of a network."""
    if operator.rank == 3 and dtype == "float64":
        return _NO_DOUBLE
    dilated = _dilation_defect(operator, dtype)
    spoken = undilated(operator) if dilated else operator
    pad, adj, rest = _split(spoken)
    late_bias = operator.bias and extends(rest)
    bias = "b_" if late_bias else "layer.bias"
    made = lines(
        _constructed(
            spoken,
            pad,
            adj,
            weights=drawn(training.weights, operator, by_fan=not dilated),
            bias=operator.bias and not late_bias,
            biases=drawn(training.bias, operator, by_fan=False),
        ),
        None if dtype == "float32" else f"layer.cast('{dtype}')",
        "layer.initialize()",
        f"layer.weight.set_data(mx.nd.array({'w_dilated' if dilated else 'w'}, dtype=x.dtype))",
        _late_parameter(operator, training) if late_bias else None,
        f"{bias}.set_data(mx.nd.array(b, dtype=x.dtype))" if operator.bias else None,
    )
    applied = lines("y_ = layer(x_)", _cropped(rest, "b_.data()" if late_bias else None))
    to_native = lines(
        zero_inserted(operator) if dilated else None, "x_ = mx.nd.array(x, dtype=x.dtype)"
    )
    dw = "layer.weight.grad().asnumpy()"
    reasons = because(dilated, None if _is_native(spoken) else _needs_crop(spoken))
    return Program(
        reason=" ".join(reasons) or None,
        setup=lines(
            "import mxnet as mx",
            "from mxnet.gluon import nn",
            "import numpy as np" if dilated else None,
        ),
        forward=Section(to_native, lines(made, applied, "y_.wait_to_read()"), "y = y_.asnumpy()"),
        gradient=Section(
            lines(to_native, "dy_ = mx.nd.array(dy, dtype=x.dtype)", "x_.attach_grad()"),
            lines(made, _recorded(applied)),
            lines(
                "dx = x_.grad.asnumpy()",
                f"dw = {zeros_removed(operator, dw) if dilated else dw}",
                f"db = {bias}.grad().asnumpy()" if operator.bias else None,
            ),
        ),
        training=factors(training, bias if operator.bias else None),
        notes=(*training_notes("MXNet", training), *zeros_learn(training, in_kernel=bool(dilated))),
    )


def _split(operator: Operator) -> tuple[Sequence[int], Sequence[int], Crops]:
    """Give pad, adj and the rest of the crop, which is for a slice or a pad."""
    if _is_native(operator):
        return *_pad_and_adj(operator), ((0, 0),) * operator.rank
    common, rest = symmetric_part(operator)
    return common, (0,) * operator.rank, rest


def _constructed(
    operator: Operator,
    pad: Sequence[int],
    adj: Sequence[int],
    *,
    weights: str | None,
    bias: bool,
    biases: str | None,
) -> str:
    options = arguments(
        strides=per_axis(operator.stride, default=1),
        padding=per_axis(pad, default=0),
        output_padding=per_axis(adj, default=0),
        dilation=per_axis(operator.dilation, default=1),
        groups=str(operator.groups) if operator.groups != 1 else None,
        use_bias=None if bias else "False",
        weight_initializer=weights,
        bias_initializer=biases if bias else None,
        # Without it the groups are refused: "input num_filter must divide group size".
        in_channels=str(operator.in_channels),
    )
    layer = f"nn.Conv{operator.rank}DTranspose"
    return f"layer = {layer}({operator.out_channels}, {per_axis(operator.kernel)}{options})"


def _late_parameter(operator: Operator, training: Training) -> str:
    biases = drawn(training.bias, operator, by_fan=False)
    options = arguments(shape="b.shape", dtype="x.dtype", init=biases)
    return f"b_ = mx.gluon.Parameter('bias'{options})\nb_.initialize()"
