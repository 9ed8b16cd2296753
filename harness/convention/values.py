"""Values of a snippet as sizes and shapes, and as text in errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final, TypeAlias, TypeVar

from harness.core.named_number import Named, at_least_0, is_certainly_1
from harness.core.operators import Sizes, axis_name
from harness.syntax.arrays import BY_SIZES, KEEPING, MAKERS, makes_an_array
from harness.syntax.tree import (
    BinaryOp,
    Call,
    Name,
    SnippetError,
    UnknownValueError,
    Value,
    last_name,
)

Pairs: TypeAlias = tuple[tuple[int, int], ...]  # Of beginning and end, per axis

_T = TypeVar("_T")
_SHAPES: Final = ("initializer", "initial_value", "shape", "size")
_RANGES: Final = {"arange", "linspace", "logspace", "range"}


def shape_of(value: Value) -> Sizes | None:
    """Return the shape of an array that a text writes out or creates.

    >>> shape_of(((1, 2, 3), (4, 5, 6)))
    (2, 3)
    """
    if isinstance(value, tuple):
        if not value or not isinstance(value[0], tuple):
            numbers = all(isinstance(item, int | float) for item in value)
            return (len(value),) if value and numbers else None
        inner = [shape_of(item) for item in value]
        if inner[0] is None or any(shape != inner[0] for shape in inner):
            return None
        return (len(value), *inner[0])
    last = last_name(value)
    if not isinstance(value, Call) or last not in MAKERS:
        return None
    return _created_shape(value, by_sizes=last in BY_SIZES)


def created_array(value: Value, assigned: Mapping[str, Value]) -> Value:
    """Return what creates an array, where a text gives it names on the way.

    ``assigned`` is what the text gives to names, in its order.

    >>> from harness.syntax.python import read
    >>> last = read("init = ones([3, 2]) * 0.1; w = Variable(init); f(w)").statements[-1]
    >>> shape_of(created_array(last.value.positional[0], last.assigned))
    (3, 2)
    """

    @cache
    def places() -> dict[str, int]:
        return {name: place for place, name in enumerate(assigned)}

    def is_before(name: str, other: str | None) -> bool:
        return name in assigned and (other is None or places()[name] < places()[other])

    def of(value: Value, before: str | None) -> Value:
        match value:
            case BinaryOp(left=left, operation="*" | "/" | "+" | "-", right=right):
                # Of an array and a number, or what is taken for one.
                sides = [of(left, before), of(right, before)]
                made = [each for each in sides if isinstance(each, Call) and creates_array(each)]
                if not made and isinstance(right, int | float):
                    return sides[0]
                return made[0] if len(made) == 1 else value
            case Name(text=text) if is_before(text, before):
                return of(assigned[text], text)
            case Call(function=Name(text=text)) if last_name(value) in KEEPING and is_before(
                owner := text.rpartition(".")[0], before
            ):
                return of(assigned[owner], owner)
            case Call() if last_name(value) in MAKERS:
                inner = (replace(each, value=of(each.value, before)) for each in value.arguments)
                return replace(value, arguments=tuple(inner))
        return value

    return of(value, None)


def shape_in_part(value: Value) -> tuple[Value, ...]:
    """Return the shape that a call asks for, also where some of its sizes are not known.

    >>> from harness.syntax.python import read
    >>> shape_in_part(read("tf.zeros([3, 2, 6, c])").statements[0].value)[:3]
    (3, 2, 6)
    """
    if not isinstance(value, Call) or not makes_an_array(value):
        return ()
    if last_name(value) in BY_SIZES and len(value.positional) > 1:
        return tuple(value.positional)
    named = [value.named[name] for name in _SHAPES if name in value.named]
    for each in (*named, *value.positional):
        if isinstance(each, tuple) and not any(isinstance(item, tuple) for item in each):
            return each
        if shape := shape_in_part(each):
            return shape
    return ()


def creates_array(call: Call) -> bool:
    """Whether a call creates an array, or keeps its shape.

    >>> creates_array(Call(Name("torch.zeros", 0), (), 0))
    True
    """
    return makes_an_array(call) or last_name(call) in _RANGES


def _created_shape(call: Call, *, by_sizes: bool) -> Sizes | None:
    """Return the shape that a call such as ``randn(3, 4, 5, 5)`` or ``ones((3, 4))`` asks for."""
    positional = call.positional
    for name in _SHAPES:
        if name in call.named:
            positional = [call.named[name]]
    if by_sizes and len(positional) > 1 and (sizes := sizes_of(positional)):
        return sizes
    for value in positional:
        if isinstance(value, tuple) and (sizes := sizes_of(value)):
            return sizes
        if (shape := shape_of(value)) is not None:
            return shape
    return None


def sizes_of(values: Sequence[Value]) -> Sizes | None:
    """Return values that are all positive integers."""
    sizes = tuple(value for value in values if isinstance(value, int) and value > 0)
    has_others = len(sizes) < len(values) or any(value is True for value in values)
    return None if has_others else sizes


def integer(name: str, value: Value, column: int) -> int:
    """Return a value that must be an integer."""
    if isinstance(value, Name | Call):
        raise UnknownValueError(unknown(name, value, "the number"), value.column, name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        whole = isinstance(value, float) and value.is_integer()
        # Such as the result of 512 / 2 in Python 3.
        hint = f": write {int(value)}" if whole else ""  # type: ignore[arg-type]
        raise SnippetError(f"{name} must be an integer, found {shown(value)}{hint}.", column)
    return value


def integers(name: str, value: Value, column: int) -> Sizes:
    """Return a value that must be an integer or a sequence of integers."""
    values = value if isinstance(value, tuple) else (value,)
    return tuple(integer(name, item, column) for item in values)


def unknown(name: str, value: Name | Call, what: str = "it") -> str:
    """Ask for a value that the text does not contain."""
    written = repr(value.text) if isinstance(value, Name) else shown(value)
    return f"{name} is {written}, whose value the text does not hold: write {what} in its place."


def without_margins(kernel: Sequence[int], margins: Pairs) -> Sizes:
    """Return a kernel's sizes without the zeros that a text lays around it."""
    return tuple(k - b - e for k, (b, e) in zip(kernel, margins, strict=True))


