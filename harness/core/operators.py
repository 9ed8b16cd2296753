"""The operator: one mathematical configuration, its size law and its descriptor string.

All of deconform describes transposed convolutions by :class:`Operator`; how a framework spells one
is a convention (``harness.convention``).  This module imports only the standard library, so that a
look-up starts fast.
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
    """An operator, an input size or a descriptor is refused."""


@dataclass(frozen=True)
class Operator:
    """A transposed convolution: channels, kernel, stride, dilation, crop, groups, bias.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel, stride, dilation : tuple of int, one per spatial axis
    crop : tuple of (begin, end) pairs, one per spatial axis
        Elements removed from the full output; a negative crop extends it.
    groups : int
    bias : bool

    Raises
    ------
    OperatorError
        If the configuration is illegal.  Zero channels are refused too: the definition would allow
        them, but not every framework does.

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
        """Return an operator from short forms: one int for every axis, one int for both ends.

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
        """Return why ``in_size`` gives no output, with the arithmetic; ``None`` if it gives one."""
        for axis, out in enumerate(self.out_size(in_size)):
            if out < 0:
                name, crop = axis_name(axis, self.rank), self.crop[axis]
                return (
                    f"output {name} would be {out}.\n  full {name} {out + sum(crop)} = "
                    f"({in_size[axis]}-1)*{self.stride[axis]} + {self.dilation[axis]}*"
                    f"({self.kernel[axis]}-1) + 1; crop {crop} removes {sum(crop)}.\n"
                    "  Reduce crop or enlarge the input."
                )
        return None

    def violations(self) -> list[str]:
        """Return why the operator is illegal, one sentence for each reason."""
        facts = []
        if not 1 <= self.rank <= 3:
            facts.append(f"kernel {list(self.kernel)} has {self.rank} axes; 1 to 3 are possible.")
        for name in ("kernel", "stride", "dilation"):
            values = getattr(self, name)
            if any(value < 1 for value in values):
                facts.append(f"{name} {list(values)} must be at least 1 on every axis.")
        for name in ("in_channels", "out_channels", "groups"):
            count = getattr(self, name)
            if count < 1:
                facts.append(f"{name} is {count}; it must be at least 1.")
            # As plain numbers: what is left of a named one would be written out at every try.
            elif self.groups >= 1 and int(count) % int(self.groups):
                facts.append(
                    f"groups {self.groups} does not divide {name} {count} "
                    f"({count} = {count // self.groups}*{self.groups} + {count % self.groups})."
                )
        return facts

    @property
    def descriptor(self) -> str:
        """The operator as one word that needs no quotes in a shell, a file name or a URL.

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
        """The ``operator`` object of a look-up as JSON."""
        import json  # noqa: PLC0415 -- most look-ups are in words

        operator: dict[str, Any] = json.loads(json.dumps(vars(self)))
        return operator


class IllegalOperator(Operator):
    """An operator that the definition forbids, to test how frameworks react to it."""

    def __post_init__(self) -> None:
        """Accept anything; whether it is illegal may depend on the input size."""


_NUMBER, _PAIR = r"-?\d{1,18}", r"-?\d{1,18}\.-?\d{1,18}"
_WORD_VALUES = {
    **dict.fromkeys(("ic", "oc", "g"), _NUMBER),
    **dict.fromkeys(("k", "s", "d"), f"{_NUMBER}(?:x{_NUMBER})*"),
    "c": f"{_PAIR}(?:x{_PAIR})*",
    "b": "",
}


def operator_from_words(words: Sequence[str], *, illegal: bool = False) -> Operator:
    """Return the operator that the words of a descriptor describe.

    >>> operator_from_words("ic4_oc6_k3x2_c1.0x0.-2_b".split("_")).crop
    ((1, 0), (0, -2))
    """
    values: dict[str, str] = {}
    for word in words:
        key = word.rstrip("-.x0123456789")
        value = word.removeprefix(key)
        known = key in _WORD_VALUES and re.fullmatch(_WORD_VALUES[key], value, re.ASCII)
        if not known or key in values:
            raise OperatorError(f"descriptor word {word!r} is unknown, repeated or has no value.")
        values[key] = value
    if missing := [key for key in ("ic", "oc", "k") if key not in values]:
        raise OperatorError(
            f"a descriptor needs {', '.join(missing)}; an example is ic4_oc6_k3x2_s2x2_b_n2_i5x7."
        )

    def per_axis(key: str) -> PerAxis:
        numbers = [int(number) for number in values.get(key, "1").split("x")]
        return numbers if len(numbers) > 1 else numbers[0]

    pairs = [tuple(map(int, pair.split("."))) for pair in values.get("c", "").split("x") if pair]
    kind = IllegalOperator if illegal else Operator
    return kind.of(
        int(values["ic"]),
        int(values["oc"]),
        [int(number) for number in values["k"].split("x")],
        stride=per_axis("s"),
        dilation=per_axis("d"),
        crop=pairs or 0,
        groups=int(values.get("g", "1")),
        bias="b" in values,
    )


def sizes(values: Sequence[int]) -> str:
    """Write sizes as in descriptors, ``5x7``."""
    return "x".join(map(str, values))


def axis_name(axis: int, rank: int) -> str:
    """Return the usual name of a spatial axis: length; height, width; depth, height, width."""
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
