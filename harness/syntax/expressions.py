"""Python expressions: literals, and arithmetic of literals, alone have a value."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, pairwise
from numbers import Integral, Number, Real
from typing import Any, Final

from harness.core.named_number import Named, in_function
from harness.syntax.names import LONGEST, Names, as_key, is_dict
from harness.syntax.python_changes import children, dotted, is_called_in, text_of
from harness.syntax.tree import (
    EXACTLY,
    MAX_DIGITS,
    Argument,
    BinaryOp,
    Call,
    Comprehension,
    Defined,
    Either,
    Joined,
    Name,
    Passed,
    Reference,
    Slice,
    SnippetError,
    Starred,
    Subscript,
    UnaryOp,
    Value,
    WrittenList,
    WrittenTuple,
    calls,
    is_sequence,
    last_name,
    meant,
    with_fractions,
)

_LONGEST_TEXT: Final = 80  # That is put together of two
_LARGEST: Final = 10**MAX_DIGITS
_PROMPT: Final = re.compile(r"(?:>>>|\.\.\.|In \[\d+\]:) ?")
_OPERATIONS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_OF_BITS: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


def _divided(number: Any, divisor: Any) -> Any:
    """Divide as MATLAB and Wolfram Language do: 64 / 2 is the integer 32."""
    are_whole = isinstance(number, int) and isinstance(divisor, int) and bool(divisor)
    return number // divisor if are_whole and not number % divisor else number / divisor


_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
    # As every language writes them, where the numbers are names.
    "<<": lambda number, bits: number * 2**bits,
    ">>": lambda number, bits: number // 2**bits,
    EXACTLY: _divided,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, whole: item in whole,
    ast.NotIn: lambda item, whole: item not in whole,
}
_OF_ANYTHING: Final = {ast.Eq, ast.NotEq, ast.Is, ast.IsNot}
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Source:
    """A text without its indentation and prompts, and the way back to the original's columns."""

    def __init__(self, text: str) -> None:
        lines = text.expandtabs(1).split("\n")
        indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
        common = min(indents, default=0)
        self.lines, self._starts, start = [], [], 0
        for line in lines:
            cut = min(common, len(line))
            if prompt := _PROMPT.match(line, cut):
                cut = prompt.end()
            self.lines.append(line[cut:])
            self._starts.append(start + cut)
            start += len(line) + 1

    def offset(self, line: int, characters: int) -> int:
        """Return the offset in the original text of a line, from 1, and a column, from 0."""
        number = min(max(line, 1), len(self.lines)) - 1
        return self._starts[number] + max(0, min(characters, len(self.lines[number])))

    def offset_of(self, node: ast.expr | ast.keyword) -> int:
        """Return the offset in the original text at which a node begins."""
        number, characters = node.lineno - 1, node.col_offset
        line = self.lines[number]
        if not line.isascii():  # The ast module counts columns in bytes of UTF-8.
            characters = len(line.encode()[:characters].decode(errors="ignore"))
        return self._starts[number] + min(characters, len(line))


