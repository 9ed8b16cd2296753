"""The meaning of calls of TensorFlow 1 and Keras 1, which public code still has.

``tf.contrib.layers``, TF-Slim and ``K`` are other calls with other names:
https://github.com/google-research/tf-slim (tf_slim/layers/layers.py) and
https://github.com/keras-team/keras (src/legacy/backend.py).  ``Deconvolution2D`` of Keras 1 has a
kernel of two numbers, and is given its output's shape:
https://github.com/keras-team/keras/blob/1.2.2/keras/layers/convolutional.py
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.binding import bound
from harness.convention.keras_layers.inputs import (
    activation_notes,
    configured_layout,
    input_of,
    with_batch,
)
from harness.convention.reading import Reading, Supplied
from harness.convention.signature import Parameter, naming
from harness.convention.values import shown
from harness.core.operators import Sizes
from harness.syntax.callsite import Code
from harness.syntax.tree import Argument, Call, Name, Statement, Value

_SLIM_MODULES: Final = ("slim", "tf_slim", "tf.contrib.slim", "contrib_slim", "contrib_layers")
_SLIM: Final = (
    Parameter("inputs", "x, NHWC; NCHW with data_format='NCHW'"),
    Parameter("num_outputs", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel", role="kernel"),
    Parameter("stride", "stride", 1),
    Parameter("padding", "as in tf.layers.conv2d_transpose, whose default is 'valid'", "SAME"),
    Parameter("data_format", "layout of x and y", "NHWC", assumable=True),
    Parameter(
        "activation_fn",
        "applied to the output; not part of the operator",
        "relu",
        pitfall="The default is not the identity; None is.",
    ),
    Parameter(
        "normalizer_fn", "applied to the output before the activation, in the bias's place", None
    ),
    Parameter("normalizer_params", "the normaliser's arguments", None, ignored=True),
    Parameter("weights_initializer", "how the weights are drawn", "glorot_uniform"),
    Parameter("weights_regularizer", "a penalty on the weights", None),
    Parameter("biases_initializer", "how the bias is drawn; None is no bias", "zeros"),
    Parameter("biases_regularizer", "a penalty on the bias", None),
    Parameter("reuse", "whether weights of that name are used again", None, ignored=True),
    Parameter("variables_collections", "where the weights are listed", None, ignored=True),
    Parameter("outputs_collections", "where the output is listed", None, ignored=True),
    Parameter("trainable", "False keeps weights and bias: learning-rate factors 0", True),
    naming("layer", "scope"),
)
_BACKEND: Final = (
    Parameter("x", "x, NHWC; NCHW with data_format='channels_first'"),
    Parameter("kernel", "w, HWOI: (*kernel, c_out, c_in)"),
    Parameter("output_shape", "the shape of the whole output: chooses the crop"),
    Parameter("strides", "stride", 1),
    Parameter("padding", "as in tf.nn.conv2d_transpose, whose default is 'SAME'", "valid"),
    Parameter("data_format", "'channels_last' or 'channels_first'", None, assumable=True),
)
_DECIDING: Final = frozenset({"kernel_size", "stride", "padding"})
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


def _read_as(
    given: Arguments,
    form: Form,
    names: Mapping[str, str],
    notes: Sequence[str],
    supplied: Supplied | None = None,
    **values: Value,
) -> Reading:
    """Read the arguments as those of another form, with other values for some of them.

    ``names`` has the form's names by those in ``given``; ``values`` are by the form's names.
    """
    kept = {
        parameter.name: argument
        for name, argument in given.given.items()
        if (parameter := form.parameter(names.get(name, name))) is not None
    }
    for name, value in values.items():
        column = kept[name].column if name in kept else given.call.column
        kept[name] = Argument(name, value, column)
    supplied = supplied or given.supplied
    reading = form.read(replace(given, form=form, given=kept, supplied=supplied))
    all_notes = dict.fromkeys((*notes, *given.ignored_notes(), *reading.notes))
    return replace(reading, form=given.form.name, notes=tuple(all_notes))


def slim_form(layer: Form) -> Form:
    """The layer of ``tf.contrib.layers`` that makes a given layer of ``tf.layers``."""

    def read(given: Arguments) -> Reading:
        given, notes = _with_scopes(given)
        layout = given.known("data_format")
        normalizer = given.value("normalizer_fn")
        if normalizer is not None:
            notes.append(f"normalizer_fn {shown(normalizer)} is applied in the bias's place.")
        return _read_as(
            given,
            layer,
            _OF_LAYERS,
            notes,
            padding=given.value("padding"),
            data_format=_LAYOUTS.get(str(layout), layout) if layout else None,
            activation=given.value("activation_fn"),
            use_bias=normalizer is None and given.value("biases_initializer") is not None,
        )

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
    """Add the arguments that ``slim.arg_scope`` sets, with notes on what may be set as well."""
    site, taken, notes = given.site, dict[str, Argument](), list[str]()
    in_force, hidden = _in_force(site.code, site.statement)
    for scope in in_force:
        if _is_for(scope, given):
            taken |= bound(given.form, replace(scope, arguments=scope.arguments[1:]))
    taken = {name: argument for name, argument in taken.items() if name not in given.given}
    if hidden:
        notes.append(
            f"The text does not show what arg_scope({shown(_first(hidden[0]))}) sets: write in the "
            "call what it sets for it."
        )
        _refuse_open(given, taken, _DECIDING, notes[0])
    columns = {scope.column for scope in in_force}
    for statement, scope in _scopes(site.code):
        if scope.column in columns or not _is_for(scope, given) or site.always_after(statement):
            continue
        rest = [str(each.name) for each in scope.arguments[1:]]
        note = f"Another function's arg_scope sets {', '.join(rest)}: write in the call what holds."
        notes.append(note)
        if statement.block[:-1] != site.statement.block:  # Where it ended, or did not begin.
            _refuse_open(given, taken, _DECIDING & {*rest}, note)
    if taken:
        notes.append(f"{', '.join(taken)}: taken from the arg_scope above the call.")
    return replace(given, given=taken | dict(given.given)), [*dict.fromkeys(notes)]


def _in_force(code: Code, statement: Statement) -> tuple[list[Call], list[Call]]:
    """The scopes around a statement whose settings the text shows, and one that hides others.

    ``arg_scope(scope)`` takes the place of all scopes around it: what counts is what was in force
    where that one was made.
    """
    place, around = code.place_of(statement), list[Call]()
    for outer, scope in reversed(_scopes(code)):
        block = outer.block
        if code.place_of(outer) >= place or statement.block[: len(block)] != block:
            continue
        first = _first(scope)
        if isinstance(first, tuple):
            around.insert(0, scope)
            continue
        made = outer.assigned.get(first.text) if isinstance(first, Name) else first
        made = made.result or made if isinstance(made, Call) else made
        homes = code.holding(made) if isinstance(made, Call) and _is_scope(made) else ()
        before = [code.statements[each] for each in homes if each < code.place_of(outer)]
        if not before or not isinstance(made, Call):
            return around, [scope]
        others, hidden = _in_force(code, max(before, key=lambda each: len(each.block)))
        return [*others, made, *around], hidden
    return around, []


def _scopes(code: Code) -> list[tuple[Statement, Call]]:
    """The statements that make scopes, but for ``sc = scope()`` where ``scope`` is followed."""
    every = [each for each in code.naming("arg_scope") if each[1] is each[0].value]
    bare = {id(scope) for statement, scope in every if statement.target is None}
    return [
        (statement, scope)
        for statement, scope in every
        if _is_scope(scope) and (statement.target is None or id(scope) not in bare)
    ]


def _is_scope(call: Call) -> bool:
    return _last(call.function) == "arg_scope"


def _first(scope: Call) -> Value:
    return scope.arguments[0].value if scope.arguments else None


def _is_for(scope: Call, given: Arguments) -> bool:
    """Whether a scope sets arguments of what is called."""
    first = _first(scope)
    ours = _last(given.call.function)
    return isinstance(first, tuple) and any(_last(each) == ours for each in first)


def _refuse_open(
    given: Arguments, taken: Mapping[str, Argument], names: Collection[str], why: str
) -> None:
    """Refuse a call whose defaults count only where a scope sets nothing else."""
    missing = [
        each.name
        for each in given.form.parameters
        if each.name in names and not (each.name in given.given or each.name in taken)
    ]
    if missing:
        raise given.error(f"the call leaves {', '.join(missing)} to a scope. {why}")


def _last(value: Value) -> str:
    return value.text.rpartition(".")[2] if isinstance(value, Name) else ""


def backend_form(function: Form, layouts: tuple[str, str]) -> Form:
    """The function of Keras's backend that calls a given function of ``tf.nn``."""
    last = function.name.rpartition(".")[2]
    to_native = dict(zip(("channels_last", "channels_first"), layouts, strict=True))

    def read(given: Arguments) -> Reading:
        padding = given.choice("padding", "same", "valid")
        layout = given.known("data_format") or configured_layout(given, "data_format")
        return _read_as(
            given,
            function,
            _OF_FUNCTION,
            (),
            padding=padding.upper(),
            data_format=to_native.get(str(layout), layout) if layout else None,
            strides=given.value("strides"),
        )

    return Form(
        f"tf.keras.backend.{last}",
        (f"K.{last}", f"keras.backend.{last}"),
        "function",
        function.rank,
        (*_BACKEND, *((_DILATION,) if function.rank == 2 else ())),
        f"https://www.tensorflow.org/api_docs/python/tf/keras/backend/{last}",
        read,
    )


