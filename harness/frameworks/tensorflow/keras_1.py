"""``Deconvolution2D`` of Keras 1, whose kernel is two numbers and whose output's shape is given.

https://github.com/keras-team/keras/blob/1.2.2/keras/layers/convolutional.py
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.forms import Form
from harness.convention.reading import Reading, Supplied
from harness.convention.signature import Parameter
from harness.convention.values import shown
from harness.core.operators import Sizes
from harness.frameworks.tensorflow.calls_1 import as_form
from harness.frameworks.tensorflow.keras_configuration import configured_layout
from harness.frameworks.tensorflow.keras_network import Shape, input_of
from harness.syntax.tree import Name

_NAME: Final = "keras.layers.Deconvolution2D"
_PARAMETERS: Final = (
    Parameter("nb_filter", "output channels", role="out_channels"),
    Parameter(
        "nb_row", "kernel's height", pitfall="One number, and nb_col another one.", role="kernel"
    ),
    Parameter("nb_col", "kernel's width", role="kernel"),
    Parameter(
        "output_shape",
        "the shape of the whole output: chooses the crop",
        None,
        pitfall="Keras 1 requires it. Keras 2, which takes the other arguments too, ignores it.",
    ),
    Parameter("init", "how the weights are drawn", "glorot_uniform", ignored=True),
    Parameter("activation", "applied to the output; not part of the operator", None),
    Parameter("weights", "the weights and the bias", None, ignored=True),
    Parameter("border_mode", "as tf.nn.conv2d_transpose's padding, in small letters", "valid"),
    Parameter("subsample", "stride; always two numbers", (1, 1)),
    Parameter(
        "dim_ordering",
        "layout of the data and of the weights: 'tf', NHWC and HWIO, or 'th', NCHW and OIHW",
        "default",
        pitfall="'default' takes the configuration's; here, what output_shape shows.",
    ),
    *(
        Parameter(name, meaning, None, ignored=True)
        for name, meaning in (
            ("W_regularizer", "a penalty on the weights"),
            ("b_regularizer", "a penalty on the bias"),
            ("activity_regularizer", "a penalty on the output"),
            ("W_constraint", "what the weights are brought back to after each step"),
            ("b_constraint", "what the bias is brought back to after each step"),
        )
    ),
    Parameter("bias", "whether there is a bias", True),
    Parameter(
        "input_shape", "the input's shape without the batch, in dim_ordering", None, keyword=True
    ),
    Parameter("batch_input_shape", "the input's shape", None, keyword=True),
    Parameter("input_dtype", "the type of the input", None, keyword=True, ignored=True),
    Parameter("name", "the layer's name", None, keyword=True),
    Parameter("trainable", "whether weights and bias learn", True, keyword=True, ignored=True),
)
_ORDERINGS: Final = {"tf": "channels_last", "th": "channels_first"}
_OF_LAYOUTS: Final = {layout: ordering for ordering, layout in _ORDERINGS.items()}
_WEIGHTS: Final = {"tf": "HWIO", "th": "OIHW"}
_OF_KERAS_2: Final = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "init": "kernel_initializer",
    "bias": "use_bias",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
}


def keras_1_form(function: Form, layer: Form) -> Form:
    """The layer of Keras 1, which calls a function of ``tf.nn``.

    Parameters
    ----------
    function : Form
    layer : Form
        What it became in Keras 2, which takes the arguments of Keras 1 but for ``output_shape``.
    """

    def read(given: Arguments) -> Reading:
        subsample = given.value("subsample")
        if not isinstance(subsample, tuple | Name):
            raise given.error(
                f"subsample is {shown(subsample)}; Keras 1 takes two numbers: ({subsample}, "
                f"{subsample}).",
                "subsample",
            )
        if given.value("border_mode") not in ("valid", "same"):
            raise given.error(
                f"border_mode must be 'valid' or 'same', found {shown(given.value('border_mode'))}"
                "; 'full' is of Theano alone and is not read.",
                "border_mode",
            )
        if not given.has("output_shape"):
            return _as_keras_2(given, layer)
        return _as_function(given, function)

    return Form(
        _NAME,
        ("Deconvolution2D", "keras.layers.convolutional.Deconvolution2D"),
        "layer",
        2,
        _PARAMETERS,
        "https://github.com/keras-team/keras/blob/1.2.2/keras/layers/convolutional.py",
        read,
    )


def _as_keras_2(given: Arguments, layer: Form) -> Reading:
    ordering = given.known("dim_ordering")
    reading = layer.read(
        as_form(
            given,
            layer,
            _OF_KERAS_2,
            kernel_size=(given.value("nb_row"), given.value("nb_col")),
            data_format=_ORDERINGS.get(str(ordering)),
        )
    )
    note = "There is no output_shape, which Keras 1 requires: read as Keras 2 does."
    return replace(reading, form=given.form.name, notes=(note, *reading.notes))


def _as_function(given: Arguments, function: Form) -> Reading:
    ordering = _ordering(given)
    channels_first = ordering == "th"
    shape = input_of(given, 2, channels_first=channels_first)
    complete = given.channels_and_kernel(
        shape[1] if shape else None,
        given.open_integer("nb_filter"),
        _kernel(given),
        1,
    )
    of_function = as_form(
        given,
        function,
        {},
        input=None,
        filters=None,
        output_shape=given.value("output_shape"),
        strides=given.value("subsample"),
        padding=str(given.value("border_mode")).upper(),
        data_format="NCHW" if channels_first else "NHWC",
    )
    weight = (complete[0], complete[1], *complete[2])
    supplied = Supplied(given.supplied.input or _whole(given, shape), weight)
    reading = function.read(replace(of_function, supplied=supplied))
    return replace(
        reading,
        form=given.form.name,
        operator=replace(reading.operator, bias=given.flag("bias")),
        weights=_WEIGHTS[ordering],
        notes=(*_notes(given), *reading.notes),
    )


def _kernel(given: Arguments) -> Sizes | None:
    sizes = given.open_integer("nb_row"), given.open_integer("nb_col")
    if sizes == (None, None):
        return None
    return given.integer("nb_row"), given.integer("nb_col")


def _whole(given: Arguments, shape: Shape | None) -> Sizes | None:
    """The input's shape with a batch, which output_shape may say."""
    if shape is None or None in shape[1:]:
        return None
    output = given.value("output_shape")
    said = output[0] if isinstance(output, tuple) else None
    batch = shape[0] or (said if type(said) is int and said > 0 else 1)
    return (batch, *(size for size in shape[1:] if size is not None))


