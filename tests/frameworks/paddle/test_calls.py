"""What PaddlePaddle's calls mean, and the layers that we write, held against the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import reality
from hypothesis import assume, given
from hypothesis import strategies as st
from reality import WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED, Style
from harness.core.operators import Operator, Sizes
from harness.core.program import Program
from harness.core.training import GLOROT, Initializer, Training
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("paddle").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "paddle", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

CALL = "F.conv2d_transpose(x, w, b{})"
FUNCTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("x", "F.conv2d_transpose(x=x, weight=w)", {"in_channels": 4, "bias": False}),
    ("weight", "F.conv2d_transpose(x, paddle.zeros([4, 6, 3, 2]))", {"kernel": (3, 2)}),
    ("weight", "w = paddle.to_tensor(np.ones((4, 6, 3, 2)))\nF.conv2d_transpose(x, w)",
     {"out_channels": 6}),
    ("bias", CALL.format(""), {"bias": True, "stride": (1, 1)}),
    ("bias", "F.conv2d_transpose(x, w, None)", {"bias": False}),
    ("stride", CALL.format(", [2, 3]"), {"stride": (2, 3)}),
    ("stride", CALL.format(", stride=2"), {"stride": (2, 2)}),
    ("padding", CALL.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("padding", CALL.format(", padding=[1, 0, 0, 2]"), {"crop": ((1, 0), (0, 2))}),
    ("padding", CALL.format(", padding=[[0, 0], [0, 0], [1, 0], [0, 2]]"),
     {"crop": ((1, 0), (0, 2))}),
    ("padding", CALL.format(", padding='valid'"), {"crop": ((0, 0), (0, 0))}),
    ("output_padding", CALL.format(", 3, (1, 0), (1, 2)"), {"crop": ((1, 0), (0, -2))}),
    ("output_padding", CALL.format(", 3, [1, 0, 2, 0], 1"), {"crop": ((1, -1), (2, -1))}),
    ("dilation", CALL.format(", 1, 0, 0, (1, 2)"), {"dilation": (1, 2)}),
    ("groups", CALL.format(", 1, 0, 0, 1, 2"), {"groups": 2, "out_channels": 12}),
    ("output_size", CALL.format(", 3, 1, output_size=(13, 18)"), {"crop": ((1, 1), (1, 1))}),
    ("output_size", CALL.format(", 3, 1, output_size=[15, 19]"), {"crop": ((1, -1), (1, 0))}),
    ("output_size", CALL.format(", 2, 0, output_size=[x.shape[2] * 2 + 1, 15]"),
     {"crop": ((0, 0), (0, -1))}),
    ("data_format", CALL.format(", data_format='NHWC', padding=[[0, 0], [1, 0], [0, 2], [0, 0]]"),
     {"crop": ((1, 0), (0, 2)), "in_channels": 4}),
    ("name", CALL.format(", name='up'"), {"kernel": (3, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), FUNCTIONS)
def test_parameter_of_the_function(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["paddle.nn.functional.conv2d_transpose"].parameter(name) is not None
    result = operator(text, input=IN, weight=WEIGHT)
    assert {key: getattr(result, key) for key in fields} == fields


LAYER = "nn.Conv2DTranspose(4, 6, (3, 2){})"
LAYERS: list[tuple[str, str, dict[str, Any]]] = [
    ("in_channels", "nn.Conv2DTranspose(in_channels=4, out_channels=6, kernel_size=3)",
     {"in_channels": 4}),
    ("out_channels", LAYER.format(""), {"out_channels": 6}),
    ("kernel_size", LAYER.format(""), {"kernel": (3, 2), "bias": True}),
    ("stride", LAYER.format(", (2, 3)"), {"stride": (2, 3)}),
    ("padding", LAYER.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("output_padding", LAYER.format(", 3, 1, [0, 2]"), {"crop": ((1, 1), (1, -1))}),
    ("dilation", LAYER.format(", 1, 0, 0, 2"), {"dilation": (2, 2)}),
    ("groups", LAYER.format(", 1, 0, 0, 1, 2"), {"groups": 2, "out_channels": 6}),
    ("weight_attr", LAYER.format(", weight_attr=nn.initializer.KaimingNormal()"), {}),
    ("bias_attr", LAYER.format(", bias_attr=False"), {"bias": False}),
    ("bias_attr", LAYER.format(", bias_attr=None"), {"bias": True}),
    ("bias_attr", LAYER.format(", bias_attr=paddle.ParamAttr(learning_rate=2.0)"), {"bias": True}),
    ("data_format", LAYER.format(", data_format='NHWC'"), {"in_channels": 4}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), LAYERS)
def test_parameter_of_the_layer(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["paddle.nn.Conv2DTranspose"].parameter(name) is not None
    result = operator(text, input=IN)
    assert {key: getattr(result, key) for key in fields} == fields


STATIC = "paddle.static.nn.conv2d_transpose(x, 6{})"
STATICS: list[tuple[str, str, dict[str, Any]]] = [
    ("input", "paddle.static.nn.conv2d_transpose(input=x, num_filters=6, filter_size=3)",
     {"in_channels": 4}),
    ("num_filters", STATIC.format(", None, 3"), {"out_channels": 6}),
    ("num_filters", STATIC.format(", None, 3, groups=2"), {"out_channels": 6, "groups": 2}),
    ("output_size", STATIC.format(", (11, 15), 3, 0, 2"), {"crop": ((0, 0), (0, 0))}),
    ("output_size", STATIC.format(", (12, 16), 3, 0, 2"), {"crop": ((0, -1), (0, -1))}),
    ("output_size", STATIC.format(", [10, 16], padding=1, stride=2"),
     {"kernel": (4, 6), "crop": ((1, 1), (1, 1))}),
    ("output_size", STATIC.format(", 16, padding=1, stride=2, dilation=2"),
     {"kernel": (5, 3), "crop": ((1, 0), (1, 0))}),
    ("filter_size", STATIC.format(", None, (3, 2)"), {"kernel": (3, 2), "bias": True}),
    ("padding", STATIC.format(", None, 3, [1, 0, 0, 2]"), {"crop": ((1, 0), (0, 2))}),
    ("stride", STATIC.format(", None, 3, 1, 2"), {"stride": (2, 2)}),
    ("dilation", STATIC.format(", None, 3, 1, 2, 3"), {"dilation": (3, 3)}),
    ("groups", STATIC.format(", None, 3, 1, 2, 1, 2"), {"groups": 2}),
    ("param_attr", STATIC.format(", None, 3, param_attr=fluid.ParamAttr(name='w')"), {}),
    ("bias_attr", STATIC.format(", None, 3, bias_attr=False"), {"bias": False}),
    ("use_cudnn", STATIC.format(", None, 3, use_cudnn=False"), {}),
    ("act", STATIC.format(", None, 3, act='relu'"), {}),
    ("name", STATIC.format(", None, 3, name='up'"), {}),
    ("data_format", STATIC.format(", None, 3, data_format='NHWC'"), {"in_channels": 4}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), STATICS)
def test_parameter_of_the_static_function(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["paddle.static.nn.conv2d_transpose"].parameter(name) is not None
    result = operator(text, input=IN)
    assert {key: getattr(result, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    for form, rows in (
        ("paddle.nn.functional.conv2d_transpose", FUNCTIONS),
        ("paddle.nn.Conv2DTranspose", LAYERS),
        ("paddle.static.nn.conv2d_transpose", STATICS),
    ):
        assert {name for name, *_ in rows} == {p.name for p in FORMS[form].parameters}


# Where dilation and groups change places: paddle/nn/functional/conv.py, paddle/nn/layer/conv.py.


@pytest.mark.parametrize(
    ("text", "dilation", "groups"),
    [
        ("F.conv1d_transpose(x, w, None, 1, 0, 0, 2, 1)", 1, 2),
        ("F.conv2d_transpose(x, w, None, 1, 0, 0, 2, 1)", 2, 1),
        ("F.conv3d_transpose(x, w, None, 1, 0, 0, 2, 1)", 1, 2),
        ("nn.Conv1DTranspose(4, 6, 2, 1, 0, 0, 2, 1)", 1, 2),
        ("nn.Conv2DTranspose(4, 6, 2, 1, 0, 0, 2, 1)", 2, 1),
        ("nn.Conv3DTranspose(4, 6, 2, 1, 0, 0, 2, 1)", 2, 1),
    ],
)
def test_the_order_is_that_of_the_code(text: str, dilation: int, groups: int) -> None:
    rank = int(text.partition("onv")[2][0])
    weight = (4, 6, *(2,) * rank) if text.startswith("F") else None
    supplied: dict[str, Sequence[int]] = {"weight": weight} if weight else {}
    result = operator(text, **supplied)
    assert (result.dilation, result.groups) == ((dilation,) * rank, groups)


# SAME.


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "crop"),
    [
        (4, 3, 1, (1, 1)),
        (4, 4, 1, (1, 2)),
        (4, 4, 2, (1, 1)),
        (4, 3, 2, (0, 1)),
        (5, 3, 2, (1, 1)),  # The last of five is alone in its stride.
        (5, 4, 3, (1, 1)),
        (4, 1, 2, (0, 0)),
    ],
)
def test_same_crops_by_the_size_of_the_input(
    size: int, kernel: int, stride: int, crop: tuple[int, int]
) -> None:
    text = f"nn.Conv1DTranspose(1, 1, {kernel}, {stride}, padding='SAME', dilation=2)"
    result = reading(text, input=(1, 1, size))
    assert (result.operator.crop, result.operator.dilation) == ((crop,), (1,))
    (note,) = result.notes
    assert "sets dilation to 1 silently" in note


def test_same_without_an_input_is_that_of_multiples_of_the_stride() -> None:
    result = reading("nn.Conv2DTranspose(1, 1, 3, 2, padding='same')")
    assert result.operator.crop == ((0, 1), (0, 1))
    assert "add the input's shape" in result.notes[0]
    assert reading("nn.Conv2DTranspose(1, 1, 3, 1, padding='same')").notes == ()


# Names, imports and whole snippets.


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("paddle.nn.Conv2DTranspose(4, 6, 3)", "paddle.nn.Conv2DTranspose"),
        ("import paddle.nn as nn\nnn.Conv2DTranspose(4, 6, 3)", "paddle.nn.Conv2DTranspose"),
        ("from paddle import nn\nnn.Conv2DTranspose(4, 6, 3, 2, 1)", "paddle.nn.Conv2DTranspose"),
        ("from paddle.nn import Conv2DTranspose as Up\nUp(4, 6, 3)", "paddle.nn.Conv2DTranspose"),
        ("from paddle.nn import *\nConv2DTranspose(4, 6, 3)", "paddle.nn.Conv2DTranspose"),
        ("import paddle\npaddle.nn.layer.Conv2DTranspose(4, 6, 3)", "paddle.nn.Conv2DTranspose"),
        ("nn.Conv2DTranspose(4, 6, 3, stride=2)", "paddle.nn.Conv2DTranspose"),
        ("nn.Conv2DTranspose(4, 6, 3, bias_attr=False)", "paddle.nn.Conv2DTranspose"),
        ("F.conv2d_transpose(x, w)", "paddle.nn.functional.conv2d_transpose"),
        ("import paddle.nn.functional as P\nP.conv2d_transpose(x, w)",
         "paddle.nn.functional.conv2d_transpose"),
        ("from paddle.nn.functional import conv2d_transpose as c\nc(x, w)",
         "paddle.nn.functional.conv2d_transpose"),
        ("import paddle.fluid as fluid\nfluid.layers.conv2d_transpose(x, 6, filter_size=3)",
         "paddle.static.nn.conv2d_transpose"),
        ("from paddle import fluid\nfluid.layers.conv2d_transpose(x, 6, filter_size=3)",
         "paddle.static.nn.conv2d_transpose"),
        ("fluid.layers.conv2d_transpose(x, 6, None, 3)", "paddle.static.nn.conv2d_transpose"),
        ("from paddle.fluid.dygraph.nn import Conv2DTranspose\nConv2DTranspose(4, 6, 3, stride=2)",
         "paddle.fluid.dygraph.Conv2DTranspose"),
        ("from paddle.fluid.dygraph import Conv2DTranspose\nConv2DTranspose(4, 6, 3, padding=1)",
         "paddle.fluid.dygraph.Conv2DTranspose"),
    ],
)  # fmt: skip
def test_names_and_imports(text: str, form: str) -> None:
    weight = (4, 6, 3, 3) if "onal" in form else None
    result = read(text, input=IN, weight=weight)
    assert (result.framework, result.form) == ("paddle", form)
    assert (result.operator.in_channels, result.operator.out_channels) == (4, 6)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_names_of_every_rank_are_recognised(rank: int) -> None:
    shape, weight = (1, 4, *(5, 6, 7)[:rank]), (4, 6, *(3, 2, 1)[:rank])
    wanted = Operator.of(4, 6, weight[2:], stride=2)
    for module in ("F", "paddle.nn.functional"):
        text = f"{module}.conv{rank}d_transpose(x, w, b, 2)"
        result = read(text, input=shape, weight=weight)
        assert (result.framework, result.operator) == ("paddle", wanted)
    result = read(f"paddle.nn.Conv{rank}DTranspose(4, 6, {weight[2:]}, 2)")
    assert (result.framework, result.operator) == ("paddle", wanted)


def test_the_input_of_a_fluid_function_may_be_in_the_text() -> None:
    text = "x = paddle.ones([1, 8, 5, 5])\ny = fluid.layers.conv2d_transpose(x, 6, filter_size=3)"
    assert read(text).input == (1, 8, 5, 5)


DECODER = """\
import paddle
from paddle import nn

