"""What the names of a text stand for where it is being read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from harness.syntax.arrays import makes_an_array, with_other_elements
from harness.syntax.tree import (
    Argument,
    Call,
    Defined,
    Either,
    Joined,
    Name,
    Passed,
    Reference,
    Value,
    WrittenTuple,
    is_sequence,
)

LONGEST: Final = 64
_MOST_ELEMENTS: Final = 128  # Of a sequence or a dictionary that is given a name, in all its parts
EVERYTHING: Final = "*"
_MOST_OPTIONS: Final = 8  # Among which one stands for all others
_IDENTIFIER: Final = re.compile(r"(?:[^\W\d]|\$)[\w$]*+")
# A quote before it would make it a part of a string.
_DOTTED: Final = re.compile(r"(?<![\w.\])'\"])[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+")
_NO_NAMES: Final[Mapping[str, None]] = {}


class _Relation:
    """Which names belong to others; an inner scope adds its own to those of the scope around it."""

    def __init__(self, outer: _Relation | None = None) -> None:
        self.own: dict[str, dict[str, None]] = {}
        self.outer = outer

    def add(self, name: str, other: str) -> None:
        if self.outer is None or other not in self.outer.of(name):
            self.own.setdefault(name, {})[other] = None

    def of(self, name: str) -> Mapping[str, None]:
        others, outer = self.own.get(name, _NO_NAMES), self.outer
        while outer is not None:
            if more := outer.own.get(name):
                others = {**more, **others} if others else more
            outer = outer.outer
        return others


@dataclass
class _Relations:
    """All names that ever were parts of others, or of the same object."""

    parts: _Relation = field(default_factory=_Relation)
    computed: _Relation = field(default_factory=_Relation)
    shared: _Relation = field(default_factory=_Relation)

    def inner(self) -> _Relations:
        return _Relations(*map(_Relation, (self.parts, self.computed, self.shared)))

    def take(self, inner: _Relations, own: Collection[str]) -> None:
        """Add the relations of an inner scope but for those of its own names."""

        def is_own(name: str) -> bool:
            return name.partition(".")[0].partition("[")[0] in own

        for ours, theirs in ((self.parts, inner.parts), (self.computed, inner.computed)):
            for name, parts in theirs.own.items():
                if not is_own(name):
                    for part in parts:
                        ours.add(name, part)
        for name in inner.shared.own:
            if not is_own(name):
                # By way of the scope's own names, too.
                seen, pending = {name}, [name]
                while pending:
                    others = [each for each in inner.shared.of(pending.pop()) if each not in seen]
                    seen.update(others)
                    pending += filter(is_own, others)
                for other in seen - {name, *filter(is_own, seen)}:
                    self.shared.add(name, other)
                    self.shared.add(other, name)


class _Assigned(Mapping[str, Value]):
    """What names stood for after some of the assignments since they were copied."""

    def __init__(self, copied: Mapping[str, Value], since: Sequence[tuple[str, Value]]) -> None:
        self._copied, self._since, self._count = copied, since, len(since)
        self._values: dict[str, Value] | None = None

    def _all(self) -> dict[str, Value]:
        if self._values is None:
            self._values = dict(self._copied)
            for name, value in self._since[: self._count]:
                self._values.pop(name, None)  # The last assigned is last
                self._values[name] = value
        return self._values

    def __getitem__(self, name: str) -> Value:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


@dataclass
class Names:
    """What the names of one scope stand for.

    Examples
    --------
    >>> names = Names()
    >>> names.give("cfg.k", 3)
    >>> names.give("cfg", Name("load()", 0))
    >>> names.given["cfg.k"], names.known
    (Name(text='cfg.k', column=0, calls=()), {})
    """

    # All that they were given, the last given last; a ``Name`` is nothing that the text holds.
    given: dict[str, Value] = field(default_factory=dict)
    known: dict[str, Value] = field(default_factory=dict)  # Of it, what expressions may use
    # Which defaults of functions, such as ``k=3``, a value was computed from.
    assumed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Parameters whose default is ``None``: the function decides when the caller does not.
    undecided: set[str] = field(default_factory=set)
    _relations: _Relations = field(default_factory=_Relations)
    # For those who ask for what is given now: a copy, and what was given since.
    _copied: dict[str, Value] | None = None
    _since: list[tuple[str, Value]] = field(default_factory=list)

    def copy(self) -> Names:
        """Copy the values for another branch, or for an inner scope."""
        return Names(
            dict(self.given),
            dict(self.known),
            dict(self.assumed),
            set(self.undecided),
            self._relations,
        )

    def apart(self) -> Names:
        """Copy the values for an inner scope whose own names no other scope sees."""
        return replace(self.copy(), _relations=self._relations.inner())

    def leave(self, inner: Names, own: Collection[str]) -> None:
        """Note which names are related after an inner scope, which has some of its own."""
        self._relations.take(inner._relations, own)

    def assigned(self) -> Mapping[str, Value]:
        """Return what is given now; of a long text, all is copied only now and then."""
        if self._copied is None or len(self._since) > len(self._copied):
            self._copied, self._since = dict(self.given), []
        return _Assigned(self._copied, self._since)

    def give(self, name: str, value: Value, assumed: tuple[str, ...] = ()) -> None:
        """Assign a value to a name or an attribute."""
        self._lose_parts(name)
        for owner in _owners(name):
            self._relations.parts.add(owner, name)
        for owner in _heads(name):
            if can_change(self.known.get(owner)):
                self.forget(owner)
            self.change_others(owner)
        self._put(name, value, assumed)

    def give_part(self, name: str, value: Value, assumed: tuple[str, ...] = ()) -> None:
        """Note what an attribute is that an object has already: nothing is changed by it."""
        for owner in _owners(name):
            self._relations.parts.add(owner, name)
        self._put(name, value, assumed)

    def give_all(self, values: Mapping[str, Value]) -> None:
        """Assign meanings, or what is not known, to many names at once."""
        heads = set[str]()
        for name in values:
            self._lose_parts(name)
            for owner in _owners(name):
                self._relations.parts.add(owner, name)
            heads.update(_heads(name))
        for owner in heads:
            if can_change(self.known.get(owner)):
                self.forget(owner)
            self.change_others(owner)
        for kept in (self.given, self.known, self.assumed):
            for name in kept.keys() & values.keys():
                del kept[name]
        self.undecided.difference_update(values)
        self.given |= values
        if self._copied is not None:
            self._since += values.items()

    def forget(self, name: str) -> None:
        """Make the value of a name unknown."""
        self.give(name, unknown(name))

    def forget_given(self, names: Iterable[str]) -> None:
        """Make the values of names and their attributes unknown, if they have any."""
        for name in names:
            if name in self.given:
                self.forget(name)
            else:
                self._lose_parts(name)

    def forget_all(self) -> None:
        """Make the values of all names unknown; what an import or a definition means stays."""
        for name, value in list(self.given.items()):
            if not isinstance(value, Reference | Defined | Either):
                self._put(name, self._without_elements(name))

    def owner(self, name: str) -> Value:
        """Return what a dotted name stands for; ``None`` where the text does not say.

        >>> names = Names()
        >>> names.give("F", Reference("torch.nn.functional", 0))
        >>> names.owner("F.conv_transpose2d").text
        'torch.nn.functional.conv_transpose2d'
        """
        words = name.split(".")
        head = next((each for each in reversed([*_prefixes(name)]) if each in self.given), None)
        owner = None if head is None else _part(self.given[head], words[head.count(".") + 1 :])
        if EVERYTHING not in self.given:
            return owner
        last = next(each for each in reversed(self.given) if each in (head, EVERYTHING))
        if last == head:
            return owner
        return either(name, [owner, _part(self.given[EVERYTHING], words)])

    def change(self, name: str, certain: bool, *, is_of_element: bool = False) -> None:
        """Forget a list, a dictionary or an object's attributes that are changed in place.

        Where it is not certain that it is changed, a name of anything else keeps its value.  An
        array keeps its shape where an element is given another value.
        """
        array = self.given.get(name)
        if is_of_element and isinstance(array, Call) and makes_an_array(array):
            self._put(name, with_other_elements(array))
            return
        if not (certain or self.may_change(name)):
            return
        is_list = can_change(self.known.get(name))
        self._change_one(name, certain)
        self.change_others(name, certain=certain and not is_list)
        if certain:
            self.give(name, self._without_elements(name))

    def has_parts(self, name: str) -> bool:
        """Whether an attribute of what a name stands for has been given anything."""
        parts = self._relations.parts.of(name)
        return any(part.startswith(f"{name}.") and part in self.given for part in parts)

    def may_change(self, name: str) -> bool:
        """Whether anything is known that a change in place of what a name stands for may change."""
        relations = self._relations
        is_related = relations.parts.of(name) or relations.shared.of(name)
        return bool(is_related) or can_change(self.known.get(name))

    def change_others(self, name: str, *, certain: bool = False) -> None:
        """Change what may be the same object, or a part of it."""
        shared = self._relations.shared
        seen, pending = {name}, [name]
        while pending:
            for other in shared.of(pending.pop()):
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
                    self._change_one(other, certain)

    def share(self, names: Sequence[str]) -> None:
        """Note that names may stand for the same object, or for parts of it."""
        for name in names[1:]:
            self._relations.shared.add(name, names[0])
            self._relations.shared.add(names[0], name)

    def give_element(
        self, name: str, place: Value, value: Value, assumed: tuple[str, ...] = ()
    ) -> None:
        """Assign a value to an element; of a list that is not known, remember it.

        The place is a number, a key, or the ``Name`` of what is neither.
        """
        whole, key = self.known.get(name), f"{name}[{_shown(place)}]"
        if (changed := _with_element(whole, place, value)) is not None:
            self.give(name, changed, (*self.assumed.get(name, ()), *assumed))
            self.change_others(name)
        elif whole is not None or key in self.given:
            self.change(name, certain=True)
        else:
            # ws[i] may be ws[0].
            relations = self._relations
            for part in (relations.computed if is_key(place) else relations.parts).of(name):
                if part.startswith(f"{name}["):
                    self.lose(part)
            if not is_key(place):
                relations.computed.add(name, key)
            self.give(key, value)

    def _change_one(self, name: str, certain: bool) -> None:
        if can_change(self.known.get(name)) or (certain and isinstance(self.given.get(name), Call)):
            self.give(name, self._without_elements(name))
        self._lose_parts(name)

    def _without_elements(self, name: str) -> Value:
        """What a name stands for once its value may be another: what is a list stays one."""
        is_list = isinstance(self.known.get(name), tuple) or is_sequence(self.given.get(name))
        return Joined(name, 0) if is_list else unknown(name)

    def _lose_parts(self, name: str) -> None:
        # Most of the parts that a name ever had are not known here, or not any more.
        given = self.given
        for part in self._relations.parts.of(name):
            value = given.get(part, self)
            if value is not self and not (type(value) is Name and value.text == part):
                self.lose(part)

    def lose(self, part: str) -> None:
        """Make a value unknown, if there is one, but not those of its parts."""
        value = self.given.get(part, self)
        if value is not self and not (isinstance(value, Name) and value.text == part):
            self._put(part, unknown(part))

    def _put(self, name: str, value: Value, assumed: tuple[str, ...] = ()) -> None:
        self.given.pop(name, None)
        self.given[name] = value
        if self._copied is not None:
            self._since.append((name, value))
        self.known.pop(name, None)
        self.assumed.pop(name, None)
        self.undecided.discard(name)
        if isinstance(value, Name):  # Most of them: of those, none is plain.
            # A number in it, or what chooses it, may be a default.
            if assumed and isinstance(value, Passed | Reference | Either):
                self.assumed[name] = tuple(dict.fromkeys(assumed))
            return
        is_known = _is_plain(value) and size(value) <= _MOST_ELEMENTS
        if is_known and (_DOTTED.fullmatch(name) or _is_one(name)):
            self.known[name] = value
            if assumed:
                self.assumed[name] = tuple(dict.fromkeys(assumed))


def agreed(ends: Sequence[Names]) -> Names:
    """Return the values after branches, by those at the end of each."""
    first, *others = ends
    names_after = first.copy()
    differing = {}
    for name in _differing(ends):
        values = [names.given.get(name) for names in ends]
        if not all(name in names.given and _same(names.given[name], values[0]) for names in others):
            differing[name] = values
    together = frozenset(differing)
    for name, values in differing.items():
        value = either(name, values)
        if isinstance(value, Either):
            # One set for all of them: a long text has many.
            inner = (each.tied for each in values if isinstance(each, Either))
            others_tied = [each for each in inner if not each <= together]
            tied = together.union(*others_tied) if others_tied else together
            value = replace(value, tied=tied)
        names_after.give(name, value)
    for names in others:
        known = {name: each for name, each in names.assumed.items() if name in names_after.known}
        names_after.assumed.update(known)
    return names_after


def _differing(ends: Sequence[Names]) -> list[str]:
    """Names that are not the same object at each end: few of all that a long text has."""
    first, *others = (names.given for names in ends)
    differing = set[str]()
    for other in others:
        differing |= {name for name in first if other.get(name, first) is not first[name]}
    more = dict.fromkeys(name for other in others for name in other if name not in first)
    return [*(name for name in first if name in differing), *more]


def identifiers(text: str) -> list[str]:
    """Return all identifiers in a piece of text, strings included.

    >>> identifiers("[a, ~] = f(a.b)")
    ['a', 'f', 'b']
    """
    return list(dict.fromkeys(_IDENTIFIER.findall(text)))


def either(name: str, values: Iterable[Value]) -> Value:
    """Return what a name stands for where it may be any of several values."""
    options: list[Value] = []
    for value in values:
        for option in value.options if isinstance(value, Either) else (value,):
            if len(options) > _MOST_OPTIONS:
                options[-1] = Name(name, 0)
            elif not any(_same(option, other) for other in options):
                options.append(option)
    if len(options) == 1:
        return options[0]
    options = [_of_handle(option) for option in options]
    if not any(isinstance(option, Reference | Defined) for option in options):
        # What may be a sequence is no number.
        if any(isinstance(option, tuple) or is_sequence(option) for option in options):
            return Joined(name, 0)
        if None not in options:
            return Name(name, 0)
    return Either(name, 0, (), tuple(options))


def _of_handle(value: Value) -> Value:
    """A function of MATLAB's that is given by its handle."""
    if type(value) is not Name or not re.fullmatch(r"@[^\W\d]\w*", value.text):
        return value
    return Reference(value.text[1:], value.column, is_imported=False)