def _ordering(given: Arguments) -> str:
    """``dim_ordering`` or, where the configuration has it, where output_shape has its channels."""
    ordering = given.known("dim_ordering")
    if ordering in _ORDERINGS:
        return str(ordering)
    if ordering != "default":
        raise given.error(
            f"dim_ordering must be 'tf' or 'th', found {shown(ordering)}.", "dim_ordering"
        )
    if (layout := configured_layout(given, "dim_ordering")) is not None:
        return _OF_LAYOUTS[layout]
    shape, channels = given.value("output_shape"), given.value("nb_filter")
    sizes = shape if isinstance(shape, tuple) and len(shape) == 4 else (None,) * 4
    found = [name for name, place in (("th", 1), ("tf", 3)) if sizes[place] == channels]
    if len(found) != 1 or not isinstance(channels, int):
        raise given.error(
            f"output_shape {shown(shape)} does not show whether its channels are first or last: "
            "add dim_ordering='tf' or dim_ordering='th'.",
            "output_shape",
        )
    return found[0]


def _notes(given: Arguments) -> list[str]:
    notes = [
        "Read as on TensorFlow. On Theano Keras 1 flips the kernel, and border_mode 'same' crops "
        "otherwise."
    ]
    if given.value("activation") not in (None, "linear"):
        notes.append(
            f"activation {shown(given.value('activation'))} is applied to the output: keep it "
            "behind the operator; it is not part of it."
        )
    return notes + [
        f"{parameter.name}: {parameter.meaning}; not part of the operator."
        for parameter in given.form.parameters
        if parameter.ignored and parameter.name in given.given
    ]
