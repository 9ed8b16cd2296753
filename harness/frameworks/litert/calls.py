"""LiteRT's operators, as a text that builds a model, or a model's file, holds them.

The classes of the schema have the padding and the strides; ``output_shape``, which chooses the
crop, is an input of the operator.

https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
https://github.com/google-ai-edge/LiteRT/blob/main/tflite/kernels/transpose_conv.cc
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shown
from harness.core.operators import Operator, Sizes
from harness.syntax.callsite import Application, CallSite
from harness.syntax.tree import Argument, Call, Name, Value, calls, last_name, names_in
from harness.syntax.weights_before_the_call import zeros_inserted

_DOCS: Final = "https://ai.google.dev/edge/litert/models/ops_compatibility"
_SCHEMA: Final = "ai_edge_litert.schema_py_generated"
_SHAPE: Final = "output_shape"
PADDINGS: Final = ("SAME", "VALID")  # By their numbers in the schema
_ACTIVATIONS: Final = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_ARRAY: Final = re.compile(r"([^\W\d]\w*)\.shape\b")
# Sizes of an input that the text does not show: a crop that all of them have is that of any.
_SAMPLES: Final = ((7, 11, 13), (16, 9, 20), (53, 40, 31))


# What the operators compute.


@dataclass(frozen=True)
class Options:
    """What an operator is given besides its arrays and its ``output_shape``."""

    padding: str
    stride: Sizes
    dilation: Sizes
    bias: bool
    groups: int = 1  # Operators that share the channels


def read_operator(given: Arguments, weight: Sizes | None, options: Options) -> Reading:
    """Read an operator whose ``output_shape`` is among the arguments.

    ``weight`` is the canonical shape of the weights, where it is known without the user.
    """
    asked = given.value(_SHAPE)
    last = asked[-1] if isinstance(asked, tuple) and asked else None
    outputs = last * options.groups if type(last) is int else None
    reading = given.reading(
        given.channels_and_kernel(None, outputs, None, options.groups, weight),
        stride=options.stride,
        dilation=options.dilation,
        groups=options.groups,
        crop=None,
        bias=options.bias,
        channels_last=True,
    )
    crops = {
        _crop(given, reading.operator, in_size, options.padding)
        for in_size in _in_sizes(given, reading.operator, options.padding)
    }
    if len(crops) != 1:
        given.in_size(_SHAPE)
    return given.cropped(reading, crops.pop())


def _in_sizes(given: Arguments, operator: Operator, padding: str) -> Iterator[Sizes]:
    """Yield the input's size, or some that it may have where nothing shows it."""
    asked, rank = given.value(_SHAPE), operator.rank
    if given.supplied.input is not None:
        yield given.supplied.input[2:]
    elif isinstance(asked, tuple) and all(type(size) is int for size in asked[-rank - 1 : -1]):
        # The forward convolution makes one size of it.
        axes = zip(
            _spatial(given, asked, rank), operator.stride, operator.effective_kernel, strict=True
        )
        yield tuple(
            -(-out // stride) if padding == "SAME" else (out - kernel) // stride + 1
            for out, stride, kernel in axes
        )
    else:
        yield from (sample[:rank] for sample in _SAMPLES)


def _spatial(given: Arguments, asked: Value, rank: int) -> Sizes:
    """Return the spatial sizes of an output_shape; of a single axis, the last."""
    axes = 2 if rank == 1 else rank
    if not isinstance(asked, tuple) or len(asked) != axes + 2:
        raise given.error(f"{_SHAPE} {shown(asked)} has to have {axes + 2} sizes.", _SHAPE)
    column = given.given[_SHAPE].column
    sizes = integers(_SHAPE, asked[1:-1], column)
    if axes != rank and sizes[0] != 1:
        raise given.error(
            f"{_SHAPE} {shown(asked)} has {sizes[0]} rows, and an input of one axis has one.",
            _SHAPE,
        )
    return sizes[-rank:]


def _crop(given: Arguments, operator: Operator, in_size: Sizes, padding: str) -> Pairs:
    """Return the crop to the output's shape, as TensorFlow's operators choose it."""
    row = (1,) if operator.rank == 1 else ()
    x_shape = (1, *row, *in_size, operator.in_channels)
    names = names_in(given.value(_SHAPE))
    arrays = {name for each in names for name in _ARRAY.findall(each.text)}
    asked = given.with_shapes(dict.fromkeys(arrays, x_shape)).value(_SHAPE)
    axes = zip(
        in_size,
        _spatial(given, asked, operator.rank),
        operator.full_size(in_size),
        operator.stride,
        operator.effective_kernel,
        strict=True,
    )
    crop = []
    for n, out, full, stride, kernel in axes:
        if padding == "SAME":
            steps = -(-out // stride)
            begin = max(stride * (steps - 1) + kernel - out, 0) // 2
            fits = steps == n
        else:
            begin, fits = 0, full <= out < full + stride
        if not fits:
            raise given.error(
                f"{_SHAPE}: an input of {n} does not give {out} with stride {stride}, kernel "
                f"{kernel} and padding {padding}."
            )
        crop.append((begin, full - out - begin))
    return tuple(crop)


# A text that builds a model.


_PADDING: Final = Parameter(
    "padding",
    "schema.Padding.VALID: nothing is cropped at the beginning; SAME: half of the crop, rounded "
    "down. The operator's input output_shape chooses how much",
    0,
    pitfall="XNNPACK, the default delegate, takes any output_shape with VALID and returns another.",
)
_ACTIVATION: Final = Parameter(
    "fusedActivationFunction", "what is applied to the output: keep it after the operator", 0
)


_FLAT: Final = (
    _PADDING,
    Parameter("strideW", "stride along the width", 0),
    Parameter("strideH", "stride along the height; 1 for a single axis", 0),
    _ACTIVATION,
    Parameter("quantizedBiasType", "type of a quantised operator's bias", 0, ignored=True),
)
_VOLUME: Final = (
    _PADDING,
    *(
        Parameter(f"stride{letter}", f"stride along the {axis}", 0)
        for letter, axis in (("D", "depth"), ("W", "width"), ("H", "height"))
    ),
    _ACTIVATION,
    *(
        Parameter(f"dilation{letter}Factor", f"dilation along the {axis}", 1)
        for letter, axis in (("D", "depth"), ("W", "width"), ("H", "height"))
    ),
)


def _read_options(given: Arguments) -> Reading:
    """Read the options of an operator in a text, with what the text says of its inputs."""
    given = _with_rank(given)
    rank = given.form.rank or 2
    letters = "DHW"[-rank:]
    if rank == 1 and given.integer("strideH", least=0) > 1:
        raise given.error("strideH is 1 for a single axis, which is the width.", "strideH")
    nodes = [call for call in given.site.code.calls if last_name(call) == "OperatorT"]
    own = [node for node in nodes if _is_given(node, given.site)]
    inputs = own[0].named.get("inputs") if own else None
    options = Options(
        _padding(given),
        tuple(given.integer(f"stride{letter}") for letter in letters),
        tuple(given.integer(f"dilation{letter}Factor") for letter in letters)
        if rank == 3
        else zeros_inserted(given.site) or (1,) * rank,
        bias=isinstance(inputs, tuple) and len(inputs) > 3,
        groups=_groups(given.site),
    )
    reading = read_operator(_with_shape(given), None, options)
    return replace(reading, notes=(*_notes(given, own), *reading.notes))


def _with_rank(given: Arguments) -> Arguments:
    """Return the same with the number of axes: an operator of two serves one, with one row."""
    if given.form.rank == 3:
        return given
    shape = given.supplied.weight or given.supplied.input
    rank = 1 if shape is not None and len(shape) == 3 else 2
    return replace(given, form=replace(given.form, rank=rank))


def _with_shape(given: Arguments) -> Arguments:
    """Return the same with what the text calls output_shape."""
    value = given.assigned.get(_SHAPE)
    if value is None:
        raise given.error(
            "the text does not hold the operator's output_shape, which chooses the crop: write "
            "output_shape = (n, height, width, channels) above it."
        )
    argument = Argument(_SHAPE, value, given.site.call.column)
    return replace(given, given={**given.given, _SHAPE: argument})


def _padding(given: Arguments) -> str:
    """Return the word for ``schema.Padding.VALID``, or for its number."""
    value = given.value("padding")
    word = value.text.rpartition("Padding.")[2] if isinstance(value, Name) else value
    if type(word) is int and 0 <= word < len(PADDINGS):
        return PADDINGS[word]
    if word not in PADDINGS:
        raise given.error(
            f"padding must be Padding.SAME (0) or Padding.VALID (1), found {shown(value)}.",
            "padding",
        )
    return str(word)


def _is_given(node: Call, site: CallSite) -> bool:
    """Whether a node has the options that a call makes."""
    options = node.named.get("builtinOptions")
    if isinstance(options, Name):
        return options.text == site.name
    return options is site.call


def _groups(site: CallSite) -> int:
    """Return how many operators share the channels, where the text splits its input."""
    splits = [call for call in site.code.calls if last_name(call) == "SplitOptionsT"]
    # The same call is there for each statement that its value comes to.
    counts = {count for call in splits for count in call.parts[1:] if type(count) is int}
    return counts.pop() if len(counts) == 1 else 1


def _notes(given: Arguments, nodes: Sequence[Call]) -> Iterator[str]:
    if not nodes:
        yield (
            "The text holds no OperatorT with these options: it is taken for one without a bias."
        )
    activation = given.value("fusedActivationFunction")
    if isinstance(activation, Name):
        activation = activation.text.rpartition(".")[2]
    if activation not in (0, "NONE"):
        yield fused(activation)
    texts = {
        name.text.rpartition(".")[2]
        for statement in given.site.code.statements
        for name in names_in(statement.value)
    }
    if given.form.rank == 3 and "CONV_3D_TRANSPOSE" not in texts:
        if "CONV_3D" in texts:
            raise given.error("this is a CONV_3D, which is no transposed convolution.")
        yield "Conv3DOptionsT is taken for that of CONV_3D_TRANSPOSE, which CONV_3D has too."


def fused(activation: object) -> str:
    """Note what an operator applies to its output, by its name or its number."""
    if type(activation) is int and 0 <= activation < len(_ACTIVATIONS):
        activation = _ACTIVATIONS[activation]
    return f"{activation} is fused: keep it after the operator; it is not part of it."


def _output(site: CallSite) -> Application | None:
    """Find the call that returns the model's output, or drops its one row."""
    for statement in site.after:
        value = statement.value
        if not isinstance(value, Call):
            continue
        if any(last_name(call) == "get_tensor" for call in calls(value)):
            is_plain = last_name(value) in {"get_tensor", "squeeze"}
            return Application(value, statement) if is_plain else None
    return None


FORMS: Final = (
    Form(
        f"{_SCHEMA}.TransposeConvOptionsT",
        ("schema.TransposeConvOptionsT",),
        "function",
        None,
        _FLAT,
        _DOCS,
        _read_options,
        _output,
    ),
    Form(
        f"{_SCHEMA}.Conv3DOptionsT",
        ("schema.Conv3DOptionsT",),
        "function",
        3,
        _VOLUME,
        _DOCS,
        _read_options,
        _output,
    ),
)
