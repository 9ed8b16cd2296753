"""Wolfram and MATLAB text alike: columns, what is refused where, any text, and the grammars."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import lark
import pytest
from examples import slow
from hypothesis import given
from hypothesis import strategies as st
from syntax_texts import FRAGMENTS, first, parse, shown, summary

from harness.syntax import grammar, matlab, wolfram
from harness.syntax.builder import fold
from harness.syntax.tree import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_STATEMENT,
    MAX_TEXT,
    Call,
    Name,
    Parsed,
    SnippetError,
    calls,
)

BOTH = pytest.mark.parametrize("language", [wolfram, matlab], ids=["wolfram", "matlab"])


def test_line_ends_of_windows_are_read() -> None:
    assert summary(parse(matlab, "[1 2\r\n3 4]\r\na = 1;\r\n")) == "[[1, 2], [3, 4]]; a := 1"
    assert summary(parse(wolfram, "f[1,\r\n2]\r\na = 1\r\n")) == "f(1, 2); a := 1"


# Columns, and calls wherever they stand.


def test_columns_are_those_of_the_text() -> None:
    text = "(* c *) d = h@f[1, a -> {x}] // g"
    value = first(wolfram, text)
    found = {call.function.text: call for call in calls(value) if isinstance(call.function, Name)}
    assert {name: call.column for name, call in found.items()} == {
        "g": text.index("h"),
        "h": text.index("h"),
        "f": text.index("f"),
    }
    assert found["g"].function.column == text.index("g")
    assert [each.column for each in found["f"].arguments] == [text.index("1"), text.index("a")]
    assert found["f"].arguments[1].value == (Name("x", text.index("x")),)


def test_columns_outlive_comments_and_layout() -> None:
    text = "%{\n%}\nlayers = [ % all\n  f(1) ...\n  g( 'a', x )\n]"
    found = {shown(call): call.column for call in calls(first(matlab, text))}
    assert found == {"f(1)": text.index("f("), "g('a', <x>)": text.index("g(")}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (matlab, "y = a' * net{f(1)}.x + 2 * g(3)"),
        (matlab, "{@() f(1), -g(3)}"),
        (matlab, "[f(1).weights(2), ~g(3)]"),
        (wolfram, "x[[1]] + f[1]*g[3]"),
        (wolfram, 'f[1][["Weights"]] <> g[3] &'),
        (wolfram, "{<|a -> f[1]|>, (b = g[3]; c)}"),
    ],
)
def test_calls_inside_expressions_are_found(language: ModuleType, text: str) -> None:
    found = {shown(call) for call in calls(first(language, text))}
    assert {"f(1)", "g(3)"} <= found


# What is refused, and where.

REFUSED: list[tuple[ModuleType, str, int, str]] = [
    (wolfram, "f[1 ? 2]", 4, "expected ',' or ']', but found '?'."),
    (wolfram, "f[{1 ? 2}]", 5, "expected ',' or '}', but found '?'."),
    (wolfram, "f[1, , 2]", 5, "expected a value, but found ','."),
    (wolfram, "f[:>]", 2, "expected a value, but found ':>'."),
    (wolfram, "x = ", 3, "expected a value, but found the end of the text."),
    (wolfram, "f[1] ? g[2]", 5, "expected ';' or the end of the line, but found '?'."),
    (wolfram, "k = 3; f[1] ? g[2]", 12, "expected ';' or the end of the line, but found '?'."),
    (wolfram, "1 ? 2", 2, "expected ';' or the end of the line, but found '?'."),
    (wolfram, "1 + \x00", 4, "expected a value, but found '\\x00'."),
    (wolfram, "(1 ? 2)", 3, "expected ',' or ')', but found '?'."),
    (wolfram, "f[1", 1, "this '[' is never closed; expected ']'."),
    (wolfram, "f[<|1", 2, "this '<|' is never closed; expected '|>'."),
    (wolfram, "f[{1]", 4, "expected '}', which closes the last '{', but found ']'."),
    (wolfram, "f[1]]", 4, "this ']' closes nothing; remove it."),
    (wolfram, 'f["a]', 2, 'this string never ends; expected another " .'),
    (wolfram, "f[(* a (* b *) ]", 2, "this comment never ends; expected '*)'."),
    (wolfram, "3[x]", 0, "only a function can be called, but this is a value."),
    (wolfram, '{1} // "a"', 0, "only a function can be called, but this is a value."),
    (wolfram, "{1, " + "1" * 19 + "}", 4, "this integer has 19 digits; 18 are allowed."),
    (wolfram, "1*^999", 0, "this number is too large."),
    (wolfram, "1*^" + "9" * 99, 0, "this number is too large."),
    (matlab, "f(a b)", 4, "expected ',' or ')', but found 'b'."),
    (matlab, "[1 = 2]", 3, "expected ',' or ']', but found '='."),
    (matlab, "f(1,)", 4, "expected a value, but found ')'."),
    (matlab, "x = \n 3", 4, "expected a value, but found the end of the line."),
    (matlab, "x = 3 +", 7, "expected a value, but found the end of the text."),
    (matlab, "x = ; y", 4, "expected a value, but found ';'."),
    (matlab, "for i=1:", 8, "expected a value, but found the end of the text."),
    (matlab, "if x y z, end", 7, "expected ';' or the end of the line, but found 'z'."),
    (matlab, "f(1", 1, "this '(' is never closed; expected ')'."),
    (matlab, "[f(1])", 4, "expected ')', which closes the last '(', but found ']'."),
    (matlab, "f(1))", 4, "this ')' closes nothing; remove it."),
    (matlab, "f('a)\n'", 2, "this string never ends; expected another ' ."),
    (matlab, 'f("a', 2, 'this string never ends; expected another " .'),
    (matlab, "%{\nf(1)", 0, "this comment never ends; expected '%}'."),
    (matlab, "f(2=3)", 2, "expected a name before '='."),
    (matlab, "3(1)", 0, "only a function can be called, but this is a value."),
    (matlab, "[1, " + "1" * 19 + "]", 4, "this integer has 19 digits; 18 are allowed."),
    (matlab, "1e999", 0, "this number is too large."),
]


@pytest.mark.parametrize(("language", "text", "column", "fact"), REFUSED)
def test_a_refusal_says_where_and_what(
    language: ModuleType, text: str, column: int, fact: str
) -> None:
    with pytest.raises(SnippetError) as caught:
        parse(language, text)
    assert (caught.value.column, caught.value.fact) == (column, fact)


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "[" * 1_000_000,
        "x" * (MAX_TEXT + 1),
        "{" * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1),
        "1" * (MAX_DIGITS + 1),
        "-" * 9_000,
        '"',
        "'",
    ],
    ids=lambda text: text[:3] + str(len(text)),
)
def test_malicious_text_is_refused(language: ModuleType, text: str) -> None:
    with pytest.raises(SnippetError):
        parse(language, text)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("part", ["-", "1+", "a+", "a/2+", "a/2*", "9^", "n,", "\n"])
def test_long_chains_of_operators_need_no_recursion(language: ModuleType, part: str) -> None:
    assert repr(parse(language, part * ((MAX_STATEMENT - 1) // len(part)) + "1"))


@pytest.mark.parametrize(
    ("left", "operation", "right", "expected"),
    [
        (2, "+", 3, 5),
        (2, "-", 3, -1),
        (6, "/", 4, 1.5),
        (6, "/", 3, 2),
        (0, "/", 5, 0),
        (2, "^", 59, 2**59),
        (2, "^", 60, None),
        (10, "^", 10**18 - 1, None),
        (1, "^", 10**18 - 1, 1),
        (-1, "^", 10**18 - 1, -1),
        (0, "^", -1, None),
        (2, "^", -2, 0.25),
        (10.0, "^", 99, None),
        (-8, "^", 0.5, None),
        (1e308, "*", 10, None),
        (10**17, "*", 10, None),
    ],
)
def test_arithmetic_is_bounded(
    left: float, operation: str, right: float, expected: float | None
) -> None:
    result = fold(left, operation, right)
    assert (type(result), result) == (type(expected), expected)


# Any text at all.


@BOTH
@given(text=st.lists(FRAGMENTS, max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_a_tree_or_a_snippet_error(language: ModuleType, text: str) -> None:
    try:
        parsed = language.read(text)
        errors = [unread.error for unread in parsed.unread]
    except SnippetError as error:
        parsed, errors = Parsed(()), [error]
    if not parsed.statements and not parsed.unread and errors:
        # Strings, comments and brackets that do not end; there is nothing else to refuse.
        assert re.search(r"never|closes|no text", errors[0].fact)
    for refused in errors:
        assert refused.column is None or 0 <= refused.column <= len(text)
        assert str(refused.placed_in(text))
    for unread in parsed.unread:
        assert 0 <= unread.start <= unread.end <= len(text)
        with pytest.raises(SnippetError):
            parse(language, text)
    for statement in parsed.statements:
        for call in calls(statement.value):
            assert 0 <= call.column < len(text)
            assert isinstance(call.function, Name | Call)


GOOD = {wolfram: ["f[1]", "a = g[x, {2}]"], matlab: ["f(1)", "a = g(x, [2 3])"]}
GARBAGE = st.lists(
    st.sampled_from([*"?!.:=+-*/^@&~# \n;,", "->", "if ", "for ", "end\n", "k", "the ", "1", "()"]),
    max_size=12,
).map("".join)


@BOTH
@given(before=GARBAGE, between=GARBAGE, behind=GARBAGE)
def test_garbage_costs_no_statement_around_it(
    language: ModuleType, before: str, between: str, behind: str
) -> None:
    one, other = GOOD[language]
    # A line may go on in the next one, but not over a semicolon.
    text = f"{before}\n;{one}\n;{between}\n;{other}\n;{behind}"
    found = [shown(statement.value) for statement in language.read(text).statements]
    expected = [shown(first(language, each)) for each in (one, other)]
    assert [value for value in found if value in expected] == expected


# The grammars.


@pytest.mark.parametrize("language", ["matlab", "wolfram"])
def test_every_rule_has_a_method(language: str) -> None:
    builder: Callable[[str], object] = {"matlab": matlab._Matlab, "wolfram": wolfram._Wolfram}[
        language
    ]
    rules = grammar.grammar_of(language).rules
    methods = {rule.method for rule in rules if not (rule.is_optional and rule.length == 1)}
    assert methods > {None, "statement", "application"}
    for method in methods - {None}:
        assert callable(getattr(builder(""), str(method)))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    grammar.grammar_of.cache_clear()
    yield tmp_path / "cache/deconform/grammars"
    grammar.grammar_of.cache_clear()


CALL = "transposedConv2dLayer([4 2], 64*2, 'Stride', 2)"


def test_tables_are_computed_once_and_kept_for_the_user_alone(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = parse(matlab, CALL)
    (kept,) = cache.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    grammar.grammar_of.cache_clear()
    monkeypatch.setattr(lark.Lark, "__init__", None)
    assert parse(matlab, CALL) == expected


@pytest.mark.parametrize(
    "damaged", [slow(b""), slow(b"{}"), slow(b"[1]"), b'{"data": {}, "memo": {}}', slow(b"\xff")]
)
def test_a_damaged_cache_is_made_anew(cache: Path, damaged: bytes) -> None:
    parse(matlab, CALL)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damaged)
    grammar.grammar_of.cache_clear()
    parse(matlab, CALL)
    assert json.loads(kept.read_bytes()).keys() == json.loads(whole).keys()


def test_no_cache_is_needed(cache: Path) -> None:
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file where the folder would be")
    assert parse(matlab, CALL)
    assert cache.parent.is_file()