class Expressions:
    """Turns expressions into the neutral tree.

    A reader of statements puts other scopes in the place of ``names``.
    """

    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names
        self._read: dict[ast.Call, Call] = {}
        self._assumed: list[str] = []
        self._supplied: Mapping[str, Value] = {}  # What the user gives names

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression, as far as the text holds it."""
        match node:
            case ast.Constant(value=bool() | str() | float() | None as literal):
                return literal
            case ast.Constant(value=int(number)):
                if number >= _LARGEST:
                    raise _too_large(self.source.offset_of(node))
                return number
            case ast.Tuple() | ast.List() | ast.Dict():
                return self._collection(node)
            case ast.Call():
                return self._result(node)
            case ast.Subscript():
                return element(self.subscript(node))
            case ast.Slice():
                parts = (node.lower, node.upper, node.step)
                values = [None if part is None else self.value(part) for part in parts]
                return Slice(*self._quoted(node), *values)
            case ast.UnaryOp() | ast.BinOp():
                return self._arithmetic(node)
            case ast.IfExp() | ast.Compare() | ast.BoolOp():
                return self._choice(node)
            case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case ast.Name() | ast.Attribute():
                return self._of_name(node)
        return self._other(node)

    def _other(self, node: ast.expr) -> Value:
        if isinstance(node, ast.NamedExpr):
            return self.value(node.value)
        return self._formatted(node) if isinstance(node, ast.JoinedStr) else self._unknown(node)

    def _formatted(self, node: ast.expr) -> Value:
        """``f"ConvTranspose{rank}d"``, of whole numbers and short texts."""
        # Other look-ups start faster without it.
        from harness.syntax.python_texts import put_together  # noqa: PLC0415

        text = put_together(node, self.value)
        return self._unknown(node) if text is None else text

    def _of_name(self, node: ast.Name | ast.Attribute) -> Value:
        names, name = self.names, text_of(node)
        if name in self._supplied and (name not in names.known or name in names.assumed):
            return self._supplied[name]
        if name in names.known:
            self._assumed += names.assumed.get(name, ())
            return names.known[name]
        given = names.given.get(name)
        if is_sequence(given):
            unknown = self._unknown(node)
            return Joined(*self._quoted(node)) if type(unknown) is Name else unknown
        self._assumed += names.assumed.get(name, ())
        return given.value if isinstance(given, Passed) else self._unknown(node)

    def _unknown(self, node: ast.expr) -> Value:
        """An expression that the text gives no value; the user may."""
        name = Name(*self._quoted(node))
        return self._supplied.get(name.text, name) if self._supplied else name

    def _arithmetic(self, node: ast.UnaryOp | ast.BinOp) -> Value:
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            if (of_bits := _OF_BITS.get(type(node.op))) and type(left) is type(right) is int:
                return of_bits(left, right)
            if isinstance(node.op, ast.BitOr) and is_dict(left) and is_dict(right):
                given = Argument(None, left, 0), Argument(None, right, 0)
                column = self.source.offset_of(node)
                return converted(Call(Name("dict", column), given, column))
            shown = _OPERATIONS.get(type(node.op), "")
            if isinstance(left, str) and isinstance(node.op, ast.Mod):
                return self._formatted(node)
            if shown == "+" and isinstance(left, str) and isinstance(right, str):
                is_short = len(left) + len(right) <= _LONGEST_TEXT
                return left + right if is_short else Name(*self._quoted(node))
            if isinstance(left, tuple) and _can_be_computed(shown, left, right):
                # Not quoted: calls in it would be read again.
                return _put_together(_ARITHMETIC[shown](left, right), left, right)
            if shown and type(left) is type(right) is int:
                # Quoting takes longer, and is for what cannot be computed.
                numbers = BinaryOp("", self.source.offset_of(node), (), left, shown, right)
                if (result := arithmetic(numbers)) is not numbers:
                    return result
            return arithmetic(BinaryOp(*self._quoted(node), left, shown, right))
        operand = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return not operand if is_plain(operand) else Name(*self._quoted(node))
        if isinstance(node.op, ast.Invert):
            return Name(*self._quoted(node))
        shown = "-" if isinstance(node.op, ast.USub) else "+"
        if type(operand) in {int, float}:
            return signed(UnaryOp("", self.source.offset_of(node), (), shown, operand))
        return signed(UnaryOp(*self._quoted(node), shown, operand))

    def _choice(self, node: ast.IfExp | ast.Compare | ast.BoolOp) -> Value:
        """Conditions, and what they choose, where the text holds what decides."""
        match node:
            case ast.IfExp() if is_plain(test := self.value(node.test)):
                return self.value(node.body if test else node.orelse)
            case ast.IfExp(body=body, orelse=other) if pairs := _pairs_of(body, other):
                # (0, 1) if flat else (1, 1), or else 1, is two numbers, and no name of one.
                return tuple(self._one_or_other(node, *pair) for pair in pairs)
            case ast.IfExp(body=body, orelse=other) if any(
                isinstance(each, tuple) or is_sequence(each)
                for each in (self.value(body), self.value(other))
            ):
                return Joined(*self._quoted(node))  # What may be a sequence is no number.
            case ast.Compare(ops=[operation], comparators=[other]):
                sides, compare = (self.value(node.left), self.value(other)), type(operation)
                are_numbers = all(isinstance(side, int | float) for side in sides)
                if compare in _OF_ANYTHING and (is_kind := _is_of_kind(*sides)) is not None:
                    return is_kind == (compare in {ast.Eq, ast.Is})
                if all(map(is_plain, sides)) and (are_numbers or compare in _OF_ANYTHING):
                    return bool(_COMPARISONS[compare](*sides))
            case ast.BoolOp(values=values):
                known = [self.value(each) for each in values]
                if all(map(is_plain, known)):
                    wanted = isinstance(node.op, ast.Or)
                    return next((each for each in known if bool(each) == wanted), known[-1])
        return Name(*self._quoted(node))

    def _one_or_other(self, whole: ast.IfExp, one: ast.expr, other: ast.expr) -> Value:
        """An element of a choice between two tuples."""
        first, second = self.value(one), self.value(other)
        if is_plain(first) and first == second and type(first) is type(second):
            return first
        choice = ast.copy_location(ast.IfExp(whole.test, one, other), whole)
        return Name(self._text(choice), self.source.offset_of(whole))

    def with_defaults(self, node: ast.expr) -> tuple[Value, tuple[str, ...]]:
        """Return a value, and the defaults of functions that it was computed from."""
        before = len(self._assumed)
        return self.value(node), self._assumed_since(before)

    def _assumed_since(self, before: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._assumed[before:]))

    def _collection(self, node: ast.Tuple | ast.List | ast.Dict) -> Value:
        if isinstance(node, ast.Dict):
            return self._dictionary(node)
        if any(isinstance(each, ast.Starred) for each in node.elts):
            whole = joined(Joined(*self._quoted(node), tuple(map(self._element, node.elts))))
            return _WRITTEN_AS[type(node)](whole) if isinstance(whole, tuple) else whole
        return _WRITTEN_AS[type(node)](map(self.value, node.elts))

    def _dictionary(self, node: ast.Dict) -> Value:
        """``{**base, "stride": 2}`` as ``dict(**base, stride=2)``."""
        keywords = []
        for key, value in zip(node.keys, node.values, strict=True):
            name = None if key is None else as_key(self.value(key))
            if name is None and key is not None:
                return Name(*self._quoted(node))
            keywords.append(ast.copy_location(ast.keyword(name, value), value))
        column, before = self.source.offset_of(node), len(self._assumed)
        arguments = tuple(self._named(keywords))
        call = Call(Name("dict", column), arguments, column, self._assumed_since(before))
        if not is_dict(call):
            return call
        # The last of elements with the same key counts.
        return replace(call, arguments=tuple({each.name: each for each in call.arguments}.values()))

    def _element(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Starred):
            return Starred(*self._quoted(node), self.value(node.value))
        return self.value(node)

    def subscript(self, node: ast.Subscript) -> Subscript:
        """Return an element, or a target, with the values of its parts."""
        return Subscript(*self._quoted(node), self.value(node.value), self.value(node.slice))

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Value:
        if isinstance(node, ast.DictComp):
            return self._comprehended(node)
        first, *others = node.generators
        is_simple = not others and not first.ifs
        names = first.target.elts if isinstance(first.target, ast.Tuple) else []
        over, assumed = self.with_defaults(first.iter)
        if is_simple and isinstance(over, tuple):
            targets = names or [first.target]
            items = tuple(self._item(node, node.elt, targets, item, assumed) for item in over)
            if all(map(is_plain, items)) or any(next(calls(item), None) for item in items):
                return WrittenList(items) if isinstance(node, ast.ListComp) else items
        outer, self.names = self.names, self._inside(node)
        element = self.value(node.elt)
        self.names = outer
        named = tuple(map(text_of, names)) if is_simple else ()
        return Comprehension(*self._quoted(node), element, named, over)

    def _comprehended(self, node: ast.DictComp) -> Value:
        """``{f"up{i}": up(i) for i in range(3)}``, where the text holds every key."""
        (first, *others), parts = node.generators, [node.key, node.value]
        over, assumed = self.with_defaults(first.iter)
        if others or first.ifs or not isinstance(over, tuple):
            return self._unknown(node)
        targets = first.target.elts if isinstance(first.target, ast.Tuple) else [first.target]
        pair = ast.copy_location(ast.Tuple(parts, ast.Load()), node)
        items = [self._item(node, pair, targets, item, assumed) for item in over]
        column, arguments = self.source.offset_of(node), dict[str, Argument]()
        for item in items:
            if not isinstance(item, tuple) or (key := as_key(item[0])) is None:
                return self._unknown(node)
            arguments[key] = Argument(key, item[1], column)
        return Call(Name("dict", column), tuple(arguments.values()), column)

    def _item(
        self,
        node: ast.expr,
        whole: ast.expr,
        targets: Sequence[ast.expr],
        item: Value,
        assumed: tuple[str, ...],
    ) -> Value:
        """An element of a comprehension, for one of the items that it goes over."""
        values = item if len(targets) > 1 else (item,)
        if not isinstance(values, tuple) or len(values) != len(targets):
            return Name(*self._quoted(node))
        values = tuple(map(self.with_meanings, values))
        outer = self.names, self._read
        self.names, self._read = self._inside(node), {}
        for target, value in zip(targets, values, strict=True):
            self.names.give(text_of(target), value, assumed)
        element = self.value(whole)
        self.names, self._read = outer
        return element

    def with_meanings(self, value: Value) -> Value:
        """Put what is imported or defined in the place of its names among a sequence's elements."""
        if isinstance(value, tuple):
            return type(value)(map(self.with_meanings, value))
        if type(value) is not Name or not value.text.replace(".", "").isidentifier():
            return value
        owner = self.names.owner(value.text)
        if isinstance(owner, Either):
            options = tuple(_named_at(each, value.column) for each in owner.options)
            is_meaning = any(isinstance(each, Reference | Defined) for each in options)
            return replace(owner, options=options) if is_meaning else value
        return _named_at(owner, value.column) if isinstance(owner, Reference | Defined) else value

    def _result(self, node: ast.Call) -> Value:
        """What a call gives, or the call itself."""
        call = self._call(node)
        value = converted(call) if call.result is None else call.result
        if value is None and call.arguments and not isinstance(call.owner, Defined):
            value = self._spread(node, call)
        if value is None and call.dotted == "isinstance" and call.owner is None:
            value = _is_instance(call.positional)
        if value is None and isinstance(node.func, ast.Attribute):
            value = self._got(node.func, call)
            if node.func.attr == "format" and isinstance(node.func.value, ast.Constant):
                text = self._formatted(node)
                value = text if isinstance(text, str) else value
        return call if value is None else value

    def _spread(self, node: ast.Call, call: Call) -> Value:
        """What ``_pair(stride)`` is, or ``tuple(stride)``; ``None`` for other calls."""
        name = call.owner.text if isinstance(call.owner, Reference) else call.dotted
        given, last = call.positional, name.rpartition(".")[2]
        if name == "self._output_padding":  # Of PyTorch's layers: one for each axis
            return Joined(*self._quoted(node))
        if len(given) != len(call.arguments) or not isinstance(
            first := given[0], Name | tuple | int
        ):
            return None
        if name in _WRITTEN and type(first) is Name and call.owner is None:
            return Joined(first.text, first.column, first.calls)
        times = _PER_AXIS.get(last, given[1] if last in _REPEATING and len(given) > 1 else None)
        if type(times) is not int or not 0 < times <= LONGEST or isinstance(first, bool):
            return None
        if isinstance(first, tuple):
            return first if len(first) == times else None
        return WrittenTuple(times * (first,)) if type(first) is int else Joined(*self._quoted(node))

    def _got(self, method: ast.Attribute, call: Call) -> Value:
        """What ``options.get("stride", 2)`` is; ``None`` where it is not known."""
        given = call.positional
        if method.attr in {"items", "keys", "values"} and not call.arguments:
            return _parts_of_dict(self.value(method.value), method.attr)
        if method.attr != "get" or not 1 <= len(given) == len(call.arguments) <= 2:
            return None
        options = self.value(method.value)
        if not isinstance(options, Call) or not is_dict(options):
            return None
        key = as_key(given[0])
        default = given[1] if len(given) > 1 else None
        return None if key is None else options.named.get(key, default)

    def _call(self, node: ast.Call) -> Call:
        # Each once: calls inside opaque expressions are met again on every level around them.
        if node not in self._read:
            self._read[node] = self._new_call(node)
        return self._read[node]

    def _new_call(self, node: ast.Call) -> Call:
        receiver: list[Argument] = []
        before = len(self._assumed)
        owner: Value = None
        if isinstance(node.func, ast.Call):
            function: Name | Call = self._call(node.func)
        elif isinstance(node.func, ast.Attribute) and holds_call(node.func.value):
            # nn.ConvTranspose2d(…).cuda(): the method takes the layer as its first argument.
            function = owner = Name(node.func.attr, self.source.offset_of(node.func))
            made = node.func.value
            receiver = [Argument(None, self.value(made), self.source.offset_of(made))]
        else:
            function = Name(text_of(node.func), self.source.offset_of(node.func))
            owner = self.names.owner(name) if (name := dotted(node.func)) else None
            if isinstance(owner, Reference | Either):
                self._assumed += self.names.assumed.get(name, ())
        arguments = (*receiver, *self._arguments(node))
        column = self.source.offset_of(node)
        call = Call(function, arguments, column, self._assumed_since(before), owner)
        return call if owner is None else self.followed(call)

    def followed(self, call: Call) -> Call:
        """Return the call that a call of an alias or of a ``functools.partial`` means."""
        match call.owner:
            case Reference(text=name, is_imported=is_imported) if last_name(
                call
            ) != name.rpartition(".")[2] or not (is_imported or call.dotted == name):
                return replace(call, function=meant(call, name))
            case Call(arguments=(Argument(None, Name() as inner), *given)) as partial if is_partial(
                partial
            ):
                owner = self.names.owner(inner.text)
                if isinstance(owner, Reference):
                    owner = replace(owner, column=inner.column)
                positional = [each for each in (*given, *call.arguments) if each.name is None]
                by_name = {each.name: each for each in (*given, *call.arguments) if each.name}
                arguments = tuple(
                    replace(each, column=call.column) for each in (*positional, *by_name.values())
                )
                function = meant(call, inner.text)
                return self.followed(Call(function, arguments, call.column, call.assumed, owner))
        return call

    def _arguments(self, node: ast.Call) -> Iterator[Argument]:
        """``*args`` and ``**kwargs`` are put in where the text shows what they hold."""
        for given in node.args:
            column = self.source.offset_of(given)
            value = self.value(given.value if isinstance(given, ast.Starred) else given)
            if not isinstance(given, ast.Starred):
                yield Argument(None, value, column)
            elif isinstance(value, tuple):
                yield from (Argument(None, item, column) for item in value)
            else:
                yield Argument("*", value, column)
        yield from self._named(node.keywords)

    def _named(self, keywords: Sequence[ast.keyword]) -> Iterator[Argument]:
        for keyword in keywords:
            column, value = self.source.offset_of(keyword), self.value(keyword.value)
            if keyword.arg is None and is_dict(value):
                assert isinstance(value, Call)
                yield from (replace(inner, column=column) for inner in value.arguments)
            else:
                yield Argument(keyword.arg or "**", value, column)

    def _quoted(self, node: ast.expr) -> tuple[str, int, tuple[Call, ...]]:
        """The text of an expression, its offset, and the calls inside."""
        return self._text(node), self.source.offset_of(node), tuple(self._calls_in(node))

    def _text(self, node: ast.expr) -> str:
        """An expression as an answer shows it."""
        return text_of(node)

    def _calls_in(self, node: ast.expr | ast.comprehension) -> Iterator[Call]:
        """The outermost calls inside an expression."""
        if isinstance(node, ast.Call):
            call = self._call(node)
            yield from [call] if call.result is None else outermost_calls(call.result)
            return
        if not is_called_in(node):
            return
        outer, self.names = self.names, self._inside(node)
        for child in children(node):
            if isinstance(child, ast.expr | ast.comprehension):
                yield from self._calls_in(child)
        self.names = outer

    def late_names(self) -> Names:
        """Return the names that a lambda sees."""
        return self.names.copy()

    def _inside(self, node: ast.expr | ast.comprehension) -> Names:
        """The values of names inside an expression that may have names of its own."""
        own = list(_own_names(node))
        if isinstance(node, ast.Lambda):
            names = self.late_names()
        else:
            names = self.names.copy() if own else self.names
        for name in own:
            names.forget(name)
        return names


