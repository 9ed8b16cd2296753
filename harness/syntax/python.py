"""Python snippets, read with ``ast``: statements, and what names stand for where each stands."""

from __future__ import annotations

import ast
import itertools
import keyword
import re
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from harness.syntax.expressions import Expressions, Names, Source, is_dict
from harness.syntax.tree import (
    MAX_DIGITS,
    MAX_TEXT,
    Name,
    Parsed,
    SnippetError,
    Statement,
    Unread,
    Value,
    calls,
    check_text,
)

_MOST_UNREAD: Final = 20
_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+")
_LOOPS = ast.For | ast.AsyncFor | ast.While
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
# Of lists and dictionaries: what leaves them as they are.
_KEEPS: Final = {"copy", "count", "get", "index", "items", "keys", "values"}
_CHANGES: Final = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}


def read(text: str) -> Parsed:
    r"""Read Python text as statements; lines that are not Python are left out.

    Parameters
    ----------
    text : str
        May be indented, and may have a session's prompts.

    Raises
    ------
    SnippetError
        Where leaving lines out does not help, with the column.

    Examples
    --------
    >>> parsed = read("print 'up'\nup = nn.ConvTranspose2d(8 * 2, 4, (3, 2))")
    >>> parsed.statements[-1].value.arguments[0].value
    16
    >>> [unread.error.fact[:21] for unread in parsed.unread]
    ['this is not Python: M']
    """
    check_text(text)
    source = Source(text)
    try:
        module, unread = _tree(source)
        reader = _Reader(source)
        return Parsed(tuple(reader.module(module)), (*unread, *reader.unread))
    except SnippetError:
        raise
    except (RecursionError, MemoryError):
        raise SnippetError("the text is nested too deeply.") from None
    except ValueError as error:  # Such as a null character.
        raise SnippetError(f"this is not Python: {error}.") from None


def parse(text: str) -> tuple[Statement, ...]:
    """Read Python text all of which must be Python.

    Raises
    ------
    SnippetError
        With the column of what is not.

    Examples
    --------
    >>> parse("up = nn.ConvTranspose2d(8 * 2, 4, (3, 2))")[0].value.arguments[0].value
    16
    """
    parsed = read(text)
    if parsed.unread:
        raise parsed.unread[0].error
    return parsed.statements


def _tree(source: Source) -> tuple[ast.Module, tuple[Unread, ...]]:
    """Parse what is left when lines that are not Python are taken out one by one."""
    lines, unread = list(source.lines), dict[int, Unread]()
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse("\n".join(lines)), tuple(unread.values())
        except SyntaxError as error:
            number = min(max(error.lineno or 1, 1), len(lines)) - 1
            column = source.offset(number + 1, (error.offset or 1) - 1)
            found = Unread(source.offset(number + 1, 0), column, _not_python(error, column))
            if number in unread or len(unread) == _MOST_UNREAD:
                raise next(iter(unread.values()), found).error from None
            unread[number] = replace(found, end=found.start + len(lines[number]))
            lines[number] = _in_place_of(lines[number])


def _not_python(error: SyntaxError, column: int) -> SnippetError:
    if "integer string conversion" in error.msg:
        return SnippetError(f"a number of more than {MAX_DIGITS} digits is no size.", column)
    return SnippetError(f"this is not Python: {error.msg.rstrip('.')}.".replace("?.", "?"), column)


def _in_place_of(line: str) -> str:
    """Write what leaves all names of a line unknown, and a body below it a body."""
    indent = line[: len(line) - len(line.lstrip())]
    words = dict.fromkeys(match[0] for match in _IDENTIFIER.finditer(line))
    names = [word for word in words if not any(map(keyword.iskeyword, word.split(".")))]
    if line.rstrip().endswith(":"):
        return f"{indent}for {', '.join(names) or '_'} in _:"
    return f"{indent}del {', '.join(names)}" if names else f"{indent}pass"


