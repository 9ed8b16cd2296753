"""Keras 3: ``keras.layers.Conv{1,2,3}DTranspose``, written.

https://keras.io/api/layers/convolution_layers/convolution2d_transpose/
"""

from __future__ import annotations

from dataclasses import replace

from harness.convention.keras_layers.constructor import constructor, crop_reason
from harness.convention.keras_layers.crops import chosen_crop
from harness.convention.keras_layers.training import KERAS, KERAS_ON_TENSORFLOW, training_text
from harness.convention.text import CropSplit, lines
from harness.core.operators import Operator
from harness.core.program import NO_GRADIENT, Program, Unsupported
from harness.core.training import Training
from harness.frameworks.keras.backends import JAX, TORCH, Backend
from harness.frameworks.keras.render import after, program


def layer(
    operator: Operator, dtype: str, training: Training, *, backend: Backend = TORCH
) -> Program | Unsupported:
    """Write a layer of a network with its weights and its training settings."""
    if reason := _refusal(operator, dtype, backend):
        return Unsupported(reason)
    padding, output_padding, rest = chosen_crop(operator, on_tensorflow=backend.is_tensorflow)
    split = CropSplit(operator, rest)
    made, setup = constructor(split, dtype, training, padding, output_padding, "keras")
    bias = "b_" if split.late_bias else "layer.bias"
    leaves = {"x": "x_", "w": "layer.kernel.value"}
    dialect = KERAS_ON_TENSORFLOW if backend.is_tensorflow else KERAS
    apart = f"y_, _ = layer.stateless_call([w_{', b_' * split.own_bias}], [], x_)"
    written = program(
        backend,
        {"x": "np.moveaxis(x, 1, -1)"},
        lines("y_ = layer(x_)", after(split)),
        leaves | ({"b": f"{bias}.value"} if operator.bias else {}),
        # A function that JAX differentiates takes a layer's variables as arguments.
        of_variables=lines(apart, after(split)) if backend is JAX else None,
        layer=lines(
            f"layer = {made}",
            "layer.build(x_.shape)",
            f"layer.set_weights([np.moveaxis(w, (0, 1), (-1, -2)){', b' * split.own_bias}])",
            "b_ = keras.Variable(b)" if split.late_bias else None,
        ),
        reason=crop_reason(split),
        setup=setup,
        training=training_text(operator, training, dialect, late_bias=split.late_bias),
    )
    if reason := _without_gradient(operator, dtype, backend):
        return replace(written, gradient=NO_GRADIENT, forward_only=reason)
    return written


def _without_gradient(operator: Operator, dtype: str, backend: Backend) -> str | None:
    """Why the layer has no gradient, if so: the kernel's memory is laid out as HWOI."""
    # keras.layers.Conv1DTranspose(3, 4, dtype="float64") on one channel, in Keras 3.15 on PyTorch
    # 2.13; in three axes, with a kernel of 1 and in float32 there is one.
    channels = operator.in_channels == 1 < operator.out_channels
    if backend is not TORCH or dtype != "float64" or operator.rank == 3 or not channels:
        return None
    if max(operator.kernel) == 1:
        return None
    return (
        "PyTorch refuses the gradient of such a layer with one input channel in float64 "
        '("grad_weight needs to be contiguous"): use the function style.'
    )


def _refusal(operator: Operator, dtype: str, backend: Backend) -> str | None:
    """Why no layer of Keras computes the operator, if so."""
    if operator.groups != 1:
        return (
            f"Keras's transposed convolutions have no groups; {operator.groups} are asked for: "
            "use one layer for each group between Split and Concatenate, or the function style."
        )
    if max(operator.stride) > 1 and max(operator.dilation) > 1:
        return (
            f"Keras's layers refuse strides {list(operator.stride)} together with dilation_rate "
            f"{list(operator.dilation)}; keras.ops.conv_transpose takes them: use the function "
            "style."
        )
    if backend.is_tensorflow and dtype != "float32" and max(operator.dilation) > 1:
        # https://github.com/tensorflow/tensorflow/issues/69103
        return f"TensorFlow refuses dilations > 1 in {dtype} on a CPU: use the function style."
    return None
