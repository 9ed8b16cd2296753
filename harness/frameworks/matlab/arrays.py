"""What MATLAB text shows of its arrays: their sizes and the labels of their dimensions.

Only what makes, converts and rearranges arrays is followed; no element has a value here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Final

from harness.convention.values import shown, sizes_of
from harness.core.operators import Sizes
from harness.syntax.callsite import CallSite
from harness.syntax.tree import (
    EXACTLY,
    BinaryOp,
    Call,
    Name,
    Reference,
    Statement,
    UnaryOp,
    Value,
)

_ELEMENTWISE: Final = {"*", ".*", "+", "-", "/", EXACTLY, "./"}
_MAKERS: Final = {"rand": 0, "randn": 0, "zeros": 0, "ones": 0, "nan": 0, "randi": 1}
_CLASSES: Final = {
    *("single", "double", "half", "logical"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}
_CONVERTERS: Final = {*_CLASSES, "cast", "gpuArray", "gather", "extractdata", "stripdims"}
# Functions of people's own that make weights of the size which they are given first, as MATLAB's
# examples have them: https://www.mathworks.com/help/deeplearning/ug/initialize-learnable-parameters-for-custom-training-loop.html
_INITIALIZER: Final = re.compile(
    r"(?i)\w*(?:initiali[sz]e|glorot|xavier|gaussian|orthogonal)\w*|initHe|initWeights?"
)
_PART: Final = re.compile(r"(\w+)\((.+)\)")
_SPAN: Final = re.compile(r"\s*(\d{1,9})\s*:\s*(\d{1,9})\s*")
_MOST_DIMENSIONS: Final = 8


@dataclass(frozen=True)
class Array:
    """An array as MATLAB sees it."""

    shape: Sizes
    labels: str = ""  # The format of a ``dlarray``, such as ``SSCB``
    is_zero: bool = False  # Whether every element is 0
    # How many zeros each dimension has before and after what was put into it.
    margins: tuple[tuple[int, int], ...] = ()

    def size(self, dimension: int) -> int:
        """Return the size of a dimension, from 0; those that MATLAB drops are 1."""
        return self.shape[dimension] if dimension < len(self.shape) else 1

    def labelled(self, label: str) -> list[int]:
        """Return the sizes of the dimensions with a label."""
        return [self.size(place) for place, each in enumerate(self.labels) if each == label]


@dataclass(frozen=True)
class Workspace:
    """The arrays and numbers that the text has created before a statement."""

    given: Mapping[str, Value]  # The values of names there
    # What is known of a name's value, by the value's ``id``: the same words mean something else
    # after a statement that changes them.
    arrays: dict[int, Array]
    numbers: dict[int, Value]
    # Shapes of ``x`` and ``w`` where the text only rearranges them, as our own programs do.
    canonical: Mapping[str, Sizes]

    @classmethod
    def before(cls, site: CallSite, canonical: Mapping[str, Sizes | None]) -> Workspace:
        """Follow the statements up to that of a call."""
        shapes = {name: shape for name, shape in canonical.items() if shape}
        here = cls({}, {}, {}, shapes)
        for statement, following in pairwise((*site.before, site.statement)):
            here = replace(here, given=statement.assigned)
            here.keep(statement, following)
        return replace(here, given=site.statement.assigned)

    def keep(self, statement: Statement, following: Statement) -> None:
        """Keep what is known of what a statement gives to its target."""
        part = _PART.fullmatch(re.sub(r"\s", "", statement.target or ""))
        if part is None:
            array, number = self.array(statement.value), self.plain(statement.value)
            if array is not None:
                self.arrays[id(statement.value)] = array
            if isinstance(number, int | float | str | tuple):
                self.numbers[id(statement.value)] = number
            return
        # Where the part belongs to a name of this block, the whole is called by the part.
        whole = following.assigned.get(part[1])
        array = self.arrays.get(id(self.given.get(part[1])))
        is_new = isinstance(whole, Name) and whole.text == statement.target
        if is_new and id(whole) not in self.arrays and array is not None:
            inside = _put_inside(array, part[2])
            if inside is not None:
                self.arrays[id(whole)] = inside

    def _number(self, name: str) -> Value:
        return self.numbers.get(id(self.given[name])) if name in self.given else None

    def plain(self, value: Value) -> Value:
        """Read a number whatever its class: ``uint8(2)``, ``[2]`` and ``2.0`` are 2."""
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        if isinstance(value, tuple):
            return self._row(value)
        if isinstance(value, Name):
            number = self._number(value.text)
            return value if number is None else number
        if isinstance(value, Call) and value.dotted in _CLASSES and len(value.arguments) == 1:
            return self.plain(value.arguments[0].value)
        if isinstance(value, Call) and value.dotted == "size" and len(value.arguments) == 2:
            array, place = self.array(value.arguments[0].value), value.arguments[1].value
            if array is not None and array.shape and isinstance(place, int) and place > 0:
                return array.size(place - 1)
        return value

    def _row(self, value: tuple[Value, ...]) -> Value:
        """``[2]`` is a number, but the rows of ``[1; 0]`` stay rows."""
        items = [
            item if isinstance(item, tuple) and len(item) == 1 else self.plain(item)
            for item in value
        ]
        return items[0] if len(items) == 1 and isinstance(items[0], int | float) else tuple(items)

    def array(self, value: Value) -> Array | None:
        """Return what is known of an array; ``None`` where its size is not."""
        if isinstance(value, UnaryOp):
            return self.array(value.operand)
        if isinstance(value, BinaryOp):
            return self._combined(value)
        if isinstance(value, Name):
            return self.arrays.get(id(self.given[value.text])) if value.text in self.given else None
        if isinstance(value, int | float):
            return Array((1, 1), is_zero=value == 0)
        if isinstance(value, tuple):
            return _literal(value)
        if isinstance(value, Call) and value.arguments:
            name = value.dotted if _INITIALIZER.fullmatch(value.dotted) else function_of(value)
            return self._result(name, [each.value for each in value.arguments])
        return None

    def _combined(self, value: BinaryOp) -> Array | None:
        """``0.1*randn(3, 3, 32, 64)`` has the size of the array."""
        sides = self.array(value.left), self.array(value.right)
        for one, other in (sides, sides[::-1]):
            is_number = one is not None and one.shape == (1, 1)
            if value.operation in _ELEMENTWISE and is_number and other is not None:
                return Array(other.shape, other.labels)
        return None

    def _result(self, name: str, values: Sequence[Value]) -> Array | None:
        name = name.removeprefix("gpuArray.")
        if name in _MAKERS:
            shape = self._shape(values[_MAKERS[name] :])
            return None if shape is None else Array(shape, is_zero=name == "zeros")
        if name in _CONVERTERS:
            return self.array(values[0])
        if name == "dlarray":
            array = self.array(values[0])
            labels = self.plain(values[1]) if len(values) > 1 else None
            if not isinstance(labels, str):
                return array
            # The format says how many axes there are, even where no size is known.
            return replace(array or Array(()), labels=labels.upper())
        if name in {"permute", "reshape"} and len(values) > 1:
            return self._rearranged(name, values)
        if _INITIALIZER.fullmatch(name) and isinstance(size := self.plain(values[0]), tuple):
            sizes = sizes_of(size)
            return Array(sizes) if sizes and 1 < len(sizes) <= _MOST_DIMENSIONS else None
        return None

    def _shape(self, values: Sequence[Value]) -> Sizes | None:
        """What ``zeros(3, 4, 'like', x)`` and the like are asked for; one number is a square."""
        plain = list(takewhile(lambda value: not isinstance(value, str), map(self.plain, values)))
        if len(plain) == 1:
            plain = list(plain[0]) if isinstance(plain[0], tuple) else plain * 2
        sizes = sizes_of(plain)
        return sizes if sizes and len(sizes) <= _MOST_DIMENSIONS else None

    def _rearranged(self, name: str, values: Sequence[Value]) -> Array | None:
        first = values[0]
        array = self.array(first)
        if (
            isinstance(first, Name)
            and first.text not in self.given
            and first.text in self.canonical
        ):
            array = Array(self.canonical[first.text])
        if array is None or array.margins:
            return None
        numbers = [self.plain(value) for value in values[1:]]
        if len(numbers) == 1 and isinstance(numbers[0], tuple):
            numbers = list(numbers[0])
        shape = _permuted(array, numbers) if name == "permute" else _reshaped(array, numbers)
        return None if shape is None else Array(shape, is_zero=array.is_zero)


def field_of_its_name(value: Value, site: CallSite) -> Statement | None:
    """Return the statement that alone in the text makes a field of a name, in whatever structure.

    A function is given ``params`` and uses ``params.W1``; its caller has ``paramsGen.W1 = ...``.
    """
    field = value.text.rpartition(".")[2] if type(value) is Name and "." in value.text else ""
    if not field.isidentifier():
        return None
    makers = {
        (statement.target, id(statement.value)): statement
        for statement in site.code.statements
        if statement.target and statement.target.endswith(f".{field}")
    }
    # What an optimizer gives back has the sizes of what it was given.
    structures = {target for target, _ in makers}
    return next(iter(makers.values())) if len(makers) == len(structures) == 1 else None


def function_of(call: Call) -> str:
    """Return the name of the function that is called, unless the text gives it another meaning."""
    return call.dotted if call.owner is None or isinstance(call.owner, Reference) else ""


def _permuted(array: Array, order: Sequence[Value]) -> Sizes | None:
    places = sizes_of(order)
    if places is None or sorted(places) != list(range(1, len(places) + 1)):
        return None
    return tuple(array.size(place - 1) for place in places)


def _reshaped(array: Array, sizes: Sequence[Value]) -> Sizes | None:
    """One of the sizes may be ``[]``."""
    known = sizes_of([size for size in sizes if size != ()])
    if known is None or len(known) < len(sizes) - 1:
        return None
    rest = math.prod(array.shape) // math.prod(known)
    return sizes_of([rest if size == () else size for size in sizes])


def _literal(value: tuple[Value, ...]) -> Array | None:
    """``[1 2; 3 4]``, of numbers only."""
    rows = [row if isinstance(row, tuple) else None for row in value]
    cells = [cell for row in rows if row is not None for cell in row] if any(rows) else list(value)
    if not cells or not all(isinstance(cell, int | float) for cell in cells):
        return None
    shape = (len(rows), len(cells) // len(rows)) if any(rows) else (1, len(cells))
    return Array(shape, is_zero=not any(cells))


def _put_inside(array: Array, place: str) -> Array | None:
    """``w_(2:4, 1:3, :, :) = ...`` puts something into zeros; nothing is known of any other."""
    margins = []
    for dimension, text in enumerate(place.split(",")):
        span = _SPAN.fullmatch(text)
        if span is None and text != ":":
            return None
        begin, end = (int(span[1]), int(span[2])) if span else (1, array.size(dimension))
        margins.append((begin - 1, array.size(dimension) - end))
    if not array.is_zero or any(side < 0 for pair in margins for side in pair):
        return None
    return replace(array, is_zero=False, margins=tuple(margins))


def written(value: Value) -> str:
    """Write a value as MATLAB does.

    >>> written((3, 3)), written(((1, 2), (3, 4))), written("same")
    ('[3 3]', '[1 2; 3 4]', "'same'")
    """
    if not isinstance(value, tuple):
        return shown(value)
    between = "; " if any(isinstance(row, tuple) for row in value) else " "
    return "[" + between.join(written(each).strip("[]") for each in value) + "]"
