"""Expressions that use an array's shape, computed once the shape is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from harness.syntax.expressions import arithmetic, converted, element, joined, signed
from harness.syntax.names import Names
from harness.syntax.tree import (
    BinaryOp,
    Call,
    Joined,
    Name,
    Slice,
    SnippetError,
    Starred,
    Subscript,
    UnaryOp,
    Value,
)

Shape: TypeAlias = tuple[Value, ...]

_OF_ARRAY: Final = {"shape", "int_shape"}
_ELEMENT: Final = re.compile(r"([\w.]+)\[(?:(-?\d+)|.*)\]", re.DOTALL)
_PASSES_ON: Final = {
    *("stack", "constant", "convert_to_tensor", "tuple", "list", "TensorShape", "as_list"),
    *("array", "asarray", "Size", "int"),
}


def fold(value: Value, shapes: Mapping[str, Shape], assigned: Mapping[str, Value]) -> Value:
    """Compute what a value is once the shapes of arrays are known, by the arrays' names.

    The parser leaves ``x.shape[1] * 2`` a name.  What stays unknown stays as it was; what the text
    gives to names is ``assigned``, in its order.

    >>> from harness.syntax.python import read
    >>> parsed = read("(x.shape[0], (x.shape[1] - 1) * 2 + 3, tf.shape(x)[-1])")
    >>> value = parsed.statements[0].value
    >>> fold(value, {"x": (1, 5, 64)}, {})
    (1, 11, 64)
    """
    known = Names()
    places = {target: place for place, target in enumerate(assigned)}
    for place, (target, given) in enumerate(assigned.items()):
        # Before an array's name is given anew it stands for another array.
        now = {name: shape for name, shape in shapes.items() if places.get(name, -1) < place}
        computed = _folded(given, now, known)
        if element := _ELEMENT.fullmatch(target):
            index = int(element[2]) if element[2] else None
            known.give_element(element[1], index, computed)
        else:
            known.give(target, computed)
    return _folded(value, shapes, known)


def _folded(value: Value, shapes: Mapping[str, Shape], names: Names) -> Value:
    """Compute a value where it is an integer, or a sequence; what is neither stays as it was."""
    if isinstance(value, tuple):
        return tuple(_folded(item, shapes, names) for item in value)
    if isinstance(value, Name) and value.text in shapes:
        return value
    try:
        result = _computed(value, shapes, names)
    except SnippetError as error:
        column = value.column if isinstance(value, Name | Call) else error.column
        raise SnippetError(error.fact, column) from None
    if not isinstance(value, Name | Call) or not isinstance(result, int | tuple):
        return value
    return _moved(result, value.column)


def _computed(value: Value, shapes: Mapping[str, Shape], names: Names) -> Value:
    """Compute a value, its parts first."""

    def part(value: Value) -> Value:
        return _computed(value, shapes, names)

    match value:
        case tuple():
            return tuple(map(part, value))
        case Call():
            given = tuple(replace(each, value=part(each.value)) for each in value.arguments)
            call = replace(value, arguments=given)
            shape = _shape_from_call(call, shapes)
            result = converted(call) if shape is None else shape
            return value if result is None else result
        case UnaryOp():
            return signed(replace(value, operand=part(value.operand)))
        case BinaryOp():
            return arithmetic(replace(value, left=part(value.left), right=part(value.right)))
        case Slice():
            lower, upper, step = map(part, (value.lower, value.upper, value.step))
            return replace(value, lower=lower, upper=upper, step=step)
        case Subscript():
            return element(replace(value, owner=part(value.owner), index=part(value.index)))
        case Starred():
            return replace(value, inner=part(value.inner))
        case Joined():
            return joined(replace(value, elements=tuple(map(part, value.elements))))
        case Name():
            owner, _, attribute = value.text.rpartition(".")
            if attribute == "shape" and owner in shapes:
                return shapes[owner]
            return names.known.get(value.text, value)
    return value


def _moved(value: Value, column: int) -> Value:
    """Names in a folded expression stand where the expression does."""
    if isinstance(value, tuple):
        return tuple(_moved(item, column) for item in value)
    return replace(value, column=column) if isinstance(value, Name | Call) else value


def _shape_from_call(call: Call, shapes: Mapping[str, Shape]) -> int | Shape | None:
    """The shape, or the size, that a call such as ``tf.shape(x)`` or ``x.size(2)`` gives."""
    if not shapes or not isinstance(call.function, Name):
        return None
    owner, _, last = call.function.text.rpartition(".")
    first = call.arguments[0].value if call.arguments else None
    if last in {"get_shape", "size"} and owner in shapes:
        shape = shapes[owner]
        if first is None:
            return shape
        one = shape[first] if type(first) is int and -len(shape) <= first < len(shape) else None
        return one if isinstance(one, int) else None
    if last == "as_list" and owner.removesuffix(".shape") in shapes:
        return shapes[owner.removesuffix(".shape")]
    if last in _OF_ARRAY and isinstance(first, Name):
        return shapes.get(first.text)
    if last in _PASSES_ON and isinstance(first, int | tuple):
        return first
    return None
