"""CuPy (impl): all that is known of it."""

from __future__ import annotations

from typing import Final

from harness.convention.device import CUPY_WAIT, Cuda
from harness.convention.registry import Convention
from harness.frameworks.cupy.render import render

# CUDA calls a driver that is not there one that is too old.
_CHECK: Final = """\
import cupy
try:
    cupy.asnumpy(cupy.zeros(1) + 1)
except Exception as error:
    if "cudaErrorInsufficientDriver" in str(error):
        raise RuntimeError("no NVIDIA driver here, or one that is too old: " + str(error))
    raise
name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()"""

# CuPy asks for this when it first multiplies.
_ALLOW_TF32: Final = 'os.environ["CUPY_TF32"] = "1"'

CONVENTION: Final = Convention(
    name="cupy",
    title="CuPy (impl)",
    distribution="cupy-cuda13x",
    module="cupy",
    weights="IOHW",
    render=render,
    cpu=False,
    cuda=Cuda(_CHECK, _ALLOW_TF32, {"CUPY_TF32": "0"}, wait=CUPY_WAIT, is_own=True),
    remarks=(
        "NumPy's call: a look-up writes it for CuPy where it is asked to, with --to cupy.",
        "Always on an NVIDIA GPU, by cuBLAS and kernels of our own; cuDNN takes no part in it.",
    ),
    packages=("impl",),
    same_call_as="numpy",
)
