"""Layouts of weights and biases: as patterns, as code in each language, and applied to arrays.

A layout is a string of axis letters: ``I`` input channels, ``O`` output channels of one group,
``D``, ``H``, ``W`` the kernel's axes in order, ``G`` groups, if they have an axis of their own.
Ours is ``IOHW``.  Except in layouts like ``IOHWG``, ``I`` runs over all groups, one after another.
No framework here flips the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from harness.convention.registry import convention
from harness.convention.signature import Style
from harness.core.errors import InputError
from harness.core.operators import Operator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Our own layout, which can replace a framework's name.
CANONICAL: Final = "IOHW"
_KERNEL: Final = {1: "W", 2: "HW", 3: "DHW"}


class WeightsError(InputError):
    """Weights, or a file of weights, cannot be converted as requested."""


def layout(framework: str, rank: int = 2, groups: int = 1) -> str:
    """Return the axes of a framework's weights.

    In place of a framework, a text's own layout of two spatial axes serves.  More than one group
    changes the layout if groups have an axis of their own.

    >>> layout("pytorch"), layout("tensorflow"), layout("tensorflow", rank=3)
    ('IOHW', 'HWOI', 'DHWOI')
    >>> layout("IHWO", rank=1)
    'IWO'
    """
    if rank not in _KERNEL:
        raise WeightsError(f"weights have 1 to 3 spatial axes, not {rank}.")
    if groups < 1:
        raise WeightsError(f"groups {groups} must be at least 1.")
    letters = framework
    if not _is_layout(framework):
        writer = convention(framework)
        letters = (groups > 1 and writer.grouped_weights) or writer.weights
    return letters.replace("HW", _KERNEL[rank])


def _is_layout(framework: str) -> bool:
    return set(framework) in (set("IOHW"), set("GIOHW"))


@dataclass(frozen=True)
class LayoutChange:
    """The conversion of weights to a framework's layout."""

    source: str  # A layout; so is the target
    target: str
    pattern: str  # The permutation as einops writes it
    code: str  # The same in the target's language
    bias: str | None  # Code for the bias, where its shape changes

    @classmethod
    def between(cls, source: str, target: str, operator: Operator, style: Style) -> Self:
        """Return the change for an operator's weights, between frameworks or from a layout."""
        rank, groups = operator.rank, operator.groups
        bias = bias_code(source, target, rank=rank, groups=groups)
        takes_vector = style == "function" and convention(target).layer_bias_has_ones
        return cls(
            layout(source, rank, groups),
            layout(target, rank, groups),
            pattern(source, target, rank=rank, groups=groups),
            code(source, target, rank=rank, groups=groups),
            bias if operator.bias and bias != "b" and not takes_vector else None,
        )


def pattern(source: str, target: str, *, rank: int = 2, groups: int = 1) -> str:
    """Return the permutation in the notation of einops.

    >>> pattern("pytorch", "tensorflow")
    'IOHW -> HWOI'
    >>> pattern("tensorflow", "mxnet", rank=1)
    'WOI -> IOW'
    """
    before, after = layout(source, rank, groups), layout(target, rank, groups)
    if ("G" in before) == ("G" in after):
        return f"{before} -> {after}"
    return f"{_composed(before)} -> {_composed(after)}"


def _composed(letters: str) -> str:
    """Separate the letters by spaces, and write out the groups inside ``I``."""
    return " ".join(letters if "G" in letters else letters.replace("I", "@")).replace("@", "(G I)")


def bias_pattern(source: str, target: str, *, rank: int = 2, groups: int = 1) -> str:
    """Return how the shape of a bias changes.

    >>> bias_pattern("pytorch", "tensorflow")
    'O -> O'
    """
    return " -> ".join(
        " ".join("1" * _leading_ones(framework, rank, groups) + "O")
        for framework in (source, target)
    )


def _leading_ones(framework: str, rank: int, groups: int) -> int:
    if groups > 1 or _is_layout(framework):
        return 0
    return rank if convention(framework).layer_bias_has_ones else 0


def code(source: str, target: str, *, rank: int = 2, groups: int = 1, name: str = "w") -> str:
    """Write the permutation of the array ``name`` in the target's language.

    >>> code("pytorch", "tensorflow")
    'w.transpose(2, 3, 1, 0)'
    >>> code("tensorflow", "chainer", rank=1, name="kernel")
    'kernel.transpose(2, 1, 0)'
    """
    before, after = layout(source, rank, groups), layout(target, rank, groups)
    if before == after:
        return name
    return convention(target).permuted(name, before, after, groups)


