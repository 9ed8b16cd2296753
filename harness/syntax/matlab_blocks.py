"""MATLAB and Octave text step by step: statements, and the keywords that make blocks of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from harness.syntax.names import identifiers

# Something stands in for all names there are: what a file holds, or a text that is evaluated.
ANY: Final = "*"
LOOPS: Final = {"for", "parfor", "while", "do"}
# At their beginning, or after them, the block may have been left in any of its lines.
PROTECTED: Final = {"try", "unwind_protect"}
# Those whose names are their own, and those of classes and functions that only declare.
SCOPES: Final = {"function", "classdef", "methods", "properties", "events", "enumeration"}
DECLARING: Final = {"properties", "events", "enumeration", "arguments"}
OPENING: Final = {*LOOPS, *PROTECTED, *SCOPES, *DECLARING, "if", "switch"}
TURNS: Final = {"else", "elseif", "case", "otherwise", "catch", "unwind_protect_cleanup"}
CONDITIONS: Final = {"if", "elseif", "while", "switch", "case", "until"}
_HEADED: Final = {*CONDITIONS, *SCOPES, *DECLARING, "for", "parfor"}
_BARE: Final = {
    *("else", "otherwise", "unwind_protect_cleanup", "try", "unwind_protect", "do"),
    *("return", "break", "continue", "catch"),
}
_ENDS: Final = (
    r"end(?:if|for|parfor|while|switch|function|classdef|methods|properties|events|enumeration"
    r"|_try_catch|_unwind_protect)?"
)
_KEYWORD: Final = re.compile(
    rf"\s*({'|'.join(sorted(_HEADED | _BARE, key=len, reverse=True))}|{_ENDS})\b(?!\s*=(?!=))"
)
_CAUGHT: Final = re.compile(r"[^\S\n]*[^\W\d]\w*\s*")
_PIECE: Final = re.compile(r"[^;,\n]+")
_EQUALS: Final = re.compile(r"(?<![=~!<>])=(?!=)")
_GIVEN: Final = re.compile(r"([^\W\d]\w*)\s*=(?!=)")
_EVALUATED: Final = re.compile(r"\b(?:eval|evalc|evalin|assignin)\b")
_FROM_FILES: Final = re.compile(r"(?:load|run|source)\b")
_ALL_NAMES: Final = {"all", "variables"}
_CLEARED: Final = re.compile(r"clear(?:vars)?\b(.*)", re.DOTALL)
_SHARED: Final = re.compile(r"(?:global|persistent)\s+(?=[^\W\d])")
_COUNTED: Final = re.compile(r"(?:(?:\+\+|--)\s*[^\W\d]\w*|[^\W\d]\w*\s*(?:\+\+|--))\s*")


class Step(NamedTuple):
    """A keyword with what stands after it, or a statement."""

    keyword: str  # Of a block; empty for a statement
    start: int  # Of the statement, or of what stands after the keyword
    end: int


@dataclass
class Block:
    """What stands between a keyword and its ``end``."""

    keyword: str
    bound: set[str] = field(default_factory=set)  # Names that it may give something
    turns: list[int] = field(default_factory=list)  # The numbers of the steps of its branches
    end: int | None = None  # The number of the step that closes it

    @property
    def is_closed(self) -> bool:
        """Whether the text closes it."""
        return self.end is not None


class Structure(NamedTuple):
    """The blocks of a text."""

    blocks: Mapping[int, Block]  # By the numbers of the steps that open them
    shared: frozenset[str]  # Names that a function may change for another one
    is_open_ended: bool  # Whether functions have no ``end``, as files of functions only may do


def split(outside: str) -> Iterator[Step]:
    """Find the steps of a text.

    Parameters
    ----------
    outside : str
        Without what strings and brackets hold.

    Examples
    --------
    >>> text = "if x, k = 3; else k = 4; end"
    >>> [(step.keyword, text[step.start : step.end]) for step in split(text)]
    [('if', 'x'), ('', 'k = 3'), ('else', ''), ('', 'k = 4'), ('end', '')]
    """
    has_declarations = (
        re.search(r"^[^\S\n]*(?:function|classdef)\b", outside, re.MULTILINE) is not None
    )
    for piece in _PIECE.finditer(outside):
        start, end = piece.span()
        while match := _KEYWORD.match(outside, start, end):
            keyword = "end" if match[1].startswith("end") else match[1]
            if keyword in DECLARING | {"methods"} and not has_declarations:
                break
            start = match.end()
            begin = start
            if keyword in _HEADED or (
                keyword == "catch" and _CAUGHT.fullmatch(outside, begin, end)
            ):
                start = end
            yield _trimmed(keyword, begin, start, outside)
        if outside[start:end].strip():
            yield _trimmed("", start, end, outside)


def _trimmed(keyword: str, start: int, end: int, outside: str) -> Step:
    return Step(keyword, end - len(outside[start:end].lstrip()), end)


def structure(code: str, outside: str, steps: Sequence[Step]) -> Structure:
    """Find the blocks of a text, and the names that each may change."""
    blocks, opened, shared = dict[int, Block](), list[Block](), set[str]()
    for index, step in enumerate(steps):
        if step.keyword in OPENING:
            blocks[index] = Block(step.keyword)
            opened.append(blocks[index])
        if opened:
            opened[-1].bound |= bound(step, code, outside)
        if step.keyword in TURNS and opened:
            opened[-1].turns.append(index)
        if step.keyword in {"end", "until"} and opened:
            inner = opened.pop()
            inner.end = index
            if inner.keyword == "function" and any(each.keyword == "function" for each in opened):
                shared |= inner.bound
            _close(inner, opened)
        if match := _SHARED.match(code, step.start, step.end):
            shared |= set(identifiers(code[match.end() : step.end]))
    while opened:
        _close(opened.pop(), opened)
    is_open_ended = any(
        block.keyword == "function" and not block.is_closed for block in blocks.values()
    )
    return Structure(blocks, frozenset() if is_open_ended else frozenset(shared), is_open_ended)


def _close(inner: Block, opened: Sequence[Block]) -> None:
    for outer in opened[-1:]:
        outer.bound |= inner.bound


def bound(step: Step, code: str, outside: str) -> set[str]:
    """Return the names that a step may give something; ``ANY`` where it may be any."""
    shown = code[step.start : step.end]
    if step.keyword in SCOPES:
        return set()
    if _EVALUATED.search(shown) or (_FROM_FILES.match(shown) and not _EQUALS.search(shown)):
        return {ANY}
    if step.keyword in CONDITIONS | {"for", "parfor"}:
        return set(_GIVEN.findall(shown)) | _given(step, code, outside)
    if step.keyword == "catch" or _COUNTED.fullmatch(shown):
        return set(identifiers(shown))
    cleared = _CLEARED.fullmatch(shown)
    if cleared and not _EQUALS.search(shown):
        words = cleared[1].split() or [ANY]
        are_names = all(word.isidentifier() and word not in _ALL_NAMES for word in words)
        return set(words) if are_names else {ANY}
    return _given(step, code, outside)


def _given(step: Step, code: str, outside: str) -> set[str]:
    """Names before an equals sign; of ``w(k) = 1`` not ``k``, and all of ``[a, b] = f()``."""
    signs = list(_EQUALS.finditer(outside, step.start, step.end))
    if not signs:
        return set()
    left = slice(step.start, signs[-1].start())
    return set(identifiers((code if "[" in outside[left] else outside)[left]))
