"""MATLAB text: what each feature becomes, and literals there and back."""

from __future__ import annotations

import pytest
from examples import wrong
from hypothesis import example, given
from hypothesis import strategies as st
from syntax_texts import SCALARS, first, parse, summary, trees

from harness.syntax import matlab
from harness.syntax.tree import Call, Name, Slice, Value

MATLAB = {
    # Literals.
    "5": "5",
    "0.5": "0.5",
    ".5": "0.5",
    "1.": "1.0",
    "1e-3": "0.001",
    "1.5D2": "150.0",
    "true": "True",
    "{false, x}": "[False, <x>]",
    "'it''s \"so\"'": repr('it\'s "so"'),
    '"say ""hi"" it\'s"': repr('say "hi" it\'s'),
    "'50% ...'": "'50% ...'",
    # Arithmetic of literals.
    "64*8": "512",
    "2^5": "32",
    "2^3^2": "64",
    "-2^2": "-4",
    "2^-1": "0.5",
    "64/2": "32",
    "64./2": "32",
    "3.*2.^2": "12",
    "1/4": "0.25",
    "1/0": "<1/0>",
    "8\\2": "<8\\2>",
    "(1 + 2)*3 - 4": "5",
    "9^9^9^9^9": "<9^9^9^9^9>",
    "(-8)^0.5": "<(-8)^0.5>",
    "true + 1": "<true + 1>",
    "~true": "<~true>",
    "2*n": "<2*n>",
    # Matrices and cells.
    "[]": "[]",
    "{}": "[]",
    "[5]": "[5]",
    "[1 2]": "[1, 2]",
    "[1,2]": "[1, 2]",
    "[ 1 , 2 ]": "[1, 2]",
    "[1 2,]": "[1, 2]",
    "[1 2; 3 4]": "[[1, 2], [3, 4]]",
    "[1;2]": "[[1], [2]]",
    "[1 2;]": "[1, 2]",
    "[1 2\n 3 4\n]": "[[1, 2], [3, 4]]",
    "[\n 1, ...\n 2\n]": "[1, 2]",
    "[1 ... one\n 2]": "[1, 2]",
    "[1 -2]": "[1, -2]",
    "[1 - 2]": "[-1]",
    "[1 -2 + 3]": "[1, 1]",
    "[1, -2]": "[1, -2]",
    "[(1 -2) 3]": "[-1, 3]",
    "[f(1, 2) (3)]": "[f(1, 2), 3]",
    "[f (1)]": "[<f>, 1]",
    "[a' 'b']": "[<a'>, 'b']",
    "['a' 'b' \"c\"]": "['a', 'b', 'c']",
    "[a.' .5]": "[<a.'>, 0.5]",
    "[1 ~x]": "[1, <~x>]",
    "[1 ~= 2]": "[<1 ~= 2>]",
    "[[1 2] 3]": "[1, 2, 3]",
    "[[1 2]; [3 4]]": "[[1, 2], [3, 4]]",
    "{[1 2] 3}": "[[1, 2], 3]",
    "{'a', 1; 'b', {2}}": "[['a', 1], ['b', [2]]]",
    "[1 % one ]\n 2]": "[[1], [2]]",
    # Names.
    "W'": "<W'>",
    "W.'*2": "<W.'*2>",
    "[1 2]'": "<[1 2]'>",
    "a.b.c": "<a.b.c>",
    "s.(name)": "<s.(name)>",
    "c{1}": "<c{1}>",
    "1:3": "<1:3>",
    "1:2:9": "<1:2:9>",
    "a > 1 && ~b": "<a > 1 && ~b>",
    "@rand": "<@rand>",
    "@pkg.f": "<@pkg.f>",
    "@() 1": "<@() 1>",
    "@(sz, ~) rand(sz)*0.1 + [1 -2]": "<@(sz, ~) rand(sz)*0.1 + [1 -2]>",
    "{@(x) x, 2}": "[<@(x) x>, 2]",
    # Calls and indexing.
    "f()": "f()",
    "f(1,'Stride',[2 3])": "f(1, 'Stride', [2, 3])",
    'f(1,Stride=2,Name="a")': "f(1, Stride=2, Name='a')",
    "f(a == 1)": "f(<a == 1>)",
    "x(:,1)": "x(<:>, 1)",
    "x(end)": "x(<end>)",
    "f(1)(2)": "f(1)(2)",
    "a.b(3)": "a.b(3)",
    "true(2)": "true(2)",
    "f(1, ...\n  2)": "f(1, 2)",
    "f(1,\n2)": "f(1, 2)",
    # Statements.
    "a = 1;": "a := 1",
    "a = 1, b": "a := 1; <b>",
    "a = 1\n\nb;\n": "a := 1; <b>",
    "a.b = 2": "a.b := 2",
    "a(1).b{2} = 2": "a(1).b{2} := 2",
    "[a, ~] = f(1)": "[a, ~] := f(1)",
    ">> a = f(1)": "a := f(1)",
    "f(1),": "f(1)",
    # Small constants are known to what follows.
    "n = 4; f(n, n*2, n(1), n=1)": "n := 4; f(4, 8, n(1), n=1)",
    "k = [3 4]; f(k)": "k := [3, 4]; f([3, 4])",
    # Blocks: conditions, and what loops run over, are values.
    "for i = 1:n\n f(i)\nend": "<1:n>; f(<i>)",
    "for i=1:3 f(i); end": "<1:3>; f(<i>)",
    "parfor (i = 1:n, 4)\n f(i)\nend": "<1:n>; f(<i>)",
    "while x <= 3 k++; end": "<x <= 3>",
    "while true, f(1), end": "True; f(1)",
    "if ~x y = f(1); elseif (z) f(2), else f(3), end": "<~x>; y := f(1); <z>; f(2); f(3)",
    "switch x\n case {1, 2}\n  f(1)\n otherwise\n  return\nend": "<x>; [1, 2]; f(1)",
    "try\n f(1)\ncatch ME\n f(2)\nend": "f(1); f(2)",
    "do\n f(1)\nuntil x > 3": "f(1); <x > 3>",
    "unwind_protect, f(1), unwind_protect_cleanup, f(2), end_unwind_protect": "f(1); f(2)",
    "function [a, b] = up(x, ~)\n a = f(x);\nend\nfunction down, f(2), end": "a := f(<x>); f(2)",
    "classdef A < B & C\n methods (Static)\n  function up(), f(1), end\n end\nend": "f(1)",
    "classdef A\n properties (Access = private)\n  K (1,2) double = [3 3]\n  L\n end\nend": (
        "K := [3, 3]"
    ),
    "properties = 3; methods(x)": "properties := 3; methods(<x>)",
    # Commands.
    "close all; clc\nhold on\nformat long g\nclear a b\nwarning off all, pkg load x\nf(1)": "f(1)",
    "hold = 3": "hold := 3",
    "k += f(1); k++; --k": "f(1)",
    # Comments.
    "f(1) % two (": "f(1)",
    "%{\n nested [\n%{\n%}\n ' %}\n%}\nf(1)": "f(1)",
    "% all": "",
    "f(1) # it's two (\n#{\n it's\n#}": "f(1)",
    # Documents.
    "layer = transposedConv2dLayer(11,96,'Stride',4);": (
        "layer := transposedConv2dLayer(11, 96, 'Stride', 4)"
    ),
    "layers = [ ...\n    imageInputLayer([28 28 1])\n    transposedConv2dLayer(4, 64*2, "
    "'Cropping', 'same', ... crop\n        'WeightsInitializer', @(sz) rand(sz) * 0.0001)\n\n"
    "    reluLayer];": (
        "layers := [[imageInputLayer([28, 28, 1])], [transposedConv2dLayer(4, 128, 'Cropping', "
        "'same', 'WeightsInitializer', <@(sz) rand(sz) * 0.0001>)], [<reluLayer>]]"
    ),
}


