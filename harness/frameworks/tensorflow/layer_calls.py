"""The layers that TensorFlow reads: Keras's, under all the names that texts give their module."""

from __future__ import annotations

from typing import Final

from harness.convention.arguments import Form
from harness.convention.keras_layers.calls import layer_form, layer_function_form

_MODULES: Final = ("keras.layers.convolutional", "tfkl", "tfl", "kl", "KL", "L", "klayers")


def layer_forms(rank: int) -> tuple[Form, ...]:
    """The layers that are read and, for two and three axes, the functions of TensorFlow 1."""
    name, other = f"Conv{rank}DTranspose", f"Convolution{rank}DTranspose"
    # Keras 2 has it under the name that it had in Keras 1, where it took other arguments.
    old = (f"keras.layers.Deconvolution{rank}D",) if rank > 1 else ()
    names = (
        *(f"tf.keras.layers.{name}", f"tf.keras.layers.{other}", name),
        *(*old, *(f"{module}.{name}" for module in _MODULES)),
    )
    layer = layer_form(rank, names, on_tensorflow=True)
    if rank == 1:
        return (layer,)
    function = f"conv{rank}d_transpose"
    return (
        layer,
        layer_function_form(
            rank,
            (f"tf.layers.{function}", f"tf.compat.v1.layers.{function}"),
            f"https://www.tensorflow.org/api_docs/python/tf/compat/v1/layers/{function}",
        ),
    )
