"""Wolfram Language snippets, read by a grammar: nothing in them is evaluated."""

from __future__ import annotations

import math
import operator
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from harness.syntax.builder import Builder, Node, Number, each, fold, is_constant
from harness.syntax.grammar import read_all, read_some
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
    Statement,
    Value,
    check_statements,
    check_text,
)
from harness.syntax.wolfram_functions import Function, Pure, chosen, functions, pure
from harness.syntax.wolfram_names import Local, local_names, unsettled

_CONSTANTS: Final[dict[str, Value]] = {"True": True, "False": False, "None": None}
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_DELAYED: Final = {":>", "\uf51f", "\\[RuleDelayed]"}
_USUAL_CONTEXT: Final = re.compile(r"^(?:System|Global)`")
# A file, a text that is evaluated, and Clear["Global`*"].
_CHANGES_ALL: Final = re.compile(
    r'<<|\b(?:Get|ToExpression)\b|\b(?:Clear|ClearAll|Remove)\s*[\[@]+\s*"'
)
_OPTIONS_OF: Final = re.compile(r"Options\s*\[\s*([\w$`]+)\s*\]")
# What is looked up: where the text itself defines it, that is to be seen.
_NEVER_FOLLOWED: Final = {"DeconvolutionLayer"}
_MOST_TURNS: Final = 64
_MOST_READ_AGAIN: Final = 100_000  # Characters, and names that are known in them
_COST: Final = 40  # Of reading anything again, in characters
_LARGEST: Final = 10_000  # Parts of a value that stands for a name
_DEEPEST: Final = 8  # Functions that are read inside one another
_OPTIONS: Final = "OptionValue"
_HEADS: Final = {"/@": "Map", "@@": "Apply", "@@@": "MapApply"}


