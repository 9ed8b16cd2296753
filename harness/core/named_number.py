"""Numbers that a text leaves as names: they compute as numbers do, and are written as names.

A renderer that is given one writes an answer in names without knowing it: each text that it is
formatted into holds a token, which :func:`in_names` replaces by the expression.  What a renderer
decides, it decides by the number.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

_TOKEN: Final = re.compile(r"NaMeD([0-9a-f]+)d")
# What needs brackets in a sum: ``a if b else c``, ``k or 3``.
_BINDS_LEAST: Final = re.compile(r" (?:if|or|and|in|is|[<>|&^]|<<|>>|[<>=!]=) |^not ")
# What needs none anywhere: a name, an element, a call that is given no brackets.
_ONE: Final = re.compile(r"[\w.\[\]'\"]+(?:\([^()]*\))?")
_COMPUTED: Final[dict[str, Callable[[int, int], int]]] = {
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


class Named(int):
    """A number that stands for an expression: a sum of names, each times a number.

    Examples
    --------
    >>> k, s = Named.of("k", 7), Named.of("s", 2)
    >>> crop = (k - s) // 2
    >>> crop + 0 == 2, in_names(f"padding={crop}, out={k - (k - s * 2)}")
    (True, 'padding=(k - s) // 2, out=s * 2')
    """

    terms: Mapping[str, int]
    constant: int

    @classmethod
    def of(cls, name: str, number: int) -> Self:
        """Return a number that is written as a name, or as another expression of the text."""
        return cls.linear(number, {name: 1}, 0)

    @classmethod
    def linear(cls, number: int, terms: Mapping[str, int], constant: int) -> Self:
        """Return a number that is written as a sum of names, each times a number."""
        made = super().__new__(cls, number)
        made.terms, made.constant = terms, constant
        return made

    @property
    def expression(self) -> str:
        """What it stands for, as Python."""
        if not self.constant and [*self.terms.values()] == [1]:
            return next(iter(self.terms))
        added = [_term(name, times) for name, times in self.terms.items() if times > 0]
        taken = [_term(name, -times) for name, times in self.terms.items() if times < 0]
        if self.constant:
            (added if self.constant > 0 else taken).append(str(abs(self.constant)))
        if not added:
            added = [f"-{_bracketed_text(taken.pop(0))}"]
        return " - ".join([" + ".join(added), *taken])

    def __repr__(self) -> str:
        return f"NaMeD{self.expression.encode().hex()}d"

    __str__ = __repr__

    def __format__(self, spec: str, /) -> str:
        return format(repr(self), spec)

    # Sums are exact; other operations make one name of both sides, where they are not simple.

    def __add__(self, other: int, /) -> int:
        terms, constant = _parts(other)
        joined = {**self.terms}
        for name, times in terms.items():
            joined[name] = joined.get(name, 0) + times
        return _number(int(self) + int(other), joined, self.constant + constant)

    __radd__ = __add__

    def __neg__(self) -> int:
        terms = {name: -times for name, times in self.terms.items()}
        return _number(-int(self), terms, -self.constant)

    def __abs__(self) -> int:
        return self if int(self) >= 0 else -self

    def __sub__(self, other: int, /) -> int:
        return self + -other

    def __rsub__(self, other: int, /) -> int:
        return -self + other

    def __mul__(self, other: int, /) -> int:
        if isinstance(other, Named):
            return _opaque("*", self, other)
        if not isinstance(other, int):
            return NotImplemented
        terms = {name: times * other for name, times in self.terms.items()}
        return _number(int(self) * other, terms, self.constant * other)

    def __rmul__(self, other: int, /) -> int:
        return self * other

    def __floordiv__(self, other: int, /) -> int:
        if isinstance(other, Named):
            return 1 if _parts(self) == _parts(other) else _opaque("//", self, other)
        counts = [*self.terms.values(), self.constant]
        if other and not any(count % other for count in counts):
            terms = {name: times // other for name, times in self.terms.items()}
            return _number(int(self) // other, terms, self.constant // other)
        return _opaque("//", self, other)

    def __rfloordiv__(self, other: int, /) -> int:
        return _opaque("//", other, self)

    def __mod__(self, other: int, /) -> int:
        return _opaque("%", self, other)

    def __rmod__(self, other: int, /) -> int:
        return _opaque("%", other, self)

    def __pow__(self, other: int, modulo: None = None, /) -> int:  # type: ignore[override]
        return _opaque("**", self, other)

    def __rpow__(self, other: int, modulo: None = None, /) -> int:  # type: ignore[override, misc]
        return _opaque("**", other, self)

    def __truediv__(self, other: float, /) -> float:
        return Ratio.of(self, other) if isinstance(other, int) else int(self) / other

    def __rtruediv__(self, other: float, /) -> float:
        return Ratio.of(other, self) if isinstance(other, int) else other / int(self)


class Ratio(float):
    """A named number divided by another, which ``int(ratio)`` makes one again."""

    left: int
    right: int

    @classmethod
    def of(cls, left: int, right: int) -> Self:
        """Return the ratio of two numbers.

        >>> Ratio.of(Named.of("c", 6), 4)
        1.5
        """
        made = super().__new__(cls, int(left) / int(right))
        made.left, made.right = left, right
        return made


def in_function(name: str, values: Sequence[Any], result: object) -> object:
    """Return a function's result as it is written where one of what it is given is named.

    >>> c = Named.of("c", 6)
    >>> halved, larger = in_function("int", [c / 4], 1), in_function("max", [c, 8], 8)
    >>> in_names(f"{halved}; {larger}; {in_function('int', [c], 6)}")
    'c // 4; max(c, 8); c'
    """
    if not isinstance(result, int) or not any(isinstance(each, Named | Ratio) for each in values):
        return result
    (first, *others) = values
    if not others and isinstance(first, Named) and result == int(first):
        return first
    if isinstance(first, Ratio) and name in {"int", "math.floor", "math.trunc"} and result >= 0:
        return first.left // first.right
    return Named.of(f"{name}({', '.join(map(_in_text, values))})", result)


def at_least_0(number: int) -> int:
    """Return a number, or 0 in the place of one below.

    >>> at_least_0(-2), in_names(f"{at_least_0(Named.of('k', 3) - 5)}; {at_least_0(-2)}")
    (0, 'max(k - 5, 0); 0')
    """
    result = in_function("max", [number, 0], max(int(number), 0))
    assert isinstance(result, int)
    return result


def is_certainly_1(number: int) -> bool:
    """Return whether a number is 1, and not a name's, for which others stand.

    >>> is_certainly_1(1), is_certainly_1(Named.of("s", 1))
    (True, False)
    """
    return number == 1 and type(number) is int


def _in_text(number: float) -> str:
    if isinstance(number, Ratio):
        return f"{_bracketed(number.left)} / {_bracketed(number.right)}"
    return number.expression if isinstance(number, Named) else repr(number)


def _parts(number: int) -> tuple[Mapping[str, int], int]:
    return (number.terms, number.constant) if isinstance(number, Named) else ({}, number)


def _number(value: int, terms: Mapping[str, int], constant: int) -> int:
    """A named number, or a plain one where no name is left."""
    left = {name: times for name, times in terms.items() if times}
    return Named.linear(value, left, constant) if left else value


def _opaque(operation: str, left: int, right: int) -> int:
    value = _COMPUTED[operation](int(left), int(right))
    return Named.of(f"{_bracketed(left)} {operation} {_bracketed(right)}", value)


def _term(name: str, times: int) -> str:
    if _BINDS_LEAST.search(name):
        name = f"({name})"
    return name if times == 1 else f"{name} * {times}"


def _bracketed(number: int) -> str:
    return _bracketed_text(number.expression if isinstance(number, Named) else str(number))


def _bracketed_text(shown: str) -> str:
    return shown if _ONE.fullmatch(shown) else f"({shown})"


def in_names(text: str, write: Callable[[str], str] = str) -> str:
    """Put expressions in the place of their tokens, in brackets where others would bind closer.

    >>> in_names(f"f({Named.of('a', 1) + 1}, {Named.of('a', 1) + 1} * 2)")
    'f(a + 1, (a + 1) * 2)'
    """

    def written(token: re.Match[str]) -> str:
        expression = write(bytes.fromhex(token[1]).decode())
        before = text[: token.start()].rstrip(" ")[-1:]
        after = text[token.end() :].lstrip(" ")[:2]
        ends = after[:1] in {"", *")]},:;\n"} or after == "->"
        is_free = before in {"", *"([{,=:>\n"} and ends
        is_one = re.fullmatch(r"[\w.]+(?:[(\[][^()\[\]]*[)\]])?", expression)
        return expression if is_free or is_one else f"({expression})"

    return _TOKEN.sub(written, text)


def plain(value: Any) -> Any:
    """Return a value of JSON with expressions in the place of named numbers.

    >>> plain({"kernel": (Named.of("k", 3), 4)})
    {'kernel': ['k', 4]}
    """
    match value:
        case Named():
            return value.expression
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
    return value