def bias_code(source: str, target: str, *, rank: int = 2, groups: int = 1, name: str = "b") -> str:
    """Write the bias' change of shape in the target's language.

    >>> bias_code("pytorch", "tensorflow")
    'b'
    """
    before, after = (_leading_ones(framework, rank, groups) for framework in (source, target))
    if source == target or (before == after and groups == 1):
        return name
    return convention(target).bias_reshaped(name, before, after)


def convert(array: Array, source: str, target: str, groups: int = 1) -> Array:
    """Convert weights from one framework's layout to another's, as a view if possible.

    >>> import numpy as np
    >>> convert(np.zeros((64, 32, 4, 5)), "pytorch", "tensorflow").shape
    (4, 5, 32, 64)
    """
    rank = rank_of(array.ndim, source, groups)
    channels(array.shape, source, groups)
    before, after = layout(source, rank, groups), layout(target, rank, groups)
    if "G" in after and "G" not in before:
        at = before.index("I")
        shape = array.shape
        array = array.reshape(*shape[:at], groups, shape[at] // groups, *shape[at + 1 :])
        before = before.replace("I", "GI")
    merges = "G" in before and "G" not in after
    wanted = after.replace("I", "GI") if merges else after
    permuted = array.transpose([before.index(letter) for letter in wanted])
    if not merges:
        return permuted
    at = after.index("I")
    return permuted.reshape(*permuted.shape[:at], -1, *permuted.shape[at + 2 :])


def convert_bias(
    array: Array, source: str, target: str, *, rank: int = 2, groups: int = 1
) -> Array:
    """Convert a bias from one framework's shape to another's.

    >>> import numpy as np
    >>> convert_bias(np.zeros(3), "pytorch", "tensorflow").shape
    (3,)
    """
    layout(source, rank, groups)
    if array.size != max(array.shape, default=0):
        raise WeightsError(f"a bias has one axis; this has the shape {array.shape}.")
    return array.reshape((1,) * _leading_ones(target, rank, groups) + (-1,))


def rank_of(axes: int, framework: str, groups: int = 1) -> int:
    """Return the rank of weights with this many axes.

    >>> rank_of(4, "pytorch")
    2
    """
    by_axes = {len(layout(framework, rank, groups)): rank for rank in _KERNEL}
    if axes not in by_axes:
        known = ", ".join(layout(framework, rank, groups) for rank in _KERNEL)
        raise WeightsError(
            f"weights of {axes} axes are none of {framework}'s"
            f"{f' with {groups} groups' if groups > 1 else ''}: {known}."
        )
    return by_axes[axes]


def channels(shape: Sequence[int], framework: str, groups: int = 1) -> tuple[int, int]:
    """Return the input and output channels of weights, over all groups.

    >>> channels((6, 5, 3, 2), "pytorch", groups=2)
    (6, 10)
    """
    letters = layout(framework, rank_of(len(shape), framework, groups), groups)
    size = dict(zip(letters, shape, strict=True))
    if size.get("G", groups) != groups:
        raise WeightsError(
            f"weights of shape {tuple(shape)} have {size['G']} groups ({letters}), not {groups}."
        )
    c_in = size["I"] * size.get("G", 1)
    if c_in % groups:
        raise WeightsError(
            f"weights of shape {tuple(shape)} ({letters}) have {c_in} input channels, "
            f"which {groups} groups do not divide."
        )
    return c_in, size["O"] * groups


def readings(shape: Sequence[int], framework: str, groups: int = 1) -> dict[int, tuple[int, ...]]:
    """Return, by rank, the shapes that weights may have had before MATLAB dropped axes at the end.

    >>> readings((3, 2, 5), "tensorflow")
    {1: (3, 2, 5), 2: (3, 2, 5, 1), 3: (3, 2, 5, 1, 1)}
    """
    shapes = {}
    for rank in _KERNEL:
        missing = len(layout(framework, rank, groups)) - len(shape)
        whole = (*shape, *(1,) * missing)
        if missing >= 0 and _is_possible(whole, framework, groups):
            shapes[rank] = whole
    return shapes


def _is_possible(shape: Sequence[int], framework: str, groups: int) -> bool:
    try:
        channels(shape, framework, groups)
    except WeightsError:
        return False
    return True
