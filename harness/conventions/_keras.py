"""Keras: ``Conv{1,2,3}DTranspose``, read and written.

https://keras.io/api/layers/convolution_layers/convolution2d_transpose/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from harness.conventions._convention import (
    Crops,
    arguments,
    extended,
    extends,
    indented,
    kept,
    lines,
    per_axis,
    removes,
)
from harness.conventions._forms import Arguments, Form, Parameter, Reading, shape_of, shown
from harness.conventions._keras_training import initializer_text, read_training, training_text
from harness.operator import Operator, Sizes
from harness.program import Program, Section, Unsupported
from harness.syntax.tree import Call, Name, Value
from harness.training import Training

# Writing.


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write a layer of a network, its weights set, and what it does in training."""
    if reason := _refusal(operator, dtype):
        return Unsupported("tensorflow", reason)
    padding, output_padding, rest = _crop_in_keras(operator)
    late_bias = operator.bias and extends(rest)
    made = _constructor(
        operator, dtype, training, padding=padding, output_padding=output_padding, late=late_bias
    )
    built = lines(
        f"layer = {made})",
        "layer.build(x_.shape)",
        f"layer.set_weights([w_{', b' if operator.bias and not late_bias else ''}])",
    )
    call = lines("y_ = layer(x_)", _cropped(rest, late_bias=late_bias))
    x_ = "x_ = tf.constant(np.moveaxis(x, 1, -1))"
    to_native = lines(
        x_,
        "w_ = np.moveaxis(w, (0, 1), (-1, -2))",
        "b_ = tf.Variable(b)" if late_bias else None,
    )
    bias = "b_" if late_bias else "layer.bias"
    leaves = {"x": "x_", "w": "layer.kernel"} | ({"b": bias} if operator.bias else {})
    targets = ", ".join(f"d{name}_" for name in leaves)
    cropped = removes(rest) or extends(rest)
    return Program(
        framework="tensorflow",
        language="python",
        support="rewritten" if cropped else "native",
        reason=_needs_crop(operator) if cropped else None,
        setup="import numpy as np\nimport tensorflow as tf",
        forward=Section(to_native, lines(built, call), "y = np.moveaxis(y_.numpy(), -1, 1)"),
        gradient=Section(
            lines(to_native, "dy_ = tf.constant(np.moveaxis(dy, 1, -1))"),
            lines(
                built,
                "with tf.GradientTape() as tape:",
                indented(lines("tape.watch(x_)", call)),
                f"{targets} = tape.gradient(y_, ({', '.join(leaves.values())}), "
                "output_gradients=dy_)",
            ),
            lines(
                "dx = np.moveaxis(dx_.numpy(), -1, 1)",
                "dw = np.moveaxis(dw_.numpy(), (-1, -2), (0, 1))",
                "db = db_.numpy()" if operator.bias else None,
            ),
        ),
        training=training_text(training, made, has_bias=operator.bias, own_bias=not late_bias),
    )


def _refusal(operator: Operator, dtype: str) -> str | None:
    """What Keras refuses, whatever is written."""
    if operator.groups != 1:
        return (
            f"Keras's transposed convolutions have no groups; {operator.groups} are asked for: "
            "use one layer for each group between Split and Concatenate, or the function style."
        )
    if max(operator.stride) > 1 and max(operator.dilation) > 1:
        return (
            f"Keras refuses strides {list(operator.stride)} together with dilation_rate "
            f"{list(operator.dilation)}: use the function style."
        )
    if dtype != "float32" and max(operator.dilation) > 1:
        # https://github.com/tensorflow/tensorflow/issues/69103
        return f"TensorFlow refuses dilations > 1 in {dtype} on a CPU: use the function style."
    return None


