"""TensorFlow: ``tf.nn.conv{1,2,3}d_transpose``; its layers are Keras's.

https://www.tensorflow.org/api_docs/python/tf/nn/conv2d_transpose
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.spoken import Layout, Spoken
from harness.core.named_number import Named, in_function
from harness.core.operators import Operator
from harness.core.program import Program, Section


def render(operator: Operator, dtype: str, documented: bool, _device: Device) -> Program:
    """Write an operator as a program."""
    # TensorFlow places arrays by itself, so its call is rewritten for the CPU's kernels everywhere.
    dilated = None if documented else _dilation_defect(operator, dtype)
    spelled = text.undilated(operator) if dilated else operator
    padding, rest = _native_crop(spelled)
    split = text.CropSplit(spelled, rest)
    names = {name: f"{name}_" for name in text.inputs_of(operator)}
    dw = "np.moveaxis(dw_.numpy(), (-1, -2), (0, 1))"
    return program(
        spelled,
        text.lines(
            text.zero_inserted(operator) if dilated else None,
            "x_ = tf.constant(np.moveaxis(x, 1, -1))",
            f"w_ = tf.constant(np.moveaxis({'w_dilated' if dilated else 'w'}, (0, 1), (-1, -2)))",
            "b_ = tf.constant(b)" if operator.bias else None,
        ),
        text.lines(
            _conv_transpose(spelled, padding, rest),
            "y_ = tf.nn.bias_add(y_, b_)" if split.own_bias else None,
            after(split),
        ),
        names,
        watched=f"({', '.join(names.values())})",
        dw=text.zeros_removed(operator, dw) if dilated else dw,
        reason=" ".join(text.because(dilated, _rewriting(split))) or None,
    )


def _rewriting(split: text.CropSplit) -> str | None:
    operator = split.operator
    split_groups = "tf.nn's transposed convolutions take no groups: split and concatenated."
    cropped = f"crop {operator.crop} is not one that an output_shape can ask for: sliced or padded."
    reasons = text.because(
        split_groups if operator.groups != 1 else None, cropped if split.has_rest else None
    )
    return " ".join(reasons) or None


_NEEDS_ONEDNN: Final = (
    "On a CPU TensorFlow computes dilations > 1 by oneDNN alone, which is off by default on "
    "processors without AVX-512: set TF_ENABLE_ONEDNN_OPTS=1 before TensorFlow is imported."
)


def program(
    operator: Operator,
    to_native: str,
    call: str,
    leaves: Mapping[str, str],
    *,
    reason: str | None,
    watched: str,
    layer: str = "",
    dw: str = "np.moveaxis(dw_.numpy(), (-1, -2), (0, 1))",
    setup: str = "",
    training: str = "",
) -> Program:
    """Make the program of a call that is differentiated by ``leaves``."""
    is_dilated = max(operator.dilation) > 1
    with_onednn = 'import os\nos.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"'
    return Program(
        reason=reason,
        notes=(_NEEDS_ONEDNN,) if is_dilated else (),
        setup=text.lines(
            with_onednn if is_dilated else None,
            "import numpy as np",
            "import tensorflow as tf",
            setup,
        ),
        forward=Section(to_native, text.lines(layer, call), "y = np.moveaxis(y_.numpy(), -1, 1)"),
        gradient=Section(
            text.lines(to_native, "dy_ = tf.constant(np.moveaxis(dy, 1, -1))"),
            text.lines(
                layer,
                "with tf.GradientTape() as tape:",
                text.indented(text.lines(f"tape.watch({watched})", call)),
                f"{', '.join(f'd{name}_' for name in leaves)} = "
                f"tape.gradient(y_, ({', '.join(leaves.values())}), output_gradients=dy_)",
            ),
            text.lines(
                "dx = np.moveaxis(dx_.numpy(), -1, 1)",
                f"dw = {dw}",
                "db = db_.numpy()" if "b" in leaves else None,
            ),
        ),
        training=training,
    )


def after(split: text.CropSplit) -> str:
    """Write the lines after the call for what is left of the crop."""
    return split.after(
        f"y_ = tf.pad(y_, {[(0, 0), *text.extended(split.rest), (0, 0)]})",
        "y_ = tf.nn.bias_add(y_, b_)",
        channels_last=True,
    )


def _dilation_defect(operator: Operator, dtype: str) -> str | None:
    # https://github.com/tensorflow/tensorflow/issues/69103
    if dtype == "float32" or set(operator.dilation) == {1}:
        return None
    return (
        f"TensorFlow refuses dilations > 1 in {dtype} on a CPU: the kernel gets the zeros "
        "written in."
    )


def _native_crop(operator: Operator) -> tuple[str, text.Crops]:
    """Choose ``padding`` and, through ``output_shape``, as much of the crop as TensorFlow can say.

    An output size is legal if the forward convolution brings it back to the input size:
    https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/kernel_shape_util.h
    """
    axes = list(zip(operator.crop, operator.stride, operator.effective_kernel, strict=True))
    none = ((0, 0),) * operator.rank
    if all(begin == 0 and -stride < end <= 0 for (begin, end), stride, _ in axes):
        return "'VALID'", none
    if all(_is_same(begin, end, stride, kernel) for (begin, end), stride, kernel in axes):
        return "'SAME'", none
    # Explicit paddings exist for two spatial axes only, and on a CPU not with dilations.
    explicit_is_possible = operator.rank == 2 and set(operator.dilation) == {1}
    if explicit_is_possible and all(
        begin >= 0 and end > -stride for (begin, end), stride, _ in axes
    ):
        explicit = [
            [0, 0],
            *([begin, _removed(begin, end)] for begin, end in operator.crop),
            [0, 0],
        ]
        return str(explicit), none
    return "'VALID'", operator.crop


def _removed(begin: int, end: int) -> int:
    """What is removed at the end, where output_shape may add to it; names are written for both."""
    removed = max(end, 0)
    if isinstance(end, Named) and isinstance(end - begin, Named):
        in_names = in_function("max", [end, 0], int(removed))
        assert isinstance(in_names, int)
        return in_names
    return removed


def _is_same(begin: int, end: int, stride: int, kernel: int) -> bool:
    """Whether ``SAME`` with the right output_shape removes exactly this, odd one at the end.

    Of names it must be certain, whatever numbers they stand for.
    """
    odd, over = end - begin, kernel - begin - end - stride
    if isinstance(odd, Named) or isinstance(over, Named):
        return False
    is_short = over == 0 or (not isinstance(stride, Named) and 1 - stride <= over < 0)
    return is_short and begin == max(begin + end, 0) // 2


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``tf.nn.conv{1,2,3}d_transpose`` after the arrays.

    What TensorFlow's kernels compute of them is another matter.
    """
    padding, rest = _native_crop(operator)
    split = text.CropSplit(operator, rest)
    spatial = range(2, 2 + operator.rank)
    return Spoken(
        split,
        {
            "output_shape": _output_shape(operator, rest),
            "strides": text.tuple_of(operator.stride),
            "padding": padding,
            "dilations": text.tuple_of(operator.dilation),
        },
        reason=_rewriting(split),
        no_bias="",
        layout=Layout.of((0, *spatial, 1), (*spatial, 1, 0)),
        calls=max(operator.groups, 1),
    )


def _output_shape(operator: Operator, rest: text.Crops) -> str:
    removed = [
        begin + end - rest_begin - rest_end
        for (begin, end), (rest_begin, rest_end) in zip(operator.crop, rest, strict=True)
    ]
    channels = operator.out_channels // max(operator.groups, 1)
    return text.tuple_of(["x_.shape[0]", *text.full_size_of("x_", operator, 1, removed), channels])


def _conv_transpose(operator: Operator, padding: str, rest: text.Crops) -> str:
    options = text.arguments(
        output_shape=_output_shape(operator, rest),
        strides=text.per_axis(operator.stride),
        padding=padding,
        dilations=text.per_axis(operator.dilation, default=1),
    )
    function = f"tf.nn.conv{operator.rank}d_transpose"
    if operator.groups == 1:
        return f"y_ = {function}(x_, w_{options})"
    return text.lines(
        f"x_groups = tf.split(x_, {operator.groups}, axis=-1)",
        f"w_groups = tf.split(w_, {operator.groups}, axis=-1)",
        "y_ = tf.concat([",
        f"    {function}(x_group, w_group{options})",
        "    for x_group, w_group in zip(x_groups, w_groups)",
        "], axis=-1)",
    )
