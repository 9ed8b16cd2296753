"""What MXNet's calls mean, and the layers that we write, held against the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import programs
import pytest
import reality
from hypothesis import assume, given
from hypothesis import strategies as st
from reality import Job, WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import Style
from harness.core.operators import Operator, Sizes
from harness.core.program import Program, Unsupported
from harness.core.training import GLOROT, Initializer, Training
from harness.lookup.answer import look_up
from harness.lookup.every import look_up_every
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("mxnet").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "mxnet", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

ND = "mx.nd.Deconvolution(x, w, kernel=(3, 2), num_filter=6{})"
OPERATOR: list[tuple[str, str, dict[str, Any]]] = [
    ("data", "mx.sym.Deconvolution(data=net, kernel=(3, 2), num_filter=6)", {"in_channels": 4}),
    ("weight", ("mx.nd.Deconvolution(x, mx.nd.ones((4, 3, 3, 2)), kernel=(3, 2), num_filter=6, "
     "num_group=2)"), {"groups": 2, "kernel": (3, 2)}),
    ("bias", "mx.nd.Deconvolution(x, w, b, kernel=(3, 2), num_filter=6, no_bias=False)",
     {"bias": True}),
    ("bias", "mx.nd.Deconvolution(x, w, None, (3, 2), num_filter=6)", {"bias": False}),
    ("kernel", ND.format(""), {"kernel": (3, 2), "bias": False, "stride": (1, 1)}),
    ("stride", ND.format(", stride=(2, 3)"), {"stride": (2, 3), "crop": ((0, 0), (0, 0))}),
    ("stride", ND.format(", stride=()"), {"stride": (1, 1)}),
    ("dilate", ND.format(", dilate=[1, 2]"), {"dilation": (1, 2)}),
    ("pad", ND.format(", pad=(1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("adj", ND.format(", stride=(2, 3), pad=(1, 0), adj=(1, 2)"), {"crop": ((1, 0), (0, -2))}),
    ("target_shape", ND.format(", stride=(2, 2), target_shape=(10, 11)"),
     {"crop": ((1, 0), (2, 1))}),
    ("target_shape", ND.format(", stride=(2, 2), pad=(9, 9), adj=(1, 1), target_shape=(11, 14)"),
     {"crop": ((0, 0), (0, 0))}),
    ("target_shape", ND.format(", pad=(1, 0), target_shape=(0, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("target_shape", ND.format(", stride=(2, 2), target_shape=(x.shape[2] * 2, 14)"),
     {"crop": ((1, 0), (0, 0))}),
    ("num_filter", "mx.nd.Deconvolution(x, w, kernel=(3, 2), num_filter=3 * 2)",
     {"out_channels": 6}),
    ("num_group", "mx.nd.Deconvolution(x, kernel=(3, 2), num_filter=8, num_group=2)",
     {"out_channels": 8, "groups": 2}),
    ("workspace", ND.format(", workspace=1024"), {"kernel": (3, 2)}),
    ("no_bias", ND.format(", no_bias=0"), {"bias": True}),
    ("no_bias", ND.format(", no_bias=True"), {"bias": False}),
    ("cudnn_tune", ND.format(", cudnn_tune='off'"), {"bias": False}),
    ("cudnn_off", ND.format(", cudnn_off=True"), {"bias": False}),
    ("layout", ND.format(", layout='NCHW'"), {"kernel": (3, 2)}),
    ("layout", ("mx.sym.Deconvolution(x, mx.nd.ones((4, 3, 2, 6)), kernel=(3, 2), num_filter=6, "
     "layout='NHWC')"), {"in_channels": 4}),
    ("out", ND.format(", out=y"), {"kernel": (3, 2)}),
    ("name", ND.format(", name='up'"), {"kernel": (3, 2)}),
    ("attr", ND.format(", attr=a"), {"kernel": (3, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), OPERATOR)
def test_parameter_of_the_operator(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["mxnet.ndarray.Deconvolution"].parameter(name) is not None
    result = operator(text, input=IN)
    assert {key: getattr(result, key) for key in fields} == fields


GLUON = "nn.Conv2DTranspose(6, (3, 2){})"
LAYERS: list[tuple[str, str, dict[str, Any]]] = [
    ("channels", "nn.Conv2DTranspose(channels=6, kernel_size=3)", {"out_channels": 6}),
    ("kernel_size", "gluon.nn.Conv2DTranspose(6, 3)", {"kernel": (3, 3)}),
    ("strides", GLUON.format(", (2, 3)"), {"stride": (2, 3)}),
    ("strides", GLUON.format(", strides=2"), {"stride": (2, 2)}),
    ("padding", GLUON.format(", 2, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("output_padding", GLUON.format(", (2, 3), 1, (1, 2)"), {"crop": ((1, 0), (1, -1))}),
    ("dilation", GLUON.format(", dilation=(1, 2)"), {"dilation": (1, 2)}),
    ("groups", GLUON.format(", groups=2, in_channels=4"), {"groups": 2, "out_channels": 6}),
    ("layout", GLUON.format(", layout='NHWC'"), {"in_channels": 4}),
    ("activation", GLUON.format(", activation='relu'"), {"bias": True}),
    ("use_bias", GLUON.format(", use_bias=False"), {"bias": False}),
    ("weight_initializer", GLUON.format(", weight_initializer='xavier'"), {}),
    ("bias_initializer", GLUON.format(", bias_initializer='ones'"), {}),
    ("in_channels", GLUON.format(", in_channels=4"), {"in_channels": 4}),
    ("in_channels", GLUON.format(", in_channels=0"), {"in_channels": 4}),
    ("prefix", GLUON.format(", prefix='up_'"), {}),
    ("params", GLUON.format(", params=other.params"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), LAYERS)
def test_parameter_of_the_layer(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["mxnet.gluon.nn.Conv2DTranspose"].parameter(name) is not None
    result = operator(text, input=IN)
    assert {key: getattr(result, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    for form, rows in (
        ("mxnet.ndarray.Deconvolution", OPERATOR),
        ("mxnet.gluon.nn.Conv2DTranspose", LAYERS),
    ):
        assert {name for name, *_ in rows} == {p.name for p in FORMS[form].parameters}


# Names and whole snippets.


@pytest.mark.parametrize(
    "name",
    [
        *("mx.nd.Deconvolution", "mxnet.nd.Deconvolution", "mxnet.ndarray.Deconvolution"),
        *("mx.sym.Deconvolution", "mx.symbol.Deconvolution", "sym.Deconvolution"),
        *("F.Deconvolution", "nd.Deconvolution", "Deconvolution"),
        *("mx.npx.deconvolution", "npx.deconvolution", "F.npx.deconvolution"),
    ],
)
def test_name_of_the_operator_is_recognised(name: str) -> None:
    result = read(f"{name}(x, w, kernel=(3, 2), num_filter=6)", input=IN)
    assert (result.framework, result.operator.descriptor) == ("mxnet", "ic4_oc6_k3x2")
    assert result.notes == ()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("module", ["nn", "gluon.nn", "mx.gluon.nn", "mxnet.gluon.nn"])
def test_name_of_the_layer_is_recognised(module: str, rank: int) -> None:
    result = read(f"{module}.Conv{rank}DTranspose(6, 3, in_channels=4)")
    assert (result.framework, result.operator.kernel) == ("mxnet", (3,) * rank)


@pytest.mark.parametrize(
    ("text", "descriptor", "shape"),
    [
        (  # FCN-xs
            (
                "bigscore = mx.symbol.Deconvolution(data=score, kernel=(64, 64), stride=(32, 32), "
                'adj=(31, 31), num_filter=21, workspace=workspace_default, name="bigscore")'
            ),
            "ic21_oc21_k64x64_s32x32_c0.-31x0.-31",
            (1, 21, 8, 8),
        ),
        (
            "ngf = 64\nnetG.add(nn.Conv2DTranspose(ngf * 8, 4, 1, 0, use_bias=False))",
            "ic100_oc512_k4x4",
            (1, 100, 1, 1),
        ),
        (
            (
                "mx.sym.Deconvolution(net, kernel=(4, 4), stride=(2, 2), num_filter=256, "
                "target_shape=(8, 8), no_bias=True, name='g2')"
            ),
            "ic512_oc256_k4x4_s2x2_c1.1x1.1",
            (1, 512, 4, 4),
        ),
        ("mx.nd.Deconvolution(x, kernel=3, stride=2, num_filter=6)", "ic4_oc6_k3_s2", (1, 4, 9)),
    ],
)
def test_snippet(text: str, descriptor: str, shape: Sizes) -> None:
    assert operator(text, input=shape).descriptor == descriptor


def test_bias_of_the_numpy_extension_is_the_default_of_mxnet_2() -> None:
    result = reading("npx.deconvolution(x, w, b, kernel=(3, 2), num_filter=6)", input=IN)
    assert result.operator.bias
    assert "from MXNet 2 it is the default" in result.notes[0]
    assert not operator("npx.deconvolution(x, w, kernel=(3, 2), num_filter=6)", input=IN).bias


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (ND.format(", workspace=1024"), "workspace: "),
        (ND.format(", cudnn_tune='off'"), "cudnn_tune: "),
        (ND.format(", cudnn_off=1"), "cudnn_off: "),
        (ND.format(", stride=(2, 2), dilate=(2, 2)"), "wrongly in float64"),
        (ND.format(", target_shape=(5, 6)"), "keeps the pad of the call"),
        (ND.format(", name='up', layout='NCHW'"), "name: the symbol's name"),
        (ND.format(", out=y"), "out: the array for the result"),
        (GLUON.format(", prefix='up_'"), "prefix: prefix of the parameters' names"),
        (GLUON.format(", layout='NHWC'"), "layout 'NHWC': MXNet 1.9.1 computes it on a GPU only."),
        (GLUON.format(", activation='relu'"), "activation 'relu' follows"),
        (GLUON.format(", weight_initializer=mx.init.Bilinear()"), "is not translated"),
        (("mx.sym.Deconvolution(x, mx.sym.var('w', init=mx.init.Bilinear()), kernel=(3, 2), "
         "num_filter=6)"), "init the call mx.init.Bilinear(...) of weight is not translated"),
    ],
)  # fmt: skip
def test_what_is_not_the_operator_is_noted(text: str, note: str) -> None:
    assert note in reading(text, input=IN).notes[0]


def test_target_shape_without_an_input_is_taken_for_a_multiple_of_the_stride() -> None:
    call = "mx.nd.Deconvolution(x, w, kernel=(5, 4), stride=(2, 3), num_filter=3, "
    (look,) = look_up_every(call + "target_shape=(14, 12), no_bias=True)", to=["numpy"])
    assert not isinstance(look, SnippetError)
    assert look.reading.operator.crop == ((2, 1), (1, 0))
    expected = "target_shape [14, 12]: taken for in * stride, so for an input of 7,4. "
    assert f"{expected}For another one, give input 1,64,8,5." in map(str, look.reading.notes)
    (error,) = look_up_every(call + "target_shape=(14, 11), no_bias=True)")
    assert isinstance(error, SnippetError)


def test_target_shape_whose_pad_is_in_the_call_too_is_not_doubted() -> None:
    result = reading(ND.format(", stride=(2, 2), pad=(1, 0), target_shape=(9, 14)"), input=IN)
    assert (result.operator.crop, result.notes) == (((1, 1), (0, 0)), ())


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("mx.nd.Deconvolution(x, w, b, kernel=(3, 2), num_filter=6)", "Add no_bias=False"),
        ("mx.nd.Deconvolution(x, w, b, kernel=(3, 2), num_filter=6, no_bias=1)", "but got 3"),
        ("mx.nd.Deconvolution(x, w, num_filter=6)", "needs kernel"),
        ("mx.nd.Deconvolution(x, w, kernel=(3, 2))", "needs num_filter"),
        (ND.format(", stride=2"), "stride 2 has 1 number and the kernel 2"),
        (ND.format(", pad=(1, 1, 1)"), "has 3 numbers and the kernel 2"),
        (ND.format(", stride=(0, 1)"), "must be at least 1"),
        (ND.format(", pad=(-1, 0)"), "must be at least 0"),
        (ND.format(", stride=(2, 2), adj=(0, 2)"), r"must be less than the stride \[2, 2\]"),
        (ND.format(", target_shape=(6, 8)"), "target_shape makes adj"),
        (ND.format(", target_shape=(8, 8)"), r"more than the full size \[7, 8\]"),
        (ND.format(", target_shape=(4, 0)"), "must be at least 1"),
        (ND.format(", target_shape=5"), "has 1 number"),
        (ND.format(", num_group=4"), "does not divide out_channels 6"),
        (ND.format(", no_bias=flag"), "must be True or False, found flag"),
        (ND.format(", layout='NCW'"), "NCHW or NHWC with 2 spatial axes"),
        (ND.format(", cudnn_tune='fast'"), "'limited_workspace' or 'off'"),
        (ND.format(", strides=(2, 2)"), "Did you mean 'stride'"),
        (ND.format(", pad=(5, 5)"), "output height would be -3"),
        ("mx.nd.Deconvolution(x, w, kernel=(1, 2, 3, 4), num_filter=6)", "4 axes; 1 to 3"),
        (GLUON.format(", strides=(2,)"), "or as many as the kernel has, 2"),
        (GLUON.format(", 2, output_padding=2"), "output_padding .* less than the stride"),
        (GLUON.format(", padding='same'"), "padding must be an integer, found 'same'"),
        (GLUON.format(", groups=2"), "Add in_channels"),
        (GLUON.format(", layout='NWC'"), "NCHW or NHWC"),
        (GLUON.format(", bias_initializer='xavier'"), "cannot be applied to vector"),
        ("nn.Conv2DTranspose(filters=6, kernel_size=3)", "no parameter 'filters'"),
        ("nn.Conv2DTranspose(4, 6, 3, stride=2)", "Did you mean 'strides'"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN if "1, 2, 3, 4" not in text else (1, 4, 1, 1, 1))


def test_dilation_of_three_axes_is_refused() -> None:
    for text in (
        "mx.nd.Deconvolution(x, w, kernel=(3, 2, 2), dilate=(1, 2, 1), num_filter=6)",
        "nn.Conv3DTranspose(6, 3, dilation=2, in_channels=4)",
    ):
        with pytest.raises(SnippetError, match="refuses it with three spatial axes"):
            reading(text, input=(1, 4, 2, 2, 2))


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        (ND.format(""), "leaves in_channels open: add input"),
        (GLUON.format(""), "leaves in_channels open: add input"),
        (ND.format(", target_shape=(5, 6)"), "add input"),
        ("mx.nd.Deconvolution(x, w, kernel=k, num_filter=n)", "kernel is 'k', whose value"),
    ],
)
def test_error_says_what_to_add(text: str, asks: str) -> None:
    with pytest.raises(SnippetError, match=asks):
        reading(text, **({"weight": (4, 6, 3, 2)} if "target" in text else {}))


# Round trips.


@pytest.mark.parametrize("style", ["function", "layer"])
def test_an_output_that_adj_alone_makes_possible_comes_back(style: Style) -> None:
    """An input without elements has a full length of less than nothing."""
    wanted = Operator.of(1, 1, (1,), stride=(3,), crop=((0, -2),))
    program = render(wanted, "mxnet", style=style)
    assert isinstance(program, Program)
    assert reading(program.text, input=(2, 1, 0), weight=wanted.weight_shape).operator == wanted


@given(sized_operators(), st.sampled_from(["function", "layer"]))
def test_program_comes_back(drawn: tuple[Operator, Sizes], style: Style) -> None:
    wanted, in_size = drawn
    program = render(wanted, "mxnet", style=style)
    assert isinstance(program, Program)
    # Without elements a call that is padded afterwards may have an output of less than nothing.
    assume(program.support == "native" or min(in_size) > 0)
    shape, weight = (2, wanted.in_channels, *in_size), wanted.weight_shape
    assert reading(program.text, input=shape, weight=weight).operator == wanted
    if program.support == "native":
        assert read(program.text, input=shape, weight=weight).framework == "mxnet"
        assert reading(program.call, input=shape, weight=weight).operator == wanted


def test_layer_of_three_axes_in_float64_is_unsupported() -> None:
    program = render(Operator.of(4, 6, (3, 2, 2)), "mxnet", "float64", style="layer")
    assert isinstance(program, Unsupported)


@pytest.mark.parametrize("style", ["function", "layer"])
def test_call_that_is_wrong_in_float64_says_so(style: Style) -> None:
    for stride, dilation, is_noted in ((2, 2, True), (1, 2, False), (2, 1, False)):
        wanted = Operator.of(4, 6, (3, 3), stride=stride, dilation=dilation)
        notes = programs.program(wanted, "mxnet", style=style).notes
        assert any("wrongly in float64" in note for note in notes) == is_noted
        assert not programs.program(wanted, "mxnet", "float64", style=style).notes


def test_layer_is_written_as_people_write_it() -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (1, 1)), groups=2, bias=False)
    program = render(wanted, "mxnet", style="layer", training=Training(weights=GLOROT))
    assert isinstance(program, Program)
    assert program.call.splitlines()[0] == (
        "layer = nn.Conv2DTranspose(6, (3, 2), strides=2, padding=1, output_padding=(1, 0), "
        "groups=2, use_bias=False, weight_initializer=mx.init.Xavier('uniform', 'avg', 3.0), "
        "in_channels=4)"
    )


# Weights.

CHANNELS_LAST = [
    ("nn.Conv2DTranspose(6, (3, 2), layout='NHWC', in_channels=4)", "IHWO", "0, 3, 1, 2"),
    ("nn.Conv2DTranspose(6, 3, layout='NHWC', in_channels=4, groups=2)", "IHWO", "0, 3, 1, 2"),
    ("nn.Conv3DTranspose(6, 2, 1, 0, 0, 1, 1, 'NDHWC', in_channels=4)", "IDHWO", "0, 4, 1, 2, 3"),
    (ND.format(", layout='NHWC'"), "IHWO", "0, 3, 1, 2"),
    (ND.format(", layout='NHWC', num_group=2, pad=(1, 0)"), "IHWO", "0, 3, 1, 2"),
    (ND.format(", layout='NHWC', target_shape=(5, 6)"), "IHWO", "0, 3, 1, 2"),
]


@pytest.mark.parametrize(("text", "layout", "axes"), CHANNELS_LAST)
def test_weights_of_channels_last_have_another_layout(text: str, layout: str, axes: str) -> None:
    shape = IN if "3D" not in text else (1, 4, 2, 2, 2)
    (result,) = look_up(text, "mxnet", ["pytorch"], input=shape).translations
    assert (result.weights.before, result.weights.code()) == (layout, f"w.transpose({axes})")


@pytest.mark.parametrize("text", [ND.format(", layout='NCHW'"), GLUON.format("")])
def test_weights_of_channels_first_are_as_ever(text: str) -> None:
    (result,) = look_up(text, "mxnet", ["pytorch"], input=IN).translations
    assert (result.weights.before, result.weights.code()) == ("IOHW", "w")


# The real thing.

TRAINED = Training(weights=Initializer("uniform", 1.5, "in"), bias=Initializer("uniform", 0.5))
SETUP = "import mxnet as mx\nfrom mxnet.gluon import nn\nx, w, b = map(mx.nd.array, (x, w, b))"
DOUBLE = "import mxnet as mx\nx, w, b = (mx.nd.array(a, dtype='float64') for a in (x, w, b))"


def random_calls(count: int, *, targets: bool) -> list[WrittenCall]:
    """Calls whose adj or target_shape is often legal, sometimes just not."""
    generator = random.Random(21)
    calls: list[WrittenCall] = []
    while len(calls) < count:
        rank = generator.choice((1, 2, 2) if targets else (1, 2, 2, 3))
        groups = generator.choice((1, 2))
        kernel, stride, dilate, pad, adj, size, target = [], [], [], [], [], [], []
        for _ in range(rank):
            kernel.append(generator.randint(1, 4))
            stride.append(generator.randint(1, 4))
            # In float64, which alone has a target_shape, dilation with a stride is wrong.
            dilate.append(1 if targets else generator.choice((1, 1, 1, 2)))
            adj.append(generator.randint(0, stride[-1] - (generator.random() < 0.9)))
            pad.append(generator.randint(0, 2))
            size.append(generator.randint(2, 4))
            full = (size[-1] - 1) * stride[-1] + dilate[-1] * (kernel[-1] - 1) + 1
            target.append(generator.randint(max(1, full - 4), full + (generator.random() < 0.1)))
        options = f"target_shape={tuple(target)}" if targets else f"adj={tuple(adj)}"
        text = (
            f"y = mx.nd.Deconvolution(x, w, b, kernel={tuple(kernel)}, stride={tuple(stride)}, "
            f"dilate={tuple(dilate)}, pad={tuple(pad)}, num_filter={3 * groups}, "
            f"num_group={groups}, no_bias=False, {options})"
        )
        full_less = [
            (n - 1) * s + d * (k - 1) + 1 - 2 * p + a
            for n, s, d, k, p, a in zip(size, stride, dilate, kernel, pad, adj, strict=True)
        ]
        # What is empty is refused in one type and not in the other.
        if targets or min(full_less) > 0:
            dtype = "float64" if targets else "float32"
            calls.append(
                WrittenCall(text, (2, 2 * groups, *size), (2 * groups, 3, *kernel), groups, dtype)
            )
    return calls


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("targets", "setup"), [(False, SETUP), (True, DOUBLE)], ids=["adj", "target_shape"]
)
def test_operator_crops_as_we_read_it(targets: bool, setup: str) -> None:
    calls = random_calls(200, targets=targets)
    assert reality.disagreements("mxnet", setup, calls, least=15) == []


@pytest.mark.frameworks
def test_float32_keeps_the_pad_that_target_shape_should_replace() -> None:
    """What the note says; as documented the output is 2, 0, 10, 20, 0, 100 in both types."""
    call = "mx.nd.Deconvolution(x, w, kernel=(2,), stride=(3,), num_filter=1, {}target_shape=(6,))"
    arrays = {"x": [[[1, 10, 100]]], "w": [[[1, 2]]], "b": [0]}
    jobs = [
        Job(f"{setup}\ny = {call.format(pad)}.asnumpy()", ("y",), arrays)
        for setup in (SETUP, DOUBLE)
        for pad in ("pad=(2,), ", "")
    ]
    kept, refused, *double = reality.run("mxnet", jobs)
    assert kept["y"] == [[[0, 10, 20, 0, 100, 200]]]
    assert "could not create" in refused["error"]
    assert [real["y"] for real in double] == [[[[2, 0, 10, 20, 0, 100]]]] * 2


@pytest.mark.frameworks
def test_layer_crops_as_we_read_it() -> None:
    generator = random.Random(22)
    calls = []
    for _ in range(200):
        rank = generator.choice((1, 2, 2, 3))
        groups = generator.choice((1, 2))
        kernel = tuple(generator.randint(2, 4) for _ in range(rank))
        stride = tuple(generator.randint(1, 3) for _ in range(rank))
        adj = tuple(generator.randint(0, s - (generator.random() < 0.9)) for s in stride)
        size = tuple(generator.randint(3, 4) for _ in range(rank))
        options = f"{stride}, 1, {adj}, {generator.choice((1, 1, 1, 2))}, {groups}"
        inputs = generator.choice((2 * groups, 2 * groups, 2 * groups, 0))
        text = (
            f"layer = nn.Conv{rank}DTranspose({3 * groups}, {kernel}, {options}, "
            f"in_channels={inputs})\nlayer.initialize()\nlayer(x)\n"
            "layer.weight.set_data(w)\nlayer.bias.set_data(b)\ny = layer(x)"
        )
        calls.append(WrittenCall(text, (2, 2 * groups, *size), (2 * groups, 3, *kernel), groups))
    assert reality.disagreements("mxnet", SETUP, calls, least=20) == []


@pytest.mark.frameworks
def test_weights_of_channels_last_have_the_shape_that_mxnet_gives_them() -> None:
    """A CPU refuses to compute such a layer; it makes its weights all the same."""
    texts = [text for text, *_ in CHANNELS_LAST]
    jobs = [
        Job(
            f"{SETUP}\nx, w = mx.sym.var('x'), mx.sym.var('w')\n"
            f"made = {text.replace('mx.nd', 'mx.sym')}\n"
            "symbol = not hasattr(made, 'weight')\n"
            "shape = made.infer_shape(x=(1, 5, 7, 4))[0][1] if symbol else made.weight.shape",
            ("shape",),
            {"x": [0], "w": [0], "b": [0]},
        )
        for text in texts
    ]
    for text, real in zip(texts, reality.run("mxnet", jobs), strict=True):
        c_in, c_out, *kernel = operator(
            text, input=IN if "3D" not in text else (1, 4, 2, 2, 2)
        ).weight_shape
        assert real["shape"] == [c_in, *kernel, c_out], text


REFUSED = [
    "mx.nd.Deconvolution(x, w, b, kernel=(3, 2), num_filter=6)",
    "mx.nd.Deconvolution(x, w, num_filter=6)",
    "mx.nd.Deconvolution(x, w, kernel=(3, 2))",
    *(
        ND.format(f", {option}")
        for option in (
            *("stride=2", "pad=(1, 1, 1)", "stride=(0, 1)", "pad=(-1, 0)", "target_shape=(6, 8)"),
            *("target_shape=(8, 8)", "target_shape=5", "num_group=4", "layout='NCW'"),
            *("cudnn_tune='fast'", "strides=(2, 2)", "pad=(5, 5)"),
            *("stride=None", "dilate=None", "pad=None", "adj=None", "stride='2'", "stride='2,2'"),
            *("stride='(2,)'", "stride='(2 2)'", "stride='(2.0, 2)'", "no_bias=None"),
            *("no_bias='yes'", "no_bias='2'", "no_bias=''", "num_group='1.0'", "num_group='None'"),
            "stride=(True, True)",
        )
    ),
]
QUOTED = [
    "mx.nd.Deconvolution(x, w, kernel='(3, 2)', num_filter='6', no_bias='true')",
    "mx.nd.Deconvolution(x, w, kernel='[3,2]', num_filter=' 6', stride='(2L, 2L)', no_bias='1')",
    "mx.nd.Deconvolution(x, w, b, kernel='(3,2)', num_filter='+6', pad=' ( 1 , 0 ) ', no_bias='0')",
    "mx.nd.Deconvolution(x, w, b, kernel=(3, 2), num_filter='06', stride='()', no_bias='False')",
    "mx.nd.Deconvolution(x, w, kernel='(3,2)', num_filter=6, stride='(2,3)', adj='(1,1)')",
    "mx.nd.Deconvolution(x, w, kernel='(3,2)', num_filter=6, target_shape=None, layout='None')",
    "mx.nd.Deconvolution(x, w, kernel='(3,2)', num_filter=6, cudnn_tune='None', num_group='1')",
    "mx.nd.Deconvolution(x, w, kernel='(3,2)', num_filter=6, dilate='(2,1)', no_bias='TRUE')",
]


@pytest.mark.frameworks
def test_quoted_values_are_what_mxnet_takes_them_for() -> None:
    """A symbol that is saved as JSON holds strings and nothing else."""
    calls = [WrittenCall(f"y = {text}", IN, WEIGHT) for text in QUOTED]
    assert [text for text in QUOTED if operator(text, input=IN).kernel != (3, 2)] == []
    assert reality.disagreements("mxnet", SETUP, calls, least=0) == []


@pytest.mark.frameworks
def test_what_we_refuse_mxnet_refuses() -> None:
    for text in REFUSED:
        with pytest.raises(SnippetError):
            reading(text, input=IN, weight=WEIGHT)
    calls = [WrittenCall(f"y = {text}", IN, WEIGHT) for text in REFUSED]
    assert reality.disagreements("mxnet", SETUP, calls, least=0) == []


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    drawn = reality.random_operators(60, seed=23)
    assert reality.layers_that_differ("mxnet", drawn, TRAINED) == []


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    names = {
        "mxnet.ndarray.Deconvolution": "mx.nd.Deconvolution",
        "mxnet.npx.deconvolution": "mx.npx.deconvolution",
        **{f"mxnet.gluon.nn.Conv{r}DTranspose": f"nn.Conv{r}DTranspose" for r in (1, 2, 3)},
    }
    imports = "import mxnet as mx\nfrom mxnet.gluon import nn"
    result = reality.signatures("mxnet", imports, list(names.values()))
    for form, (parameters, defaults) in zip(names, result, strict=True):
        ours = [p for p in FORMS[form].parameters if not p.keyword]
        assert [p.name for p in ours] == [p for p in parameters if p not in {"out", "name"}]
        if "gluon" in form:
            assert [repr(p.default) for p in ours[2:]] == defaults[2:]


@pytest.mark.parametrize(("bias", "is_noted"), [("b", False), ("b if c else None", True)])
def test_bias_that_may_be_none_is_noted(bias: str, is_noted: bool) -> None:
    text = f"npx.deconvolution(x, w, {bias}, kernel=(3, 2), num_filter=6)"
    noted = [note for note in reading(text, input=IN).notes if "taken to be there" in note]
    assert bool(noted) == is_noted
