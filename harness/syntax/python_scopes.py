"""What scopes of Python text do to names, and what names stand for in them."""

from __future__ import annotations

import ast
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.syntax.arrays import whole_array
from harness.syntax.expressions import Expressions, Source, is_partial
from harness.syntax.names import (
    EVERYTHING,
    Names,
    either,
    unknown,
)
from harness.syntax.python_changes import (
    FUNCTIONS,
    Change,
    Definition,
    bindings,
    changes,
    definitions,
    dotted,
    handed_to,
    set_to_none,
)
from harness.syntax.tree import (
    MAX_TEXT,
    Defined,
    Either,
    Followed,
    Name,
    NotFollowed,
    Reference,
    SnippetError,
    Statement,
    Subscript,
    Unread,
    Value,
    calls,
)


class Scopes(Expressions):
    """Knows what every name stands for where a text is being read."""

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, Names())
        self._supplied = values
        self.not_followed: dict[ast.AST, NotFollowed] = {}
        self.unread: list[Unread] = []
        self._shared: frozenset[str] = frozenset()  # Names that other scopes may give values
        self._chain: tuple[Followed, ...] = ()  # The calls that are being followed
        self._turns = 0  # How many turns of loops
        self._scopes: dict[ast.AST, Scope] = {}
        self._left_out = {each.start for each in left_out}
        self._block: tuple[int, ...] = ()
        self._blocks = itertools.count(1)
        self._scope = self._class_scope = self._outermost = Scope()

    def _scope_of(self, node: FUNCTIONS | ast.ClassDef) -> Scope:
        """What the body of a function or a class does: for each of its readings a new copy."""
        if node not in self._scopes:
            self._scopes[node] = Scope.of(node.body)
        scope = self._scopes[node]
        return replace(scope, bound=Counter(scope.bound))

    def late_names(self) -> Names:
        """The names that a lambda sees whenever it is called."""
        return self._inherited()

    def _inherited(self) -> Names:
        """The names of this scope that an inner one sees whenever it is called."""
        outer, self.names = self.names, self.names.copy()
        scope, given = self._scope, outer.given
        if scope.inherited is None:
            scope.inherited = dict(self._inherited_at_first())
        values = scope.inherited.items()
        self.names.give_all(
            {name: value for name, value in values if name not in given or scope.bound[name] > 1}
        )
        self._change(self._scope.changed, if_given=True)
        if self._scope.unsettled:
            self._change([Change(EVERYTHING, certain=True)])
        names, self.names = self.names, outer
        return names

    def _inherited_at_first(self) -> Iterator[tuple[str, Value]]:
        """What the names of this scope are before it gives them anything; then if it does again."""
        meanings = self._scope_meanings()
        for name, times in self._scope.bound.items():
            if times > 1 or not name.startswith("self."):
                yield name, meanings.get(name, unknown(name))

    def _share_attributes(self, names: Names, attributes: Names) -> None:
        """Add attributes that a method gives, and that nothing else in the class changes."""
        scope = self._class_scope
        for name in names.given:
            is_own = name.startswith("self.") and name not in attributes.given
            if is_own and scope.bound[name] == 1:
                value = whole_array(names.given[name], names.given)
                attributes.give(name, value, names.assumed.get(name, ()))
        for change in scope.changed:
            # Methods that are called change what the class shows them to change.
            if change.name.startswith("self") and not change.method:
                certain = change.certain and change.name in attributes.given
                attributes.change(change.name, certain, is_of_element=change.is_of_element)
        if scope.unsettled:
            attributes.forget_all()

    def _before(self, parts: Sequence[ast.AST]) -> list[Change]:
        """Forget what expressions certainly change, at once: it may be so for a part of them.

        What they may change is returned, and is to be forgotten after them.
        """
        every_change = list(changes(parts))
        self._change(change for change in every_change if change.certain)
        return [
            change
            for change in every_change
            if not (change.certain or self._is_left(change, parts))
        ]

    def _is_left(self, change: Change, parts: Sequence[ast.AST]) -> bool:
        """Whether what is changed by its syntax is given only to what changes nothing."""
        if change.method or change.name == EVERYTHING or not self.names.may_change(change.name):
            return False
        # Calls alone start faster without it.
        from harness.syntax.python_classes import leaves_arguments  # noqa: PLC0415

        return all(
            each is not None and leaves_arguments(self.names.owner(dotted(each.func)))
            for each in handed_to(change.name, parts)
        )

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

    def _scope_meanings(self) -> Mapping[str, Value]:
        """What imports and definitions give names, of those that nothing else gives anything.

        But for ``None``, where an import fails: that cannot be called.
        """
        scope = self._scope
        if scope.meanings is None:
            scope.meanings = {
                name: either(name, values)
                for name, values in self._meanings_in(scope.definitions).items()
                if len(values) + scope.nothings.get(name, 0) == scope.bound[name]
            }
        return scope.meanings

    def _meanings_in(self, nodes: Iterable[Definition]) -> defaultdict[str, list[Value]]:
        meanings = defaultdict[str, list[Value]](list)
        for node in nodes:
            for name, meaning in self._meanings(node):
                meanings[name].append(meaning)
        return meanings

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

    def _meaning(self, node: ast.expr, value: Value) -> Value:
        """What an alias stands for where it is made."""
        if not isinstance(value, Name) or not (name := dotted(node)):
            return value
        owner = self.names.owner(name)
        if owner is None:
            return Reference(name, value.column, is_imported=False)
        if isinstance(owner, Reference):  # Here the text hands it on.
            return replace(owner, column=value.column)
        is_meaning = isinstance(owner, Defined | Either)
        return owner if is_meaning or is_partial(owner) else value

    def _change(self, code_changes: Iterable[Change], *, if_given: bool = False) -> None:
        methods = dict[str, None]()
        for change in code_changes:
            if change.name == EVERYTHING:
                self.names.forget_all()
                self.names.give(EVERYTHING, Name(EVERYTHING, 0))
            elif change.method:
                methods[change.method] = None
            else:
                is_meant = not if_given or change.name in self.names.given
                certain = change.certain and is_meant
                self.names.change(change.name, certain, is_of_element=change.is_of_element)
        if methods:
            self._change_by_methods(methods)

    def _change_by_methods(self, methods: Collection[str]) -> None:
        """``self.method()``, of this class, of one that it inherits from, or of a layer."""
        scope, given = self._class_scope, self.names.given
        own = {each for each in methods if each in scope.bound and each != "__init__"}
        names = [f"self.{each}" for each in methods if each not in own]
        if own:
            for name, times in scope.bound.items():
                if times > 1 and name in given and name.startswith("self."):
                    self.names.forget(name)
            changed = [each for each in scope.changed if each.name.startswith("self")]
            self._change((each for each in changed if not each.method), if_given=True)
        if any(name not in scope.bound and name not in given for name in names):
            self.names.change("self", certain=False)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.forget(name)

    def _or_another(self, name: str, value: Value) -> Value:
        """A value that a function may change whenever it is called is not known."""
        return either(name, [value, Name(name, 0)]) if name in self._shared else value

    def _leave_out(self, node: ast.stmt | ast.expr, error: SnippetError) -> None:
        start = self.source.offset(node.lineno, 0)
        end = self.source.offset(node.end_lineno or node.lineno, MAX_TEXT)
        self.unread.append(Unread(start, end, error))

    def _stated(self, target: str | None, value: Value, part: Subscript | None = None) -> Statement:
        # Only what stands around a call is ever asked for.
        assigned = self.names.assigned() if next(calls(value), None) else {}
        return Statement(target, value, assigned, self._block, part, self._chain)


