"""The devices that programs compute on: the CPU, or an NVIDIA GPU.

A program's ``call`` is the same on both; the code that converts arrays to the framework and back
also moves them to the GPU and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

Device: TypeAlias = Literal["cpu", "cuda"]
Math: TypeAlias = Literal["ieee", "tf32"]

# Hides GPUs from frameworks that would place arrays there by themselves.
NO_GPU: Final[Mapping[str, str]] = {"CUDA_VISIBLE_DEVICES": "-1"}
# cuBLAS and cuDNN obey this over any setting of a framework: float32 is not rounded to TF32.  No
# value requests TF32; that takes the framework's own setting.
# https://developer.nvidia.com/blog/accelerating-ai-training-with-tf32-tensor-cores/
IEEE: Final[Mapping[str, str]] = {"NVIDIA_TF32_OVERRIDE": "0"}
# The end of a check's message if the interpreter cannot use a GPU; the column adds how to choose
# another one.
ANOTHER_INTERPRETER: Final = "choose another interpreter"
CUPY_WAIT: Final = "cupy.cuda.get_current_stream().synchronize()"
_NOT_OVERRIDDEN: Final = """\
import os
if "NVIDIA_TF32_OVERRIDE" in os.environ:
    raise RuntimeError("NVIDIA_TF32_OVERRIDE is set, which TF32 depends on: unset it")"""


class Cuda(NamedTuple):
    """How a framework computes on an NVIDIA GPU."""

    # Python text for the framework's interpreter: computes something on the GPU and defines its
    # ``name``, or raises with what is missing and what to do.
    check: str
    # Python text that allows products of float32 to round their factors to TF32.
    allow_tf32: str = ""
    # Environment variables of its processes, in addition to those for every device.
    environ: Mapping[str, str] = MappingProxyType({})
    # Python text, using a program's variables, that returns when the GPU has finished; empty if the
    # calls themselves wait.
    wait: str = ""
    # Whether the code is ours: it must follow IEEE without the variable, which could hide errors.
    is_own: bool = False

    def math(self, asked: Math) -> Math:
        """Return the arithmetic of float32 for a request: TF32 only if supported."""
        return asked if self.allow_tf32 else "ieee"

    def environment(self, asked: Math) -> dict[str, str]:
        """Return the environment variables of its processes."""
        is_forced = self.math(asked) == "ieee" and not self.is_own
        return {**self.environ, **(IEEE if is_forced else {})}

    def check_text(self, asked: Math) -> str:
        """Write the check, which also defines ``device`` as in a report's header.

        >>> print(Cuda("name = 'NVIDIA H200'").check_text("tf32"))
        name = 'NVIDIA H200'
        device = 'cuda: ' + name + ', ieee'
        """
        math = self.math(asked)
        allowed = [_NOT_OVERRIDDEN, self.allow_tf32] if math == "tf32" else []
        return "\n".join([self.check, *allowed, f"device = 'cuda: ' + name + ', {math}'"])


class Probe(NamedTuple):
    """How a framework multiplies and copies: text, and sizes that are large for its device."""

    product_setup: str
    product: str
    copy_setup: str
    copy: str
    dtypes: tuple[str, ...]
    side: int
    nbytes: int
