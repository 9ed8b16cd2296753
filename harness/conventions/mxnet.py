"""MXNet: ``mx.nd.Deconvolution``.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/legacy/ndarray/ndarray.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.conventions._convention import (
    Convention,
    arguments,
    because,
    extended,
    extends,
    indented,
    kept,
    lines,
    removes,
    symmetric_part,
    tuple_of,
    undilated,
    zero_inserted,
    zeros_removed,
)
from harness.operator import Operator
from harness.program import Program, Section, Unsupported


def _render(operator: Operator, dtype: str, documented: bool) -> Program | Unsupported:
    if operator.rank == 3 and dtype == "float64" and not documented:
        return Unsupported(
            "mxnet", "MXNet 1.9.1 has no float64 Deconvolution with three spatial axes on the CPU."
        )
    dilated = None if documented else _dilation_defect(operator, dtype)
    call, cropped = _call(undilated(operator) if dilated else operator, documented)
    reasons = because(dilated, cropped)
    weights = "w_dilated" if dilated else "w"
    arrays = {"x": "x", "w": weights, "b": "b"} if operator.bias else {"x": "x", "w": weights}
    to_native = lines(
        zero_inserted(operator) if dilated else None,
        *(f"{name}_ = mx.nd.array({array}, dtype=x.dtype)" for name, array in arrays.items()),
    )
    dw = "w_.grad.asnumpy()"
    return Program(
        framework="mxnet",
        language="python",
        support="rewritten" if reasons else "native",
        reason=" ".join(reasons) or None,
        setup=lines("import mxnet as mx", "import numpy as np" if dilated else None),
        forward=Section(to_native, lines(call, "y_.wait_to_read()"), "y = y_.asnumpy()"),
        gradient=Section(
            lines(
                to_native,
                "dy_ = mx.nd.array(dy, dtype=x.dtype)",
                *(f"{name}_.attach_grad()" for name in arrays),
            ),
            lines(
                "with mx.autograd.record():",
                indented(call),
                "y_.backward(dy_)",
                "mx.nd.waitall()",
            ),
            lines(
                "dx = x_.grad.asnumpy()",
                f"dw = {zeros_removed(operator, dw) if dilated else dw}",
                "db = b_.grad.asnumpy()" if operator.bias else None,
            ),
        ),
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
    native = documented or all(
        begin >= 0 and 0 <= begin - end < stride
        for (begin, end), stride in zip(operator.crop, operator.stride, strict=True)
    )
    if native:
        pad = [begin for begin, _ in operator.crop]
        adj = [begin - end for begin, end in operator.crop]
        return _deconvolution(operator, pad, adj, bias=operator.bias), None
    common, rest = symmetric_part(operator)
    late_bias = operator.bias and extends(rest)
    call = lines(
        _deconvolution(
            operator, common, (0,) * operator.rank, bias=operator.bias and not late_bias
        ),
        _pad(rest) if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        f"y_ = mx.nd.broadcast_add(y_, b_.reshape({tuple_of((1, -1, *(1,) * operator.rank))}))"
        if late_bias
        else None,
    )
    return call, (
        "pad crops both ends alike and adj gives back at the end only, less than the stride: "
        f"crop {operator.crop} needs a slice or a pad."
    )


def _pad(rest: Sequence[tuple[int, int]]) -> str:
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


CONVENTION: Final = Convention(
    name="mxnet",
    title="MXNet",
    distribution="mxnet",
    module="mxnet",
    weights="IOHW",
    render=_render,
    environ={"MXNET_CPU_WORKER_NTHREADS": "1", "MXNET_SUBGRAPH_VERBOSE": "0"},
)
