"""Pieces of program text that several frameworks share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from harness.core.named_number import Named
from harness.core.operators import IllegalOperator, Operator
from harness.core.training import SILENT, Training

Crops: TypeAlias = Sequence[tuple[int, int]]


def arguments(**values: str | None) -> str:
    """Write keyword arguments, without those at their default.

    >>> arguments(stride="2", padding=None)
    ', stride=2'
    """
    return "".join(f", {name}={value}" for name, value in values.items() if value is not None)


def per_axis(
    values: Sequence[int],
    default: int | None = None,
    several: Callable[[Sequence[int]], str] | None = None,
) -> str | None:
    """Write one value per axis: one int if all are equal, nothing at the default.

    ``several`` writes different values, by default as a tuple.

    >>> per_axis((2, 3)), per_axis((2, 2)), per_axis((1, 1), default=1)
    ('(2, 3)', '2', None)
    """
    if all(value == default for value in values):
        return None
    if len(set(values)) == 1:
        return str(values[0])
    return (several or tuple_of)(values)


def tuple_of(values: Sequence[object]) -> str:
    """Write a Python tuple, even of one element.

    >>> tuple_of([3])
    '(3,)'
    """
    return "(" + ", ".join(map(str, values)) + ("," if len(values) == 1 else "") + ")"


def full_size_of(array: str, operator: Operator, first_axis: int, end: Sequence[int]) -> list[str]:
    """Write each axis' full size, less ``end``, in terms of ``array.shape``.

    >>> full_size_of("x", Operator.of(1, 1, (3,), stride=2), 2, [1])
    ['(x.shape[2] - 1) * 2 + 2']
    """
    return [
        f"({array}.shape[{first_axis + axis}] - 1) * {stride} + {effective - removed}"
        for axis, (stride, effective, removed) in enumerate(
            zip(operator.stride, operator.effective_kernel, end, strict=True)
        )
    ]


def kept(crop: Crops, *, channels_last: bool = False) -> str:
    """Write the index that removes ``crop``, after its extensions have been added.

    In that order, because a crop may take more from one end than there is before the other end
    has been extended.

    >>> kept(((1, 0), (0, 2), (-1, 0)))
    '[:, :, 1:, :-2, :]'
    """
    spans = [f"{begin if begin > 0 else ''}:{_without(end)}" for begin, end in crop]
    return f"[{', '.join([':', *spans, ':'] if channels_last else [':', ':', *spans])}]"


def _without(end: int) -> str:
    """Write where a slice ends that leaves ``end`` elements out."""
    if end < 0 or (end == 0 and not isinstance(end, Named)):
        return ""
    # What a name stands for may be 0, and a slice to -0 is empty.
    return f"{-end} or None" if isinstance(end, Named) else str(-end)


def extended(crop: Crops) -> list[tuple[int, int]]:
    """Return what a crop adds at each end: its negative part.

    >>> extended(((1, -2), (-3, 0)))
    [(0, 2), (3, 0)]
    """
    return [(max(0, -begin), max(0, -end)) for begin, end in crop]


def extends(crop: Crops) -> bool:
    """Whether any end of any axis is extended."""
    return any(side < 0 for pair in crop for side in pair)


class CropSplit(NamedTuple):
    """A crop that is divided between a call and the lines after it."""

    operator: Operator
    rest: Crops  # The crop that is left for a slice or a pad
    pad: Sequence[int] = ()  # What the call removes at both ends of each axis
    back: Sequence[int] = ()  # What the call gives back at the end of each axis

    @property
    def late_bias(self) -> bool:
        """Whether the bias must be added after the output has been extended."""
        return self.operator.bias and extends(self.rest)

    @property
    def own_bias(self) -> bool:
        """Whether the call adds the bias."""
        return self.operator.bias and not self.late_bias

    @property
    def has_rest(self) -> bool:
        """Whether lines after the call are needed."""
        return any(map(any, self.rest))

    def reason(self, limits: str) -> str | None:
        """Return why lines are needed after the call, given the limits of its arguments."""
        crop = f"{limits}: crop {self.operator.crop} needs a slice or a pad."
        return crop if self.has_rest else None

    def after(self, pad: str, add_bias: str, *, channels_last: bool = False) -> str:
        """Write the lines after the call: pad, slice, and the bias of what was padded."""
        removes = any(side > 0 for pair in self.rest for side in pair)
        return lines(
            pad if extends(self.rest) else None,
            f"y_ = y_{kept(self.rest, channels_last=channels_last)}" if removes else None,
            add_bias if self.late_bias else None,
        )


def split_crop(operator: Operator, *, native: bool) -> CropSplit:
    """Put all of a crop in the call if it is native, else the part that is the same at both ends.

    That of an illegal operator goes into the call, which is there to be refused.

    >>> split = split_crop(Operator.of(1, 1, (3, 3), crop=((2, 1), (-1, 1))), native=False)
    >>> split.pad, split.rest
    ((1, 0), ((1, 0), (-1, 1)))
    """
    none = (0,) * operator.rank
    if native or isinstance(operator, IllegalOperator):
        pad, back = zip(*((begin, begin - end) for begin, end in operator.crop), strict=True)
        return CropSplit(operator, ((0, 0),) * operator.rank, pad, back)
    common = tuple(max(0, min(pair)) for pair in operator.crop)
    pairs = zip(operator.crop, common, strict=True)
    return CropSplit(operator, tuple((b - c, e - c) for (b, e), c in pairs), common, none)


def inputs_of(operator: Operator) -> tuple[str, ...]:
    """Return the names of a program's input arrays."""
    return ("x", "w", "b") if operator.bias else ("x", "w")


