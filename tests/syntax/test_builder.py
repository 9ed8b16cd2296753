"""Arithmetic and functions of known numbers, in MATLAB and Wolfram text.

Octave 7.3 and Mathics3 10.0 gave the values.
"""

from __future__ import annotations

import itertools
import sys
from types import ModuleType
from typing import Any

import pytest
from syntax_texts import first, parse, shown

from harness.syntax import matlab, wolfram
from harness.syntax.tree import Call, calls

MATLAB = {
    "mod(-3, 4)": "1",
    "mod(5, 0)": "5",
    "2*4 - mod(4, 2)": "8",
    "mod([5 6], 2)": "[1, 0]",
    "rem(-3, 4)": "-3.0",
    "ceil(-1.5) + fix(-1.5) + floor(-1.5)": "-4",
    "[round(2.5), round(-2.5), round(2)]": "[3, -3, 2]",
    "abs(-3)": "3",
    "max([1 5 2]) - min(3, 2)": "3",
    "max([1 5], 3)": "[3, 5]",
    "sum([1 2 3]) + prod([2 3])": "12",
    "numel([3 3 3]) - length([1 2])": "1",
    "double(3)": "3",
    "([4 4] - [2 2]) / 2": "[1, 1]",
    "2 * [1 2] + 1": "[3, 5]",
    "[4 6] ./ [2 3]": "[2, 2]",
    "-[1 2]": "[-1, -2]",
    # Of matrices, and what is no number.
    "[4 6] * [2 3]": "<[4 6] * [2 3]>",
    "2 / [1 2]": "<2 / [1 2]>",
    "[1 2] ^ 2": "<[1 2] ^ 2>",
    "[1 2] + [1 2 3]": "<[1 2] + [1 2 3]>",
    "[1; 2] + [1 2]": "<[1; 2] + [1 2]>",
    "mod(x, 2)": "mod(<x>, 2)",
    "mod(5)": "mod(5)",
    "rem(5, 0)": "rem(5, 0)",
    "max()": "max()",
    "sum(rand(3))": "sum(rand(3))",
    "round(2.567, 1)": "round(2.567, 1)",
    "ceil('a')": "ceil('a')",
}
WOLFRAM = {
    "Mod[-3, 4]": "1",
    "Mod[5, 0]": "Mod(5, 0)",
    "Quotient[7, 2]": "3",
    "Ceiling[5/2]": "3",
    "Floor[-1.5]": "-2",
    "{Round[2.5], Round[3.5]}": "[2, 4]",
    "IntegerPart[-1.5]": "-1",
    "Abs[-3]": "3",
    "Max[1, 5] - Min[{4, 2}]": "3",
    "Max[{1, 5}, 3]": "Max([1, 5], 3)",
    "Total[{1, 2}] + Length[{1, 2, 3}]": "6",
    "First[{4, 3}] - Last[{4, 3}]": "1",
    "({4, 4} - {2, 2})/2": "[1, 1]",
    "2 {1, 2} + 1": "[3, 5]",
    "{4, 6}/{2, 3}": "[2, 2]",
    "Mod[{5, 6}, 2]": "[1, 0]",
    "{5, 3}[[1]]": "5",
    "{5, 3}[[-1]]": "3",
    "{5, 3}[[0]]": "<{5, 3}[[0]]>",
    "{1, 2}/3": "<{1, 2}/3>",
    "Ceiling[n]": "Ceiling(<n>)",
    "Max[]": "Max()",
}
# A name of the text's own is not the language's function.
OWN: list[tuple[ModuleType, str, str]] = [
    (matlab, "max = [7 8 9]; max(2)", "8"),
    (matlab, "s = [28 14 3]; s(end)", "3"),
    (matlab, "s = [28 14 3]; s(1:2)", "[28, 14]"),
    (matlab, "s = [28 14 3]; s(4)", "s(4)"),
    (matlab, "mod = f(1); mod(5, 3)", "mod(5, 3)"),
    (matlab, "for max = 1:3, max(2, 3), end", "max(2, 3)"),
    (matlab, "function r = mod(a, b)\nr = x;\nend\nmod(5, 3)", "mod(5, 3)"),
    (matlab, "mod(5, 3)\nfunction r = mod(a, b)\nr = x;\nend\nmod(5, 3)", "mod(5, 3)"),
    (wolfram, "k = {5, 3}; k[[1]]", "5"),
    (wolfram, "Floor[x_] := 7; Floor[1.5]", "7"),
    (wolfram, "Floor = Ceiling; Floor[1.5]", "Ceiling(1.5)"),
]


@pytest.mark.parametrize(("text", "value"), MATLAB.items())
def test_matlab_is_computed(text: str, value: str) -> None:
    assert shown(first(matlab, text)) == value


@pytest.mark.parametrize(("text", "value"), WOLFRAM.items())
def test_wolfram_is_computed(text: str, value: str) -> None:
    assert shown(first(wolfram, text)) == value


@pytest.mark.parametrize(("language", "text", "value"), OWN)
def test_names_of_the_text_are_not_the_languages(
    language: ModuleType, text: str, value: str
) -> None:
    assert shown(parse(language, text)[-1].value) == value


@pytest.mark.parametrize(
    ("text", "value", "assumed"),
    [
        ("With[{k = 4, s = 2}, f[k - s]]", "2", ()),
        ("With[{k = 4}, {m = k + 1}, f[m]]", "5", ()),
        ("Module[{k = {4, 2}}, f[k]]", "[4, 2]", ()),
        ("Module[{k = 4}, With[{k = 5}, f[k]]]", "5", ()),
        ("With[{k = 4}, g[1]]; f[k]", "<k>", ()),
        ("With[{a = 1}, {f[a]}]", "1", ()),
        ("g[k_:16] := f[k]", "16", ("k",)),
        ("g[c_:8, n_Integer:16] := f[n]", "16", ("n",)),
        ("g[k_:16] := Module[{m = 2 k}, f[m]]", "32", ("k",)),
        ("g[k_:16] := g[1]; f[k]", "<k>", ()),
        ("g[k_] := f[k]", "<k>", ()),
        ("Module[{k = 4}, k = 5; f[k]]", "<k>", ()),
        ("Block[{k = 4}, k++; f[k]]", "<k>", ()),
        ("Module[{k = 4}, Table[f[k], {k, m}]]", "<k>", ()),
        ("Module[{k = 4}, {k, m} = {1, 2}; f[k]]", "<k>", ()),
        ("Module[{k}, f[k]]", "<k>", ()),
    ],
)
def test_local_names_and_defaults_in_wolfram(
    text: str, value: str, assumed: tuple[str, ...]
) -> None:
    (found,) = (
        call
        for statement in wolfram.read(text).statements
        for call in calls(statement.value)
        if call.dotted == "f"
    )
    assert isinstance(found, Call)
    assert (shown(found.arguments[0].value), found.assumed) == (value, assumed)


def lines_executed(names: int) -> int:
    """Count the lines of Python that reading so many local names takes: no clock is as steady."""
    lines = itertools.count()

    def trace(*_: Any) -> Any:
        next(lines)
        return trace

    text = ", ".join(f"a{place} = 1" for place in range(names))
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        wolfram.read(f"With[{{{text}}}, {'f[a1]; ' * names}]")
    finally:
        sys.settrace(before)
    return next(lines)


def test_four_times_the_local_names_take_four_times_the_work() -> None:
    assert lines_executed(160) < 6 * lines_executed(40)  # It was ten times.
