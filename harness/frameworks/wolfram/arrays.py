"""What Wolfram Language text shows of its arrays: their dimensions, and zeros around kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention.values import Pairs, shape_of, sizes_of
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
    if steps == 0:
        return None
    if isinstance(value, tuple):
        first, *others = {dimensions(each, assigned, steps - 1) for each in value} or {None}
        return shape_of(value) if first is None or others else (len(value), *first)
    if not isinstance(value, Call):
        return None
    name, arguments = value.dotted, value.positional
    if name in _KEEPERS and arguments:
        return dimensions(arguments[0], assigned, steps - 1)
    if name in _MAKERS and len(arguments) > 1:
        sizes = resolved(arguments[1], assigned)
        return sizes_of(sizes if isinstance(sizes, tuple) else (sizes,))
    if name == "ArrayPad" and len(arguments) == 2:
        inner, around = dimensions(arguments[0], assigned, steps - 1), _pairs(arguments[1])
        if inner is not None and around is not None and len(inner) == len(around):
            return tuple(k + b + e for k, (b, e) in zip(inner, around, strict=True))
    return None


def margins(value: Value, assigned: Mapping[str, Value], rank: int) -> Pairs:
    """Return how many zeros the text puts before and after a kernel, per spatial axis."""
    value = resolved(value, assigned)
    if isinstance(value, Call) and value.dotted == "ArrayPad" and len(value.positional) == 2:
        pairs = _pairs(value.positional[1])
        if pairs is not None and len(pairs) == rank + 2 and set(pairs[:2]) == {(0, 0)}:
            return pairs[2:]
    return ((0, 0),) * rank


def _pairs(value: Value) -> Pairs | None:
    pairs = tuple(map(_pair, value)) if isinstance(value, tuple) else (None,)
    known = tuple(pair for pair in pairs if pair is not None)
    return known if len(known) == len(pairs) else None


def _pair(value: Value) -> tuple[int, int] | None:
    match value:
        case (int(begin), int(end)) if min(begin, end) >= 0:
            return begin, end
    return None