def _parts_of_dict(whole: Value, which: str) -> Value:
    """The keys of a dictionary, its values, or pairs of both; ``None`` where they are not known."""
    if not isinstance(whole, Call) or not is_dict(whole) or not whole.arguments:
        return None
    parts: list[Value] = []
    for each in whole.arguments:
        name = each.name or ""
        key = int(name[1:-1]) if name.startswith("[") else name
        pair = WrittenTuple((key, each.value))
        parts.append({"keys": key, "values": each.value}.get(which, pair))
    return tuple(parts)


def _named_at(meaning: Value, column: int) -> Value:
    """What is imported, where the text names it."""
    return replace(meaning, column=column) if isinstance(meaning, Reference) else meaning


def outermost_calls(value: Value) -> Iterator[Call]:
    """Yield the calls in a value that are in no other."""
    if isinstance(value, Call):
        yield value
    parts = value.calls if isinstance(value, Name) else value
    if isinstance(parts, tuple):
        for part in parts:
            yield from outermost_calls(part)


def _too_large(column: int) -> SnippetError:
    return SnippetError(
        f"a number of more than {MAX_DIGITS} digits is no size of anything.", column
    )


def signed(node: UnaryOp) -> Value:
    """Compute a number with a sign; anything else is returned as it is."""
    number = node.operand
    if isinstance(number, bool) or not isinstance(number, int | float):
        return node
    return -number if node.operation == "-" else number


