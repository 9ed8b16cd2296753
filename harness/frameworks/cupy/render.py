"""CuPy through this project's own ``impl``: NumPy's call, on arrays of a GPU."""

from __future__ import annotations

from typing import Final

from harness.convention.convention import Convention, lines
from harness.convention.device import CUPY_WAIT, Cuda, Device
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.frameworks.numpy.render import options


def _render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    given = options(operator)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    names = ", ".join(f"{name}_" for name in inputs)
    returned = "dx_, dw_, db_" if operator.bias else "dx_, dw_, _"
    there = [f"{name}_ = cupy.asarray({name})" for name in inputs]
    return Program(
        framework="cupy",
        setup="import cupy\nimport impl",
        forward=Section(
            lines(*there), f"y_ = impl.conv_transpose({names}{given})", "y = cupy.asnumpy(y_)"
        ),
        gradient=Section(
            lines(*there[:2], "dy_ = cupy.asarray(dy)"),
            f"{returned} = impl.conv_transpose_vjp(dy_, x_, w_{given})",
            lines(*(f"d{name} = cupy.asnumpy(d{name}_)" for name in inputs)),
        ),
        gradient_alone=True,
    )


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
    render=_render,
    cpu=False,
    cuda=Cuda(_CHECK, _ALLOW_TF32, {"CUPY_TF32": "0"}, wait=CUPY_WAIT, is_own=True),
    remarks=(
        "NumPy's call: a look-up writes it for CuPy where it is asked to, with --to cupy.",
        "Always on an NVIDIA GPU, by cuBLAS and kernels of our own; cuDNN takes no part in it.",
    ),
    packages=("impl",),
    same_call_as="numpy",
)
