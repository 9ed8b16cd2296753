"""Chainer: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.device import ANOTHER_INTERPRETER, CUPY_WAIT, Cuda
from harness.convention.registry import Convention, late

_CHECK: Final = f"""\
import chainer
from chainer.backends import cuda
try:
    cuda.check_cuda_available()
except RuntimeError as error:
    raise RuntimeError(
        "chainer " + chainer.__version__ + " has no CuPy that works ("
        + " ".join(str(error).split()) + "); {ANOTHER_INTERPRETER}"
    )
import cupy
cupy.asnumpy(cupy.zeros(1) + 1)
name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()"""

CONVENTION: Final = Convention(
    name="chainer",
    title="Chainer",
    distribution="chainer",
    module="chainer",
    weights="IOHW",
    stored_names=("W", "b", "/"),
    layer_order="lost",
    render=late(__name__, "render"),
    no_bfloat16="Chainer computes in dtypes of NumPy's own, and bfloat16 is none.",
    modules=("chainer",),
    layer=late(__name__, "layer"),
    spoken=late(__name__, "spoken"),
    model_suffixes=(".npz",),
    calls=r"Deconvolution([123]|N)D|deconvolution_([123]|n)d",
    remarks=(
        (
            "deterministic is not an argument since Chainer 2: use chainer.using_config("
            "'cudnn_deterministic', True) around the call, and likewise 'autotune' for cuDNN."
        ),
        "dilate and groups are by keyword only in two dimensions.",
        "groups=0 is silently 1 and a negative pad silently gives garbage: both are refused here.",
        (
            "fan_in counts the output channels of a transposed convolution; weights are "
            "LeCunNormal() by default."
        ),
    ),
    environ={"CHAINER_WARN_VERSION_MISMATCH": "0"},
    cuda=Cuda(_CHECK, wait=CUPY_WAIT),
)
