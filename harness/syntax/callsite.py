"""One call in a text, and what the text says around it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from harness.syntax.tree import Call, Followed, Reference, Statement, Value, calls, names_in

_WORD: Final = re.compile(r"\w+")
_DOTTED: Final = re.compile(r"[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+")


class Application(NamedTuple):
    """A call of the layer that a call makes, and the statement that holds it."""

    call: Call
    statement: Statement


@dataclass(frozen=True, eq=False)
class Code:
    """The statements of a text; what is asked of all of them is found once for all calls.

    Examples
    --------
    >>> from harness.syntax.python import read
    >>> code = Code(read("import prune as p; up = f(g(2)); p.l1(up)").statements)
    >>> [call.dotted for call in code.calls]
    ['f', 'g', 'p.l1']
    >>> [call.written for _, call in code.naming("prune", "g")]
    ['g', 'p.l1']
    >>> code.showing("up")
    [0, 1]
    """

    statements: tuple[Statement, ...]

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call in the text, such as those of ``with`` statements."""
        return tuple(call for _, call in self._places)

    @cached_property
    def given(self) -> Mapping[str | None, tuple[Value, ...]]:
        """All that the statements give to each name, in the order of the text."""
        values: dict[str | None, list[Value]] = {}
        for statement in self.statements:
            values.setdefault(statement.target, []).append(statement.value)
        return {name: tuple(all_given) for name, all_given in values.items()}

    def naming(self, *words: str) -> list[tuple[Statement, Call]]:
        """Calls with any of some words in the function's name, as written or as imported."""
        places = {place for word in words for place in self._by_word.get(word, ())}
        return [self._places[place] for place in sorted(places)]

    def showing(self, name: str) -> Sequence[int]:
        """Places of the statements that have a dotted name, or an element of it, in any role."""
        head = _DOTTED.match(name)
        return self._by_name.get(head[0] if head else name, ())

    def holding(self, call: Call) -> Sequence[int]:
        """Places of the statements whose values have a call in them."""
        return self._by_call.get(id(call), ())

    def place_of(self, statement: Statement) -> int:
        """The place of a statement, which is one of them."""
        return self._by_statement[id(statement)]

    @cached_property
    def _by_statement(self) -> Mapping[int, int]:
        return {id(each): place for place, each in reversed([*enumerate(self.statements)])}

    @cached_property
    def _by_call(self) -> Mapping[int, list[int]]:
        by_call = defaultdict[int, list[int]](list)
        for place, statement in enumerate(self.statements):
            for each in {id(call) for call in calls(statement.value)}:
                by_call[each].append(place)
        return by_call

    @cached_property
    def _by_name(self) -> Mapping[str, list[int]]:
        by_name = defaultdict[str, list[int]](list)
        for place, statement in enumerate(self.statements):
            target, value = statement.target or "", statement.value
            # A name's text holds those of its parts, but what is called may be an alias.
            texts = {target, *(name.text for name in names_in(value))}
            texts |= {call.dotted for call in calls(value)}
            dotted = {each for text in texts for each in _DOTTED.findall(text)}
            for name in {target, *dotted, *(owner for each in dotted for owner in _owners(each))}:
                by_name[name].append(place)
        return by_name

    @cached_property
    def _places(self) -> tuple[tuple[Statement, Call], ...]:
        return tuple((each, call) for each in self.statements for call in calls(each.value))

    @cached_property
    def _by_word(self) -> Mapping[str, list[int]]:
        by_word: dict[str, list[int]] = {}
        for place, (_, call) in enumerate(self._places):
            imported = call.owner.text if isinstance(call.owner, Reference) else ""
            for word in {*_WORD.findall(call.dotted), *_WORD.findall(imported)}:
                by_word.setdefault(word, []).append(place)
        return by_word


@lru_cache(maxsize=4096)
def _owners(dotted: str) -> tuple[str, ...]:
    """``a`` and ``a.b`` of ``a.b.c``."""
    words = dotted.split(".")
    return tuple(".".join(words[:count]) for count in range(1, len(words)))


@dataclass(frozen=True, eq=False)
class CallSite:
    """A call where it stands."""

    call: Call
    line: int  # Of the text, from 1; so is the column
    column: int
    code: Code
    place: int  # Of the statement that holds the call
    # The calls of the layer that the call makes, in the order of the text after it.
    applications: tuple[Application, ...] = ()
    # What the Python around it does to its weights: it splits them into so many groups, with a call
    # for each, and writes the zeros of such a dilation into the kernel.
    groups: int = 1
    steps: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()  # On lines that may change what is called
    # Calls of the text's own through which it is come to, innermost first: the last is its place.
    followed: tuple[Followed, ...] = ()
    # Lines of the framework's call and of those between, where it is come to through others.
    within: tuple[int, ...] = ()
    taken_for: str = ""  # One of several functions among which the text chooses what is called

    @property
    def statement(self) -> Statement:
        """The statement that holds the call."""
        return self.code.statements[self.place]

    @cached_property
    def before(self) -> tuple[Statement, ...]:
        """All statements above it."""
        return self.code.statements[: self.place]

    @cached_property
    def after(self) -> tuple[Statement, ...]:
        """All statements below it."""
        return self.code.statements[self.place + 1 :]

    @property
    def function(self) -> str:
        """The dotted name that is called."""
        return self.taken_for or self.call.dotted

    @property
    def last_name(self) -> str:
        """Its last part."""
        return self.function.rpartition(".")[2]

    @property
    def stands_alone(self) -> bool:
        """Whether the text is this call and nothing else."""
        return len(self.code.statements) == 1 and self.statement.value is self.call

    @property
    def columns(self) -> tuple[int, ...]:
        """The offset in the text of the call, and of each that it is come to through."""
        return (self.call.column, *(each.column for each in self.followed))

    @property
    def offset(self) -> int:
        """The offset in the text of its place."""
        return self.columns[-1]

    @property
    def shown_name(self) -> str:
        """What the code calls what the call makes, where it says."""
        from harness.syntax.followed_calls import name_of  # noqa: PLC0415 -- few calls need it

        target = self.statement.target or ""
        return name_of(self.statement, self.followed) if self.followed else target

    @property
    def name(self) -> str | None:
        """What the statement gives the call's result to, where it does nothing else to it."""
        return self.statement.target if self.statement.value is self.call else None

    @property
    def applied(self) -> Application | None:
        """The first call of the layer that the call makes."""
        return self.applications[0] if self.applications else None

    def always_after(self, statement: Statement) -> bool:
        """Whether a statement is carried out before the call, wherever the call is."""
        block = statement.block
        if self.statement.block[: len(block)] != block:
            return False
        return self.code.place_of(statement) < self.place