def _constructor(
    operator: Operator,
    dtype: str,
    training: Training,
    *,
    padding: str | None,
    output_padding: Sequence[int] | None,
    late: bool,
) -> str:
    """The layer's constructor without the bracket that closes it."""
    has_bias = operator.bias and not late
    options = arguments(
        strides=per_axis(operator.stride, default=1),
        padding=padding,
        output_padding=None if output_padding is None else per_axis(output_padding),
        dilation_rate=per_axis(operator.dilation, default=1),
        use_bias=None if has_bias else "False",
        kernel_initializer=initializer_text(training.weights, operator),
        bias_initializer=(
            initializer_text(training.bias, operator, of_bias=True) if has_bias else None
        ),
        # A layer turns its input into its own type, float32 if nothing is said.
        dtype=None if dtype == "float32" else f'"{dtype}"',
    )
    kernel = per_axis(operator.kernel)
    name = f"tf.keras.layers.Conv{operator.rank}DTranspose"
    return f"{name}({operator.out_channels}, {kernel}{options}"


def _cropped(rest: Crops, *, late_bias: bool) -> str:
    """Write what is left of the crop: a pad, a slice and the bias of what was padded."""
    return lines(
        f"y_ = tf.pad(y_, {[(0, 0), *extended(rest), (0, 0)]})" if extends(rest) else None,
        f"y_ = y_{kept(rest, 1)[:-1]}, :]" if removes(rest) else None,
        "y_ = tf.nn.bias_add(y_, b_)" if late_bias else None,
    )


def _needs_crop(operator: Operator) -> str:
    return f"crop {operator.crop} is none that padding and output_padding give: sliced or padded."


def crop_of(
    padding: str, output_padding: Sequence[int] | None, operator: Operator
) -> tuple[tuple[int, int], ...]:
    """Return what Keras removes; an odd total's odd element is taken from the end.

    >>> crop_of("same", None, Operator.of(1, 1, (4, 2), stride=(3, 5)))
    ((0, 1), (0, -3))
    """
    crops = []
    for axis, (stride, kernel) in enumerate(
        zip(operator.stride, operator.effective_kernel, strict=True)
    ):
        extra = None if output_padding is None else output_padding[axis]
        if padding == "valid":
            crops.append((0, -(max(stride - kernel, 0) if extra is None else extra)))
        else:
            total = kernel - stride if extra is None else kernel - kernel % 2 - extra
            begin = max(total, 0) // 2
            crops.append((begin, total - begin))
    return tuple(crops)


def _crop_in_keras(
    operator: Operator,
) -> tuple[str | None, Sequence[int] | None, Crops]:
    """Choose padding and output_padding for a crop; what is left of it needs a slice or a pad."""
    axes = list(zip(operator.crop, operator.stride, operator.effective_kernel, strict=True))
    beyond_valid = [-end for _, end in operator.crop]
    beyond_same = [kernel - kernel % 2 - begin - end for (begin, end), _, kernel in axes]
    choices: tuple[tuple[str, list[int] | None], ...] = (
        ("valid", None),
        ("same", None),
        ("valid", beyond_valid),
        ("same", beyond_same),
    )
    for padding, extra in choices:
        if extra is not None and _output_padding_error(padding, extra, operator):
            continue
        if crop_of(padding, extra, operator) == operator.crop:
            return ('"same"' if padding == "same" else None), extra, ((0, 0),) * operator.rank
    # Without output_padding a stride larger than the kernel would extend the output.
    gap = any(stride > kernel for _, stride, kernel in axes)
    return None, ((0,) * operator.rank if gap else None), operator.crop


