"""What MATLAB's calls mean: every row of the documents' tables, real code, and what is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
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
from harness.core.training import GLOROT, ONES, ZEROS, Initializer, Training
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("matlab").forms}
LAYER = "layer = transposedConv2dLayer([3 2], 6, 'NumChannels', 4{});"
FUNCTION = "Y = dltranspconv(X, weights, {});"
WEIGHT = (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "matlab", **supplied)


def seen(found: Reading, name: str) -> Any:
    return (
        getattr(found.operator, name, None) if hasattr(found.operator, name) else vars(found)[name]
    )


# The rows of the documents' tables, by their names.

ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("filterSize", "transposedConv2dLayer(5, 6, 'NumChannels', 4)", {"kernel": (5, 5)}),
    ("filterSize", "transposedConv2dLayer([5 4], 6, 'NumChannels', 4)", {"kernel": (5, 4)}),
    ("filterSize", "transposedConv1dLayer(5, 6, 'NumChannels', 4)", {"kernel": (5,)}),
    ("filterSize", "transposedConv3dLayer([5 4 3], 6, NumChannels=4)", {"kernel": (5, 4, 3)}),
    ("numFilters", LAYER.format(""), {"out_channels": 6, "bias": True, "groups": 1}),
    ("numFilters", "transposedConv2dLayer(3, uint8(6), 'NumChannels', 4)", {"out_channels": 6}),
    ("Stride", LAYER.format(""), {"stride": (1, 1)}),
    ("Stride", LAYER.format(", 'Stride', 4"), {"stride": (4, 4)}),
    ("Stride", LAYER.format(", 'Stride', [2 3]"), {"stride": (2, 3)}),
    ("Stride", LAYER.format(", Stride=int32([2, 3])"), {"stride": (2, 3)}),
    ("Cropping", LAYER.format(""), {"crop": ((0, 0), (0, 0))}),
    ("Cropping", LAYER.format(", 'Cropping', 1"), {"crop": ((1, 1), (1, 1))}),
    ("Cropping", LAYER.format(", 'Cropping', [0 1]"), {"crop": ((0, 0), (1, 1))}),
    ("Cropping", LAYER.format(", 'Cropping', [1 2 0 3]"), {"crop": ((1, 2), (0, 3))}),
    ("Cropping", LAYER.format(", 'Cropping', 'same'"), {"crop": ((1, 1), (0, 1))}),
    ("Cropping", LAYER.format(', cropping="Same", stride=[1 3]'), {"crop": ((1, 1), (0, -1))}),
    ("Cropping", "transposedConv1dLayer(3, 6, 'NumChannels', 4, 'Cropping', [0 1])",
     {"crop": ((0, 1),)}),
    ("Cropping", "transposedConv1dLayer(3, 6, 'NumChannels', 4, 'Cropping', 1)",
     {"crop": ((1, 1),)}),
    ("Cropping", "transposedConv3dLayer(3, 6, 'NumChannels', 4, 'Cropping', [0 1 2])",
     {"crop": ((0, 0), (1, 1), (2, 2))}),
    ("Cropping", "transposedConv3dLayer(3, 6, 'NumChannels', 4, 'Cropping', [0 1 2; 1 0 3])",
     {"crop": ((0, 1), (1, 0), (2, 3))}),
    ("NumChannels", LAYER.format(""), {"in_channels": 4}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', 'glorot'"),
     {"training": Training(weights=GLOROT)}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', 'he'"),
     {"training": Training(weights=Initializer("normal", 2.0, "in"))}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', 'narrow-normal'"),
     {"training": Training(weights=Initializer("normal", 0.0001))}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', 'zeros'"),
     {"training": Training(weights=ZEROS)}),
    ("WeightsInitializer", LAYER.format(', WeightsInitializer="ones"'),
     {"training": Training(weights=ONES)}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', @(sz) 0.5 * randn(sz)"),
     {"training": Training(weights=Initializer("normal", 0.25))}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', @(s) 3*(2*rand(s)-1)"),
     {"training": Training(weights=Initializer("uniform", 3.0))}),
    ("WeightsInitializer", LAYER.format(", 'WeightsInitializer', @myOwn"),
     {"training": Training(), "notes": (
         "WeightsInitializer @myOwn is a function that is not read here: keep what it does.",)}),
    ("BiasInitializer", LAYER.format(", 'BiasInitializer', 'ones'"),
     {"training": Training(bias=ONES)}),
    ("BiasInitializer", LAYER.format(", 'BiasInitializer', 'narrow-normal'"),
     {"training": Training(bias=Initializer("normal", 0.0001))}),
    ("BiasInitializer", LAYER.format(", 'BiasInitializer', 'zeros'"),
     {"training": Training(bias=ZEROS)}),
    ("Weights", "transposedConv2dLayer([3 2], 6, 'Weights', rand(3, 2, 6, 4))",
     {"in_channels": 4, "out_channels": 6, "kernel": (3, 2)}),
    ("Weights", "transposedConv2dLayer([3 2], 6, 'Weights', single(rand([3 2 6])))",
     {"in_channels": 1}),
    ("Bias", LAYER.format(", 'Bias', zeros(1, 1, 6)"), {"bias": True}),
    ("Bias", LAYER.format(", 'Bias', zeros(1, 1, 6), 'BiasLearnRateFactor', 0"), {"bias": False}),
    ("Bias", LAYER.format(", 'Bias', ones(1, 1, 6), 'BiasLearnRateFactor', 0"), {"bias": True}),
    ("WeightLearnRateFactor", LAYER.format(", 'WeightLearnRateFactor', 2"),
     {"training": Training(weights_rate=2.0)}),
    ("BiasLearnRateFactor", LAYER.format(", 'BiasLearnRateFactor', 0.5"),
     {"training": Training(bias_rate=0.5)}),
    ("WeightL2Factor", LAYER.format(", 'WeightL2Factor', 0"),
     {"training": Training(weights_decay=0.0, bias_decay=0.0)}),
    ("BiasL2Factor", LAYER.format(", 'BiasL2Factor', 1"), {"training": Training(bias_decay=1.0)}),
    ("Name", LAYER.format(", 'Name', 'up'"), {"notes": (
        "Name: the layer's name; not part of the operator.",)}),
    ("CroppingMode", LAYER.format("") + "layer.CroppingMode = 'same';",
     {"crop": ((1, 1), (0, 1))}),
    ("CroppingMode", LAYER.format(", 'CroppingMode', 'manual'"), {"crop": ((0, 0), (0, 0))}),
    ("CroppingSize", LAYER.format("") + "\nlayer.CroppingSize = [0 1 0 1];",
     {"crop": ((0, 1), (0, 1)), "notes": (
         "CroppingSize is a property of the layer; the function's own word is Cropping.",)}),
    ("NumInputs", LAYER.format(", 'NumInputs', 1"),
     {"notes": ("NumInputs: always 1, read-only; not part of the operator.",)}),
    ("InputNames", LAYER.format(", 'InputNames', {'in'}"),
     {"notes": ("InputNames: always {'in'}, read-only; not part of the operator.",)}),
    ("NumOutputs", LAYER.format(", 'NumOutputs', 1"),
     {"notes": ("NumOutputs: always 1, read-only; not part of the operator.",)}),
    ("OutputNames", LAYER.format(", 'OutputNames', {'out'}"),
     {"notes": ("OutputNames: always {'out'}, read-only; not part of the operator.",)}),
]  # fmt: skip
FUNCTION_ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("X", "X = dlarray(rand(5, 7, 4, 2), 'SSCB'); " + FUNCTION.format("b"),
     {"input": (2, 4, 5, 7)}),
    ("weights", "X = rand(5, 7, 4); weights = rand(3, 2, 6, 4); " + FUNCTION.format("b"),
     {"in_channels": 4, "out_channels": 6, "kernel": (3, 2), "groups": 1}),
    ("weights",
     "weights = rand(3, 2, 3, 2, 2); Y = dltranspconv(X, weights, b, 'DataFormat', 'SSCB');",
     {"in_channels": 4, "out_channels": 6, "kernel": (3, 2), "groups": 2}),
    ("bias", FUNCTION.format("b"), {"bias": True}),
    ("bias", FUNCTION.format("0"), {"bias": False}),
    ("bias", "bias = zeros(1, 'like', X);" + FUNCTION.format("bias"), {"bias": False}),
    ("bias", FUNCTION.format("single([1; 2; 3; 4; 5; 6])"), {"bias": True}),
    ("Stride", FUNCTION.format("b, 'Stride', [2 3]"), {"stride": (2, 3)}),
    ("DilationFactor", FUNCTION.format("b, DilationFactor=2"), {"dilation": (2, 2)}),
    ("DilationFactor", FUNCTION.format("b, 'DilationFactor', [1 2]"), {"dilation": (1, 2)}),
    ("Cropping", FUNCTION.format("b, 'Cropping', 1"), {"crop": ((1, 1), (1, 1))}),
    ("Cropping", FUNCTION.format("b, 'Cropping', [1 0]"), {"crop": ((1, 1), (0, 0))}),
    ("Cropping", FUNCTION.format("b, 'Cropping', [1 0; 2 3]"), {"crop": ((1, 2), (0, 3))}),
    ("Cropping", FUNCTION.format("b, 'Cropping', 'same', 'DilationFactor', [1 3]"),
     {"crop": ((1, 1), (1, 2))}),
    ("DataFormat", "Y = dltranspconv(zeros(4, 7, 5), rand(3, 6, 4), b, 'DataFormat', 'CSB');",
     {"in_channels": 4, "kernel": (3,), "input": (5, 4, 7)}),
    ("WeightsFormat", "Y = dltranspconv(X, rand(4, 6, 3, 2), b, 'WeightsFormat', 'UCSS');",
     {"in_channels": 4, "out_channels": 6, "kernel": (3, 2)}),
    ("BiasFormat", FUNCTION.format("b, 'BiasFormat', 'C'"),
     {"bias": True}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), ROWS)
def test_parameter_of_the_layers(name: str, text: str, fields: Mapping[str, Any]) -> None:
    found = reading(text)
    assert {key: seen(found, key) for key in fields} == dict(fields), name


@pytest.mark.parametrize(("name", "text", "fields"), FUNCTION_ROWS)
def test_parameter_of_the_function(name: str, text: str, fields: Mapping[str, Any]) -> None:
    shown = "rand(3" in text or "rand(4, 6" in text
    found = reading(text) if shown else reading(text, weight=WEIGHT)
    assert {key: seen(found, key) for key in fields} == dict(fields), name


def test_every_parameter_has_a_row() -> None:
    layers = {name for name, _, _ in ROWS}
    assert layers == {each.name for each in FORMS["transposedConv2dLayer"].parameters}
    assert {name for name, _, _ in FUNCTION_ROWS} == {
        each.name for each in FORMS["dltranspconv"].parameters
    }


def test_channels_left_to_the_input_are_asked_for() -> None:
    text = "transposedConv2dLayer(3, 6, 'NumChannels', 'auto')"
    with pytest.raises(SnippetError, match=r"leaves in_channels open: add input 1,64,16,16"):
        reading(text)
    assert reading(text, input=(2, 5, 3, 4)).operator.in_channels == 5


def test_weights_of_a_function_are_asked_for() -> None:
    with pytest.raises(SnippetError, match=r"add weight 64,32,4,4"):
        reading(FUNCTION.format("b"))


def test_groups_that_the_text_does_not_show_are_taken_for_one_and_said() -> None:
    found = reading(FUNCTION.format("b"), weight=WEIGHT)
    assert found.operator.groups == 1
    assert found.notes[0].startswith("groups: taken for 1")


@pytest.mark.parametrize(
    ("shape", "labels", "weights", "expected"),
    [
        ("8,9,4,7", "SSCT", "3,3,6,4", (7, 4, 8, 9)),
        ("8,9,4,2,7", "SSCBT", "3,3,6,4", (14, 4, 8, 9)),
        ("8,4,2,7", "SCBT", "3,6,4", (14, 4, 8)),
        # A filter goes over time where nothing else is there.
        ("4,2,7", "CBT", "3,6,4", (2, 4, 7)),
    ],
)
def test_time_steps_that_no_filter_goes_over_are_examples(
    shape: str, labels: str, weights: str, expected: Sizes
) -> None:
    text = f"X = dlarray(rand({shape}), '{labels}');\nY = dltranspconv(X, rand({weights}), 0);"
    found = reading(text)
    assert found.input == expected
    assert any("its 7 steps count as examples" in note for note in found.notes) == ("S" in labels)


def test_time_steps_of_an_unknown_array_are_noted_too() -> None:
    text = "Y = dltranspconv(dlarray(X, 'SSCBT'), rand(3,3,6,4), 0);"
    assert any("its steps count as examples" in note for note in reading(text).notes)


APPLIED = [
    ("{};\nnet = dlnetwork(layer, dlarray(rand(5,6,3,2), 'SSCB'));", (2, 3, 5, 6)),
    ("X = dlarray(rand(5,6,3,2), 'SSCB');\n{};\nnet = dlnetwork(layer, X);", (2, 3, 5, 6)),
    ("{};\nX = dlarray(rand(9,9,3), 'SSC');\nnet = initialize(dlnetwork(layer), X);", None),
    ("{};\nX = dlarray(rand(9,9,3), 'SSC');\nnet = dlnetwork(layer, Initialize=false);\n"
     "net = initialize(net, X);", (1, 3, 9, 9)),
    ("{};\nnet = dlnetwork(layer);\nY = predict(net, dlarray(rand(5,6,3,2), 'SSCB'));",
     (2, 3, 5, 6)),
    ("{};\nnet = dlnetwork(layer, dlarray(rand(5,6,3,2,7), 'SSCBT'));", (14, 3, 5, 6)),
    ("{};\nnet = dlnetwork(other, dlarray(rand(5,6,3,2), 'SSCB'));", None),
    ("{};\nnet = dlnetwork(layer, rand(5,6,3,2));", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape"), APPLIED)
def test_what_a_network_of_the_layer_is_given(text: str, shape: Sizes | None) -> None:
    text = text.format("layer = transposedConv2dLayer(4, 16, 'Stride', 2)")
    if shape is None:
        with pytest.raises(SnippetError, match="leaves in_channels open"):
            reading(text)
    else:
        found = reading(text)
        assert (found.input, found.operator.in_channels) == (shape, shape[1])


# Code as people have it.

NETWORK = """layers = [ ...
    imageInputLayer([584 565 3])
    convolution2dLayer(3, 64, 'Padding', 1)   % keeps the size
    reluLayer()
    maxPooling2dLayer(2, 'Stride', 1)
    transposedConv2dLayer(4, 32, 'Stride', 2, 'Cropping', 1);
    softmaxLayer()
    ];
