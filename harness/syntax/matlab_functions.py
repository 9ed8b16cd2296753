"""The functions of a MATLAB text, and what its conditions and loops are for known values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.syntax.builder import as_number, is_constant
from harness.syntax.matlab_blocks import Step, Structure
from harness.syntax.names import identifiers
from harness.syntax.tree import (
    Argument,
    BinaryOp,
    Call,
    Name,
    Slice,
    UnaryOp,
    Value,
    last_name,
)

_HEADER: Final = re.compile(
    r"(?:(\[[^]]*\]|[^\W\d]\w*)\s*=(?!=)\s*)?([^\W\d][\w.]*)\s*(?:\(([^)]*)\))?\s*"
)
# What is looked up: where the text itself defines it, that is to be seen.
_NEVER_FOLLOWED: Final = re.compile(r"transposedConv[123]dLayer|dltranspconv")
_MOST_IN_A_LOOP: Final = 64
_MOST_LAYERS: Final = 1_000
_LAYER: Final = re.compile(r"\w*[lL]ayers?")
_JUMPS: Final = {"break", "continue", "return"}


@dataclass(frozen=True)
class Function:
    """A function that the text defines."""

    name: str
    body: range  # The numbers of its steps
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    bound: frozenset[str]  # Names that it gives something

    @property
    def own_names(self) -> frozenset[str]:
        """Names that mean its own variables."""
        return self.bound | {*self.takes, *self.gives}


def functions(code: str, steps: Sequence[Step], structure: Structure) -> dict[str, Function]:
    """Find the functions of a text that code in it may call by their names."""
    begins = [n for n, step in enumerate(steps) if step.keyword == "function"]
    found: dict[str, Function] = {}
    for begin, following in itertools.pairwise([*begins, len(steps)]):
        header = _HEADER.match(code, steps[begin].start, steps[begin].end)
        block = structure.blocks.get(begin)
        end = following if structure.is_open_ended or block is None else block.end
        if header is None or block is None or end is None or _NEVER_FOLLOWED.fullmatch(header[2]):
            continue
        gives, name, takes = (header[1] or "").strip("[]"), header[2], header[3] or ""
        taken = tuple(each.strip() for each in takes.split(",") if each.strip())
        bound = frozenset(block.bound)
        found[name] = Function(name, range(begin + 1, end), taken, tuple(identifiers(gives)), bound)
    return found


def called_by_others(
    found: Mapping[str, Function], code: str, steps: Sequence[Step]
) -> frozenset[str]:
    """Return the functions that the text names outside of themselves."""
    named: set[str] = set()
    for number, step in enumerate(steps):
        if step.keyword == "function":
            continue
        words = {*identifiers(code[step.start : step.end])} & found.keys()
        named |= {word for word in words if number not in found[word].body}
    return frozenset(named)


def bind(
    function: Function, arguments: Sequence[Argument]
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return what a call gives a function's parameters, and what it gives by name."""
    named = {each.name: each.value for each in arguments if each.name}
    values = [each.value for each in arguments if each.name is None]
    takes = [name for name in function.takes if name != "varargin"]
    given = dict(zip(takes, values, strict=False))
    rest = values[len(takes) :]
    if function.takes[-1:] == ("varargin",):
        given["varargin"] = (*rest, *(part for pair in named.items() for part in pair))
    pairs = zip(rest[::2], rest[1::2], strict=False)
    named |= {name: value for name, value in pairs if isinstance(name, str)}
    return {name: value for name, value in given.items() if name.isidentifier()}, named


def can_turn(steps: Iterable[Step]) -> bool:
    """Whether every turn of a loop of such steps carries out all of it."""
    return not any(step.keyword in _JUMPS for step in steps)


