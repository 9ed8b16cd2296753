"""The geometry of each axis alone: the axes of a transposed convolution are independent.

Input element ``i`` reaches position ``i * stride + t * dilation`` of the full output through tap
``t``; the output is what the crop leaves of these positions.  An axis too long to be readable is
drawn with fewer input elements.  Each omitted one would only add ``stride`` more positions like
those before it; both ends look the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from harness.core.operators import Operator, OperatorError, Sizes, axis_name

_LEAST_INPUT: Final = 3


@dataclass(frozen=True)
class Limits:
    """How much of an axis is drawn, in positions."""

    whole: int = 36  # Longest axis that is drawn whole
    # A longer axis is drawn with fewer input elements, to be at most this long; but with at least
    # three, and enough to give an output.
    cut: int = 24
    longest: int = 128  # If even these need more positions, only the first ones are drawn


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Link:
    """One product: an input element reaches a position of the full output through a tap."""

    element: int
    tap: int
    position: int


@dataclass(frozen=True)
class Axis:
    """One axis of an operator and its input, or the shown part of it.

    >>> axis = Axis(("length",), 3, 3, kernel=3, stride=2, dilation=1, crop=(1, 0))
    >>> axis.full, axis.out, [axis.count(position) for position in axis.positions]
    (7, 6, [1, 1, 2, 1, 2, 1, 1])
    """

    names: tuple[str, ...]  # The axes that look like this, such as ``("height", "width")``
    whole: int  # Number of input elements; ``shown`` of them are drawn
    shown: int
    kernel: int
    stride: int
    dilation: int
    crop: tuple[int, int]
    longest: int = LIMITS.longest  # Most positions to draw

    @property
    def effective_kernel(self) -> int:
        """Extent of the dilated kernel."""
        return self.dilation * (self.kernel - 1) + 1

    @cached_property
    def full(self) -> int:
        """Size of the full output of the shown part."""
        return (self.shown - 1) * self.stride + self.effective_kernel

    @cached_property
    def out(self) -> int:
        """Size of the output of the shown part."""
        return self.full - sum(self.crop)

    @cached_property
    def output(self) -> range:
        """The positions of the output."""
        return range(self.crop[0], self.crop[0] + self.out)

    @cached_property
    def extent(self) -> range:
        """The positions of the full output and of what a negative crop adds."""
        begin, end = self.output.start, self.output.stop
        return range(min(0, begin), max(0, self.full, end))

    @cached_property
    def positions(self) -> range:
        """The positions that are drawn: all, unless there are too many."""
        start = max(self.extent.start, -(self.longest // 4))
        return range(start, min(self.extent.stop, start + self.longest))

    @cached_property
    def elements(self) -> range:
        """The input elements that are drawn: those that reach drawn positions."""
        return range(min(self.shown, -(-max(self.positions.stop, 0) // self.stride)))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The products that reach drawn positions."""
        return tuple(
            Link(element, tap, element * self.stride + tap * self.dilation)
            for element in self.elements
            for tap in range(self.kernel)[: self._taps_from(element)]
        )

    def _taps_from(self, element: int) -> int:
        """Return how many of an element's taps reach a drawn position."""
        return -(-(self.positions.stop - element * self.stride) // self.dilation)

    @cached_property
    def _counts(self) -> Counter[int]:
        return Counter(link.position for link in self.links)

    def count(self, position: int) -> int:
        """Return how many products are summed at a position."""
        return self._counts[position]

    def is_full(self, position: int) -> bool:
        """Whether a position belongs to the full output."""
        return 0 <= position < self.full


def axes_of(operator: Operator, in_size: Sizes, limits: Limits = LIMITS) -> tuple[Axis, ...]:
    """Return the axes of an operator and its input, shortened to a readable length.

    Raises
    ------
    OperatorError
        If the input has the wrong rank or gives no output.
    """
    if len(in_size) != operator.rank or min(in_size) < 0:
        raise OperatorError(
            f"input size {list(in_size)} does not have {operator.rank} axes of 0 elements or more."
        )
    if fact := operator.explain(in_size):
        raise OperatorError(fact)
    return tuple(_axis(operator, in_size, axis, limits) for axis in range(operator.rank))


def _axis(operator: Operator, in_size: Sizes, axis: int, limits: Limits) -> Axis:
    whole = Axis(
        (axis_name(axis, operator.rank),),
        in_size[axis],
        in_size[axis],
        operator.kernel[axis],
        operator.stride[axis],
        operator.dilation[axis],
        operator.crop[axis],
        limits.longest,
    )
    if whole.extent.stop - whole.extent.start <= limits.whole:
        return whole
    added = sum(max(-side, 0) for side in whole.crop)
    fitting = (limits.cut - added - whole.effective_kernel) // whole.stride + 1
    for_an_output = -((whole.effective_kernel - sum(whole.crop) - 1) // whole.stride) + 1
    return replace(whole, shown=min(whole.whole, max(_LEAST_INPUT, fitting, for_an_output)))
