"""Layouts of weights and biases: as patterns, as code in each language, and applied to arrays.

A layout is a string of axis letters: ``I`` input channels, ``O`` output channels of one group,
``D``, ``H``, ``W`` the kernel's axes in order, ``G`` groups, if they have an axis of their own.
Ours is ``IOHW``.  Except in layouts with ``G``, ``I`` runs over all groups, one after another.
In ``(GO)`` the output channels of all groups do, and ``I`` is that of one group.  A small letter is
an axis that runs backwards: ``hwIO`` is what JAX's convolutions take, which do not flip the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.convention.registry import convention
from harness.convention.text import divided_at, layout_axes, opened, unflipped
from harness.core.errors import InputError

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
    >>> layout("litert"), layout("litert", rank=3)
    ('OHWI', 'DHWOI')
    >>> layout("IHWO", rank=1), layout("hwIO", rank=3)
    ('IWO', 'dhwIO')
    """
    if rank not in _KERNEL:
        raise WeightsError(f"weights have 1 to 3 spatial axes, not {rank}.")
    if groups < 1:
        raise WeightsError(f"groups {groups} must be at least 1.")
    letters = framework
    if not is_layout(framework):
        writer = convention(framework)
        of_rank = (rank == 3 and writer.volume_weights) or writer.weights
        letters = (groups > 1 and writer.grouped_weights) or of_rank
    return letters.replace("HW", _KERNEL[rank]).replace("hw", _KERNEL[rank].lower())


def is_layout(framework: str) -> bool:
    """Whether it is a layout in place of a framework's name.

    >>> is_layout("IHWO"), is_layout("hwIO"), is_layout("(GO)Ihw"), is_layout("pytorch")
    (True, True, True, False)
    """
    letters = framework.replace("(GO)", "GO").replace("hw", "HW")
    return sorted(letters) in (sorted("IOHW"), sorted("GIOHW")) and "HW" in letters


class LayoutChange(NamedTuple):
    """The conversion of weights and biases from a framework's layout to another's.

    Examples
    --------
    >>> change = LayoutChange("pytorch", "tensorflow")
    >>> change.pattern, change.code(), change.bias_code()
    ('IOHW -> HWOI', 'w.transpose(2, 3, 1, 0)', 'b')
    """

    source: str  # A framework or a layout; so is the target
    target: str
    rank: int = 2
    groups: int = 1

    @property
    def before(self) -> str:
        """The layout of the source."""
        return layout(self.source, self.rank, self.groups)

    @property
    def after(self) -> str:
        """The layout of the target."""
        return layout(self.target, self.rank, self.groups)

    @property
    def pattern(self) -> str:
        """The permutation in the notation of einops; a flip is a change of case."""
        if "(" not in self.before + self.after and ("G" in self.before) == ("G" in self.after):
            return f"{self.before} -> {self.after}"
        return f"{_composed(self.before)} -> {_composed(self.after)}"

    @property
    def bias_pattern(self) -> str:
        """How the shape of a bias changes."""
        ones = (self._leading_ones(self.source), self._leading_ones(self.target))
        return " -> ".join(" ".join("1" * count + "O") for count in ones)

    def _leading_ones(self, framework: str) -> int:
        """Count the axes of one element that a layer's bias begins with."""
        if self.groups > 1 or is_layout(framework):
            return 0
        return self.rank if convention(framework).layer_bias_has_ones else 0

    def code(self, name: str = "w") -> str:
        """Write the permutation of the array ``name`` in the target's language."""
        if self.before == self.after:
            return name
        return convention(self.target).permuted(name, self.before, self.after, self.groups)

    def bias_code(self, name: str = "b") -> str:
        """Write the bias' change of shape in the target's language."""
        before, after = self._leading_ones(self.source), self._leading_ones(self.target)
        if self.source == self.target or (before == after and self.groups == 1):
            return name
        return convention(self.target).bias_reshaped(name, before, after)

    def converted(self, array: Array) -> Array:
        """Convert weights, as a view if possible."""
        channels(array.shape, self.source, self.groups)
        parts, wanted = opened(self.before, self.after)
        source, target = layout_axes(self.before), layout_axes(self.after)
        if parts != source:
            at = divided_at(source, parts)
            outer, inner = array.shape[:at], array.shape[at + 1 :]
            array = array.reshape(*outer, self.groups, array.shape[at] // self.groups, *inner)
        parts, flips = unflipped(parts, wanted)
        spans = [slice(None, None, -1 if axis in flips else None) for axis in range(array.ndim)]
        array = array[tuple(spans)].transpose([parts.index(axis) for axis in wanted])
        if wanted == target:
            return array
        at = divided_at(target, wanted)
        return array.reshape(*array.shape[:at], -1, *array.shape[at + 2 :])

    def converted_bias(self, array: Array) -> Array:
        """Convert a bias."""
        if array.size != max(array.shape, default=0):
            raise WeightsError(f"a bias has one axis; this has the shape {array.shape}.")
        return array.reshape((1,) * self._leading_ones(self.target) + (-1,))


def _composed(letters: str) -> str:
    """Separate the letters by spaces, and write out the groups inside ``I``."""
    written = " ".join(layout_axes(letters)).replace("(GO)", "(G O)")
    return written if "G" in letters else written.replace("I", "(G I)")


def rank_of(axes: int, framework: str, groups: int = 1) -> int:
    """Return the rank of weights with this many axes.

    >>> rank_of(4, "pytorch")
    2
    """
    by_axes = {len(layout_axes(layout(framework, rank, groups))): rank for rank in _KERNEL}
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
    size = dict(zip(layout_axes(letters), shape, strict=True))
    if "(GO)" in size:
        if size["(GO)"] % groups:
            raise WeightsError(
                f"weights of shape {tuple(shape)} ({letters}) have {size['(GO)']} output channels, "
                f"which {groups} groups do not divide."
            )
        return size["I"] * groups, size["(GO)"]
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
        missing = len(layout_axes(layout(framework, rank, groups))) - len(shape)
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
