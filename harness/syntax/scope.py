"""What the names of a text stand for where it is being read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from harness.syntax.tree import Name, Value

_LONGEST: Final = 16
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w$]*+")
_DOTTED: Final = re.compile(r"[^\W\d]\w*+(?:\.[^\W\d]\w*+)++")


class Scope:
    """Names and their values; a value that is not certain is a ``Name``.

    >>> scope = Scope()
    >>> scope.give("k", 3, 0)
    >>> scope.give("k(2)", 5, 7)
    >>> scope.known("k"), scope.snapshot()
    (None, {'k': Name(text='k(2)', column=7, calls=())})
    """

    def __init__(self) -> None:
        self._given: Mapping[str, Value] = {}
        self._has_attributes = False

    def snapshot(self) -> Mapping[str, Value]:
        """Return the values now, the last assigned last; later changes do not touch them."""
        return self._given

    def restore(self, given: Mapping[str, Value]) -> None:
        """Go back to the values of an earlier snapshot."""
        self._given = given

    def known(self, name: str) -> Value:
        """Return a small constant that a name stands for; ``None`` where there is none."""
        value = self._given.get(name)
        return value if is_constant(value) else None

    def give(self, target: str, value: Value, column: int) -> None:
        """Assign a value to a name, or to an attribute of it.

        What is given a part, as ``k(2)`` is, or is given together with others, as in ``[a, b]``,
        stands for nothing known.
        """
        root = _IDENTIFIER.match(target)
        if root is None:
            self.forget(identifiers(target))
        elif root[0] == target:
            self._given = {**self._without([target]), target: value}
        elif _DOTTED.fullmatch(target):
            # Invalidates the parent and its children, not its siblings.
            parts = [name for name in self._given if name.startswith(f"{target}.")]
            given = _unknown(self._given, [root[0], target, *parts])
            self._given = {**given, target: value}
            self._has_attributes = True
        else:
            self._given = {**self._without([root[0]]), root[0]: Name(target, column)}

    def forget(self, names: Iterable[str]) -> None:
        """Make the values of names and their attributes unknown."""
        self._given = self._without(names)

    def forget_all(self) -> None:
        """Make the values of all names unknown."""
        self.forget(self._given)

    def _without(self, names: Iterable[str]) -> Mapping[str, Value]:
        if not self._has_attributes:
            return _unknown(self._given, names)
        roots = set(names)
        attributes = [name for name in self._given if name.split(".")[0] in roots]
        return _unknown(self._given, [*roots, *attributes])


def _unknown(given: Mapping[str, Value], names: Iterable[str]) -> Mapping[str, Value]:
    """Make the values of names unknown, if they have any."""
    lost = [name for name in dict.fromkeys(names) if name in given]
    if not lost:
        return given
    kept = dict(given)
    for name in lost:
        del kept[name]
        kept[name] = Name(name, 0)
    return kept


def identifiers(text: str) -> list[str]:
    """Return all identifiers in a piece of text, strings included.

    >>> identifiers("[a, ~] = f(a.b)")
    ['a', 'f', 'b']
    """
    return list(dict.fromkeys(_IDENTIFIER.findall(text)))


def is_constant(value: Value) -> bool:
    """Return whether a value is a number or a short flat list of them.

    Names of lists of names of lists would grow without bounds.
    """
    flat = value if isinstance(value, tuple) else (value,)
    return len(flat) <= _LONGEST and all(
        isinstance(item, int | float) and not isinstance(item, bool) for item in flat
    )


def agreed(ends: Sequence[Mapping[str, Value]]) -> Mapping[str, Value]:
    """Return the values after branches, by those at the end of each."""
    first, *others = ends
    if all(each is first for each in others):
        return first
    names = dict.fromkeys(name for given in ends for name in given)
    return {name: _agreed(name, [given.get(name) for given in ends]) for name in names}


def _agreed(name: str, values: Sequence[Value]) -> Value:
    first, *others = values
    if all(value is first or (is_constant(first) and value == first) for value in others):
        return first
    return Name(name, 0)