def read(text: str) -> Parsed:
    """Read Wolfram Language text as statements; what is not understood is left out.

    Lists are tuples, associations are calls of ``Association``; a rule is a named argument where it
    stands in a call, and a call of ``Rule`` anywhere else.  Functions of the text are read where
    they are called, and ``Table``, ``Map`` and the like for each of their values, where the text
    shows those.

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
    builder = _Wolfram(text, code, unsettled(code), local_names(code), functions(code))
    unread = []
    for stretch in read_all("wolfram", code, builder, WOLFRAM):
        builder.leave_out(code[stretch.start : stretch.end])
        unread.append(stretch)
    return Parsed(tuple(builder.all_statements()), tuple(unread))


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
        code: str = "",
        unsettled: Mapping[str, int] = MappingProxyType({}),
        local: Sequence[Local] = (),
        functions: Mapping[str, Sequence[Function]] = MappingProxyType({}),
    ) -> None:
        super().__init__(text)
        self._code, self._unsettled, self._functions = code, unsettled, functions
        # What names stand for in what is read again, and those of several arguments.
        self._parameters: dict[str, Node] = {}
        self._rest: dict[str, Sequence[Node]] = {}
        self._following: list[str] = []
        self._pure_by_name: dict[str, tuple[Pure, int]] = {}  # And where its statement begins
        self._options: dict[str, Value] = {}  # Of functions, by Options[name] = {...}
        self._followed: set[int] = set()  # Where the definitions begin that were
        self._uncertain: set[int] = set()  # Where those begin that some call may mean
        self._starts: list[int] = []  # Of the statements
        self._read_again = 0  # How much of the code
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
        if plain in self._parameters:
            return replace(self._parameters[plain], start=start, end=start + len(text))
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
        """Keep a constant, or a layer, that a local name is given."""
        value = nodes[-1].value
        is_layer = isinstance(value, Call) and value.dotted.endswith("Layer")
        if is_constant(value) or is_layer:
            self._given[nodes[0].start] = nodes[-1]

    def statement(self, nodes: Sequence[Node]) -> Node:
        """Keep a statement; what it may change is not known to what follows."""
        node = super().statement(nodes)
        self._starts.append(node.start)
        code = self.source([node])
        if node.target is not None and (of := _OPTIONS_OF.fullmatch(node.target)):
            self._options[of[1]] = node.value
        if _CHANGES_ALL.search(code):
            self.names.forget_all()
        elif node.target is not None:
            self._settle(node.target, node.value, code[len(node.target) :])
        return node

    def give(self, target: str, value: Value, column: int) -> None:
        """Give ``{k, s} = {4, 2}`` one by one."""
        names = target.strip("{}").replace(",", " ").split()
        if target.startswith("{") and isinstance(value, tuple) and len(value) == len(names):
            for name, each_value in zip(names, value, strict=True):
                super().give(name, each_value, column)
        else:
            super().give(target, value, column)

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
        body = pure(self._code, value.start, value.end) if target.name else None
        if target.name and body is not None and not self.is_again:
            self._pure_by_name[target.name] = body, target.start
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
        value = self._entry(nodes[0], nodes[3:-2:2])
        return self.opaque(nodes) if value is None else self.computed(value, nodes)

    def compared(self, nodes: Sequence[Node]) -> Node:
        """Read ``n > 2`` and ``kind == "up" && last``."""
        left, operation, right = nodes
        result = _compared(left.value, str(operation.value), right.value)
        return self.opaque(nodes) if result is None else self.computed(result, nodes)

    def negated(self, nodes: Sequence[Node]) -> Node:
        """Read ``!last``."""
        value = nodes[1].value
        return self.computed(not value, nodes) if isinstance(value, bool) else self.opaque(nodes)

    def pure(self, nodes: Sequence[Node]) -> Node:
        """Read ``f[#]&``."""
        return self.opaque(nodes)

    def mapped(self, nodes: Sequence[Node]) -> Node:
        """Read ``f /@ list``, ``f @@ list`` and ``f @@@ lists``."""
        function, operator, over = nodes
        head = _HEADS[str(operator.value)]
        over = replace(over, value=self._known(over))
        if head == "Apply" and function.name == "Sequence" and isinstance(over.value, tuple):
            return replace(self.computed(over.value, nodes), is_row=True)
        value = self._mapped(head, function, over)
        if value is not None:
            return self.computed(value, nodes)
        return self.headed(head, nodes[::2], nodes)

    def _known(self, node: Node) -> Value:
        """What a name stands for, where that is a list or an association."""
        given = self.names.given.get(node.name or "")
        is_whole = isinstance(given, tuple) or _is_association(given)
        return given if is_whole and node.name not in self._unsettled else node.value

    def _entry(self, whole: Node, keys: Sequence[Node]) -> Value:
        """What an association has for a key, or for one in what it has for another."""
        value = self._known(whole)
        for node in keys:
            key = node.value if isinstance(node.value, str) else node.name
            if not _is_association(value) or key is None:
                return None
            assert isinstance(value, Call)
            value = value.named.get(key)
        return value if keys else None

    def _layer_of(self, function: Node, values: Sequence[Value]) -> Value:
        """The layer that ``DeconvolutionLayer @@ {64, {4, 4}, "Stride" -> 2}`` is."""
        name = function.name or ""
        if not name.endswith("Layer") or name in self._functions or name in self.names.given:
            return None
        at = function.start
        arguments = [_option(each) or Argument(None, each, at) for each in values]
        return self.call(function, arguments, [function]).value

    def _mapped(self, head: str, function: Node, over: Node) -> Value:
        elements = over.value if isinstance(over.value, tuple) else None
        if elements is None or len(elements) > _MOST_TURNS:
            return None
        if head == "Apply":
            given = [self._as_node(over, each) for each in elements]
            return self._layer_of(function, elements) or self._result_of(function, given)
        rows = [(each,) if head == "Map" else each for each in elements]
        if not all(isinstance(row, tuple) for row in rows):
            return None
        values = [
            self._layer_of(function, row)
            or self._result_of(function, [self._as_node(over, each) for each in row])
            for row in rows
            if isinstance(row, tuple)
        ]
        return None if None in values else tuple(values)

    def _as_node(self, over: Node, element: Value) -> Node:
        """An element of a list, where the list stands."""
        option = _option(element)
        if option is None:
            return replace(over, value=element, name=None)
        left = Node(option.name, over.start, over.start)
        right = Node(option.value, over.start, over.end)
        return replace(over, value=element, name=None, rule=(left, right))

    # Functions of the text, and what stands for several values.

    def all_statements(self) -> Iterator[Statement]:
        """Yield the statements, without definitions that were read where they are called."""
        is_whole = self._read_again <= _MOST_READ_AGAIN
        for start, statement in zip(self._starts, self.statements, strict=True):
            if not is_whole or start not in self._followed - self._uncertain:
                yield statement

    def _result_of(self, function: Node, given: Sequence[Node]) -> Value:
        """What a function gives for some arguments; ``None`` where that is not known."""
        if not all(_is_small(node.value) for node in given):
            return None
        if (body := self._pure(function)) is not None:
            return self._result_of_pure(function, body, given)
        options = self._functions.get(function.name or "", ())
        meant = chosen(options, [each.value for each in given])
        # What is defined stands before its definition's sign like a call.
        is_definition = any(each.start == function.start for each in options)
        is_own = function.name in _NEVER_FOLLOWED or function.name in self._following
        if meant is None and not is_definition:
            self._uncertain |= {each.start for each in options if each.takes(len(given))}
        if meant is None or is_definition or is_own:
            return None
        values, rest = dict[str, Node](), dict[str, Sequence[Node]]()
        remaining = list(given)
        for parameter in meant.parameters:
            if parameter.is_rest:
                rest[parameter.name] = remaining
                if parameter.has_options:
                    rest[_OPTIONS] = remaining
                remaining = []
            elif parameter.literal is not None:
                remaining.pop(0)
            elif remaining:
                values[parameter.name] = remaining.pop(0)
            elif parameter.default is not None:
                default = self._again(parameter.default, {}, {})
                values[parameter.name] = Node(default, *parameter.default)
        self._following.append(function.name or "")
        value = self._again(meant.body, values, rest)
        self._following.pop()
        if value is not None:
            self._followed.add(meant.start)
        return value

    def _again(
        self, span: tuple[int, int], names: dict[str, Node], rest: dict[str, Sequence[Node]]
    ) -> Value:
        """Read a part of the code once more, with what names stand for in it."""
        self._read_again += span[1] - span[0] + len(self.names.given) + _COST
        if self._read_again > _MOST_READ_AGAIN or len(self._following) > _DEEPEST:
            self._read_again = max(self._read_again, _MOST_READ_AGAIN + 1)
            return None
        kept = self._parameters, self._rest, self.is_again, self.end, self.names
        self._parameters, self._rest, self.is_again = names, rest, True
        self.end, self.names, count = span[0], self.names.copy(), len(self.statements)
        try:
            read_some("wolfram", self._code[: span[1]], span[0], self, WOLFRAM)
            value = _last(self.statements[-1].value) if len(self.statements) > count else None
            self._read_again += _size(value)
            return value if _is_small(value) else None
        except SnippetError:
            return None
        finally:
            del self.statements[count:], self._starts[count:]
            self._parameters, self._rest, self.is_again, self.end, self.names = kept

    def _expanded(self, function: Node, given: Sequence[Node]) -> Value:
        """What a call stands for, where that is known: lists of layers and the like."""
        if function.name in self._functions or self._pure(function) is not None:
            return self._result_of(function, given)
        if function.name in self._unsettled or function.name in self.names.given:
            return None
        given = [replace(node, value=self._known(node)) for node in given]
        value = self._repeated(function.name, given)
        if value is None:
            value = self._looked_up(function.name, given)
        return _put_together(function.name, [x.value for x in given]) if value is None else value

    def _repeated(self, name: str | None, given: Sequence[Node]) -> Value:
        """What a function gives that does something for each element of a list."""
        lists = [node.value for node in given if isinstance(node.value, tuple)]
        match name:
            case "Table" | "Do" if len(given) > 1:
                return self._table(given[0], given[1:])
            case ("Map" | "Apply") as head if len(given) == 2:
                return self._mapped(head, *given)
            case "Array" if len(given) == 2 and isinstance(given[1].value, int):
                places = tuple(range(1, min(given[1].value, _MOST_TURNS + 1) + 1))
                return self._mapped("Map", given[0], replace(given[1], value=places))
            case "MapThread" if len(given) == 2 and lists and (rows := _zipped(lists[-1])):
                return self._mapped("MapApply", given[0], replace(given[1], value=rows))
            case "MapIndexed" if len(given) == 2 and lists:
                rows = tuple((each, (place,)) for place, each in enumerate(lists[-1], 1))
                return self._mapped("MapApply", given[0], replace(given[1], value=rows))
            case "NestList" if len(given) == 3 and isinstance(given[2].value, int):
                return self._nested(given[0], given[1], given[2].value)
        return None

    def _looked_up(self, name: str | None, given: Sequence[Node]) -> Value:
        """What a key chooses."""
        is_of_keys = bool(given) and _is_association(given[0].value)
        match name:
            case "Evaluate" if len(given) == 1:
                return given[0].value
            case "Lookup" if len(given) in {2, 3} and is_of_keys:
                found = self._entry(given[0], given[1:2])
                return given[2].value if found is None and len(given) == 3 else found
            case "Normal" if len(given) == 1 and is_of_keys:
                return _rules(given[0].value)
        return None

    def _pure(self, function: Node) -> Pure | None:
        """The pure function that is called, or what a name stands for that is one."""
        if function.name is None:
            return pure(self._code, function.start, function.end)
        is_settled = function.name not in self._unsettled and function.name in self.names.given
        return (
            self._pure_by_name[function.name][0] if self._is_pure(function) and is_settled else None
        )

    def _is_pure(self, function: Node) -> bool:
        return function.name in self._pure_by_name

    def _result_of_pure(self, function: Node, body: Pure, given: Sequence[Node]) -> Value:
        name, names = function.name or "", dict[str, Node]()
        if body.names is None:
            names = {f"#{place}": node for place, node in enumerate(given, 1)}
            names |= {"#": given[0]} if given else {}
            if given and _is_association(given[0].value):
                assert isinstance(given[0].value, Call)
                by_key = given[0].value.named
                names |= {f"#{key}": replace(given[0], value=by_key[key]) for key in by_key}
        elif len(given) < len(body.names):
            return None
        else:
            names = dict(zip(body.names, given, strict=False))
        outer = {} if name else self._parameters
        if name in self._following:
            return None
        self._following.append(name)
        rest = {} if name else self._rest
        rest = {**rest, "##": given, **{f"##{place}": given[place - 1 :] for place in (1, 2, 3)}}
        value = self._again((body.begin, body.end), {**outer, **names}, rest)
        self._following.pop()
        if name:
            begins = self._pure_by_name[name][1]
            (self._uncertain if value is None else self._followed).add(begins)
        return value

    def _nested(self, function: Node, first: Node, turns: int) -> Value:
        """``NestList[#/2 &, 64, 3]``."""
        values = [first.value]
        while len(values) <= min(turns, _MOST_TURNS):
            value = self._result_of(function, [replace(first, value=values[-1], name=None)])
            if value is None:
                return None
            values.append(value)
        return tuple(values)

    def _table(self, element: Node, iterators: Sequence[Node]) -> Value:
        """``Table[f[2^i], {i, 3}]``, of which each iterator may go over a list."""
        first, *others = iterators
        values = _turns(first.value)
        if values is None:
            return None
        name, numbers = values
        results = []
        for number in numbers:
            bound = {**self._parameters, name: Node(number, element.start, element.end)}
            kept, self._parameters = self._parameters, bound
            again = [replace(each, value=self._value_again(each)) for each in others]
            self._parameters = kept
            span = element.start, element.end
            result = (
                self._table_with(bound, element, again)
                if again
                else self._again(span, bound, self._rest)
            )
            if result is None:
                return None
            results.append(result)
        return tuple(results)

    def _table_with(
        self, bound: dict[str, Node], element: Node, iterators: Sequence[Node]
    ) -> Value:
        kept, self._parameters = self._parameters, bound
        try:
            return self._table(element, iterators)
        finally:
            self._parameters = kept

    def _value_again(self, node: Node) -> Value:
        return self._again((node.start, node.end), self._parameters, self._rest)

    def rule(self, nodes: Sequence[Node]) -> Node:
        left, arrow, right = nodes
        head = "RuleDelayed" if arrow.value in _DELAYED else "Rule"
        node = self.headed(head, (left, right), nodes)
        return Node(node.value, node.start, node.end, node.depth, rule=(left, right))

    def applied(self, nodes: Sequence[Node]) -> Node:
        argument, _, function = nodes
        return self._applied(function, [argument], nodes)

    def prefixed(self, nodes: Sequence[Node]) -> Node:
        function, _, argument = nodes
        return self._applied(function, [argument], nodes)

    def _applied(self, function: Node, given: Sequence[Node], nodes: Sequence[Node]) -> Node:
        value = self._expanded(function, given)
        if value is not None:
            return self.computed(value, nodes)
        return self.call(function, [_argument(node) for node in given], nodes)

    def application(self, nodes: Sequence[Node]) -> Node:
        given = self._each(nodes[2:-1:2])
        value = self._result(nodes[0].name, [node.value for node in given])
        if nodes[0].name == _OPTIONS and len(given) == 1 and _OPTIONS in self._rest:
            value = self._option_value(given[0].name or given[0].value)
        if value is None:
            value = self._entry(nodes[0], given)
        if (taken := self._taken(nodes[0].name, given)) is not None:
            return replace(taken, start=nodes[0].start, end=nodes[-1].end)
        if value is None:
            value = self._expanded(nodes[0], given)
        if value is not None:
            return self.computed(value, nodes)
        if nodes[0].name in {"Sequence", "Splice"}:
            whole = given[0].value if nodes[0].name == "Splice" and len(given) == 1 else None
            values = whole if isinstance(whole, tuple) else tuple(node.value for node in given)
            return replace(self.computed(values, nodes), is_row=True)
        arguments = [one for place, node in enumerate(given) for one in self._spread(node, place)]
        return self.call(nodes[0], arguments, nodes)

    def _taken(self, name: str | None, given: Sequence[Node]) -> Node | None:
        is_own = name in self._unsettled or name in self.names.given or name in self._functions
        if name not in {"If", "Which", "Switch"} or is_own or len(given) < 2:
            return None
        return _case_taken(name, given)

    def _option_value(self, name: Value) -> Value:
        """What the function that is read is given for an option, or else its default."""
        for node in self._rest[_OPTIONS]:
            if node.rule is None:  # Options with a name of their own
                return None
            left, right = node.rule
            if name == (left.name or left.value):
                return right.value
        defaults = self._options.get(self._following[-1]) if self._following else None
        options = [_option(one) for one in defaults] if isinstance(defaults, tuple) else []
        return next((each.value for each in options if each and each.name == name), None)

    def _spread(self, node: Node, place: int) -> Sequence[Argument]:
        """The rules of a list of options, where two other arguments stand before it."""
        value = self.names.given.get(node.name or "", node.value)
        options = [_option(one) for one in value] if isinstance(value, tuple) else []
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
        return self.sequence((node.value for node in self._each(nodes[1:-1:2])), nodes)

    def _each(self, nodes: Sequence[Node]) -> Sequence[Node]:
        """The elements of a list, or of what stands for several of them."""
        elements = deque[Node]()
        for node in nodes:
            if node.name in self._rest:
                elements += self._rest[node.name]
            elif node.is_row and isinstance(node.value, tuple):
                elements += [
                    replace(self._as_node(node, each), is_row=False) for each in node.value
                ]
            else:
                elements.append(node)
        return tuple(elements)

    def association(self, nodes: Sequence[Node]) -> Node:
        start = nodes[0].start
        head = Node(None, start, start, name="Association")
        return self.call(head, [_argument(node) for node in nodes[1:-1:2]], nodes)


def _size(value: Value) -> int:
    """Count the parts of a value, and the characters of names in it, up to a bound."""
    pending, count = [value], 0
    while pending and count <= _LARGEST:
        one = pending.pop()
        count += 1
        if isinstance(one, tuple):
            pending += one
        elif isinstance(one, Call):
            pending += one.parts
        elif isinstance(one, Name):
            count += len(one.text) // 10
    return count


def _is_small(value: Value) -> bool:
    return _size(value) <= _LARGEST


def _last(value: Value) -> Value:
    """The value of ``first; second; last``."""
    if isinstance(value, Call) and value.dotted == "CompoundExpression" and value.positional:
        return value.positional[-1]
    return value


def _put_together(name: str | None, values: Sequence[Value]) -> Value:
    """The list that a function makes of others, where those are known."""
    lists = [value for value in values if isinstance(value, tuple)]
    first = values[0] if values else None
    match name:
        case "Range":
            return _range(values)
        case "Join" if lists and len(lists) == len(values):
            return tuple(item for each in lists for item in each)
        case "Flatten" if lists and len(values) == 1:
            return tuple(_flat(lists[0]))
        case "Reverse" if lists and len(values) == 1:
            return lists[0][::-1]
        case "Append" if isinstance(first, tuple) and len(values) == 2:
            return (*first, values[1])
        case "Catenate" if lists and len(values) == 1 and (_is_of_lists(lists[0])):
            return tuple(item for each in lists[0] if isinstance(each, tuple) for item in each)
        case "ConstantArray" if len(values) == 2 and type(count := values[1]) is int:
            return (first,) * count if 0 < count <= _MOST_TURNS else None
        case "Riffle" if isinstance(first, tuple) and len(values) == 2:
            between = values[1]
            pairs = (item for each in first for item in (each, between))
            return None if isinstance(between, tuple) else tuple(pairs)[:-1]
        case "Prepend" if isinstance(first, tuple) and len(values) == 2:
            return (values[1], *first)
    return None


def _is_of_lists(value: tuple[Value, ...]) -> bool:
    return all(isinstance(each, tuple) for each in value)


def _is_association(value: Value) -> bool:
    """Whether it is an association of which the text shows every key."""
    return (
        isinstance(value, Call)
        and value.dotted == "Association"
        and all(each.name is not None for each in value.arguments)
    )


def _rules(value: Value) -> tuple[Value, ...]:
    """An association as a list of rules."""
    assert isinstance(value, Call)
    at = value.column
    return tuple(
        Call(Name("Rule", at), (Argument(None, each.name, at), Argument(None, each.value, at)), at)
        for each in value.arguments
    )


def _case_taken(head: str, given: Sequence[Node]) -> Node | None:
    """What a condition of which the text holds everything chooses."""
    if head == "If":
        test = given[0].value
        taken = given[1:2] if test is True else given[2:3] if test is False else ()
        return taken[0] if taken else None
    subject, cases = (given[0].value, given[1:]) if head == "Switch" else (True, given)
    for case, result in zip(cases[::2], cases[1::2], strict=False):
        is_any = head == "Switch" and isinstance(case.value, Name) and case.value.text == "_"
        if not is_any and (isinstance(case.value, Name | Call) or isinstance(subject, Name | Call)):
            return None
        if is_any or (type(case.value), case.value) == (type(subject), subject):
            return result
    return None


_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "&&": lambda a, b: a is True and b is True,
    "||": lambda a, b: a is True or b is True,
}