def arithmetic(node: BinaryOp) -> Value:
    """Compute with two numbers, or concatenate sequences; anything else is returned as it is."""
    left, right = node.left, node.right
    if not _can_be_computed(node.operation, left, right):
        if (
            node.operation == "**"
            and type(left) is type(right) is int
            and min(right, abs(left) - 1) > 0
        ):
            raise _too_large(node.column)
        return node
    try:
        result = _ARITHMETIC[node.operation](left, right)
    except (ArithmeticError, TypeError) as error:
        raise SnippetError(f"{error}.", node.column) from None
    if isinstance(result, int | float) and abs(result) >= _LARGEST:
        raise _too_large(node.column)
    assert isinstance(result, int | float | tuple)
    return _put_together(result, left, right)


def element(node: Subscript) -> Value:
    """Return an element of a sequence that is known, or a part of it; else the node itself."""
    sequence, index = node.owner, node.index
    if is_dict(sequence) and (key := as_key(index)) is not None:
        assert isinstance(sequence, Call)
        return sequence.named.get(key, node)
    if not isinstance(sequence, tuple):
        return node
    try:
        if isinstance(index, Slice):
            ends = (index.lower, index.upper, index.step)
            known = [end for end in ends if isinstance(end, int | None)]
            return _kept(sequence[slice(*known)], sequence) if len(known) == len(ends) else node
        return sequence[index] if isinstance(index, int) else node
    except (IndexError, ValueError) as error:
        raise SnippetError(
            f"{node.text}: {error}, of {len(sequence)} elements.", node.column
        ) from None


