"""Python expressions: literals, and arithmetic of literals, alone have a value."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from harness.syntax.python_names import LONGEST, Names, is_dict
from harness.syntax.tree import MAX_DIGITS, Argument, Call, Name, SnippetError, Value

_LARGEST: Final = 10**MAX_DIGITS
_PROMPT: Final = re.compile(r"(?:>>>|\.\.\.|In \[\d+\]:) ?")
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
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
        self.cleaned = "\n".join(self.lines)

    def offset(self, line: int, characters: int) -> int:
        """Give the offset in the original text of a line, from 1, and a column, from 0."""
        number = min(max(line, 1), len(self.lines)) - 1
        return self._starts[number] + max(0, min(characters, len(self.lines[number])))

    def offset_of(self, node: ast.expr | ast.keyword) -> int:
        """Give the offset in the original text of where a node begins."""
        # The ast module counts columns in bytes of UTF-8.
        line = self.lines[node.lineno - 1].encode()
        return self.offset(node.lineno, len(line[: node.col_offset].decode(errors="ignore")))


class Expressions:
    """Expressions into the neutral tree.

    Parameters
    ----------
    source : Source
        Where they stand.
    names : Names
        What their names stand for; a reader of statements puts other scopes in its place.
    """

    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names
        self._read: dict[ast.Call, Call] = {}
        self._assumed: list[str] = []

    def value(self, node: ast.expr) -> Value:
        """Give what an expression stands for, as far as the text holds it."""
        match node:
            case ast.Constant(value=bool() | str() | float() | None as literal):
                return literal
            case ast.Constant(value=int(number)):
                if number >= _LARGEST:
                    raise self._too_large(node)
                return number
            case ast.Tuple() | ast.List() | ast.Dict():
                return self._collection(node)
            case ast.Call():
                call = self._call(node)
                converted = _converted(call)
                return call if converted is None else converted
            case ast.Subscript():
                return self._element(node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._signed(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Name() | ast.Attribute() if (name := ast.unparse(node)) in self.names.known:
                self._assumed += self.names.assumed.get(name, ())
                return self.names.known[name]
        return self._opaque(node)

    def with_defaults(self, node: ast.expr) -> tuple[Value, tuple[str, ...]]:
        """Give a value, and the defaults of functions that it was computed from."""
        before = len(self._assumed)
        value = self.value(node)
        return value, tuple(dict.fromkeys(self._assumed[before:]))

    def _collection(self, node: ast.Tuple | ast.List | ast.Dict) -> Value:
        if isinstance(node, ast.Dict):
            names = all(key is None or _is_text(key) for key in node.keys)
            return _last_of_each(self._call(_as_call(node))) if names else self._opaque(node)
        found: list[Value] = []
        for element in node.elts:
            starred = self.value(element.value) if isinstance(element, ast.Starred) else ()
            if not isinstance(starred, tuple):
                return self._opaque(node)
            found += starred if isinstance(element, ast.Starred) else [self.value(element)]
        return tuple(found)

    def _call(self, node: ast.Call) -> Call:
        # Each once: calls inside opaque expressions are met again on every level around them.
        if node not in self._read:
            self._read[node] = self._new_call(node)
        return self._read[node]

    def _new_call(self, node: ast.Call) -> Call:
        receiver: list[Argument] = []
        before = len(self._assumed)
        if isinstance(node.func, ast.Call):
            function: Name | Call = self._call(node.func)
        elif isinstance(node.func, ast.Attribute) and holds_call(node.func.value):
            # nn.ConvTranspose2d(…).cuda(): the method takes the layer as its first argument.
            function = Name(node.func.attr, self.source.offset_of(node.func))
            column = self.source.offset_of(node.func.value)
            receiver = [Argument(None, self.value(node.func.value), column)]
        else:
            function = self.name(node.func)
        return Call(
            function,
            (*receiver, *self._arguments(node)),
            self.source.offset_of(node),
            tuple(dict.fromkeys(self._assumed[before:])),
        )

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
        for keyword in node.keywords:
            column, value = self.source.offset_of(keyword), self.value(keyword.value)
            if keyword.arg is None and is_dict(value):
                assert isinstance(value, Call)
                yield from (replace(inner, column=column) for inner in value.arguments)
            else:
                yield Argument(keyword.arg or "**", value, column)

    def _signed(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._opaque(node)
        return -value if isinstance(node.op, ast.USub) else value

    def _arithmetic(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        operation = _ARITHMETIC.get(type(node.op))
        if operation is None or not _can_be_computed(node.op, left, right):
            if (
                isinstance(node.op, ast.Pow)
                and type(left) is type(right) is int
                and min(right, abs(left) - 1) > 0
            ):
                raise self._too_large(node)
            return self._opaque(node)
        try:
            result = operation(left, right)
        except (ArithmeticError, TypeError) as error:
            raise SnippetError(f"{error}.", self.source.offset_of(node)) from None
        if isinstance(result, int | float) and abs(result) >= _LARGEST:
            raise self._too_large(node)
        assert isinstance(result, int | float | tuple)
        return result

    def _element(self, node: ast.Subscript) -> Value:
        """An element of a sequence that is known, or a part of it."""
        sequence = self.value(node.value)
        part = node.slice if isinstance(node.slice, ast.Slice) else None
        places = (part.lower, part.upper, part.step) if part else (node.slice,)
        indices = [None if place is None else self.value(place) for place in places]
        possible = int | None if part else int
        known = [index for index in indices if isinstance(index, possible)]
        if is_dict(sequence) and isinstance(indices[0], str):
            assert isinstance(sequence, Call)
            elements = {each.name: each.value for each in sequence.arguments}
            return elements.get(indices[0], self._opaque(node))
        if not isinstance(sequence, tuple) or len(known) < len(indices):
            return self._opaque(node)
        try:
            return sequence[slice(*known)] if part else sequence[known[0] or 0]
        except (IndexError, ValueError) as error:
            raise SnippetError(
                f"{ast.unparse(node)}: {error}, of {len(sequence)} elements.",
                self.source.offset_of(node),
            ) from None

    def _opaque(self, node: ast.expr) -> Name:
        """What has no value here; calls inside it are kept, since one of them may be meant."""
        return replace(self.name(node), calls=tuple(self._calls_in(node)))

    def _calls_in(self, node: ast.expr | ast.comprehension) -> Iterator[Call]:
        """The outermost calls inside an expression."""
        if isinstance(node, ast.Call):
            yield self._call(node)
            return
        outer, own = self.names, list(_own_names(node))
        if own:
            self.names = outer.copy()
            for name in own:
                self.names.forget(name)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.comprehension):
                yield from self._calls_in(child)
        self.names = outer

    def name(self, node: ast.expr) -> Name:
        """Make a name of an expression's text."""
        return Name(ast.unparse(node), self.source.offset_of(node))

    def _too_large(self, node: ast.expr) -> SnippetError:
        return SnippetError(
            f"a number of more than {MAX_DIGITS} digits is no size of anything.",
            self.source.offset_of(node),
        )


