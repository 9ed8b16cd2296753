"""Python statements as statements of the neutral tree."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.syntax.arrays import makes_an_array, whole_array
from harness.syntax.expressions import Source, converted, is_plain
from harness.syntax.names import (
    EVERYTHING,
    Names,
    agreed,
    as_key,
    can_change,
    holds_changeable,
    is_dict,
    is_key,
)
from harness.syntax.python_branches import Branches
from harness.syntax.python_changes import (
    FUNCTIONS,
    LOOPS,
    bindings,
    changes,
    children,
    dotted,
    is_arg_scope,
    is_of_a_framework,
    parameters,
    patches,
    same_object,
    shared_names,
    statements_in,
    text_of,
    walk,
)
from harness.syntax.python_scopes import Scope
from harness.syntax.tree import (
    MAX_TEXT,
    Argument,
    Call,
    Defined,
    Either,
    Heading,
    Joined,
    Name,
    Record,
    Reference,
    SnippetError,
    Statement,
    Subscript,
    Unread,
    Value,
    WrittenList,
    calls,
)

if TYPE_CHECKING:
    from harness.syntax.python_classes import FollowedClass, FollowedFunction

# Nested functions are re-read once per enclosing one.
_DEEPEST: Final = 24
_MOST_TURNS: Final = 256  # Of all loops, that are read one by one
_COPIES: Final = {"list", "tuple", "dict", "sorted", "reversed"}


class Statements(Branches):
    """Turns statements into the neutral tree; each function has its own names."""

    # The value of the statement that is being read, and what it is given to.
    _whole: ast.expr | None = None
    _target = ""

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, left_out, values)
        # Functions with calls that are not followed, and may give their parameters anything.
        self.given_otherwise = set[ast.AST]()
        self.supposed = set[int]()  # See ``Parsed``
        self.own_forward: dict[int, tuple[str, int]] = {}  # See ``Parsed``
        self._set: tuple[tuple[str, ast.expr], ...] | None = None
        self.deciding: dict[str, tuple[str, str]] = {}  # See ``Parsed``
        self._unreached: Collection[ast.AST] = ()  # Functions that are not read
        # The statements of the text itself, with all that is read of each and, where it may be read
        # again, what names stand for before it and what is not settled yet.
        self._pieces: list[tuple[ast.stmt, list[Statement], tuple[Names, int] | None]] = []

    def module(self, module: ast.Module) -> Iterator[Statement]:
        """Read a whole text."""
        self._scope = self._outermost = Scope.of(module.body)
        self._shared = shared_names(module)
        for node in module.body:
            has_defaults = any(map(_may_have_defaults, statements_in(node)))
            before = (self.names.copy(), self._scope.unsettled) if has_defaults else None
            statements = list(self._statement(node))
            self._pieces.append((node, statements, before))
            yield from statements

    def again(self, functions: set[ast.AST]) -> Iterator[Statement]:
        """Read what holds some functions again; the rest of the text stays as it was read.

        They have no defaults now where a call that is not followed may give them anything.
        """
        self._turns, end = 0, self.names
        for node, statements, before in self._pieces:
            if before is None or functions.isdisjoint(statements_in(node)):
                yield from statements
                continue
            first = self.source.offset(node.lineno, 0)
            last = self.source.offset(node.end_lineno or node.lineno, MAX_TEXT)
            self.unread = [each for each in self.unread if not first <= each.start <= last]
            self.names, self._scope.unsettled = before
            self._read = {}
            yield from self._statement(node)
        self.names = end
        self.unread.sort(key=lambda each: each.start)

    def set_in(self, module: ast.Module) -> Sequence[tuple[str, ast.expr]]:
        """What a text sets in modules, classes and objects, found once."""
        if self._set is None:
            self._set = tuple(patches(module))
        return self._set

    def patched(self, module: ast.Module) -> Iterator[tuple[str, int]]:
        """What a text that has been read sets in modules and classes, by its full name."""
        for name, node in self.set_in(module):
            owner_name, _, last = name.rpartition(".")
            owner = self.names.owner(owner_name)
            full = f"{owner.text}.{last}" if isinstance(owner, Reference) else name
            yield full.removeprefix("builtins."), self.source.offset_of(node)

    def _statements(self, body: Iterable[ast.stmt]) -> Iterator[Statement]:
        for node in body:
            if self._frame is not None and self._frame.ended:
                return
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
                if (taken := self._case_taken(node)) is not None:
                    yield from self._statements(taken)
                    return
                before = self.names
                cases = [(before, [each.pattern], each.body) for each in node.cases]
                yield from self._branches([*cases, (before, [], [])])
            case ast.For() | ast.AsyncFor() | ast.While():
                yield from self._loop(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._definition(node)
            case ast.ClassDef():
                values = [each.value for each in node.keywords]
                yield from self._head("class", [*node.bases, *values, *node.decorator_list])
                # Calls alone start faster without it.
                from harness.syntax.python_classes import FollowedClass  # noqa: PLC0415

                around = self._inherited()
                yield from self._class(node, around)
                self._define(node, FollowedClass.of(node, self.names, around))
            case ast.With() | ast.AsyncWith():
                yield from self._with(node)
            case _:
                yield from self._understood(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> Iterator[Statement]:
        """``with chainer.using_config("autotune", True):`` says something about what follows."""
        outer = self._block
        if any(map(is_arg_scope, node.items)):
            self._block = (*outer, next(self._blocks))  # It holds for no call after it.
        for item in node.items:
            later = self._before([item.context_expr])
            value = self.value(item.context_expr)
            yield self._stated(None, value)
            self._change(later)
            self._forget(bindings([item]))
            if is_arg_scope(item) and isinstance(item.optional_vars, ast.Name):
                self.names.give(item.optional_vars.id, value)
        yield from self._statements(node.body)
        self._block = outer

    def _definition(self, node: FUNCTIONS) -> Iterator[Statement]:
        """A function that stands in no class."""
        is_passed_over, code = node in self._unreached, None
        if not is_passed_over or self._is_followable(node):
            around = self._inherited()
            code = self._code_of(node, around)
        if is_passed_over:
            yield from self._given_in(node)
        else:
            yield from self._function(node, around.copy() if code else around, Names())
        # What a default is may be changed by any call.
        for default in (*node.args.defaults, *node.args.kw_defaults):
            for name in same_object(default) if default is not None else ():
                self.names.change(name, certain=False)
        self._define(node, code)

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
                rest = self._without_popped(node)
                value = node.value if rest is None else _as_got(node.value)
                yield from self._assignment(node.targets, value)
                if rest is not None:
                    self._change(changes([node.value]))
                    self.names.give(*rest)
            case ast.AnnAssign(value=ast.expr() as value):
                yield from self._assignment([node.target], value)
            case ast.AugAssign():
                # layers += [nn.ConvTranspose2d(…)]
                target = _as_read(node.target)
                whole = ast.copy_location(ast.BinOp(target, node.op, node.value), node)
                yield from self._assignment([node.target], whole)
                for name in same_object(node.target):
                    self.names.change_others(name)
            case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
                before = dict(self.names.known)
                later = self._before([value])
                read = self.value(value)
                yield self._stated(None, read)
                self._change(later)
                if isinstance(node, ast.Return):
                    is_one = isinstance(read, Name | Call)
                    self._end(self._given(value, read) if is_one else self._with_classes(read))
                self._share_given(before, value)
                self._update(before, value)
            case ast.Assert() | ast.Raise():
                children = ast.iter_child_nodes(node)
                parts = [child for child in children if isinstance(child, ast.expr)]
                yield from self._head(type(node).__name__.lower(), parts)
                if isinstance(node, ast.Raise):
                    self._end()
            case ast.Return():
                self._end(None)
            case _:
                self._give_meanings(node)

    def _end(self, *values: Value) -> None:
        """Note what the function that is being read for a call gives back, and that it ends."""
        if self._frame is not None:
            self._frame.returned += values
            self._frame.ended = not self._frame.undecided

    def _with_classes(self, value: Value) -> Value:
        """Put the classes that a function chose in the place of their names."""
        if not isinstance(value, tuple):
            return value
        owners = [self.names.owner(each.text) if type(each) is Name else None for each in value]
        pairs = zip(value, owners, strict=True)
        return type(value)(
            owner if isinstance(owner, Reference) and owner.is_imported else each
            for each, owner in pairs
        )

    def _given(self, node: ast.expr, value: Value) -> Value:
        """What a name was given, where that is a call, or what a call made."""
        given = self.names.given.get(dotted(node), value)
        return given if isinstance(given, Call | Record) else value

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
            owner = self.names.owner(dotted(node.func.value))
            if isinstance(owner, Reference) and is_of_a_framework(owner.text):
                return  # A module keeps nothing.
            given = [*node.args, *(each.value for each in node.keywords)]
            names = [name for each in given for name in same_object(each)]
            changing = [name for name in names if can_change(before.get(name))]
            self.names.share([*same_object(node.func.value), *changing] if changing else [])

    def _without_popped(self, node: ast.Assign) -> tuple[str, Value] | None:
        """The dictionary, and what is left of it, of ``stride = options.pop("stride", 2)``."""
        match node:
            case ast.Assign(
                targets=[ast.Name(id=target)],
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="pop"),
                    args=[ast.Constant(value=str(key)), *default],
                    keywords=[],
                ),
            ) if target != name and name not in self.names.assumed and len(default) < 2:
                whole = self.names.known.get(name)
                if isinstance(whole, Call) and is_dict(whole) and (default or key in whole.named):
                    left = tuple(each for each in whole.arguments if each.name != key)
                    return name, replace(whole, arguments=left)
        return None

    def _update(self, before: Mapping[str, Value], node: ast.expr) -> None:
        """Keep what ``options.update(stride=3)``, ``sizes.append(3)`` and the like leave."""
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if (
                name in before and method in {"update", "append", "setdefault"}
            ):
                call, whole = self._call(node), before[name]
                if method == "append" and isinstance(whole, tuple) and len(call.positional) == 1:
                    self.names.give(name, WrittenList((*whole, *call.positional)))
                    self.names.share([name, *self._parts_in(self.names.known.get(name), node)])
                elif method == "setdefault" and is_dict(whole) and len(call.arguments) == 2:
                    self._set_default(name, whole, call, node)
                elif method == "update" and is_dict(whole):
                    arguments = (Argument(None, whole, call.column), *call.arguments)
                    updated = converted(Call(Name("dict", call.column), arguments, call.column))
                    if updated is not None:
                        self.names.give(name, updated)
                        self.names.share([name, *self._parts_in(updated, node)])

    def _is_followable(self, node: ast.stmt) -> bool:
        """Whether calls of a function may be followed."""
        raise NotImplementedError

    def _set_default(self, name: str, whole: Value, call: Call, node: ast.expr) -> None:
        """Keep what ``options.setdefault("stride", 2)`` leaves."""
        key = as_key(call.positional[0]) if len(call.positional) == 2 else None
        assert isinstance(whole, Call)
        if key is not None:
            added = () if key in whole.named else (Argument(key, call.positional[1], call.column),)
            self.names.give(name, replace(whole, arguments=(*whole.arguments, *added)))
            self.names.share([name, *self._parts_in(self.names.known.get(name), node)])

    def _code_of(self, node: ast.stmt, around: Names) -> FollowedFunction | FollowedClass | None:
        """What calls of a function or a class are followed with, if they are."""
        raise NotImplementedError

    def _define(
        self, node: FUNCTIONS | ast.ClassDef, code: FollowedFunction | FollowedClass | None
    ) -> None:
        """Give a function or a class its name, and forget what it may change."""
        self._forget(bindings([node]))
        self._change(changes([node]), if_given=True)
        for name, meaning in self._meanings(node):
            assert isinstance(meaning, Defined)
            self.names.give(name, self._or_another(name, replace(meaning, code=code)))

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

    def _assignment(self, targets: Sequence[ast.expr], node: ast.expr) -> Iterator[Statement]:
        inside = [child for target in targets for child in ast.iter_child_nodes(target)]
        later = self._before([node, *inside])
        self._whole, self._target = node, text_of(targets[0])
        value, assumed = self.with_defaults(node)
        for target in targets:
            part = self.subscript(target) if isinstance(target, ast.Subscript) else None
            yield self._stated(text_of(target), value, part)
        self._change(later)
        # Not what the targets were before.
        meaning = self._meaning(node, value)
        if makes_an_array(self.names.given.get(self._target)):
            meaning = whole_array(meaning, self.names.given)  # w = w.astype("float32")
        for target in targets:
            # What is unpacked is no function, but x.shape.
            is_unpacked = isinstance(target, ast.Tuple | ast.List) and isinstance(meaning, Either)
            self._give(target, value if is_unpacked else meaning, assumed)
        if isinstance(value, int | float | str):
            return  # Which no list holds as a part that can change
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
        pending = [node]
        while pending:
            each = pending.pop()
            if isinstance(each, ast.Name) and shares(self.names.known.get(each.id)):
                yield each.id
            elif isinstance(each, ast.Call) and self._makes_a_layer(each):
                pass  # Which holds no list that it is made with
            elif not (isinstance(each, ast.Subscript) and type(self.value(each)) is int):
                pending += ast.iter_child_nodes(each)

    def _makes_a_layer(self, node: ast.Call) -> bool:
        """Whether a call certainly makes an object of a framework's class."""
        name = dotted(node.func)
        # OPS[rank](...) and getattr(nn, name)(...) were read before.
        owner = self.names.owner(name) if name else self._call(node).owner
        options = owner.options if isinstance(owner, Either) else (owner,)
        return all(
            isinstance(each, Reference)
            and (each.is_imported or not name)
            and each.text.rpartition(".")[2][:1].isupper()
            and is_of_a_framework(each.text)
            for each in options
        )

    def _give(self, target: ast.expr, value: Value, assumed: tuple[str, ...]) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for each, item in zip(target.elts, _items(value, target.elts), strict=True):
                self._give(each, self.with_meanings(item), assumed)
        elif isinstance(target, ast.Subscript):
            self._give_element(target, value, assumed)
        elif isinstance(target, ast.Starred):
            self.names.forget(text_of(target.value))
        else:
            name = text_of(target)
            self.names.give(name, self._or_another(name, value), assumed)
            whole, of_attributes, _ = name.partition(".__dict__")
            if of_attributes:
                self.names.change(whole, certain=True)

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
        if self._decides(node.test):
            test, assumed = self.with_defaults(node.test)
            if is_plain(test) and not assumed:
                taken, other = (node.body, node.orelse) if test else (node.orelse, node.body)
                self._take(taken, [other])
                yield from self._statements(taken)
                return
        name = _none(node.test)
        if name not in self.names.undecided:
            before = self.names
            of_body, of_else = self._where_each_begins(node.test)
            in_body = self._with_sequences(of_body, node.test)
            yield from self._branches([(in_body, [], node.body), (of_else, [], node.orelse)])
            taken = node.body if of_body is before else node.orelse
            # Below a return, the default has decided against all that follows, too.
            if of_body is not of_else and not _leaves(taken):
                self._take_defaults_again(before, [*node.body, *node.orelse])
            return
        # if shape is None: shape = …, of a parameter that is None unless the caller gives it.
        before = self.names.copy()
        yield from self._maybe(node.body)
        decided, self.names = self.names, before
        yield from self._maybe(node.orelse)
        self.names = decided
        decided.assumed[name] = (f"{name}=None",)

    def _with_sequences(self, names: Names, test: ast.expr) -> Names:
        """Names of a branch that is taken only where some of them are sequences."""
        # Other look-ups start faster without it.
        from harness.syntax.python_sequences import shown_per_axis  # noqa: PLC0415

        shown = shown_per_axis(test)
        if not shown:
            return names
        names = names.copy()
        for each in shown:
            if each not in names.known:
                names.give(each, Joined(each, 0))
        return names

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
            yield from self._maybe(suite)
            if not _leaves(suite):
                ends.append(self.names)
        self.names = agreed(ends) if ends else suites[0][0]
        if self._frame is not None and not ends:
            self._frame.ended = not self._frame.undecided

    def _inner(self, body: Sequence[ast.stmt]) -> Iterator[Statement]:
        outer = self._block
        if len(outer) >= _DEEPEST:
            raise SnippetError(
                f"functions, branches and loops are nested more than {_DEEPEST} deep."
            )
        self._block = (*outer, next(self._blocks))
        yield from self._statements(body)
        self._block = outer

    def _maybe(self, body: Sequence[ast.stmt]) -> Iterator[Statement]:
        """What may be carried out or not."""
        frame = self._frame
        if frame is not None:
            frame.undecided += 1
        yield from self._inner(body)
        if frame is not None:
            frame.undecided -= 1

    def _loop(self, node: LOOPS) -> Iterator[Statement]:
        items, assumed = self._items_of(node)
        if items is not None:
            assert isinstance(node, ast.For)
            yield from self._head("for", [node.iter])
            yield from self._unrolled(node, items, assumed)
            return
        if isinstance(node, ast.While) and (turns := self._turns_of(node)) is not None:
            yield from turns
            return
        if not isinstance(node, ast.While):
            yield from self._head("for", [node.iter])
            self.names.share([*same_object(node.iter), *same_object(node.target)])
        self._unsettle([node])
        if isinstance(node, ast.While):
            yield from self._head("while", [node.test])
        yield from self._maybe([*node.body, *node.orelse])
        self._unsettle([node])

    def _items_of(self, node: LOOPS) -> tuple[tuple[Value, ...] | None, tuple[str, ...]]:
        """What a loop goes over, where the text holds it and the loop goes to its end.

        And the defaults of functions that it was computed from.
        """
        if not isinstance(node, ast.For) or node.orelse:
            return None, ()
        if any(_ends_early(each) for each in _without_continue(node)):
            return None, ()
        if not any(isinstance(part, ast.Call) for each in node.body for part in walk(each)):
            return None, ()
        items, assumed = self.with_defaults(node.iter)
        items = self.with_meanings(items)
        if not isinstance(items, tuple) or not all(map(_is_item, items)):
            return None, ()
        self._turns += len(items)
        return (items, assumed) if self._turns <= _MOST_TURNS else (None, ())

    def _turns_of(self, node: ast.While) -> list[Statement] | None:
        """The statements of a loop whose condition is known before each turn of few."""
        if node.orelse or any(map(_ends_early, node.body)):
            return None
        kept = self.names.copy(), self._read, len(self.unread), self._turns
        statements = list[Statement]()
        while self._turns <= _MOST_TURNS:
            self._read = {}
            test, assumed = self._test(node.test)
            if not is_plain(test) or assumed or isinstance(test, tuple):
                break
            if not test:
                return statements if self._turns > kept[3] else None
            self._turns += 1
            self._read = {}
            statements += self._head("while", [node.test])
            statements += self._inner(node.body)
        self.names, self._read, _, self._turns = kept
        del self.unread[kept[2] :]
        return None

    def _test(self, node: ast.expr) -> tuple[Value, tuple[str, ...]]:
        try:
            return self.with_defaults(node)
        except SnippetError:
            return Name(text_of(node), 0), ()

    def _unrolled(
        self, node: ast.For, items: Sequence[Value], assumed: tuple[str, ...]
    ) -> Iterator[Statement]:
        """The statements of a loop, once for each item."""
        read, body = self._read, _without_continue(node)
        for item in items:
            self._read = {}
            self._give(node.target, item, assumed)
            yield from self._inner(body)
        self._read = read

    def _function(
        self, node: FUNCTIONS, names: Names, attributes: Names
    ) -> Generator[Statement, None, Names]:
        """A function's body; returns what its names stand for in the end."""
        parts = (*node.args.defaults, *node.args.kw_defaults, *node.decorator_list)
        yield from self._head("def", [part for part in parts if part is not None])
        defaults = list(self._defaults(node.args))
        of_axes = self._sequences_among(node, defaults)
        defaults = [] if node in self.given_otherwise else defaults
        outer, around = (self.names, self._scope, self._frame), names
        self.names, self._scope, self._frame = names.apart(), self._scope_of(node), None
        own = parameters(node)
        self._scope.bound.update(own)
        # A name that the body gives a value is the function's own from its first line.
        self._forget(name for name in self._scope.bound if "." not in name)
        for name in own:
            # The framework itself may be given: ``hybrid_forward(self, F, x)``.
            unknown = Name(name, 0)
            is_object = name in {"self", "cls"}
            self.names.give(name, unknown if is_object else Either(name, 0, (), (None, unknown)))
        for name in of_axes:
            self.names.give(name, Joined(name, 0))
        for name, value, shown in defaults:
            if value is None:
                self.names.undecided.add(name)
            elif isinstance(value, Record):
                self._give_settings(name, value, shown)
            else:
                self.names.give(name, value, (f"{name}={shown}",))
        for name, value in attributes.given.items():
            self.names.give(name, value, attributes.assumed.get(name, ()))
        yield from self._inner(node.body)
        names = self.names
        around.leave(names, self._own_of(node))
        self.names, self._scope, self._frame = outer
        return names

    def _given_in(self, node: FUNCTIONS) -> Iterator[Statement]:
        """Note what names a function that is passed over gives something."""
        block = (*self._block, next(self._blocks))
        for each in statements_in(node):
            for target, value in _given_by(each):
                if name := dotted(target):
                    known = isinstance(value, ast.Constant) and not isinstance(value.value, int)
                    given = self.value(value) if known else Name("", self.source.offset_of(value))
                    yield Statement(name, given, {}, block)

    def _give_settings(self, name: str, record: Record, shown: str) -> None:
        """Give a parameter the attributes of an object that is its default."""
        raise NotImplementedError

    def _sequences_among(
        self,
        node: FUNCTIONS,  # noqa: ARG002
        defaults: Sequence[tuple[str, Value, str]],
    ) -> Sequence[str]:
        """Parameters that are sequences, whatever a caller gives them."""
        return [name for name, value, _ in defaults if isinstance(value, tuple)]

    def _own_of(self, node: FUNCTIONS) -> set[str]:
        """The names of a function that no other scope sees."""
        return {*self._scope_of(node).bound, *parameters(node)} - {"self", *self._shared}

    def _defaults(self, arguments: ast.arguments) -> Iterator[tuple[str, Value, str]]:
        """``def __init__(self, stride=2)``; a ``None`` means that the function decides."""
        for name, default in _written_defaults(arguments):
            value = self.value(default)
            is_open = isinstance(value, Name) and not isinstance(value, Record)
            meaning = self._class_by_default(name, default) if is_open else value
            if meaning is not None or value is None:
                yield name, meaning, text_of(default)

    def _class_by_default(self, name: str, default: ast.expr) -> Value:  # noqa: ARG002
        """What a parameter may be whose default is a class or a function."""
        return None

    def with_replaced_defaults(
        self, module: ast.Module, statements: Sequence[Statement]
    ) -> set[ast.AST]:
        """Return the functions with layers whose defaults a call that is not followed replaces."""
        used = {*self._assumed}
        functions = [
            function
            for function in self.given_otherwise
            if isinstance(function, FUNCTIONS)
            and any(_is_used(each, used) for each in _written_defaults(function.args))
        ]
        if not functions:
            return set()
        from harness.syntax.python_classes import may_make_a_layer  # noqa: PLC0415

        any_name = any(isinstance(value, str) for value in self._supplied.values())
        columns = sorted(
            column
            for each in statements
            for call in calls(each.value)
            if any_name or may_make_a_layer(call)
            for column in (call.column, *(outer.column for outer in each.followed))
        )
        classes = (each for each in statements_in(module) if isinstance(each, ast.ClassDef))
        around = {inner: each for each in classes for inner in each.body}
        replaced = set[ast.AST]()
        for function in functions:
            # What one method gives ``self``, all of them see.
            whole = around.get(function, function)
            start = self.source.offset(whole.lineno, 0)
            end = self.source.offset(whole.end_lineno or whole.lineno, MAX_TEXT)
            if bisect_left(columns, start) < bisect_right(columns, end):
                replaced.add(function)
        return replaced

    def _attributes_of(self, node: ast.ClassDef, around: Names) -> Names:
        """What the body of a class gives its objects."""
        raise NotImplementedError

    def _class(self, node: ast.ClassDef, around: Names) -> Iterator[Statement]:
        """Methods do not see the names of the class, but one another's ``self.…``."""
        outer, attributes = self.names, self._attributes_of(node, around)
        scopes, block, frame = (self._scope, self._class_scope), self._block, self._frame
        self._frame = None
        self.names, self._scope = outer.copy(), self._scope_of(node)
        self._class_scope, self._block = self._scope, (*block, -next(self._blocks))
        for inner in node.body:
            if isinstance(inner, FUNCTIONS):
                if inner in self._unreached:
                    yield from self._given_in(inner)
                    names = Names()
                else:
                    names = yield from self._function(inner, around.copy(), attributes)
                self._share_attributes(names, attributes)
            else:
                yield from self._statement(inner)
        self.names, self._block, self._frame = outer, block, frame
        self._scope, self._class_scope = scopes


