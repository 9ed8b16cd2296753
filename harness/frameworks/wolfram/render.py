"""Wolfram Language: ``DeconvolutionLayer``.

https://reference.wolfram.com/language/ref/DeconvolutionLayer.html
https://reference.wolfram.com/language/ref/NetPortGradient.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from harness.convention.device import Device
from harness.convention.text import (
    Crops,
    because,
    divided_at,
    extends,
    layout_axes,
    lines,
    opened,
    per_axis,
    unflipped,
    with_zeros_around,
    zeros_around,
    zeros_learn,
)
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import SILENT, TRUNCATED_DEVIATION, Initializer, Training

# https://reference.wolfram.com/language/ref/NetChain.html, the options of net[data, opts]
_PRECISIONS: Final = {"float32": "", "float64": ', WorkingPrecision -> "Real64"'}

ASSUMED_WEIGHTS: Final = (
    "Weights {in channels, out channels / groups, h, w}, not flipped, are assumed: the documents "
    "do not say, and MXNet, which computes the nets, takes them so."
)
_NO_DECAY: Final = (
    "DeconvolutionLayer has no factors of L2 regularisation: NetTrain's Method takes "
    '"L2Regularization", for the whole net.'
)


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
    # A gradient by a parameter is the sum over the batch, as the page on NetPortGradient says.
    ports = {"dx": "Input", "dw": "Weights"} | ({"db": "Biases"} if operator.bias else {})
    gradients = (
        f'{name} = layer[given, NetPortGradient["{port}"]{precision}];'
        for name, port in ports.items()
    )
    zeros = zeros_around(operator) if extends(operator.crop) else []
    layer = f"layer = {_constructed(operator, training)};"
    weights = f"weights = {_padded('Normal[w]', zeros)};" if zeros else ""
    return Program(
        language="wolfram",
        reason=(
            "PaddingSize must not be negative: zeros around the kernel give what crop "
            f"{operator.crop} adds."
        )
        if zeros
        else None,
        forward=Section(weights, lines(layer, f"y = layer[x{precision}];"), ""),
        gradient=Section(
            lines(weights, 'given = <|"Input" -> x, NetPortGradient["Output"] -> dy|>;'),
            lines(layer, *gradients),
            f"dw = {_padded('Normal[dw]', [(-begin, -end) for begin, end in zeros])};"
            if zeros
            else "",
        ),
        weights=weights,
        training=_drawn_text(operator, training, partial(_padded, zeros=zeros)),
        notes=(
            *_notes(operator, dtype),
            *because(_NO_DECAY if training.has_decay else None),
            *zeros_learn(training, in_kernel=bool(zeros)),
        ),
    )


def _constructed(operator: Operator, training: Training) -> str:
    wider = with_zeros_around(operator)
    options = {
        '"Stride"': per_axis(operator.stride, 1, _list),
        '"Dilation"': per_axis(operator.dilation, 1, _list),
        "PaddingSize": _padding_size(wider.crop),
        '"ChannelGroups"': None if operator.groups == 1 else str(operator.groups),
        '"Weights"': "weights" if extends(operator.crop) else "w",
        '"Biases"': "b" if operator.bias else "None",
        "LearningRateMultipliers": _multipliers(operator, training),
        '"Input"': "Rest[Dimensions[x]]",
    }
    rules = "".join(f", {name} -> {value}" for name, value in options.items() if value is not None)
    return f"DeconvolutionLayer[{operator.out_channels}, {_list(wider.kernel)}{rules}]"


def _padding_size(crop: Sequence[tuple[int, int]]) -> str | None:
    """Write a crop; of one number an axis it means both ends."""
    if all(begin == end for begin, end in crop):
        return per_axis([begin for begin, _ in crop], 0, _list)
    return _list([_list(pair) for pair in crop])


def _padded(array: str, zeros: Crops) -> str:
    if not zeros:
        return array
    around = [(0, 0), (0, 0), *zeros]
    return f"ArrayPad[{array}, {_list([_list(pair) for pair in around])}]"


def _list(values: Sequence[object]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"


def _notes(operator: Operator, dtype: str) -> tuple[str, ...]:
    notes = []
    if any(begin != end for begin, end in with_zeros_around(operator).crop):
        notes.append(
            "PaddingSize -> {{begin, end}, ...} is in the newer edition of the page; the older one "
            "crops both ends alike."
        )
    if operator.groups != 1:
        notes.append('The text of the older edition calls "ChannelGroups" "GroupNumber".')
    if dtype == "float64":
        notes.append("The pages do not say in which precision a layer keeps its arrays.")
    return (*notes, ASSUMED_WEIGHTS)


def _multipliers(operator: Operator, training: Training) -> str | None:
    """Write LearningRateMultipliers; ``None`` where training says nothing of rates.

    >>> operator = Operator.of(3, 5, (7, 7))
    >>> _multipliers(operator, Training(weights_rate=2.0, bias_rate=0.0))
    '{"Weights" -> 2.0, "Biases" -> 0.0}'
    """
    rates = {"Weights": training.weights_rate}
    if operator.bias:
        rates["Biases"] = training.bias_rate
    parts = [f'"{name}" -> {_real(rate)}' for name, rate in rates.items() if rate is not None]
    return "{" + ", ".join(parts) + "}" if parts else None


def _drawn_text(operator: Operator, training: Training, padded: Callable[[str], str]) -> str:
    """Write what puts first weights and biases of the asked-for variance into the layer.

    ``padded`` puts an array between the zeros that the layer's kernel has around it.
    """
    weights, biases = training.weights, training.bias
    dims = "{" + ", ".join(map(str, operator.weight_shape)) + "}"
    rules = because(
        f'"Weights" -> {padded(_drawing(weights, operator, dims))}' if weights else None,
        f'"Biases" -> {_drawing(biases, operator, f"{{{operator.out_channels}}}")}'
        if biases
        else None,
    )
    return f"layer = NetReplacePart[layer, {{{', '.join(rules)}}}];" if rules else ""


def _drawing(wanted: Initializer, operator: Operator, dims: str) -> str:
    deviation = wanted.deviation(operator)
    if wanted.distribution == "constant" or wanted.scale == 0:
        return f"ConstantArray[{_real(wanted.scale)}, {dims}]"
    if wanted.distribution == "uniform":
        bound = _real(wanted.bound(operator))
        return f"RandomReal[{{-{bound}, {bound}}}, {dims}]"
    if wanted.distribution == "truncated_normal":
        sigma = deviation / TRUNCATED_DEVIATION
        ends = f"{{-{_real(2 * sigma)}, {_real(2 * sigma)}}}"
        normal = f"NormalDistribution[0, {_real(sigma)}]"
        return f"RandomVariate[TruncatedDistribution[{ends}, {normal}], {dims}]"
    return f"RandomVariate[NormalDistribution[0, {_real(deviation)}], {dims}]"


def _real(number: float) -> str:
    """Write a number; the language's exponents follow ``*^``."""
    return repr(float(number)).replace("e", "*^")


