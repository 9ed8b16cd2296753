"""A ``DeconvolutionLayer`` from its documentation, in NumPy: for what is too large for Mathics3.

https://reference.wolfram.com/language/ref/DeconvolutionLayer.html

It knows layers whose options are all given and legal; whatever else there is, and everything that
must be refused, is left to ``deconvolution.wl``.

Neither that nor ``impl.reference`` is copied here.  Those look up which input element meets which
kernel element, or scatter one kernel position at a time; this cuts the kernel into pieces of a
stride's length, slides the reversed row of them over the input, and reads gradients off the
transposed sums.  It runs in Mathics3's own interpreter, where there is NumPy and nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Layer:
    """A layer with nothing left open; one entry an axis in ``stride``, ``dilation``, ``crop``."""

    channels: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    groups: int
    weights: Any
    biases: Any
    input: tuple[int, ...]

    @property
    def out_size(self) -> tuple[int, ...]:
        """``s (d - 1) + df (k - 1) + 1 - pb - pe`` on every axis."""
        axes = zip(self.input[1:], self.kernel, self.stride, self.dilation, self.crop, strict=True)
        return tuple(s * (n - 1) + d * (k - 1) + 1 - sum(pair) for n, k, s, d, pair in axes)

    @property
    def work(self) -> int:
        """Multiply-adds and output elements of one example."""
        sums = prod(self.input[1:]) * int(self.weights.size)
        return sums + self.channels * prod(self.out_size)

    def is_legal(self) -> bool:
        """Whether the document allows it, and nothing remains to be completed."""
        rank = len(self.kernel)
        lengths = {len(self.stride), len(self.dilation), len(self.crop), len(self.input) - 1}
        numbers = (self.channels, *self.kernel, *self.stride, *self.dilation, self.groups)
        return (
            rank in {1, 2}
            and lengths == {rank}
            and min(*numbers, *self.input) > 0
            and min(side for pair in self.crop for side in pair) >= 0
            and self.channels % self.groups == self.input[0] % self.groups == 0
            and self.weights.shape == (self.input[0], self.channels // self.groups, *self.kernel)
            and (self.biases is None or self.biases.shape == (self.channels,))
            and min(self.out_size) > 0
        )


def output(layer: Layer, x: Any) -> Any:
    """Return what the layer makes of a batch."""
    last = x.ndim - 1
    sides = zip(layer.dilation, layer.kernel, layer.stride, strict=True)
    cuts = [divmod(d * np.arange(k), s) for d, k, s in sides]
    # By axis: the pieces that hold anything, in which of them an element is, and where there.
    held, indices = zip(*(np.unique(piece, return_inverse=True) for piece, _ in cuts), strict=True)
    extents = (n for pair in zip(map(len, held), layer.stride, strict=True) for n in pair)
    pieces = np.zeros((*layer.weights.shape[:2], *extents))
    places = np.ix_(*(place for _, place in cuts))
    at = (n for pair in zip(np.ix_(*indices), places, strict=True) for n in pair)
    pieces[(slice(None), slice(None), *at)] = layer.weights
    around = [(int(each[-1]), int(each[-1])) for each in held]
    lengths = tuple(before + 1 for before, _ in around)
    x = padded(x, [(0, 0), (0, 0), *around])
    windows = sliding_window_view(x, lengths, axis=tuple(range(2, x.ndim)))
    # Row after row of pieces: all windows at once can be a thousand times the input.
    axes = ([1, *range(2 - last, 0)], [0, *range(3, pieces.ndim - 1, 2)])
    rows, *columns = (each[-1] - each for each in held)
    met = (windows[(..., row, *columns)] for row in rows)
    parts = zip(met, np.moveaxis(pieces, 2, 0), strict=True)
    y = sum(_grouped(layer, one, (row, 0), axes, last) for one, row in parts)
    # Each axis of the output is two as well: next to which input element, and the place there.
    y = y.transpose(0, last, *(n for axis in range(1, last) for n in (axis, last + axis)))
    y = y.reshape(*y.shape[:2], *np.multiply(y.shape[2::2], y.shape[3::2]))
    kept = zip(layer.crop, layer.out_size, strict=True)
    y = y[(..., *(slice(begin, begin + size) for (begin, _), size in kept))]
    return y if layer.biases is None else y + layer.biases.reshape(-1, *[1] * (last - 1))


def input_gradient(layer: Layer, _x: Any, dy: Any) -> Any:
    """Return the gradient at the input, of a batch."""
    kernel = list(range(2 - dy.ndim, 0))
    axes = [1, *kernel]
    dx = _grouped(layer, _reached(dy, layer), (layer.weights, 0), (axes, axes), -1)
    return np.moveaxis(dx, -1, 1)


def weights_gradient(layer: Layer, x: Any, dy: Any) -> Any:
    """Return the gradient at the weights, summed over the batch."""
    positions = [0, *range(2, x.ndim)]
    return _grouped(layer, x, (_reached(dy, layer), 1), (positions, positions), 0)


def biases_gradient(_layer: Layer, _x: Any, dy: Any) -> Any:
    """Return the gradient at the biases, summed over the batch."""
    return dy.sum(axis=(0, *range(2, dy.ndim)))


def _grouped(
    layer: Layer, data: Any, other: tuple[Any, int], axes: tuple[list[int], list[int]], joined: int
) -> Any:
    """Contract each group of channels of data and of the other array, whose are on that axis."""
    splits = (np.split(array, layer.groups, axis) for array, axis in ((data, 1), other))
    parts = [np.tensordot(left, right, axes) for left, right in zip(*splits, strict=True)]
    return np.concatenate(parts, joined)


def _reached(dy: Any, layer: Layer) -> Any:
    """Return the output elements that every input position reaches, 0 where cut off."""
    windows = _windows(padded(dy, [(0, 0), (0, 0), *layer.crop]), layer)
    return windows[(slice(None), slice(None), *_every(layer.stride)[1:])]


def padded(array: Any, pairs: Sequence[tuple[int, int]]) -> Any:
    """Put zeros around an array, or take elements away where a number is negative."""
    wider = np.pad(array, [(max(begin, 0), max(end, 0)) for begin, end in pairs])
    sides = zip(wider.shape, pairs, strict=True)
    return wider[tuple(slice(max(-begin, 0), n - max(-end, 0)) for n, (begin, end) in sides)]


def _windows(array: Any, layer: Layer) -> Any:
    """Return every place of the dilated kernel, its elements on axes of their own."""
    extents = tuple(d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel, strict=True))
    windows = sliding_window_view(array, extents, axis=tuple(range(2, array.ndim)))
    return windows[_every(layer.dilation)]


def _every(steps: Sequence[int]) -> tuple[Any, ...]:
    """Index the last axes in steps."""
    return (..., *(slice(None, None, step) for step in steps))


# By the name of the port or parameter whose gradient is wanted.
GRADIENTS = {"Input": input_gradient, "Weights": weights_gradient, "Biases": biases_gradient}
