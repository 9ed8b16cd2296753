"""Wolfram Language snippets, read by a grammar: nothing in them is evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from harness.syntax.arithmetic import Number, fold, is_exact
from harness.syntax.builder import Builder, Node
from harness.syntax.grammar import statements
from harness.syntax.lexis import WOLFRAM, marks, without_comments
from harness.syntax.tree import (
    MAX_DIGITS,
    Argument,
    SnippetError,
    Statement,
    Value,
    check_text,
)

_CONSTANTS: Final[dict[str, Value]] = {"True": True, "False": False, "None": None}
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_DELAYED: Final = {":>", "\uf51f", "\\[RuleDelayed]"}
_HEADS: Final = {"/@": "Map", "@@": "Apply", "@@@": "MapApply"}


def parse(text: str) -> tuple[Statement, ...]:
    """Read Wolfram Language text as statements.

    Lists are tuples, associations are calls of ``Association``; a rule is a named argument where it
    stands in a call, and a call of ``Rule`` anywhere else.

    Parameters
    ----------
    text : str

    Raises
    ------
    SnippetError
        Where the text is not of the language, or of no part of it that is read here.

    Examples
    --------
    >>> layer = parse('NetInitialize@DeconvolutionLayer[64*8, {3, 3}, "Stride" -> 2]')[0].value
    >>> layer.arguments[0].value.arguments[0].value
    512
    """
    check_text(text)
    code = _joined(without_comments(text, WOLFRAM))
    return statements("wolfram", code, _Wolfram(text), WOLFRAM)


def _joined(code: str) -> str:
    """Put blanks in the place of line breaks in brackets: any other may end a statement."""
    pieces, position, depth = [], 0, 0
    for mark in marks(code, WOLFRAM):
        before = code[position : mark.start]
        pieces.append(before.replace("\n", " ") if depth else before)
        pieces.append(code[mark.start : mark.end])
        position = mark.end
        depth += {"open": 1, "close": -1}.get(mark.kind, 0)
    return "".join([*pieces, code[position:]])


class _Wolfram(Builder):
    """One method for each rule of the grammar."""

    def number(self, text: str, start: int) -> Value:
        mantissa, _, exponent = text.partition("*^")
        mantissa = mantissa.split("`")[0]
        if not exponent:
            return super().number(mantissa, start)
        if len(exponent) > MAX_DIGITS:
            raise SnippetError("this number is too large.", start)
        value = super().number(f"{mantissa}e{exponent}", start)
        # 2*^3 is the integer 2000.
        if mantissa.isdecimal() and "-" not in exponent and len(mantissa) + int(exponent) <= 15:
            return int(mantissa + int(exponent) * "0")
        return value

    def string(self, text: str, start: int) -> Value:
        del start
        return re.sub(r"(?s)\\(.)", _unescaped, text[1:-1])

    def symbol(self, text: str, start: int) -> Value:
        return _CONSTANTS[text] if text in _CONSTANTS else super().symbol(text, start)

    def folded(self, left: Number, operation: str, right: Number) -> Number | None:
        # 1/3 is a fraction there, and 0.333 is not the same.
        result = fold(left, operation, right)
        if result is None or not is_exact(left, operation, right, result):
            return None
        return result

    def assignment(self, nodes: Sequence[Node]) -> Node:
        target, _, value = nodes
        return self.assigned([target], value)

    def headed(self, head: str, operands: Sequence[Node], nodes: Sequence[Node]) -> Node:
        """Make a call of what the language writes with an operator."""
        at = nodes[0].start
        arguments = [Argument(None, node.value, node.start) for node in operands]
        return self.call(Node(None, at, at, name=head), arguments, nodes)

    def compound(self, nodes: Sequence[Node]) -> Node:
        return self.headed("CompoundExpression", nodes[::2], nodes)

    def set(self, nodes: Sequence[Node]) -> Node:
        return self.headed("Set", nodes[::2], nodes)

    def mapped(self, nodes: Sequence[Node]) -> Node:
        return self.headed(_HEADS[str(nodes[1].value)], nodes[::2], nodes)

    def rule(self, nodes: Sequence[Node]) -> Node:
        left, arrow, right = nodes
        head = "RuleDelayed" if arrow.value in _DELAYED else "Rule"
        node = self.headed(head, (left, right), nodes)
        return Node(node.value, node.start, node.end, node.depth, rule=(left, right))

    def applied(self, nodes: Sequence[Node]) -> Node:
        argument, _, function = nodes
        return self.call(function, [_argument(argument)], nodes)

    def prefixed(self, nodes: Sequence[Node]) -> Node:
        function, _, argument = nodes
        return self.call(function, [_argument(argument)], nodes)

    def application(self, nodes: Sequence[Node]) -> Node:
        return self.call(nodes[0], [_argument(node) for node in nodes[2:-1:2]], nodes)

    def list(self, nodes: Sequence[Node]) -> Node:
        return self.sequence((node.value for node in nodes[1:-1:2]), nodes)

    def association(self, nodes: Sequence[Node]) -> Node:
        start = nodes[0].start
        head = Node(None, start, start, name="Association")
        return self.call(head, [_argument(node) for node in nodes[1:-1:2]], nodes)


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])


def _argument(node: Node) -> Argument:
    if node.rule is not None:
        left, right = node.rule
        name = left.name if left.name is not None else left.value
        if isinstance(name, str):
            return Argument(name, right.value, node.start)
    return Argument(None, node.value, node.start)