"""
PAGE = """miniBatchSize = 128;
inputSize = [28 28];
numChannels = 3;
X = rand(inputSize(1),inputSize(2),numChannels,miniBatchSize);
X = dlarray(X,"SSCB");

filterSize = [3 3];
numFilters = 64;
weights = rand(filterSize(1),filterSize(2),numFilters,numChannels);
bias = rand(1,numFilters);
Y = dltranspconv(X,weights,bias,Stride=2);
"""
CODE: list[tuple[str, str, Sizes | None]] = [
    ("layer = transposedConv2dLayer(11,96,'Stride',4);", "ic3_oc96_k11x11_s4x4_b", (1, 3, 9, 9)),
    (NETWORK, "ic64_oc32_k4x4_s2x2_c1.1x1.1_b", (1, 64, 583, 564)),
    (PAGE, "ic3_oc64_k3x3_s2x2_b", (128, 3, 28, 28)),
    ("""net = [imageInputLayer([1 1 100],'Name','in')
     reluLayer
     transposedConv2dLayer([10 1],4*64,'Stride',3,'Cropping',[1 0],'Name','t')];""",
     "ic100_oc256_k10x1_s3x3_c1.1x0.0_b", (1, 100, 1, 1)),
    ("""decoder = transposedConv2dLayer([3 3],64/2,Stride=[2 2],Cropping="same", ...
        NumChannels=64,WeightsInitializer="narrow-normal",Name="d-UpConv");""",
     "ic64_oc32_k3x3_s2x2_c0.1x0.1_b", None),
    ("""layers = [sequenceInputLayer(2, "MinLength", 6)
        transposedConv1dLayer(6, 32, "Cropping", "same", "Stride", 6)];""",
     "ic2_oc32_k6_s6_b", None),
    ("y = dltranspconv(x, dlarray(rand(3,3,8,5),'SSUC'), b, \"Stride\", 2, \"cropping\", 1);",
     "ic8_oc5_k3x3_s2x2_c1.1x1.1_b", None),
    ("""filterSize = 4; numFilters = 512; numLatentInputs = 100;
