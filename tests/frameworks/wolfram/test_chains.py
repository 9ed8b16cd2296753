"""Inputs that follow from the layers before one in a chain, and where they do not."""

from __future__ import annotations

import pytest
from chains import inputs_of_five

from harness.core.operators import Sizes
from harness.lookup.every import look_up_every
from harness.syntax.tree import SnippetError

UP = 'DeconvolutionLayer[5, {4, 3}, "Stride" -> {2, 1}]'

# What stands between an input of 6 channels, 12 x 9, and a layer, and what then comes into it.
BETWEEN: dict[str, Sizes] = {
    "Ramp, BatchNormalizationLayer[], DropoutLayer[0.5]": (6, 12, 9),
    "ElementwiseLayer[Ramp[#] - 0.2 Ramp[-#]&]": (6, 12, 9),
    "ConvolutionLayer[8, 3]": (8, 10, 7),
    'ConvolutionLayer[8, {5, 3}, "Stride" -> {2, 1}, "PaddingSize" -> {1, 2}]': (8, 5, 11),
    "ConvolutionLayer[8, 3, PaddingSize -> {{1, 0}, {2, 3}}]": (8, 11, 12),
    'ConvolutionLayer[8, 3, "Stride" -> 2, PaddingSize -> "Same"]': (8, 6, 5),
    'ConvolutionLayer[8, 3, "Dilation" -> {2, 3}]': (8, 8, 3),
    "PoolingLayer[{2, 3}, {2, 3}]": (6, 6, 3),
    'PoolingLayer[3, "Stride" -> 1]': (6, 10, 7),
    "ResizeLayer[{7, 5}]": (6, 7, 5),
    "ResizeLayer[{Scaled[2], Scaled @ 3}]": (6, 24, 27),
    "200, ReshapeLayer[{8, 5, 5}], Ramp": (8, 5, 5),
    "LinearLayer[{7, 4, 3}]": (7, 4, 3),
    "NetChain[{ConvolutionLayer[8, 3], Ramp}], Tanh": (8, 10, 7),
    'DeconvolutionLayer[7, 3, "Stride" -> 2, PaddingSize -> {{1, 0}, {0, 1}}]': (7, 24, 18),
    'DeconvolutionLayer[7, 3, "Dilation" -> 2], Ramp': (7, 16, 13),
    'DeconvolutionLayer[7, 2, "Stride" -> 3, PaddingSize -> "Same"]': (7, 36, 27),
}


@pytest.mark.parametrize("between", BETWEEN)
def test_sizes_go_through_plain_layers(between: str) -> None:
    text = f'NetChain[{{{between}, {UP}}}, "Input" -> {{6, 12, 9}}]'
    assert inputs_of_five(text) == [(1, *BETWEEN[between])]


# Where the sizes are not known, the channels may be.
CUT = {
    "ConvolutionLayer[8, 3, PaddingSize -> p]": "8",
    "ConvolutionLayer[8, k]": "8",
    'ConvolutionLayer["Weights" -> w, "Biases" -> b]': "in_channels",
    "layer[3]": "in_channels",
    "FlattenLayer[]": "in_channels",
    "layer[3], ConvolutionLayer[8, 1]": "8",
    "PoolingLayer[2, 2]": "6",  # Of nine, one is left over.
    "PoolingLayer[99]": "6",
    "ReshapeLayer[{8, Automatic, 6}]": "8",
    "ConvolutionLayer[8, 3, Interleaving -> True]": "in_channels",
}


@pytest.mark.parametrize("between", CUT)
def test_a_chain_is_cut_where_a_layer_is_not_plain(between: str) -> None:
    text = f'NetChain[{{{between}, {UP}}}, "Input" -> {{6, 12, 9}}]'
    (look,) = look_up_every(text, to=["wolfram"])
    assert not isinstance(look, SnippetError)
    assert look.reading.input is None
    assert str(look.to_json()["operator"]["in_channels"]) == CUT[between]


