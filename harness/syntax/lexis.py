"""Where a language's strings, comments and brackets are, which no grammar can do without."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from harness.syntax.tree import SnippetError

PAIRS: Final = {"(": ")", "[": "]", "{": "}", "<|": "|>"}


class Mark(NamedTuple):
    """A string, a comment or a bracket in a text."""

    # ``string``, ``comment``, ``open``, ``close``, ``skip`` (only looks like one of them),
    # ``quote`` (of a string that never ends) or ``unclosed`` (a comment that never ends).
    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Lexis:
    """How a language writes strings, comments and brackets."""

    # Its named groups are the kinds of marks; ``nest`` begins a comment that may hold comments.
    pattern: re.Pattern[str]
    # Where such comments begin and (group ``end``) end.
    nested: re.Pattern[str] | None = None
    comment_end: str = ""  # How such a comment ends, in words for people


# A backslash outside of strings escapes nothing; passing over it together with what follows keeps
# text of escaped quotes from being searched for the end of a string once for each of them.
PYTHON: Final = Lexis(
    re.compile(
        r'''
        (?P<string> """(?:[^\\]|\\.)*?""" | \'\'\'(?:[^\\]|\\.)*?\'\'\'
                  | "(?:[^"\\\n]|\\.)*+" | '(?:[^'\\\n]|\\.)*+' )
        |(?P<comment> \#[^\n]* ) |(?P<skip> \\. )
        |(?P<open> [(\[{] ) |(?P<close> [)\]}] ) |(?P<quote> ["'] )
        ''',
        re.VERBOSE | re.DOTALL,
    )
)
WOLFRAM: Final = Lexis(
    re.compile(
        r"""
        (?P<string> "(?:[^"\\]|\\.)*+" ) |(?P<nest> \(\* ) |(?P<skip> \\\[\w+\] | \\. )
        |(?P<comment> ^[^\S\n]*(?:In|Out)\[\d+\][^\S\n]*:?=(?!=) )
        |(?P<open> <\| | [(\[{] ) |(?P<close> \|> | [)\]}] ) |(?P<quote> " )
        """,
        re.VERBOSE | re.DOTALL | re.MULTILINE,
    ),
    re.compile(r"\(\*|(?P<end>\*\))"),
    "*)",
)
# What a session writes before what is typed, as In[1]:= and >>, is no part of the text.
# Octave's comments may begin with # as well, which MATLAB does not know at all.
# An apostrophe after an operand transposes it; any other begins a string.
MATLAB: Final = Lexis(
    re.compile(
        r"""
        (?P<skip> (?<=[\w)\]}'".])' )
        |(?P<string> '(?:[^'\n]|'')*+' | "(?:[^"\n]|"")*+" )
        |(?P<nest> ^[^\S\n]*[%\#]\{[^\S\n]*$ )
        |(?P<comment> [%\#][^\n]* | \.\.\.[^\n]*\n? | ^[^\S\n]*>> )
        |(?P<open> [(\[{] ) |(?P<close> [)\]}] ) |(?P<quote> ["'] )
        """,
        re.VERBOSE | re.MULTILINE,
    ),
    re.compile(r"^[^\S\n]*[%#](?:\{|(?P<end>\}))[^\S\n]*$", re.MULTILINE),
    "%}",
)


def marks(text: str, lexis: Lexis, position: int = 0) -> Iterator[Mark]:
    """Yield all strings, comments and brackets from a position on; nothing is refused.

    >>> [mark.kind for mark in marks('f["]" (* ] *)', WOLFRAM)]
    ['open', 'string', 'comment']
    """
    while match := lexis.pattern.search(text, position):
        kind, position = match.lastgroup or "skip", match.end()
        if kind == "nest":
            end = _end_of_nested(text, match.start(), lexis)
            kind, position = ("unclosed", len(text)) if end is None else ("comment", end)
        yield Mark(kind, match.start(), position)


def _end_of_nested(text: str, start: int, lexis: Lexis) -> int | None:
    assert lexis.nested is not None
    depth = 0
    for match in lexis.nested.finditer(text, start):
        depth += -1 if match["end"] else 1
        if depth == 0:
            return match.end()
    return None


def blanked(text: str, spans: Iterable[tuple[int, int]], blank: str = " ") -> str:
    """Replace what stands in spans, in order, by as many blanks, so that columns stay."""
    pieces, position = [], 0
    for begin, end in spans:
        pieces += [text[position:begin], blank * (end - begin)]
        position = end
    return "".join([*pieces, text[position:]])


def without_comments(text: str, lexis: Lexis) -> str:
    """Replace comments by blanks, so that columns stay.

    Raises
    ------
    SnippetError
        For a string or a comment that does not end, and for brackets that do not match.
    """
    comments, opened = list[tuple[int, int]](), list[Mark]()
    for mark in marks(text, lexis):
        shown = text[mark.start : mark.end]
        if mark.kind == "quote":
            raise SnippetError(f"this string never ends; expected another {shown} .", mark.start)
        if mark.kind == "unclosed":
            raise SnippetError(
                f"this comment never ends; expected {lexis.comment_end!r}.", mark.start
            )
        if mark.kind == "comment":
            comments.append((mark.start, mark.end))
        elif mark.kind == "open":
            opened.append(mark)
        elif mark.kind == "close" and not opened:
            raise SnippetError(f"this {shown!r} closes nothing; remove it.", mark.start)
        elif mark.kind == "close":
            last = opened.pop()
            bracket = text[last.start : last.end]
            if PAIRS[bracket] != shown:
                raise SnippetError(
                    f"expected {PAIRS[bracket]!r}, which closes the last {bracket!r}, but found "
                    f"{shown!r}.",
                    mark.start,
                )
    if opened:
        start, end = opened[-1][1:]
        bracket = text[start:end]
        raise SnippetError(f"this {bracket!r} is never closed; expected {PAIRS[bracket]!r}.", start)
    return blanked(text, comments)


def skeleton(code: str, lexis: Lexis) -> str:
    """Replace the contents of strings and brackets by blanks, in balanced code.

    >>> skeleton("k = f[{1}; 2]; '", WOLFRAM)
    "k = f[      ]; '"
    """
    hidden, begin, depth = list[tuple[int, int]](), 0, 0
    for mark in marks(code, lexis):
        if mark.kind == "open":
            begin = begin if depth else mark.end
            depth += 1
        elif mark.kind == "close":
            depth -= 1
            hidden += [] if depth else [(begin, mark.start)]
        elif mark.kind == "string" and depth == 0:
            hidden.append((mark.start + 1, mark.end - 1))
    return blanked(code, hidden)


def innermost(text: str, column: int, lexis: Lexis, start: int = 0) -> str | None:
    """Return the bracket open at a column of balanced text, from a start where none is open.

    >>> innermost("f[1, {2}, 3]", 7, WOLFRAM)
    '{'
    """
    opened: list[str] = []
    for mark in marks(text[start:column], lexis):
        if mark.kind == "open":
            opened.append(text[start + mark.start : start + mark.end])
        elif mark.kind == "close" and opened:
            opened.pop()
    return opened[-1] if opened else None