def _compared(left: Value, operation: str, right: Value) -> bool | None:
    """The truth of a comparison of numbers, or of texts; ``None`` where it is not known."""
    kinds = {
        str
        if isinstance(each, str)
        else bool
        if isinstance(each, bool)
        else int
        if isinstance(each, int)
        else None
        for each in (left, right)
    }
    if None in kinds or len(kinds) != 1:
        return None
    (kind,) = kinds
    if operation in {"==", "===", "!=", "=!="}:
        return (left == right) == (operation[0] == "=" and operation != "=!=")
    is_logic = operation in {"&&", "||"}
    if operation not in _COMPARISONS or is_logic != (kind is bool) or kind is str:
        return None
    return _COMPARISONS[operation](left, right)


def _zipped(lists: Sequence[Value]) -> tuple[Value, ...]:
    """``{{a, b}, {c, d}}`` as ``{{a, c}, {b, d}}``."""
    rows = [row for row in lists if isinstance(row, tuple)]
    if len(rows) < len(lists) or len({*map(len, rows)}) != 1:
        return ()
    return tuple(zip(*rows, strict=True))


def _flat(value: Value) -> Iterator[Value]:
    if isinstance(value, tuple):
        for each_value in value:
            yield from _flat(each_value)
    else:
        yield value


