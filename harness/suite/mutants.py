"""Mutants: the known ways to get a transposed convolution wrong.

Each computes something that looks right, mostly even in shape.  They have two uses: a wrong output
that equals a mutant's is diagnosed by its name, and a suite that lets a mutant through is too weak.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.core.operators import Operator, Sizes
from impl import reference

Array: TypeAlias = npt.NDArray[Any]
Data: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True)
class Mutant:
    """One wrong convention."""

    name: str
    description: str
    # The operator that is computed instead, or ``None`` where this mistake makes no difference.
    change: Callable[[Operator], Operator | None]
    # What is done to the weights, and what maps ``dw`` back: the same, if nothing else is said.
    weights: Callable[[Operator, Array], Array] = lambda _operator, w: w
    weights_back: Callable[[Operator, Array], Array] | None = None
    # The order in which the input channels are taken.
    order: Callable[[Operator], Array] = lambda operator: np.arange(operator.in_channels)
    bias: Callable[[Operator, Array | None], Array | None] = lambda _operator, b: b
    # What is made of the output afterwards; the mistake is in outputs alone then.
    finish: Callable[[Operator, Array], Array] | None = None

    def output(
        self, name: str, operator: Operator, data: Data, shape: Sizes | None = None
    ) -> Array | None:
        """Compute the wrong ``y``, ``dx``, ``dw`` or ``db``, only if it has the shape, if any.

        ``None`` where the mistake makes no difference, or leaves no output.
        """
        order = self.order(operator)
        x, w = data["x"][:, order], self.weights(operator, data["w"])
        try:
            if (changed := self.change(operator)) is None:
                return None
            if name == "y":
                if shape and self._out_size(operator, changed, data) != shape[2:]:
                    return None
                b = self.bias(operator, data.get("b"))
                y = reference.conv_transpose(x, w, b, **options(changed))
                return self.finish(operator, y) if self.finish else y
            if self.finish:
                return None
            dx, dw, db = reference.conv_transpose_vjp(data["dy"], x, w, **options(changed))
        except ValueError:  # An OperatorError is one.
            return None
        dw = (self.weights_back or self.weights)(operator, dw)
        return {"dx": dx[:, np.argsort(order)], "dw": dw, "db": db}[name]

    def mistake(self, operator: Operator) -> tuple[Any, ...]:
        """What is done instead: the same for mutants that are one mistake of this operator.

        >>> swapped, halved = (each for each in MUTANTS if each.name in
        ...                    ("crop sides swapped", "crop halved, odd one first"))
        >>> [swapped.mistake(operator) == halved.mistake(operator)
        ...  for operator in (Operator.of(1, 1, (3,), crop=[(0, end)]) for end in (1, 2))]
        [True, False]
        """
        return self.change(operator), self.weights, self.order, self.bias, self.finish

    def _out_size(self, operator: Operator, changed: Operator, data: Data) -> Sizes:
        return (operator if self.finish else changed).out_size(data["x"].shape[2:])


def options(operator: Operator) -> dict[str, Any]:
    """Return an operator as keyword arguments of :mod:`impl`."""
    return {
        "stride": operator.stride,
        "dilation": operator.dilation,
        "crop": operator.crop,
        "groups": operator.groups,
    }


def _if_different(operator: Operator, **changes: Any) -> Operator | None:
    changed = replace(operator, **changes)
    return None if changed == operator else changed


def _kernel_axes_swapped(operator: Operator) -> Operator | None:
    if operator.rank == 1 or operator.kernel[-2:] == (1, 1):
        return None
    *first, height, width = operator.kernel
    return replace(operator, kernel=(*first, width, height))


def _channels_of_a_group(operator: Operator) -> tuple[int, int]:
    return operator.in_channels // operator.groups, operator.out_channels // operator.groups


def _channels_swapped(operator: Operator, w: Array, first: int, second: int) -> Array:
    """Read each group's weights as ``first`` times ``second`` channels; exchange these axes."""
    apart = w.reshape(operator.groups, first, second, *operator.kernel)
    return apart.swapaxes(1, 2).reshape(w.shape)


def _crop_as_input_padding(operator: Operator) -> Operator | None:
    crop = tuple(
        (extent - 1 - begin, extent - 1 - end)
        for extent, (begin, end) in zip(operator.effective_kernel, operator.crop, strict=True)
    )
    return _if_different(operator, crop=crop)


def _output_padding_times_stride(operator: Operator) -> Operator | None:
    crop = tuple(
        (begin, begin - max(begin - end, 0) * stride if begin > end else end)
        for stride, (begin, end) in zip(operator.stride, operator.crop, strict=True)
    )
    return _if_different(operator, crop=crop)


def _kernel_plus_dilation(operator: Operator) -> Operator | None:
    crop = tuple(
        (begin, end + dilation * (kernel - 1) + 1 - (kernel + dilation - 1))
        for kernel, dilation, (begin, end) in zip(
            operator.kernel, operator.dilation, operator.crop, strict=True
        )
    )
    return _if_different(operator, crop=crop)


