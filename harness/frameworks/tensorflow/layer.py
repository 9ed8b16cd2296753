"""Keras: ``Conv{1,2,3}DTranspose``, written.

https://keras.io/api/layers/convolution_layers/convolution2d_transpose/
"""

from __future__ import annotations

from harness.convention.keras_layers.constructor import constructor, crop_reason
from harness.convention.keras_layers.crops import chosen_crop
from harness.convention.keras_layers.training import TF_KERAS, training_text
from harness.convention.text import CropSplit, lines
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import Training
from harness.frameworks.tensorflow.render import after, program


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write a layer of a network with its weights and its training settings."""
    if reason := _refusal(operator, dtype):
        return Unsupported(reason)
    padding, output_padding, rest = chosen_crop(operator, on_tensorflow=True)
    split = CropSplit(operator, rest)
    made, setup = constructor(split, dtype, training, padding, output_padding, "tf.keras")
    bias = "b_" if split.late_bias else "layer.bias"
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
            f"layer = {made}",
            "layer.build(x_.shape)",
            f"layer.set_weights([w_{', b' if split.own_bias else ''}])",
            "b_ = tf.Variable(b)" if split.late_bias else None,
        ),
        reason=crop_reason(split),
        setup=setup,
        training=training_text(operator, training, TF_KERAS, late_bias=split.late_bias),
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
