"""Python snippets, read with ``ast``: literals, and arithmetic of literals, alone have a value."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from harness.syntax.tree import (
    MAX_DIGITS,
    Argument,
    Call,
    Name,
    SnippetError,
    Statement,
    Value,
    check_text,
)

Shape: TypeAlias = tuple[Value, ...]

_LARGEST: Final = 10**MAX_DIGITS
_LONGEST: Final = 16
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


def parse(text: str) -> tuple[Statement, ...]:
    """Read Python text as statements; integers that it assigns to names are known to what follows.

    Parameters
    ----------
    text : str
        May be indented, and may have a session's prompts.

    Raises
    ------
    SnippetError
        Where the text is not Python, with the column.

    Examples
    --------
    >>> parse("up = nn.ConvTranspose2d(8 * 2, 4, (3, 2))")[0].value.arguments[0].value
    16
    """
    check_text(text)
    source = _Source(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source.cleaned)
        return tuple(_Reader(source).statements(module.body))
    except SnippetError:
        raise
    except SyntaxError as error:
        column = source.offset(error.lineno or 1, (error.offset or 1) - 1)
        raise SnippetError(f"this is not Python: {error.msg}.", column) from None
    except (RecursionError, MemoryError):
        raise SnippetError("the text is nested too deeply.") from None
    except ValueError as error:  # Such as a null character.
        raise SnippetError(f"this is not Python: {error}.") from None


def fold(value: Value, shapes: Mapping[str, Shape], assigned: Mapping[str, Value]) -> Value:
    """Compute what a value is once the shapes of arrays are known.

    Parameters
    ----------
    value : Value
        As :func:`parse` left it: ``x.shape[1] * 2`` is a name.
    shapes : mapping
        Shapes by the names of the arrays.
    assigned : mapping
        What the text gives to names, in its order.

    Returns
    -------
    Value
        What stays unknown stays as it was.

    Examples
    --------
    >>> value = parse("(x.shape[0], (x.shape[1] - 1) * 2 + 3, tf.shape(x)[-1])")[0].value
    >>> fold(value, {"x": (1, 5, 64)}, {})
    (1, 11, 64)
    """
    known: dict[str, Value] = {}
    places = {target: place for place, target in enumerate(assigned)}
    for place, (target, given) in enumerate(assigned.items()):
        # Before an array's name is given anew it stands for another array.
        now = {name: shape for name, shape in shapes.items() if places.get(name, -1) < place}
        _remember(known, target, _folded(given, now, known))
    return _folded(value, shapes, known)


class _Source:
    """A text without its indentation and prompts, and the way back to the original's columns."""

    def __init__(self, text: str) -> None:
        lines = text.expandtabs(1).split("\n")
        stripped = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
        common = min(stripped, default=0)
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
        # The ast module counts columns in bytes of UTF-8.
        line = self.lines[node.lineno - 1].encode()
        return self.offset(node.lineno, len(line[: node.col_offset].decode(errors="ignore")))


