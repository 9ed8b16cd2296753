"""Wolfram's functions, tables and maps, read for the values that the text gives them."""

from __future__ import annotations

import pytest
from syntax_texts import given_to, shown

from harness.syntax import wolfram
from harness.syntax.tree import calls

# What the calls of ``f`` in a text are given, one after another.
TEXTS = {
    # Functions of the text.
    "up[n_] := f[2 n]; up[3]; up @ 4; 5 // up": "6 8 10",
    "up[n_, k_: 4] := f[n, {k, k}]\nup[3]\nup[3, 5]": "3 [4, 4] 3 [5, 5]",
    "up[n_Integer, k_Integer: 4] := f[n, k]; up[3]": "3 4",
    "up[n_] := f[n, 1]; up[n_, k_] := f[n, k]; up[3]; up[4, 5]": "3 1 4 5",
    "up[n_, o___] := f[n, o]; up[3, 4, 5]; up[6]": "3 4 5 6",
    "up[n_] := down[2 n]; down[m_] := f[m + 1]; up[3]": "7",
    "up[n_] := (m = 2; f[n]); up[3]": "3",
    "up[n_] := Module[{k = 2 n}, f[k]]; up[3]; up[4]": "6 8",
    "up[n_] := With[{k = n}, f[k, 1]]; up[3]": "3 1",
    # Pure functions that have names.
    "up = Function[{n}, f[n]]; up[3]": "3",
    "up = f[#1, #2 + 1] &; up[3, 4]; up[5, 6]": "3 5 5 7",
    "up = f[#, ##] &; up[3, 4]; up @@ {5, 6}": "3 3 4 5 5 6",
    "up = {n, k} |-> f[n, k]; up[3, 4]": "3 4",
    "up = Function[f[#n]]; Map[f[#n, #k] &, {<|n -> 3, k -> 4|>}]": "<#n> 3 4",
    "up = f[#] &; up /@ {3, 4}": "3 4",
    "up = f[#] &; up[3]; up = f[2 #] &; up[4]": "<#> <2 #>",
    "up = f[#] &; g[up]": "<#>",
    "n = 5; up = Function[n, f[n]]; g[n_] := {up[2 n], f[n]}; g[4]": "8 4",
    "c = NestList[#/2 &, 64, 2]; f[#] & /@ c": "64 32 16",
    # Conditions and keys.
    "up[n_, last_: False] := If[last, f[n], f[n, 1]]; up[3]; up[4, True]": "3 1 4",
    "up[n_, k_] := If[k > 2, f[n], f[n, 1]]; up[3, 4]; up[5, 2]; up[6, m]": "3 5 1 6 6 1",
    'up[n_, d_] := Switch[d, "a", f[n], _, f[2 n]]; up[3, "a"]; up[4, "b"]': "3 8",
    "up[n_] := Which[n < 3, f[1], n == 3 && True, f[2], True, f[9]]; up[3]; up[4]": "2 9",
    "If[False, f[1], f[2]]; If[m, f[3], f[4]]": "2 3 4",
    'p = <|"n" -> 3, "q" -> <|"k" -> 4|>|>; f[p["n"], p["q", "k"], p["q"]["k"]]': "3 4 4",
    'p = <|"n" -> 3|>; f[p[["n"]], Lookup[p, "n"], Lookup[p, "m", 7]]': "3 3 7",
    'p = <|"n" -> 3, "n" -> 5|>; f[p["n"]]': "5",
    'p = <|q, "n" -> 3|>; f[p["n"]]': "p('n')",
    'p = <|"n" -> 3|>; AppendTo[p, "n" -> 4]; f[p["n"]]': "p('n')",
    "{k, s} = {4, 2}; up[n_] := f[n, k, s]; up[3]": "3 4 2",
    "{k, s} = {4, 2}; {k, s} = {s, k}; f[k, s]": "2 4",
    "up[n_, s : _Integer : 2] := f[n, s]; up[3]; up[4, 5]": "3 2 4 5",
    # Lists that are put together, and what is done for each of their elements.
    "Do[AppendTo[layers, f[n]], {n, {64, 32}}]": "64 32",
    "Riffle[{f[1], f[2]}, Ramp]; ConstantArray[f[3], 2]; Catenate[{{f[4]}, {f[5]}}]": (
        "1 2 3 3 4 5"
    ),
    "Table[f[3], 2]": "3 3",
    "up = Function[n, {f[2], g[n]}]; f[3]": "2 3",
    "block[n_, act_] := g[f[n], act]; block[3, Ramp]": "3",
    "up[n_] := f[n];\nall[m_] := {up[m], up[2 m]};\nall[5]": "5 10",
    # Options, and their defaults.
    'up[n_, OptionsPattern[]] := f[n, OptionValue["k"]]; Options[up] = {"k" -> 4};\n'
    'up[3]; up[5, "k" -> 6]': "3 4 5 6",
    "Options[up] = {k -> 4, m -> 7}; up[n_, o : OptionsPattern[]] := f[n, OptionValue[k]]\n"
    "up[3, m -> 2]; up[5, k -> 6]": "3 4 5 6",
    "Options[up] = {k -> 4}; up[n_, OptionsPattern[]] := f[n, OptionValue[k]]\n"
    "down[n_, o___] := up[n, o]; down[3]; down[5, k -> 6]": "3 4 5 6",
    "up[n_, OptionsPattern[]] := f[n, OptionValue[k]]; up[3]": "3 OptionValue(<k>)",
    "Options[up] = {k -> 4}; up[n_, OptionsPattern[]] := f[OptionValue[k]]; up[3, o]": (
        "OptionValue(<k>)"
    ),
    # What is not known goes with it as a name; what is never called stays as it is.
    "up[n_] := f[n, 2 n]; up[2 m]": "<2 m> <2 (2 m)>",
    "up[n_] := f[n]": "<n>",
    "up[n_] := f[n]; g[up]": "<n>",
    "up[{n_, k_}] := f[n]; up[{3, 4}]": "<n>",
    "up[n_] := f[n] /; n > 2; up[3]": "<n>",
    "up[n_] /; n > 2 := f[n]; up[3]": "<n>",
    "up[n_] := f[n]; up[3, 4]": "<n>",
    "up[n_] := f[n, up[n - 1]]; up[3]": "3 up(2)",
    # Literals, which come first, where it is certain which one is meant.
    'up[n_, k_] := f[n, k]; up[n_, "2x"] := f[n]; up[3, "2x"]; up[3, 2]': "3 3 2",
    "up[n_, 1] := f[n, 5]; up[n_, 2] := f[n, 7]; up[3, 2]; up[4, 1]": "3 7 4 5",
    'up[n_, "2x"] := f[n]; up[n_, k_] := f[n, k]; up[3, "2x"]; up[3, m]': "<n> <n> <k> 3",
    'up[n_, "2x"] := f[n]; up[3, "4x"]': "<n>",
    "up[1] = f[3]; up[1] = f[4]; up[1]": "3 4",
    # Lists of values.
    "Table[f[2^i], {i, 3}]": "2 4 8",
    "Table[f[i], {i, 6, 2, -2}]": "6 4 2",
    "Table[f[n], {n, {64, 32}}]": "64 32",
    "c = {64, 32}; Table[f[c[[i]]], {i, 2}]": "64 32",
    "Table[f[i j], {i, 2}, {j, i}]": "1 2 4",
    "Table[f[i], {i, n}]": "<i>",
    "Table[f[i], {i, 99}]": "<i>",
    "f /@ {3, 4}": "",
    "f[2 #]& /@ {3, 4}": "6 8",
    "f[#2, #1]& @@ {3, 4}": "4 3",
    "f[#1, #2]& @@@ {{3, 4}, {5, 6}}": "3 4 5 6",
    "f[3 #]&[4]": "12",
    "MapThread[f[#1, 2 #2]&, {{3, 4}, {5, 6}}]": "3 10 4 12",
    "MapThread[f, {{3, 4}, {5}}]": "",
    "MapIndexed[f[#1, First[#2]]&, {7, 8}]": "7 1 8 2",
    "Map[f[#]&, {3, 4}]": "3 4",
    "up[n_] := f[n]; up /@ {3, 4}; Array[up, 2]; Map[up, 2^Range[2]]": "3 4 1 2 2 4",
    "up[i_] := Table[f[i j], {j, 2}]; up[3]; up[4]": "3 6 4 8",
    "{f[1], Sequence @@ Table[f[i], {i, 2, 3}]}": "1 2 3",
    "f[Sequence[3, 4], 5]": "3 4 5",
}


