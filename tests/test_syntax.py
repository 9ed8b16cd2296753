"""Wolfram and MATLAB snippets: what each feature becomes, what is refused where, and any text."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.syntax import matlab, python, tables, wolfram
from harness.syntax.arithmetic import fold
from harness.syntax.cut import alone, cut
from harness.syntax.tree import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_TEXT,
    Call,
    Name,
    SnippetError,
    Statement,
    Value,
    calls,
)

BOTH = pytest.mark.parametrize("language", [wolfram, matlab], ids=["wolfram", "matlab"])


def shown(value: Value) -> str:
    """Write a tree in one line, without columns: names in <>, calls with (), tuples with []."""
    if isinstance(value, Name):
        return f"<{value.text}>"
    if isinstance(value, Call):
        function = value.function
        name = function.text if isinstance(function, Name) else shown(function)
        arguments = [
            (f"{each.name}=" if each.name else "") + shown(each.value) for each in value.arguments
        ]
        return f"{name}({', '.join(arguments)})"
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    return repr(value)


def summary(statements: tuple[Statement, ...]) -> str:
    return "; ".join(
        (f"{each.target} := " if each.target else "") + shown(each.value) for each in statements
    )


def first(language: ModuleType, text: str) -> Value:
    value: Value = language.parse(text)[0].value
    return value


# Wolfram.

WOLFRAM = {
    # Literals.
    "5": "5",
    "0.5": "0.5",
    ".5": "0.5",
    "1.": "1.0",
    "1.5`": "1.5",
    "1.5`20": "1.5",
    "1.5``20.5": "1.5",
    "1*^-3": "0.001",
    "2.5*^3": "2500.0",
    "2*^3": "2000",
    "{True, False, None, Automatic}": "[True, False, None, <Automatic>]",
    "{}": "[]",
    "{{1, 2}, {3}}": "[[1, 2], [3]]",
    '"a (* b"': "'a (* b'",
    r'"say \"hi\" \\ \[Alpha]"': repr('say "hi" \\ \\[Alpha]'),
    '"two\nlines"': repr("two\nlines"),
    # Arithmetic of literals.
    "64*8": "512",
    "2^5": "32",
    "2^3^2": "512",
    "-2^2": "-4",
    "2^-1": "0.5",
    "3^-1": "<3^-1>",
    "64/2": "32",
    "1/4": "0.25",
    "1/3": "<1/3>",
    "1/0": "<1/0>",
    "0^-1": "<0^-1>",
    "(1 + 2)*3 - 4": "5",
    "- -3": "3",
    "+3": "3",
    "0.5*4": "2.0",
    "9^9^9^9": "<9^9^9^9>",
    "1*^300*1*^300": "<1*^300*1*^300>",
    "10^17*10": "<10^17*10>",
    "2*n + 1": "<2*n + 1>",
    "True + 1": "<True + 1>",
    "-x": "<-x>",
    # Names.
    "x": "<x>",
    "NeuralNetworks`x$1": "<NeuralNetworks`x$1>",
    "\\[Alpha]b": "<\\[Alpha]b>",
    "x[[1]]": "<x[[1]]>",
    "x[[1, 2]][[3]]": "<x[[1, 2]][[3]]>",
    "a <> b": "<a <> b>",
    "a == b && c < 3": "<a == b && c < 3>",
    "x /. a -> 1": "<x /. a -> 1>",
    "#x + #1 &": "<#x + #1 &>",
    # Calls.
    "f[]": "f()",
    "f[1, {2, 3}]": "f(1, [2, 3])",
    "f[1, 2,]": "f(1, 2)",
    "f[1][x]": "f(1)(<x>)",
    "f@g@x": "f(g(<x>))",
    "f@g[1]": "f(g(1))",
    "f[1] // g // h": "h(g(f(1)))",
    "f[1]\n  // g": "g(f(1))",
    "f@{1} // g[2]": "g(2)(f([1]))",
    "f /@ {g[1]}": "Map(<f>, [g(1)])",
    "f @@ {1}": "Apply(<f>, [1])",
    "None[1]": "None(1)",
    "f[\n 1,\n\n 2\n]": "f(1, 2)",
    # Rules.
    'f["Stride" -> 2]': "f(Stride=2)",
    "f[PaddingSize -> 1]": "f(PaddingSize=1)",
    'f["a" :> 2, b \u2192 3, c \uf522 4, d \\[Rule] 5, e \\[RuleDelayed] 6]': (
        "f(a=2, b=3, c=4, d=5, e=6)"
    ),
    "f[{1} -> 2]": "f(Rule([1], 2))",
    "f[{a -> b, c :> d}]": "f([Rule(<a>, <b>), RuleDelayed(<c>, <d>)])",
    'f["a" -> "b" -> "c"]': "f(a=Rule('b', 'c'))",
    "a -> b": "Rule(<a>, <b>)",
    '<|"a" -> 1, b -> {2}|>': "Association(a=1, b=[2])",
    "<||>": "Association()",
    "f @ (a -> 1)": "f(Rule(<a>, 1))",
    # Statements.
    "a = 1": "a := 1",
    "a := f[1];": "a := f(1)",
    "a = 1; b": "a := 1; <b>",
    "a = f[1]\nb\n\n": "a := f(1); <b>",
    "a =\nf@\ng[1]": "a := f(g(1))",
    "a = b = 1": "a := Set(<b>, 1)",
    "g[x_, y_List] := f[x]": "g[x_, y_List] := f(<x>)",
    "In[1]:= f[1]": "In[1] := f(1)",
    "f[1],": "f(1)",
    "f[1];;": "f(1)",
    "Module[{a}, a = 3; f[a];]": ("Module([<a>], CompoundExpression(Set(<a>, 3), f(<a>)))"),
    "(a; b)": "CompoundExpression(<a>, <b>)",
    # Small constants are known to what follows.
    "n = 4; f[n, n*2, {n}, n[1]]": "n := 4; f(4, 8, [4], n(1))",
    "k = {3, 4}; f[k, k -> 1]": "k := [3, 4]; f([3, 4], k=1)",
    "n = 4; n = x; f[n]": "n := 4; n := <x>; f(<n>)",
    "k = {{1}}; f[k]": "k := [[1]]; f(<k>)",
    # Comments.
    "f[1 (* one (* nested ] *) *), 2]": "f(1, 2)",
    "(* all *)": "",
}
WOLFRAM_DOCUMENTS = {
    "DeconvolutionLayer[5, {2, 2}]": "DeconvolutionLayer(5, [2, 2])",
    'deconv = DeconvolutionLayer[1, {2, 2}, "Input" -> {1, 2, 2}]//NetInitialize': (
        "deconv := NetInitialize(DeconvolutionLayer(1, [2, 2], Input=[1, 2, 2]))"
    ),
    "deconv[{{{1, 1}, {1, -2}}}]//MatrixForm": "MatrixForm(deconv([[[1, 1], [1, -2]]]))",
    'd = DeconvolutionLayer[2, {3, 3}, "Input" -> NetEncoder["Image"], '
    '"Output" -> NetDecoder["Image"]]//NetInitialize': (
        "d := NetInitialize(DeconvolutionLayer(2, [3, 3], "
        "Input=NetEncoder('Image'), Output=NetDecoder('Image')))"
    ),
    '"Input" -> NetEncoder[{"Image", {28, 28}, "Grayscale"}]': (
        "Rule('Input', NetEncoder(['Image', [28, 28], 'Grayscale']))"
    ),
    'deconv =\nNetInitialize@\nDeconvolutionLayer[3, {3, 3}, "ChannelGroups" -> 3]': (
        "deconv := NetInitialize(DeconvolutionLayer(3, [3, 3], ChannelGroups=3))"
    ),
    'DeconvolutionLayer["Weights" -> {{{0.5, 0.5}}}, "Biases" -> None, "Dilation" -> 2]': (
        "DeconvolutionLayer(Weights=[[[0.5, 0.5]]], Biases=None, Dilation=2)"
    ),
    "NetInitialize@DeconvolutionLayer[5, {7, 7}, LearningRateMultipliers -> 0]": (
        "NetInitialize(DeconvolutionLayer(5, [7, 7], LearningRateMultipliers=0))"
    ),
    'DeconvolutionLayer[1, 5, "Input" -> {25, 25, 1}, Interleaving -> True]': (
        "DeconvolutionLayer(1, 5, Input=[25, 25, 1], Interleaving=True)"
    ),
    "DeconvolutionLayer[1, 2, PaddingSize -> {{1, 2}, {3, 4}}]": (
        "DeconvolutionLayer(1, 2, PaddingSize=[[1, 2], [3, 4]])"
    ),
    'deconv1 = DeconvolutionLayer[3, 7, "Stride" -> 1 ]': (
        "deconv1 := DeconvolutionLayer(3, 7, Stride=1)"
    ),
    'deconv1[["Output"]]': '<deconv1[["Output"]]>',
    "outputSize[inputSize_List, kernSize_, stride_, pad_] := "
    "(stride * (inputSize - 1) + kernSize - 2 * pad)": (
        "outputSize[inputSize_List, kernSize_, stride_, pad_] := "
        "<stride * (inputSize - 1) + kernSize - 2 * pad>"
    ),
    "outputSize[{256, 120}, 5, 3, 2]": "outputSize([256, 120], 5, 3, 2)",
    'Information[DeconvolutionLayer[11, 5, "PaddingSize" -> 2], "OutputPorts"]': (
        "Information(DeconvolutionLayer(11, 5, PaddingSize=2), 'OutputPorts')"
    ),
}


@pytest.mark.parametrize(("text", "expected"), [*WOLFRAM.items(), *WOLFRAM_DOCUMENTS.items()])
def test_wolfram(text: str, expected: str) -> None:
    assert summary(wolfram.parse(text)) == expected


# MATLAB.

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
    # Comments.
    "f(1) % two (": "f(1)",
    "%{\n nested [\n%{\n%}\n ' %}\n%}\nf(1)": "f(1)",
    "% all": "",
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


@pytest.mark.parametrize(("text", "expected"), MATLAB.items())
def test_matlab(text: str, expected: str) -> None:
    assert summary(matlab.parse(text)) == expected


def test_line_ends_of_windows_are_read() -> None:
    assert summary(matlab.parse("[1 2\r\n3 4]\r\na = 1;\r\n")) == "[[1, 2], [3, 4]]; a := 1"
    assert summary(wolfram.parse("f[1,\r\n2]\r\na = 1\r\n")) == "f(1, 2); a := 1"


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
    (wolfram, "f[1 2]", 4, "expected ',' or ']', but found '2'."),
    (wolfram, "f[{1 2}]", 5, "expected ',' or '}', but found '2'."),
    (wolfram, "f[1, , 2]", 5, "expected a value, but found ','."),
    (wolfram, "f[:>]", 2, "expected a value, but found ':>'."),
    (wolfram, "x = ", 3, "expected a value, but found the end of the text."),
    (wolfram, "f[1] g[2]", 5, "expected ';' or the end of the line, but found 'g'."),
    (wolfram, "1 ? 2", 2, "expected ';' or the end of the line, but found '?'."),
    (wolfram, "1 + \x00", 4, "expected a value, but found '\\x00'."),
    (wolfram, "(1 2)", 3, "expected ',' or ')', but found '2'."),
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
    (matlab, "for i=1:3", 4, "expected ';' or the end of the line, but found 'i'."),
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
        language.parse(text)
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
        language.parse(text)


@BOTH
@pytest.mark.parametrize("part", ["-", "1+", "a+", "9^", "n,", "\n"])
def test_long_chains_of_operators_need_no_recursion(language: ModuleType, part: str) -> None:
    assert repr(language.parse(part * ((MAX_TEXT - 1) // len(part)) + "1"))


@pytest.mark.parametrize(
    "text",
    [
        "f@" * 3000 + "x",
        "x" + "//f" * 3000,
        "a->" * 3000 + "b",
        "f" + "[1]" * 3000,
        "x=" * 3000 + "1",
    ],
    ids=["prefix", "postfix", "rule", "curried", "set"],
)
def test_deep_trees_without_brackets_are_refused(text: str) -> None:
    with pytest.raises(SnippetError, match="nested too deeply"):
        wolfram.parse(text)


def test_names_of_lists_of_names_do_not_grow() -> None:
    text = "a={1,1};" + "".join(
        f"{y}={{{x},{x},{x}}};" for x, y in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(repr(wolfram.parse(text))) < 10_000


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


# Literals there and back.

SCALARS = (
    st.integers(1 - 10**MAX_DIGITS, 10**MAX_DIGITS - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)


def wolfram_text(value: Value) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(map(wolfram_text, value)) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value).replace("e", "*^") if isinstance(value, float) else str(value)


def matlab_text(value: Value) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(map(matlab_text, value)) + "}"
    if isinstance(value, str):
        quote = '"' if "'" in value else "'"
        return quote + value.replace(quote, 2 * quote) + quote
    return str(value).lower() if isinstance(value, bool) else repr(value)


def trees(text: st.SearchStrategy[str], *constants: Value) -> st.SearchStrategy[Value]:
    leaves: st.SearchStrategy[Value] = SCALARS | text | st.sampled_from((True, *constants))
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=20)


@given(trees(st.text(), None))
@example(("\\n", -0.5, 1e16, 1e-7, (None, True, ())))
def test_wolfram_literals_come_back(value: Value) -> None:
    assert repr(first(wolfram, wolfram_text(value))) == repr(value)


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


# Any text at all.

_FRAGMENTS = (
    "[ ] { } ( ) <| |> , ; : = := -> // @ @@ /@ & # ' \" `` % %{ %} (* *) ... + - * / ^ . .* ~ == "
    "f x True true 1 2.5 1e3 1*^2 0x \\ \\[Rule] é \u2192 >>"
)
FRAGMENTS = st.sampled_from([*_FRAGMENTS.split(), " ", "\n", "\t", "\r"])


@BOTH
@given(text=st.lists(FRAGMENTS, max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_a_tree_or_a_snippet_error(language: ModuleType, text: str) -> None:
    try:
        statements = language.parse(text)
    except SnippetError as caught:
        error: SnippetError | None = caught
        statements = ()
    else:
        error = None
    if error is not None:
        assert error.column is None or 0 <= error.column <= len(text)
        assert error.shown_in(text)
    for statement in statements:
        for call in calls(statement.value):
            assert 0 <= call.column < len(text)
            assert isinstance(call.function, Name | Call)


@given(
    st.lists(FRAGMENTS | st.sampled_from(["f(", "a.f(", "f["]), max_size=25).map("".join),
    st.sampled_from(["python", "matlab", "wolfram"]),
)
def test_what_is_cut_out_of_any_text_begins_with_the_name(text: str, language: str) -> None:
    piece = cut(text, {"f"}, language)
    if piece is not None:
        inside = text[piece.start : piece.end]
        assert inside[-1] in ")]"
        assert "f" in inside.replace("[", "(").split("(")[0]


# Calls in the middle of something else.

CUT = [
    ("python", "8, nn.f(64, (2, 3)), ]", "nn.f(64, (2, 3))"),
    ("python", "self.x = torch.nn.f(1)(y)  # f(2)", "torch.nn.f(1)(y)"),
    ("python", "# f(1)\nif x: f( ')' , '''\n)''')", "f( ')' , '''\n)''')"),
    ("python", "g(f(f(1)), (", "f(f(1))"),
    ("python", "f (1", None),
    ("python", "ff(1) f_(2) f[3]", None),
    ("python", "I can't see why f(1, 2) isn't", "f(1, 2)"),
    ("python", "[f(1}, f(2)]", "f(2)"),
    ("matlab", "'name', f(W', 'a)b')'; x(", "f(W', 'a)b')"),
    ("matlab", "for i=1:3 % f(1)\n y = f( ... )\n 1); end", "f( ... )\n 1)"),
    ("wolfram", 'Plot[f[1, "]", (* ] *) 2][x], ', 'f[1, "]", (* ] *) 2][x]'),
    ("wolfram", "the layer NN`f[1] is (", "NN`f[1]"),
    ("wolfram", "f(1)", None),
    ("python", "f(1) " * MAX_TEXT, None),
]


@pytest.mark.parametrize(("language", "text", "expected"), CUT)
def test_a_balanced_call_is_cut_out(language: str, text: str, expected: str | None) -> None:
    piece = cut(text, {"f"}, language)
    assert (piece and text[piece.start : piece.end]) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (python, "x = 'open\n    y = f(1, # one\n  2)\n", "f(1, 2)"),
        (matlab, "x = 'open\n    y = f([1 % one\n  2]) end", "f([[1], [2]])"),
        (wolfram, "]\n    y = f[1, (* one *)\n  2])", "f(1, 2)"),
    ],
)
def test_what_is_cut_out_is_read_alone_with_its_columns(
    language: ModuleType, text: str, expected: str
) -> None:
    name = language.__name__.rsplit(".", 1)[-1]
    piece = cut(text, {"f"}, name)
    assert piece is not None
    (statement,) = language.parse(alone(text, piece, name))
    assert shown(statement.value) == expected
    assert isinstance(statement.value, Call)
    assert statement.value.column == text.index("f")


# The tables.


@pytest.mark.parametrize("language", tables.LANGUAGES)
def test_tables_are_those_of_their_grammar(language: str) -> None:
    kept = (tables.FOLDER / f"{language}.json").read_text(encoding="utf-8")
    assert kept == tables.text(language), "run python -m harness.syntax.tables"


@pytest.mark.parametrize("language", tables.LANGUAGES)
def test_every_rule_has_a_method(language: str) -> None:
    builder: Callable[[str], object] = {"matlab": matlab._Matlab, "wolfram": wolfram._Wolfram}[
        language
    ]
    for _, method, length, is_optional in tables.tables(language)["rules"]:
        if method not in {None, "start"} and not (is_optional and length == 1):
            assert callable(getattr(builder(""), method))