class _Reader:
    """Statements and expressions into the neutral tree."""

    def __init__(
        self,
        source: _Source,
        shapes: Mapping[str, Shape] | None = None,
        known: dict[str, Value] | None = None,
    ) -> None:
        self._source = source
        self._shapes = shapes or {}
        self._known = {} if known is None else known
        self._read: dict[ast.Call, Call] = {}
        self._defaults: dict[str, Value] = {}
        self._assumed: list[str] = []

    def statements(self, body: list[ast.stmt]) -> Iterator[Statement]:
        for node in body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                value = self.value(node.value)
                target = ast.unparse(targets[0])
                _remember(self._known, target, value)
                yield Statement(target, value)
            elif isinstance(node, ast.AugAssign):
                # layers += [nn.ConvTranspose2d(…)]
                whole = ast.BinOp(node.target, node.op, node.value)
                value = self.value(ast.copy_location(whole, node))
                target = ast.unparse(node.target)
                _remember(self._known, target, value)
                yield Statement(target, value)
            elif isinstance(node, ast.Expr | ast.Return) and node.value is not None:
                yield Statement(None, self.value(node.value))
                self._known.pop(_whose_method(node.value), None)
            elif isinstance(node, ast.If):
                yield from self._branches(node)
            else:
                # with chainer.using_config("autotune", True): says something about what follows.
                for name in _given_anew(node):
                    self._known.pop(name, None)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    self._take_defaults(node.args)
                for item in node.items if isinstance(node, ast.With) else ():
                    yield Statement(None, self.value(item.context_expr))
                for inner in ast.iter_child_nodes(node):
                    if isinstance(inner, ast.stmt):
                        yield from self.statements([inner])

    def _take_defaults(self, parameters: ast.arguments) -> None:
        """``def __init__(self, stride=2)``; a ``None`` means that the function decides."""
        positional = [*parameters.posonlyargs, *parameters.args]
        pairs = zip(reversed(positional), reversed(parameters.defaults), strict=False)
        keywords = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        for inner, default in (*pairs, *keywords):
            value = None if default is None else self.value(default)
            if value is not None and not isinstance(value, Name | Call):
                self._defaults[inner.arg] = value
                _remember(self._known, inner.arg, value)

    def _branches(self, node: ast.If) -> Iterator[Statement]:
        """Both branches; behind them a name has a value only where they agree on it."""
        before = dict(self._known)
        yield from self.statements(node.body)
        taken = dict(self._known)
        self._known.clear()
        self._known.update(before)
        yield from self.statements(node.orelse)
        other = dict(self._known)
        self._known.update(taken)
        for name in {*taken, *other}:
            both = name in taken and name in other
            if taken[name] != other[name] if both else name in before:
                del self._known[name]
                yield Statement(name, self._name(node.test))

    def value(self, node: ast.expr) -> Value:
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
                if (whole := _whole_number(call)) is not None:
                    return whole
                shape = _shape_from_call(call, self._shapes)
                return call if shape is None else shape
            case ast.Attribute(attr="shape") if ast.unparse(node.value) in self._shapes:
                return self._shapes[ast.unparse(node.value)]
            case ast.Subscript():
                return self._element(node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._signed(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Name() | ast.Attribute() if ast.unparse(node) in self._known:
                return self._of_name(ast.unparse(node))
        return self._opaque(node)

    def _collection(self, node: ast.Tuple | ast.List | ast.Dict) -> Value:
        if isinstance(node, ast.Dict):
            names = all(map(_is_text, node.keys))
            return self._call(_as_call(node)) if names else self._opaque(node)
        found: list[Value] = []
        for element in node.elts:
            starred = self.value(element.value) if isinstance(element, ast.Starred) else ()
            if not isinstance(starred, tuple):
                return self._opaque(node)
            found += starred if isinstance(element, ast.Starred) else [self.value(element)]
        return tuple(found)

    def _of_name(self, name: str) -> Value:
        value = self._known[name]
        if name in self._defaults and self._defaults[name] is value:
            self._assumed.append(f"{name}={value!r}")
        return value

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
        elif isinstance(node.func, ast.Attribute) and _calls_in(node.func.value):
            # nn.ConvTranspose2d(…).cuda(): the method takes the layer as its first argument.
            function = Name(node.func.attr, self._source.offset_of(node.func))
            column = self._source.offset_of(node.func.value)
            receiver = [Argument(None, self.value(node.func.value), column)]
        else:
            function = self._name(node.func)
        return Call(
            function,
            (*receiver, *self._arguments(node)),
            self._source.offset_of(node),
            tuple(dict.fromkeys(self._assumed[before:])),
        )

    def _arguments(self, node: ast.Call) -> Iterator[Argument]:
        """``*args`` and ``**kwargs`` are put in where the text shows what they hold."""
        for given in node.args:
            column = self._source.offset_of(given)
            value = self.value(given.value if isinstance(given, ast.Starred) else given)
            if not isinstance(given, ast.Starred):
                yield Argument(None, value, column)
            elif isinstance(value, tuple):
                yield from (Argument(None, item, column) for item in value)
            else:
                yield Argument("*", value, column)
        for keyword in node.keywords:
            column, value = self._source.offset_of(keyword), self.value(keyword.value)
            if keyword.arg is None and _is_dict(value):
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
            raise SnippetError(f"{error}.", self._source.offset_of(node)) from None
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
        if not isinstance(sequence, tuple) or len(known) < len(indices):
            return self._opaque(node)
        try:
            return sequence[slice(*known)] if part else sequence[known[0] or 0]
        except (IndexError, ValueError) as error:
            raise SnippetError(
                f"{ast.unparse(node)}: {error}, of {len(sequence)} elements.",
                self._source.offset_of(node),
            ) from None

    def _opaque(self, node: ast.expr) -> Name:
        """What has no value here; calls inside it are kept, since one of them may be meant."""
        return replace(self._name(node), calls=tuple(map(self._call, _calls_in(node))))

    def _name(self, node: ast.expr) -> Name:
        return Name(ast.unparse(node), self._source.offset_of(node))

    def _too_large(self, node: ast.expr) -> SnippetError:
        return SnippetError(
            f"a number of more than {MAX_DIGITS} digits is no size of anything.",
            self._source.offset_of(node),
        )


def _can_be_computed(operation: ast.operator, left: Value, right: Value) -> bool:
    """Whether both sides are numbers, or sequences short enough to put together."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return isinstance(operation, ast.Add) and len(left + right) <= _LONGEST
    if isinstance(left, tuple) and isinstance(right, int):
        return isinstance(operation, ast.Mult) and len(left) * right <= _LONGEST
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
    """``{"stride": 2}`` as ``dict(stride=2)``."""
    pairs = zip(node.keys, node.values, strict=True)
    keywords = [
        ast.copy_location(ast.keyword(key.value, value), value)  # type: ignore[union-attr]
        for key, value in pairs
    ]
    function = ast.copy_location(ast.Name("dict"), node)
    return ast.copy_location(ast.Call(function, [], keywords), node)


def _is_dict(value: Value) -> bool:
    """Whether it is a ``dict(...)`` of which the text shows every element."""
    return (
        isinstance(value, Call)
        and value.function == Name("dict", value.column)
        and all(inner.name not in {None, "*", "**"} for inner in value.arguments)
    )


def _calls_in(node: ast.expr) -> list[ast.Call]:
    """The outermost calls inside an expression."""
    if isinstance(node, ast.Call):
        return [node]
    children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return [call for child in children for call in _calls_in(child)]


def _remember(known: dict[str, Value], target: str, value: Value) -> None:
    """Keep what an assignment gives to a name, to several, or to an element of a list."""
    if "[" in target:
        name, place = target[:-1].split("[", 1)
        whole = known.pop(name, None)
        if isinstance(whole, tuple) and place.isdigit() and int(place) < len(whole):
            known[name] = (*whole[: int(place)], value, *whole[int(place) + 1 :])
        return
    names = target.strip("()").split(", ")
    for name in names:
        known.pop(name, None)
    is_known = not isinstance(value, Name | Call) or _is_dict(value)
    if len(names) == 1 and is_known and _size(value) <= _LONGEST:
        known[target] = value
    elif len(names) > 1 and isinstance(value, tuple) and len(value) == len(names):
        for name, item in zip(names, value, strict=True):
            _remember(known, name, item)


def _whose_method(node: ast.expr) -> str:
    """The name whose method a statement calls, as ``shape`` of ``shape.append(3)``."""
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return ast.unparse(node.func.value) if is_method else ""  # type: ignore[attr-defined]


def _whole_number(call: Call) -> int | None:
    """What ``int(64 * 2 / 4)`` is, where nothing in it is unknown."""
    is_int = isinstance(call.function, Name) and call.function.text == "int"
    value = call.arguments[0].value if is_int and len(call.arguments) == 1 else None
    return int(value) if isinstance(value, int | float) and abs(value) < _LARGEST else None


def _size(value: Value) -> int:
    """The number of elements of all sequences in a value: some are names for long ones."""
    if isinstance(value, Call):
        return sum(_size(argument.value) for argument in value.arguments)
    return sum(map(_size, value)) + 1 if isinstance(value, tuple) else 1


def _given_anew(node: ast.stmt) -> Iterator[str]:
    """Names whose value a loop changes each time, or each call of a function."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name | ast.Attribute) and isinstance(inner.ctx, ast.Store):
                yield ast.unparse(inner)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (inner.arg for inner in ast.walk(node.args) if isinstance(inner, ast.arg))


def _folded(value: Value, shapes: Mapping[str, Shape], known: dict[str, Value]) -> Value:
    if isinstance(value, tuple):
        return tuple(_folded(item, shapes, known) for item in value)
    if isinstance(value, Call):
        arguments = tuple(
            replace(argument, value=_folded(argument.value, shapes, known))
            for argument in value.arguments
        )
        shape = _shape_from_call(replace(value, arguments=arguments), shapes)
        return value if shape is None else shape
    if not isinstance(value, Name) or value.text in shapes:
        return value
    try:
        node = ast.parse(value.text, mode="eval").body
        found = _Reader(_Source(value.text), shapes, known).value(node)
    except SnippetError as error:
        raise SnippetError(error.fact, value.column) from None
    except SyntaxError:  # Such as the target of a starred assignment.
        return value
    return _moved(found, value.column) if isinstance(found, int | tuple) else value


def _moved(value: Value, column: int) -> Value:
    """Names in a folded expression stand where the expression does."""
    if isinstance(value, tuple):
        return tuple(_moved(item, column) for item in value)
    return replace(value, column=column) if isinstance(value, Name | Call) else value


_OF_ARRAY: Final = {"shape", "int_shape"}
_PASSES_ON: Final = {
    *("stack", "constant", "convert_to_tensor", "tuple", "list", "TensorShape", "as_list"),
    *("array", "asarray", "Size", "int"),
}


def _shape_from_call(call: Call, shapes: Mapping[str, Shape]) -> int | Shape | None:
    """The shape, or the size, that a call such as ``tf.shape(x)`` or ``x.size(2)`` gives."""
    if not shapes or not isinstance(call.function, Name):
        return None
    owner, _, last = call.function.text.rpartition(".")
    first = call.arguments[0].value if call.arguments else None
    if last in {"get_shape", "size"} and owner in shapes:
        shape = shapes[owner]
        if first is None:
            return shape
        one = shape[first] if type(first) is int and -len(shape) <= first < len(shape) else None
        return one if isinstance(one, int) else None
    if last == "as_list" and owner.removesuffix(".shape") in shapes:
        return shapes[owner.removesuffix(".shape")]
    if last in _OF_ARRAY and isinstance(first, Name):
        return shapes.get(first.text)
    if last in _PASSES_ON and isinstance(first, int | tuple):
        return first
    return None
