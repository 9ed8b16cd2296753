"""OpenVINO: ``ConvolutionBackpropData`` and ``GroupConvolutionBackpropData`` of its operation sets.

A model is built, compiled and called.  Groups are an operation of their own, whose weights have an
axis for them.

https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets/operation-specs/convolution/convolution-backprop-data-1.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.spoken import Layout, Spoken
from harness.core.named_number import Named
from harness.core.operators import IllegalOperator, Operator
from harness.core.program import Program, Section, Unsupported
from harness.frameworks.openvino.naming import name_of

_NO_DOUBLE: Final = Unsupported(
    "OpenVINO computes float64 tensors in float32 and returns them as float64, without saying so."
)
_FORWARD_ONLY: Final = "OpenVINO runs models that are trained: it has no gradients."
_LIMITS: Final = "pads_begin crops and must not be negative"
_POINTWISE: Final = (
    "OpenVINO 2026.4 ignores the pads of a kernel of 1 with strides of 1 where the output is as "
    "large as the input"
)
# It reads no environment variable for its threads; 0 is its default.  The type that it computes in
# would follow the processor: https://docs.openvino.ai/2026/openvino-workflow/running-inference/\
# optimize-inference/precision-control.html
_SETUP: Final = """\
import os
import openvino as ov
import openvino.opset13 as ops
threads = int(os.environ.get("OMP_NUM_THREADS", 0))
config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}"""

_MADE_OF_BITS: Final = """\
def bfloat16(bits):
    return ov.Tensor(bits.view("uint16"), bits.shape, ov.Type.bf16)"""
_BITS_BACK: Final = """\
if model.output(0).element_type == ov.Type.bf16:
    y = y.view("uint16")"""
_CONSTANT: Final = "ops.constant(bfloat16({}))"
_AS_BITS: Final = (
    "OpenVINO gives bfloat16 as an array of float16 with other numbers: y has the bits, and with "
    "the package ml_dtypes y.view('bfloat16') the numbers."
)


def render(
    operator: Operator, dtype: str, documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program."""
    if dtype == "float64" and not documented:
        return _NO_DOUBLE
    split = _documented_split(operator) if documented else _split_crop(operator)
    return _program(operator, dtype, split, _options(_words(split)))


def render_named(
    operator: Operator, dtype: str, documented: bool, device: Device
) -> Program | Unsupported:
    """Write an operator as a program whose crop has a name, where it has one."""
    crop = name_of(operator)
    if crop is None or (dtype == "float64" and not documented):
        return render(operator, dtype, documented, device)
    whole = _split(operator, [False] * operator.rank)
    words = {name: _words(whole)[name] for name in ("strides", "dilations")}
    return _program(operator, dtype, whole, _options(words) + text.arguments(**crop))


def _program(operator: Operator, dtype: str, split: text.CropSplit, options: str) -> Program:
    bias = f"b.reshape({_bias_shape(operator)})"
    is_bits = dtype == "bfloat16"
    definition = text.lines(
        f"y_ = ops.{_function(operator)}(x_, w_{options})",
        _after(split),
        f"y_ = ops.add(y_, {'b_' if is_bits else bias})" if operator.bias else None,
        'model = ov.compile_model(ov.Model([y_], [x_]), "CPU", config)',
    )
    return Program(
        setup=_SETUP,
        reason=split.reason(_POINTWISE if is_pointwise(operator) else _LIMITS),
        forward=Section(
            text.lines(
                _MADE_OF_BITS if is_bits else None,
                f"x_ = ops.parameter(x.shape, {'ov.Type.bf16' if is_bits else 'x.dtype'})",
                f"w_ = {(_CONSTANT if is_bits else '{}').format(_grouped('w', operator))}",
                f"b_ = {_CONSTANT.format(bias)}" if operator.bias and is_bits else None,
                definition,
                "x_tensor = bfloat16(x)" if is_bits else None,
            ),
            f"y = model({'x_tensor' if is_bits else 'x'})[0]",
            # It comes as if its bits were a float16's.
            _BITS_BACK if is_bits else "",
        ),
        notes=(_AS_BITS,) if is_bits else (),
        definition=definition,
        forward_only=_FORWARD_ONLY,
    )