class _Reader(Expressions):
    """Statements into the neutral tree; each function has its own names."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, Names())
        self.unread: list[Unread] = []
        self._block: tuple[int, ...] = ()
        self._blocks = itertools.count(1)
        # What names are given in the whole of the scope that is being read, and how often.
        self._bound: Counter[str] = Counter()

    def module(self, module: ast.Module) -> Iterator[Statement]:
        self._bound = _bindings(module.body)
        yield from self._statements(module.body)

    def _statements(self, body: Iterable[ast.stmt]) -> Iterator[Statement]:
        for node in body:
            yield from self._statement(node)

    def _statement(self, node: ast.stmt) -> Iterator[Statement]:
        match node:
            case ast.If():
                yield from self._if(node)
            case ast.Try() | ast.TryStar():
                # A handler is come to from anywhere in the body.
                handlers = [(_bindings([*node.body, each]), each.body) for each in node.handlers]
                yield from self._branches([((), [*node.body, *node.orelse]), *handlers])
                yield from self._statements(node.finalbody)
            case ast.Match():
                self._forget(_changed(node.subject, self.names))
                cases = [(_bindings([each.pattern]), each.body) for each in node.cases]
                yield from self._branches([*cases, ((), [])])
            case ast.For() | ast.AsyncFor() | ast.While():
                yield from self._loop(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(node, self._inherited(), Names())
                self._forget(_bindings([node]))
            case ast.ClassDef():
                yield from self._class(node)
                self._forget(_bindings([node]))
            case ast.With() | ast.AsyncWith():
                # with chainer.using_config("autotune", True): says something about what follows.
                for item in node.items:
                    self._forget(_changed(item.context_expr, self.names))
                    yield self._said(None, self.value(item.context_expr))
                    self._forget(_bindings([item]))
                yield from self._statements(node.body)
            case _:
                try:
                    yield from list(self._simple(node))
                except SnippetError as error:
                    start = self.source.offset(node.lineno, 0)
                    end = self.source.offset(node.end_lineno or node.lineno, MAX_TEXT)
                    self.unread.append(Unread(start, end, error))
                    self._forget(_bindings([node]))

    def _simple(self, node: ast.stmt) -> Iterator[Statement]:
        self._forget(_changed(node, self.names))
        match node:
            case ast.Assign():
                yield from self._assignment(node.targets, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                yield from self._assignment([node.target], value)
            case ast.AugAssign():
                # layers += [nn.ConvTranspose2d(…)]
                whole = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
                yield from self._assignment([node.target], whole)
            case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
                yield self._said(None, self.value(value))
            case _:
                self._forget(_bindings([node]))

    def _said(self, target: str | None, value: Value) -> Statement:
        # Only what stands around a call is ever asked for.
        assigned = dict(self.names.given) if next(calls(value), None) else {}
        return Statement(target, value, assigned, self._block)

    def _assignment(self, targets: Sequence[ast.expr], node: ast.expr) -> Iterator[Statement]:
        value, assumed = self.with_defaults(node)
        for target in targets:
            yield self._said(ast.unparse(target), value)
        for target in targets:
            self._give(target, value, assumed)

    def _give(self, target: ast.expr, value: Value, assumed: tuple[str, ...]) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for each, item in zip(target.elts, _items(value, target.elts), strict=True):
                self._give(each, item, assumed)
        elif isinstance(target, ast.Subscript):
            self._give_element(target, value, assumed)
        elif isinstance(target, ast.Starred):
            self.names.forget(ast.unparse(target.value))
        else:
            self.names.give(ast.unparse(target), value, assumed)

    def _give_element(self, target: ast.Subscript, value: Value, assumed: tuple[str, ...]) -> None:
        place = self.value(target.slice)
        name, shown = ast.unparse(target.value), ast.unparse(target.slice)
        self.names.give_element(name, place if type(place) is int else shown, value, assumed)

    def _if(self, node: ast.If) -> Iterator[Statement]:
        self._forget(_changed(node.test, self.names))
        name = _none(node.test)
        if name not in self.names.undecided:
            yield from self._branches([((), node.body), ((), node.orelse)])
            return
        # if shape is None: shape = …, of a parameter that is None unless the caller gives it.
        before = self.names.copy()
        yield from self._inner(node.body)
        decided, self.names = self.names, before
        yield from self._inner(node.orelse)
        self.names = decided
        decided.assumed[name] = (f"{name}=None",)

    def _branches(
        self, suites: Sequence[tuple[Iterable[str], Sequence[ast.stmt]]]
    ) -> Iterator[Statement]:
        """Branches, each with the names that are unknown at its beginning.

        Behind them a name has a value only where all that come to their end agree on it.
        """
        before, ends = self.names, []
        for unknown, suite in suites:
            self.names = before.copy()
            self._forget(unknown)
            yield from self._inner(suite)
            if not (suite and isinstance(suite[-1], ast.Return | ast.Raise)):
                ends.append(self.names)
        self.names = _agreed(ends) if ends else before

    def _inner(self, body: Sequence[ast.stmt]) -> Iterator[Statement]:
        outer = self._block
        self._block = (*outer, next(self._blocks))
        yield from self._statements(body)
        self._block = outer

    def _loop(self, node: _LOOPS) -> Iterator[Statement]:
        changed = {*_bindings([node]), *_changed(node, self.names)}
        self._forget(changed)
        yield from self._inner([*node.body, *node.orelse])
        self._forget(changed)

    def _inherited(self) -> Names:
        """The names of this scope that an inner one sees whenever it is called."""
        names = self.names.copy()
        for name in self.names.given:
            if self._bound[name] > 1:
                names.forget(name)
        return names

    def _function(
        self, node: _FUNCTIONS, names: Names, attributes: Names
    ) -> Generator[Statement, None, Names]:
        """A function's body; returns what its names stand for in the end."""
        defaults = list(self._defaults(node.args))
        outer = self.names, self._bound
        self.names = names
        parameters = [each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)]
        self._bound = _bindings(node.body) + Counter(parameters)
        # A name that the body gives a value is the function's own from its first line.
        self._forget([*parameters, *(name for name in self._bound if "." not in name)])
        for name, value in defaults:
            if value is None:
                self.names.undecided.add(name)
            else:
                self.names.give(name, value, (f"{name}={value!r}",))
        for name, value in attributes.given.items():
            self.names.give(name, value, attributes.assumed.get(name, ()))
        yield from self._inner(node.body)
        names = self.names
        self.names, self._bound = outer
        return names

    def _defaults(self, parameters: ast.arguments) -> Iterator[tuple[str, Value]]:
        """``def __init__(self, stride=2)``; a ``None`` means that the function decides."""
        positional = [*parameters.posonlyargs, *parameters.args]
        pairs = zip(reversed(positional), reversed(parameters.defaults), strict=False)
        keywords = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        for inner, default in (*pairs, *keywords):
            if default is not None and not isinstance(value := self.value(default), Name):
                yield inner.arg, value

    def _class(self, node: ast.ClassDef) -> Iterator[Statement]:
        """Methods do not see the names of the class, but one another's ``self.…``."""
        outer, bound = self.names, self._bound
        around, attributes = self._inherited(), Names()
        self.names, self._bound = outer.copy(), _bindings(node.body)
        for inner in node.body:
            if isinstance(inner, _FUNCTIONS):
                names = yield from self._function(inner, around.copy(), attributes)
                for name in names.given:
                    if name.startswith("self.") and self._bound[name] == 1:
                        attributes.give(name, names.given[name], names.assumed.get(name, ()))
            else:
                yield from self._inner([inner])
        self.names, self._bound = outer, bound

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.forget(name)