layersGenerator = [
    featureInputLayer(numLatentInputs)
    transposedConv2dLayer(filterSize,numFilters,Name="tconv1",NumChannels=numLatentInputs)];""",
     "ic100_oc512_k4x4_b", None),
    ("""numClasses = 21; factor = 2;
filterSize = 2*factor - mod(factor,2);
cropping = (factor-mod(factor,2))/2;
up = transposedConv2dLayer(filterSize,numClasses,'NumChannels',numClasses, ...
    'Stride',factor,'Cropping',cropping);""", "ic21_oc21_k4x4_s2x2_c1.1x1.1_b", None),
    ("k = [4 4]; s = [2 2];\nup = transposedConv2dLayer(k, 21, 'Stride', s, 'Cropping', (k - s)/2, "
     "'NumChannels', 2^5);", "ic32_oc21_k4x4_s2x2_c1.1x1.1_b", None),
    ("opts = {'Stride', 2, 'NumChannels', 5};\nl = transposedConv2dLayer(3, 7, opts{:});",
     "ic5_oc7_k3x3_s2x2_b", None),
    ("[nf, s] = deal(7, 2);\nl = transposedConv2dLayer(3, nf, 'Stride', s, 'NumChannels', 5);",
     "ic5_oc7_k3x3_s2x2_b", None),
    ("X = rand(9,9,8); [k, n] = deal(3);\n"
     "l = transposedConv2dLayer(k, n, 'NumChannels', size(X, 3));", "ic8_oc3_k3x3_b", None),
    ("net = dlnetwork([imageInputLayer([8 8 4]) transposedConv2dLayer(3, 2)]);",
     "ic4_oc2_k3x3_b", (1, 4, 8, 8)),
    ('X = gpuArray(dlarray(rand(4,4,3),"SSC"));\n'
     "Y = dltranspconv(X, gpuArray.rand(4,4,6,3), 0, Stride=2);", "ic3_oc6_k4x4_s2x2",
     (1, 3, 4, 4)),
    ("X = rand(28,28,8,16);\n"
     'Y = dltranspconv(X,rand(3,3,4,8),0,DataFormat="SSCB",Stride=[2 2],Cropping=[1 1]);',
     "ic8_oc4_k3x3_s2x2_c1.1x1.1", (16, 8, 28, 28)),
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "imageInputLayer = @(s) f(s);\n"
        "l = [imageInputLayer([8 8 4]); transposedConv2dLayer(3, 6)];",
        "l = [imageInputLayer([8 8 4]); transposedConv2dLayer(3, 6)];\n"
        "function l = imageInputLayer(s)\nl = f(s);\nend",
        "Y = dltranspconv(dlarray(rand(5,5,4),'SSC'), rand(3,3,8,4), 0);\n"
        "function a = rand(varargin)\na = f(varargin{:});\nend",
    ],
)
def test_the_texts_own_functions_say_nothing_of_sizes(text: str) -> None:
    with pytest.raises(SnippetError, match="leaves in_channels"):
        reading(text)


@pytest.mark.parametrize("arguments", ["{'Stride', 2; 'NumChannels', 5}", "[{'Stride', 2} other]"])
def test_options_that_are_not_plain_are_refused(arguments: str) -> None:
    with pytest.raises(SnippetError):
        reading(
            f"opts = {arguments};\nl = transposedConv2dLayer(3, 7, opts{{:}});", input=(1, 5, 4, 4)
        )


@pytest.mark.parametrize(("text", "descriptor", "shape"), CODE)
def test_code_as_people_have_it(text: str, descriptor: str, shape: Sizes | None) -> None:
    needs = "11,96" in text
    found = read(text, input=shape if needs else None)
    assert found.operator.descriptor == descriptor
    assert found.input == shape
    assert found.framework == "matlab"


@pytest.mark.parametrize(
    ("behind", "stride", "notes"),
    [
        ("layer.Stride = 2;", 2, []),
        ("if deep, layer.Stride = 2; end", 1, ["layer.Stride is set in a branch or a loop"]),
        ("for i = 1:3\n layer.Stride = i;\nend", 1, ["layer.Stride is set in a branch or a loop"]),
        ("layer = reluLayer;\nlayer.Stride = 2;", 1, []),
    ],
)
def test_a_property_that_is_set_behind_the_layer(
    behind: str, stride: int, notes: list[str]
) -> None:
    found = read(f"layer = transposedConv2dLayer(4, 3, 'NumChannels', 2);\n{behind}")
    assert found.operator.stride == (stride, stride)
    assert [note.split(":")[0] for note in found.notes] == notes


def test_the_deprecated_property_says_what_replaces_it() -> None:
    found = reading(LAYER.format("") + " layer.Cropping = [0 1];")
    assert found.operator.crop == ((0, 0), (1, 1))
    assert "CroppingSize is to be used instead" in found.notes[0]


@pytest.mark.parametrize(
    ("kernel", "stride", "crop", "notes"),
    [
        (3, 1, (1, 1), 0),
        (4, 1, (1, 2), 1),
        (5, 2, (1, 2), 1),
        (6, 2, (2, 2), 0),
        (2, 2, (0, 0), 0),
        (2, 5, (0, -3), 1),
    ],
)
def test_same(kernel: int, stride: int, crop: tuple[int, int], notes: int) -> None:
    """The output is the input times the stride; what more is assumed, a note says."""
    text = f"transposedConv1dLayer({kernel}, 6, 'Cropping', 'same', 'Stride', {stride})"
    found = reading(text, input=(1, 4, 7))
    assert found.operator.crop == (crop,)
    assert found.operator.out_size((7,)) == (7 * stride,)
    assert len(found.notes) == notes


# Errors, with their columns.

ERRORS = [
    ("transposedConv2dLayer(3, 6, 'Croping', 1)", 29, "no parameter 'Croping'. Did you mean 'Crop"),
    (LAYER.format(", 'Cropping', [1 2 3]"), 59, "takes one number, [a b] for both ends of each"),
    (LAYER.format(", 'Cropping', [1 0; 0 2]"), 59, "[t b l r] or 'same'"),
    (LAYER.format(", 'Cropping', -1"), 59, "must be at least 0"),
    (LAYER.format(", 'Cropping', [0 -1 0 0]"), 59, "must be nonnegative"),
    (LAYER.format(", 'Cropping', 'full'"), 59, "the only word that it takes is 'same'"),
    (LAYER.format(", 'CroppingMode', 'auto'"), 59, "CroppingMode is 'manual' or 'same'"),
    (LAYER.format(", 'DilationFactor', 2"), 59, "'DilationFactor'. dltranspconv has it."),
    (LAYER.format(", 'Padding', 1"), 59, "'Padding'. Cropping removes from the output"),
    (LAYER.format(", 'Stride', [2;3]"), 59, "Stride [2; 3] is no row: write [2 3]."),
    ("transposedConv2dLayer([3;2], 6, 'NumChannels', 4)", 23, "filterSize [3; 2] is no row"),
    (FUNCTION.format("b, 'DilationFactor', [2;3]"), 33, "DilationFactor [2; 3] is no row"),
    (LAYER.format(", 'Stride', 0"), 59, "must be at least 1"),
    (LAYER.format(", 'Stride', factor"), 69, "whose value the text does not hold"),
    (LAYER.format(", 'Stride', [1 2 3]"), 59, "there are 2 spatial axes"),
    (LAYER.format(", 'Stride', 1.5"), 59, "must be an integer"),
    (LAYER.format(", 'Stride'"), 59, "has no value after it"),
    (LAYER.format(", 'NumChannels', 5"), 59, "given twice"),
    (LAYER.format(", 'DilationFactor', 2"), 59, "no parameter 'DilationFactor'"),
    (LAYER.format(", 'WeightsInitializer', 'xavier'"), 59, "is none of 'glorot', 'he'"),
    (LAYER.format(", 'WeightL2Factor', -1"), 59, "must be nonnegative"),
    (LAYER.format(", 'Bias', zeros(1, 1, 5)"), 59, "5 elements; there are 6 filters"),
    (LAYER.format("") + "layer.NumFilters = 8;", 9, "read-only"),
    (LAYER.format("") + "layer.Colour = 8;", 9, "no property 'Colour'"),
    ("transposedConv2dLayer(3, 6, 'NumChannels', 'all')", 29, "give 'auto' or a number"),
    ("transposedConv2dLayer(3, 6, 'Weights', rand(3, 2, 6, 4))", 1, "they must agree"),
    ("Y = dltranspconv(X, rand(3,2,6,4));", 5, "needs bias"),
    ("Y = dltranspconv(X, rand(3,2,6,4), [1 2 3]);", 36, "3 elements; there are 6 filters"),
    ("Y = dltranspconv(X, rand(3,6,4), 0, 'DataFormat', 'SCB', 'Cropping', [0 1]);", 58,
     "a row of beginnings over a row of ends"),
    ("Y = dltranspconv(X, rand(3,6,4), 0, 'DataFormat', 'HWC');", 37, "the labels are S, C, B"),
    ("Y = dltranspconv(zeros(2,3,4), rand(3,6,4), 0, 'DataFormat', 'SC');", 18, "names 2"),
    ("Y = dltranspconv(X, rand(3,6,4), 0, 'DataFormat', 'CB');", 18, "has no spatial axis"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "fact"), ERRORS)
def test_errors_point_at_what_is_wrong(text: str, column: int, fact: str) -> None:
    with pytest.raises(SnippetError) as caught:
        reading(text)
    assert fact in str(caught.value)
    assert f"line 1, column {column}:" in str(caught.value)


VALUES = """0 | 1 | -1 | 2.0 | 1.5 | nan | true | uint8(3) | 999999999999999999 | [] | [1 2] |
[1 2 3] | [1, x] | [[1 2] 3] | [1 2; 3 4] | [1 2 3; 4 5 6] | [1; 2] | {} | {'in'} | '' | 'same' |
'auto' | 'he' | 'SSCB' | x | f(3) | @(sz) 2*randn(sz) | @(sz) 1e400 | rand(3) | rand(3,2,6,4) |
zeros(0,3) | zeros(1,1,6) | permute(w,[3 4 2 1]) | reshape(w,[],2,3) | reshape(x, 0, []) | w_ |
dlarray(rand(2,3),'SC')"""
ANY_VALUE = st.sampled_from([value.strip() for value in VALUES.split("|")])
NAMES = st.sampled_from([row[0] for row in [*ROWS, *FUNCTION_ROWS]])
BEFORE = st.sampled_from(
    [
        "",
        "w_ = zeros([5 4 6 4], 'like', w); w_(2:4, 1:2, :, :) = w;\n",
        "w_ = zeros(3); w_(4:1, :) = 2; w_(x) = 3; x = x; w_ = dlarray(w_);\n",
    ]
)
CALLS = [f"transposedConv{rank}dLayer(3, 6" for rank in (1, 2, 3)]
SHAPES = st.sampled_from([None, (1, 4, 5), (0, 4, 0, 7), (4, 6, 3, 2), (4, 6, 3, 3, 3)])


@given(
    BEFORE,
    st.sampled_from([*CALLS, "dltranspconv(x, rand(3,2,6,4), b", "dltranspconv(x, w_, 0"]),
    st.lists(st.tuples(NAMES, ANY_VALUE), max_size=3),
    st.lists(st.tuples(NAMES, ANY_VALUE), max_size=2),
    SHAPES,
    SHAPES,
)
def test_any_arguments_are_read_or_refused(
    before: str,
    call: str,
    arguments: Sequence[tuple[str, str]],
    properties: Sequence[tuple[str, str]],
    shape: Sizes | None,
    weight: Sizes | None,
) -> None:
    text = before + "layer = " + call
    text += "".join(f", '{name}', {value}" for name, value in arguments) + ");"
    text += "".join(f"\nlayer.{name} = {value};" for name, value in properties)
    with contextlib.suppress(InputError):
        read(text, "matlab", shape, weight)


# What we write is read back.


@pytest.mark.parametrize("style", ["function", "layer"])
@given(sized_operators())
def test_what_is_written_is_read_back(style: Style, sized: tuple[Operator, Sizes]) -> None:
    """With zeros around the filters, groups split off the weights, and biases that do not learn."""
    operator, in_size = sized
    program = render(operator, "matlab", style=style)
    if isinstance(program, Unsupported):
        assert style == "layer"
        return
    shape = (2, operator.in_channels, *in_size)
    found = reading(program.text, input=shape, weight=operator.weight_shape)
    assert found.operator == operator


def test_same_of_a_named_filter_is_read_in_names() -> None:
    (found,) = look_up_every("l = transposedConv1dLayer(k, n, 'Cropping', 'same');", to=["numpy"])
    assert isinstance(found, LookUp)
    assert found.to_json()["operator"]["crop"] == [["(k - 1) // 2", "k - (k - 1) // 2 - 1"]]
    assert [each for each in found.reading.notes if "same" in each] == [
        "Cropping 'same': the document promises the output's size only; the odd element goes from "
        "the end, as in TensorFlow."
    ]


def test_same_of_a_named_filter_and_stride_may_extend_the_output() -> None:
    text = "l = transposedConv1dLayer(k, n, 'Stride', s, 'Cropping', 'same');"
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert found.to_json()["operator"]["crop"] == [
        ["max(k - s, 0) // 2", "k - s - max(k - s, 0) // 2"]
    ]
    assert sum("as in TensorFlow" in each for each in found.reading.notes) == 2


GAN = """
gf = 8;
paramsGen.W1 = dlarray(initializeGlorot([4,3,2*gf,5], 1, 2));
paramsGen.b1 = dlarray(zeros(2*gf,1,'single'));
paramsDis.W2 = dlarray(rand([3,3,1,7]));
[gen] = dlfeval(@generate, paramsGen, paramsDis);

