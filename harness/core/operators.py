"""The operator: one mathematical configuration, its size law and its descriptor string.

Everything else in deconform speaks of transposed convolutions through :class:`Operator`; each
framework's way to spell one is a convention (``harness.convention``).  Nothing is imported here
but the standard library, so that a look-up starts at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from harness.core.errors import InputError

PerAxis: TypeAlias = int | Sequence[int]
Crop: TypeAlias = int | Sequence[int | Sequence[int]]
Sizes: TypeAlias = tuple[int, ...]


class OperatorError(InputError):
    """An operator, an input size or a descriptor that is refused."""


@dataclass(frozen=True)
class Operator:
    """A transposed convolution: channels, kernel, stride, dilation, crop, groups, bias.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel, stride, dilation : tuple of int, one per spatial axis
    crop : tuple of (begin, end) pairs, one per spatial axis
        Elements removed from the full output; negative extends it.
    groups : int
    bias : bool

    Raises
    ------
    OperatorError
        If the configuration is refused.  Zero channels, too, which the definition could do: no
        framework has them all.

    Examples
    --------
    >>> Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (0, 2))).out_size((5, 7))
    (10, 12)
    """

    in_channels: int
    out_channels: int
    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    crop: tuple[tuple[int, int], ...]
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        if facts := self.violations():
            raise OperatorError(" ".join(facts))

    @classmethod
    def of(
        cls,
        in_channels: int,
        out_channels: int,
        kernel: Sequence[int],
        *,
        stride: PerAxis = 1,
        dilation: PerAxis = 1,
        crop: Crop = 0,
        groups: int = 1,
        bias: bool = True,
    ) -> Self:
        """Make an operator from the short forms: one int for every axis, one int for both ends.

        >>> Operator.of(1, 1, (3, 3), crop=1).crop
        ((1, 1), (1, 1))
        """
        rank = len(kernel)
        return cls(
            in_channels,
            out_channels,
            tuple(kernel),
            _per_axis("stride", stride, rank),
            _per_axis("dilation", dilation, rank),
            _pairs(crop, rank),
            groups,
            bias,
        )

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    @property
    def effective_kernel(self) -> Sizes:
        """Extent of the dilated kernel, ``dilation * (kernel - 1) + 1``."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))

    @property
    def weight_shape(self) -> Sizes:
        """``(c_in, c_out // groups, *kernel)``."""
        return (self.in_channels, self.out_channels // max(self.groups, 1), *self.kernel)

    def full_size(self, in_size: Sizes) -> Sizes:
        """Output size before the crop, ``(in_size - 1) * stride + dilation * (kernel - 1) + 1``."""
        axes = zip(in_size, self.stride, self.effective_kernel, strict=True)
        return tuple((i - 1) * s + k for i, s, k in axes)

    def out_size(self, in_size: Sizes) -> Sizes:
        """Output size, ``full_size - begin - end``; may be negative (see :meth:`explain`)."""
        axes = zip(self.full_size(in_size), self.crop, strict=True)
        return tuple(full - begin - end for full, (begin, end) in axes)

    def explain(self, in_size: Sizes) -> str | None:
        """Return why ``in_size`` gives no output, with the arithmetic; ``None`` where it does."""
        for axis, out in enumerate(self.out_size(in_size)):
            if out < 0:
                full = self.full_size(in_size)[axis]
                return (
                    f"output {axis_name(axis, self.rank)} would be {out}.\n"
                    f"  full {axis_name(axis, self.rank)} {full} = ({in_size[axis]}-1)*"
                    f"{self.stride[axis]} + {self.dilation[axis]}*({self.kernel[axis]}-1) + 1; "
                    f"crop {self.crop[axis]} removes {sum(self.crop[axis])}.\n"
                    "  Reduce crop or enlarge the input."
                )
        return None

    def violations(self) -> list[str]:
        """Return why it is refused, one sentence for each reason."""
        facts = []
        if not 1 <= self.rank <= 3:
            facts.append(f"kernel {list(self.kernel)} has {self.rank} axes; 1 to 3 are possible.")
        for name in ("kernel", "stride", "dilation"):
            values = getattr(self, name)
            if any(value < 1 for value in values):
                facts.append(f"{name} {list(values)} must be at least 1 on every axis.")
        for name in ("in_channels", "out_channels"):
            channels = getattr(self, name)
            if channels < 1:
                facts.append(f"{name} is {channels}; it must be at least 1.")
            elif self.groups >= 1 and channels % self.groups:
                facts.append(
                    f"groups {self.groups} does not divide {name} {channels} "
                    f"({channels} = {channels // self.groups}*{self.groups} + "
                    f"{channels % self.groups})."
                )
        if self.groups < 1:
            facts.append(f"groups is {self.groups}; it must be at least 1.")
        return facts

    @property
    def descriptor(self) -> str:
        """The operator as one word that a shell, a file name and a URL take unquoted.

        >>> Operator.of(4, 6, (3, 2), stride=(2, 3), crop=((1, 0), (0, -2)), groups=2).descriptor
        'ic4_oc6_k3x2_s2x3_c1.0x0.-2_g2_b'
        """
        words = [f"ic{self.in_channels}", f"oc{self.out_channels}", f"k{sizes(self.kernel)}"]
        if set(self.stride) != {1}:
            words.append(f"s{sizes(self.stride)}")
        if set(self.dilation) != {1}:
            words.append(f"d{sizes(self.dilation)}")
        if any(side for pair in self.crop for side in pair):
            words.append("c" + "x".join(f"{begin}.{end}" for begin, end in self.crop))
        if self.groups != 1:
            words.append(f"g{self.groups}")
        if self.bias:
            words.append("b")
        return "_".join(words)

    def to_json(self) -> dict[str, Any]:
        """The ``operator`` object of ``translate --json``."""
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "dilation": list(self.dilation),
            "crop": [list(pair) for pair in self.crop],
            "groups": self.groups,
            "bias": self.bias,
        }