def _leaves(suite: Sequence[ast.stmt]) -> bool:
    """Whether nothing below a suite is carried out after it."""
    match suite[-1] if suite else None:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=body, orelse=orelse):
            return _leaves(body) and _leaves(orelse)
    return False


def _ends_early(node: ast.AST, *, in_loop: bool = False) -> bool:
    """Whether a statement may end the loop that it stands in, or a turn of it."""
    if isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and not in_loop):
        return True
    if isinstance(node, FUNCTIONS | ast.Lambda | ast.ClassDef | ast.expr):
        return False
    in_loop = in_loop or isinstance(node, LOOPS)
    return any(_ends_early(each, in_loop=in_loop) for each in children(node))


def _without_continue(loop: ast.For) -> Sequence[ast.stmt]:
    """Put what follows ``if skipped: continue`` into its ``else``, which means the same.

    Where it depends on the turn, or stands before a layer, the loop may make fewer than are read.
    """
    return _with_else(loop.body, bindings([loop]).keys())


def _with_else(body: Sequence[ast.stmt], own: Collection[str]) -> Sequence[ast.stmt]:
    for place, node in enumerate(body):
        match node:
            case ast.If(test, [*first, ast.Continue() as end], others) if not any(
                isinstance(each, ast.Name) and each.id in own for each in walk(test)
            ):
                rest = [*others, *_with_else(body[place + 1 :], own)]
                if any(map(_names_a_layer, rest)):
                    return body
                taken = first or [ast.copy_location(ast.Pass(), end)]
                return [*body[:place], ast.copy_location(ast.If(test, taken, rest), node)]
    return body


