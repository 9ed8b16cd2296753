r"""Notebooks of the Wolfram Language: the input in their cells, as text.

A notebook is an expression itself: ``Notebook[{Cell[BoxData[RowBox[{...}]], "Input"], ...}]``.
https://reference.wolfram.com/language/tutorial/FormattedOutput.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

_TOKEN: Final = re.compile(
    r"""
    (?P<blank> [\s,]+ | \(\*.*?\*\) ) |(?P<string> "(?:[^"\\]|\\.)*+" )
    |(?P<open> \[ | \{ | <\| ) |(?P<close> \] | \} | \|> )
    |(?P<word> [^\s,\[\]{}"<|]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MOST_TOKENS: Final = 3_000_000
_DEEPEST: Final = 150
_INPUTS: Final = {"Input", "Code", "InlineInput"}
# What the front end saves for what a keyboard writes otherwise.
_CHARACTERS: Final = {
    "Rule": "->",
    "RuleDelayed": ":>",
    "LeftAssociation": "<|",
    "RightAssociation": "|>",
    "IndentingNewLine": "\n",
    "NewLine": "\n",
    "Equal": "==",
    "LongEqual": "==",
    "LessEqual": "<=",
    "GreaterEqual": ">=",
    "NotEqual": "!=",
    "And": "&&",
    "Or": "||",
    "Not": "!",
    "Times": "*",
    "Cross": "*",
    "Function": "|->",
    "Null": "",
    "InvisibleSpace": "",
    "InvisibleTimes": " ",
    "InvisibleComma": ",",
    "InvisibleApplication": "@",
    "NoBreak": "",
    "NonBreakingSpace": " ",
    "LeftDoubleBracket": "[[",
    "RightDoubleBracket": "]]",
}
_NAMED: Final = re.compile(r"\\\[(\w+)\]")
_ESCAPED: Final = re.compile(r'\\([\\"<>nt\n])')
_MEANT: Final = {"<": "", ">": "", "n": "\n", "t": "\t", "\n": ""}
_UNKNOWN: Final = "$Box"  # A name that no text gives a value


@dataclass(frozen=True)
class _Part:
    """``head[parts]``, or ``{parts}`` where the head is empty."""

    head: str
    parts: tuple[_Expression, ...]


_Expression: TypeAlias = _Part | str  # A string keeps its quotes


def cells_of(text: str) -> Iterator[str]:
    r"""Yield the code of every cell, empty for one that is no input, so that they are counted.

    Raises
    ------
    ValueError
        Where the text is no notebook, is too large, or is nested too deeply.

    Examples
    --------
    >>> boxes = r'RowBox[{"f", "[", RowBox[{"\"\<Stride\>\"", "\[Rule]", "2"}], "]"}]'
    >>> [*cells_of(f'Notebook[{{Cell["Nets", "Title"], Cell[BoxData[{boxes}], "Input"]}}]')]
    ['', 'f["Stride"->2]']
    """
    pending: list[_Expression] = [_parsed(text)]
    while pending:
        match pending.pop():
            case _Part("Cell", (_Part("CellGroupData", (group, *_)), *_)) | _Part(
                "Notebook", (group, *_)
            ):
                pending += reversed(group.parts) if isinstance(group, _Part) else []
            case _Part("Cell", (content, str(style), *_)) if style.strip('"') in _INPUTS:
                yield _shown(content)
            case _Part("Cell"):
                yield ""


def _parsed(text: str) -> _Expression:
    """Parse a notebook's expression, without recursion."""
    begin = text.find("Notebook[")
    if begin < 0:
        raise ValueError("it holds no Notebook[...]")
    opened: list[tuple[str, list[_Expression]]] = [("", [])]
    for count, match in enumerate(_TOKEN.finditer(text, begin)):
        kind, shown = match.lastgroup, match[0]
        if count > _MOST_TOKENS or len(opened) > _DEEPEST:
            raise ValueError("it is too large, or nested too deeply: save it as a .wl file")
        parts = opened[-1][1]
        if kind in {"string", "word"}:
            parts.append(shown)
        elif kind == "open":
            is_headed = shown == "[" and parts and isinstance(parts[-1], str)
            opened.append((str(parts.pop()) if is_headed else "", []))
        elif kind == "close" and len(opened) > 1:
            head, inside = opened.pop()
            whole = _Part(head, tuple(inside))
            if head == "Notebook" and len(opened) == 1:
                return whole
            opened[-1][1].append(whole)
    raise ValueError("its Notebook[...] is never closed")


_BOXES: Final[dict[str, Callable[..., str]]] = {
    "SuperscriptBox": lambda base, power, *_: f"{base}^({power})",
    "SubscriptBox": lambda base, index, *_: f"Subscript[{base}, {index}]",
    "FractionBox": lambda above, below, *_: f"(({above})/({below}))",
    "SqrtBox": lambda inside, *_: f"Sqrt[{inside}]",
    **dict.fromkeys(
        ("StyleBox", "TagBox", "FormBox", "FrameBox", "AdjustmentBox"), lambda inside, *_: inside
    ),
}


def _shown(content: _Expression, depth: int = 0) -> str:
    """Write boxes as the text that they show; what is no text stands for nothing known."""
    match content:
        case str():
            return _plain(content)
        case _Part("" | "BoxData" | "RowBox" | "TextData", parts):
            return "".join(_shown(each, depth + 1) for each in parts)
        case _Part(head, parts) if head in _BOXES and len(parts) >= 1 + head.startswith(
            ("Su", "Fr")
        ):
            return _BOXES[head](*(_shown(each, depth + 1) for each in parts[:2]))
    return _UNKNOWN


def _plain(text: str) -> str:
    if not text.startswith('"'):
        return text
    plain = _ESCAPED.sub(lambda escaped: _MEANT.get(escaped[1], escaped[1]), text[1:-1])
    return _NAMED.sub(lambda named: _CHARACTERS.get(named[1], named[0]), plain)