TEXTS: dict[str, list[Sizes | None]] = {
    f'c = ConvolutionLayer[8, 3]; a = Ramp; NetChain[{{c, a, {UP}}}, "Input" -> {{6, 12, 9}}]': [
        (1, 8, 10, 7)
    ],
    f'up[n_] := {UP.replace("5", "n")};\n'
    'NetChain[{up[5], Ramp, up[5]}, "Input" -> {6, 12, 9}]': [
        (1, 6, 12, 9),
        (1, 5, 26, 11),
    ],
    'NetChain[Flatten @ Table[{DeconvolutionLayer[5, {k, k}], Ramp}, {k, {2, 3}}], '
    '"Input" -> {6, 12, 9}]': [(1, 6, 12, 9), (1, 5, 13, 10)],
    f'NetChain[<|"a" -> ConvolutionLayer[8, 3], "b" -> {UP}|>, "Input" -> '
    'NetEncoder[{"Image", {9, 12}}]]': [(1, 8, 10, 7)],
    f'NetGraph[{{"a" -> ConvolutionLayer[8, 3], "b" -> {UP}}}, {{"a" -> "b"}}, '
    '"Input" -> {6, 12, 9}]': [(1, 8, 10, 7)],
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_layers_are_followed_to_the_input_of_their_net(text: str) -> None:
    assert inputs_of_five(text) == TEXTS[text]


def test_a_layer_is_listed_by_the_vertices_that_it_is_in() -> None:
    text = (
        'dec[n_] := NetGraph[{"up" -> DeconvolutionLayer[n, {2, 2}], "c" -> CatenateLayer[]}, {}];'
        '\nnet = NetGraph[<|"dec_1" -> dec[5], "dec_2" -> {Ramp, dec[7]}|>, {}]'
    )
    looks = look_up_every(text, to=["numpy"])
    names = [each.reading.name for each in looks if not isinstance(each, SnippetError)]
    assert names == ["dec_1/up", "dec_2/up"]


def test_a_layer_may_have_a_local_name() -> None:
    chain = f'NetChain[{{ConvolutionLayer[8, 3], act, {UP}}}, "Input" -> {{6, 12, 9}}]'
    made = "net[] := Module[{act = ElementwiseLayer[Ramp[#]&]}, BODY]; net[]"
    assert inputs_of_five(made.replace("BODY", chain)) == [(1, 8, 10, 7)]
    (in_names,) = look_up_every(made.replace("BODY", f"act = other[]; {chain}"), to=["numpy"])
    assert not isinstance(in_names, SnippetError)
    assert in_names.reading.input is None


# What stands around DeconvolutionLayer[5, 4] in a chain, and the kernel that it then has.
AROUND = {
    "{ConvolutionLayer[8, {3, 5}], Ramp, UP}": [4, 4],
    "{ConvolutionLayer[8, {3}], Ramp, UP}": [4],
    '{"u" -> UP, "t" -> Tanh, "c" -> ConvolutionLayer[8, 3, "PaddingSize" -> {1, 2}]} // Flatten': [
        4,
        4,
    ],
    "{UP, PoolingLayer[{3}]}": [4],
    "{ConvolutionLayer[8, k], UP}, Input -> {6, 12, 9}": [4, 4],
    "{ConvolutionLayer[8, k], UP}, Input -> {6, 12}": [4],
    '{UP}, Input -> NetEncoder[{"Image", {12, 9}}]': [4, 4],
}


@pytest.mark.parametrize("around", AROUND)
def test_layers_around_one_show_how_many_axes_it_has(around: str) -> None:
    text = f"NetChain[{around}]".replace("UP", "DeconvolutionLayer[5, 4]")
    (look,) = look_up_every(text.replace("Input", '"Input"'), to=["wolfram"])
    assert not isinstance(look, SnippetError)
    assert look.to_json()["operator"]["kernel"] == AROUND[around]


@pytest.mark.parametrize(
    "around",
    [
        "{ConvolutionLayer[8, 3], UP}",
        "{ConvolutionLayer[8, {3, 3}], ReshapeLayer[{8, n}], UP}",
        "{ConvolutionLayer[8, {3, 3}], layer, UP}, Input -> {6, 12, 9}",
        "{ConvolutionLayer[8, {3}], UP, ConvolutionLayer[8, {3, 3}]}",
    ],
)
def test_a_kernel_whose_axes_nothing_shows_has_two_with_a_note(around: str) -> None:
    text = f"NetChain[{around}]".replace("UP", "DeconvolutionLayer[5, 4]")
    (look,) = look_up_every(text.replace("Input", '"Input"'), to=["wolfram"])
    assert not isinstance(look, SnippetError)
    assert look.reading.operator.kernel == (4, 4)
    expected = "sz 4 is one number, and nothing says of how many axes: taken for two. "
    assert f"{expected}For one, add input 1,64,16." in map(str, look.reading.notes)
