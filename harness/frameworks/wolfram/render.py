"""Wolfram Language: ``DeconvolutionLayer``.

https://reference.wolfram.com/language/ref/DeconvolutionLayer.html
https://reference.wolfram.com/language/ref/NetPortGradient.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from harness.convention.device import Device
from harness.convention.text import Crops, extends, lines, zeros_learn
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import SILENT, Training
from harness.frameworks.wolfram.training import drawn_text, multipliers, training_notes

# https://reference.wolfram.com/language/ref/NetChain.html, the options of net[data, opts]
_PRECISIONS: Final = {"float32": "", "float64": ', WorkingPrecision -> "Real64"'}


def render(
    operator: Operator, dtype: str, _documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program."""
    return layer(operator, dtype, SILENT)


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write an operator as a layer of a network."""
    if operator.rank > 2:
        return Unsupported(
            f"DeconvolutionLayer has kernels {{s}} and {{h, w}} only: not {operator.rank} axes.",
        )
    if dtype not in _PRECISIONS:
        return Unsupported(
            'A net computes in "Real32" or "Real64"; "Mixed", with half precision, is for GPUs and '
            f"leaves open what is computed in it: no {dtype}.",
        )
    precision = _PRECISIONS[dtype]
    zeros = _zeros(operator)
    layer = f"layer = {_constructed(operator, zeros, training)};"
    weights = f"weights = {_padded('Normal[w]', zeros)};" if zeros else ""
    return Program(
        language="wolfram",
        reason=_reason(operator) if zeros else None,
        forward=Section(weights, lines(layer, f"y = layer[x{precision}];"), ""),
        gradient=Section(
            lines(weights, 'given = <|"Input" -> x, NetPortGradient["Output"] -> dy|>;'),
            lines(layer, *_gradients(operator, precision)),
            f"dw = {_padded('Normal[dw]', _removed(zeros))};" if zeros else "",
        ),
        training=drawn_text(operator, training, partial(_padded, zeros=zeros)),
        notes=(
            *_notes(operator, dtype),
            *training_notes(training),
            *zeros_learn(training, in_kernel=bool(zeros)),
        ),
    )


def _zeros(operator: Operator) -> list[tuple[int, int]]:
    """How many zeros each end of the kernel gets, per axis, where the crop is negative.

    PaddingSize must not be.  A kernel that reaches further by zeros makes the output larger without
    touching what was there, so that bias and gradients stay the layer's own.
    """
    if not extends(operator.crop):
        return []
    axes = zip(operator.crop, operator.dilation, strict=True)
    # The dilation of an illegal operator may be zero.
    return [
        (-(min(begin, 0) // max(d, 1)), -(min(end, 0) // max(d, 1))) for (begin, end), d in axes
    ]


def _reason(operator: Operator) -> str:
    return (
        "PaddingSize must not be negative: zeros around the kernel give what crop "
        f"{operator.crop} adds."
    )


def _constructed(operator: Operator, zeros: Sequence[tuple[int, int]], training: Training) -> str:
    around = zeros or [(0, 0)] * operator.rank
    axes = list(zip(operator.kernel, operator.dilation, operator.crop, around, strict=True))
    kernel = [before + k + after for k, _, _, (before, after) in axes]
    crop = [(begin + before * d, end + after * d) for _, d, (begin, end), (before, after) in axes]
    options = {
        '"Stride"': _per_axis(operator.stride, default=1),
        '"Dilation"': _per_axis(operator.dilation, default=1),
        "PaddingSize": _padding_size(crop),
        '"ChannelGroups"': None if operator.groups == 1 else str(operator.groups),
        '"Weights"': "weights" if zeros else "w",
        '"Biases"': "b" if operator.bias else "None",
        "LearningRateMultipliers": multipliers(operator, training),
        '"Input"': "Rest[Dimensions[x]]",
    }
    rules = "".join(f", {name} -> {value}" for name, value in options.items() if value is not None)
    return f"DeconvolutionLayer[{operator.out_channels}, {_list(kernel)}{rules}]"


def _gradients(operator: Operator, precision: str) -> list[str]:
    # A gradient by a parameter is the sum over the batch, as the page on NetPortGradient says.
    ports = {"dx": "Input", "dw": "Weights"} | ({"db": "Biases"} if operator.bias else {})
    return [
        f'{name} = layer[given, NetPortGradient["{port}"]{precision}];'
        for name, port in ports.items()
    ]


def _padding_size(crop: Sequence[tuple[int, int]]) -> str | None:
    """Write a crop; of one number an axis it means both ends."""
    if all(begin == end for begin, end in crop):
        return _per_axis([begin for begin, _ in crop], default=0)
    return _list([_list(pair) for pair in crop])


def _padded(array: str, zeros: Crops) -> str:
    if not zeros:
        return array
    around = [(0, 0), (0, 0), *zeros]
    return f"ArrayPad[{array}, {_list([_list(pair) for pair in around])}]"


def _removed(zeros: Crops) -> Crops:
    return [(-begin, -end) for begin, end in zeros]


def _per_axis(values: Sequence[int], default: int) -> str | None:
    if all(value == default for value in values):
        return None
    return str(values[0]) if len(set(values)) == 1 else _list(values)


def _list(values: Sequence[object]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"


def _notes(operator: Operator, dtype: str) -> tuple[str, ...]:
    notes = []
    if any(begin != end for begin, end in operator.crop):
        notes.append(
            "PaddingSize -> {{begin, end}, ...} is in the newer edition of the page; the older one "
            "crops both ends alike."
        )
    if operator.groups != 1:
        notes.append('The text of the older edition calls "ChannelGroups" "GroupNumber".')
    if dtype == "float64":
        notes.append("The pages do not say in which precision a layer keeps its arrays.")
    return tuple(notes)
