"""The meaning of Keras's calls: ``Conv{1,2,3}DTranspose``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.keras_layers.crops import crop_of, output_padding_error
from harness.convention.keras_layers.inputs import (
    activation_notes,
    configured_layout,
    input_of,
    input_source,
    with_batch,
)
from harness.convention.keras_layers.training import read_training
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.core.errors import Ask, named
from harness.core.operators import Operator, Sizes

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


def _read(given: Arguments, *, on_tensorflow: bool) -> Reading:
    rank = given.form.rank
    assert rank is not None
    channels_first = is_channels_first(given)
    # Checked before open sizes, to refuse another framework's layer of the same name first.
    stride, dilation = per_axis(given, "strides", rank), _dilation(given, rank)
    padding_word(given)
    shape = input_of(given, rank, channels_first=channels_first)
    complete = given.channels_and_kernel(
        shape[1] if shape else None,
        given.open_integer("filters"),
        None if given.is_open("kernel_size") else per_axis(given, "kernel_size", rank),
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
    return given.cropped(reading, _crop(given, reading.operator, on_tensorflow=on_tensorflow))


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
    return per_axis(given, "dilation_rate", rank)


def per_axis(given: Arguments, name: str, rank: int, *, least: int = 1) -> Sizes:
    """Return an argument's number for each axis."""
    takes = f"Keras takes one number that is no list, or {rank}"
    return given.per_axis(name, rank, least=least, takes=takes)


def _crop(
    given: Arguments, operator: Operator, *, on_tensorflow: bool
) -> tuple[tuple[int, int], ...]:
    padding, extra = padding_word(given), None
    if given.form.parameter("output_padding") is not None and given.has("output_padding"):
        extra = per_axis(given, "output_padding", operator.rank, least=0)
        if error := output_padding_error(padding, extra, operator, on_tensorflow=on_tensorflow):
            raise given.error(error, "output_padding")
    return crop_of(padding, extra, operator)


def padding_word(given: Arguments) -> str:
    """Return ``same`` or ``valid``."""
    return given.choice("padding", "same", "valid", any_case=True)


def is_channels_first(given: Arguments) -> bool:
    """Whether the data have their channels first, by the call or by the configuration."""
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


DOCS: Final = "https://keras.io/api/layers/convolution_layers/convolution{rank}d_transpose/"


def layer_form(
    rank: int, names: Sequence[str], *, on_tensorflow: bool, only_if_asked: bool = False
) -> Form:
    """Describe the layer; the first of its names is the one that is shown."""
    return Form(
        names[0],
        (*names[1:],),
        "layer",
        rank,
        _LAYER_3D if rank == 3 else _LAYER,
        DOCS.format(rank=rank),
        partial(_read, on_tensorflow=on_tensorflow),
        only_if_asked=only_if_asked,
    )


def layer_function_form(rank: int, names: Sequence[str], source: str) -> Form:
    """Describe the function that makes a layer and calls it, as TensorFlow 1 has it."""
    read = partial(_read, on_tensorflow=True)
    return Form(names[0], (*names[1:],), "layer", rank, _FUNCTION, source, read)