# Weights and biases of other frameworks.


def permuted(name: str, before: str, after: str, groups: int) -> str:
    """Write the permutation of an array.

    >>> permuted("w", "hwIO", "IOHW", 1)
    'Transpose[Reverse[w, {1, 2}], {3, 4, 1, 2}]'
    """
    source, parts = layout_axes(before), opened(before, after)[0]
    written = name
    if parts != source:
        at = divided_at(source, parts) + 1
        sizes = f"MapAt[{{{groups}, #/{groups}}} &, Dimensions[{name}], {at}]"
        written = f"ArrayReshape[{name}, Flatten[{sizes}]]"
    parts, flips = unflipped(parts, after)
    if flips:
        written = f"Reverse[{written}, {{{', '.join(str(axis + 1) for axis in flips)}}}]"
    if "G" in parts and "G" not in after:
        # Flatten permutes and merges levels at once; levels count from 1.
        levels = ("GI" if letter == "I" else letter for letter in after)
        wanted = (", ".join(str(parts.index(one) + 1) for one in level) for level in levels)
        return f"Flatten[{written}, {{{', '.join(f'{{{level}}}' for level in wanted)}}}]"
    # Transpose takes where each level goes, not where it comes from:
    # https://reference.wolfram.com/language/ref/Transpose.html
    goes = ", ".join(str(after.index(letter) + 1) for letter in parts)
    return f"Transpose[{written}, {{{goes}}}]"


def bias_reshaped(name: str, before: int, after: int) -> str:
    """Write a bias as the vector that a layer takes."""
    return name if before == after else f"Flatten[{name}]"