def test_matlab() -> None:
    assert wrong(MATLAB, lambda text: summary(parse(matlab, text))) == {}


def matlab_text(value: Value) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(map(matlab_text, value)) + "}"
    if isinstance(value, str):
        quote = '"' if "'" in value else "'"
        return quote + value.replace(quote, 2 * quote) + quote
    return str(value).lower() if isinstance(value, bool) else repr(value)


@given(trees(st.text(st.characters(exclude_characters="\n"))))
@example(("it's", 'a"b', -0.5, 1e16, ((), (1, -2))))
def test_matlab_literals_come_back(value: Value) -> None:
    assert repr(first(matlab, matlab_text(value))) == repr(value)


@given(
    st.integers(2, 3).flatmap(
        lambda width: st.lists(
            st.lists(SCALARS, min_size=width, max_size=width).map(tuple), min_size=2, max_size=3
        )
    ),
    st.sampled_from([" ", ",", " , ", " ...\n"]),
    st.sampled_from([";", "\n", " ;\n ", "; % row\n"]),
)
def test_matlab_matrices_come_back(rows: list[tuple[Value, ...]], blank: str, line: str) -> None:
    text = "[" + line.join(blank.join(map(matlab_text, row)) for row in rows) + "]"
    assert repr(first(matlab, text)) == repr(tuple(rows))


@pytest.mark.parametrize(
    ("text", "parts"),
    [("1:n", (1, Name("n", 4), None)), ("9:-2:1", (9, 1, -2)), (":", (None, None, None))],
)
def test_a_range_keeps_its_parts(text: str, parts: tuple[Value, ...]) -> None:
    value = parse(matlab, f"f({text})")[0].value
    assert isinstance(value, Call)
    (argument,) = value.arguments
    assert isinstance(argument.value, Slice)
    assert argument.value.text == text
    assert (argument.value.lower, argument.value.upper, argument.value.step) == parts
    assert argument.value.is_whole == (text == ":")