body = nn.Sequential(
    nn.Conv2D(3, 8, 3, 2, 1),
    nn.BatchNorm2D(8),
    nn.ReLU(),
    nn.MaxPool2D(2),
    nn.Conv2DTranspose(8, 4, 3, 2, padding="SAME", bias_attr=False),
    nn.Pad2D([1, 0, 2, 0]),
    nn.Conv2DTranspose(4, 2, [4, 2], (2, 1), [1, 0]),
)
y = body(paddle.randn([1, 3, 20, 28]))
"""


def look_ups(text: str) -> list[LookUp]:
    found = look_up_every(text, to=["pytorch"])
    assert all(isinstance(each, LookUp) for each in found)
    return [each for each in found if isinstance(each, LookUp)]


def test_the_layers_before_one_say_what_comes_in() -> None:
    first, second = [read_one.reading for read_one in look_ups(DECODER)]
    assert first.input == (1, 8, 5, 7)
    # Of a size of five the last is alone in its stride.
    assert first.operator.crop == ((1, 1), (1, 1))
    assert second.input == (1, 4, 11, 14)
    assert second.operator.descriptor == "ic4_oc2_k4x2_s2x1_c1.1x0.0_b"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (CALL.format(", name='up'"), "name: the operation's name"),
        (CALL.format(", output_size=size"), "output_size is size, which chooses"),
        (LAYER.format(", bias_attr=attr"), "bias_attr is attr, whose value"),
        (LAYER.format(", weight_attr=nn.initializer.Bilinear()"), "is not translated"),
        (LAYER.format(", weight_attr=ParamAttr(regularizer=L2Decay(0.5))"), "is a penalty"),
        (LAYER.format(", data_format=layout"), "data_format is layout"),
        (f"up = {LAYER.format('')}\ny = up(x, output_size=skip.shape[2:])",
         "output_size is skip.shape[2:], which chooses"),
        (STATIC.format(", None, 3, act='tanh'"), "act 'tanh': applied to the output"),
    ],
)  # fmt: skip
def test_what_is_not_the_operator_is_noted(text: str, note: str) -> None:
    weight: dict[str, Sequence[int]] = {"weight": (4, 6, 3, 3)} if "F." in text else {}
    notes = reading(text, input=(1, 4, 5, 5), **weight).notes
    assert any(note in each for each in notes), notes


def test_a_bias_that_a_name_decides_is_answered_both_ways() -> None:
    text = "import paddle\npaddle.nn.Conv2DTranspose(4, 6, 3, bias_attr=with_bias)"
    (look,) = look_ups(text)
    assert look.truth == "with_bias"


# As public models have them: PaddleGAN's and PaddleSeg's.


@pytest.mark.parametrize(
    ("parameters", "arguments", "call"),
    [
        ("cin, cout, k, s, p", "cin, cout, k, s, p",
         "y = impl.conv_transpose(x, w, b, stride=s, crop=p)"),
        ("dim, classes, patch", "dim, classes, patch, patch",
         "y = impl.conv_transpose(x, w, b, stride=patch)"),
        ("c", "c, c // 2, (1, 2, 2), stride=(1, 2, 2)",
         "y = impl.conv_transpose(x, w, b, stride=(1, 2, 2))"),
        ("c, k", "c, c, k, bias_attr=False", "y = impl.conv_transpose(x, w)"),
    ],
)  # fmt: skip
def test_names_stay_names_by_position_too(parameters: str, arguments: str, call: str) -> None:
    layer = f"    return nn.Conv3DTranspose({arguments})\n"
    text = f"import paddle.nn as nn\ndef up({parameters}):\n{layer}"
    (look,) = look_up_every(text, to=["numpy"])
    assert isinstance(look, LookUp)
    assert look.to_json()["translations"]["numpy"]["call"] == call


# What is refused, here and by PaddlePaddle.

REFUSED: list[tuple[str, str]] = [
    (CALL.format(", padding=-1"), "must be at least 0"),
    (CALL.format(", padding=[1, -1]"), "takes none below 0"),
    (CALL.format(", padding=[1, 0, 1]"), "takes a number, 2 of them"),
    (CALL.format(", padding=[[1, 0], [0, 1]]"), "or 4 pairs with those of batch and channels"),
    (CALL.format(", padding=[[0, 0], [1, 0], [0, 1], [0, 0]]"), "must be (0, 0)"),
    (CALL.format(", padding='full'"), "must be 'same' or 'valid'"),
    (CALL.format(", 2, output_padding=2"), "must be smaller than stride"),
    (CALL.format(", 2, output_padding=1, output_size=[11, 16]"), "takes one of them"),
    (CALL.format(", output_padding=-1"), "must be at least 0"),
    (CALL.format(", 2, output_size=[10, 14]"), "allows [11, 14] to [12, 15]"),
    (CALL.format(", 2, output_size=[13, 14]"), "allows [11, 14] to [12, 15]"),
    (CALL.format(", stride=[2]"), "has 1 number; PaddlePaddle takes one number"),
    (CALL.format(", stride=0"), "must be at least 1"),
    (CALL.format(", groups=3"), "groups 3 does not divide in_channels 4"),
    (CALL.format(", data_format='NCDHW'"), "must be 'NCHW' or 'NHWC'"),
    (CALL.format(", pad=1"), "no parameter 'pad'"),
    (CALL.format(", padding=8"), "output height would be -"),
    (LAYER.format(", bias=False") + "(x)", "no parameter 'bias'"),
    (LAYER.format(", weight_attr=0.5") + "(x)", "takes a ParamAttr"),
    ("nn.Conv2DTranspose(4, 6, [3])(x)", "has 1 number"),
    ("nn.Conv2DTranspose(5, 6, 3)(x)", "5 in the text and 4 in input"),
    ("nn.Conv1DTranspose(4, 6, 3, [2, 2])(x)", "has 2 numbers"),
]


@pytest.mark.parametrize(("text", "fact"), REFUSED)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    shape = IN[:3] if "1D" in text else IN
    supplied: dict[str, Sequence[int]] = {"weight": WEIGHT} if text.startswith("F.") else {}
    with pytest.raises(SnippetError) as caught:
        reading(text, input=shape, **supplied)
    assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        (LAYER.format("") + "(x, output_size=[9, 9])", "output_size chooses.* add input"),
        (CALL.format(""), "leaves in_channels and out_channels and kernel open: add weight"),
        (STATIC.format(", None, 3"), "leaves in_channels open: add input"),
        (STATIC.format(""), "needs filter_size, or output_size"),
        (STATIC.format(", 16, stride=9"), "gives more with any kernel"),
    ],
)
def test_error_says_what_to_add(text: str, asks: str) -> None:
    with pytest.raises(SnippetError, match=asks):
        reading(text, **({"input": IN} if "9)" in text and "16" in text else {}))


# Round trips.


@given(sized_operators(), st.sampled_from(["function", "layer"]))
def test_program_comes_back(drawn: tuple[Operator, Sizes], style: Style) -> None:
    wanted, in_size = drawn
    program = render(wanted, "paddle", style=style)
    assert isinstance(program, Program)
    # Of nothing there may be less than nothing, which only a pad after the call makes up for.
    assume(min(in_size) > 0)
    assume(min(wanted.out_size(in_size)) >= 0)
    shape, weight = (2, wanted.in_channels, *in_size), wanted.weight_shape
    result = read(program.text, input=shape, weight=weight)
    assert (result.framework, result.operator) == ("paddle", wanted)
    if program.support == "native":
        assert reading(program.call, input=shape, weight=weight).operator == wanted


def test_layer_is_written_as_people_write_it() -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (1, 1)), groups=2, bias=False)
    program = render(wanted, "paddle", style="layer", training=Training(weights=GLOROT))
    assert isinstance(program, Program)
    assert program.call.splitlines()[0] == (
        "layer = nn.Conv2DTranspose(4, 6, (3, 2), stride=2, padding=1, output_padding=(1, 0), "
        "groups=2, weight_attr=paddle.ParamAttr("
        "initializer=paddle.nn.initializer.XavierUniform()), bias_attr=False)"
    )


def test_ends_that_differ_more_than_a_stride_are_flat_pairs() -> None:
    wanted = Operator.of(4, 6, (3, 5), stride=2, crop=((0, 2), (3, -1)))
    program = render(wanted, "paddle")
    assert isinstance(program, Program)
    assert program.call == (
        "y_ = F.conv2d_transpose(x_, w_, b_, stride=2, padding=[0, 2, 3, 0], output_padding=(0, 1))"
    )


# The real thing.

TRAINED = Training(weights=Initializer("uniform", 1.0, "in"), bias=Initializer("uniform", 0.5))
SETUP = (
    "import paddle\nfrom paddle import nn\nimport paddle.nn.functional as F\n"
    "x, w, b = map(paddle.to_tensor, (x, w, b))"
)


def random_calls(count: int, *, layer: bool) -> list[WrittenCall]:
    """Calls of which most are legal, and some just not."""
    generator = random.Random(41)
    calls = []
    for _ in range(count):
        rank = generator.choice((1, 2, 2, 3))
        groups = generator.choice((1, 1, 2))
        kernel, stride, dilation, back, size, pads = [], [], [], [], [], []
        for _ in range(rank):
            kernel.append(generator.randint(1, 4))
            stride.append(generator.randint(1, 3))
            dilation.append(generator.choice((1, 1, 2)))
            back.append(generator.randint(0, stride[-1] - (generator.random() < 0.9)))
            size.append(generator.randint(1, 5))
            pads.append([generator.randint(0, 2), generator.randint(0, 2)])
        padding = generator.choice(
            (
                pads[0][0],
                [begin for begin, _ in pads],
                [side for pair in pads for side in pair],
                [[0, 0], [0, 0], *pads],
                "SAME",
                "valid",
            )
        )
        first, second = (groups, dilation) if rank == 1 else (dilation, groups)
        if not layer and rank == 3:
            first, second = groups, dilation
        options = f"{stride}, {padding!r}, {back}, {first}, {second}"
        if generator.random() < 0.3:
            natural = [
                (n - 1) * s + d * (k - 1) + 1
                for n, s, d, k in zip(size, stride, dilation, kernel, strict=True)
            ]
            asked = [n + generator.randint(-1, s) for n, s in zip(natural, stride, strict=True)]
            options = f"{stride}, 0, 0, {first}, {second}"
            asked_of_layer, asked_of_function = f", output_size={asked}", f", output_size={asked}"
        else:
            asked_of_layer = asked_of_function = ""
        text = f"y = F.conv{rank}d_transpose(x, w, b, {options}{asked_of_function})"
        if layer:
            text = (
                f"layer = nn.Conv{rank}DTranspose({2 * groups}, {3 * groups}, {kernel}, "
                f"{options})\n"
                "layer.weight.set_value(w)\nlayer.bias.set_value(b)\n"
                f"y = layer(x{asked_of_layer})"
            )
        calls.append(WrittenCall(text, (2, 2 * groups, *size), (2 * groups, 3, *kernel), groups))
    return calls


@pytest.mark.frameworks
@pytest.mark.parametrize("layer", [False, True])
def test_call_crops_as_we_read_it(layer: bool) -> None:
    calls = random_calls(300, layer=layer)
    assert reality.disagreements("paddle", SETUP, calls, least=60) == []


@pytest.mark.frameworks
def test_what_we_refuse_paddle_refuses() -> None:
    texts = [text for text, _ in REFUSED if "output height" not in str(_) and "1D" not in text]
    calls = [WrittenCall(f"y = {text}", IN, WEIGHT) for text in texts]
    assert reality.disagreements("paddle", SETUP, calls, least=0) == []


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    drawn = reality.random_operators(60, seed=43)
    assert reality.layers_that_differ("paddle", drawn, TRAINED) == []


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    names = [name for name in FORMS if ".fluid." not in name]
    found = reality.signatures("paddle", "import paddle, paddle.static", names)
    for name, (parameters, defaults) in zip(names, found, strict=True):
        ours = FORMS[name].parameters
        assert [p.name for p in ours] == parameters
        assert ["-" if p.default is REQUIRED else repr(p.default) for p in ours] == defaults


# With the graphs that PaddlePaddle 3 has by default the function refuses every input.
OLD_GRAPHS = {**convention("paddle").environ, "FLAGS_enable_pir_api": "0"}
STATIC_SETUP = """\
import paddle
paddle.enable_static()
main, startup = paddle.static.Program(), paddle.static.Program()
with paddle.static.program_guard(main, startup):
    x_ = paddle.static.data("x", list(x.shape), "float32")
    y_ = paddle.static.nn.conv{}d_transpose(x_, {})
