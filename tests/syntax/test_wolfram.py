"""Wolfram Language text: what each feature becomes, and literals there and back."""

from __future__ import annotations

import pytest
from examples import wrong
from hypothesis import example, given
from hypothesis import strategies as st
from syntax_texts import first, parse, summary, trees

from harness.syntax import wolfram
from harness.syntax.tree import SnippetError, Value

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
    "2 3": "6",
    "f[2 3^2, 2 (1 + 2)]": "f(18, 6)",
    "n = 4; f[2 n, 2n]": "n := 4; f(8, 8)",
    "2 m": "<2 m>",
    "f[1] g[2]": "<f[1] g[2]>",
    "-x": "<-x>",
    # Names.
    "x": "<x>",
    "NeuralNetworks`x$1": "<NeuralNetworks`x$1>",
    "System`f[Global`x]": "f(<x>)",
    "\\[Alpha]b": "<\\[Alpha]b>",
    "x[[1]]": "<x[[1]]>",
    "x[[1, 2]][[3]]": "<x[[1, 2]][[3]]>",
    "a <> b": "<a <> b>",
    "{1 <-> 4, 2<->3}": "[<1 <-> 4>, <2<->3>]",
    "a == b && c < 3": "<a == b && c < 3>",
    "!f[a] || b!": "<!f[a] || b!>",
    "f[a] . b'": "<f[a] . b'>",
    "k++; ++m": "<k++>; <++m>",
    "k += f[1]": "<k += f[1]>",
    "x |-> f[x]": "<x |-> f[x]>",
    "f @* g /* h": "<f @* g /* h>",
    "a ~Join~ b": "<a ~Join~ b>",
    'a ~~ "b" | c': '<a ~~ "b" | c>',
    "f[x_, y_: 2]": "f(<x_>, <y_: 2>)",
    "% // f": "f(<%>)",
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
    "In[1]:= a = 1;\n  Out[12]= f[a]": "a := 1; f(1)",
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


@pytest.mark.parametrize("table", [WOLFRAM, WOLFRAM_DOCUMENTS], ids=["language", "documents"])
def test_wolfram(table: dict[str, str]) -> None:
    assert wrong(table, lambda text: summary(parse(wolfram, text))) == {}


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
@pytest.mark.slow
def test_deep_trees_without_brackets_are_refused(text: str) -> None:
    with pytest.raises(SnippetError, match="nested too deeply"):
        parse(wolfram, text)


def test_names_of_lists_of_names_do_not_grow() -> None:
    text = "a={1,1};" + "".join(
        f"{y}={{{x},{x},{x}}};" for x, y in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(repr(parse(wolfram, text))) < 10_000


def wolfram_text(value: Value) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(map(wolfram_text, value)) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value).replace("e", "*^") if isinstance(value, float) else str(value)


@given(trees(st.text(), None))
@example(("\\n", -0.5, 1e16, 1e-7, (None, True, ())))
def test_wolfram_literals_come_back(value: Value) -> None:
    assert repr(first(wolfram, wolfram_text(value))) == repr(value)
