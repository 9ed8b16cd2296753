"""What names stand for in MATLAB and Wolfram text: only what the text certainly says."""

from __future__ import annotations

from types import ModuleType

import pytest
from examples import wrong
from syntax_texts import shown

from harness.syntax import matlab, wolfram
from harness.syntax.tree import Name, Parsed, calls

# Each text calls f(k, …) or f[k, …]; what it is called with is known, or stays a name.
MATLAB = {
    "k = 3; f(k)": "3",
    "k = 3; k = 4; f(k)": "4",
    "k = 3; k = k + 1; f(k)": "4",
    "k = 3; k = g(1); f(k)": "<k>",
    "k = [3 3]; k(1) = 5; f(k)": "<k>",
    "k = 3; j = 1; w(k) = 1; f(k)": "3",
    "k = 3; [k, m] = g(1); f(k)": "<k>",
    "k = 3; [m, ~] = g(k); f(k)": "3",
    "k = 3; k += 1; f(k)": "<k>",
    "k = 3; k++; f(k)": "<k>",
    "k = 3; k.a = 2; f(k)": "<k>",
    # Blocks.
    "k = 3; for k = 1:n, f(k), end": "<k>",
    "k = 3; for k = 1:n, g(1), end, f(k)": "<k>",
    "k = 3; for i = 1:n, f(k), end": "3",
    "k = 3; for i = 1:n, f(k), k = 4; end": "<k>",
    "k = 3; for i = 1:n, k = 4; f(k), end": "4",
    "k = 3; while x, if y, k = 4; end, f(k), end": "<k>",
    "k = 3; while x, f(k), if y, k = 4; end, end": "<k>",
    "k = 3; while x, k = 4; end, f(k)": "<k>",
    "k = 3; while x, k = 4; if y, break, end, k = 3; end, f(k)": "<k>",
    "k = 3; do, f(k), k = 4; until x": "<k>",
    "k = 3; if x, k = 4; end, f(k)": "<k>",
    "k = 3; if x, k = 3; end, f(k)": "3",
    "k = 3; if x, k = 4; else, f(k), end": "3",
    "k = 3; if x k = 4; end, f(k)": "<k>",
    "if x, k = 4; f(k), end": "4",
    "if x, k = 4; end, f(k)": "<k>",
    "if x, k = 4; else, k = 4; end, f(k)": "4",
    "if x, k = 4; else, k = 5; end, f(k)": "<k>",
    "if x, k = 4; elseif y, k = 4; end, f(k)": "<k>",
    "k = 3; switch x, case 1, k = 4; end, f(k)": "<k>",
    "k = 3; try, k = 4; catch, f(k), end": "<k>",
    "k = 3; try, k = 4; catch, end, f(k)": "<k>",
    "k = 3; try, k = 4; g(1), k = 3; catch, end, f(k)": "<k>",
    "k = 3; try, g(1), catch, end, f(k)": "3",
    "k = 3; try, g(1), catch k, end, f(k)": "<k>",
    # An end whose beginning is not there: what is above may be one of its branches.
    "k = 3; end, f(k)": "<k>",
    "k = 3; else, f(k), end": "<k>",
    # Functions.
    "k = 3; function g(x), f(k), end": "<k>",
    "function g(k), f(k), end": "<k>",
    "function g(x), k = 4; end, f(k)": "<k>",
    "function g(x), k = 4; f(k), end": "4",
    "k = 3; function g(x), k = 4; end, f(k)": "3",
    "function a\nk = 3;\nfunction b\nf(k)": "<k>",
    "function a\n k = 3; b(); f(k)\n function b\n  k = 4;\n end\nend": "<k>",
    "function a(k)\n arguments\n  k (1,1) double = 3\n end\n f(k)\nend": "<k>",
    "classdef A\n properties\n  k = 3\n end\n methods\n  function a, f(k), end\n end\nend": "<k>",
    "k = 3; g = @(k) f(k);": "<k>",
    "k = 3; g = @(k) k; f(k)": "3",
    # Commands, and what may change any name.
    "k = 3; clc; hold on; f(k)": "3",
    "k = 3; clear k; f(k)": "<k>",
    "k = 3; clear j; f(k)": "3",
    "k = 3; clear all; f(k)": "<k>",
    "k = 3; clear; f(k)": "<k>",
    "k = 3; clear('k'); f(k)": "<k>",
    "k = 3; load x.mat; f(k)": "<k>",
    "k = 3; load('x.mat'); f(k)": "<k>",
    "k = 3; d = load('x.mat'); f(k)": "3",
    "k = 3; eval('k = 4'); f(k)": "<k>",
    "k = 3; global k; f(k)": "<k>",
    "k = 3; for i = 1:n, f(k), load x.mat, end": "<k>",
    # What is not understood.
    "k = 3; k is 4; f(k)": "<k>",
    "k = 3; j is 4; f(k)": "3",
}
WOLFRAM = {
    "k = 3; f[k]": "3",
    "k = 3; k = 4; f[k]": "4",
    "k = 3; k = k + 1; f[k]": "4",
    "k = 3; k = g[1]; f[k]": "<k>",
    "k =\n 3\n f[k]": "3",
    "Global`k = 3; f[k]": "3",
    "k = 3; Global`k = g[1]; f[k]": "<k>",
    "k := 3; f[k]": "3",
    "n = 3; k := 2*n; f[k]": "6",
    "n = 3; k := 2*n; n = 4; f[k]": "<k>",
    "n = 3; k = 2*n; n = 4; f[k]": "6",
    # Other ways to give a name something.
    "k = {3, 3}; k[[1]] = 5; f[k]": "<k>",
    "k = {3, 3}; g[x_] := (k[[1]] = x; 1); f[k]": "<k>",
    "k = 3; k++; f[k]": "<k>",
    "k = 3; --k; f[k]": "<k>",
    "k = 3; k += 1; f[k]": "<k>",
    "k = 3; {k, m} = {1, 2}; f[k]": "1",
    "k = 3; {k, m} = g[1]; f[k]": "<k>",
    "k = 3; m = k = 4; f[k]": "<k>",
    "k = 3; m =\nk = 4; f[k]": "<k>",
    "k = 3; (k = 4; g[1]); f[k]": "<k>",
    "k = 3; If[x, k = 4]; f[k]": "<k>",
    "k = 3; Set[k, 4]; f[k]": "<k>",
    "k = {3}; AppendTo[k, 4]; f[k]": "<k>",
    "k = 3; Clear[k]; f[k]": "<k>",
    'k = 3; ClearAll["Global`*"]; f[k]': "<k>",
    'ClearAll["Global`*"]; k = 3; f[k]': "3",
    "k = 3; << file`; f[k]": "<k>",
    'k = 3; Get["file.m"]; f[k]': "<k>",
    # Names of something else.
    "k = 3; Module[{k = 4}, f[k]]": "4",
    "k = 3; With[{k = 4}, f[k]]": "4",
    "k = 3; Block[{k}, f[k]]": "<k>",
    "k = 3; Module[{j = 4}, f[k]]": "3",
    "k = 3; Table[f[k], {k, m}]": "<k>",
    "k = 3; Table[f[k, {k, k}], {j, m}]": "3",
    "k = 3; Do[f[k], {k, m}]": "<k>",
    "k = 3; Function[{k}, f[k]]": "<k>",
    "k = 3; Function[k, f[k]]": "<k>",
    "k = 3; g[k_] := f[k]": "<k>",
    "k = 3; g[k_: 2] := f[k]": "2",
    "k = 3; g = k |-> f[k]": "<k>",
    "k = 3; g[x_] := f[k]": "3",
    "k = 3; g[x_] := f[k]; k = 4; g[1]": "<k>",
    "k = 3; g = f[k, #] &; k = 4": "<k>",
    # What is not understood.
    "k = 3; k ? 4; f[k]": "<k>",
    "k = 3; j ? 4; f[k]": "3",
}


