"""A call that stands in the middle of what no parser reads: prose, half a list, a cut-off line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final, NamedTuple

from harness.syntax.lexis import MATLAB, PAIRS, PYTHON, WOLFRAM, Lexis, marks, without_comments
from harness.syntax.tree import MAX_TEXT

_LANGUAGES: Final = {
    "python": (PYTHON, "("),
    "matlab": (MATLAB, "("),
    "wolfram": (WOLFRAM, "["),
    "onnx": (PYTHON, "("),
    "openvino_ir": (PYTHON, "("),
    "caffe_net": (PYTHON, "("),
}
_LONGEST_NAME: Final = 200
_TRIES: Final = 3
_NAME_BACKWARDS: Final = re.compile(r"[ \t]*([\w.`$]+)")


class Piece(NamedTuple):
    """Where a call begins, its dotted name included, and where it ends."""

    start: int
    end: int


def cut(text: str, names: Collection[str], language: str) -> list[Piece]:
    """Find the balanced calls of the names that stand in no other one.

    What is called of the result at once belongs to it.  Names inside strings and comments count
    only where there are no others: an apostrophe in prose looks like a string, too.

    Parameters
    ----------
    text : str
    names : set of str
        Without what stands before their last dot.
    language : str
        ``python``, ``matlab`` or ``wolfram``.

    Examples
    --------
    >>> text = "8, tf.f(')', [2])(x)], # tf.f(1)"
    >>> [text[piece.start : piece.end] for piece in cut(text, {"f"}, "python")]
    ["tf.f(')', [2])(x)"]
    """
    if len(text) > MAX_TEXT:
        return []
    lexis, bracket = _LANGUAGES[language]
    pieces = _separate(text, 0, names, lexis, bracket)
    if not pieces and names:
        name = "|".join(map(re.escape, sorted(names)))
        # The name alone, so that the scan begins after whatever hides it.
        hidden = re.finditer(rf"(?<!\w)(?:{name})[ \t]*{re.escape(bracket)}", text)
        for match in islice(hidden, _TRIES):
            pieces = pieces or _separate(text, match.start(), names, lexis, bracket)
    return pieces


def alone(text: str, piece: Piece, language: str) -> str:
    r"""Put blanks in the place of all that is no part of the piece, so that columns stay.

    In Python the piece comes to stand on one line: the first line's blanks would be an indentation
    that its other lines lack.

    >>> alone("8, f(1, # one\n2)]", Piece(3, 16), "python")
    '   f(1,       2)'
    """
    code = re.sub(r"[^\n]", " ", text[: piece.start]) + text[piece.start : piece.end]
    if language == "python":
        code = re.sub(r"\\?\n", " ", without_comments(code, PYTHON))
    return code


def _separate(
    text: str, start: int, names: Collection[str], lexis: Lexis, bracket: str
) -> list[Piece]:
    pieces: list[Piece] = []
    candidates = _balanced(text, start, names, lexis, bracket)
    for piece in sorted(candidates, key=lambda piece: (piece.start, -piece.end)):
        if not pieces or piece.start >= pieces[-1].end:
            pieces.append(piece)
    return pieces


def _balanced(
    text: str, start: int, names: Collection[str], lexis: Lexis, bracket: str
) -> Iterator[Piece]:
    opened: list[tuple[str, int | None]] = []
    last: Piece | None = None
    for mark in marks(text, lexis, start):
        shown = text[mark.start : mark.end]
        if mark.kind == "open":
            called = _called(text, mark.start, names) if shown == bracket else None
            if last is not None and last.end == mark.start:
                called = last.start
            opened.append((shown, called))
        elif mark.kind == "close" and opened:
            opening, called = opened.pop()
            if PAIRS[opening] != shown:
                opened.clear()
            elif called is not None:
                last = Piece(called, mark.end)
                yield last


def _called(text: str, end: int, names: Collection[str]) -> int | None:
    """Where the known name before a bracket begins."""
    # Backwards, so that a long text of names is not searched once for each of its characters.
    before = text[max(0, end - _LONGEST_NAME) : end][::-1]
    match = _NAME_BACKWARDS.match(before)
    if match is None or re.split(r"[.`]", match[1][::-1])[-1] not in names:
        return None
    return end - match.end()
