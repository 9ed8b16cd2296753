"""What grammars build: nodes of values, names and calls, and statements of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, TypeAlias

from harness.syntax.names import LONGEST, Names, identifiers
from harness.syntax.tree import (
    EXACTLY,
    MAX_DEPTH,
    MAX_DIGITS,
    Argument,
    BinaryOp,
    Call,
    Defined,
    Division,
    Name,
    Reference,
    SnippetError,
    Statement,
    UnaryOp,
    Value,
    meant,
    with_fractions,
)

Number: TypeAlias = int | float
# What computes with names: a division gives a whole number where it is one.
_BEGINS_A_NAME: Final = re.compile(r"[^\W\d]|\$")
_IN_PYTHON: Final = {"^": "**", "/": EXACTLY}
_LARGEST: Final = 10**MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and what the rules around it must know."""

    value: Value
    start: int
    end: int
    depth: int = 0  # How deep calls and lists are nested in the value
    name: str | None = None  # The identifier, where the text is nothing else
    rule: tuple[Node, Node] | None = None  # The sides of Wolfram's ``->``
    target: str | None = None  # What the statement gives the value to
    is_row: bool = False  # A matrix of at most one row, which MATLAB joins with its neighbours


class Builder:
    """Makes nodes of what a grammar's rules match; a language adds its rules' methods.

    Methods that carry a rule's name get the nodes of all its symbols, tokens included.  Names that
    are opaque quote the original text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.statements: list[Statement] = []
        self.end = 0  # Of the last statement
        self.names = Names()  # After it
        self.block: tuple[int, ...] = ()  # Of the next statement
        self.defined: dict[str, Defined] = {}  # The functions of the text
        self.given_at: dict[str, int] = {}  # Where names were given their values
        self.is_again = False  # Whether names stand for what a function is called with

    def token(self, kind: str, text: str, start: int) -> Node:
        """Make a node of a token: the value of a literal or a name, or else the token's text."""
        end = start + len(text)
        read = {"NUMBER": self.number, "STRING": self.string}.get(kind)
        if read:
            return Node(read(text, start), start, end)
        if kind != "SYMBOL":
            return Node(text, start, end)
        known = self.names.known.get(text)
        is_known = text in self.names.known and is_constant(known)
        return Node(known if is_known else self.symbol(text, start), start, end, name=text)

    def number(self, text: str, start: int) -> Value:
        """Read a number in the form that Python shares."""
        if text.isdecimal():
            if len(text) > MAX_DIGITS:
                raise SnippetError(
                    f"this integer has {len(text)} digits; {MAX_DIGITS} are allowed.", start
                )
            return int(text)
        number = float(text)
        if not math.isfinite(number):
            raise SnippetError("this number is too large.", start)
        return number

    def string(self, text: str, start: int) -> Value:
        """Read a quoted string as the language writes it."""
        raise NotImplementedError

    def symbol(self, text: str, start: int) -> Value:
        """Read an identifier: a constant of the language, or a name."""
        return Name(text, start)

    def source(self, nodes: Sequence[Node]) -> str:
        """Return the text that nodes span."""
        return self.text[nodes[0].start : nodes[-1].end]

    def written(self, nodes: Sequence[Node]) -> str:
        """Return the text of nodes, with what names stand for in the place of the names."""
        pieces, end = [], nodes[0].start
        for node in nodes:
            own = self.text[node.start : node.end]
            shown = node.value.text if isinstance(node.value, Name) else own
            if shown != own and isinstance(node.value, BinaryOp) and not own.startswith("("):
                shown = f"({shown})"
            pieces += [self.text[end : node.start], shown]
            end = node.end
        return "".join(pieces)

    def opaque(self, nodes: Sequence[Node]) -> Node:
        """Make a name of anything that is no literal."""
        return self.computed(None, nodes)

    def group(self, nodes: Sequence[Node]) -> Node:
        """Read parentheses that change no meaning."""
        return _over(nodes, nodes[1].value, nodes[1].depth)

    def signed(self, nodes: Sequence[Node]) -> Node:
        """Negate a number."""
        sign, operand = nodes
        if sign.value not in {"+", "-"}:
            return self.opaque(nodes)
        factor = -1 if sign.value == "-" else 1
        result = each(lambda number: factor * number, [operand.value])
        divides = _division(operand.value)
        return self.computed(result, nodes, UnaryOp, str(sign.value), operand.value, divides)

    def binary(self, nodes: Sequence[Node]) -> Node:
        """Compute with two numbers, or with short lists of them."""
        left, operation, right = (node.value for node in nodes)
        result = each(lambda a, b: self.folded(a, str(operation), b), [left, right])
        in_python = _IN_PYTHON.get(str(operation), str(operation))
        kinds = {_division(left), _division(right)}
        divides: Division = max(kinds, default="")
        # Only the sum of a quotient and what is whole is whole where the quotient is, and not else.
        if in_python not in {"+", "-"} or "" not in kinds:
            left, right = with_fractions(left), with_fractions(right)
            divides = "any" if any(kinds) else ""
        divides = "exactly" if in_python == EXACTLY else divides
        return self.computed(result, nodes, BinaryOp, left, in_python, right, divides)

    def computed(
        self, value: Value, nodes: Sequence[Node], kind: type[Name] = Name, *parts: Value
    ) -> Node:
        """Make a node of a result; where there is none, of the text itself, a name of a kind."""
        if value is not None:
            return _over(nodes, value, deepest(nodes))
        calls = _calls_in(tuple(node.value for node in nodes))
        text = self.written(nodes) if self.is_again else self.source(nodes)
        name = kind(text, nodes[0].start, calls, *parts)
        return _over(nodes, name, deepest(nodes))

    def folded(self, left: Number, operation: str, right: Number) -> Number | None:
        """Return the result; ``None`` where the language has no such number."""
        return fold(left, operation, right)

    def call(self, function: Node, arguments: Iterable[Argument], nodes: Sequence[Node]) -> Node:
        """Make a call of the nodes that it spans."""
        callee = function.value
        if function.name is not None:
            callee = Name(function.name, function.start)
        if not isinstance(callee, Name | Call):
            raise SnippetError(
                "only a function can be called, but this is a value.", nodes[0].start
            )
        call = Call(callee, tuple(arguments), nodes[0].start)
        if function.name is not None:
            call = self._with_owner(call, function.name)
        return _over(nodes, call, deepest(nodes) + 1)

    def _with_owner(self, call: Call, name: str) -> Call:
        owner = self.names.owner(name) or self.defined.get(name)
        if owner is None and self.names.has_parts(name):
            owner = Name(name, self.given_at.get(name, 0))  # Its attributes are known alone.
        if type(owner) is Name:
            alias = owner.text.removeprefix("@")
            if alias != name and alias.isidentifier() and alias not in self.names.given:
                of_alias = Reference(alias, owner.column, is_imported=False)
                meaning = self.defined.get(alias, of_alias)
                return replace(call, function=meant(call, alias), owner=meaning)
        if owner == Name(name, 0) or not isinstance(owner, Name | Call | None):
            owner = Name(name, self.given_at.get(name, 0))
        return replace(call, owner=owner)

    def sequence(self, values: Iterable[Value], nodes: Sequence[Node]) -> Node:
        """Make a list."""
        return _over(nodes, tuple(values), deepest(nodes) + 1)

    def statement(self, nodes: Sequence[Node]) -> Node:
        """Keep a statement; small constants that it assigns are known to what follows."""
        (node,) = nodes
        given = dict(self.names.given)
        self.statements.append(Statement(node.target, node.value, given, self.block))
        self.end = node.end
        if node.target is not None:
            self.give(node.target, node.value, node.start)
        return node

    def give(self, target: str, value: Value, column: int) -> None:
        """Assign a value to a name, or to an attribute of it.

        What is given a part, as ``k(2)`` is, or is given together with others, as in ``[a, b]``,
        stands for nothing known.
        """
        root = identifiers(target)[0] if _BEGINS_A_NAME.match(target) else ""
        self.given_at[root] = column
        if not root:
            for name in identifiers(target):
                self.names.forget(name)
        elif root == target or target.replace(".", "").isidentifier():
            self.names.give(target, value)
            if root != target:
                self.names.lose(root)
        else:
            self.names.give(root, Name(target, column))

    def assigned(self, target: Sequence[Node], value: Node) -> Node:
        """Assign a value to the text before the equals sign."""
        return replace(value, start=target[0].start, target=self.source(target))