@pytest.mark.parametrize("text", TEXTS)
def test_calls_are_read_for_every_value_that_they_have(text: str) -> None:
    assert " ".join(map(shown, given_to(wolfram, text))) == TEXTS[text]


LISTS = {
    "x = Flatten[{g[1], {g[2], {g[3]}}}]": "[g(1), g(2), g(3)]",
    "x = Join[{g[1]}, Table[g[i], {i, 2, 3}]]": "[g(1), g(2), g(3)]",
    "x = Reverse[{g[1], g[2]}]": "[g(2), g(1)]",
    "x = {g[1], Splice[{g[2], g[3]}]}": "[g(1), g(2), g(3)]",
    "x = Append[{g[1]}, g[2]]; y = Prepend[{g[1]}, g[2]]": "[g(2), g(1)]",
    "x = Append[g[1]]": "Append(g(1))",
    "x = Join[{g[1]}, y]": "Join([g(1)], <y>)",
    'u[n_, o___] := g[n, 2, o]; x = u[1, "Stride" -> 3]': "g(1, 2, Stride=3)",
    "x = Flatten[<|a -> 1|>]": "Flatten(Association(a=1))",
    "$n = 32; my$k = $n / 8; x = {2 $n, my$k}": "[64, 4]",
    "$n = 32; $n++; x = {$n}": "[<$n>]",
}


@pytest.mark.parametrize("text", LISTS)
def test_lists_are_put_together(text: str) -> None:
    assert shown(wolfram.read(text).statements[-1].value) == LISTS[text]


def test_a_name_in_a_text_of_odd_length_is_none_of_the_texts_own() -> None:
    text = 'g[x_] := {h[1, "PaddingSize" -> 0, "Stride" -> 2]};\nk[x_] := 3'
    (call,) = [each for each in calls(wolfram.read(text).statements[0].value) if each.dotted == "h"]
    assert call.owner is None


HOSTILE = {
    "tables": "Table[" * 6 + "f[a, b, c]" + "".join(f", {{{n}, 64}}]" for n in "abcdef"),
    "functions": "".join(
        f"g{k}[n_] := {{{', '.join([f'g{k + 1}[n]'] * 60)}}};\n" for k in range(1, 9)
    )
    + "g1[1]",
    "names": "".join(f"g{k}[n_] := g{k + 1}[{'+'.join(['n'] * 99)}];\n" for k in range(1, 9))
    + "g1[m]",
    "itself": "g[n_] := {g[n - 1], g[n + 1], f[n]}; g[1]",
    "slots": "f[#]&" * 300,
    "definitions": "f[x_] := 1;\n" * 3_000,
    "lines": "\n" * 100_000 + "1",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_work_is_bounded(name: str) -> None:
    assert len(wolfram.read(HOSTILE[name]).statements) < 40_000
