"""Where a framework's programs compute: on the CPU, or on an NVIDIA GPU.

A program's ``call`` is the same on both; what brings arrays into the framework and back also brings
them to the GPU and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Device: TypeAlias = Literal["cpu", "cuda"]
Math: TypeAlias = Literal["ieee", "tf32"]

# A framework that places arrays by itself must find no GPU where the CPU is meant.
NO_GPU: Final[Mapping[str, str]] = {"CUDA_VISIBLE_DEVICES": "-1"}
# cuBLAS and cuDNN obey this before whatever a framework has set: float32 is not rounded to TF32.
# It has no value that asks for TF32, which is done in the framework's own words.
# https://developer.nvidia.com/blog/accelerating-ai-training-with-tf32-tensor-cores/
IEEE: Final[Mapping[str, str]] = {"NVIDIA_TF32_OVERRIDE": "0"}
# How a check's message ends where the interpreter has no use for a GPU; the column adds how another
# one is chosen.
ANOTHER_INTERPRETER: Final = "choose another interpreter"
CUPY_WAIT: Final = "cupy.cuda.get_current_stream().synchronize()"
_NOT_OVERRIDDEN: Final = """\
import os
if "NVIDIA_TF32_OVERRIDE" in os.environ:
    raise RuntimeError("NVIDIA_TF32_OVERRIDE is set, which TF32 depends on: unset it")"""


@dataclass(frozen=True)
class Cuda:
    """How a framework computes on an NVIDIA GPU.

    Attributes
    ----------
    check : str
        Python text for the framework's interpreter: computes something on the GPU and leaves its
        ``name``, or raises with what is missing and what to do about it.
    allow_tf32 : str
        Python text that lets products of float32 round their factors to TF32; without it they
        never do.
    environ : mapping
        Environment variables of its processes, beside those that it has everywhere.
    wait : str
        Python text, in the names of a program, that returns when the GPU has done everything; empty
        where the calls themselves wait.
    is_own : bool
        Whether the code is ours, and IEEE by itself: no variable may hide that it is not.
    """

    check: str
    allow_tf32: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    wait: str = ""
    is_own: bool = False

    def math(self, asked: Math) -> Math:
        """Give the arithmetic of float32 that there is where some is asked for."""
        return asked if self.allow_tf32 else "ieee"

    def environment(self, asked: Math) -> dict[str, str]:
        """Give the variables of its processes."""
        is_forced = self.math(asked) == "ieee" and not self.is_own
        return {**self.environ, **(IEEE if is_forced else {})}

    def check_text(self, asked: Math) -> str:
        """Write the check, which then leaves ``device`` in the words of a report's header.

        >>> print(Cuda("name = 'NVIDIA H200'").check_text("tf32"))
        name = 'NVIDIA H200'
        device = 'cuda: ' + name + ', ieee'
        """
        math = self.math(asked)
        allowed = [_NOT_OVERRIDDEN, self.allow_tf32] if math == "tf32" else []
        return "\n".join([self.check, *allowed, f"device = 'cuda: ' + name + ', {math}'"])


@dataclass(frozen=True)
class Probe:
    """How a framework multiplies and copies: text, and sizes that are large for its device."""

    product_setup: str
    product: str
    copy_setup: str
    copy: str
    dtypes: tuple[str, ...]
    side: int
    nbytes: int