def _output_padding_error(padding: str, extra: Sequence[int], operator: Operator) -> str | None:
    """Why Keras, or TensorFlow below it, refuses an output_padding."""
    for axis, value in enumerate(extra):
        stride, kernel = operator.stride[axis], operator.effective_kernel[axis]
        if not 0 <= value < stride:
            return (
                f"output_padding {list(extra)} must be at least 0 and less than strides "
                f"{list(operator.stride)} on every axis."
            )
        if padding == "same" and kernel % 2 == 0 and value == 0:
            return (
                f"padding 'same' with output_padding 0 and the even kernel {kernel} is refused by "
                "TensorFlow (the output it asks for belongs to a smaller input); other backends "
                f"of Keras compute it. Give output_padding {min(1, stride - 1)} or more, or leave "
                "it out."
                if stride > 1
                else f"padding 'same' with output_padding 0 and the even kernel {kernel} is "
                "refused by TensorFlow. Leave output_padding out."
            )
    return None


# Reading.

_BEFORE: Final = (
    Parameter("filters", "output channels", aliases=("nb_filter",)),
    Parameter("kernel_size", "kernel"),
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
    pitfall="None takes the configuration's, channels_last if it was never changed.",
)
_AFTER: Final = (
    Parameter("dilation_rate", "dilation", 1),
    Parameter("activation", "applied to the output; not part of the operator", None),
    Parameter("use_bias", "whether there is a bias", True, aliases=("bias",)),
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
    Parameter("name", "the layer's name", None, keyword=True),
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
    Parameter("input_dim", "input channels", None, keyword=True),
    Parameter(
        "groups",
        "groups; only 1 is read",
        1,
        pitfall="Keras 3 has no groups and refuses the word.",
        keyword=True,
    ),
)
_LAYER: Final = (*_BEFORE, _OUTPUT_PADDING, _DATA_FORMAT, *_AFTER, *_KEYWORDS)
# Keras has these two the other way round in three dimensions.
_LAYER_3D: Final = (*_BEFORE, _DATA_FORMAT, _OUTPUT_PADDING, *_AFTER, *_KEYWORDS)
_FUNCTION: Final = (
    Parameter("inputs", "x, NHWC; NCHW with data_format='channels_first'"),
    *_BEFORE,
    replace(_DATA_FORMAT, default="channels_last"),
    *(parameter for parameter in _AFTER if parameter.name != "dilation_rate"),
    Parameter("trainable", "False keeps weights and bias: learning-rate factors 0", True),
    Parameter("name", "the layer's name", None),
    Parameter("reuse", "whether weights of that name are used again", None, ignored=True),
)


def _read(given: Arguments) -> Reading:
    rank = given.form.rank
    assert rank is not None
    channels_first = _is_channels_first(given)
    shape = _input(given, rank, channels_first=channels_first)
    complete = given.channels_and_kernel(
        shape[1] if shape else None,
        given.open_integer("filters"),
        None if given.is_open("kernel_size") else _per_axis(given, "kernel_size", rank),
        1,
    )
    stride, dilation = _per_axis(given, "strides", rank), _dilation(given, rank)
    if max(stride) > 1 and max(dilation) > 1:
        raise given.error(
            f"Keras refuses strides {list(stride)} together with dilation_rate {list(dilation)}: "
            "one of them must be 1 on every axis.",
            "dilation_rate",
        )
    whole = shape is not None and None not in shape[1:]
    plain = Operator.of(1, 1, complete[2], stride=stride, dilation=dilation)
    training, notes = read_training(given, complete[1])
    return given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=_crop(given, plain),
        bias=given.flag("use_bias"),
        input=tuple(size or 1 for size in shape) if shape and whole else None,
        training=training,
        notes=(*_notes(given), *notes),
        channels_last=not channels_first,
    )


def _dilation(given: Arguments, rank: int) -> Sizes:
    # tf.layers.conv2d_transpose has none.
    if given.form.parameter("dilation_rate") is None:
        return (1,) * rank
    return _per_axis(given, "dilation_rate", rank)


def _per_axis(given: Arguments, name: str, rank: int, *, least: int = 1) -> Sizes:
    """As ``given.per_axis``, but a list of one number serves one axis only."""
    value = given.value(name)
    if isinstance(value, tuple) and len(value) != rank:
        raise given.error(
            f"{name} {shown(value)} has {len(value)} numbers; Keras takes one number that is no "
            f"list, or {rank}.",
            name,
        )
    return given.per_axis(name, rank, least=least)


