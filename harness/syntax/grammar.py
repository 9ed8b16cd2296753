"""What the grammars share: from text to tree by lark, without recursion, and errors in words.

lark is imported when the first snippet is parsed: most uses of harness parse none.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.syntax.arithmetic import Number, fold
from harness.syntax.lexis import PAIRS, Lexis, innermost
from harness.syntax.tree import (
    MAX_DEPTH,
    MAX_DIGITS,
    Argument,
    Call,
    Name,
    SnippetError,
    Statement,
    Value,
)

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput

_LONGEST: Final = 16


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and what the rules around it must know.

    Attributes
    ----------
    depth : int
        How deep calls and lists are nested in the value.
    name : str or None
        The identifier, where the text is nothing else.
    rule : tuple of two Nodes, or None
        The sides of Wolfram's ``->``.
    target : str or None
        What the statement gives the value to.
    is_row : bool
        Whether it is a matrix of at most one row, which MATLAB joins with its neighbours.
    """

    value: Value
    start: int
    end: int
    depth: int = 0
    name: str | None = None
    rule: tuple[Node, Node] | None = None
    target: str | None = None
    is_row: bool = False


class Builder:
    """Makes nodes of what the rules of a grammar have found; a language adds its rules' methods.

    Methods that carry a rule's name get the nodes of all its symbols, tokens included.

    Parameters
    ----------
    text : str
        The original text, which opaque names quote.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[str, Value] = {}

    def token(self, kind: str, text: str, start: int) -> Node:
        """Make a node of a token: the value of a literal or a name, or else the token's text."""
        end = start + len(text)
        read = {"NUMBER": self.number, "STRING": self.string}.get(kind)
        if read:
            return Node(read(text, start), start, end)
        if kind != "SYMBOL":
            return Node(text, start, end)
        return Node(self._known.get(text, self.symbol(text, start)), start, end, name=text)

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
        raise NotImplementedError

    def symbol(self, text: str, start: int) -> Value:
        return Name(text, start)

    def source(self, nodes: Sequence[Node]) -> str:
        return self.text[nodes[0].start : nodes[-1].end]

    def opaque(self, nodes: Sequence[Node]) -> Node:
        """Make a name of what is no literal."""
        return _over(nodes, Name(self.source(nodes), nodes[0].start))

    def group(self, nodes: Sequence[Node]) -> Node:
        """Read parentheses that change no meaning."""
        return _over(nodes, nodes[1].value, nodes[1].depth)

    def signed(self, nodes: Sequence[Node]) -> Node:
        sign, operand = nodes
        number = as_number(operand.value)
        if number is None or sign.value not in {"+", "-"}:
            return self.opaque(nodes)
        return _over(nodes, -number if sign.value == "-" else number)

    def binary(self, nodes: Sequence[Node]) -> Node:
        left, right = as_number(nodes[0].value), as_number(nodes[2].value)
        if left is not None and right is not None:
            folded = self.folded(left, str(nodes[1].value), right)
            if folded is not None:
                return _over(nodes, folded)
        return self.opaque(nodes)

    def folded(self, left: Number, operation: str, right: Number) -> Number | None:
        return fold(left, operation, right)

    def call(self, function: Node, arguments: Iterable[Argument], nodes: Sequence[Node]) -> Node:
        """Make a call of the nodes that it spans."""
        callee = function.value
        if function.name is not None:
            callee = Name(function.name, function.start)
        if not isinstance(callee, Name | Call):
            raise SnippetError("only a function can be called, but this is a value.", nodes[0].start)
        return _over(nodes, Call(callee, tuple(arguments), nodes[0].start), deepest(nodes) + 1)

    def tuple(self, values: Iterable[Value], nodes: Sequence[Node]) -> Node:
        return _over(nodes, tuple(values), deepest(nodes) + 1)

    def statement(self, node: Node) -> Statement:
        """Make a statement; small constants that it assigns are known to what follows."""
        value = node.value
        if node.target is not None:
            self._known.pop(node.target, None)
            # Short and flat only: names of lists of names of lists would grow without bounds.
            flat = value if isinstance(value, tuple) else (value,)
            if len(flat) <= _LONGEST and all(as_number(item) is not None for item in flat):
                self._known[node.target] = value
        return Statement(node.target, value)


def as_number(value: Value) -> Number | None:
    """Give a number that arithmetic may use: True is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def deepest(nodes: Iterable[Node]) -> int:
    return max((node.depth for node in nodes), default=0)


def _over(nodes: Sequence[Node], value: Value, depth: int = 0) -> Node:
    if depth > 2 * MAX_DEPTH:
        raise SnippetError("calls and lists are nested too deeply.", nodes[0].start)
    return Node(value, nodes[0].start, nodes[-1].end, depth)


@functools.cache
def _parser(grammar: str) -> Lark:
    from lark import Lark  # noqa: PLC0415 -- see the module's docstring

    return Lark(
        grammar, parser="lalr", lexer="contextual", keep_all_tokens=True, maybe_placeholders=False
    )


def statements(
    grammar: str, code: str, builder: Builder, lexis: Lexis
) -> tuple[Statement, ...]:
    """Read code, balanced and without comments, by a grammar.

    Its rule ``start`` holds statements, between ``;``, ``,`` and ``NEWLINE``; terminals ``NUMBER``,
    ``STRING`` and ``SYMBOL`` are the values.

    Raises
    ------
    SnippetError
        With the column, and what was expected there.
    """
    from lark.exceptions import UnexpectedInput  # noqa: PLC0415 -- see the module's docstring

    try:
        root = _parser(grammar).parse(code)
    except UnexpectedInput as error:
        raise _in_words(error, builder.text, code, lexis) from None
    nodes = (_built(child, builder) for child in root.children if not _separates(child))
    return tuple(builder.statement(node) for node in nodes)


def _separates(child: Tree[Token] | Token) -> bool:
    return getattr(child, "type", None) in {"SEMICOLON", "COMMA", "NEWLINE"}


def _built(tree: Tree[Token] | Token, builder: Builder) -> Node:
    """Build from the leaves up in a loop: a long chain of operators is a deep tree."""
    done: dict[int, Node] = {}

    def node(child: Tree[Token] | Token) -> Node:
        if isinstance(child, str):
            return builder.token(child.type, str(child), child.start_pos or 0)
        return done[id(child)]

    if not isinstance(tree, str):
        for subtree in tree.iter_subtrees():
            rule: Callable[[list[Node]], Node] = getattr(builder, subtree.data)
            done[id(subtree)] = rule([node(child) for child in subtree.children])
    return node(tree)


def _in_words(error: UnexpectedInput, text: str, code: str, lexis: Lexis) -> SnippetError:
    token = getattr(error, "token", None)
    allowed = getattr(error, "expected", None) or getattr(error, "allowed", None) or ()
    column = len(text.rstrip())
    if token is None or token.type != "$END":
        column = min(column, error.pos_in_stream or 0)
    bracket = innermost(code, column, lexis)
    if "NUMBER" in allowed:
        expected = "a value"
    elif bracket is None:
        expected = "';' or the end of the line"
    else:
        expected = f"',' or {PAIRS[bracket]!r}"
    return SnippetError(f"expected {expected}, but found {_found(text, column, token)}.", column)


def _found(text: str, column: int, token: Token | None) -> str:
    rest = text[column:]
    if not rest.strip():
        return "the end of the text"
    if not rest[0].isprintable() or rest[0].isspace():
        return "the end of the line" if not rest.split("\n")[0].strip() else "a blank"
    return repr(rest[: min(len(token), 20)] if token else rest[0])
