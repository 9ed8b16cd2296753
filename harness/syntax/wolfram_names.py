"""Names of a Wolfram Language text whose values no reading in order can tell."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from harness.syntax.lexis import WOLFRAM, blanked, marks, skeleton

NAME: Final = r"(?<![\w$`])(?:[^\W\d_]|\$)(?:[^\W_]|[$`])*+"
_NAMES: Final = re.compile(NAME)
_LAST: Final = re.compile(rf"({NAME})\s*$")
_SEVERAL: Final = re.compile(rf"\{{\s*{NAME}(?:\s*,\s*{NAME})*+\s*\}}")
_LONGEST: Final = 60
_SET: Final = re.compile(r"(?<![=!<>])\^?:?=(?!=|!=)")
# k++, ++k, k += 1, k |-> 1, k_ and k : 1 | 2.
_ELSEWHERE: Final = re.compile(
    rf"({NAME})\s*(?:\+\+|--|//=|[-+*/]=(?!=)|\|->|:(?![=>:]))|({NAME})_|(?:\+\+|--)\s*({NAME})"
)
# An operator at the end of a line lets the statement go on.
SEPARATOR: Final = re.compile(r"[;,]|(?<![-=+*/@>|&^<!~:.\s])[^\S\n]*\n")
_WITH: Final = re.compile(r"(?:Dynamic)?Module|Block|With")
_FUNCTION: Final = re.compile(r"Function|Compile")
_FIRST: Final = re.compile(rf"(?:^|,)\s*({NAME})")
_GIVEN: Final = re.compile(rf"{_FIRST.pattern}\s*:?=(?!=)")
_DEFINITION: Final = re.compile(
    rf"(?:^|[;\n])[^\S\n]*+({NAME})\s*+\[[^]]*\]\s*(?:/;[^:=]*)?:?=(?!=)"
)
_NO_ARGUMENTS: Final = re.compile(r"\s*\[\s*\]")
_DEFAULT: Final = re.compile(rf"({NAME})_\w*\s*:(?![=>:])")
_ITERATING: Final = re.compile(
    r"\w*Table|(?:Parallel)?(?:Do|Sum|Product)|NSum|NProduct|\w*Plot\w*|N?Integrate|Manipulate"
    r"|Animate|Limit"
)
_CHANGING: Final = re.compile(
    r"\b(?:Clear|ClearAll|Remove|Unset|Set|SetDelayed|TagSet|UpSet|Increment|Decrement"
    r"|PreIncrement|PreDecrement|AddTo|SubtractFrom|TimesBy|DivideBy|AppendTo|PrependTo"
    r"|AssociateTo|KeyDropFrom|ApplyTo|For)\b\s*"
)
_DELAYED: Final = re.compile(r":=|&|\bFunction\b")


def unsettled(code: str) -> dict[str, int]:
    """Return the names that are given values anywhere but in statements of their own, and where.

    A function's body is evaluated when it is called: where there is any, these are also the names
    that are given values more than once.

    Parameters
    ----------
    code : str
        Without comments.

    Examples
    --------
    >>> sorted(unsettled("k = 3; n = 1; n++; Table[DeconvolutionLayer[m, k], {m, 4}]"))
    ['m', 'n']
    """
    code = _without_strings(code)
    set_alone, elsewhere = _changes(code)
    names = dict(elsewhere)
    if _DELAYED.search(code):
        times = Counter(name for name, _ in set_alone)
        names |= {name: place for name, place in set_alone if times[name] > 1}
    return names


def _changes(code: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Names that statements of their own give values, and names that anything else does, where."""
    set_alone, others = _sets(code)
    elsewhere = [
        (name, match.start())
        for match in _ELSEWHERE.finditer(code)
        for name in match.groups()
        if name
    ]
    return set_alone, [*elsewhere, *others, *_localized(code), *_changed(code)]


class Local(NamedTuple):
    """A name that has a value of its own in a part of the text."""

    name: str
    place: int  # Where it is given the value
    begin: int  # Where it has it
    end: int
    is_default: bool = False  # Whether it is a function's parameter, and a caller may give another


def local_names(code: str) -> list[Local]:
    """Find the names of ``With[{k = 4}, …]`` and of ``f[k_:4] := …``, inner ones first.

    None that its part of the text may change is among them.

    Examples
    --------
    >>> [(each.name, each.place) for each in local_names("With[{k = 4}, f[k]]; g[m_:3] := f[m]")]
    [('k', 6), ('m', 23)]
    """
    code = _without_strings(code)
    places = defaultdict[str, list[int]](list)
    for name, place in chain(*_changes(code)):
        places[name].append(place)
    return [
        each
        for each in (*_declared(code), *_defaults(code))
        if not any(each.begin <= place < each.end for place in places[each.name])
    ]