def with_margins(kernel: Sequence[int], margins: Pairs) -> Sizes:
    """Return a kernel's sizes with these zeros."""
    return tuple(k + b + e for k, (b, e) in zip(kernel, margins, strict=True))


def crop_without_margins(crop: Pairs, margins: Pairs, dilation: Sequence[int]) -> Pairs:
    """Return the crop that is the same for the kernel without these zeros.

    >>> crop_without_margins(((1, 0),), ((0, 2),), (2,))
    ((1, -4),)
    """
    axes = zip(crop, margins, dilation, strict=True)
    return tuple((begin - b * d, end - e * d) for (begin, end), (b, e), d in axes)


def same_crop(
    effective: Sequence[int], stride: Sequence[int], *, odd: str, missing: str
) -> tuple[Pairs, list[str]]:
    """Return the crop that makes the output ``in_size * stride``, its odd elements at the end.

    The notes are ``odd`` where there are such, and ``missing`` where the output must be extended;
    also where that depends on numbers that are names.

    >>> same_crop((4, 3), (1, 4), odd="one is odd", missing="one is missing")
    (((1, 2), (0, -1)), ['one is odd', 'one is missing'])
    """
    totals = [extent - step for extent, step in zip(effective, stride, strict=True)]
    # A kernel reaches over one element at least; a named stride of 1 stands for others.
    begins = [
        (total if is_certainly_1(step) else at_least_0(total)) // 2
        for total, step in zip(totals, stride, strict=True)
    ]
    crop = tuple((begin, total - begin) for begin, total in zip(begins, totals, strict=True))
    pairs = [(total, isinstance(total, Named)) for total in totals]
    is_odd = any(is_named or (total > 0 and total % 2) for total, is_named in pairs)
    is_short = any(
        total < 0 or (is_named and not is_certainly_1(step))
        for (total, is_named), step in zip(pairs, stride, strict=True)
    )
    return crop, [odd] * is_odd + [missing] * is_short


def shown(value: object) -> str:
    """Write a value as people would."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, Call):
        return f"the call {value.dotted}(...)" if value.dotted else "a call"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ")"
    return repr(value)


def to_channels_first(axes: tuple[_T, ...]) -> tuple[_T, ...]:
    """Reorder what a framework has per axis with its channels last.

    >>> to_channels_first(("n", "h", "w", "c"))
    ('n', 'c', 'h', 'w')
    """
    return (axes[0], axes[-1], *axes[1:-1])


def comma(shape: Sequence[int]) -> str:
    """Write a shape with commas between its sizes."""
    return ",".join(map(str, shape))


def input_axes(rank: int) -> str:
    """Name the axes of ``x``."""
    return "(n, c_in, " + ", ".join(axis_name(axis, rank) for axis in range(rank)) + ")"


def weight_axes(rank: int) -> str:
    """Name the axes of ``w``."""
    return "(c_in, c_out/groups, " + ", ".join(axis_name(axis, rank) for axis in range(rank)) + ")"