def undilated(operator: Operator) -> Operator:
    """Return an equal operator without dilation, whose kernel contains the zeros."""
    return replace(operator, kernel=operator.effective_kernel, dilation=(1,) * operator.rank)


def zero_inserted(operator: Operator) -> str:
    """Write NumPy text that computes ``w_dilated`` for :func:`undilated`."""
    return (
        f"w_dilated = np.zeros(w.shape[:2] + {tuple_of(operator.effective_kernel)}, w.dtype)\n"
        f"w_dilated{_taps(operator)} = w"
    )


def zeros_removed(operator: Operator, gradient: str) -> str:
    """Write NumPy text that selects the original kernel's elements from a gradient."""
    return f"{gradient}{_taps(operator)}"


def zeros_around(operator: Operator) -> list[tuple[int, int]]:
    """Count the zeros to write around a kernel, per axis, where the crop is negative.

    A kernel that reaches further by zeros makes the output larger without touching what was there,
    and so bias and gradients stay those of a framework whose crop must not be negative.

    >>> zeros_around(Operator.of(1, 1, (3, 3), dilation=(1, 2), crop=((-1, 2), (0, -3))))
    [(1, 0), (0, 2)]
    """
    axes = zip(operator.crop, operator.dilation, strict=True)
    # The dilation of an illegal operator may be zero.
    return [
        (-(min(0, begin) // max(d, 1)), -(min(0, end) // max(d, 1))) for (begin, end), d in axes
    ]


def with_zeros_around(operator: Operator) -> Operator:
    """Return the operator with those zeros in its kernel; its crop is nowhere negative.

    >>> with_zeros_around(Operator.of(1, 1, (3,), dilation=2, crop=((2, -3),))).descriptor
    'ic1_oc1_k5_d2_c2.1_b'
    """
    zeros = zeros_around(operator)
    axes = zip(operator.crop, zeros, operator.dilation, strict=True)
    return replace(
        operator,
        kernel=tuple(
            before + k + after for k, (before, after) in zip(operator.kernel, zeros, strict=True)
        ),
        crop=tuple((begin + b * d, end + e * d) for (begin, end), (b, e), d in axes),
    )


def zeros_learn(training: Training, *, in_kernel: bool) -> tuple[str, ...]:
    """Note what happens to zeros that the text writes into a layer's kernel."""
    if not in_kernel or training == SILENT:
        return ()
    return ("The zeros written into the kernel learn too: set them to 0 again after each step.",)


def _taps(operator: Operator) -> str:
    steps = ", ".join(f"::{step}" if step > 1 else ":" for step in operator.dilation)
    return f"[:, :, {steps}]"


def scaled(factor: float | None, base: str) -> str:
    """Write a factor of ``base``, a variable of the user's program; the default is 1.

    >>> scaled(0.5, "l2"), scaled(None, "l2")
    ('0.5 * l2', 'l2')
    """
    return base if factor is None else f"{factor!r} * {base}"


def lines(*parts: str | None) -> str:
    """Join the lines that are there."""
    return "\n".join(part for part in parts if part)


def indented(code: str) -> str:
    """Indent each line; a look-up would import ``textwrap`` for this alone."""
    return lines(*(f"    {line}" for line in code.splitlines()))


def because(*reasons: str | None) -> tuple[str, ...]:
    """Keep the reasons that apply."""
    return tuple(reason for reason in reasons if reason)


def layout_axes(letters: str) -> list[str]:
    """Return the axes of a layout; ``(GO)`` is one axis, of the groups' outputs in turn.

    >>> layout_axes("(GO)Ihw")
    ['(GO)', 'I', 'h', 'w']
    """
    return re.findall(r"\(GO\)|.", letters)


def divided_axes(axes: Sequence[str]) -> list[str]:
    """Return the axes with groups on one of their own, where they share one with channels.

    >>> divided_axes(["I", "O", "W"]), divided_axes(["(GO)", "I", "W"])
    (['G', 'I', 'O', 'W'], ['G', 'O', 'I', 'W'])
    """
    parts = {"(GO)": ["G", "O"]}
    if not {"G", "(GO)"} & {*axes}:
        parts["I"] = ["G", "I"]
    return [part for axis in axes for part in parts.get(axis, [axis])]


def opened(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the axes of two layouts, divided alike: such that one is a permutation of the other.

    >>> opened("IOW", "WOI"), opened("IOW", "GIOW")
    ((['I', 'O', 'W'], ['W', 'O', 'I']), (['G', 'I', 'O', 'W'], ['G', 'I', 'O', 'W']))
    """
    source, target = layout_axes(before), layout_axes(after)
    kinds = [
        next((each for each in ("(GO)", "G") if each in axes), "") for axes in (source, target)
    ]
    if kinds[0] == kinds[1]:
        return source, target
    return divided_axes(source), divided_axes(target)


def unflipped(axes: Sequence[str], wanted: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the axes as they are after a flip of those that ``wanted`` has the other way round.

    >>> unflipped(["h", "w", "I", "O"], ["I", "O", "H", "W"])
    (['H', 'W', 'I', 'O'], [0, 1])
    """
    flips = [place for place, axis in enumerate(axes) if axis.swapcase() in wanted]
    return [axis.swapcase() if axis.swapcase() in wanted else axis for axis in axes], flips


def permuted(name: str, before: str, after: str, groups: int) -> str:
    """Write the permutation of an array from one layout, a string of axes, to another.

    What is flipped is copied: PyTorch takes no array of NumPy's with a negative stride.

    >>> permuted("w", "IOHW", "HWOI", 1), permuted("w", "HWOIG", "IOHW", 2)
    ('w.transpose(2, 3, 1, 0)', 'w.transpose(4, 3, 2, 0, 1).reshape(-1, w.shape[2], \
w.shape[0], w.shape[1])')
    >>> permuted("w", "IOW", "GIOW", 2), permuted("w", "WOI", "GIOW", 2)
    ('w.reshape(2, -1, *w.shape[1:])', 'w.reshape(*w.shape[:2], 2, -1).transpose(2, 3, 1, 0)')
    >>> permuted("w", "GIOW", "IOW", 2)
    'w.reshape(-1, w.shape[2], w.shape[3])'
    >>> permuted("w", "hwIO", "IOHW", 1), permuted("w", "(GO)Iw", "wI(GO)", 2)
    ('w[::-1, ::-1].transpose(2, 3, 0, 1).copy()', 'w.transpose(2, 1, 0)')
    """
    source, target = layout_axes(before), layout_axes(after)
    parts, wanted = opened(before, after)
    written = name
    if parts != source:
        at, last = divided_at(source, parts), len(source) - 1
        outer = f"*{name}.shape[:{at}], " if at else ""
        inner = f", *{name}.shape[{at + 1}:]" if at < last else ""
        written = f"{written}.reshape({outer}{groups}, -1{inner})"
    parts, flips = unflipped(parts, wanted)
    if flips:
        spans = ["::-1" if place in flips else ":" for place in range(flips[-1] + 1)]
        written = f"{written}[{', '.join(spans)}]"
    if wanted != parts:
        written += f".transpose({', '.join(str(parts.index(axis)) for axis in wanted)})"
    if wanted != target:
        merged = target[divided_at(target, wanted)]
        sizes = (
            "-1" if axis == merged else _extent_of(axis, name, source, groups) for axis in target
        )
        written += f".reshape({', '.join(sizes)})"
    return written + (".copy()" if flips else "")


def divided_at(whole: Sequence[str], parts: Sequence[str]) -> int:
    """Return the place of the axis that the parts have divided."""
    pairs = zip(whole, parts, strict=False)
    return next(place for place, (one, other) in enumerate(pairs) if one != other)


def _extent_of(axis: str, name: str, source: Sequence[str], groups: int) -> str:
    """Write the size of an axis, of which the source may have those of all groups together."""
    known = {each.upper(): place for place, each in enumerate(source)}
    if axis == "O" and "(GO)" in known:
        return f"{name}.shape[{known['(GO)']}] // {groups}"
    shared = axis == "I" and not {"G", "(GO)"} & known.keys()
    return f"{name}.shape[{known[axis.upper()]}]{f' // {groups}' * shared}"


def bias_reshaped(name: str, before: int, after: int) -> str:
    """Write a bias with ``after`` leading axes of one element instead of ``before``."""
    return name if before == after else f"{name}.reshape({'1, ' * after}-1)"
