"""What Wolfram Language text shows of its arrays: their dimensions, and zeros around kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention.values import Pairs, shape_of
from harness.core.operators import Sizes
from harness.syntax.tree import Call, Name, Value

# Their second argument is the dimensions of the result.
_MAKERS: Final = {"RandomReal", "RandomInteger", "RandomVariate", "ConstantArray"}
_KEEPERS: Final = {"NumericArray", "Normal", "N", "Developer`ToPackedArray"}
_FOLLOWED: Final = 8


def resolved(value: Value, assigned: Mapping[str, Value]) -> Value:
    """Follow names to their values in the text, for a few steps."""
    for _ in range(_FOLLOWED):
        if not isinstance(value, Name) or value.text not in assigned:
            break
        value = assigned[value.text]
    return value


def dimensions(value: Value, assigned: Mapping[str, Value], steps: int = _FOLLOWED) -> Sizes | None:
    """Return an array's dimensions, where the text shows its elements or how it is created.

    >>> dimensions((((0.5, 0.5),),), {})
    (1, 1, 2)
    """
    value = resolved(value, assigned)
    if isinstance(value, tuple):
        return shape_of(value)
    called = _called(value)
    if called is None or steps == 0:
        return None
    name, arguments = called
    if name in _KEEPERS and arguments:
        return dimensions(arguments[0], assigned, steps - 1)
    if name in _MAKERS and len(arguments) > 1:
        return _sizes(resolved(arguments[1], assigned))
    if name == "ArrayPad" and len(arguments) == 2:
        inner, around = dimensions(arguments[0], assigned, steps - 1), _pairs(arguments[1])
        if inner is not None and around is not None and len(inner) == len(around):
            return tuple(k + b + e for k, (b, e) in zip(inner, around, strict=True))
    return None


def _sizes(sizes: Value) -> Sizes | None:
    stated = sizes if isinstance(sizes, tuple) else (sizes,)
    integers = tuple(size for size in stated if isinstance(size, int) and size > 0)
    return integers if len(integers) == len(stated) else None


def margins(value: Value, assigned: Mapping[str, Value], rank: int) -> Pairs:
    """Return how many zeros the text puts before and after a kernel, per spatial axis."""
    value = resolved(value, assigned)
    called = _called(value)
    if called is not None and called[0] == "ArrayPad" and len(called[1]) == 2:
        pairs = _pairs(called[1][1])
        if pairs is not None and len(pairs) == rank + 2 and set(pairs[:2]) == {(0, 0)}:
            return pairs[2:]
    return ((0, 0),) * rank


def _called(value: Value) -> tuple[str, list[Value]] | None:
    if not isinstance(value, Call) or not isinstance(value.function, Name):
        return None
    return value.function.text, [each.value for each in value.arguments if each.name is None]


def _pairs(value: Value) -> Pairs | None:
    if not isinstance(value, tuple):
        return None
    pairs = []
    for pair in value:
        if not isinstance(pair, tuple) or len(pair) != 2:
            return None
        begin, end = pair
        if not isinstance(begin, int) or not isinstance(end, int) or min(begin, end) < 0:
            return None
        pairs.append((begin, end))
    return tuple(pairs)
