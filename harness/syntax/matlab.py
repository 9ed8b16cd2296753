"""MATLAB snippets, read by a grammar: nothing in them is evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from harness.syntax.builder import Builder, Node, Number, each, is_constant
from harness.syntax.lexis import MATLAB, skeleton, without_comments
from harness.syntax.matlab_blocks import split
from harness.syntax.matlab_reader import Reader
from harness.syntax.tree import (
    Argument,
    Call,
    Name,
    Parsed,
    Slice,
    SnippetError,
    Value,
    check_statements,
    check_text,
)

_CONSTANTS: Final[dict[str, Value]] = {"true": True, "false": False}
# In brackets a blank between two operands is a comma, and [1 -2] holds two numbers.
_OPERAND_ENDS: Final = re.compile(r"[\w)\]}'\".]")
_OPERAND_BEGINS: Final = re.compile(r"[\w'\"\[({@]|\.\d|[+-](?!\s)|[~!](?![=\s])")
_LAYOUT: Final = re.compile(
    r"""
    (?P<string> (?<![\w)\]}'".])'(?:[^'\n]|'')*+' | "(?:[^"\n]|"")*+" )
    |(?P<open> @\s*\( | [(\[{] ) |(?P<close> [)\]}] ) |(?P<blank> \s+ )
    """,
    re.VERBOSE,
)


def read(text: str) -> Parsed:
    r"""Read MATLAB or Octave text as statements; what is not understood is left out.

    A matrix of one row, and a cell array of one row, is a tuple; one of several is a tuple of
    tuples.  Arithmetic of literals has a value; indexing is a call, as it is written like one.
    Conditions, and what loops run over, are statements without a target.

    Raises
    ------
    SnippetError
        Where a string, a comment or a bracket never ends.

    Examples
    --------
    >>> parsed = read("for k = 1:3\n  up = transposedConv2dLayer([4 2], 64*k, 'Stride', 2);\nend")
    >>> [argument.value for argument in parsed.statements[-1].value.arguments]
    [(4, 2), BinaryOp(text='64*k', column=48, calls=()), 'Stride', 2]
    """
    check_text(text)
    check_statements(text)
    code = _laid_out(without_comments(text, MATLAB))
    outside = skeleton(code, MATLAB)
    builder = _Matlab(text)
    reader = Reader(code, outside, list(split(outside)), builder)
    return Parsed(tuple(builder.statements), tuple(reader.unread))


def _laid_out(code: str) -> str:
    """Write the commas and semicolons that blanks and line breaks in brackets stand for."""
    pieces, position, opened, parameters_end = [], 0, [""], -1
    for match in _LAYOUT.finditer(code):
        start, end = match.span()
        shown = match[0]
        if match["open"]:
            opened.append(shown)
        elif match["close"]:
            if opened.pop().startswith("@"):
                parameters_end = end
        elif match["blank"] and opened[-1]:
            shown = " " * len(shown)
            if opened[-1] in "[{" and start != parameters_end:
                shown = _separator(code, start, end) + shown[1:]
        pieces += [code[position:start], shown]
        position = end
    return "".join([*pieces, code[position:]])


def _separator(code: str, start: int, end: int) -> str:
    before = code[start - 1]
    if "\n" in code[start:end]:
        return " " if before in "[{;" else ";"
    is_between = _OPERAND_ENDS.match(before) and _OPERAND_BEGINS.match(code, end)
    return "," if is_between else " "


def _rounded(number: Number) -> int:
    """Round halves away from zero."""
    return math.trunc(number + math.copysign(0.5, number))


_FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {
    "mod": lambda a, b: a % b if b else a,
    "rem": math.fmod,
    "ceil": math.ceil,
    "floor": math.floor,
    "fix": math.trunc,
    "round": _rounded,
    "abs": abs,
    "max": max,
    "min": min,
    "double": lambda number: number,
}
_OF_LISTS: Final[dict[str, Callable[[Sequence[Number]], Number]]] = {
    "max": max,
    "min": min,
    "sum": sum,
    "prod": math.prod,
    "numel": len,
    "length": len,
}


def _element(whole: Value, places: Sequence[Value]) -> Value:
    """``inputSize(2)``, ``inputSize(1:2)`` or ``inputSize(end)``."""
    if not isinstance(whole, tuple) or not is_constant(whole) or len(places) != 1:
        return None
    place = _last(places[0], whole)
    if isinstance(place, Slice) and place.step is None:
        first, last = _last(place.lower, whole), _last(place.upper, whole)
        if isinstance(first, int) and isinstance(last, int) and 1 <= first <= last <= len(whole):
            return whole[first - 1 : last]
    return whole[place - 1] if isinstance(place, int) and 1 <= place <= len(whole) else None


def _last(place: Value, whole: tuple[Value, ...]) -> Value:
    is_last = isinstance(place, Name) and place.text == "end"
    return len(whole) if is_last else place


class _Matlab(Builder):
    """One method for each rule of the grammar."""

    def number(self, text: str, start: int) -> Value:
        return super().number(text.lower().replace("d", "e"), start)

    def string(self, text: str, start: int) -> Value:
        del start
        return text[1:-1].replace(2 * text[0], text[0])

    def symbol(self, text: str, start: int) -> Value:
        return _CONSTANTS[text] if text in _CONSTANTS else super().symbol(text, start)

    def binary(self, nodes: Sequence[Node]) -> Node:
        left, operation, right = nodes
        written = str(operation.value)
        lists = [isinstance(side.value, tuple) for side in (left, right)]
        if {"*": all(lists), "/": lists[1], "^": any(lists)}.get(written):
            return self.opaque(nodes)  # Of matrices, not element by element
        plain = Node(written.removeprefix("."), operation.start, operation.end)
        return super().binary([left, plain, right])

    def assignment(self, nodes: Sequence[Node]) -> Node:
        target, _, value = nodes
        return self.assigned([target], value)

    def give(self, target: str, value: Value, column: int) -> None:
        """Give ``[a, b] = deal(1, 2)`` one by one."""
        names = target.strip("[]").replace(",", " ").split()
        if isinstance(value, Call) and value.dotted == "deal" and "deal" not in self.names.given:
            values = value.positional * (len(names) if len(value.positional) == 1 else 1)
            if len(values) == len(names) and all(map(str.isidentifier, names)):
                for name, each_value in zip(names, values, strict=True):
                    super().give(name, each_value, column)
                return
        super().give(target, value, column)

    def named(self, nodes: Sequence[Node]) -> Node:
        name, _, value = nodes
        if name.name is None:
            raise SnippetError("expected a name before '='.", name.start)
        return replace(value, start=name.start, target=name.name)

    def span(self, nodes: Sequence[Node]) -> Node:
        """Read ``lower:step:upper``, or the colon that stands for a whole axis."""
        node, parts = self.opaque(nodes), [each.value for each in nodes[::2]]
        assert isinstance(node.value, Name)
        lower, *step, upper = parts if len(nodes) > 1 else (None, None)
        text, column, inner = node.value.text, node.value.column, node.value.calls
        return replace(node, value=Slice(text, column, inner, lower, upper, *step))

    def application(self, nodes: Sequence[Node]) -> Node:
        function, given = nodes[0], nodes[2:-1:2]
        value = self._result(function.name, [node.value for node in given])
        if value is not None and not any(node.target for node in given):
            return self.computed(value, nodes)
        arguments = [
            Argument(node.target, each, node.start) for node in given for each in self._listed(node)
        ]
        return self.call(function, arguments, nodes)

    def _listed(self, node: Node) -> tuple[Value, ...]:
        """The elements of ``options{:}``, where they are known."""
        whole, _, rest = self.source([node]).partition("{")
        elements = self.names.given.get(whole.strip())
        return elements if rest == ":}" and isinstance(elements, tuple) else (node.value,)

    def call(self, function: Node, arguments: Iterable[Argument], nodes: Sequence[Node]) -> Node:
        node = super().call(function, arguments, nodes)
        if not isinstance(node.value, Call) or node.value.dotted.startswith("gpuArray."):
            return node
        if "." not in node.value.dotted:
            return node
        # A function of a package, or an object's; the toolbox's have plain names.
        owner = Name(node.value.dotted, node.start)
        return replace(node, value=replace(node.value, owner=owner))

    def _result(self, name: str | None, values: Sequence[Value]) -> Value:
        """Compute a function of known numbers, or take an element of a known list."""
        if name in self.defined:
            return None
        if name in self.names.given:
            return _element(self.names.known.get(name), values)
        if name in _OF_LISTS and len(values) == 1 and is_constant(values[0]):
            row = values[0] if isinstance(values[0], tuple) else values
            return each(lambda *numbers: _OF_LISTS[name](numbers), row) if row else None
        return each(_FUNCTIONS[name], values) if name in _FUNCTIONS else None

    def row(self, nodes: Sequence[Node]) -> Node:
        return self.sequence((node.value for node in nodes[::2]), nodes)

    def joined_row(self, nodes: Sequence[Node]) -> Node:
        values: list[Value] = []
        for node in nodes[::2]:
            values += node.value if node.is_row and isinstance(node.value, tuple) else [node.value]
        return self.sequence(values, nodes)

    def cell(self, nodes: Sequence[Node]) -> Node:
        rows = [node.value for node in nodes if isinstance(node.value, tuple)]
        return self.sequence((rows or [()])[0] if len(rows) < 2 else rows, nodes)

    def matrix(self, nodes: Sequence[Node]) -> Node:
        node = self.cell(nodes)
        return replace(node, is_row=sum(isinstance(row.value, tuple) for row in nodes) < 2)
