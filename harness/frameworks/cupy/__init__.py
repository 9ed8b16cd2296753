"""CuPy (impl): every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.device import CUPY_WAIT, Cuda, Probe
from harness.convention.registry import Convention, late

# Without a driver CUDA reports one that is too old.
_CHECK: Final = """\
import cupy
try:
    cupy.asnumpy(cupy.zeros(1) + 1)
except Exception as error:
    if "cudaErrorInsufficientDriver" in str(error):
        raise RuntimeError("no NVIDIA driver here, or one that is too old: " + str(error))
    raise
name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()"""

# CuPy reads this when it first multiplies.
_ALLOW_TF32: Final = 'os.environ["CUPY_TF32"] = "1"'

_PROBE: Final = Probe(
    """\
import cupy
a, b = (cupy.ones(({side}, {side}), "{dtype}") for _ in range(2))
c = cupy.empty_like(a)""",
    f"cupy.matmul(a, b, out=c)\n{CUPY_WAIT}",
    """\
import cupy
source, target = (cupy.ones({nbytes}, "u1") for _ in range(2))""",
    f"target[...] = source\n{CUPY_WAIT}",
    ("float16", "float32", "float64"),
    side=8192,
    nbytes=1 << 30,
)

CONVENTION: Final = Convention(
    name="cupy",
    title="CuPy (impl)",
    distribution="cupy-cuda13x",
    module="cupy",
    weights="IOHW",
    render=late(__name__, "render"),
    no_bfloat16="There are no CUDA kernels for bfloat16 in impl.",
    probes={"cuda": _PROBE},
    cpu=False,
    cuda=Cuda(_CHECK, _ALLOW_TF32, {"CUPY_TF32": "0"}, wait=CUPY_WAIT, is_own=True),
    remarks=(
        "NumPy's call: a look-up writes it for CuPy where it is asked for by name.",
        "Always on an NVIDIA GPU, by cuBLAS and kernels of our own; cuDNN takes no part in it.",
    ),
    packages=("impl",),
    same_call_as="numpy",
)