_KERAS_1: Final = (
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
        assumable=True,
        pitfall="'default' takes the configuration's; here, what output_shape shows.",
    ),
    Parameter("W_regularizer", "a penalty on the weights", None, ignored=True),
    Parameter("b_regularizer", "a penalty on the bias", None, ignored=True),
    Parameter("activity_regularizer", "a penalty on the output", None, ignored=True),
    Parameter("W_constraint", "applied to the weights after a step", None, ignored=True),
    Parameter("b_constraint", "applied to the bias after a step", None, ignored=True),
    Parameter("bias", "whether there is a bias", True, assumable=True),
    Parameter(
        "input_shape", "the input's shape without the batch, in dim_ordering", None, keyword=True
    ),
    Parameter("batch_input_shape", "the input's shape", None, keyword=True),
    Parameter("input_dtype", "the type of the input", None, keyword=True, ignored=True),
    naming("layer", keyword=True),
    Parameter("trainable", "whether weights and bias learn", True, keyword=True, ignored=True),
)
_ORDERINGS: Final = {"tf": "channels_last", "th": "channels_first"}
_OF_KERAS_2: Final = {
    "border_mode": "padding",
    "subsample": "strides",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
}


def keras_1_form(function: Form, layer: Form) -> Form:
    """The layer of Keras 1, which calls a function of ``tf.nn``.

    ``layer`` is what it became in Keras 2, which takes the same arguments except ``output_shape``.
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
        "keras.layers.Deconvolution2D",
        ("Deconvolution2D", "keras.layers.convolutional.Deconvolution2D"),
        "layer",
        2,
        _KERAS_1,
        "https://github.com/keras-team/keras/blob/1.2.2/keras/layers/convolutional.py",
        read,
    )


def _as_keras_2(given: Arguments, layer: Form) -> Reading:
    return _read_as(
        given,
        layer,
        _OF_KERAS_2,
        ["There is no output_shape, which Keras 1 requires: read as Keras 2 does."],
        kernel_size=(given.value("nb_row"), given.value("nb_col")),
        data_format=_ORDERINGS.get(str(given.known("dim_ordering"))),
    )


def _as_function(given: Arguments, function: Form) -> Reading:
    channels_first = _ordering(given) == "th"
    shape = input_of(given, 2, channels_first=channels_first)
    complete = given.channels_and_kernel(
        shape[1] if shape else None, given.open_integer("nb_filter"), _kernel(given), 1
    )
    output = given.value("output_shape")
    batch = output[0] if isinstance(output, tuple) else None
    batch = batch if type(batch) is int and batch > 0 else 1
    reading = _read_as(
        given,
        function,
        {},
        _notes(given),
        Supplied(
            given.supplied.input or with_batch(shape, batch),
            (complete[0], complete[1], *complete[2]),
        ),
        input=None,
        filters=None,
        output_shape=output,
        strides=given.value("subsample"),
        padding=str(given.value("border_mode")).upper(),
        data_format="NCHW" if channels_first else "NHWC",
    )
    operator = replace(reading.operator, bias=given.flag("bias"))
    return replace(reading, operator=operator, weights="OIHW" if channels_first else "HWIO")


def _kernel(given: Arguments) -> Sizes | None:
    if given.open_integer("nb_row") is None and given.open_integer("nb_col") is None:
        return None
    return given.integer("nb_row"), given.integer("nb_col")


def _ordering(given: Arguments) -> str:
    """``dim_ordering``, from the configuration or from the place of output_shape's channels."""
    if given.known("dim_ordering") != "default":
        return given.choice("dim_ordering", *_ORDERINGS)
    if (layout := configured_layout(given, "dim_ordering")) is not None:
        return next(name for name, known in _ORDERINGS.items() if known == layout)
    shape, channels = given.value("output_shape"), given.value("nb_filter")
    sizes = shape if isinstance(shape, tuple) and len(shape) == 4 else (None,) * 4
    orderings = [name for name, place in (("th", 1), ("tf", 3)) if sizes[place] == channels]
    if len(orderings) != 1 or not isinstance(channels, int):
        raise given.error(
            f"output_shape {shown(shape)} does not show whether its channels are first or last: "
            "add dim_ordering='tf' or dim_ordering='th'.",
            "output_shape",
        )
    return orderings[0]


def _notes(given: Arguments) -> list[str]:
    theano = (
        "Read as on TensorFlow. On Theano Keras 1 flips the kernel, and border_mode 'same' crops "
        "otherwise."
    )
    return [theano, *activation_notes(given)]
