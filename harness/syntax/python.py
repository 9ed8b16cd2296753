"""Python snippets, read with ``ast``: statements, and what names stand for where each stands."""

from __future__ import annotations

import ast
import itertools
import keyword
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Final

from harness.syntax.expressions import Expressions, Source, converted, is_partial, is_plain
from harness.syntax.names import (
    EVERYTHING,
    Names,
    agreed,
    can_change,
    either,
    holds_changeable,
    is_dict,
    is_key,
)
from harness.syntax.python_changes import (
    FUNCTIONS,
    LOOPS,
    Change,
    Definition,
    bindings,
    changes,
    definitions,
    dotted,
    parameters,
    patches,
    same_object,
    shared_names,
    text_of,
)
from harness.syntax.python_classes import MOST_FOLLOWED, FollowedClass, NotFollowedError, given_to
from harness.syntax.tree import (
    MAX_DIGITS,
    MAX_TEXT,
    Argument,
    Call,
    Defined,
    Either,
    Heading,
    Name,
    Parsed,
    Reference,
    SnippetError,
    Statement,
    Subscript,
    Unread,
    Value,
    calls,
    check_text,
    last_name,
    meant,
)

_MOST_UNREAD: Final = 20
# Nested functions are re-read once per enclosing one.
_DEEPEST: Final = 24
_MOST_TURNS: Final = 256  # Of all loops, that are read one by one
_COPIES: Final = {"list", "tuple", "dict", "sorted", "reversed"}
_ASSIGNED: Final = re.compile(r"\s*([\w.]+)\s*=(?!=)")
# A signature as a page prints it, with the page's links.
_PRINTED: Final = re.compile(r"(\s*(?:class\s+)?[\w.]+\(.*\))(?:\[source\])?[¶#]?\s*\Z", re.DOTALL)
# What calls in code do not have: an index [source] of an output is one.
_OF_A_PAGE: Final = re.compile(r"\A\s*class\s|,\s*\*\s*,|\*\*kwargs\s*\)|_Null\b|[¶#]\s*\Z")
_BARE_STAR: Final = re.compile(r"(?:(?<=,)|^)\s*\*\s*,")
_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+")


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
    printed = _PRINTED.match(text) if _OF_A_PAGE.search(text) else None
    source = Source(printed[1] if printed else text)
    try:
        module, unread = _tree(source)
        reader = _Reader(source, unread)
        statements = tuple(reader.module(module))
        return Parsed(statements, (*unread, *reader.unread), tuple(reader.patched(module)))
    except SnippetError:
        raise
    except (RecursionError, MemoryError):
        raise SnippetError("the text is nested too deeply.") from None
    except ValueError as error:  # Python 3.11.3 and before: of a null character.
        raise SnippetError(f"this is not Python: {error}.", max(0, text.find("\0"))) from None


def _tree(source: Source) -> tuple[ast.Module, tuple[Unread, ...]]:
    """Parse what is left when lines that are not Python are taken out one by one."""
    lines, unread = list(source.lines), dict[int, Unread]()
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse("\n".join(lines)), tuple(unread.values())
        except SyntaxError as error:
            plain = list(map(_without_bare_star, lines))
            if plain != lines:
                lines = plain
                continue
            number = min(max(error.lineno or 1, 1), len(lines)) - 1
            column = source.offset(number + 1, (error.offset or 1) - 1)
            left_out = Unread(source.offset(number + 1, 0), column, _not_python(error, column))
            if number in unread or len(unread) == _MOST_UNREAD:
                raise next(iter(unread.values()), left_out).error from None
            unread[number] = replace(left_out, end=left_out.start + len(lines[number]))
            lines[number] = _in_place_of(lines[number])


def _without_bare_star(line: str) -> str:
    """Blank out the ``*`` of a signature that a page prints as if it were a call."""
    if "def " in line or "lambda" in line:
        return line
    return _BARE_STAR.sub(lambda star: " " * len(star[0]), line)


def _not_python(error: SyntaxError, column: int) -> SnippetError:
    if "integer string conversion" in error.msg:
        return SnippetError(f"a number of more than {MAX_DIGITS} digits is no size.", column)
    return SnippetError(f"this is not Python: {error.msg.rstrip('.')}.".replace("?.", "?"), column)