def _crop(given: Arguments, operator: Operator) -> tuple[tuple[int, int], ...]:
    value = given.known("padding")
    if not isinstance(value, str) or value.lower() not in {"same", "valid"}:
        raise given.error(f"padding must be 'same' or 'valid', found {shown(value)}.", "padding")
    padding, extra = value.lower(), None
    if given.form.parameter("output_padding") is not None and given.has("output_padding"):
        extra = _per_axis(given, "output_padding", operator.rank, least=0)
        if error := _output_padding_error(padding, extra, operator):
            raise given.error(error, "output_padding")
    return crop_of(padding, extra, operator)


def _is_channels_first(given: Arguments) -> bool:
    value = given.known("data_format")
    if value is not None and (
        not isinstance(value, str) or value.lower() not in {"channels_last", "channels_first"}
    ):
        raise given.error(
            f"data_format must be 'channels_last' or 'channels_first', found {shown(value)}.",
            "data_format",
        )
    return isinstance(value, str) and value.lower() == "channels_first"


def _notes(given: Arguments) -> list[str]:
    notes = []
    activation = given.value("activation")
    if activation not in {None, "linear"}:
        notes.append(
            f"activation {shown(activation)} is applied to the output: keep it behind the "
            "operator; it is not part of it."
        )
    if given.form.parameter("groups") is not None and "groups" in given.given:
        if given.integer("groups") != 1:
            raise given.error(
                f"groups {given.integer('groups')}: Keras's transposed convolutions have no "
                "groups; Keras 3 refuses the word.",
                "groups",
            )
        notes.append("groups: Keras 3 refuses the word, even for 1.")
    return notes


def _input(given: Arguments, rank: int, *, channels_first: bool) -> tuple[int | None, ...] | None:
    """The input's canonical shape as far as the text shows it."""
    shape: Sequence[int | None] | None = None
    if given.form.parameter("input_shape") is not None:
        if given.has("batch_input_shape"):
            shape = _sizes(given.value("batch_input_shape"))
        elif given.has("input_shape"):
            inner = _sizes(given.value("input_shape"))
            shape = None if inner is None else (1, *inner)
        elif given.has("input_dim"):
            return (1, given.integer("input_dim"), *(None,) * rank)
    if shape is None:
        shape = _applied_to(given)
    if shape is None:
        return None
    if len(shape) != rank + 2:
        raise given.error(
            f"the input {list(shape)}, batch included, has {len(shape)} axes; {given.form.name} "
            f"takes {rank + 2}."
        )
    if channels_first:
        return tuple(shape)
    return (shape[0], shape[-1], *shape[1:-1])


def _sizes(value: Value) -> tuple[int | None, ...] | None:
    if not isinstance(value, tuple):
        return None
    return tuple(item if type(item) is int and item > 0 else None for item in value)


def _applied_to(given: Arguments) -> Sequence[int | None] | None:
    """The shape of what the layer is called with, where the text shows it."""
    value: Value = None
    if given.form.parameter("inputs") is not None and "inputs" in given.given:
        value = given.given["inputs"].value
    elif given.application:
        value = given.application[0].value
    if isinstance(value, Name):
        value = given.assigned.get(value.text)
    if not isinstance(value, Call) or not isinstance(value.function, Name):
        return None
    if value.function.text.split(".")[-1] not in {"Input", "InputLayer"}:
        return shape_of(value)
    for argument in value.arguments:
        if argument.name in {None, "shape", "input_shape"}:
            inner = _sizes(argument.value)
            return None if inner is None else (1, *inner)
    return None


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
            _read,
            _DOCS.format(rank=rank),
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
            _read,
            f"https://www.tensorflow.org/api_docs/python/tf/compat/v1/layers/{function}",
        ),
    )
