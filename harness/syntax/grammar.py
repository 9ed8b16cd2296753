"""From text to statements by the tables of a grammar, and errors in words.

``harness.syntax.tables`` makes the tables; here is the loop that follows them.  It knows no
recursion, so no text is too deep for it.
"""

from __future__ import annotations

import bisect
import functools
import json
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.syntax.builder import Builder, Node
from harness.syntax.lexis import PAIRS, Lexis, innermost, skeleton
from harness.syntax.tree import SnippetError, Unread


class Token(NamedTuple):
    """A piece of text that a terminal of the grammar matches."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True)
class Rule:
    """What completes when a rule of the grammar does.

    Attributes
    ----------
    name : str
        Where the table goes on.
    method : str or None
        The builder's method; ``None`` where the symbols belong to the rule around this one.
    length : int
        How many symbols it has.
    is_optional : bool
        Whether a single symbol stands for itself.
    """

    name: str
    method: str | None
    length: int
    is_optional: bool

    @property
    def passes_on(self) -> bool:
        """Whether it is its only symbol."""
        return self.length == 1 and (self.is_optional or self.method is None)


@dataclass(frozen=True)
class Grammar:
    """Tables as ``harness.syntax.tables`` describes them."""

    ignored: re.Pattern[str]
    terminals: tuple[tuple[str, re.Pattern[str]], ...]
    rules: tuple[Rule, ...]
    states: tuple[tuple[int | dict[str, int], dict[str, int]], ...]
    _passed_on: dict[tuple[int, int, str], int] = field(default_factory=dict)

    def token(self, code: str, position: int, wanted: Container[str]) -> Token:
        """Read a token of a wanted kind, or else of any, or else a character of no kind."""
        while True:
            found = self._matching(code, position, wanted)
            ignored = None if found else self.ignored.match(code, position)
            if ignored is None:
                break
            position = ignored.end()
        if found is None and position == len(code):
            return Token("$END", "", position)
        found = found or self._matching(code, position, dict(self.terminals))
        return found or Token("", code[position], position)

    def passed_on(self, below: int, state: int, kind: str) -> int:
        """Return the state behind all rules that are their only symbol, one inside the other.

        Most symbols pass a dozen of them, so each way is gone once.
        """
        key = (below, state, kind)
        if key not in self._passed_on:
            while rule := self._passing(state, kind):
                state = self.states[below][1][rule.name]
            self._passed_on[key] = state
        return self._passed_on[key]

    def _passing(self, state: int, kind: str) -> Rule | None:
        action = self.states[state][0]
        number = action.get(kind, 0) if isinstance(action, dict) else action
        rule = self.rules[-number - 1] if number < 0 else None
        return rule if rule and rule.passes_on else None

    def _matching(self, code: str, position: int, kinds: Container[str]) -> Token | None:
        for kind, pattern in self.terminals:
            if kind in kinds and (match := pattern.match(code, position)):
                return Token(kind, match[0], position)
        return None


@functools.cache
def _grammar(language: str) -> Grammar:
    tables = json.loads(Path(__file__).with_name(f"{language}.json").read_text(encoding="utf-8"))
    return Grammar(
        re.compile(tables["ignored"]),
        tuple((name, re.compile(pattern)) for name, pattern in tables["terminals"]),
        tuple(Rule(*rule) for rule in tables["rules"]),
        tuple((actions, behind) for actions, behind in tables["states"]),
    )


def read_some(language: str, code: str, start: int, builder: Builder, lexis: Lexis) -> None:
    """Read statements by a language's grammar up to the end of code, or to what it does not know.

    Parameters
    ----------
    language : str
        Whose tables.
    code : str
        Balanced and without comments; may stop before the original text does.
    start : int
        Where a statement begins.
    builder : Builder
        Of the original text, with a method for each rule; keeps the statements.
    lexis : Lexis
        For the brackets that an error names.

    Raises
    ------
    SnippetError
        With the column, and what was expected there.
    """
    grammar = _grammar(language)
    states, symbols, position = [0], list[list[Node]](), start
    token: Token | None = None
    while True:
        action = grammar.states[states[-1]][0]
        if isinstance(action, dict):
            token = token or grammar.token(code, position, action)
            if token.kind not in action:
                # Behind an operand there may be a factor of it.
                is_value = "NUMBER" in action and "TIMES" not in action
                raise _in_words(builder.text, code, builder.end, token, lexis, is_value=is_value)
            action = action[token.kind]
        if token is not None and action >= 0:
            states.append(action)
            symbols.append([builder.token(*token)])
            position, token = token.start + len(token.text), None
            continue
        rule = grammar.rules[-action - 1]
        if rule.name == "start":
            return
        if rule.passes_on:
            states[-1] = grammar.passed_on(states[-2], states[-1], token.kind if token else "")
            continue
        nodes = _completed(rule, symbols, builder)
        del states[-rule.length :], symbols[-rule.length :]
        states.append(grammar.states[states[-1]][1][rule.name])
        symbols.append(nodes)


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
            begin = min(start, builder.end + _leading(code[builder.end :]))
            yield Unread(begin, start, error)
        else:
            return


def _leading(code: str) -> int:
    return len(code) - len(code.lstrip(";, \t\n\r\f\v"))


def _completed(rule: Rule, symbols: list[list[Node]], builder: Builder) -> list[Node]:
    # In place: lists of arguments are rules that hold one argument and all before it.
    nodes, *rest = symbols[-rule.length :]
    for more in rest:
        nodes += more
    if rule.method is None or (rule.is_optional and len(nodes) == 1):
        return nodes
    return [getattr(builder, rule.method)(nodes)]


def _in_words(
    text: str, code: str, start: int, token: Token, lexis: Lexis, *, is_value: bool
) -> SnippetError:
    column = min(token.start, len(text.rstrip()))
    bracket = innermost(code, column, lexis, start)
    if is_value:
        expected = "a value"
    elif bracket is None:
        expected = "';' or the end of the line"
    else:
        expected = f"',' or {PAIRS[bracket]!r}"
    return SnippetError(f"expected {expected}, but found {_found(text, column, token)}.", column)


def _found(text: str, column: int, token: Token) -> str:
    rest = text[column:]
    if not rest.strip():
        return "the end of the text"
    if rest[0].isspace():
        return "a blank" if rest.split("\n")[0].strip() else "the end of the line"
    return ascii(rest[0]) if not rest[0].isprintable() else repr(rest[: len(token.text) or 1][:20])