@dataclass
class Scope:
    """What the whole of a module, a function or a class does to names.

    ``bound`` says how often it gives names something, ``changed`` what it may change in place,
    ``unsettled`` how often it may change everything from where it is being read.
    """

    bound: Counter[str] = field(default_factory=Counter)
    changed: tuple[Change, ...] = ()
    unsettled: int = 0
    definitions: tuple[Definition, ...] = ()
    nothings: Mapping[str, int] = field(default_factory=dict)  # How often it gives names ``None``
    # Found when they are asked for: what its imports and definitions give names, and what all its
    # names are for inner scopes.
    meanings: Mapping[str, Value] | None = None
    inherited: Mapping[str, Value] | None = None
    # Functions and classes that it always has, whatever its branches do.
    certain: tuple[ast.FunctionDef | ast.ClassDef, ...] = ()
    late: Mapping[str, Defined] | None = None  # Of these, those below; found when asked for

    @staticmethod
    def of(body: Sequence[ast.stmt]) -> Scope:
        """Return what the statements of a scope do."""
        every_change = list(changes(body))
        everything = [change for change in every_change if change.name == EVERYTHING]
        others = dict.fromkeys(change for change in every_change if change.name != EVERYTHING)
        certain = tuple(each for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef))
        return Scope(
            bindings(body),
            tuple(others),
            len(everything),
            tuple(definitions(body)),
            set_to_none(body),
            certain=certain,
        )
