"""Keras: ``Conv{1,2,3}DTranspose``, written.

https://keras.io/api/layers/convolution_layers/convolution2d_transpose/
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.convention.text import Crops, CropSplit, arguments, lines, per_axis
from harness.core.named_number import at_least_0, is_certainly_1
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import Training
from harness.frameworks.tensorflow.render import after, program
from harness.frameworks.tensorflow.training import initializer_text, penalty_text, training_text


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write a layer of a network with its weights and its training settings."""
    if reason := _refusal(operator, dtype):
        return Unsupported(reason)
    padding, output_padding, rest = _crop_in_keras(operator)
    split = CropSplit(operator, rest)
    penalty = penalty_text(training, training.weights_decay)
    bias_penalty = penalty_text(training, training.bias_decay) if split.own_bias else None
    initial_bias = initializer_text(training.bias, operator, of_bias=True)
    options = arguments(
        strides=per_axis(operator.stride, default=1),
        padding=padding,
        output_padding=None if output_padding is None else per_axis(output_padding),
        dilation_rate=per_axis(operator.dilation, default=1),
        use_bias=None if split.own_bias else "False",
        kernel_initializer=initializer_text(training.weights, operator),
        bias_initializer=initial_bias if split.own_bias else None,
        kernel_regularizer=penalty,
        bias_regularizer=bias_penalty,
        # A layer turns its input into its own type, float32 by default.
        dtype=None if dtype == "float32" else f'"{dtype}"',
    )
    sizes = f"{operator.out_channels}, {per_axis(operator.kernel)}"
    bias = "b_" if split.late_bias else "layer.bias"
    cropped = (
        f"crop {operator.crop} is none that padding and output_padding give: sliced or padded."
    )
    # The constructor needs a value.
    has_l2 = penalty or bias_penalty
    return program(
        operator,
        lines(
            "x_ = tf.constant(np.moveaxis(x, 1, -1))",
            "w_ = np.moveaxis(w, (0, 1), (-1, -2))",
        ),
        lines("y_ = layer(x_)", after(split)),
        {"x": "x_", "w": "layer.kernel"} | ({"b": bias} if operator.bias else {}),
        watched="x_",
        layer=lines(
            f"layer = tf.keras.layers.Conv{operator.rank}DTranspose({sizes}{options})",
            "layer.build(x_.shape)",
            f"layer.set_weights([w_{', b' if split.own_bias else ''}])",
            "b_ = tf.Variable(b)" if split.late_bias else None,
        ),
        reason=cropped if split.has_rest else None,
        setup="l2 = 0.0001  # Write your own weight decay." if has_l2 else "",
        training=training_text(operator, training, late_bias=split.late_bias),
    )


def _refusal(operator: Operator, dtype: str) -> str | None:
    """Why no layer of Keras computes the operator, if so."""
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
        is_one = is_certainly_1(stride)
        if padding == "valid":
            missing = 0 if is_one else at_least_0(stride - kernel)
            crops.append((0, -(missing if extra is None else extra)))
        else:
            total = kernel - stride if extra is None else kernel - kernel % 2 - extra
            begin = (total if is_one else at_least_0(total)) // 2
            crops.append((begin, total - begin))
    return tuple(crops)


def _crop_in_keras(operator: Operator) -> tuple[str | None, Sequence[int] | None, Crops]:
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
        if extra is not None and output_padding_error(padding, extra, operator):
            continue
        if crop_of(padding, extra, operator) == operator.crop:
            return ('"same"' if padding == "same" else None), extra, ((0, 0),) * operator.rank
    # Without output_padding a stride larger than the kernel would extend the output.
    gap = any(stride > kernel for _, stride, kernel in axes)
    return None, ((0,) * operator.rank if gap else None), operator.crop


def output_padding_error(padding: str, extra: Sequence[int], operator: Operator) -> str | None:
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