class IllegalOperator(Operator):
    """An operator kept although the definition forbids it, to see what frameworks make of it."""

    def __post_init__(self) -> None:
        """Anything goes; whether it *is* illegal may depend on the input size."""


_NUMBER, _PAIR = r"-?\d{1,18}", r"-?\d{1,18}\.-?\d{1,18}"
_WORD_VALUES = {
    **dict.fromkeys(("ic", "oc", "g"), _NUMBER),
    **dict.fromkeys(("k", "s", "d"), f"{_NUMBER}(?:x{_NUMBER})*"),
    "c": f"{_PAIR}(?:x{_PAIR})*",
    "b": "",
}


def operator_from_words(words: Sequence[str], *, illegal: bool = False) -> Operator:
    """Read the words of a descriptor back.

    >>> operator_from_words("ic4_oc6_k3x2_c1.0x0.-2_b".split("_")).crop
    ((1, 0), (0, -2))
    """
    found: dict[str, str] = {}
    for word in words:
        key = word.rstrip("-.x0123456789")
        value = word.removeprefix(key)
        known = key in _WORD_VALUES and re.fullmatch(_WORD_VALUES[key], value, re.ASCII)
        if not known or key in found:
            raise OperatorError(f"descriptor word {word!r} is unknown, repeated or has no value.")
        found[key] = value
    if missing := [key for key in ("ic", "oc", "k") if key not in found]:
        raise OperatorError(
            f"a descriptor needs {', '.join(missing)}; an example is ic4_oc6_k3x2_s2x2_b_n2_i5x7."
        )

    def per_axis(key: str) -> PerAxis:
        values = [int(number) for number in found.get(key, "1").split("x")]
        return values if len(values) > 1 else values[0]

    pairs = [pair.split(".") for pair in found["c"].split("x")] if "c" in found else []
    kind = IllegalOperator if illegal else Operator
    return kind.of(
        int(found["ic"]),
        int(found["oc"]),
        [int(number) for number in found["k"].split("x")],
        stride=per_axis("s"),
        dilation=per_axis("d"),
        crop=[(int(begin), int(end)) for begin, end in pairs] or 0,
        groups=int(found.get("g", "1")),
        bias="b" in found,
    )


def sizes(values: Sequence[int]) -> str:
    """Write sizes as descriptors do, ``5x7``."""
    return "x".join(map(str, values))


def axis_name(axis: int, rank: int) -> str:
    """Name a spatial axis as people do: length; height, width; depth, height, width."""
    names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
    return names[rank][axis] if rank in names else f"axis {axis}"


def _per_axis(name: str, value: PerAxis, rank: int) -> Sizes:
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) != rank:
        raise OperatorError(f"{name} {list(values)} has {len(values)} axes, the kernel has {rank}.")
    return values


def _pairs(crop: Crop, rank: int) -> tuple[tuple[int, int], ...]:
    per_axis = (crop,) * rank if isinstance(crop, int) else tuple(crop)
    pairs = [(side, side) if isinstance(side, int) else tuple(side) for side in per_axis]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise OperatorError(
            f"crop {crop} must be an int, or for each of {rank} spatial axes an int or a "
            f"(begin, end) pair, such as {[[1, 0]] * rank}."
        )
    return tuple((begin, end) for begin, end in pairs)
