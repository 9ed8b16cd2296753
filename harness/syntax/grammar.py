"""From text to statements by a grammar, and errors in words.

lark reads; each statement goes to a builder as soon as the text before an error is known to hold
it.  lark keeps its tables in the user's cache folder as JSON, because finding them takes longer
than a look-up may.
"""

from __future__ import annotations

import bisect
import functools
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import lark
from lark.grammar import Rule
from lark.lexer import TerminalDef
from lark.visitors import Transformer_NonRecursive

from harness.syntax.builder import Builder, Node
from harness.syntax.lexis import PAIRS, Lexis, innermost, skeleton
from harness.syntax.tree import SnippetError, Unread

_OPTIONS: Final[dict[str, Any]] = {
    "parser": "lalr",
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}


@functools.cache
def parser(language: str) -> lark.Lark:
    """Return the parser of a language, from the cache where there is one."""
    grammar = Path(__file__).with_name(f"{language}.lark").read_text(encoding="utf-8")
    cached = _cache_file(language, grammar)
    try:
        # Whatever is wrong with a cached file, the grammar itself is at hand.
        tables = json.loads(cached.read_text(encoding="utf-8"), object_hook=_with_numbers)
        return lark.Lark.load(tables)
    except Exception:  # noqa: BLE001
        computed = lark.Lark(grammar, **_OPTIONS)
    with suppress(OSError):
        _keep(computed, cached)
    return computed


def _cache_file(language: str, grammar: str) -> Path:
    """Name the file by all that its contents depend on, so that it is never out of date."""
    key = sha256(f"{lark.__version__}\n{_OPTIONS}\n{grammar}".encode()).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "deconform" / "grammars" / f"{language}-{key}.json"


def _keep(computed: lark.Lark, path: Path) -> None:
    """Write the tables whole, for this user alone; JSON, because a pickle may run code."""
    data, memo = computed.memo_serialize([TerminalDef, Rule])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps({"data": data, "memo": memo}), encoding="utf-8")
    partial.replace(path)


def _with_numbers(pairs: dict[str, Any]) -> dict[Any, Any]:
    """Turn keys back into the numbers that they were before JSON turned them into strings."""
    return {int(key) if key.isdecimal() else key: value for key, value in pairs.items()}


class _ToBuilder(Transformer_NonRecursive[lark.Token, Node | None]):
    """Calls the builder's methods in the order of the text; no text is too deep for it."""

    def __init__(self, builder: Builder) -> None:
        super().__init__()
        self._builder = builder

    def __default__(self, data: str, children: list[Any], meta: object) -> Node | None:
        del meta
        # On the way to an error, lists of statements or arguments are not in their rule yet.
        is_whole = data != "start" and not data.startswith("_")
        return getattr(self._builder, data)(children) if is_whole else None

    def __default_token__(self, token: lark.Token) -> Node:
        assert token.start_pos is not None
        return self._builder.token(token.type, str(token), token.start_pos)


def read_some(language: str, code: str, start: int, builder: Builder, lexis: Lexis) -> None:
    """Read statements by a language's grammar up to the end of code, or to what it does not know.

    Parameters
    ----------
    language : str
        Whose grammar.
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
    to_builder = _ToBuilder(builder)
    try:
        tree = parser(language).parse(lark.TextSlice(code, start, len(code)))
    except lark.UnexpectedInput as error:
        state: Any = error.interactive_parser
        to_builder.transform(lark.Tree("start", state.parser_state.value_stack))
        raise _in_words(builder, code, lexis, error) from None
    to_builder.transform(tree)


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
    builder: Builder, code: str, lexis: Lexis, error: lark.UnexpectedInput
) -> SnippetError:
    text, start, length, expected = builder.text, len(code), 1, set[str]()
    if isinstance(error, lark.UnexpectedCharacters):
        start, expected = error.pos_in_stream or 0, error.allowed
    elif isinstance(error, lark.UnexpectedToken):
        expected = error.accepts or error.expected
        if error.token.type != "$END":
            start, length = error.token.start_pos or 0, len(error.token)
    column = min(start, len(text.rstrip()))
    bracket = innermost(code, column, lexis, builder.end)
    if "NUMBER" in expected and "TIMES" not in expected:  # An operand may have a factor after it.
        wanted = "a value"
    elif bracket is None:
        wanted = "';' or the end of the line"
    else:
        wanted = f"',' or {PAIRS[bracket]!r}"
    return SnippetError(f"expected {wanted}, but found {_shown(text, column, length)}.", column)


def _shown(text: str, column: int, length: int) -> str:
    rest = text[column:]
    if not rest.strip():
        return "the end of the text"
    if rest[0].isspace():
        return "a blank" if rest.split("\n")[0].strip() else "the end of the line"
    return ascii(rest[0]) if not rest[0].isprintable() else repr(rest[:length][:20])