def _crop_halved(operator: Operator, *, odd_first: bool) -> Operator | None:
    """Divide what is cropped of each axis, as if only the output's size were known."""
    totals = [(begin + end, begin + end + odd_first) for begin, end in operator.crop]
    crop = tuple((more // 2, total - more // 2) for total, more in totals)
    return _if_different(operator, crop=crop)


def _output_padding(operator: Operator, *, at_both_ends: bool) -> Operator | None:
    """Change what an end gets back: nothing, or the same at the beginning."""
    crop = tuple(
        ((end, end) if at_both_ends else (begin, begin)) if begin > end else (begin, end)
        for begin, end in operator.crop
    )
    return _if_different(operator, crop=crop)


def _unextended(operator: Operator) -> Operator | None:
    return _if_different(operator, crop=tuple((max(b, 0), max(e, 0)) for b, e in operator.crop))


def _zeros_in_the_extension(operator: Operator, y: Array) -> Array:
    around = [(max(-begin, 0), max(-end, 0)) for begin, end in operator.crop]
    return np.pad(y, [(0, 0), (0, 0), *around])


# fmt: off
MUTANTS: Final = (
    Mutant("kernel flipped", "the kernel runs backwards, as in a true convolution",
           lambda o: o if math.prod(o.kernel) > 1 else None,
           weights=lambda _operator, w: np.flip(w, tuple(range(2, w.ndim)))),
    Mutant("kernel axes swapped", "the kernel's last two axes are exchanged",
           _kernel_axes_swapped, weights=lambda _operator, w: w.swapaxes(-1, -2)),
    Mutant("channels swapped", "the weights' input and output channels are exchanged",
           lambda o: o if o.in_channels == o.out_channels > 1 == o.groups else None,
           weights=lambda _operator, w: w.swapaxes(0, 1)),
    Mutant("groups interleaved", "input channel i belongs to group i mod groups",
           lambda o: o if 1 < o.groups < o.in_channels else None,
           order=lambda o: np.arange(o.in_channels).reshape(-1, o.groups).T.ravel()),
    Mutant("group channels swapped",
           "each group's weights are read as if its output channels came before its input channels",
           lambda o: o if o.groups > 1 and min(_channels_of_a_group(o)) > 1 else None,
           weights=lambda o, w: _channels_swapped(o, w, *_channels_of_a_group(o)[::-1]),
           weights_back=lambda o, w: _channels_swapped(o, w, *_channels_of_a_group(o))),
    Mutant("first bias for every group", "each group takes the first group's bias",
           lambda o: o if o.bias and o.groups > 1 else None,
           bias=lambda o, b: None if b is None else np.tile(b[: len(b) // o.groups], o.groups)),
    Mutant("bias ignored", "the bias is not added",
           lambda o: o if o.bias else None, bias=lambda _operator, _b: None),
    Mutant("crop sides swapped", "what the end should lose is cut at the beginning",
           lambda o: _if_different(o, crop=tuple((end, begin) for begin, end in o.crop))),
    Mutant("crop axes reversed", "the first axis' crop is applied to the last",
           lambda o: _if_different(o, crop=o.crop[::-1])),
    Mutant("crop ignored", "the full output is returned",
           lambda o: _if_different(o, crop=((0, 0),) * o.rank)),
    Mutant("crop taken as input padding",
           "the crop pads the zero-inserted input instead of shortening the output",
           _crop_as_input_padding),
    Mutant("output padding times stride", "what the end gets back is multiplied by the stride",
           _output_padding_times_stride),
    Mutant("dilation ignored", "the kernel is not dilated",
           lambda o: _if_different(o, dilation=(1,) * o.rank)),
    Mutant("first dilation on every axis", "the first axis' dilation is used for all",
           lambda o: _if_different(o, dilation=o.dilation[:1] * o.rank)),
    Mutant("k + d - 1",
           "the dilated kernel's extent is taken as k + d - 1 instead of d (k - 1) + 1",
           _kernel_plus_dilation),
    Mutant("stride ignored", "the stride is taken as 1",
           lambda o: _if_different(o, stride=(1,) * o.rank)),
    Mutant("first stride on every axis", "the first axis' stride is used for all",
           lambda o: _if_different(o, stride=o.stride[:1] * o.rank)),
    Mutant("stride and dilation swapped", "each is used in the other's place",
           lambda o: _if_different(o, stride=o.dilation, dilation=o.stride)),
    # What runtimes get wrong that take an output's size, SAME or an output padding.
    Mutant("whole crop at the end", "nothing is cut at the beginning, the end loses it all",
           lambda o: _if_different(o, crop=tuple((0, begin + end) for begin, end in o.crop))),
    Mutant("crop halved", "each end loses half of the crop, the end the odd element",
           lambda o: _crop_halved(o, odd_first=False)),
    Mutant("crop halved, odd one first",
           "each end loses half of the crop, the beginning the odd element",
           lambda o: _crop_halved(o, odd_first=True)),
    Mutant("first crop on every axis", "the first axis' crop is used for all",
           lambda o: _if_different(o, crop=o.crop[:1] * o.rank)),
    Mutant("output padding ignored", "the end gets nothing back",
           lambda o: _output_padding(o, at_both_ends=False)),
    Mutant("output padding at both ends", "the beginning gets back what the end does",
           lambda o: _output_padding(o, at_both_ends=True)),
    Mutant("extension ignored", "a negative crop is taken as none", _unextended),
    Mutant("no bias in the extension", "what a negative crop adds holds zeros, not the bias",
           lambda o: _unextended(o) if o.bias else None, finish=_zeros_in_the_extension),
    Mutant("stride axes reversed", "the first axis' stride is used for the last",
           lambda o: _if_different(o, stride=o.stride[::-1])),
    Mutant("dilation axes reversed", "the first axis' dilation is used for the last",
           lambda o: _if_different(o, dilation=o.dilation[::-1])),
)