def _part(value: Value, words: Sequence[str]) -> Value:
    """What is meant by ``a.b.c`` where ``a`` has a value."""
    if not words:
        return value
    match value:
        case Reference():
            return replace(value, text=".".join([value.text, *words]))
        case Either():
            options = tuple(option and _part(option, words) for option in value.options)
            return replace(value, options=options)
    return Name(".".join(words), value.column if isinstance(value, Name | Call) else 0)


def can_change(value: Value) -> bool:
    """Whether it may be a list or a dictionary, or hold one."""
    if isinstance(value, WrittenTuple):
        return any(isinstance(each, Name | Call) or can_change(each) for each in value)
    return isinstance(value, tuple) or is_dict(value)


def holds_changeable(value: Value) -> bool:
    """Whether any part of it may be a list or a dictionary."""
    parts = [each.value for each in value.arguments] if isinstance(value, Call) else value
    return can_change(value) and any(
        map(can_change, parts if isinstance(parts, list | tuple) else ())
    )


def is_dict(value: Value) -> bool:
    """Whether it is a ``dict(...)`` of which the text shows every element."""
    return (
        isinstance(value, Call)
        and value.function == Name("dict", value.column)
        and all(inner.name not in {None, "*", "**"} for inner in value.arguments)
    )


def as_key(place: object) -> str | None:
    """Return the name of a dictionary's element: of a number what no text has for a key."""
    if type(place) is int:
        return f"[{place}]"
    return place if isinstance(place, str) and not place.startswith("[") else None