executor = paddle.static.Executor(paddle.CPUPlace())
executor.run(startup)
w, y = executor.run(main, feed={{"x": x}}, fetch_list=[main.all_parameters()[0], y_])
"""


@pytest.mark.frameworks
def test_static_function_makes_the_weights_and_the_crop_that_we_read() -> None:
    rows = [
        (2, "6, None, [3, 2], [1, 0, 0, 1], 2, bias_attr=False"),
        (2, "6, None, 3, 'SAME', 2, 2, bias_attr=False"),
        (2, "6, [13, 15], padding=1, stride=2, bias_attr=False"),
        (2, "6, [13, 15], padding=1, stride=2, dilation=2, groups=2, bias_attr=False"),
        (3, "6, None, [3, 2, 1], [1, 0, 0, 1, 2, 0], [2, 1, 3], bias_attr=False"),
    ]
    generator = random.Random(3)
    for rank, options in rows:
        shape = (1, 4, *(5, 7, 3)[:rank])
        text = STATIC_SETUP.format(rank, options)
        x = reality.integers(shape, generator)
        job = reality.Job(text, ("w", "y"), {"x": x})
        (real,) = reality.run("paddle", [job], OLD_GRAPHS)
        assert "error" not in real, (options, real)
        wanted = operator(f"paddle.static.nn.conv{rank}d_transpose(x, {options})", input=shape)
        w = np.array(real["w"])
        assert w.shape == wanted.weight_shape
        arrays = {"x": x, "w": real["w"], "b": [0.0] * 6}
        y = reality.expected(wanted, arrays)["y"]
        assert np.allclose(real["y"], y, rtol=1e-4, atol=1e-4)