def turns(over: Value) -> Sequence[Value] | None:
    """Return the value of a loop's variable in each turn; ``None`` where that is not known.

    >>> turns((64, 32)), turns(Slice("3:-1:1", 0, lower=3, step=-1, upper=1))
    ((64, 32), (3, 2, 1))
    """
    over = row(over)
    if isinstance(over, tuple):
        is_row = is_constant(over) or all(isinstance(each, str) for each in over)
        # A cell array's column is a cell, and a matrix has columns, which few loops go over.
        return over if is_row and over and len(over) <= _MOST_IN_A_LOOP else None
    return None if as_number(over) is None else (over,)


def row(value: Value) -> Value:
    """Return the numbers of ``first:step:last``, where they are few; else the value."""
    if not isinstance(value, Slice):
        return value
    step = 1 if value.step is None else value.step
    first, last = value.lower, value.upper
    if not (type(first) is int and type(last) is int and type(step) is int and step):
        return value
    numbers = range(first, last + (1 if step > 0 else -1), step)
    return tuple(numbers) if len(numbers) <= _MOST_IN_A_LOOP else value


_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def truth(value: Value) -> bool | None:
    """Return whether a condition holds; ``None`` where the text does not say."""
    match value:
        case bool() | int() | float():
            return value != 0
        case UnaryOp(operation="~" | "!", operand=operand):
            inner = truth(operand)
            return None if inner is None else not inner
        case BinaryOp(operation="&&" | "&" | "||" | "|" as operation, left=left, right=right):
            sides, deciding = {truth(left), truth(right)}, operation[0] == "|"
            return deciding if deciding in sides else None if None in sides else not deciding
        case BinaryOp(operation="==" | "~=" | "!=" as operation, left=left, right=right):
            equal = same(left, right)
            return None if equal is None else equal == (operation == "==")
        case BinaryOp(operation=operation, left=int() | float() as a, right=int() | float() as b):
            compare = _COMPARISONS.get(operation)
            return None if compare is None else compare(a, b)
        case Call():
            return _of_call(value.dotted, value.positional)
    return None


def _of_call(function: str, given: Sequence[Value]) -> bool | None:
    match function, given:
        case (("strcmp" | "isequal"), [one, other]):
            return same(one, other)
        case "strcmpi", [str(one), str(other)]:
            return one.lower() == other.lower()
        case "isempty", [inside] if not isinstance(inside, Name | Call):
            return inside in {(), ""}
    return None


def same(one: Value, other: Value) -> bool | None:
    """Return whether two values are equal; ``None`` where the text does not say."""
    numbers = as_number(one) is not None and as_number(other) is not None
    if numbers or (isinstance(one, str) and isinstance(other, str)):
        return one == other
    if isinstance(one, bool) and isinstance(other, bool):
        return one is other
    return None


def is_case(subject: Value, case: Value) -> bool | None:
    """Return whether ``switch subject`` takes a case, of which a cell lists several."""
    options = case if isinstance(case, tuple) else (case,)
    answers = {same(subject, option) for option in options}
    kinds = {isinstance(each, str) for each in (subject, *options)}
    if True in answers:
        return True
    return None if None in answers or len(kinds) > 1 else False


def is_layers(value: Value) -> bool:
    """Whether a value is a layer, or an array of layers and names."""
    if isinstance(value, tuple):
        return any(map(is_layers, value)) and count(value) <= _MOST_LAYERS
    return isinstance(value, Call) and _LAYER.fullmatch(last_name(value)) is not None


def count(value: Value) -> int:
    """Count the elements of arrays in arrays."""
    return sum(map(count, value)) if isinstance(value, tuple) else 1


def is_closed(value: Value) -> bool:
    """Whether a value means the same wherever it stands: it has no variables."""
    match value:
        case Call():
            return isinstance(value.function, Name) and all(
                is_closed(each.value) for each in value.arguments
            )
        case BinaryOp(left=left, right=right):
            return is_closed(left) and is_closed(right)
        case UnaryOp(operand=operand):
            return is_closed(operand)
        case tuple():
            return all(map(is_closed, value))
    return not isinstance(value, Name)


def flat(value: Value) -> Iterator[Value]:
    """Yield the elements of arrays in arrays."""
    if isinstance(value, tuple):
        for each in value:
            yield from flat(each)
    else:
        yield value
