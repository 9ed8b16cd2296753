"""Call sites: where a call stands, what is around it, and where its layer is called."""

from __future__ import annotations

import pytest

from harness.syntax.callsite import CallSite
from harness.syntax.find_call import find_call, mentions
from harness.syntax.tree import SnippetError, last_name


def site(text: str, language: str = "python") -> CallSite:
    return find_call(text, language, {"Up"})[0]


def test_a_site_says_where_its_call_stands() -> None:
    here = site("a = 1\nup = nn.Up(4)\nb = 2")
    assert (here.line, here.column, here.function, here.name) == (2, 6, "nn.Up", "up")
    assert [each.target for each in here.before] == ["a"]
    assert [each.target for each in here.after] == ["b"]
    assert [each.target for each in here.code.statements] == ["a", "up", "b"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("f(Up(4))", "python"), ("x = f(Up(4));", "matlab"), ("x = f[Up[4]]", "wolfram")],
)
def test_a_result_that_something_is_made_of_has_no_name(text: str, language: str) -> None:
    here = site(text, language)
    assert here.name is None
    assert [last_name(call) for call in here.code.calls] == ["f", "Up"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("y = Up(4)(x)", [1]),
        ("up = Up(4)\ny = up(x)\nz = up(y)", [2, 3]),
        ("def f(x):\n  return up(x)\nup = Up(4)", [2]),
        ("up = Up(4)\nup = Sequential()\ny = up(x)", []),
        ("up = Up(4)\nup = up.cuda()\ny = up(x)", [3]),
        ("model = Sequential(Up(4), relu)\ny = model(x)", []),
    ],
)
def test_applications_are_the_calls_of_the_layer(text: str, lines: list[int]) -> None:
    found = [text.count("\n", 0, each.call.column) + 1 for each in site(text).applications]
    assert found == lines


@pytest.mark.parametrize(
    ("text", "certain"),
    [("g()\nUp(4)", True), ("if a:\n  g()\nUp(4)", False), ("Up(4)\ng()", False)],
)
def test_what_is_always_carried_out_before_a_call(text: str, certain: bool) -> None:
    here = site(text)
    (other,) = [each for each in here.code.statements if each is not here.statement and each.value]
    assert here.always_after(other) is certain


def test_only_one_call_may_be_there_also_in_what_is_not_understood() -> None:
    for text in ("Up(1)\nUp(2)", "Up(1)\nprint 'x', Up(2)", "prose (Up(1), Up(2)"):
        with pytest.raises(SnippetError, match="holds 2 transposed convolutions"):
            site(text)


def test_what_is_left_out_is_noted() -> None:
    _, notes = find_call("print 'x'\nUp(1)", "python", {"Up"})
    assert notes[0].startswith("Line 1 was left out: this is not Python")
    _, notes = find_call("a call\nin a list: [Up(1),", "python", {"Up"})
    assert notes == (
        "Only the call itself was read, not the lines around it: line 1 is not understood.",
    )


def test_mentions_are_names_before_a_bracket() -> None:
    assert [each[:2] for each in mentions("nn.Up (4); a.b[0]; c")] == [
        ("Up", "nn.Up"),
        ("b", "a.b"),
    ]
