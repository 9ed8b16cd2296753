"""Calls of TensorFlow 1 that live on in public code: ``tf.contrib.layers``, TF-Slim, ``K``.

Each is another call with other names: https://github.com/google-research/tf-slim
(tf_slim/layers/layers.py) and https://github.com/keras-team/keras (src/legacy/backend.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.binding import bound
from harness.convention.forms import Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import shown
from harness.frameworks.tensorflow.keras_configuration import configured_layout
from harness.syntax.tree import Argument, Call, Name, Value

_SLIM_MODULES: Final = ("slim", "tf_slim", "tf.contrib.slim", "contrib_slim", "contrib_layers")
_SLIM: Final = (
    Parameter("inputs", "x, NHWC; NCHW with data_format='NCHW'"),
    Parameter("num_outputs", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel", role="kernel"),
    Parameter("stride", "stride", 1),
    Parameter("padding", "as in tf.layers.conv2d_transpose, whose default is 'valid'", "SAME"),
    Parameter("data_format", "layout of x and y", "NHWC"),
    Parameter(
        "activation_fn",
        "applied to the output; not part of the operator",
        "relu",
        pitfall="The default is no identity: None is.",
    ),
    Parameter(
        "normalizer_fn", "applied to the output before the activation, in the bias's place", None
    ),
    Parameter("normalizer_params", "what the normaliser is given", None),
    Parameter("weights_initializer", "how the weights are drawn", "glorot_uniform"),
    Parameter("weights_regularizer", "a penalty on the weights", None),
    Parameter("biases_initializer", "how the bias is drawn; None is no bias", "zeros"),
    Parameter("biases_regularizer", "a penalty on the bias", None),
    Parameter("reuse", "whether weights of that name are used again", None),
    Parameter("variables_collections", "where the weights are listed", None),
    Parameter("outputs_collections", "where the output is listed", None),
    Parameter("trainable", "False keeps weights and bias: learning-rate factors 0", True),
    Parameter("scope", "the layer's name", None),
)
_BACKEND: Final = (
    Parameter("x", "x, NHWC; NCHW with data_format='channels_first'"),
    Parameter("kernel", "w, HWOI: (*kernel, c_out, c_in)"),
    Parameter("output_shape", "the shape of the whole output: chooses the crop"),
    Parameter("strides", "stride", 1),
    Parameter("padding", "as in tf.nn.conv2d_transpose, whose default is 'SAME'", "valid"),
    Parameter("data_format", "'channels_last' or 'channels_first'", None),
)
_DILATION: Final = Parameter("dilation_rate", "dilation", 1)
_OF_LAYERS: Final = {
    "num_outputs": "filters",
    "stride": "strides",
    "activation_fn": "activation",
    "weights_initializer": "kernel_initializer",
    "weights_regularizer": "kernel_regularizer",
    "biases_initializer": "bias_initializer",
    "biases_regularizer": "bias_regularizer",
}
_OF_FUNCTION: Final = {"x": "input", "kernel": "filters", "dilation_rate": "dilations"}
_LAYOUTS: Final = {
    **dict.fromkeys(("NHWC", "NDHWC"), "channels_last"),
    **dict.fromkeys(("NCHW", "NCDHW"), "channels_first"),
}


def as_form(given: Arguments, form: Form, names: Mapping[str, str], **values: Value) -> Arguments:
    """Bind what was given to another form's parameters, with other values for some of them.

    Parameters
    ----------
    given : Arguments
    form : Form
    names : mapping
        Names of the form's parameters by those that they have in what was given.
    **values
        By the form's names.
    """
    kept = {
        names.get(name, name): argument
        for name, argument in given.given.items()
        if form.parameter(names.get(name, name)) is not None
    }
    for name, value in values.items():
        column = kept[name].column if name in kept else given.call.column
        kept[name] = Argument(name, value, column)
    return replace(given, form=form, given=kept)


def slim_form(layer: Form) -> Form:
    """The layer of ``tf.contrib.layers`` that makes a given layer of ``tf.layers``."""

    def read(given: Arguments) -> Reading:
        given, inherited = _with_scopes(given)
        layout = given.known("data_format")
        normalizer = given.value("normalizer_fn")
        reading = layer.read(
            as_form(
                given,
                layer,
                _OF_LAYERS,
                padding=given.value("padding"),
                data_format=_LAYOUTS.get(str(layout), layout) if layout else None,
                activation=given.value("activation_fn"),
                use_bias=normalizer is None and given.value("biases_initializer") is not None,
            )
        )
        notes = reading.notes
        if normalizer is not None:
            notes = (f"normalizer_fn {shown(normalizer)} is applied in the bias's place.", *notes)
        notes = (*inherited, *notes)
        return replace(reading, form=given.form.name, notes=notes)

    last = layer.name.rpartition(".")[2]
    return Form(
        f"tf.contrib.layers.{last}",
        tuple(f"{module}.{last}" for module in _SLIM_MODULES),
        "layer",
        layer.rank,
        _SLIM,
        "https://github.com/google-research/tf-slim/blob/master/tf_slim/layers/layers.py",
        read,
    )


def _with_scopes(given: Arguments) -> tuple[Arguments, list[str]]:
    """Take in what ``slim.arg_scope`` sets, with notes: where a scope ends is not known."""
    notes, taken = [], dict[str, Argument]()
    for statement in given.site.statements:
        scope = statement.value
        if not isinstance(scope, Call) or _last(scope.function) != "arg_scope":
            continue
        first, *rest = scope.arguments or (Argument(None, None, scope.column),)
        if not isinstance(first.value, tuple):
            notes.append(
                f"The text does not show what arg_scope({shown(first.value)}) sets: write in the "
                "call what it sets for it."
            )
        elif not any(_last(each) == _last(given.call.function) for each in first.value):
            continue
        elif given.site.always_after(statement):
            taken |= bound(given.form, replace(scope, arguments=tuple(rest)))
        else:
            names = ", ".join(str(each.name) for each in rest)
            notes.append(
                f"Another function's arg_scope sets {names}: write in the call what holds."
            )
    taken = {name: argument for name, argument in taken.items() if name not in given.given}
    if taken:
        notes.append(f"{', '.join(taken)}: taken from the arg_scope above the call.")
    return replace(given, given=taken | dict(given.given)), notes


def _last(value: Value) -> str:
    return value.text.rpartition(".")[2] if isinstance(value, Name) else ""


def backend_form(function: Form, layouts: tuple[str, str]) -> Form:
    """The function of Keras's backend that calls a given function of ``tf.nn``."""
    last = function.name.rpartition(".")[2]
    to_native = dict(zip(("channels_last", "channels_first"), layouts, strict=True))

    def read(given: Arguments) -> Reading:
        padding, layout = given.known("padding"), given.known("data_format")
        layout = layout or configured_layout(given, "data_format")
        if padding not in {"same", "valid"}:
            raise given.error(
                f"padding must be 'same' or 'valid', found {shown(padding)}.", "padding"
            )
        reading = function.read(
            as_form(
                given,
                function,
                _OF_FUNCTION,
                padding=str(padding).upper(),
                data_format=to_native.get(str(layout), layout) if layout else None,
                strides=given.value("strides"),
            )
        )
        return replace(reading, form=given.form.name)

    return Form(
        f"tf.keras.backend.{last}",
        (f"K.{last}", f"keras.backend.{last}"),
        "function",
        function.rank,
        (*_BACKEND, *((_DILATION,) if function.rank == 2 else ())),
        f"https://www.tensorflow.org/api_docs/python/tf/keras/backend/{last}",
        read,
    )
