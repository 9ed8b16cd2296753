"""The functions that a Wolfram Language text defines, and what their calls give their names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from harness.syntax.lexis import WOLFRAM, skeleton
from harness.syntax.tree import Call, Name, Value
from harness.syntax.wolfram_names import NAME, SEPARATOR

_DEFINITION: Final = re.compile(
    rf"(?:^|(?<=[;\n]))[^\S\n]*+({NAME})\s*+\[((?:[^][]|\[[^][]*\])*+)\]\s*(/;[^:=]*)?:?=(?!=)"
)
# n_, n_Integer, n_:4, n_Integer:4, n:_Integer:4, n_?Positive, opts___ and opts:OptionsPattern[].
_PARAMETER: Final = re.compile(
    rf"\s*(?:({NAME})(?:\s*:\s*)?(_{{1,3}})(?:\w|\?)*\s*(?::\s*(.*\S))?"
    rf"|({NAME})\s*:\s*OptionsPattern\[\w*\]|OptionsPattern\[\w*\])\s*",
    re.DOTALL,
)
_LITERAL: Final = re.compile(r"\s*(?:\"([^\"\\]*)\"|(\d{1,9}))\s*")


# Function[n, body], Function[{n, k}, body], n |-> body and {n, k} |-> body.
_OF_NAMES: Final = re.compile(
    rf"(?:(Function)\s*\[\s*)?(?:({NAME})|\{{([^{{}}]*)\}})\s*(?(1),|\|->)"
)


class Pure(NamedTuple):
    """A function without a name of its own: where its body stands, and its parameters."""

    begin: int
    end: int
    names: tuple[str, ...] | None = None  # Of the parameters; None where they are slots


def pure(code: str, start: int, end: int) -> Pure | None:
    """Return the pure function that a stretch of code is, which may be in parentheses.

    >>> pure("f[#] &", 0, 6), pure("{n, k} |-> f[n, k]", 0, 18), pure("Function[n, f[n]]", 0, 17)
    (Pure(begin=0, end=5, names=None), Pure(begin=10, end=18, names=('n', 'k')), \
Pure(begin=11, end=16, names=('n',)))
    """
    source = code[start:end].rstrip()
    while source.startswith("(") and source.endswith(")"):
        start, source = start + 1, source[1:-1].rstrip()
    if source.endswith("&"):
        return Pure(start, start + len(source) - 1)
    match = _OF_NAMES.match(source)
    if match is None or (match[1] and not source.endswith("]")):
        return None
    end = start + len(source) - bool(match[1])
    names = tuple((match[2] or match[3]).replace(",", " ").split())
    begin = start + match.end()
    is_plain = all(re.fullmatch(NAME, name) for name in names)
    is_one = "," not in skeleton(code[begin:end], WOLFRAM) or match[1] is None
    return Pure(begin, end, names) if is_plain and is_one else None


class Parameter(NamedTuple):
    """A name that a function gives what it is called with."""

    name: str
    default: tuple[int, int] | None = None  # Where it stands
    is_rest: bool = False  # Whether it stands for all that follows
    has_options: bool = False  # Whether that are options, of which OptionValue gives one
    literal: str | int | None = None  # What alone it takes, as in up[n_, "transposed"]


@dataclass(frozen=True)
class Function:
    """One definition of a function."""

    start: int  # Of its statement
    parameters: tuple[Parameter, ...]
    body: tuple[int, int]  # Where it begins and ends

    def takes(self, count: int) -> bool:
        """Whether it takes so many arguments."""
        singles = [each for each in self.parameters if not each.is_rest]
        least = sum(each.default is None for each in singles)
        return least <= count and (count <= len(singles) or len(singles) < len(self.parameters))

    @property
    def literals(self) -> Mapping[int, str | int]:
        """What it takes alone, by the arguments' places."""
        pairs = enumerate(each.literal for each in self.parameters)
        return {place: literal for place, literal in pairs if literal is not None}


def chosen(options: Sequence[Function], given: Sequence[Value]) -> Function | None:
    """Choose the definition that a call means; ``None`` where that is not certain.

    One with a literal argument comes before those that take any.

    Examples
    --------
    >>> of_up = functions('up[n_, k_] := f[n, k]; up[n_, "2x"] := g[n]')["up"]
    >>> [each and each.start for each in (chosen(of_up, [8, 3]), chosen(of_up, [8, "2x"]))]
    [0, 23]
    >>> chosen(of_up, [8, Name("size", 0)])
    """
    taking = [each for each in options if each.takes(len(given))]
    met = list[Function]()
    for each in sorted(taking, key=lambda each: -len(each.literals)):
        if met and len(each.literals) < len(met[0].literals):
            break
        pairs = [(given[place], literal) for place, literal in each.literals.items()]
        known = [(type(value), value) == (type(literal), literal) for value, literal in pairs]
        if any(isinstance(value, Name | Call) for value, _ in pairs):
            return None
        if all(known):
            met.append(each)
    is_certain = met and (len(met) == 1 or not met[0].literals)
    return met[0] if is_certain else None


def functions(code: str) -> Mapping[str, Sequence[Function]]:
    """Find the functions whose calls can be followed, by their names.

    Examples
    --------
    >>> found = functions("up[n_, k_: 4] := f[n, k]; g[1] = 2; h[x_] := x /; x > 2")
    >>> [(name, [each.takes(2) for each in of_name]) for name, of_name in found.items()]
    [('up', [True]), ('g', [False])]
    """
    outside = skeleton(code, WOLFRAM)
    ends = [*(match.start() for match in SEPARATOR.finditer(outside)), len(code)]
    found, others = defaultdict[str, list[Function]](list), set[str]()
    for definition in _DEFINITION.finditer(outside):
        begin, end = definition.end(), ends[bisect_left(ends, definition.end())]
        parameters = list(_parameters(code, *definition.span(2)))
        is_plain = definition[3] is None and None not in parameters
        if is_plain and "/;" not in outside[begin : end + 1]:
            known = tuple(each for each in parameters if each is not None)
            found[definition[1]].append(Function(definition.start(1), known, (begin, end)))
        else:
            others.add(definition[1])
    return {
        name: each
        for name, each in found.items()
        if name not in others and len(each) <= _MOST_DEFINITIONS
    }


_MOST_DEFINITIONS: Final = 64  # Of one name: each of its calls is held against all of them


def _parameters(code: str, start: int, end: int) -> Iterator[Parameter | None]:
    """The parameters between brackets; ``None`` for a pattern that is no plain one."""
    outside = skeleton(code[start:end], WOLFRAM)
    if not outside.strip():
        return
    begin = start
    for piece in [*re.finditer(r",", outside), None]:
        until = end if piece is None else start + piece.start()
        match = _PARAMETER.fullmatch(code, begin, until)
        literal = _LITERAL.fullmatch(code, begin, until)
        begin = until + 1
        if literal is not None:
            yield Parameter("", literal=literal[1] if literal[2] is None else int(literal[2]))
        elif match is None:
            yield None
        elif match[1] is None:
            yield Parameter(match[4] or "", is_rest=True, has_options=True)
        else:
            default = match.span(3) if match[3] else None
            yield Parameter(match[1], default, is_rest=len(match[2]) > 1)