def _declared(code: str) -> Iterator[Local]:
    opened: list[tuple[int, str, list[tuple[int, int]]]] = []
    for mark in marks(code, WOLFRAM):
        if mark.kind == "open":
            opened.append((mark.end, _head(code, mark.start), []))
        elif mark.kind == "close" and opened:
            begin, _, lists = opened.pop()
            if code[begin - 1] == "{" and opened and _WITH.fullmatch(opened[-1][1]):
                after, _, earlier = opened[-1]
                # Several lists may stand one after the other, but what comes last is the body.
                after = earlier[-1][1] + 1 if earlier else after
                is_next = not code[after : begin - 1].strip(", ")
                if is_next and code[mark.end :].lstrip().startswith(","):
                    earlier.append((begin, mark.start))
            for start, end in lists:
                for given in _GIVEN.finditer(skeleton(code[start:end], WOLFRAM)):
                    yield Local(given[1], start + given.start(1), end + 1, mark.start)


def _defaults(code: str) -> Iterator[Local]:
    """Defaults of functions that the text neither calls with arguments nor gives to another."""
    outside = skeleton(code, WOLFRAM)
    ends = [*(match.start() for match in SEPARATOR.finditer(outside)), len(code)]
    uses = defaultdict[str, list[int]](list)
    for match in _NAMES.finditer(code):
        if not _NO_ARGUMENTS.match(code, match.end()):
            uses[match[0]].append(match.start())
    for definition in _DEFINITION.finditer(outside):
        begin, close = definition.span()
        if all(begin <= place < close for place in uses[definition[1]]):
            end = ends[bisect_left(ends, close)]
            for parameter in _DEFAULT.finditer(code, begin, close):
                yield Local(parameter[1], parameter.start(1), close, end, is_default=True)


def _without_strings(code: str) -> str:
    strings = (mark for mark in marks(code, WOLFRAM) if mark.kind == "string")
    plain = blanked(code, ((mark.start + 1, mark.end - 1) for mark in strings))
    return re.sub(r"(?:System|Global)`", lambda match: " " * len(match[0]), plain)


def _sets(code: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Names that statements give values, and names that anything else gives values."""
    outside = skeleton(code, WOLFRAM)
    starts = [0, *(match.end() for match in SEPARATOR.finditer(outside)), len(code) + 1]
    alone, others = list[tuple[str, int]](), list[tuple[str, int]]()
    place = end = 0
    for match in _SET.finditer(code):
        while starts[place + 1] <= match.start():
            place += 1
        left = code[max(end, starts[place]) : match.start()].strip()
        last = _LAST.search(left[-_LONGEST:])
        if last is None and end <= starts[place] and _SEVERAL.fullmatch(left):
            alone += [(name, match.start()) for name in _NAMES.findall(left)]
        elif last is None:
            others += [(name, match.start()) for name in _NAMES.findall(left)]
        elif last[1] == left and end <= starts[place]:
            alone.append((left, match.start()))
        else:
            others.append((last[1], match.start()))
        end = match.end()
    return alone, others


def _localized(code: str) -> Iterator[tuple[str, int]]:
    """Names of ``Module[{k}, …]`` and ``Table[…, {k, 3}]``."""
    opened: list[tuple[int, str]] = []
    for mark in marks(code, WOLFRAM):
        if mark.kind == "open":
            after, head = opened[-1] if opened else (0, "")
            first = _NAMES.match(code, mark.end)
            is_iterator = _ITERATING.fullmatch(head) and code[after : mark.start].strip()
            if first and code[mark.start] == "{" and is_iterator:
                yield first[0], mark.end
            opened.append((mark.end, _head(code, mark.start)))
        elif mark.kind == "close" and opened:
            begin, head = opened.pop()
            inside = code[begin : mark.start]
            names: list[str] = []
            around = opened[-1][1] if opened and code[begin - 1] == "{" else ""
            if _WITH.fullmatch(around):
                names = _FIRST.findall(skeleton(inside, WOLFRAM))
            elif _FUNCTION.fullmatch(around):  # Of its lists, the first has the parameters.
                is_first = not code[opened[-1][0] : begin - 1].strip()
                names = _NAMES.findall(inside) if is_first else []
            elif _FUNCTION.fullmatch(head):
                names = _NAMES.findall(inside.partition(",")[0])
            yield from ((name, begin) for name in names)


def _head(code: str, bracket: int) -> str:
    before = _LAST.search(code[max(0, bracket - _LONGEST) : bracket])
    return before[1] if before and code[bracket] == "[" else ""


def _changed(code: str) -> Iterator[tuple[str, int]]:
    """Names that ``Clear[k]`` and the like mention."""
    for match in _CHANGING.finditer(code):
        end = re.compile(r"[;\n]").search(code, match.end())
        until = end.start() if end else len(code)
        for place, named in enumerate(_NAMES.finditer(code, match.end(), until)):
            # What is called there is not changed: AppendTo[layers, DeconvolutionLayer[n, 4]]
            if place == 0 or not code.startswith("[", named.end()):
                yield named[0], match.start()