def _can_be_computed(operation: ast.operator, left: Value, right: Value) -> bool:
    """Whether both sides are numbers, or sequences short enough to put together."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return isinstance(operation, ast.Add) and len(left + right) <= LONGEST
    if isinstance(left, tuple) and isinstance(right, int):
        return isinstance(operation, ast.Mult) and len(left) * right <= LONGEST
    numbers = (left, right)
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return False
    # A power is the only operation whose result can be far larger than what is written.
    return not isinstance(operation, ast.Pow) or (
        isinstance(right, int) and 0 <= right <= MAX_DIGITS * 4 and abs(left) <= _LARGEST  # type: ignore[arg-type]
    )


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _as_call(node: ast.Dict) -> ast.Call:
    """``{**base, "stride": 2}`` as ``dict(**base, stride=2)``."""
    pairs = zip(node.keys, node.values, strict=True)
    keywords = [
        ast.copy_location(
            ast.keyword(key.value if isinstance(key, ast.Constant) else None, value),  # type: ignore[arg-type]
            value,
        )
        for key, value in pairs
    ]
    function = ast.copy_location(ast.Name("dict"), node)
    return ast.copy_location(ast.Call(function, [], keywords), node)


def holds_call(node: ast.expr) -> bool:
    """Whether anything is called in an expression."""
    children = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return isinstance(node, ast.Call) or any(map(holds_call, children))


def _own_names(node: ast.expr | ast.comprehension) -> Iterator[str]:
    """Names of a comprehension or a lambda that hide those around it."""
    if isinstance(node, _Comprehension):
        for part in node.generators:
            yield from (each.id for each in ast.walk(part.target) if isinstance(each, ast.Name))
    elif isinstance(node, ast.Lambda):
        yield from (each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg))


def _last_of_each(call: Call) -> Call:
    """Of elements with the same key the last one counts."""
    if not is_dict(call):
        return call
    return replace(call, arguments=tuple({each.name: each for each in call.arguments}.values()))


def _converted(call: Call) -> int | tuple[Value, ...] | None:
    """What ``int(64 * 2 / 4)`` is, or ``tuple([3, 3])``, where it is known."""
    kind = call.function.text if isinstance(call.function, Name) else ""
    value = call.arguments[0].value if len(call.arguments) == 1 else None
    if kind == "int" and isinstance(value, int | float) and abs(value) < _LARGEST:
        return int(value)
    return value if kind in {"list", "tuple"} and isinstance(value, tuple) else None