def _split_crop(operator: Operator) -> text.CropSplit:
    """Put in the call what is removed, and leave an extension at the beginning to a pad.

    >>> split = _split_crop(Operator.of(1, 1, (3, 3), crop=((2, -1), (-1, 1))))
    >>> split.pad, split.back, split.rest
    ((2, 0), (3, 0), ((0, 0), (-1, 1)))
    """
    ignored = is_pointwise(operator)
    return _split(operator, [begin < 0 or ignored for begin, _ in operator.crop])


def _documented_split(operator: Operator) -> text.CropSplit:
    """Put in the call what may stand there; all of an illegal operator, which is to be refused."""
    is_illegal = isinstance(operator, IllegalOperator)
    return _split(operator, [begin < 0 and not is_illegal for begin, _ in operator.crop])


def _split(operator: Operator, is_left: Sequence[bool]) -> text.CropSplit:
    """Leave the whole crop of some axes to lines after the call.

    Before an axis is extended at its beginning there may be less than what its end removes.
    """
    axes = list(zip(operator.crop, is_left, strict=True))
    return text.CropSplit(
        operator,
        tuple(pair if left else (0, 0) for pair, left in axes),
        tuple(0 if left else begin for (begin, _), left in axes),
        tuple(0 if left else begin - end for (begin, end), left in axes),
    )


def is_pointwise(operator: Operator) -> bool:
    """Whether the pads would be ignored, which only shift the output."""
    sizes = {*operator.kernel, *operator.stride}
    return sizes == {1} and all(begin == -end for begin, end in operator.crop)


def _function(operator: Operator) -> str:
    return f"{'group_' if operator.groups > 1 else ''}convolution_backprop_data"


def _grouped(name: str, operator: Operator) -> str:
    """Write the weights in the layout of the operation."""
    if operator.groups == 1:
        return name
    return f"{name}.reshape({operator.groups}, -1, *{name}.shape[1:])"


def _bias_shape(operator: Operator) -> str:
    return ", ".join(["1", "-1", *("1",) * operator.rank])


# What is taken for each axis if an argument is left out.
_DEFAULTS: Final = {"pads_begin": 0, "pads_end": 0, "dilations": 1, "output_padding": 0}


def _words(split: text.CropSplit) -> dict[str, Sequence[int]]:
    """Return the arguments after the arrays, one number for each axis."""
    axes = list(zip(split.pad, split.back, strict=True))
    return {
        "strides": split.operator.stride,
        "pads_begin": split.pad,
        # Neither this nor output_padding is documented to be negative.
        "pads_end": [begin - min(back, 0) for begin, back in axes],
        "dilations": split.operator.dilation,
        "output_padding": [max(back, 0) for _, back in axes],
    }


def _options(words: Mapping[str, Sequence[int]]) -> str:
    given = {
        name: None if _is_default(values, _DEFAULTS.get(name)) else str([*values])
        for name, values in words.items()
    }
    return text.arguments(**given)


def _is_default(values: Sequence[int], default: int | None) -> bool:
    return all(value == default and not isinstance(value, Named) for value in values)


def _after(split: text.CropSplit) -> str | None:
    """Write the line that extends, and crops, what the call leaves."""
    if not split.has_rest:
        return None
    begins, ends = ([0, 0, *(-pair[side] for pair in split.rest)] for side in (0, 1))
    return f'y_ = ops.pad(y_, {begins}, {ends}, "constant")'


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of both functions after the arrays; a bias is added to what they return.

    With groups the weights have an axis for them.
    """
    split = _documented_split(operator)
    layout = Layout()
    if operator.groups > 1:
        layout = Layout(w=_grouped("{0}", operator), w_back="{0}.reshape(-1, *{0}.shape[2:])")
    return Spoken(
        split,
        {name: str([*values]) for name, values in _words(split).items()},
        reason=split.reason(_LIMITS),
        no_bias="",
        layout=layout,
    )
