"""What ``DeconvolutionLayer`` means: every row of the documents' tables, real code, refusals."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import Style
from harness.core.errors import InputError
from harness.core.operators import Operator, Sizes
from harness.core.program import Unsupported
from harness.core.training import Training
from harness.frameworks.wolfram.render import ASSUMED_WEIGHTS
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

(FORM,) = convention("wolfram").forms
LAYER = 'DeconvolutionLayer[6, {{3, 2}}, "Input" -> {{4, 5, 7}}{}]'


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    """Read a text; every reading ends with what is assumed of the weights."""
    found = read(text, "wolfram", **supplied)
    assert found.notes[-1] == ASSUMED_WEIGHTS
    return replace(found, notes=found.notes[:-1])


def seen(found: Reading, name: str) -> Any:
    return (
        getattr(found.operator, name, None) if hasattr(found.operator, name) else vars(found)[name]
    )


# The rows of the document's table, the arguments and the ports, by their names.

ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("n", LAYER.format(""), {"out_channels": 6, "groups": 1}),
    ("n", 'DeconvolutionLayer["Weights" -> RandomReal[1, {4, 6, 3, 2}]]', {"out_channels": 6}),
    ("sz", 'DeconvolutionLayer[6, 3, "Input" -> {4, 5, 7}]', {"kernel": (3, 3)}),
    ("sz", 'DeconvolutionLayer[6, 3, "Input" -> {4, 5}]', {"kernel": (3,)}),
    ("sz", 'DeconvolutionLayer[6, {3}, "Input" -> {4, 5}]', {"kernel": (3,)}),
    ("sz", LAYER.format(""), {"kernel": (3, 2)}),
    ("sz", 'DeconvolutionLayer[6, 3, "Weights" -> RandomReal[{-1, 1}, {4, 6, 3}]]',
     {"kernel": (3,)}),
    ("Biases", LAYER.format(""), {"bias": True}),
    ("Biases", LAYER.format(', "Biases" -> Automatic'), {"bias": True}),
    ("Biases", LAYER.format(', "Biases" -> None'), {"bias": False}),
    ("Biases", LAYER.format(', "Biases" -> {1, 2, 3, 4, 5, 6}'), {"bias": True}),
    ("ChannelGroups", LAYER.format(', "ChannelGroups" -> 2'), {"groups": 2, "out_channels": 6}),
    ("ChannelGroups",
     'DeconvolutionLayer["Weights" -> RandomReal[1, {4, 3, 3, 2}], "ChannelGroups" -> 2]',
     {"groups": 2, "out_channels": 6}),
    ("Dilation", LAYER.format(', "Dilation" -> 2'), {"dilation": (2, 2)}),
    ("Dilation", LAYER.format(', "Dilation" -> {1, 2}'), {"dilation": (1, 2)}),
    ("Interleaving", LAYER.format(", Interleaving -> False"), {"channels_last": False}),
    ("Interleaving",
     'DeconvolutionLayer[6, {3, 2}, "Input" -> {5, 7, 4}, Interleaving -> True]',
     {"channels_last": True, "in_channels": 4, "input": (1, 4, 5, 7)}),
    ("LearningRateMultipliers", LAYER.format(", LearningRateMultipliers -> Automatic"),
     {"training": Training()}),
    ("LearningRateMultipliers", LAYER.format(", LearningRateMultipliers -> 0"),
     {"training": Training(weights_rate=0.0, bias_rate=0.0)}),
    ("LearningRateMultipliers", LAYER.format(', LearningRateMultipliers -> {"Weights" -> 2}'),
     {"training": Training(weights_rate=2.0)}),
    ("LearningRateMultipliers",
     LAYER.format(', LearningRateMultipliers -> {"Biases" -> 0.5, _ -> None}'),
     {"training": Training(weights_rate=0.0, bias_rate=0.5)}),
    ("LearningRateMultipliers",
     LAYER.format(', LearningRateMultipliers -> <|"Biases" -> 0.5, "Weights" -> 3|>'),
     {"training": Training(weights_rate=3.0, bias_rate=0.5)}),
    ("LearningRateMultipliers",
     LAYER.format(', "Biases" -> None, LearningRateMultipliers -> 2'),
     {"training": Training(weights_rate=2.0)}),
    ("PaddingSize", LAYER.format(", PaddingSize -> 1"), {"crop": ((1, 1), (1, 1))}),
    ("PaddingSize", LAYER.format(', "PaddingSize" -> {1, 2}'), {"crop": ((1, 1), (2, 2))}),
    ("PaddingSize", LAYER.format(", PaddingSize -> {{1, 0}, {2, 3}}"),
     {"crop": ((1, 0), (2, 3))}),
    ("PaddingSize", LAYER.format(', PaddingSize -> "Same"'), {"crop": ((1, 1), (0, 1))}),
    ("Stride", LAYER.format(', "Stride" -> 2'), {"stride": (2, 2)}),
    ("Stride", LAYER.format(', "Stride" -> {2, 3}'), {"stride": (2, 3)}),
    ("Weights", 'DeconvolutionLayer["Weights" -> {{{0.5, 0.5}}}]',
     {"in_channels": 1, "out_channels": 1, "kernel": (2,)}),
    ("Weights", ("w = RandomVariate[NormalDistribution[0, 0.5], {4, 6, 3, 2}];\n"
     'DeconvolutionLayer[6, {3, 2}, "Weights" -> NumericArray[w, "Real32"]]'),
     {"in_channels": 4}),
    ("Weights", LAYER.format(', "Weights" -> Automatic'), {"training": Training()}),
    ("Weights", LAYER.format(
        ', "Weights" -> RandomVariate[NormalDistribution[0, 0.5], {4, 6, 3, 2}]'),
     {"training": Training()}),
    ("Input", LAYER.format(""), {"in_channels": 4, "input": (1, 4, 5, 7)}),
    ("Input", 'DeconvolutionLayer[6, 3, "Input" -> "Image"]', {"input": (1, 3, 128, 128)}),
    ("Input", 'DeconvolutionLayer[6, 3, "Input" -> NetEncoder["Image"]]',
     {"input": (1, 3, 128, 128), "notes": (
         '"Input": an encoder of images without a size makes them 128 by 128.',)}),
    ("Input", 'DeconvolutionLayer[6, 3, "Input" -> NetEncoder[{"Image", 28}]]',
     {"input": (1, 3, 28, 28)}),
    ("Input", 'DeconvolutionLayer[6, 3, "Input" -> NetEncoder[{"Image", {28, 30}, "Grayscale"}]]',
     {"input": (1, 1, 30, 28)}),
    ("Input",
     'DeconvolutionLayer[6, 3, "Input" -> NetEncoder[{"Image", 8, "ColorSpace" -> "CMYK"}]]',
     {"input": (1, 4, 8, 8)}),
    ("Input", ('DeconvolutionLayer[6, 3, "Input" -> NetEncoder[{"Image", 8, Interleaving -> True}],'
     " Interleaving -> True]"), {"input": (1, 3, 8, 8)}),
    ("Output", LAYER.format(', "Output" -> {6, 7, 8}'), {"kernel": (3, 2)}),
    ("Output", LAYER.format(', "Output" -> NetDecoder["Image"]'), {"out_channels": 6}),
    ("Output", ('DeconvolutionLayer[3, 2, "Input" -> {1, 4, 4}, "Output" -> NetDecoder[{"Image", '
     '"RGB"}]]'), {"out_channels": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), ROWS)
def test_parameter(name: str, text: str, fields: Mapping[str, Any]) -> None:
    found = reading(text)
    assert {key: seen(found, key) for key in fields} == dict(fields), name


def test_every_parameter_has_a_row() -> None:
    assert {name for name, _, _ in ROWS} == {each.name for each in FORM.parameters}


def test_the_older_name_of_the_groups_is_read_and_said() -> None:
    found = reading(LAYER.format(', "GroupNumber" -> 2'))
    assert found.operator.groups == 2
    assert '"GroupNumber" is what the text of an earlier edition' in found.notes[0]


# Heads around the layer, and what it is applied to.


@pytest.mark.parametrize(
    "text",
    [
        "NetInitialize@{}",
        "NetInitialize[{}]",
        "deconv = {}//NetInitialize",
        "deconv = NetInitialize[{}, RandomSeeding -> 1];",
        'Information[{}, "OutputPorts"]',
        "net = NetChain[{{{}, Ramp}}] (* up *)",
        "f[x_] := {}[x]",
    ],
)
def test_heads_around_the_layer(text: str) -> None:
    found = read(text.format(LAYER.format("")))
    assert (found.operator.descriptor, found.framework) == ("ic4_oc6_k3x2_b", "wolfram")


APPLIED = [
    ("d = DeconvolutionLayer[2, {2, 1}];\nd[{{{1, 1, 3}, {1, -2, 3}}}]//MatrixForm", (1, 1, 2, 3)),
    ("d = DeconvolutionLayer[2, {2, 1}]; d[{{{{1, 1, 3}, {1, 0, 3}}}, {{{1, 1, 3}, {1, 0, 3}}}}]",
     (2, 1, 2, 3)),
    ("x = RandomReal[1, {5, 4, 2, 3}]; d = DeconvolutionLayer[2, {2, 1}]; d[x]", (5, 4, 2, 3)),
    ("d = DeconvolutionLayer[2, {2, 1}, Interleaving -> True]; d[{{{1}, {2}, {3}}}]",
     (1, 1, 1, 3)),
    ("d = DeconvolutionLayer[2, {2}]; d[{{1, 2, 3}, {4, 5, 6}}]", (1, 2, 3)),
    ('d = DeconvolutionLayer[2, 3, "Input" -> NetEncoder[{"Image", 9}]]; d[{one, two}]',
     (2, 3, 9, 9)),
    ('x = RandomReal[1, {5, 4, 2, 3}]; DeconvolutionLayer[2, 1, "Input" -> Rest[Dimensions[x]]]',
     (1, 4, 2, 3)),
    # Lists of inputs.
    ('d = DeconvolutionLayer[6, {3, 3}, "Input" -> {4, 8, 8}]; d[{one, two}]', (2, 4, 8, 8)),
    ("d = DeconvolutionLayer[6, {3, 3}]; d[{RandomReal[1, {4, 8, 8}], RandomReal[1, {4, 8, 8}]}]",
     (2, 4, 8, 8)),
    ('d = DeconvolutionLayer[6, {3, 3}]; d[<|"Input" -> RandomReal[1, {5, 4, 8, 8}]|>]',
     (5, 4, 8, 8)),
    ("d = DeconvolutionLayer[6, {3, 3}]; x = RandomReal[1, {4, 8, 8}];\nxs = {x, x}; d[xs]",
     (2, 4, 8, 8)),
    ('d = DeconvolutionLayer[6, {3, 3}, "Input" -> {2, 8, 8}]; d[{one, two}]', (1, 2, 8, 8)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape"), APPLIED)
def test_what_the_layer_is_applied_to(text: str, shape: Sizes) -> None:
    assert reading(text).input == shape


def test_a_list_that_may_be_inputs_or_channels_is_noted() -> None:
    text = 'd = DeconvolutionLayer[6, {3, 3}, "Input" -> {2, 8, 8}]; d[{one, two}]'
    assert "but where they are inputs, there are 2" in reading(text).notes[0]
    assert reading(text.replace("{one, two}", "one")).notes == ()


@pytest.mark.parametrize(
    ("vertices", "edges", "shape"),
    [
        ("{{}, Ramp}", "{1 -> 2}", (1, 64, 8, 8)),
        ("{Ramp, {}}", "{1 -> 2}", (1, 64, 8, 8)),
        ("{Ramp, {}}", '{NetPort["Input"] -> 1 -> 2 -> NetPort["Output"]}', (1, 64, 8, 8)),
        ('<|"up" -> {}, "act" -> Ramp|>', '{"act" -> "up"}', (1, 64, 8, 8)),
        ('<|"up" -> {Ramp, {}}|>', "{}", (1, 64, 8, 8)),
        ('<|"a" -> ConvolutionLayer[9, 3], "up" -> {Ramp, {}}|>', '{"a" -> "up"}', (1, 9, 6, 6)),
        ('<|"a" -> ConvolutionLayer[9, 3], "up" -> {}|>', '{NetPort[{"a", "Output"}] -> "up"}',
         (1, 9, 6, 6)),
        ('<|"a" -> Ramp, "b" -> Tanh, "up" -> {}|>', '{{"a", "b"} -> "up"}', None),
        ("{Ramp, {}}", "{1 -> 2, 2 -> 1}", None),
        ("{LinearLayer[9], {}}", "{1 -> 2}", None),
        ("{Ramp, {}}", "edges", None),
        ("{Ramp, {}}", '{1 -> 2, NetPort["Input"] -> 2}', None),
        ("{Ramp, {}}", "{1 -> 2, more}", None),
    ],
)  # fmt: skip
def test_a_graph_says_what_comes_in(vertices: str, edges: str, shape: Sizes | None) -> None:
    layers = vertices.replace("{}", "DeconvolutionLayer[16, {4, 4}]")
    text = f'NetGraph[{layers}, {edges}, "Input" -> {{64, 8, 8}}]'
    if shape is None:
        with pytest.raises(SnippetError, match="leaves in_channels open"):
            reading(text)
    else:
        assert reading(text).input == shape


CODE = [
    ("""dc[i_] := DeconvolutionLayer[
	"Weights" -> raw["/dc" <> ToString[i] <> "/W"],
	"Biases" -> raw["/dc" <> ToString[i] <> "/b"],
	"Stride" -> 2,
	"PaddingSize" -> 1
]""", "ic4_oc6_k3x2_s2x2_c1.1x1.1_b"),
    ("""upres[c_]:=NetGraph[<|"long"->{NormalizationLayer[],Ramp,DeconvolutionLayer[c,{3,2},"Stride"->2],
       ConvolutionLayer[c,{3,3},"PaddingSize"->1]}|>, {}]""", "ic4_oc6_k3x2_s2x2_b"),
    ("""NetChain@{DeconvolutionLayer[n,k,"Stride"->3,"GroupNumber"->1],ConvolutionLayer[n,1]}""",
     "ic4_oc6_k3x2_s3x3_b"),
    ("""With[{s = 2, p = 1}, NetInitialize@DeconvolutionLayer[6, {3, 2}, "Stride" -> s,
       "PaddingSize" -> p, "Input" -> {4, 5, 5}]]""", "ic4_oc6_k3x2_s2x2_c1.1x1.1_b"),
    ('opts = {"Stride" -> 3, PaddingSize -> 1};\nDeconvolutionLayer[6, {3, 2}, opts]',
     "ic4_oc6_k3x2_s3x3_c1.1x1.1_b"),
    ('DeconvolutionLayer[6, {3, 2}, {"Stride" -> 3}, PaddingSize -> 1]',
     "ic4_oc6_k3x2_s3x3_c1.1x1.1_b"),
    ("""Module[{k = {3, 2}, net}, net = DeconvolutionLayer[6, k, "Stride" -> Max[k] - 1]; net]""",
     "ic4_oc6_k3x2_s2x2_b"),
    ('f[n_:6, s_:2] := DeconvolutionLayer[n, {3, 2}, "Stride" -> s]\nf[]', "ic4_oc6_k3x2_s2x2_b"),
]  # fmt: skip


def test_defaults_are_not_taken_where_the_text_may_give_others() -> None:
    text = 'f[n_:4] := DeconvolutionLayer[n, {3, 3}, "Input" -> {8, 5, 5}]\n'
    with pytest.raises(SnippetError, match="leaves out_channels open"):
        reading(f"{text}g = f")
    assert reading(f"{text}f[16]").operator.out_channels == 16
    assert reading(f"{text}f @ 16").operator.out_channels == 16


@pytest.mark.parametrize(("text", "descriptor"), CODE)
def test_code_as_people_have_it(text: str, descriptor: str) -> None:
    assert read(text, weight=(4, 6, 3, 2)).operator.descriptor == descriptor


@pytest.mark.parametrize(
    ("text", "channels", "shape"),
    [
        ('NetChain[{{Ramp, {}, Tanh}}, "Input" -> {{8, 5, 6}}]', 8, (1, 8, 5, 6)),
        ("NetChain[{{ConvolutionLayer[8, 3], Ramp, PoolingLayer[2], {}}}]", 8, None),
        ('NetChain[{{LinearLayer[9], ConvolutionLayer[8, 3], "ReLU", {}}}]', 8, None),
        ('NetChain[{{{}}}, "Input" -> {{8, 5, 6}}]', 8, (1, 8, 5, 6)),
        ('NetChain[{{{}, Ramp}}, "Input" -> {{8, 5, 6}}]', 8, (1, 8, 5, 6)),
        ('NetChain[{{"up" -> {}}}, "Input" -> {{8, 5, 6}}]', 8, (1, 8, 5, 6)),
        ('NetChain[<|"up" -> {}|>, "Input" -> {{8, 5, 6}}]', 8, (1, 8, 5, 6)),
        ('NetChain[<|"c" -> ConvolutionLayer[8, 3], "up" -> {}|>]', 8, None),
        ("NetChain[{{LinearLayer[240], ReshapeLayer[{{8, 5, 6}}], {}}}]", 8, (1, 8, 5, 6)),
        ("NetChain[{{ReshapeLayer[{{8, Automatic, 6}}], {}}}]", 8, None),
    ],
)
def test_a_chain_says_what_comes_in(text: str, channels: int, shape: Sizes | None) -> None:
    found = reading(text.format("DeconvolutionLayer[6, {3, 2}, PaddingSize -> 1]"))
    assert (found.operator.in_channels, found.input) == (channels, shape)


@pytest.mark.parametrize("before", ["LinearLayer[8]", "ReshapeLayer[{8, 4, 4}], f[3]", "up"])
def test_a_chain_that_does_not_say_it_is_asked(before: str) -> None:
    with pytest.raises(SnippetError, match="leaves in_channels open"):
        reading(f'NetChain[{{{before}, DeconvolutionLayer[6, {{3, 2}}]}}, "Input" -> 8]')


def test_another_input_than_the_ports_is_taken_and_said() -> None:
    found = reading(LAYER.format(', "Output" -> {6, 7, 8}'), input=(2, 4, 3, 3))
    assert found.input == (2, 4, 3, 3)
    assert "the answer is for those of input" in found.notes[0]


@pytest.mark.parametrize(
    ("kernel", "stride", "crop", "said"),
    [
        (3, 1, (1, 1), None),
        (4, 1, (1, 2), "odd total"),
        (5, 2, (1, 2), "odd total"),
        (2, 2, (0, 0), None),
        (2, 5, (0, -3), "stride above the kernel"),
    ],
)
def test_same(kernel: int, stride: int, crop: tuple[int, int], said: str | None) -> None:
    """The output is the input times the stride; what more is assumed, a note says."""
    text = f'DeconvolutionLayer[6, {{{kernel}}}, PaddingSize -> "Same", "Stride" -> {stride}]'
    found = reading(text, input=(1, 4, 7))
    assert found.operator.crop == (crop,)
    assert found.operator.out_size((7,)) == (7 * stride,)
    assert [said in note for note in found.notes[1:]] == [True] if said else found.notes[1:] == ()


# Errors, with their columns.

ERRORS = [
    ("DeconvolutionLayer[6, {3, 2}]", 1, "leaves in_channels open: add input 1,64,16,16"),
    ("DeconvolutionLayer[n, k]", 1, "add weight 64,32,4,4"),
    (LAYER.format(', "Strid" -> 2'), 53, "no parameter 'Strid'. Did you mean 'Stride'?"),
    (LAYER.format(', "Stride" -> 2, "Stride" -> 3'), 68, "given twice"),
    (LAYER.format(', "Stride" -> 0'), 53, "must be at least 1"),
    (LAYER.format(', "Stride" -> s'), 65, "whose value the text does not hold"),
    (LAYER.format(', "Stride" -> {2}'), 1, "they must agree"),
    (LAYER.format(", PaddingSize -> -1"), 53, "must be at least 0"),
    (LAYER.format(", PaddingSize -> {{0, -1}, {0, 0}}"), 53, "must not be negative"),
    (LAYER.format(", PaddingSize -> {{1, 2, 3}, {0, 0}}"), 53, "a pair of beginning and end"),
    (LAYER.format(', PaddingSize -> "Full"'), 53, 'the only word that it takes is "Same"'),
    (LAYER.format(', "ChannelGroups" -> 4'), 1, "groups 4 does not divide out_channels 6"),
    (LAYER.format(', "Biases" -> {1, 2}'), 53, "dimensions [2]; {6} is needed"),
    (LAYER.format(', "Output" -> {6, 7, 9}'), 53, "full size [7, 8] less crop [[0, 0], [0, 0]]"),
    (LAYER.format(', "Output" -> {5, 7, 8}'), 53, '"Output" has 5 channels; the layer has 6'),
    (LAYER.format(', "Output" -> NetDecoder[{"Image", "RGB"}]'), 53, "3 channels; the layer has 6"),
    (LAYER.format(", Interleaving -> 2"), 53, "must be True or False"),
    (LAYER.format(", LearningRateMultipliers -> fast"), 53, "must be numbers"),
    (LAYER.format(', LearningRateMultipliers -> {"Bias" -> 1}'), 53, "not 'Bias'"),
    ('DeconvolutionLayer[6, {3, 2}, "Input" -> {4}]', 31, "channels and one or two spatial axes"),
    ('DeconvolutionLayer[6, {3, 2}, "Input" -> {4, 0, 5}]', 31, "must be positive integers"),
    ('DeconvolutionLayer[6, {3, 2}, "Input" -> {4, 5}]', 1, "they must agree"),
    ("DeconvolutionLayer[6, {1, 3, 2}]", 1, "has one or two: {s} or {h, w}"),
    ('DeconvolutionLayer[6, 3, "Input" -> NetEncoder[{"Image", 9, "Pink"}]]', 26,
     "'Pink' is no colour space"),
    ('DeconvolutionLayer[6, 3, "Input" -> NetEncoder[{"Image", 9, Interleaving -> True}]]', 26,
     "Interleaving must agree"),
    ('d = DeconvolutionLayer[1, {2, 2}, "Input" -> {1, 2, 2}]; d[{{{1, 1, 1}}}]', 60,
     'which its "Input" does not allow'),
    ('DeconvolutionLayer[6, {3, 2}, "Weights" -> RandomReal[1, {4, 6, 3, 3}]]', 1,
     "kernel is (3, 2) in the text and (3, 3)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "fact"), ERRORS)
def test_errors_point_at_what_is_wrong(text: str, column: int, fact: str) -> None:
    with pytest.raises(SnippetError) as caught:
        reading(text)
    assert fact in str(caught.value)
    assert f"line 1, column {column}:" in str(caught.value)


def test_an_input_of_other_channels_is_refused() -> None:
    with pytest.raises(SnippetError, match="in_channels is 4 in the text and 5 in input"):
        reading(LAYER.format(""), input=(1, 5, 5, 7))


VALUES = """0;1;-1;2.0;1/3;True;None;Automatic;x;f[3];999999999999999999;_ -> 2;"Same";"Image";{};
{{}};{1,2};{1,2,3};{{1,2},{3,4}};{{1},{2}};{1,x};{"a"->2};<|"Weights"->2|>;<||>;{"Weights"->2};
{"Image"};NetEncoder["Image"];NetEncoder[{"Image",{3}}];NetEncoder[{"Image",{3,"a"}}];
NetEncoder[{"Image",3,{}}];NetEncoder[{}];NetEncoder[];NetEncoder[x];{4,5,7};{{{{1.,2}}}};
NetDecoder[{"Image","RGB"}];RandomReal[1,{4,6,3,2}];RandomReal[1,{4,0}];RandomReal[1];
ConstantArray[0,{6}];ArrayPad[w,{{0,0},{0,0},{1,2},{3,0}}];Rest[Dimensions[x]];Rest[3];Rest[];
RandomVariate[NormalDistribution[],{4,6,3,2}];{{{1,2},{3}}};w;
RandomVariate[TruncatedDistribution[{},NormalDistribution[0,1]],{1}]"""
ANY_VALUE = st.sampled_from([value.strip() for value in VALUES.split(";")])
NAMES = st.sampled_from([each.name for each in FORM.parameters[2:]])
BEFORE = st.sampled_from(
    ["", "w = {w};\n", "w = Normal[w]; x = w;\n", "x = RandomReal[1, {2, 4, 5}];\n"]
)
SHAPES = st.sampled_from([None, (1, 4, 5), (0, 4, 0, 7), (4, 6, 3, 2), (4, 6, 3, 3, 3)])


@given(
    BEFORE,
    st.lists(ANY_VALUE, max_size=2),
    st.lists(st.tuples(NAMES, ANY_VALUE), max_size=4),
    st.lists(ANY_VALUE, max_size=1),
    SHAPES,
    SHAPES,
)
def test_any_arguments_are_read_or_refused(
    before: str,
    positional: Sequence[str],
    options: Sequence[tuple[str, str]],
    applied: Sequence[str],
    shape: Sizes | None,
    weight: Sizes | None,
) -> None:
    arguments = [*positional, *(f'"{name}" -> {value}' for name, value in options)]
    text = f"{before}d = DeconvolutionLayer[{', '.join(arguments)}]; d[{', '.join(applied)}]"
    with contextlib.suppress(InputError):
        read(text, "wolfram", shape, weight)


# What we write is read back.


@pytest.mark.parametrize("style", ["function", "layer"])
@given(sized_operators())
def test_what_is_written_is_read_back(style: Style, sized: tuple[Operator, Sizes]) -> None:
    """With zeros around the kernels too, for crops that extend."""
    operator, in_size = sized
    program = render(operator, "wolfram", style=style)
    if isinstance(program, Unsupported):
        assert operator.rank == 3
        return
    shape = (2, operator.in_channels, *in_size)
    found = reading(program.text, input=shape, weight=operator.weight_shape)
    assert found.operator == operator


PLAIN = LAYER.format("")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (f'SetOptions[DeconvolutionLayer, "Stride" -> 2];\nup = {PLAIN}', "SetOptions changes"),
        (f"up = {PLAIN};\nup = up /. 1 -> 2", "/. is not read here: keep what it does"),
        (f"up = {PLAIN} /. {{1 -> 2}}", "/. is not read here: keep what it does"),
        (f"up = {PLAIN};\nnet = NetChain[{{up //. 1 -> 2}}]", "/. is not read here"),
        (f"up = {PLAIN};\nup = ReplaceAll[up, 1 -> 2]", "ReplaceAll is not read here"),
        (f"up = {PLAIN};\nn = m /. 1 -> 2", None),
        (f"SetOptions[Plot, Frame -> True];\nup = {PLAIN}", None),
    ],
)
def test_what_changes_the_layer_elsewhere_is_noted(text: str, note: str | None) -> None:
    notes = reading(text).notes
    assert [note is not None and note in each for each in notes] == [True] * (note is not None)


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ('NetChain[{{{}}}, "Input" -> {{4, 5, 7}}]', None),
        ("NetChain[{{ConvolutionLayer[4, 3], {}}}]", None),
        ('NetChain[{{{}}}, "Input" -> {{5, 5, 7}}]', "channels: 4 in .* and 5 by the chain"),
        ('NetChain[{{{}}}, "Input" -> {{4, 5, 8}}]', r"sizes: \(5, 7\) in .* and \(5, 8\) by the"),
        ("NetChain[{{ConvolutionLayer[8, 3], {}}}]", "channels: 4 in .* and 8 by the chain"),
    ],
)
def test_own_input_must_agree_with_the_chain_s(chain: str, message: str | None) -> None:
    text = chain.format(PLAIN)
    if message is None:
        assert reading(text).input == (1, 4, 5, 7)
        return
    with pytest.raises(InputError, match=message):
        reading(text)
