"""LiteRT: the operators ``TRANSPOSE_CONV`` and ``CONV_3D_TRANSPOSE`` of a model.

A model is a FlatBuffer.  The text builds one with the schema that LiteRT's own package has, as its
converters do: an operator for each group, between a ``SPLIT`` and a ``CONCATENATION``.

https://ai.google.dev/edge/litert/models/ops_compatibility
https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
"""

from __future__ import annotations

from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.named_number import Named
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.frameworks.litert.graph import BUILTIN, Graph

_ONE_ROW: Final = "TRANSPOSE_CONV has two spatial axes: x_ and w_ have a height of 1, axis 1."
_FORWARD_ONLY: Final = "LiteRT runs models that are trained: it has no gradients of this operator."


def render(
    operator: Operator, dtype: str, _documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program for the builtin kernels."""
    return _rendered(operator, dtype, BUILTIN)


def render_with_xnnpack(
    operator: Operator, dtype: str, _documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program for the kernels that LiteRT chooses by itself."""
    return _rendered(operator, dtype, "")


def _rendered(operator: Operator, dtype: str, resolver: str) -> Program | Unsupported:
    if dtype != "float32":
        return Unsupported(
            "LiteRT computes TRANSPOSE_CONV and CONV_3D_TRANSPOSE of floating-point numbers in "
            f"float32 alone: no {dtype}.",
        )
    is_dilated = operator.rank < 3 and set(operator.dilation) != {1}
    spelled = text.undilated(operator) if is_dilated else operator
    padding, rest = _native_crop(spelled)
    split = text.CropSplit(spelled, rest)
    removed = [
        begin + end - rest_begin - rest_end
        for (begin, end), (rest_begin, rest_end) in zip(operator.crop, rest, strict=True)
    ]
    graph = Graph(
        spelled,
        padding,
        tuple(removed),
        bias=split.own_bias,
        weights="w_dilated" if is_dilated else "w",
        resolver=resolver,
    )
    weights = text.zero_inserted(operator) if is_dilated else ""
    definition = graph.definition()
    return Program(
        setup=text.lines(
            "import ai_edge_litert.interpreter as litert",
            "import ai_edge_litert.schema_py_generated as schema",
            "import flatbuffers",
            "import numpy as np",
            "import os",
        ),
        reason=_reason(operator, split, is_dilated=is_dilated),
        forward=Section(
            text.lines(weights, graph.arrays(), definition, graph.interpreter()),
            text.lines(
                "interpreter.set_tensor(0, x_)",
                "interpreter.invoke()",
                f"y_ = {_flat('interpreter.get_tensor(1)', operator)}",
                _after(split),
            ),
            "y = np.moveaxis(y_, -1, 1)",
        ),
        weights=weights,
        definition=definition,
        forward_only=_FORWARD_ONLY,
        notes=(_ONE_ROW,) if operator.rank == 1 else (),
    )


def _reason(operator: Operator, split: text.CropSplit, *, is_dilated: bool) -> str | None:
    reasons = text.because(
        "TRANSPOSE_CONV takes no dilations: the kernel gets the zeros written in."
        if is_dilated
        else None,
        "The operators take no groups: one for each, between SPLIT and CONCATENATION."
        if operator.groups != 1
        else None,
        f"crop {operator.crop} is not one that an output_shape can ask for: sliced or padded."
        if split.has_rest
        else None,
    )
    return " ".join(reasons) or None


def _native_crop(operator: Operator) -> tuple[str, text.Crops]:
    """Choose ``padding`` and as much of the crop as an output_shape can say.

    It is legal if the forward convolution brings it back to the input's size:
    https://github.com/google-ai-edge/LiteRT/blob/main/tflite/kernels/transpose_conv.cc
    """
    axes = list(zip(operator.crop, operator.stride, operator.effective_kernel, strict=True))
    none = ((0, 0),) * operator.rank
    if all(begin == 0 and -stride < end <= 0 for (begin, end), stride, _ in axes):
        return "VALID", none
    if all(_is_same(begin, end, stride, kernel) for (begin, end), stride, kernel in axes):
        return "SAME", none
    return "VALID", operator.crop


def _is_same(begin: int, end: int, stride: int, kernel: int) -> bool:
    """Whether ``SAME`` with the right output_shape removes exactly this, an odd one at the end.

    Of names it must be certain, whatever numbers they stand for.
    """
    odd, over = end - begin, kernel - begin - end - stride
    if isinstance(odd, Named) or isinstance(over, Named):
        return False
    is_short = over == 0 or (not isinstance(stride, Named) and 1 - stride <= over < 0)
    return is_short and begin == max(begin + end, 0) // 2


def _flat(array: str, operator: Operator) -> str:
    """Write an output without the axis that an operator of one axis has before it."""
    return f"np.squeeze({array}, 1)" if operator.rank == 1 else array


def _after(split: text.CropSplit) -> str:
    """Write the lines after the call for what is left of the crop."""
    return split.after(
        f"y_ = np.pad(y_, {[(0, 0), *text.extended(split.rest), (0, 0)]})",
        "y_ = y_ + b.reshape((1, -1))",
        channels_last=True,
    )