def joined(node: Joined) -> Value:
    """Return the elements as one sequence; the node itself if a length is not known."""
    items: list[Value] = []
    if not node.elements:
        return node  # A name of a sequence
    for each in node.elements:
        inner = each.inner if isinstance(each, Starred) else (each,)
        if not isinstance(inner, tuple):
            return node
        items += inner
    return tuple(items)


def with_values(value: Value, values: Mapping[str, Value]) -> Value:
    """Compute a value of which some names, or other expressions, are known by their text.

    >>> with_values(Name("k", 0), {"k": 3}), with_values((Name("n", 0), 2), {"k": 3})[1]
    (3, 2)
    """
    match value:
        case tuple():
            return type(value)(with_values(each, values) for each in value)
        case Name(text=text) if text in values:
            return values[text]
        case UnaryOp():
            return signed(replace(value, operand=with_values(value.operand, values)))
        case BinaryOp(left=left, right=right):
            sides = with_values(left, values), with_values(right, values)
            return arithmetic(replace(value, left=sides[0], right=sides[1]))
        case Call():
            given = (
                replace(each, value=with_values(with_fractions(each.value), values))
                for each in value.arguments
            )
            computed = converted(replace(value, arguments=tuple(given)))
            return value if computed is None else computed
    return value


def open_names(value: Value) -> Iterator[str]:
    """Yield the texts of what a number is computed from, and the text does not hold.

    >>> from harness.syntax.python import read
    >>> [*open_names(read("(k - s) // 2 + max(config.pad, 1)").statements[0].value)]
    ['k', 's', 'config.pad']
    """
    match value:
        case tuple():
            for each in value:
                yield from open_names(each)
        case UnaryOp(operand=operand):
            yield from open_names(operand)
        case BinaryOp(left=left, right=right):
            yield from open_names(left)
            yield from open_names(right)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from open_names(argument.value)
        case Name(text=text):
            yield text


