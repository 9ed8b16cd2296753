"""The text that makes a layer of Keras's, with its sizes, its crop and its training settings."""

from __future__ import annotations

from collections.abc import Sequence

from harness.convention.keras_layers.training import initializer_text, penalty_text
from harness.convention.text import CropSplit, arguments, per_axis
from harness.core.training import Training


def constructor(
    split: CropSplit,
    dtype: str,
    training: Training,
    padding: str | None,
    output_padding: Sequence[int] | None,
    keras: str,
) -> tuple[str, str]:
    """Write a layer, and the setting that it needs if it has a penalty.

    ``keras`` is what the text calls the module.

    >>> from harness.core.operators import Operator
    >>> split = CropSplit(Operator.of(4, 6, (3, 3), stride=2, bias=False), ((0, 0), (0, 0)))
    >>> constructor(split, "float32", Training(), None, None, "keras")
    ('keras.layers.Conv2DTranspose(6, 3, strides=2, use_bias=False)', '')
    """
    operator, own_bias = split.operator, split.own_bias
    penalty = penalty_text(training, training.weights_decay, keras)
    bias_penalty = penalty_text(training, training.bias_decay, keras) if own_bias else None
    initial_bias = initializer_text(training.bias, operator, keras, of_bias=True)
    options = arguments(
        strides=per_axis(operator.stride, default=1),
        padding=padding,
        output_padding=None if output_padding is None else per_axis(output_padding),
        dilation_rate=per_axis(operator.dilation, default=1),
        use_bias=None if own_bias else "False",
        kernel_initializer=initializer_text(training.weights, operator, keras),
        bias_initializer=initial_bias if own_bias else None,
        kernel_regularizer=penalty,
        bias_regularizer=bias_penalty,
        # A layer turns its input into its own type, float32 by default.
        dtype=None if dtype == "float32" else f'"{dtype}"',
    )
    sizes = f"{operator.out_channels}, {per_axis(operator.kernel)}"
    # The constructor needs a value.
    has_l2 = penalty or bias_penalty
    return (
        f"{keras}.layers.Conv{operator.rank}DTranspose({sizes}{options})",
        "l2 = 0.0001  # Write your own weight decay." if has_l2 else "",
    )


def crop_reason(split: CropSplit) -> str | None:
    """Say why lines are needed after the layer, if so."""
    return (
        f"crop {split.operator.crop} is none that padding and output_padding give: sliced or "
        "padded."
        if split.has_rest
        else None
    )