# What is given where the last statement stands; ? is nothing that the text holds.
GIVEN: list[tuple[ModuleType, str, str]] = [
    (matlab, "b = g(1); a = rand(3); f(1)", "b = g(1), a = rand(3)"),
    (matlab, "a = 1; b = 2; a = 3; f(1)", "b = 2, a = 3"),
    (matlab, "if x, a = g(1); else, a = g(2); end, f(1)", "a = ?"),
    (matlab, "a.b = 3; a.c = 4; f(1)", "a.b = 3, a.c = 4"),
    (matlab, "a.b = 3; a = g(1); f(1)", "a.b = ?, a = g(1)"),
    (matlab, "a.b.c = 3; a.b = 4; f(1)", "a.b.c = ?, a.b = 4"),
    (matlab, "a.b = 3; a(2).b = 4; f(1)", "a.b = ?, a = ?, a(2).b = 4"),
    (matlab, "a = rand(3); g = @(a) f(1);", "a = ?"),
    (wolfram, "a = RandomReal[1, {2, 3}]; f[1]", "a = RandomReal(1, [2, 3])"),
    (wolfram, "a = g[1]; b = h[a]; f[1]", "a = g(1), b = h(<a>)"),
    (wolfram, "a = g[1]; b = h[a]; a = 3; f[1]", "a = 3, b = ?"),
    (wolfram, "a = g[a]; f[1]", "a = ?"),
    (wolfram, "a = 2; a = a + 1; f[1]", "a = 3"),
]


def called_with(parsed: Parsed) -> str:
    (found,) = [
        call
        for statement in parsed.statements
        for call in calls(statement.value)
        if isinstance(call.function, Name) and call.function.text == "f"
    ]
    return shown(found.arguments[0].value)


def test_names_in_matlab() -> None:
    assert wrong(MATLAB, lambda text: called_with(matlab.read(text))) == {}


def test_names_in_wolfram() -> None:
    assert wrong(WOLFRAM, lambda text: called_with(wolfram.read(text))) == {}


@pytest.mark.parametrize(("language", "text", "expected"), GIVEN)
def test_what_names_are_given(language: ModuleType, text: str, expected: str) -> None:
    given = language.read(text).statements[-1].assigned
    found = [
        f"{name} = {'?' if isinstance(value, Name) else shown(value)}"
        for name, value in given.items()
    ]
    assert ", ".join(found) == expected


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("f(1); if x, f(2), else, f(3), end, f(4)", [(), (1,), (2,), ()]),
        ("function a\n if x, f(1), end\n f(2)\nend\nfunction b\n f(3)\nend", [(1, 2), (1,), (3,)]),
        # Functions without an end do not stand in one another.
        ("function a\n f(1)\nfunction b\n f(2)", [(1,), (2,)]),
        ("switch 1, case 2, f(1), case 3, f(2), end, f(3)", [(2,), (3,), ()]),
    ],
)
def test_blocks_in_matlab(text: str, blocks: list[tuple[int, ...]]) -> None:
    parsed = matlab.read(text)
    found = [each.block for each in parsed.statements if next(calls(each.value), None)]
    assert found == blocks