def _can_be_computed(operation: str, left: Value, right: Value) -> bool:
    """Whether both sides are numbers, or sequences short enough to put together."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return operation == "+" and len(left + right) <= LONGEST
    if isinstance(left, tuple) and isinstance(right, int):
        return operation == "*" and len(left) * right <= LONGEST
    numbers = (left, right)
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return False
    if operation in {"<<", ">>"} and not isinstance(left, int):
        return False
    # Only powers and shifts can be far larger than what is written.
    return operation in _ARITHMETIC and (
        operation not in {"**", "<<", ">>"}
        or (isinstance(right, int) and 0 <= right <= MAX_DIGITS * 4 and abs(left) <= _LARGEST)  # type: ignore[arg-type]
    )


def holds_call(node: ast.expr) -> bool:
    """Whether anything is called in an expression."""
    inner = (child for child in children(node) if isinstance(child, ast.expr))
    return isinstance(node, ast.Call) or any(map(holds_call, inner))


def _pairs_of(one: ast.expr, other: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """The elements of two tuples side by side, of which one may be a number for all of them."""
    sides = (one, other)
    lengths = {len(each.elts) for each in sides if isinstance(each, ast.Tuple)}
    are_known = all(
        isinstance(each, ast.Tuple) or (isinstance(each, ast.Constant) and type(each.value) is int)
        for each in sides
    )
    if len(lengths) != 1 or not are_known:
        return []
    (length,) = lengths
    first, second = (
        each.elts if isinstance(each, ast.Tuple) else length * [each] for each in sides
    )
    return [*zip(first, second, strict=True)]


def _own_names(node: ast.expr | ast.comprehension) -> Iterator[str]:
    """Names of a comprehension or a lambda that hide those around it."""
    if isinstance(node, _Comprehension):
        for part in node.generators:
            yield from (each.id for each in ast.walk(part.target) if isinstance(each, ast.Name))
    elif isinstance(node, ast.Lambda):
        yield from (each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg))


_OF_NUMBERS: Final[dict[str, Callable[..., Any]]] = {
    **{each.__name__: each for each in (int, float, bool, abs, round, range, max, min)},
    **{
        f"math.{each.__name__}": each
        for each in (math.ceil, math.floor, math.trunc, math.sqrt, math.log2)
    },
}


def _sorted(items: tuple[Any, ...]) -> list[Any]:
    if any(isinstance(each, Named) for each in items):
        raise TypeError("the order of what is named is not known")
    return sorted(items)


_KINDS: Final[Mapping[str, type]] = {
    each.__name__: each for each in (int, float, str, bool, Number, Real, Integral)
}
_WRITTEN: Final = {"tuple": WrittenTuple, "list": WrittenList}
_WRITTEN_AS: Final = {ast.Tuple: WrittenTuple, ast.List: WrittenList}
# Functions of many libraries that make one size per axis of a number, and leave a sequence.
_PER_AXIS: Final = {
    "_single": 1,
    "_pair": 2,
    "_triple": 3,
    "_quadruple": 4,
    **{f"to_{n}tuple": n for n in (1, 2, 3, 4)},
}
_REPEATING: Final = {"normalize_tuple", "ensure_tuple_rep", "standardize_tuple", "to_ntuple"}
_ANY_SEQUENCE: Final = {"Sequence", "Iterable", "Collection"}
_OF_EITHER: Final = {"max", "min"}
_OF_SEQUENCES: Final[dict[str, Callable[..., Any]]] = {
    **{each.__name__: each for each in (tuple, len, sum, max, min, reversed, zip)},
    "sorted": _sorted,
    "list": tuple,
    "enumerate": enumerate,
    "itertools.pairwise": pairwise,
    "itertools.chain": chain,
    "math.prod": math.prod,
}


def is_plain(value: Value) -> bool:
    """Whether the text holds it whole."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return not isinstance(value, Name | Call)