def _items(value: Value, targets: Sequence[ast.expr]) -> Sequence[Value]:
    """What each of several targets is given: of an unknown value, its elements."""
    starred = any(isinstance(target, ast.Starred) for target in targets)
    if isinstance(value, tuple) and len(value) == len(targets) and not starred:
        return value
    if starred or not isinstance(value, Name):
        return [Name(ast.unparse(target), 0) for target in targets]
    return [Name(f"({value.text})[{place}]", value.column) for place in range(len(targets))]


def _agreed(ends: Sequence[Names]) -> Names:
    """What names stand for behind branches, by what they stand for at the end of each."""
    first, *others = ends
    agreed = first.copy()
    for name in dict.fromkeys(name for names in ends for name in names.given):
        value = first.given.get(name)
        if not all(name in names.given and _same(names.given[name], value) for names in others):
            agreed.forget(name)
        for names in others:
            if name in agreed.known and name in names.assumed:
                agreed.assumed[name] = names.assumed[name]
    return agreed


def _none(test: ast.expr) -> str:
    """The name of which a test asks whether it is ``None``."""
    match test:
        case ast.Compare(ast.Name(id=name), [ast.Is()], [ast.Constant(value=None)]):
            return name
    return ""


def _same(one: Value, other: Value) -> bool:
    return one is other or (type(one) is type(other) and one == other)


def _changed(node: ast.AST, names: Names) -> Iterator[str]:
    """Names that expressions give a value, and lists and arrays that methods change in place."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.NamedExpr):
            yield inner.target.id
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            owner, method = _dotted(inner.func.value), inner.func.attr
            in_place = method in _CHANGES or (method[-1:] == "_" != method[-2:-1])
            can_change = _can_change(names.known.get(owner)) and method not in _KEEPS
            if owner and (in_place or can_change):
                yield owner


def _dotted(node: ast.expr) -> str:
    """A dotted name as text; nothing for any other expression."""
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return ast.unparse(node) if isinstance(inner, ast.Name) else ""


def _can_change(value: Value) -> bool:
    return isinstance(value, tuple) or is_dict(value)


def _bindings(body: Iterable[ast.AST]) -> Counter[str]:
    """How often each name of a scope is given something; twice in a loop.

    Inner functions have names of their own, but attributes are everybody's.
    """
    found: Counter[str] = Counter()
    pending: list[tuple[ast.AST, int, bool]] = [(node, 1, False) for node in body]
    while pending:
        node, times, nested = pending.pop()
        for name, is_shared in _given_by(node):
            if is_shared or not nested:
                found[name] += times
        times += isinstance(node, _LOOPS)
        nested = nested or isinstance(
            node, _FUNCTIONS | ast.ClassDef | ast.Lambda | ast.comprehension
        )
        pending += [(inner, times, nested) for inner in ast.iter_child_nodes(node)]
    return found


def _given_by(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Names that a node itself gives something, and whether other scopes see it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name, False
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield ast.unparse(node), True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, False
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name, False
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name, False
        case ast.alias():
            yield node.asname or node.name.split(".")[0], False
        case ast.Global() | ast.Nonlocal():
            # Whoever calls the function changes the name of another scope.
            yield from ((name, True) for name in 2 * node.names)