def is_constant(value: Value) -> bool:
    """Return whether a value is a number or a short flat list of them.

    Names of lists of names of lists would grow without bounds.
    """
    flat = value if isinstance(value, tuple) else (value,)
    return len(flat) <= LONGEST and all(as_number(item) is not None for item in flat)


def each(function: Callable[..., Number | None], values: Sequence[Value]) -> Value:
    """Apply a function to numbers, or to short lists of them element by element.

    ``None`` where there is no result, or no small one.

    >>> each(max, [(1, 5), 3]), each(max, [(1, 5), (2, 3, 4)])
    ((3, 5), None)
    """
    lengths = {len(value) for value in values if isinstance(value, tuple)}
    if not values or len(lengths) > 1 or not all(map(is_constant, values)):
        return None
    length = max(lengths, default=1)
    columns = [value if isinstance(value, tuple) else (value,) * length for value in values]
    try:
        results = tuple(_small(function(*row)) for row in zip(*columns, strict=True))
    except (ArithmeticError, TypeError, ValueError):
        return None
    if None in results:
        return None
    return results if lengths else results[0]


def fold(left: Number, operation: str, right: Number) -> Number | None:
    """Compute with literal numbers; ``None`` where the result is no number, or no small one.

    >>> fold(64, "/", 2), fold(1, "/", 3), fold(1, "/", 0), fold(9, "^", 387420489)
    (32, 0.3333333333333333, None, None)
    """
    try:
        result = _computed(left, operation, right)
    except (OverflowError, ZeroDivisionError):
        return None
    return _small(result)


