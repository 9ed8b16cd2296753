"""Wolfram Language snippets, read by a grammar: nothing in them is evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from harness.syntax.builder import Builder, Node, Number, each, fold, is_constant
from harness.syntax.grammar import read_all
from harness.syntax.lexis import WOLFRAM, blanked, marks, without_comments
from harness.syntax.names import identifiers
from harness.syntax.tree import (
    MAX_DIGITS,
    Argument,
    Call,
    Defined,
    Name,
    Parsed,
    SnippetError,
    Value,
    check_statements,
    check_text,
)
from harness.syntax.wolfram_names import Local, local_names, unsettled

_CONSTANTS: Final[dict[str, Value]] = {"True": True, "False": False, "None": None}
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_DELAYED: Final = {":>", "\uf51f", "\\[RuleDelayed]"}
_USUAL_CONTEXT: Final = re.compile(r"^(?:System|Global)`")
# A file, a text that is evaluated, and Clear["Global`*"].
_CHANGES_ALL: Final = re.compile(
    r'<<|\b(?:Get|ToExpression)\b|\b(?:Clear|ClearAll|Remove)\s*[\[@]+\s*"'
)
_HEADS: Final = {"/@": "Map", "@@": "Apply", "@@@": "MapApply"}


def read(text: str) -> Parsed:
    """Read Wolfram Language text as statements; what is not understood is left out.

    Lists are tuples, associations are calls of ``Association``; a rule is a named argument where it
    stands in a call, and a call of ``Rule`` anywhere else.

    Raises
    ------
    SnippetError
        Where a string, a comment or a bracket never ends.

    Examples
    --------
    >>> parsed = read('a ? b; NetInitialize@DeconvolutionLayer[64*8, {3, 3}, "Stride" -> 2]')
    >>> parsed.statements[0].value.arguments[0].value.arguments[0].value
    512
    >>> [unread.error.fact for unread in parsed.unread]
    ["expected ';' or the end of the line, but found '?'."]
    """
    check_text(text)
    check_statements(text)
    code = _joined(without_comments(text, WOLFRAM))
    builder = _Wolfram(text, unsettled(code), local_names(code))
    unread = []
    for stretch in read_all("wolfram", code, builder, WOLFRAM):
        builder.leave_out(code[stretch.start : stretch.end])
        unread.append(stretch)
    return Parsed(tuple(builder.statements), tuple(unread))


def _joined(code: str) -> str:
    """Put blanks in the place of line breaks in brackets: any other may end a statement."""
    breaks, position, depth = list[tuple[int, int]](), 0, 0
    for mark in marks(code, WOLFRAM):
        if depth:
            between = re.compile("\n").finditer(code, position, mark.start)
            breaks += [match.span() for match in between]
        position = mark.end
        depth += {"open": 1, "close": -1}.get(mark.kind, 0)
    return blanked(code, breaks)


_FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {
    "Mod": lambda a, b: a % b,
    "Quotient": lambda a, b: a // b,
    "Ceiling": math.ceil,
    "Floor": math.floor,
    "Round": round,
    "IntegerPart": math.trunc,
    "Abs": abs,
}
_OF_LISTS: Final[dict[str, Callable[[Sequence[Number]], Number]]] = {
    "Max": max,
    "Min": min,
    "Total": sum,
    "Length": len,
    "First": lambda numbers: numbers[0],
    "Last": lambda numbers: numbers[-1],
}


class _Wolfram(Builder):
    """One method for each rule of the grammar.

    What is ``unsettled`` gets values elsewhere than in statements of its own, at offsets; what
    is ``local`` has values in parts of the text.
    """

    def __init__(
        self,
        text: str,
        unsettled: Mapping[str, int] = MappingProxyType({}),
        local: Sequence[Local] = (),
    ) -> None:
        super().__init__(text)
        self._unsettled = unsettled
        self._local: dict[str, list[Local]] = {}
        for one in local:
            self._local.setdefault(one.name, []).append(one)
        self._given: dict[int, Node] = {}  # Their values, by the place of what gives them
        self._assumed: list[tuple[int, str]] = []  # Where a default was used, and its name
        self.defined = {name: Defined(name, place) for name, place in unsettled.items()}
        # The names whose values mention a name.
        self._mentioned_in: dict[str, list[str]] = {}

    def token(self, kind: str, text: str, start: int) -> Node:
        if kind != "SYMBOL":
            return super().token(kind, text, start)
        # System`DeconvolutionLayer is DeconvolutionLayer.
        plain = _USUAL_CONTEXT.sub("", text)
        node = replace(super().token(kind, plain, start), end=start + len(text))
        local = next((x for x in self._local.get(plain, ()) if x.begin <= start < x.end), None)
        return node if local is None else replace(node, value=self._local_value(local, node))

    def _local_value(self, local: Local, node: Node) -> Value:
        given = self._given.get(local.place)
        if given is None:
            return Name(local.name, node.start)
        names = [local.name] if local.is_default else self._defaults_in(given)
        self._assumed += [(node.start, name) for name in names]
        return given.value

    def _defaults_in(self, node: Node) -> list[str]:
        return list(dict.fromkeys(n for at, n in self._assumed if node.start <= at < node.end))

    def _keep(self, nodes: Sequence[Node]) -> None:
        """Keep a constant that a local name is given."""
        if is_constant(nodes[-1].value):
            self._given[nodes[0].start] = nodes[-1]

    def statement(self, nodes: Sequence[Node]) -> Node:
        """Keep a statement; what it may change is not known to what follows."""
        node = super().statement(nodes)
        code = self.source([node])
        if _CHANGES_ALL.search(code):
            self.names.forget_all()
        elif node.target is not None:
            self._settle(node.target, node.value, code[len(node.target) :])
        return node

    def _settle(self, target: str, value: Value, code: str) -> None:
        """Forget values that mention the target: unlike constants, they are computed later."""
        self.names.forget_given(self._mentioned_in.pop(target, ()))
        words = set(identifiers(code))
        if target in self._unsettled or (target in words and not is_constant(value)):
            self.names.forget_given([target])
        elif not is_constant(value):
            for word in words:
                self._mentioned_in.setdefault(word, []).append(target)

    def leave_out(self, code: str) -> None:
        """Let all names in a stretch that is not understood stand for nothing known."""
        self.names.forget_given(identifiers(code))
        if _CHANGES_ALL.search(code):
            self.names.forget_all()

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
        return re.sub(r"(?s)\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])

    def symbol(self, text: str, start: int) -> Value:
        return _CONSTANTS[text] if text in _CONSTANTS else super().symbol(text, start)

    def folded(self, left: Number, operation: str, right: Number) -> Number | None:
        # 1/3 is a fraction there, and 0.333 is not the same.
        result = fold(left, operation, right)
        if isinstance(result, float) and isinstance(left, int) and isinstance(right, int):
            numerator, denominator = (left, right) if operation == "/" else (1, left**-right)
            above, below = result.as_integer_ratio()
            return result if numerator * below == denominator * above else None
        return result

    def assignment(self, nodes: Sequence[Node]) -> Node:
        target, _, value = nodes
        node = self.assigned([target], value)
        return node if target.name is None else replace(node, target=target.name)

    def juxtaposed(self, nodes: Sequence[Node]) -> Node:
        """Read ``2 n``: what stands side by side is multiplied."""
        left, right = nodes
        return self.binary([left, Node("*", left.end, right.start), right])

    def headed(self, head: str, operands: Sequence[Node], nodes: Sequence[Node]) -> Node:
        """Make a call of what the language writes with an operator."""
        at = nodes[0].start
        arguments = [Argument(None, node.value, node.start) for node in operands]
        return self.call(Node(None, at, at, name=head), arguments, nodes)

    def compound(self, nodes: Sequence[Node]) -> Node:
        return self.headed("CompoundExpression", nodes[::2], nodes)

    def set(self, nodes: Sequence[Node]) -> Node:
        self._keep(nodes)
        return self.headed("Set", nodes[::2], nodes)

    def optional(self, nodes: Sequence[Node]) -> Node:
        """Read ``k_:4``, a parameter and its default."""
        self._keep(nodes)
        return self.opaque(nodes)

    def part(self, nodes: Sequence[Node]) -> Node:
        """Read ``k[[1]]``."""
        match [node.value for node in nodes[::3]]:
            case [tuple(whole), int(place)] if is_constant(whole) and 1 <= abs(place) <= len(whole):
                return self.computed(whole[place - (place > 0)], nodes)
        return self.opaque(nodes)

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
        given = nodes[2:-1:2]
        value = self._result(nodes[0].name, [node.value for node in given])
        if value is not None:
            return self.computed(value, nodes)
        arguments = [one for place, node in enumerate(given) for one in self._spread(node, place)]
        return self.call(nodes[0], arguments, nodes)

    def _spread(self, node: Node, place: int) -> Sequence[Argument]:
        """The rules of a list of options, where two other arguments stand before it."""
        value = self.names.given.get(node.name or "", node.value)
        options = [_option(one, node) for one in value] if isinstance(value, tuple) else []
        known = [option for option in options if option is not None]
        return known if place > 1 and known and len(known) == len(options) else [_argument(node)]

    def _result(self, name: str | None, values: Sequence[Value]) -> Value:
        """Compute a function of known numbers, unless the text defines it."""
        if name is None or name in self._unsettled or name in self.names.given:
            return None
        if name in _OF_LISTS:
            is_list = len(values) == 1 or name not in {"Max", "Min"}
            row = values[0] if is_list and values else tuple(values)
            if isinstance(row, tuple) and is_constant(row):
                return each(lambda *numbers: _OF_LISTS[name](numbers), row)
            return None
        return each(_FUNCTIONS[name], values) if name in _FUNCTIONS else None

    def call(self, function: Node, arguments: Iterable[Argument], nodes: Sequence[Node]) -> Node:
        node = super().call(function, arguments, nodes)
        assumed = tuple(self._defaults_in(node))
        if not assumed or not isinstance(node.value, Call):
            return node
        return replace(node, value=replace(node.value, assumed=assumed))

    def list(self, nodes: Sequence[Node]) -> Node:
        return self.sequence((node.value for node in nodes[1:-1:2]), nodes)

    def association(self, nodes: Sequence[Node]) -> Node:
        start = nodes[0].start
        head = Node(None, start, start, name="Association")
        return self.call(head, [_argument(node) for node in nodes[1:-1:2]], nodes)


def _argument(node: Node) -> Argument:
    if node.rule is not None:
        left, right = node.rule
        name = left.name if left.name is not None else left.value
        if isinstance(name, str):
            return Argument(name, right.value, node.start)
    return Argument(None, node.value, node.start)


def _option(value: Value, node: Node) -> Argument | None:
    """Return the argument that a rule in a list is, if it is one."""
    if not isinstance(value, Call) or value.dotted not in {"Rule", "RuleDelayed"}:
        return None
    left, right = value.positional
    name = left.text if isinstance(left, Name) else left
    return Argument(name, right, node.start) if isinstance(name, str) else None