function y = generate(params, other)
y = dltranspconv(x, params.{field}, params.b1, 'Stride', 2, 'DataFormat', 'SSCB');
end
"""


def test_a_field_is_found_in_the_only_structure_that_has_it() -> None:
    result = read(GAN.replace("{field}", "W1"))
    assert result.operator.descriptor == "ic5_oc16_k4x3_s2x2_b"
    assert "weights: params.W1 is taken for paramsGen.W1, alone of its name." in result.notes
    assert "bias: params.b1 is taken for paramsGen.b1, alone of its name." in result.notes


@pytest.mark.parametrize(
    "text",
    [
        GAN.replace("{field}", "W3"),
        GAN.replace("{field}", "W1") + "paramsDis.W1 = rand([4,4,3,2]);",
        GAN.replace("{field}", "W1") + "paramsGen.W1 = rand([4,4,3,2]);",
        GAN.replace("{field}", "W1").replace("initializeGlorot(", "loadFrom("),
    ],
)
def test_a_field_that_may_be_another_is_asked_for(text: str) -> None:
    with pytest.raises(InputError, match="leaves in_channels and out_channels and kernel open"):
        read(text)


@pytest.mark.parametrize(
    "chosen",
    [
        "if up\n conv = @transposedConv2dLayer;\nelse\n conv = @convolution2dLayer;\nend",
        "switch d\n case 'down'\n  conv = @convolution2dLayer;\n case 'up'\n"
        "  conv = @transposedConv2dLayer;\nend",
    ],
)
def test_a_handle_that_a_branch_chooses_is_called(chosen: str) -> None:
    text = f"{chosen}\nlayer = conv(4, 8, 'Stride', 2, 'Cropping', 1, 'NumChannels', 3);"
    found = reading(text)
    assert found.operator == Operator.of(3, 8, (4, 4), stride=2, crop=1)
    assert "conv may be something else" in "".join(found.notes)
