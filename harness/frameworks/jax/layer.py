"""Flax: ``flax.linen.ConvTranspose``, written.

https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html
"""

from __future__ import annotations

from harness.convention import text
from harness.convention.keras_layers.crops import crop_of
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import Training
from harness.frameworks.jax.render import (
    RESULT,
    after,
    array,
    crop_split,
    from_kernel,
    in_call,
    notes,
    raw_padding,
    setup,
)
from harness.frameworks.jax.training import initializer_text, training_text


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write a layer of a network with its weights and its training settings."""
    if operator.groups != 1:
        return Unsupported(
            f"Flax's transposed convolutions have no groups; {operator.groups} are asked for: use "
            "the function style."
        )
    split, defect = crop_split(operator, dtype)
    names = ", ".join(f"{name}_" for name in text.inputs_of(operator))
    parameters = {"kernel": "w_"} | ({"bias": "b_"} if split.own_bias else {})
    given = ", ".join(f'"{name}": {value}' for name, value in parameters.items())
    definition = text.lines(
        f"layer = {_constructor(split, training)}",
        "@jax.jit",
        f"def forward({names}):",
        text.indented(
            text.lines(
                f'y_ = layer.apply({{"params": {{{given}}}}}, x_)',
                after(split),
                "return y_",
            )
        ),
    )
    to_native = text.lines(
        array("x", "np.moveaxis(x, 1, -1)"),
        array("w", "np.moveaxis(w, (0, 1), (-1, -2))"),
        array("b") if operator.bias else None,
        definition,
    )
    gradients = ", ".join(f"d{name}_" for name in text.inputs_of(operator))
    learning = {"w": "kernel"} | ({"b": "bias"} if operator.bias else {})
    return Program(
        setup=setup(dtype, "import jax", "import numpy as np", "from flax import linen as nn"),
        reason=defect,
        notes=notes(dtype),
        forward=Section(to_native, f"y_ = jax.block_until_ready(forward({names}))", RESULT),
        gradient=Section(
            text.lines(
                to_native,
                array("dy", "np.moveaxis(dy, 1, -1)"),
                "@jax.jit",
                f"def gradients({names}, dy_):",
                text.indented(f"y_, pull = jax.vjp(forward, {names})\nreturn pull(dy_)"),
            ),
            f"{gradients} = jax.block_until_ready(gradients({names}, dy_))",
            text.lines(
                "dx = np.moveaxis(np.asarray(dx_), -1, 1)",
                f"dw = {from_kernel('np.asarray(dw_)')}",
                "db = np.asarray(db_)" if operator.bias else None,
            ),
        ),
        definition=definition,
        gradient_alone=True,
        training=training_text(training, learning),
    )


def _constructor(split: text.CropSplit, training: Training) -> str:
    operator = split.operator
    options = text.arguments(
        strides=text.tuple_of(operator.stride) if set(operator.stride) != {1} else None,
        padding=_padding(split),
        kernel_dilation=text.tuple_of(operator.dilation) if set(operator.dilation) != {1} else None,
        use_bias=None if split.own_bias else "False",
        kernel_init=initializer_text(training.weights, operator),
        bias_init=initializer_text(training.bias, operator, of_bias=True)
        if split.own_bias
        else None,
        transpose_kernel="True",
    )
    kernel = text.tuple_of(operator.kernel)
    return f"nn.ConvTranspose({operator.out_channels}, {kernel}{options})"


def _padding(split: text.CropSplit) -> str | None:
    """Write the padding; None is 'SAME', the default."""
    crop = tuple(in_call(split))
    if crop == crop_of("same", None, split.operator):
        return None
    if crop == crop_of("valid", None, split.operator):
        return '"VALID"'
    return text.tuple_of(raw_padding(split))
