"""Inputs that follow from the layers before one: in arrays, in graphs, and where they do not."""

from __future__ import annotations

import pytest
from chains import inputs_of_five

from harness.core.operators import Sizes
from harness.lookup.every import look_up_every
from harness.syntax.tree import SnippetError

UP = "transposedConv2dLayer([4 3], 5, 'Stride', [2 1])"

# What stands between an input of 12 x 9 with 6 channels and a layer, and what then comes into it.
BETWEEN: dict[str, Sizes] = {
    "": (6, 12, 9),
    "reluLayer; dropoutLayer(0.5); batchNormalizationLayer": (6, 12, 9),
    "convolution2dLayer(3, 8)": (8, 10, 7),
    "convolution2dLayer([5 3], 8, 'Stride', [2 1], 'Padding', [1 2])": (8, 5, 11),
    "convolution2dLayer(3, 8, 'Padding', [1 0 2 3])": (8, 11, 12),
    "convolution2dLayer(3, 8, Padding=[1 2; 0 3])": (8, 11, 12),
    "convolution2dLayer(3, 8, 'Stride', 2, 'Padding', 'same')": (8, 6, 5),
    "convolution2dLayer(3, 8, 'DilationFactor', [2 3])": (8, 8, 3),
    "groupedConvolution2dLayer(3, 2, 3)": (6, 10, 7),
    "groupedConvolution2dLayer(3, 2, 'channel-wise', 'Padding', 1)": (12, 12, 9),
    "maxPooling2dLayer(2, 'Stride', 2)": (6, 6, 4),
    "averagePooling2dLayer([3 2])": (6, 10, 8),
    "globalAveragePooling2dLayer": (6, 1, 1),
    "resize2dLayer('Scale', [2 3])": (6, 24, 27),
    "resize2dLayer('OutputSize', [7 5])": (6, 7, 5),
    "fullyConnectedLayer(20); projectAndReshapeLayer([4 3 7])": (7, 4, 3),
    "transposedConv2dLayer(3, 7, 'Stride', 2, 'Cropping', [1 0 0 1])": (7, 24, 18),
    "transposedConv2dLayer(3, 7, 'Stride', 2, 'Cropping', 'same'); reluLayer": (7, 24, 18),
}


@pytest.mark.parametrize("between", BETWEEN)
def test_sizes_go_through_plain_layers(between: str) -> None:
    text = f"layers = [imageInputLayer([12 9 6]); {between}; {UP}];"
    assert inputs_of_five(text) == [(1, *BETWEEN[between])]


# Where the sizes are not known, the channels may be.
CUT: dict[str, str] = {
    "convolution2dLayer(3, 8, 'Padding', p)": "8",
    "convolution2dLayer(k, 8)": "8",
    "myLayer(3)": "in_channels",
    "myLayer(3); convolution2dLayer(1, 8)": "8",
    "depthConcatenationLayer(2)": "in_channels",
    "fullyConnectedLayer(8)": "8",
    "maxPooling2dLayer(99)": "6",
    "projectAndReshapeLayer(s)": "in_channels",
    "transposedConv2dLayer(3, 7, 'Cropping', c)": "in_channels",
}


@pytest.mark.parametrize("between", CUT)
def test_a_chain_is_cut_where_a_layer_is_not_plain(between: str) -> None:
    text = f"layers = [imageInputLayer([12 9 6]); {between}; {UP}];"
    looks = look_up_every(text, to=["matlab"])
    (look,) = [each for each in looks if not isinstance(each, SnippetError)][-1:]
    assert look.reading.input is None
    assert str(look.to_json()["operator"]["in_channels"]) == CUT[between]


IN = "imageInputLayer([12 9 6], 'Name', 'in')"
CONV = "convolution2dLayer(3, 8, 'Name', 'c', 'Stride', 2)"
GRAPHS: dict[str, list[Sizes | None]] = {
    f"g = layerGraph({IN});\ng = addLayers(g, [{CONV}; reluLayer('Name', 'r')]);\n"
    f"g = addLayers(g, {UP[:-1]}, 'Name', 'up'));\n"
    "g = connectLayers(g, 'in', 'c');\ng = connectLayers(g, 'r', 'up');": [(1, 8, 5, 4)],
    # Of two sources none is what comes in.
    f"g = layerGraph({IN});\ng = addLayers(g, [{CONV}]);\n"
    f"g = addLayers(g, [additionLayer(2, 'Name', 'a'); {UP}]);\n"
    "g = connectLayers(g, 'in', 'a/in1');\ng = connectLayers(g, 'c', 'a/in2');": [None],
    f"layers = {IN};\nfor i = 1:2\n layers = [layers; {UP}];\nend": [(1, 6, 12, 9), (1, 5, 26, 11)],
    f"function l = up(n)\n l = [{UP.replace('5', 'n')}; reluLayer];\nend\n"
    f"function all\n l = [{IN}; up(5); up(5)];\nend": [(1, 6, 12, 9), (1, 5, 26, 11)],
    # A layer in two arrays, with the same before it and with something else.
    f"u = {UP};\na = [{IN}; u];\nb = [a; reluLayer];": [(1, 6, 12, 9)],
    f"u = {UP};\na = [{IN}; u];\nb = [imageInputLayer([5 5 6]); u];": [None],
    f"u = {UP};\na = [{IN}; u];\nb = [imageInputLayer([5 5 4]); u];": [None],
    # What is set later.
    f"c = {CONV};\nc.Stride = 1;\na = [{IN}; c; {UP}];": [None],
}


@pytest.mark.parametrize("text", GRAPHS)
def test_layers_are_followed_through_arrays_and_graphs(text: str) -> None:
    assert inputs_of_five(text) == GRAPHS[text]


def test_a_layer_is_listed_by_its_name() -> None:
    text = "l = [imageInputLayer([5 5 6]); transposedConv2dLayer(3, 5, 'Name', ['up' num2str(2)])];"
    (look,) = look_up_every(text, to=["numpy"])
    assert not isinstance(look, SnippetError)
    assert look.reading.name == "up2"


def test_names_that_a_function_is_given_are_joined() -> None:
    text = (
        "l = [up('a'); up('b')];\nfunction l = up(name)\n"
        " l = transposedConv2dLayer(3, 5, 'NumChannels', 5, 'Name', [name '_up']);\nend"
    )
    looks = look_up_every(text, to=["numpy"])
    names = [each.reading.name for each in looks if not isinstance(each, SnippetError)]
    assert names == ["a_up", "b_up"]


def test_what_is_refused_in_every_turn_is_refused_once() -> None:
    text = "for i = 1:3, l = transposedConv2dLayer(3, 5, 'Stride', 0); end"
    (one,) = look_up_every(text, to=["numpy"])
    assert isinstance(one, SnippetError)


def test_long_chains_are_bounded() -> None:
    many = f"layers = [{IN}\n" + "reluLayer\n" * 400 + f"{UP}];"
    (look,) = look_up_every(many, to=["numpy"])
    assert not isinstance(look, SnippetError)
    assert look.reading.input is None
    circle = (
        f"g = addLayers(g, {UP[:-1]}, 'Name', 'a'));\ng = addLayers(g, reluLayer('Name', 'b'));\n"
        "g = connectLayers(g, 'a', 'b');\ng = connectLayers(g, 'b', 'a');"
    )
    (look,) = look_up_every(circle, to=["numpy"])
    assert not isinstance(look, SnippetError)
    assert look.reading.input is None