def _names_a_layer(node: ast.stmt) -> bool:
    # Few loops need it.
    from harness.syntax.python_classes import is_likely  # noqa: PLC0415

    names = (dotted(each.func) for each in walk(node) if isinstance(each, ast.Call))
    return any(is_likely(name.rpartition(".")[2]) for name in names)


def _given_by(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target of an assignment, with what it is given."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((each, value) for each in targets)
        case ast.AugAssign(target, _, value) | ast.AnnAssign(target, _, ast.expr() as value):
            yield target, value


def _is_item(value: Value) -> bool:
    """Whether the text holds it whole, or it is a class or a dictionary, or has such parts."""
    if isinstance(value, tuple):
        return all(map(_is_item, value))
    if is_dict(value):
        assert isinstance(value, Call)
        return all(_is_item(each.value) for each in value.arguments)
    return isinstance(value, Reference | Defined | Either) or is_plain(value)


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


def _written_defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Parameters that have a default, and the default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = zip(reversed(positional), reversed(arguments.defaults), strict=False)
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for inner, default in (*pairs, *keywords):
        if default is not None:
            yield inner.arg, default


def _may_have_defaults(node: ast.AST) -> bool:
    return isinstance(node, FUNCTIONS) and any(_written_defaults(node.args))


def _is_used(parameter: tuple[str, ast.expr], used: Collection[str]) -> bool:
    """Whether anything is computed from a parameter's default, or decided by it."""
    name, default = parameter
    may_be_none = isinstance(default, ast.Name | ast.Attribute)
    may_be_none |= isinstance(default, ast.Constant) and default.value is None
    return may_be_none or f"{name}={text_of(default)}" in used


def _none(test: ast.expr) -> str:
    """The name that a test compares with ``None``, or that it asks for nothing."""
    match test:
        case ast.UnaryOp(ast.Not(), ast.Name(id=name)):
            return name
        case ast.Compare(ast.Name(id=name), [ast.Is()], [ast.Constant(value=None)]):
            return name
    return ""


def _as_read(node: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    """What ``sizes[0] += 1`` reads."""
    read: ast.expr
    match node:
        case ast.Name(id=name):
            read = ast.Name(name, ast.Load())
        case ast.Attribute(value=owner, attr=attribute):
            read = ast.Attribute(owner, attribute, ast.Load())
        case _:
            read = ast.Subscript(node.value, node.slice, ast.Load())
    return ast.copy_location(read, node)


def _as_got(node: ast.expr) -> ast.expr:
    """``options.get("stride", 2)`` in the place of ``options.pop("stride", 2)``."""
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    method = ast.copy_location(ast.Attribute(node.func.value, "get", ast.Load()), node.func)
    return ast.copy_location(ast.Call(method, node.args, []), node)
