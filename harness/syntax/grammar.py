"""From text to statements by a grammar, and errors in words.

lark finds a grammar's tables, and here is the loop that follows them.  It knows no recursion, so no
text is too deep for it, and each statement goes to a builder as soon as the text before an error is
known to hold it.
"""

from __future__ import annotations

import bisect
import functools
import json
import os
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from harness.syntax.builder import Builder, Node
from harness.syntax.lexis import PAIRS, Lexis, innermost, skeleton
from harness.syntax.tree import SnippetError, Unread


class Token(NamedTuple):
    """A piece of text that a terminal of the grammar matches."""

    kind: str
    text: str
    start: int


class Rule(NamedTuple):
    """What is complete where a rule of the grammar is."""

    name: str
    method: str | None  # The builder's; its symbols belong to the rule around it where none
    length: int
    is_optional: bool  # Whether a single symbol stands for itself


@dataclass(frozen=True)
class Grammar:
    """A language's tables."""

    ignored: re.Pattern[str]  # What separates tokens
    terminals: Mapping[str, re.Pattern[str]]  # In the order in which they are tried
    rules: Sequence[Rule]
    # By symbol the next state, or -1 less the number of a rule that is complete.
    states: Sequence[Mapping[str, int]]
    start: int
    end: int

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> Grammar:
        """Make a grammar of what ``harness.syntax.tables`` gives."""
        terminals = {name: re.compile(pattern) for name, pattern in tables["terminals"].items()}
        ignored, rules = re.compile(tables["ignored"]), [Rule(*rule) for rule in tables["rules"]]
        return cls(ignored, terminals, rules, tables["states"], tables["start"], tables["end"])

    def token(self, code: str, position: int, wanted: Container[str]) -> Token:
        """Read a token of a wanted kind, or else of any, or else a character of no kind."""
        while (token := self._matching(code, position, wanted)) is None:
            ignored = self.ignored.match(code, position)
            if ignored is None:
                break
            position = ignored.end()
        if token is None and position == len(code):
            return Token("$END", "", position)
        token = token or self._matching(code, position, self.terminals)
        return token or Token("", code[position], position)

    def _matching(self, code: str, position: int, kinds: Container[str]) -> Token | None:
        for kind, pattern in self.terminals.items():
            if kind in kinds and (match := pattern.match(code, position)):
                return Token(kind, match[0], position)
        return None


@functools.cache
def grammar_of(language: str) -> Grammar:
    """Return the grammar of a language, from the user's cache folder where it is in it."""
    texts = [Path(__file__).with_name(name) for name in (f"{language}.lark", "tables.py")]
    # Named by all that the contents depend on, so that the file is never out of date.
    key = crc32(b"".join(path.read_bytes() for path in texts))
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(cache) / "deconform" / "grammars" / f"{language}-{key:08x}.json"
    try:
        # Whatever is wrong with a file that was kept, the grammar itself is at hand.
        return Grammar.of(json.loads(kept.read_bytes()))
    except Exception:  # noqa: BLE001
        from harness.syntax.tables import computed  # noqa: PLC0415 -- imports lark
    tables = computed(texts[0].read_text(encoding="utf-8"))
    with suppress(OSError):
        _keep(json.dumps(tables), kept)
    return Grammar.of(tables)


def _keep(tables: str, path: Path) -> None:
    """Write the tables whole, for this user alone; JSON, because a pickle may run code."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(tables, encoding="ascii")
    partial.replace(path)


def read_some(language: str, code: str, start: int, builder: Builder, lexis: Lexis) -> None:
    """Read statements by a language's grammar up to the end of code, or to what it does not know.

    A statement begins at ``start``.  The code is balanced, has no comments, and may stop before the
    original text does, of which the builder is: it has a method for each rule, and keeps the
    statements.  A ``SnippetError`` has the column, and what was expected there.
    """
    grammar = grammar_of(language)
    states, symbols, position = [grammar.start], list[list[Node]](), start
    while True:
        token = grammar.token(code, position, grammar.states[states[-1]])
        while (action := grammar.states[states[-1]].get(token.kind)) is not None and action < 0:
            rule = grammar.rules[-1 - action]
            first = len(symbols) - rule.length
            nodes = _completed(rule, symbols[first:], builder)
            del states[first + 1 :], symbols[first:]
            states.append(grammar.states[states[-1]][rule.name])
            symbols.append(nodes)
            if states[-1] == grammar.end:
                return
        if action is None:
            raise _in_words(builder, code, lexis, token, grammar.states[states[-1]])
        states.append(action)
        symbols.append([builder.token(*token)])
        position = token.start + len(token.text)


def _completed(rule: Rule, symbols: Sequence[list[Node]], builder: Builder) -> list[Node]:
    # In place: lists of arguments are rules that hold one argument and all before it.
    nodes = symbols[0] if symbols else []
    for more in symbols[1:]:
        nodes += more
    if rule.method is None or (rule.is_optional and len(nodes) == 1):
        return nodes
    return [getattr(builder, rule.method)(nodes)]


def read_all(language: str, code: str, builder: Builder, lexis: Lexis) -> Iterator[Unread]:
    """Read statements to the end of code, and give the stretches that the grammar does not know.

    Such a stretch ends where a statement may end: outside of brackets and strings.  Parameters are
    those of ``read_some``.
    """
    separators = [match.start() for match in re.finditer(r"[;,\n]", skeleton(code, lexis))]
    start = 0
    while True:
        builder.end = start
        try:
            read_some(language, code, start, builder, lexis)
        except SnippetError as error:
            column = max(error.column or 0, start + 1)
            place = bisect.bisect_left(separators, column)
            start = separators[place] if place < len(separators) else len(code)
            rest = code[builder.end :]
            begin = min(start, builder.end + len(rest) - len(rest.lstrip(";, \t\n\r\f\v")))
            yield Unread(begin, start, error)
        else:
            return


def _in_words(
    builder: Builder, code: str, lexis: Lexis, token: Token, wanted: Container[str]
) -> SnippetError:
    column = min(token.start, len(builder.text.rstrip()))
    bracket = innermost(code, column, lexis, builder.end)
    if "NUMBER" in wanted and "TIMES" not in wanted:  # An operand may have a factor after it.
        expected = "a value"
    elif bracket is None:
        expected = "';' or the end of the line"
    else:
        expected = f"',' or {PAIRS[bracket]!r}"
    shown = _shown(builder.text, column, len(token.text) or 1)
    return SnippetError(f"expected {expected}, but found {shown}.", column)


def _shown(text: str, column: int, length: int) -> str:
    rest = text[column:]
    if not rest.strip():
        return "the end of the text"
    if rest[0].isspace():
        return "a blank" if rest.split("\n")[0].strip() else "the end of the line"
    return ascii(rest[0]) if not rest[0].isprintable() else repr(rest[:length][:20])
