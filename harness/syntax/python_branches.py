"""Which branch of Python code is carried out, where its text decides."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.syntax.expressions import Source, is_plain
from harness.syntax.names import Names
from harness.syntax.python_changes import bindings, changes
from harness.syntax.python_scopes import Scopes
from harness.syntax.tree import MAX_TEXT, SnippetError, Unread, Value


@dataclass
class Frame:
    """A function's body that is read for one call of it."""

    returned: list[Value] = field(default_factory=list)
    undecided: int = 0  # Branches and loops around, of which the call does not say what they do
    ended: bool = False  # Whether nothing below is carried out


class Branches(Scopes):
    """Decides tests of which everything is known."""

    _frame: Frame | None = None

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, left_out, values)
        # Branches that are read where a test decides, and those that are not: first and last line.
        self._entered = set[ast.stmt]()
        self._left: dict[ast.stmt, ast.stmt] = {}
        # Columns of the classes that expressions choose, or not, by what the text holds.
        self._passed_over, self._picked = set[int](), set[int]()

    def never_taken(self) -> Iterator[tuple[int, int]]:
        """Where the text has branches that its own calls, or the user, decide against."""
        for first, last in self._left.items():
            if first not in self._entered:
                end = self.source.offset(last.end_lineno or last.lineno, MAX_TEXT)
                yield self.source.offset(first.lineno, first.col_offset), end
        yield from ((column, column + 1) for column in self._passed_over - self._picked)

    def _take(self, taken: Sequence[ast.stmt], others: Sequence[Sequence[ast.stmt]]) -> None:
        """Note the branch that is carried out, and those that are not."""
        self._entered.update(taken[:1])
        self._left.update({other[0]: other[-1] for other in others if other})

    def _case_taken(self, node: ast.Match) -> list[ast.stmt] | None:
        """What is carried out of a ``match``; ``None`` where the text does not decide it."""
        if not self._decides(node.subject):
            return None
        subject, assumed = self.with_defaults(node.subject)
        if not is_plain(subject) or assumed:
            return None
        for place, case in enumerate(node.cases):
            is_met = self._is_met(case.pattern, subject)
            if is_met is None or (is_met and case.guard is not None):
                return None
            if is_met:
                others = (*node.cases[:place], *node.cases[place + 1 :])
                self._take(case.body, [other.body for other in others])
                return case.body
        return []

    def _is_met(self, pattern: ast.pattern, subject: Value) -> bool | None:
        """Whether a pattern of constants is met; ``None`` of any other."""
        match pattern:
            case ast.MatchAs(pattern=None, name=None):
                return True
            case ast.MatchSingleton(value=singleton):
                return subject is singleton
            case ast.MatchValue(value=value) if is_plain(constant := self.value(value)):
                return subject == constant
            case ast.MatchOr(patterns=patterns):
                met = [self._is_met(each, subject) for each in patterns]
                return None if None in met else any(met)
        return None

    def _where_each_begins(self, test: ast.expr) -> tuple[Names, Names]:
        """What names stand for in both branches of a test.

        Where ``up`` is 1 by default, it is something else in ``if up > 1:``.
        """
        try:
            value, assumed = self.with_defaults(test)
        except SnippetError:  # The head is left out.
            return self.names, self.names
        if not (is_plain(value) and assumed):
            return self.names, self.names
        other = self.names.copy()
        for name, defaults in self.names.assumed.items():
            if not {*defaults}.isdisjoint(assumed):
                other.forget(name)
        return (self.names, other) if value else (other, self.names)

    def _take_defaults_again(self, before: Names, code: Sequence[ast.stmt]) -> None:
        """Give names the defaults again that were none in one of the branches of some code."""
        given = {*bindings(code), *(change.name for change in changes(code))}
        for name, assumed in before.assumed.items():
            if name not in self.names.known and name not in given:
                self.names.give_part(name, before.given[name], assumed)

    def _decides(self, test: ast.expr) -> bool:  # noqa: ARG002 -- for what follows calls
        """Whether a test that is known decides which branch is read."""
        return self._frame is not None