def is_partial(value: Value) -> bool:
    """Whether it is a call of ``functools.partial``."""
    if not isinstance(value, Call) or last_name(value) != "partial":
        return False
    owner = value.owner
    return owner is None or (isinstance(owner, Reference) and owner.text == "functools.partial")


def _is_instance(given: Sequence[Value]) -> bool | None:
    """What ``isinstance(size, int)`` says; ``None`` where that is not known."""
    if len(given) != 2 or not is_plain(given[0]):
        return None
    value, kinds = given[0], given[1] if isinstance(given[1], tuple) else (given[1],)
    names = [each.text.rpartition(".")[2] for each in kinds if isinstance(each, Name)]
    if len(names) < len(kinds) or not {*names} <= {*_KINDS, *_WRITTEN, *_ANY_SEQUENCE}:
        return None
    if isinstance(value, tuple | str) and not _ANY_SEQUENCE.isdisjoint(names):
        return True
    if isinstance(value, tuple):
        asked = _WRITTEN.keys() & {*names}
        if type(value) is tuple and len(asked) == 1:
            return None  # What made it does not say whether it is a tuple or a list.
        return len(asked) > 1 or any(isinstance(value, _WRITTEN[name]) for name in asked)
    return any(isinstance(value, _KINDS[name]) for name in names if name in _KINDS)


