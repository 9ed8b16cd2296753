"""Calls that are come to through others of the text's own: which are answered, and where."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from harness.syntax.expressions import is_plain, open_names
from harness.syntax.tree import (
    Call,
    Either,
    Followed,
    Name,
    NotFollowed,
    Parsed,
    Statement,
    Value,
    calls,
)

_OWN: Final = re.compile(r"self\.[\w.]+")


class Reached(NamedTuple):
    """A call, its statement's place in the text, and the calls through which it is come to."""

    call: Call
    place: int
    followed: tuple[Followed, ...] = ()

    @property
    def columns(self) -> tuple[int, ...]:
        """Where it is, and where each of those is, innermost first."""
        return (self.call.column, *(each.column for each in self.followed))


def reached(parsed: Parsed, called: Sequence[tuple[int, Call]]) -> list[Reached]:
    """Choose what is answered of calls, each given with the place of its first statement.

    What a function makes in general is not answered where its calls say more.
    """
    every = [_placed(parsed.statements, place, call) for place, call in called]
    if not any(each.followed for each in every):
        return every
    groups = defaultdict[tuple[int, ...], list[Reached]](list)
    for each in every:
        groups[each.columns].append(each)
    further = defaultdict[tuple[int, ...], list[tuple[int, ...]]](list)
    for columns in groups:
        for shorter in _without_some(columns):
            if shorter in groups:
                further[shorter].append(columns)
    shown = {columns: {*map(_meant, groups[columns])} for columns in groups}
    left_out = set[tuple[int, ...]]()
    for columns in sorted(further, key=len):
        if all(shown[each] <= shown[columns] for each in further[columns]):
            left_out |= {*further[columns]}
        elif not why_not_followed(parsed, columns):
            left_out.add(columns)
    return [each for each in every if each.columns not in left_out]


def why_not_followed(parsed: Parsed, columns: Sequence[int]) -> list[NotFollowed]:
    """Return what else calls the function that a call stands in, and is not followed."""
    return [each for each in parsed.not_followed if each.start <= columns[-1] < each.end]


def name_of(statement: Statement, followed: Sequence[Followed]) -> str:
    """Return what the code calls what a call makes.

    >>> inside = Statement("self.up", None)
    >>> name_of(inside, [Followed(0, "Up", "self.up1", is_whole=True, makes_object=True)])
    'self.up1.up'
    """
    name = statement.target or ""
    for each in followed:
        if each.makes_object and _OWN.fullmatch(name):
            owner = each.target if each.is_whole else each.what
            name = f"{owner}.{name.removeprefix('self.')}"
        elif not (each.is_method and _OWN.fullmatch(name)):
            name = each.target
    return name


def own_names(call: Call, followed: Sequence[Followed]) -> list[str]:
    """Names in a call that belong to the function that it stands in, not to who calls it."""
    passed = {name for each in followed for name in each.passed}
    found = dict.fromkeys(name for each in call.arguments for name in open_names(each.value))
    return [name for name in found if name.isidentifier() and name not in passed]


def _placed(statements: Sequence[Statement], place: int, call: Call) -> Reached:
    """A call at the statement that gives its result a name, where a function only returns it."""
    followed = statements[place].followed
    if followed and _is_known(call):
        depth = len(followed)
        for later in range(place + 1, len(statements)):
            other = statements[later]
            if other.value is call and len(other.followed) < depth:
                place, depth = later, len(other.followed)
            if not other.followed:
                break
    return Reached(call, place, followed)


def _without_some(columns: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The same way with some calls left out, which are not the innermost."""
    for first in range(1, len(columns)):
        for last in range(first + 1, len(columns) + 1):
            yield columns[:first] + columns[last:]


def _is_known(call: Call) -> bool:
    return all(is_plain(each.value) for each in call.arguments)


def _meant(each: Reached) -> tuple[object, bool]:
    """What a call says, and whether it is certain what it calls."""
    return _shown(each.call), isinstance(each.call.owner, Either)


def _shown(value: Value) -> object:
    """A value without its columns."""
    match value:
        case tuple():
            return tuple(map(_shown, value))
        case Call():
            given = tuple((each.name, _shown(each.value)) for each in value.arguments)
            return value.dotted, given, tuple(map(_shown, calls(value.function)))
        case Name(text=text):
            return text
    return repr(value)
