"""What Keras computes with: its tensors are these libraries' own, and so are its gradients.

https://keras.io/getting_started/#configuring-your-backend
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from harness.convention import text

_HERE: Final = {
    # Keras reads and writes a file there, ~/.keras by default: nothing of a user's may decide, and
    # nothing of a user's is written.
    "KERAS_HOME": os.devnull,
}


class Backend(NamedTuple):
    """A library below Keras."""

    name: str  # As ``KERAS_BACKEND`` names it
    title: str
    imports: str  # What the text of a gradient needs
    environ: Mapping[str, str]
    # Whether an output_padding of 0 with padding="same" and an even kernel is refused, and with it
    # whatever a forward convolution would not bring back to the input's size.
    is_tensorflow: bool = False

    def array(self, value: str, *, is_leaf: bool = False) -> str:
        """Write an array as a tensor, by which a gradient may be taken."""
        made = f"keras.ops.convert_to_tensor({value})"
        return f"{made}.requires_grad_()" if is_leaf and self.name == "torch" else made

    def differentiated(self, call: str, leaves: Mapping[str, str], names: Sequence[str]) -> str:
        """Write a call and its gradients by some tensors, ``names`` of which are no variables."""
        gradients = ", ".join(f"d{name}_" for name in leaves)
        values = ", ".join(leaves.values())
        if self.name == "torch":
            return text.lines(call, f"{gradients} = torch.autograd.grad(y_, ({values}), dy_)")
        if self.is_tensorflow:
            watched = ", ".join(names)
            return text.lines(
                "with tf.GradientTape() as tape:",
                text.indented(text.lines(f"tape.watch([{watched}])", call)),
                f"{gradients} = tape.gradient(y_, ({values}), output_gradients=dy_)",
            )
        arguments = ", ".join(f"{name}_" for name in leaves)
        return text.lines(
            f"def forward({arguments}):",
            text.indented(text.lines(call, "return y_")),
            f"y_, pull = jax.vjp(forward, {values})",
            f"{gradients} = pull(dy_)",
            self.waits(gradients),
        )

    def waits(self, results: str) -> str | None:
        """Write the line after which results are there: JAX returns before it has computed them."""
        # https://docs.jax.dev/en/latest/async_dispatch.html
        return f"jax.block_until_ready([{results}])" if self.name == "jax" else None


TORCH: Final = Backend("torch", "PyTorch", "import torch", _HERE | {"KERAS_BACKEND": "torch"})
JAX: Final = Backend(
    "jax",
    "JAX",
    "import jax",
    _HERE
    | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        # Without it float64 becomes float32, without a word.
        "JAX_ENABLE_X64": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    },
)
TENSORFLOW: Final = Backend(
    "tensorflow",
    "TensorFlow",
    "import tensorflow as tf",
    _HERE
    | {
        "KERAS_BACKEND": "tensorflow",
        # Dilations on a CPU need it: https://github.com/tensorflow/tensorflow/issues/69103
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTEROP_THREADS": "1",
    },
    is_tensorflow=True,
)