def _small(result: object) -> Number | None:
    if isinstance(result, int):
        return result if abs(result) < _LARGEST else None
    return result if isinstance(result, float) and math.isfinite(result) else None


def _computed(left: Number, operation: str, right: Number) -> object:
    match operation:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            is_whole = isinstance(left, int) and isinstance(right, int) and left % right == 0
            return left // right if is_whole else left / right
        # A power that fits the bounds has a small exponent; any other is not even begun.
        case "^" if abs(left) <= 1 or abs(right) <= _LARGEST.bit_length():
            return left**right
    return None


def _division(value: Value) -> Division:
    return value.divides if isinstance(value, BinaryOp | UnaryOp) else ""


def as_number(value: Value) -> Number | None:
    """Return a number that arithmetic may use, which excludes True."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _calls_in(value: Value) -> tuple[Call, ...]:
    """The outermost calls."""
    if isinstance(value, Call):
        return (value,)
    if isinstance(value, Name):
        return value.calls
    return tuple(chain.from_iterable(map(_calls_in, value))) if isinstance(value, tuple) else ()


def deepest(nodes: Iterable[Node]) -> int:
    """Return the depth of the deepest node."""
    return max((node.depth for node in nodes), default=0)


def _over(nodes: Sequence[Node], value: Value, depth: int = 0) -> Node:
    if depth > 2 * MAX_DEPTH:
        raise SnippetError("calls and lists are nested too deeply.", nodes[0].start)
    return Node(value, nodes[0].start, nodes[-1].end, depth)
