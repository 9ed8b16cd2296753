"""Conditions on a layer: which operators, inputs and dtypes a known limitation concerns.

A limitation names the cases that show it, by their ids.  Somebody's own layer is no case: for it
there are conditions, which a test holds against the cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from harness.core.named_number import Named
from harness.core.operators import Operator, Sizes

CONDITION_PATTERN: Final = r"^(any )?(above |multiple of )?([0-9]{1,18})$"
_HOLDS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "": lambda value, number: value == number,
    "above ": lambda value, number: value > number,
    "multiple of ": lambda value, number: value % number == 0,
}


@dataclass(frozen=True)
class Condition:
    """What a number must be: of several, such as a stride's, each of them, or any.

    >>> Condition.of("any above 1").holds((1, 2)), Condition.of("any above 1").holds((1, 1))
    (True, False)
    """

    is_any: bool
    relation: str
    number: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Read ``1``, ``above 1`` or ``multiple of 8``, with ``any`` before it or without.

        Raises
        ------
        ValueError
        """
        match = re.match(CONDITION_PATTERN, text)
        if match is None or (match[2] == "multiple of " and not int(match[3])):
            raise ValueError(f"{text!r} is no condition such as 1, above 1, any above 1.")
        return cls(bool(match[1]), match[2] or "", int(match[3]))

    def holds(self, values: Sequence[int]) -> bool | None:
        """Whether it holds; ``None`` where that depends on a number that has only a name."""
        return (_any if self.is_any else _all)(map(self._holds, values))

    def _holds(self, value: int) -> bool | None:
        # What else is known of a named number, such as that it is twice another, is not used.
        return None if isinstance(value, Named) else _HOLDS[self.relation](value, self.number)


Conditions: TypeAlias = Mapping[str, Condition | str]


@dataclass(frozen=True)
class Described:
    """A layer, as conditions see it."""

    operator: Operator
    dtype: str
    input: Sizes | None = None  # Canonical shape, where it is known

    def meets(self, conditions: Conditions) -> bool | None:
        """Whether all conditions hold; ``None`` where that depends on a number with only a name.

        What takes a special input does not concern a layer whose input is not known.

        >>> layer = Described(Operator.of(16, 1, (3, 3)), "float32")
        >>> layer.meets({"out_channels": Condition.of("1"), "kernel": Condition.of("above 2")})
        True
        >>> layer.meets({"batch": Condition.of("2")})
        False
        """
        return _all(self._meets(name, condition) for name, condition in conditions.items())

    def _meets(self, name: str, condition: Condition | str) -> bool | None:
        if isinstance(condition, str):
            return self.dtype == condition
        values = _NUMBERS[name](self)
        return False if values is None else condition.holds(values)


def without_dtype(conditions: Conditions) -> Conditions:
    """Return the conditions but that on the dtype."""
    return {name: condition for name, condition in conditions.items() if name != DTYPE}


def _all(answers: Iterable[bool | None]) -> bool | None:
    every = {*answers}
    return False if False in every else None if None in every else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    every = {*answers}
    return True if True in every else None if None in every else False


_NUMBERS: Final[Mapping[str, Callable[[Described], Sequence[int] | None]]] = {
    "axes": lambda layer: (layer.operator.rank,),
    "in_channels": lambda layer: (layer.operator.in_channels,),
    "out_channels": lambda layer: (layer.operator.out_channels,),
    "kernel": lambda layer: layer.operator.kernel,
    "stride": lambda layer: layer.operator.stride,
    "dilation": lambda layer: layer.operator.dilation,
    "groups": lambda layer: (layer.operator.groups,),
    "batch": lambda layer: layer.input and layer.input[:1],
    "input": lambda layer: layer.input and layer.input[2:],
}
DTYPE: Final = "dtype"
CONDITIONED: Final = (DTYPE, *_NUMBERS)
