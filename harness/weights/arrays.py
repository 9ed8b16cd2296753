"""Arrays by name, and the transposed convolutions that a file itself tells of."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.core.bounded import MIB
from harness.weights.layouts import WeightsError

Array: TypeAlias = NDArray[Any]

NUMBERS: Final = frozenset(
    {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    | {"float32", "float64", "complex64", "complex128"}
)
# Types that NumPy lacks are kept as bytes, in a field with the type's name in .safetensors.
FOREIGN: Final = {"BF16": ("bfloat16", 2), "F8_E4M3": ("float8_e4m3fn", 1)}
MOST_ARRAYS: Final = 100_000  # Of one file
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Layer:
    """A transposed convolution that a file tells of: the names of its arrays, and its groups."""

    weight: str
    bias: str | None = None
    groups: int = 1
    is_certain: bool = False  # Whether one without a bias is known to have none

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays, the weights first."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)


@dataclass(frozen=True)
class Contents:
    """The contents of a file of arrays."""

    arrays: Mapping[str, Array]  # Arrays by name; an array without a name is ``weight``
    # Axes of one element may be missing at the end of a shape, because MATLAB drops them.
    is_cut: bool = False
    # Text stored with the arrays, if the format has it.
    metadata: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()  # What the format says itself, as a model does
    letters: str = ""  # The layout of the weights of ``layers``
    left_out: tuple[str, ...] = ()  # Names of what is no array
    is_ordered: bool = True  # Whether the format keeps the order that the arrays were saved in


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the type of this name, of bytes if NumPy lacks it.

    >>> dtype_of("float32"), dtype_of("bfloat16")
    (dtype('float32'), dtype([('BF16', 'V2')]))
    """
    for field_name, (foreign, size) in FOREIGN.items():
        if foreign == name:
            return np.dtype([(field_name, f"V{size}")])
    return np.dtype(name)


def dtype_name(array: Array) -> str:
    """Return the name of the type of an array's elements.

    >>> dtype_name(np.zeros(2, ">f4"))
    'float32'
    """
    return array.dtype.names[0] if array.dtype.names else array.dtype.name


def most_memory(path: Path) -> int:
    """Return how many bytes a file may unfold to."""
    return 256 * MIB + 10 * path.stat().st_size


def check_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what is far larger than the archive; no more is read of a member than it declares."""
    unfolded, most = sum(member.file_size for member in members), most_memory(path)
    if unfolded > most:
        raise WeightsError(
            f"{path} would unfold to {unfolded // MIB} MiB; with its size it may have "
            f"{most // MIB} MiB."
        )
    # One block of other methods may unfold to anything.
    if other := [m for m in members if m.compress_type not in _METHODS]:
        raise WeightsError(f"{path}: {other[0].filename!r} is compressed as NumPy never does it.")
