"""What goes through a chain of layers: channels and sizes, from each layer to the next.

A framework says what its plain layers do to them.  Where one is not plain the chain is cut: what
comes after it is not known, until a layer gives channels or sizes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from harness.convention.values import Pairs
from harness.core.operators import Sizes
from harness.syntax.tree import Value

MOST_LAYERS: Final = 300  # That are followed to one layer


@dataclass(frozen=True)
class Flow:
    """What comes out of a layer: ``None`` for what is not known."""

    channels: int | None = None
    size: Sizes | None = None

    @property
    def shape(self) -> Sizes | None:
        """The canonical shape of one example."""
        if self.channels is None or self.size is None:
            return None
        return (1, self.channels, *self.size)

    def convolved(
        self,
        channels: int | None,
        kernel: Sizes,
        stride: Sizes,
        padding: Pairs,
        dilation: Sizes | None = None,
        *,
        ceil: bool = False,
    ) -> Flow:
        """Return what a convolution, or with ``channels`` unchanged a pooling, makes of it.

        >>> Flow(3, (28, 29)).convolved(8, (3, 3), (2, 2), ((1, 1), (0, 0)))
        Flow(channels=8, size=(14, 14))
        """
        dilation = dilation or (1,) * len(kernel)
        if self.size is None or len(self.size) != len(kernel):
            return Flow(channels)
        axes = zip(self.size, kernel, stride, padding, dilation, strict=True)
        size = tuple(
            (n + sum(pad) - (d * (k - 1) + 1) + (s - 1) * ceil) // s + 1 for n, k, s, pad, d in axes
        )
        return Flow(channels, size if min(size) > 0 else None)

    def strided(self, channels: int | None, stride: Sizes) -> Flow:
        """Return what a convolution makes of it whose output is the input by the stride."""
        if self.size is None or len(self.size) != len(stride):
            return Flow(channels)
        return Flow(channels, tuple(-(-n // s) for n, s in zip(self.size, stride, strict=True)))

    def transposed(
        self,
        channels: int | None,
        kernel: Sizes,
        stride: Sizes,
        crop: Pairs,
        dilation: Sizes | None = None,
    ) -> Flow:
        """Return what a transposed convolution makes of it."""
        dilation = dilation or (1,) * len(kernel)
        if self.size is None or len(self.size) != len(kernel):
            return Flow(channels)
        axes = zip(self.size, kernel, stride, crop, dilation, strict=True)
        size = tuple((n - 1) * s + d * (k - 1) + 1 - sum(cut) for n, k, s, cut, d in axes)
        return Flow(channels, size if min(size) > 0 else None)

    def scaled(self, factors: Sequence[int]) -> Flow:
        """Return it with every size times a factor."""
        if self.size is None or len(self.size) != len(factors):
            return Flow(self.channels)
        sizes = zip(self.size, factors, strict=True)
        return replace(self, size=tuple(n * factor for n, factor in sizes))


def after(
    layers: Iterable[Value],
    step: Callable[[Value, Flow], Flow | None],
    begin: Flow = Flow(),  # noqa: B008 -- frozen
) -> Flow:
    """Return what comes out of layers; ``step`` returns ``None`` for one that is not plain."""
    flow = begin
    for layer in islice(layers, MOST_LAYERS + 1):
        flow = step(layer, flow) or Flow()
    return flow
