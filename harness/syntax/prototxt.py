"""The text format of protobuf messages, as trees of fields.

https://protobuf.dev/reference/protobuf/textformat-spec/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from harness.syntax.tree import SnippetError, Value

_DEEPEST: Final = 40
_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*
    |(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[fF]?(?![\w.]))
    |(?P<word>-?[A-Za-z_][\w.]*)
    |(?P<mark>[:{}<>\[\],;])""",
    re.VERBOSE,
)
_CLOSING: Final = {"{": "}", "<": ">", "": ""}
_TRUTHS: Final = {"true": True, "false": False, "True": True, "False": False}
Field: TypeAlias = "Value | Message"


@dataclass
class Message:
    """The fields of a message, in their order."""

    fields: list[tuple[str, Field]] = field(default_factory=list)

    def every(self, *names: str) -> list[Field]:
        """Return the values of fields of these names."""
        return [value for name, value in self.fields if name in names]

    def text(self, name: str) -> str:
        """Return the last value of a field; empty where there is none, or no text."""
        value = next((value for value in reversed(self.every(name))), "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Return the texts of a field that may be repeated."""
        return [value for value in self.every(name) if isinstance(value, str)]

    def messages(self, *names: str) -> list[Message]:
        """Return the messages of fields of these names."""
        return [value for value in self.every(*names) if isinstance(value, Message)]

    def numbers(self, name: str) -> list[Value]:
        """Return the values of a field that are no messages."""
        return [value for value in self.every(name) if not isinstance(value, Message)]


def parsed(text: str) -> Message:
    """Read a message.

    Raises
    ------
    SnippetError
        With its place in the text.

    Examples
    --------
    >>> net = parsed('name: "net" layer { pad: 1 pad: 2 bias_term: false }')
    >>> net.text("name"), net.messages("layer")[0].fields
    ('net', [('pad', 1), ('pad', 2), ('bias_term', False)])
    """
    root = Message()
    # Open messages, each with what closes it; the field whose value comes next.
    stack, name, in_list = [(root, "")], "", False
    for kind, piece, column in _tokens(text):
        message, closing = stack[-1]
        if kind == "mark":
            if piece in ("{", "<") and name:
                inner = Message()
                message.fields.append((name, inner))
                stack.append((inner, _CLOSING[piece]))
                name = name if in_list else ""
                if len(stack) > _DEEPEST:
                    raise _wrong(text, f"messages are nested more than {_DEEPEST} deep.", column)
            elif piece == closing and not name:
                stack.pop()
            elif piece == "[" and name and not in_list:
                in_list = True
            elif piece == "]" and in_list:
                name, in_list = "", False
            elif piece not in (":", ",", ";"):
                raise _wrong(text, f"{piece!r} is not expected here.", column)
        elif name:
            message.fields.append((name, _value(kind, piece)))
            name = name if in_list else ""
        elif kind == "word":
            name = piece
        else:
            raise _wrong(text, f"{piece[:50]!r} stands where a field's name should.", column)
    if len(stack) > 1 or name:
        raise _wrong(text, "the text ends in the middle of a message.", len(text))
    return root


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(text, f"{text[at]!r} is not expected here.", at)
        if match.lastgroup:
            yield match.lastgroup, match[0], at
        at = match.end()


def _value(kind: str, piece: str) -> Value:
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", piece[1:-1])
    if kind == "word":
        return _TRUTHS.get(piece, piece)
    if re.fullmatch(r"[-+]?\d{1,18}", piece):
        return int(piece)
    return float(piece.rstrip("fF"))


def _wrong(text: str, fact: str, column: int) -> SnippetError:
    return SnippetError(fact, column).placed_in(text)