def _is_of_kind(left: Value, right: Value) -> bool | None:
    """What ``type(size) is int`` says; ``None`` where it says nothing, or is not known."""
    if not isinstance(left, Call) or left.dotted != "type" or left.owner is not None:
        return None
    given = (*left.positional, right)
    is_of_one = isinstance(right, Name) and right.text in {"int", "float", "str", "tuple", "list"}
    if len(left.arguments) != 1 or not is_of_one or isinstance(given[0], bool):
        return None
    return _is_instance(given)


def converted(call: Call) -> Value:
    """What ``int(64 * 2 / 4)`` is, or ``max(3, 1)``; ``None`` where it is not known."""
    owner, name = call.owner, call.dotted
    if isinstance(owner, Reference):
        name = owner.text
    elif owner is not None:
        return None
    values = call.positional
    if name == "dict":
        return _updated(values, call)
    if len(values) != len(call.arguments) or not all(map(is_plain, values)):
        return None
    function = None
    if name in _OF_EITHER and len(values) == 1 and isinstance(values[0], tuple):
        values = list(values[0])  # max((c, 8)) is max(c, 8)
    if values and all(isinstance(value, int | float) for value in values):
        function = _OF_NUMBERS.get(name)
    elif values and all(isinstance(value, tuple) for value in values):
        function = _OF_SEQUENCES.get(name)
    elif name == "len" and isinstance(values[0], str):
        function = len
    if name == "str" and len(values) == 1 and type(values[0]) in {int, str}:
        return str(values[0])
    try:
        result = _as_value(in_function(name, values, function(*values))) if function else None
    except (ArithmeticError, TypeError, ValueError):
        return None
    kind = _WRITTEN.get("list" if name == "sorted" else name)
    return kind(result) if kind is not None and isinstance(result, tuple) else result


def _put_together(result: Any, left: Value, right: Value) -> Value:
    """What two sequences, or one and a number, are: only what is of one kind keeps it."""
    is_of_two_kinds = isinstance(right, tuple) and type(left) is not type(right)
    return result if is_of_two_kinds else _kept(result, left)


def _kept(result: Any, whole: Value) -> Value:
    """A part or a repetition of a sequence, as a tuple or a list where that is one."""
    return type(whole)(result) if isinstance(whole, tuple) and isinstance(result, tuple) else result


def _as_value(result: object) -> Value:
    """A result as a value: ``None`` where it is too large."""
    if isinstance(result, int | float):
        return result if abs(result) < _LARGEST else None
    assert isinstance(result, Iterable)
    items = tuple(islice(result, LONGEST + 1))
    return items if len(items) <= LONGEST else None


def _updated(values: Sequence[Value], call: Call) -> Call | None:
    """The dictionary ``dict(base, stride=2)``."""
    bases = [each for each in values if isinstance(each, Call) and is_dict(each)]
    named = [each for each in call.arguments if each.name is not None]
    if not bases or len(bases) < len(values) or any(each.name in {"*", "**"} for each in named):
        return None
    parts = (*(each for base in bases for each in base.arguments), *named)
    return replace(call, arguments=tuple({each.name: each for each in parts}.values()))
