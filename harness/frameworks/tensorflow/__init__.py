"""TensorFlow: every fact about it."""

from __future__ import annotations

import os
from typing import Final

from harness.convention.device import ANOTHER_INTERPRETER, Cuda
from harness.convention.registry import Convention, Example
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import Training
from harness.frameworks.tensorflow.render import render, spoken

_CHECK: Final = f"""\
import tensorflow as tf
if not tf.test.is_built_with_cuda():
    raise RuntimeError(
        "tensorflow " + tf.__version__
        + " is built without CUDA; {ANOTHER_INTERPRETER}"
    )
found = tf.config.list_physical_devices("GPU")
if not found or "GPU" not in (tf.ones(1) + 1).device:
    raise RuntimeError("tensorflow " + tf.__version__ + " finds no GPU that it can use")
name = tf.config.experimental.get_device_details(found[0]).get("device_name", "GPU")"""
_ALLOW_TF32: Final = "tf.config.experimental.enable_tensor_float_32_execution(True)"


def _layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    from harness.frameworks.tensorflow.layer import layer  # noqa: PLC0415 -- half of what is here

    return layer(operator, dtype, training)


CONVENTION: Final = Convention(
    name="tensorflow",
    title="TensorFlow",
    distribution="tensorflow-cpu",
    module="tensorflow",
    weights="HWOI",
    stored_names=("kernel", "bias", "/"),
    layer_order="needed",
    render=render,
    no_bfloat16="",
    modules=("tensorflow", "tf", "keras", "tf_keras", "tf_slim"),
    layer=_layer,
    spoken=spoken,
    model_suffixes=(".keras", ".h5", ".hdf5", ".json"),
    calls=r"Conv(olution)?[123]DTranspose|conv[123]?d?_transpose|Deconvolution[23]D",
    examples=(
        Example(
            "Can TensorFlow do dilation 2 with stride 2?",
            "nn.ConvTranspose2d(64, 32, 3, stride=2, dilation=2)",
            is_asked_of_it=True,
        ),
        Example(
            "This Keras layer, which leaves the input channels open, everywhere",
            "Conv2DTranspose(32, 3, strides=2, padding='same')",
            input=(1, 64, 16, 16),
            style="layer",
        ),
    ),
    environ={
        "KERAS_BACKEND": "tensorflow",
        # Keras would write ~/.keras, and read from there what channels come first.
        "KERAS_HOME": os.devnull,
        # A text with dilations sets it, but the first one of a process may have none.
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTEROP_THREADS": "1",
    },
    # It would take all of the GPU's memory, which other frameworks use at the same time.
    cuda=Cuda(
        _CHECK,
        _ALLOW_TF32,
        {"TF_FORCE_GPU_ALLOW_GROWTH": "true"},
        wait="tf.test.experimental.sync_devices()",
    ),
)