def is_key(place: Value) -> bool:
    """Whether it is the place of an element, or its key."""
    return type(place) is int or isinstance(place, str)


def size(value: Value) -> int:
    """Return the number of elements of all sequences in a value: some are names for long ones."""
    if isinstance(value, Call):
        return sum(size(argument.value) for argument in value.arguments)
    return sum(map(size, value)) + 1 if isinstance(value, tuple) else 1


def _with_element(whole: Value, place: Value, value: Value) -> Value:
    """A known list or dictionary with another element; ``None`` where that is not known."""
    if isinstance(whole, tuple) and type(place) is int and -len(whole) <= place < len(whole):
        elements = list(whole)
        elements[place] = value
        return type(whole)(elements)
    if isinstance(whole, Call) and (key := as_key(place)) is not None:
        others = [each for each in whole.arguments if each.name != key]
        return replace(whole, arguments=(*others, Argument(key, value, whole.column)))
    return None


def _shown(place: Value) -> str:
    return place.text if isinstance(place, Name) else repr(place)


@lru_cache(maxsize=4096)
def unknown(name: str) -> Name:
    """Return what stands for a value of a name that is not known."""
    return Name(name, 0)


@lru_cache(maxsize=4096)
def _owners(name: str) -> tuple[str, ...]:
    """Names that ``a.b[i].c`` is made of: ``a``, ``a.b`` and ``i``."""
    if _is_one(name):
        return ()
    owners = (owner for chain in _DOTTED.findall(name) for owner in _prefixes(chain))
    return tuple(owner for owner in owners if owner != name)


@lru_cache(maxsize=4096)
def _heads(name: str) -> tuple[str, ...]:
    """Names of which it is a part: ``a`` and ``a.b`` of ``a.b[i].c``."""
    chain = None if _is_one(name) else _DOTTED.match(name)
    return tuple(owner for owner in _prefixes(chain[0]) if owner != name) if chain else ()


def _is_one(name: str) -> bool:
    """Whether it is a single name, such as ``k``, or Wolfram's ``$k``."""
    return name.replace("$", "_").isidentifier()


def _prefixes(chain: str) -> Iterator[str]:
    words = chain.split(".")
    for count in range(1, len(words) + 1):
        yield ".".join(words[:count])


def _is_plain(value: Value) -> bool:
    return not isinstance(value, Name | Call) or is_dict(value)


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, Reference) and isinstance(other, Reference):
        # Where a class is handed to something else is told for each place.
        is_handed_on = bool(one.changed_by or other.changed_by)
        return one.text == other.text and (not is_handed_on or one.column == other.column)
    return one is other or (type(one) is type(other) and one == other)
