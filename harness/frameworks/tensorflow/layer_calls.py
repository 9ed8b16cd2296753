"""The meaning of Keras's calls: ``Conv{1,2,3}DTranspose``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.core.errors import Ask, named
from harness.core.operators import Operator, Sizes
from harness.frameworks.tensorflow.layer import crop_of, output_padding_error
from harness.frameworks.tensorflow.layer_inputs import (
    activation_notes,
    configured_layout,
    input_of,
    input_source,
    with_batch,
)
from harness.frameworks.tensorflow.training import read_training

_BEFORE: Final = (
    Parameter("filters", "output channels", aliases=("nb_filter",), role="out_channels"),
    Parameter("kernel_size", "kernel", role="kernel"),
    Parameter("strides", "stride", 1, pitfall="With dilation_rate > 1 only 1 is accepted."),
    Parameter(
        "padding",
        "'valid': no crop; 'same': an output of input * strides, crop kernel - strides of which "
        "an odd element is taken from the end",
        "valid",
        pitfall="Without output_padding, strides larger than the kernel extend the end up to "
        "input * strides, with either padding.",
    ),
)
_OUTPUT_PADDING: Final = Parameter(
    "output_padding",
    "chooses the output: 'valid' gives crop (0, -output_padding); 'same' a total crop of "
    "kernel - kernel % 2 - output_padding, half of it, rounded down, at the beginning",
    None,
    pitfall="None is not 0. Less than strides. 0 with 'same' and an even kernel is refused by "
    "TensorFlow, not by other backends.",
)
_DATA_FORMAT: Final = Parameter(
    "data_format",
    "layout of the data: 'channels_last', NHWC, or 'channels_first', NCHW; weights are HWOI in "
    "both",
    None,
    assumable=True,
    pitfall="None takes the configuration's, channels_last if it was never changed.",
)
_AFTER: Final = (
    Parameter("dilation_rate", "dilation", 1),
    Parameter("activation", "applied to the output; not part of the operator", None),
    Parameter("use_bias", "whether there is a bias", True, aliases=("bias",), assumable=True),
    Parameter(
        "kernel_initializer",
        "how the weights are drawn",
        "glorot_uniform",
        pitfall="Keras's fan_in counts the output channels of a transposed convolution.",
        aliases=("init",),
    ),
    Parameter("bias_initializer", "how the bias is drawn", "zeros"),
    Parameter(
        "kernel_regularizer",
        "a penalty on the weights",
        None,
        pitfall="L2(l2) adds l2 * sum(w**2): its gradient is that of a weight decay of 2 * l2.",
    ),
    Parameter("bias_regularizer", "a penalty on the bias", None),
    Parameter("activity_regularizer", "a penalty on the output", None, ignored=True),
    Parameter("kernel_constraint", "applied to the weights after a step", None, ignored=True),
    Parameter("bias_constraint", "applied to the bias after a step", None, ignored=True),
)
_KEYWORDS: Final = (
    naming("layer", keyword=True),
    Parameter(
        "trainable", "False keeps weights and bias: learning-rate factors 0", True, keyword=True
    ),
    Parameter("dtype", "the type of the weights", None, keyword=True, ignored=True),
    Parameter("autocast", "whether the input takes that type", True, keyword=True, ignored=True),
    Parameter(
        "input_shape",
        "the input's shape without the batch, in the layout of the data",
        None,
        keyword=True,
    ),
    Parameter("batch_input_shape", "the input's shape, in Keras 2 and before", None, keyword=True),
    Parameter("input_dim", "input channels", None, keyword=True, role="in_channels"),
    Parameter(
        "groups",
        "groups; only 1 is read",
        1,
        pitfall="Keras 3 has no groups and refuses the word.",
        keyword=True,
    ),
)
_LAYER: Final = (*_BEFORE, _OUTPUT_PADDING, _DATA_FORMAT, *_AFTER, *_KEYWORDS)
# In three dimensions these two are in the opposite order.
_LAYER_3D: Final = (*_BEFORE, _DATA_FORMAT, _OUTPUT_PADDING, *_AFTER, *_KEYWORDS)
_FUNCTION: Final = (
    Parameter("inputs", "x, NHWC; NCHW with data_format='channels_first'"),
    *_BEFORE,
    replace(_DATA_FORMAT, default="channels_last"),
    *(parameter for parameter in _AFTER if parameter.name != "dilation_rate"),
    Parameter("trainable", "False keeps weights and bias: learning-rate factors 0", True),
    naming("layer"),
    Parameter("reuse", "whether weights of that name are used again", None, ignored=True),
)


def _read(given: Arguments) -> Reading:
    rank = given.form.rank
    assert rank is not None
    channels_first = _is_channels_first(given)
    # Checked before open sizes, to refuse another framework's layer of the same name first.
    stride, dilation = _per_axis(given, "strides", rank), _dilation(given, rank)
    _padding(given)
    shape = input_of(given, rank, channels_first=channels_first)
    complete = given.channels_and_kernel(
        shape[1] if shape else None,
        given.open_integer("filters"),
        None if given.is_open("kernel_size") else _per_axis(given, "kernel_size", rank),
        1,
    )
    if max(stride) > 1 and max(dilation) > 1:
        raise given.error(
            f"Keras refuses strides {list(stride)} together with dilation_rate {list(dilation)}: "
            "one of them must be 1 on every axis.",
            "dilation_rate",
        )
    whole = with_batch(shape, 1)
    training, notes = read_training(given, complete[1])
    reading = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        bias=given.flag("use_bias"),
        input=whole,
        training=training,
        notes=(*_notes(given), *_other_sizes(given, whole), *notes),
        channels_last=not channels_first,
        sources=(input_source(given),),
    )
    return given.cropped(reading, _crop(given, reading.operator))


def _other_sizes(given: Arguments, own: Sizes | None) -> list[str]:
    supplied = given.supplied.input
    if own is None or supplied is None or own[2:] == supplied[2:]:
        return []
    return [
        f"The text's input has the sizes {list(own[2:])}; the answer is for those of "
        + named(Ask.INPUT_SHAPE)
        + "."
    ]


def _dilation(given: Arguments, rank: int) -> Sizes:
    # tf.layers.conv2d_transpose has none.
    if given.form.parameter("dilation_rate") is None:
        return (1,) * rank
    return _per_axis(given, "dilation_rate", rank)


def _per_axis(given: Arguments, name: str, rank: int, *, least: int = 1) -> Sizes:
    takes = f"Keras takes one number that is no list, or {rank}"
    return given.per_axis(name, rank, least=least, takes=takes)


def _crop(given: Arguments, operator: Operator) -> tuple[tuple[int, int], ...]:
    padding, extra = _padding(given), None
    if given.form.parameter("output_padding") is not None and given.has("output_padding"):
        extra = _per_axis(given, "output_padding", operator.rank, least=0)
        if error := output_padding_error(padding, extra, operator):
            raise given.error(error, "output_padding")
    return crop_of(padding, extra, operator)


def _padding(given: Arguments) -> str:
    return given.choice("padding", "same", "valid", any_case=True)


def _is_channels_first(given: Arguments) -> bool:
    if given.known("data_format") is None:
        return configured_layout(given, "data_format") == "channels_first"
    words = ("channels_last", "channels_first")
    return given.choice("data_format", *words, any_case=True) == "channels_first"


def _notes(given: Arguments) -> list[str]:
    notes = activation_notes(given)
    if given.form.parameter("groups") is not None and "groups" in given.given:
        if given.integer("groups") != 1:
            raise given.error(
                f"groups {given.integer('groups')}: Keras's transposed convolutions have no "
                "groups; Keras 3 refuses the word.",
                "groups",
            )
        notes.append("groups: Keras 3 refuses the word, even for 1.")
    return notes


_DOCS: Final = "https://keras.io/api/layers/convolution_layers/convolution{rank}d_transpose/"
_MODULES: Final = ("keras.layers.convolutional", "tfkl", "tfl", "kl", "KL", "L", "klayers")


def layer_forms(rank: int) -> tuple[Form, ...]:
    """The layers that are read and, for two and three axes, the functions of TensorFlow 1."""
    name, other = f"Conv{rank}DTranspose", f"Convolution{rank}DTranspose"
    # Keras 2 has it under the name that it had in Keras 1, where it took other arguments.
    old = (f"keras.layers.Deconvolution{rank}D",) if rank > 1 else ()
    forms = (
        Form(
            f"tf.keras.layers.{name}",
            (f"tf.keras.layers.{other}", name, *old, *(f"{module}.{name}" for module in _MODULES)),
            "layer",
            rank,
            _LAYER_3D if rank == 3 else _LAYER,
            _DOCS.format(rank=rank),
            _read,
        ),
    )
    if rank == 1:
        return forms
    function = f"conv{rank}d_transpose"
    return (
        *forms,
        Form(
            f"tf.layers.{function}",
            (f"tf.compat.v1.layers.{function}",),
            "layer",
            rank,
            _FUNCTION,
            f"https://www.tensorflow.org/api_docs/python/tf/compat/v1/layers/{function}",
            _read,
        ),
    )
