"""Keras 3: every fact about it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from harness.convention.registry import Convention
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import Training
from harness.frameworks.keras.backends import JAX, TENSORFLOW, TORCH, Backend
from harness.frameworks.keras.render import render, spoken


def _layer(
    operator: Operator, dtype: str, training: Training, backend: Backend = TORCH
) -> Program | Unsupported:
    from harness.frameworks.keras.layer import layer  # noqa: PLC0415 -- half of what is here

    return layer(operator, dtype, training, backend=backend)


_KERAS: Final = Convention(
    name="keras",
    title="Keras 3",
    distribution="keras",
    module="keras",
    weights="HWOI",
    stored_names=("kernel", "bias", "/"),
    layer_order="needed",
    render=render,
    no_bfloat16="",
    modules=("keras",),
    layer=_layer,
    spoken=spoken,
    calls=r"Conv(olution)?[123]DTranspose|conv_transpose",
    remarks=(
        (
            "It computes with another library's kernels, which KERAS_BACKEND names: PyTorch's "
            "here, JAX's and TensorFlow's as keras:jax and keras:tensorflow, where asked for."
        ),
        (
            "The layers refuse strides > 1 together with dilation_rate > 1, and an output_padding "
            "that is not less than strides; keras.ops.conv_transpose takes them."
        ),
        "There are no groups, in the layers or in keras.ops.",
        (
            "On PyTorch a float64 layer of one or two axes with one input channel computes its "
            "output, but its gradient is refused: 'grad_weight needs to be contiguous'."
        ),
        (
            "output_padding=None is not 0: 'same' gives input * strides then, and 'valid' fills "
            "up strides larger than the kernel."
        ),
        (
            "keras.layers.Conv2DTranspose is read as TensorFlow's, which has the same layer; with "
            "this framework named, as this one's."
        ),
    ),
    environ=TORCH.environ,
)


def _on(backend: Backend) -> Convention:
    """Return the variant that computes with a backend."""
    return replace(
        _KERAS,
        name=f"{_KERAS.name}:{backend.name}",
        title=f"{_KERAS.title} on {backend.title}",
        render=partial(render, backend=backend),
        layer=partial(_layer, backend=backend),
        environ=backend.environ,
    )


CONVENTION: Final = replace(_KERAS, variants=tuple(map(_on, (JAX, TENSORFLOW, TORCH))))