def _in_place_of(line: str) -> str:
    """A line that makes all names of another unknown, and keeps a body below it a body."""
    indent = line[: len(line) - len(line.lstrip())]
    words = dict.fromkeys(match[0] for match in _IDENTIFIER.finditer(line))
    names = [word for word in words if not any(map(keyword.iskeyword, word.split(".")))]
    if line.rstrip().endswith(":"):
        return f"{indent}for {', '.join(names) or '_'} in _:"
    given = _ASSIGNED.match(line)
    first = f"{given[1]} = lambda: 0; " if given and given[1] in names else ""
    return f"{indent}{first}del {', '.join(names)}" if names else f"{indent}pass"


class _Reader(Expressions):
    """Turns statements into the neutral tree; each function has its own names."""

    def __init__(self, source: Source, left_out: Sequence[Unread]) -> None:
        super().__init__(source, Names())
        self.unread: list[Unread] = []
        self._shared: frozenset[str] = frozenset()  # Names that other scopes may give values
        self._followed = 0  # How many calls of the text's own classes
        self._turns = 0  # How many turns of loops
        self._left_out = {each.start for each in left_out}
        self._block: tuple[int, ...] = ()
        self._blocks = itertools.count(1)
        self._scope = self._class_scope = _Scope()

    def module(self, module: ast.Module) -> Iterator[Statement]:
        self._scope, self._shared = _Scope.of(module.body), shared_names(module)
        yield from self._statements(module.body)

    def patched(self, module: ast.Module) -> Iterator[tuple[str, int]]:
        """What a text that has been read sets in modules and classes, by its full name."""
        for name, node in patches(module):
            owner_name, _, last = name.rpartition(".")
            owner = self.names.owner(owner_name)
            full = f"{owner.text}.{last}" if isinstance(owner, Reference) else name
            yield full.removeprefix("builtins."), self.source.offset_of(node)

    def _statements(self, body: Iterable[ast.stmt]) -> Iterator[Statement]:
        for node in body:
            yield from self._statement(node)

    def _statement(self, node: ast.stmt) -> Iterator[Statement]:
        match node:
            case ast.If():
                yield from self._if(node)
            case ast.Try() | ast.TryStar():
                # A handler is come to from anywhere in the body.
                before = self.names.copy()
                self._unsettle(node.body)
                within, self.names = self.names, before
                handlers = [(within, [each], each.body) for each in node.handlers]
                body = [*node.body, *node.orelse]
                yield from self._branches([(before, [], body), *handlers])
                yield from self._statements(node.finalbody)
            case ast.Match():
                yield from self._head("match", [node.subject])
                before = self.names
                cases = [(before, [each.pattern], each.body) for each in node.cases]
                yield from self._branches([*cases, (before, [], [])])
            case ast.For() | ast.AsyncFor() | ast.While():
                yield from self._loop(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(node, self._inherited(), Names())
                # What a default is may be changed by any call.
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    for name in same_object(default) if default is not None else ():
                        self.names.change(name, certain=False)
                self._define(node)
            case ast.ClassDef():
                values = [each.value for each in node.keywords]
                yield from self._head("class", [*node.bases, *values, *node.decorator_list])
                around = self._inherited()
                yield from self._class(node, around)
                self._define(node, FollowedClass.of(node, self.names, around))
            case ast.With() | ast.AsyncWith():
                # with chainer.using_config("autotune", True): says something about what follows.
                for item in node.items:
                    later = self._before([item.context_expr])
                    yield self._stated(None, self.value(item.context_expr))
                    self._change(later)
                    self._forget(bindings([item]))
                yield from self._statements(node.body)
            case _:
                yield from self._understood(node)

    def _understood(self, node: ast.stmt) -> list[Statement]:
        """Read a simple statement; leave it out where it is not understood."""
        try:
            return list(self._simple(node))
        except SnippetError as error:
            self._leave_out(node, error)
            self._unsettle([node])
        except RecursionError:
            self._leave_out(node, SnippetError("it is nested too deeply."))
            self.names.forget_all()
        return []

    def _simple(self, node: ast.stmt) -> Iterator[Statement]:
        match node:
            case ast.Assign():
                yield from self._assignment(node.targets, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                yield from self._assignment([node.target], value)
            case ast.AugAssign():
                # layers += [nn.ConvTranspose2d(…)]
                target = copy(node.target)
                target.ctx = ast.Load()
                whole = ast.copy_location(ast.BinOp(target, node.op, node.value), node)
                yield from self._assignment([node.target], whole)
                for name in same_object(node.target):
                    self.names.change_others(name)
            case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
                before = dict(self.names.known)
                later = self._before([value])
                yield self._stated(None, self.value(value))
                self._change(later)
                self._share_given(before, value)
                self._update(before, value)
            case ast.Assert() | ast.Raise():
                children = ast.iter_child_nodes(node)
                parts = [child for child in children if isinstance(child, ast.expr)]
                yield from self._head(type(node).__name__.lower(), parts)
            case _:
                self._give_meanings(node)

    def _give_meanings(self, node: ast.stmt) -> None:
        """Read an import, or what is no expression."""
        if isinstance(node, ast.Delete) and self.source.offset(node.lineno, 0) in self._left_out:
            # What stands in a line that is not Python keeps its meaning, but not its value.
            for name in bindings([node]):
                if not isinstance(self.names.owner(name), Reference | Defined | Either | None):
                    self.names.forget(name)
            return
        self._unsettle([node])
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name, meaning in self._meanings(node):
                self._scope.unsettled -= name == EVERYTHING
                self.names.give(name, self._or_another(name, meaning))

    def _share_given(self, before: Mapping[str, Value], node: ast.expr) -> None:
        """Note that what ``sizes.append(more)`` is given is a part of something else then."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = [*node.args, *(each.value for each in node.keywords)]
            names = [name for each in given for name in same_object(each)]
            changing = [name for name in names if can_change(before.get(name))]
            self.names.share([*same_object(node.func.value), *changing] if changing else [])

    def _update(self, before: Mapping[str, Value], node: ast.expr) -> None:
        """Keep what ``options.update(stride=3)`` and ``sizes.append(3)`` leave."""
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if (
                name in before and method in {"update", "append"}
            ):
                call, whole = self._call(node), before[name]
                if method == "append" and isinstance(whole, tuple) and len(call.positional) == 1:
                    self.names.give(name, (*whole, *call.positional))
                    self.names.share([name, *self._parts_in(self.names.known.get(name), node)])
                elif method == "update" and is_dict(whole):
                    arguments = (Argument(None, whole, call.column), *call.arguments)
                    updated = converted(Call(Name("dict", call.column), arguments, call.column))
                    if updated is not None:
                        self.names.give(name, updated)
                        self.names.share([name, *self._parts_in(updated, node)])

    def _define(self, node: FUNCTIONS | ast.ClassDef, code: FollowedClass | None = None) -> None:
        """Give a function or a class its name, and forget what it may change."""
        self._forget(bindings([node]))
        self._change(changes([node]), if_given=True)
        for name, meaning in self._meanings(node):
            assert isinstance(meaning, Defined)
            self.names.give(name, self._or_another(name, replace(meaning, code=code)))

    def _meanings(self, node: Definition) -> Iterator[tuple[str, Reference | Defined]]:
        """What an import or a definition gives names."""
        column = self.source.offset(node.lineno, 0)
        match node:
            case ast.Import(names=aliases):
                for each in aliases:
                    name = each.name if each.asname else each.name.partition(".")[0]
                    yield each.asname or name, Reference(name, column)
            case ast.ImportFrom(names=aliases):
                module = "." * node.level + (node.module or "")
                for each in aliases:
                    name = "" if each.name == EVERYTHING else f".{each.name}"
                    yield each.asname or each.name, Reference(f"{module}{name}", column)
            case _:
                yield node.name, Defined(node.name, column)

    def _head(self, word: str, parts: Sequence[ast.expr]) -> Iterator[Statement]:
        """Calls in a test, or in another expression whose value is not used."""
        later = self._before(parts)
        try:
            inner = tuple(call for part in parts for call in self._calls_in(part))
        except SnippetError as error:
            self._leave_out(parts[0], error)
            inner = ()
        if inner:
            yield self._stated(None, Heading(f"{word} ...", inner[0].column, inner))
        self._change(later)

    def _leave_out(self, node: ast.stmt | ast.expr, error: SnippetError) -> None:
        start = self.source.offset(node.lineno, 0)
        end = self.source.offset(node.end_lineno or node.lineno, MAX_TEXT)
        self.unread.append(Unread(start, end, error))

    def _stated(self, target: str | None, value: Value, part: Subscript | None = None) -> Statement:
        # Only what stands around a call is ever asked for.
        assigned = dict(self.names.given) if next(calls(value), None) else {}
        return Statement(target, value, assigned, self._block, part)

    def _assignment(self, targets: Sequence[ast.expr], node: ast.expr) -> Iterator[Statement]:
        inside = [child for target in targets for child in ast.iter_child_nodes(target)]
        later = self._before([node, *inside])
        value, assumed = self.with_defaults(node)
        for target in targets:
            part = self.subscript(target) if isinstance(target, ast.Subscript) else None
            yield self._stated(text_of(target), value, part)
        self._change(later)
        # Not what the targets were before.
        meaning = self._meaning(node, value)
        for target in targets:
            self._give(target, meaning, assumed)
        objects = [*same_object(node), *self._parts_in(value, node)]
        if objects or len(targets) > 1:
            given = (name for target in targets for name in same_object(target))
            self.names.share([*objects, *given])

    def _parts_in(self, value: Value, node: ast.AST) -> Iterator[str]:
        """Names of what a list or a dictionary may hold, or be a part of."""
        if not can_change(value):
            return
        is_copy = isinstance(node, ast.BinOp | ast.ListComp) or (
            isinstance(node, ast.Call) and dotted(node.func) in _COPIES
        )
        shares = can_change if holds_changeable(value) or not is_copy else holds_changeable
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and shares(self.names.known.get(each.id)):
                yield each.id

    def _meaning(self, node: ast.expr, value: Value) -> Value:
        """What an alias stands for where it is made."""
        if not isinstance(value, Name) or not (name := dotted(node)):
            return value
        owner = self.names.owner(name)
        if owner is None:
            return Reference(name, value.column, is_imported=False)
        is_meaning = isinstance(owner, Reference | Defined | Either)
        return owner if is_meaning or is_partial(owner) else value

    def _give(self, target: ast.expr, value: Value, assumed: tuple[str, ...]) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for each, item in zip(target.elts, _items(value, target.elts), strict=True):
                self._give(each, item, assumed)
        elif isinstance(target, ast.Subscript):
            self._give_element(target, value, assumed)
        elif isinstance(target, ast.Starred):
            self.names.forget(text_of(target.value))
        else:
            name = text_of(target)
            self.names.give(name, self._or_another(name, value), assumed)

    def _or_another(self, name: str, value: Value) -> Value:
        """A value that a function may change whenever it is called is not known."""
        return either(name, [value, Name(name, 0)]) if name in self._shared else value

    def _give_element(self, target: ast.Subscript, value: Value, assumed: tuple[str, ...]) -> None:
        place = self.value(target.slice)
        place = place if is_key(place) else Name(text_of(target.slice), 0)
        name, of_attributes, _ = text_of(target.value).partition(".__dict__")
        if of_attributes:
            self.names.change(name, certain=True)
        else:
            self.names.give_element(name, place, value, assumed)

    def _if(self, node: ast.If) -> Iterator[Statement]:
        yield from self._head("if", [node.test])
        name = _none(node.test)
        if name not in self.names.undecided:
            before = self.names
            yield from self._branches([(before, [], node.body), (before, [], node.orelse)])
            return
        # if shape is None: shape = …, of a parameter that is None unless the caller gives it.
        before = self.names.copy()
        yield from self._inner(node.body)
        decided, self.names = self.names, before
        yield from self._inner(node.orelse)
        self.names = decided
        decided.assumed[name] = (f"{name}=None",)

    def _branches(
        self, suites: Sequence[tuple[Names, Sequence[ast.AST], Sequence[ast.stmt]]]
    ) -> Iterator[Statement]:
        """Branches: the names before each, what it begins with, and its statements.

        After them a name has a value only where all that come to their end agree on it.
        """
        ends = []
        for names, head, suite in suites:
            self.names = names.copy()
            self._unsettle(head)
            yield from self._inner(suite)
            if not (suite and isinstance(suite[-1], ast.Return | ast.Raise)):
                ends.append(self.names)
        self.names = agreed(ends) if ends else suites[0][0]

    def _inner(self, body: Sequence[ast.stmt]) -> Iterator[Statement]:
        outer = self._block
        if len(outer) == _DEEPEST:
            raise SnippetError(
                f"functions, branches and loops are nested more than {_DEEPEST} deep."
            )
        self._block = (*outer, next(self._blocks))
        yield from self._statements(body)
        self._block = outer

    def _loop(self, node: LOOPS) -> Iterator[Statement]:
        items = self._items_of(node)
        if items is not None:
            assert isinstance(node, ast.For)
            yield from self._head("for", [node.iter])
            yield from self._unrolled(node, items)
            return
        if not isinstance(node, ast.While):
            yield from self._head("for", [node.iter])
            self.names.share([*same_object(node.iter), *same_object(node.target)])
        self._unsettle([node])
        if isinstance(node, ast.While):
            yield from self._head("while", [node.test])
        yield from self._inner([*node.body, *node.orelse])
        self._unsettle([node])

    def _items_of(self, node: LOOPS) -> tuple[Value, ...] | None:
        """What a loop goes over, where the text holds it and the loop goes to its end."""
        if not isinstance(node, ast.For) or node.orelse:
            return None
        inner = [part for each in node.body for part in ast.walk(each)]
        if any(isinstance(part, ast.Break | ast.Continue | ast.Return) for part in inner):
            return None
        if not any(isinstance(part, ast.Call) for part in inner):
            return None
        items = self.value(node.iter)
        if not isinstance(items, tuple) or not all(map(is_plain, items)):
            return None
        self._turns += len(items)
        return items if self._turns <= _MOST_TURNS else None

    def _unrolled(self, node: ast.For, items: Sequence[Value]) -> Iterator[Statement]:
        """The statements of a loop, once for each item."""
        read = self._read
        for item in items:
            self._read = {}
            self._give(node.target, item, ())
            yield from self._inner(node.body)
        self._read = read

    def late_names(self) -> Names:
        """The names that a lambda sees whenever it is called."""
        return self._inherited()

    def _inherited(self) -> Names:
        """The names of this scope that an inner one sees whenever it is called."""
        outer, self.names = self.names, self.names.copy()
        meanings = self._meanings_in(self._scope.definitions)
        for name, times in self._scope.bound.items():
            if len(meanings[name]) == times and (times > 1 or name not in outer.given):
                self.names.give(name, either(name, meanings[name]))
            elif times > 1 or (name not in outer.given and not name.startswith("self.")):
                self.names.forget(name)
        self._change(self._scope.changed, if_given=True)
        if self._scope.unsettled:
            self._change([Change(EVERYTHING, certain=True)])
        names, self.names = self.names, outer
        return names

    def _function(
        self, node: FUNCTIONS, names: Names, attributes: Names
    ) -> Generator[Statement, None, Names]:
        """A function's body; returns what its names stand for in the end."""
        parts = (*node.args.defaults, *node.args.kw_defaults, *node.decorator_list)
        yield from self._head("def", [part for part in parts if part is not None])
        defaults = list(self._defaults(node.args))
        outer = self.names, self._scope
        self.names, self._scope = names, _Scope.of(node.body)
        own = parameters(node)
        self._scope.bound.update(own)
        # A name that the body gives a value is the function's own from its first line.
        self._forget(name for name in self._scope.bound if "." not in name)
        for name in own:
            # The framework itself may be given: ``hybrid_forward(self, F, x)``.
            unknown = Name(name, 0)
            is_object = name in {"self", "cls"}
            self.names.give(name, unknown if is_object else Either(name, 0, (), (None, unknown)))
        for name, value, shown in defaults:
            if value is None:
                self.names.undecided.add(name)
            else:
                self.names.give(name, value, (f"{name}={shown}",))
        for name, value in attributes.given.items():
            self.names.give(name, value, attributes.assumed.get(name, ()))
        yield from self._inner(node.body)
        names = self.names
        self.names, self._scope = outer
        return names

    def _defaults(self, arguments: ast.arguments) -> Iterator[tuple[str, Value, str]]:
        """``def __init__(self, stride=2)``; a ``None`` means that the function decides."""
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = zip(reversed(positional), reversed(arguments.defaults), strict=False)
        keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for inner, default in (*pairs, *keywords):
            if default is not None and not isinstance(value := self.value(default), Name):
                yield inner.arg, value, text_of(default)

    def _class(self, node: ast.ClassDef, around: Names) -> Iterator[Statement]:
        """Methods do not see the names of the class, but one another's ``self.…``."""
        outer, attributes = self.names, Names()
        scopes, block = (self._scope, self._class_scope), self._block
        self.names, self._scope = outer.copy(), _Scope.of(node.body)
        self._class_scope, self._block = self._scope, (*block, -next(self._blocks))
        for inner in node.body:
            if isinstance(inner, FUNCTIONS):
                names = yield from self._function(inner, around.copy(), attributes)
                self._share_attributes(names, attributes)
            else:
                yield from self._statement(inner)
        self.names, self._block = outer, block
        self._scope, self._class_scope = scopes

    def followed(self, call: Call) -> Call:
        """Follow a call of a class of the text to the call of its base that it makes, too."""
        owner = call.owner
        if not isinstance(owner, Defined) or not isinstance(owner.code, FollowedClass):
            return super().followed(call)
        self._followed += 1
        try:
            return self._of_base(call, owner.code)
        except NotFollowedError as error:
            refused = replace(owner, why=str(error))
            return replace(call, function=meant(call, owner.code.first_base), owner=refused)

    def _of_base(self, call: Call, code: FollowedClass) -> Call:
        """The call that makes the object of the base."""
        if self._followed > MOST_FOLLOWED:
            raise NotFollowedError("one of too many that are followed")
        init = code.initializer()
        if init is None:
            of_base = replace(call, function=meant(call, code.base), owner=code.owner)
            return self.followed(of_base)
        made = self._made_by(init, call, code.around)
        places = [place for place, node in enumerate(init.body) if code.is_of_base(node)]
        makers = [
            (statement, inner)
            for statement in made
            for inner in calls(statement.value)
            if last_name(inner) == "__init__"
        ]
        if len(makers) != 1 or len(places) != 1 or makers[0][0].value is not makers[0][1]:
            raise NotFollowedError("whose __init__ does not simply call that of its base")
        rest = init.body[places[0] + 1 :]
        if any(name.startswith("self") for name in (*bindings(rest), *map(_name, changes(rest)))):
            raise NotFollowedError("which changes itself after the __init__ of its base")
        inner = makers[0][1]
        arguments = tuple(replace(each, column=call.column) for each in inner.arguments[1:])
        assumed = tuple(dict.fromkeys((*call.assumed, *inner.assumed)))
        function = meant(call, code.base)
        return self.followed(Call(function, arguments, call.column, assumed, code.owner))

    def _made_by(self, init: ast.FunctionDef, call: Call, around: Names) -> list[Statement]:
        """The statements of an ``__init__``, with what a call gives its parameters."""
        outer = self.names, self._scope, self._read, self._block
        self.names, self._scope, self._read = around.copy(), _Scope.of(init.body), {}
        try:
            defaults = {name: value for name, value, _ in self._defaults(init.args)}
            for name, value in given_to(init.args, call, defaults).items():
                self.names.give(name, value)
            return [statement for node in init.body for statement in self._statement(node)]
        finally:
            self.names, self._scope, self._read, self._block = outer

    def _share_attributes(self, names: Names, attributes: Names) -> None:
        """Add attributes that a method gives, and that nothing else in the class changes."""
        scope = self._class_scope
        for name in names.given:
            is_own = name.startswith("self.") and name not in attributes.given
            if is_own and scope.bound[name] == 1:
                attributes.give(name, names.given[name], names.assumed.get(name, ()))
        for change in scope.changed:
            # Methods that are called change what the class shows them to change.
            if change.name.startswith("self") and not change.method:
                attributes.change(change.name, change.certain and change.name in attributes.given)
        if scope.unsettled:
            attributes.forget_all()

    def _before(self, parts: Sequence[ast.AST]) -> list[Change]:
        """Forget what expressions certainly change, at once: it may be so for a part of them.

        What they may change is returned, and is to be forgotten after them.
        """
        every_change = list(changes(parts))
        self._change(change for change in every_change if change.certain)
        return [change for change in every_change if not change.certain]

    def _unsettle(self, code: Sequence[ast.AST]) -> None:
        """Forget all that code assigns or changes; an import in it may be carried out or not."""
        meanings = self._meanings_in(definitions(code))
        for name, times in bindings(code).items():
            if len(meanings[name]) == times:
                before = [self.names.given[name]] if name in self.names.given else []
                self.names.give(name, either(name, [*before, *meanings[name]]))
            else:
                self.names.forget(name)
        self._change(changes(code))

    def _meanings_in(self, nodes: Iterable[Definition]) -> defaultdict[str, list[Value]]:
        meanings = defaultdict[str, list[Value]](list)
        for node in nodes:
            for name, meaning in self._meanings(node):
                meanings[name].append(meaning)
        return meanings

    def _change(self, code_changes: Iterable[Change], *, if_given: bool = False) -> None:
        for change in code_changes:
            if change.name == EVERYTHING:
                self.names.forget_all()
                self.names.give(EVERYTHING, Name(EVERYTHING, 0))
            elif change.method:
                self._change_by_method(change.method)
            else:
                is_meant = not if_given or change.name in self.names.given
                self.names.change(change.name, change.certain and is_meant)

    def _change_by_method(self, method: str) -> None:
        """``self.method()``, of this class, of one that it inherits from, or of a layer."""
        scope, name = self._class_scope, f"self.{method}"
        if method in scope.bound and method != "__init__":
            for given in [*self.names.given]:
                if given.startswith("self.") and scope.bound[given] > 1:
                    self.names.forget(given)
            own = [change for change in scope.changed if change.name.startswith("self")]
            self._change((change for change in own if not change.method), if_given=True)
        elif name not in scope.bound and name not in self.names.given:
            self.names.change("self", certain=False)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.forget(name)


@dataclass
class _Scope:
    """What the whole of a module, a function or a class does to names.

    ``bound`` says how often it gives names something, ``changed`` what it may change in place,
    ``unsettled`` how often it may change everything from where it is being read.
    """

    bound: Counter[str] = field(default_factory=Counter)
    changed: tuple[Change, ...] = ()
    unsettled: int = 0
    definitions: tuple[Definition, ...] = ()

    @staticmethod
    def of(body: Sequence[ast.stmt]) -> _Scope:
        every_change = list(changes(body))
        everything = [change for change in every_change if change.name == EVERYTHING]
        others = dict.fromkeys(change for change in every_change if change.name != EVERYTHING)
        return _Scope(bindings(body), tuple(others), len(everything), tuple(definitions(body)))


def _items(value: Value, targets: Sequence[ast.expr]) -> Sequence[Value]:
    """The value of each of several targets: of an unknown value, its elements."""
    starred = any(isinstance(target, ast.Starred) for target in targets)
    if isinstance(value, tuple) and len(value) == len(targets) and not starred:
        return value
    if starred or not isinstance(value, Name):
        return [Name(text_of(target), 0) for target in targets]
    return [
        Subscript(f"({value.text})[{place}]", value.column, owner=value, index=place)
        for place in range(len(targets))
    ]


def _name(change: Change) -> str:
    return change.name


def _none(test: ast.expr) -> str:
    """The name that a test compares with ``None``."""
    match test:
        case ast.Compare(ast.Name(id=name), [ast.Is()], [ast.Constant(value=None)]):
            return name
    return ""