def _range(values: Sequence[Value]) -> tuple[int, ...] | None:
    """``Range[3]``, ``Range[2, 4]`` and ``Range[6, 2, -2]``, of few integers."""
    numbers = [value for value in values if type(value) is int]
    if len(numbers) != len(values) or not 1 <= len(numbers) <= 3:
        return None
    first, last, step = {1: [1, *numbers, 1], 2: [*numbers, 1], 3: numbers}[len(numbers)]
    if step == 0 or abs(last - first) // abs(step) >= _MOST_TURNS:
        return None
    return tuple(range(first, last + (1 if step > 0 else -1), step))


def _turns(iterator: Value) -> tuple[str, Sequence[Value]] | None:
    """The name and the values of ``{i, 3}``, ``{i, 2, 6, 2}`` and ``{n, {64, 32}}``."""
    match iterator:
        case (Name(text=name), tuple(values)) if len(values) <= _MOST_TURNS:
            return name, values
        case int() | (int(),):
            numbers = _range(iterator if isinstance(iterator, tuple) else (iterator,))
            return None if numbers is None else ("", numbers)
        case (Name(text=name), *limits):
            numbers = _range(limits)
            return None if numbers is None else (name, numbers)
    return None


def _argument(node: Node) -> Argument:
    if node.rule is not None:
        left, right = node.rule
        name = left.name if left.name is not None else left.value
        if isinstance(name, str):
            return Argument(name, right.value, node.start)
    return Argument(None, node.value, node.start)


def _option(value: Value) -> Argument | None:
    """Return the argument that a rule in a list is, if it is one."""
    if not isinstance(value, Call) or value.dotted not in {"Rule", "RuleDelayed"}:
        return None
    left, right = value.positional
    name = left.text if isinstance(left, Name) else left
    return Argument(name, right, value.column) if isinstance(name, str) else None
