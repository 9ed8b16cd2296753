"""From text to statements by the tables of a grammar, and errors in words.

``harness.syntax.tables`` makes the tables; here is the loop that follows them.  It knows no
recursion, so no text is too deep for it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.syntax.builder import Builder, Node
from harness.syntax.lexis import PAIRS, Lexis, innermost
from harness.syntax.tree import SnippetError, Statement


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


@dataclass(frozen=True)
class Grammar:
    """Tables as ``harness.syntax.tables`` describes them."""

    ignored: re.Pattern[str]
    terminals: tuple[tuple[str, re.Pattern[str]], ...]
    rules: tuple[Rule, ...]
    states: tuple[tuple[int | dict[str, int], dict[str, int]], ...]

    def token(self, code: str, position: int, wanted: Container[str]) -> Token:
        """Read a token of a wanted kind, or else of any, or else a character of no kind."""
        while True:
            found = self._matching(code, position, wanted)
            ignored = None if found else self.ignored.match(code, position)
            if ignored is None:
                break
            position = ignored.end()
        if position == len(code):
            return Token("$END", "", position)
        anything = [kind for kind, _ in self.terminals]
        found = found or self._matching(code, position, anything)
        return found or Token("", code[position], position)

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


def statements(language: str, code: str, builder: Builder, lexis: Lexis) -> tuple[Statement, ...]:
    """Read code, balanced and without comments, by a language's grammar.

    Parameters
    ----------
    language : str
        Whose tables.
    code : str
        As long as the original text.
    builder : Builder
        Of the original text, with a method for each rule.
    lexis : Lexis
        For the brackets that an error names.

    Raises
    ------
    SnippetError
        With the column, and what was expected there.
    """
    grammar = _grammar(language)
    states, symbols, position = [0], list[list[Node]](), 0
    token: Token | None = None
    while True:
        action = grammar.states[states[-1]][0]
        if isinstance(action, dict):
            token = token or grammar.token(code, position, action)
            if token.kind not in action:
                raise _in_words(builder.text, code, token, "NUMBER" in action, lexis)
            action = action[token.kind]
        if token is not None and action >= 0:
            states.append(action)
            symbols.append([builder.token(*token)])
            position, token = token.start + len(token.text), None
            continue
        rule = grammar.rules[-action - 1]
        if rule.name == "start":
            return tuple(builder.statements)
        nodes = _completed(rule, symbols, builder)
        del states[-rule.length :], symbols[-rule.length :]
        states.append(grammar.states[states[-1]][1][rule.name])
        symbols.append(nodes)


def _completed(rule: Rule, symbols: list[list[Node]], builder: Builder) -> list[Node]:
    # In place: lists of arguments are rules that hold one argument and all before it.
    nodes, *rest = symbols[-rule.length :]
    for more in rest:
        nodes += more
    if rule.method is None or (rule.is_optional and len(nodes) == 1):
        return nodes
    return [getattr(builder, rule.method)(nodes)]


def _in_words(
    text: str,
    code: str,
    token: Token,
    is_value: bool,
    lexis: Lexis,
) -> SnippetError:
    column = min(token.start, len(text.rstrip()))
    bracket = innermost(code, column, lexis)
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
    return ascii(rest[0]) if not rest[0].isprintable() else repr(rest[: len(token.text)][:20])
