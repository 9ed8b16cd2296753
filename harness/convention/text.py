"""Pieces of program text that several frameworks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from harness.core.named_number import Named
from harness.core.operators import Operator
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

    >>> split = split_crop(Operator.of(1, 1, (3, 3), crop=((2, 1), (-1, 1))), native=False)
    >>> split.pad, split.rest
    ((1, 0), ((1, 0), (-1, 1)))
    """
    none = (0,) * operator.rank
    if native:
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


def permuted(name: str, before: str, after: str, groups: int) -> str:
    """Write the permutation of an array from one layout, a string of axes, to another.

    >>> permuted("w", "IOHW", "HWOI", 1), permuted("w", "HWOIG", "IOHW", 2)
    ('w.transpose(2, 3, 1, 0)', 'w.transpose(4, 3, 2, 0, 1).reshape(-1, w.shape[2], \
w.shape[0], w.shape[1])')
    >>> permuted("w", "IOW", "GIOW", 2), permuted("w", "WOI", "GIOW", 2)
    ('w.reshape(2, -1, *w.shape[1:])', 'w.reshape(*w.shape[:2], 2, -1).transpose(2, 3, 1, 0)')
    >>> permuted("w", "GIOW", "IOW", 2)
    'w.reshape(-1, w.shape[2], w.shape[3])'
    """
    if "G" in after and "G" not in before:
        at, last = before.index("I"), len(before) - 1
        outer = f"*{name}.shape[:{at}], " if at else ""
        inner = f", *{name}.shape[{at + 1}:]" if at < last else ""
        divided = f"{name}.reshape({outer}{groups}, -1{inner})"
        wider = before.replace("I", "GI")
        return divided if wider == after else permuted(divided, wider, after, groups)
    merges = "G" in before and "G" not in after
    wanted = after.replace("I", "GI") if merges else after
    axes = ", ".join(str(before.index(letter)) for letter in wanted)
    sizes = ", ".join(
        "-1" if letter == "I" else f"{name}.shape[{before.index(letter)}]" for letter in after
    )
    moved = name if wanted == before else f"{name}.transpose({axes})"
    return moved + (f".reshape({sizes})" if merges else "")


def bias_reshaped(name: str, before: int, after: int) -> str:
    """Write a bias with ``after`` leading axes of one element instead of ``before``."""
    return name if before == after else f"{name}.reshape({'1, ' * after}-1)"
