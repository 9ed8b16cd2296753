"""What Chainer's calls mean, and the links that we write, held against the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import reality
from hypothesis import assume, given
from hypothesis import strategies as st
from reality import Job, WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED, Style
from harness.core.operators import Operator, Sizes
from harness.core.program import Program
from harness.core.training import GLOROT, Initializer, Training
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("chainer").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "chainer", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

CALL = "F.deconvolution_2d(x, W, b{})"
FUNCTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("x", "F.deconvolution_2d(x=x, W=W)", {"in_channels": 4, "bias": False}),
    ("W", "F.deconvolution_2d(x, np.zeros((4, 6, 3, 2), 'f'))", {"kernel": (3, 2)}),
    ("b", CALL.format(""), {"bias": True, "stride": (1, 1)}),
    ("b", "F.deconvolution_2d(x, W, None)", {"bias": False}),
    ("stride", CALL.format(", (2, 3)"), {"stride": (2, 3)}),
    ("stride", CALL.format(", stride=2"), {"stride": (2, 2)}),
    ("pad", CALL.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("outsize", CALL.format(", 3, (1, 0), (15, 21)"), {"crop": ((1, -1), (0, -1))}),
    ("outsize", CALL.format(", 3, 1, outsize=(12, 16)"), {"crop": ((1, 2), (1, 3))}),
    ("outsize", CALL.format(", 2, outsize=(None, 15)"), {"crop": ((0, 0), (0, -1))}),
    ("outsize", CALL.format(", 2, outsize=None"), {"crop": ((0, 0), (0, 0))}),
    ("outsize", CALL.format(", 2, outsize=(x.shape[2] * 2, x.shape[3] * 2)"),
     {"crop": ((0, 1), (0, 0))}),
    ("dilate", CALL.format(", dilate=(1, 2)"), {"dilation": (1, 2)}),
    ("groups", CALL.format(", groups=2"), {"groups": 2, "out_channels": 12}),
    ("use_cudnn", CALL.format(", use_cudnn=False"), {"kernel": (3, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), FUNCTIONS)
def test_parameter_of_the_function(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["chainer.functions.deconvolution_2d"].parameter(name) is not None
    result = operator(text, input=IN, weight=WEIGHT)
    assert {key: getattr(result, key) for key in fields} == fields


LINK = "L.Deconvolution2D(4, 6, (3, 2){})"
LINKS: list[tuple[str, str, dict[str, Any]]] = [
    ("in_channels", "L.Deconvolution2D(in_channels=4, out_channels=6, ksize=3)",
     {"in_channels": 4}),
    ("in_channels", "L.Deconvolution2D(None, 6, 3)", {"in_channels": 4, "out_channels": 6}),
    ("out_channels", LINK.format(""), {"out_channels": 6}),
    ("ksize", LINK.format(""), {"kernel": (3, 2), "bias": True}),
    ("ksize", "L.Deconvolution2D(6, 3)", {"kernel": (3, 3), "out_channels": 6}),
    ("ksize", "L.Deconvolution2D(6, (3, 2), stride=2)", {"kernel": (3, 2), "stride": (2, 2)}),
    ("stride", LINK.format(", (2, 3)"), {"stride": (2, 3)}),
    ("pad", LINK.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("nobias", LINK.format(", 1, 0, True"), {"bias": False}),
    ("outsize", LINK.format(", 3, (1, 0), outsize=(15, 21)"), {"crop": ((1, -1), (0, -1))}),
    ("outsize", f"up = {LINK.format(', 2, outsize=(x.shape[2] * 2, 14)')}\ny = up(x)",
     {"crop": ((0, 1), (0, 0))}),
    ("initialW", LINK.format(", initialW=chainer.initializers.HeNormal()"), {}),
    ("initialW", "L.Deconvolution2D(None, 6, (3, 2), initialW=np.ones((4, 6, 3, 2)))",
     {"in_channels": 4}),
    ("initial_bias", LINK.format(", initial_bias=0.5"), {"bias": True}),
    ("dilate", LINK.format(", dilate=(1, 2)"), {"dilation": (1, 2)}),
    ("groups", LINK.format(", groups=2"), {"groups": 2, "out_channels": 6}),
    ("use_cudnn", LINK.format(", use_cudnn=False"), {}),
    ("wscale", LINK.format(", wscale=0.02*math.sqrt(4*4*512)"), {}),
    ("bias", LINK.format(", bias=0"), {"bias": True}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), LINKS)
def test_parameter_of_the_link(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["chainer.links.Deconvolution2D"].parameter(name) is not None
    result = operator(text, input=IN)
    assert {key: getattr(result, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    for form, rows in (
        ("chainer.functions.deconvolution_2d", FUNCTIONS),
        ("chainer.links.Deconvolution2D", LINKS),
    ):
        tested = {name for name, *_ in rows}
        assert tested | {"deterministic"} == {p.name for p in FORMS[form].parameters}
    assert FORMS["chainer.links.DeconvolutionND"].parameter("ndim") is not None


def test_deterministic_is_refused_in_the_words_of_the_document() -> None:
    for text in (CALL.format(", deterministic=True"), LINK.format(", deterministic=False")):
        with pytest.raises(SnippetError) as caught:
            reading(text, input=IN, weight=WEIGHT)
        assert "deterministic argument is not supported anymore since" in str(caught.value)
        assert "use chainer.using_config('cudnn_deterministic', value)" in str(caught.value)


# Names, ranks and whole snippets.


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("nd", [False, True])
def test_names_of_every_rank_are_recognised(rank: int, nd: bool) -> None:
    suffix = "nd" if nd else f"{rank}d"
    shape, weight = (1, 4, *(5, 6, 7)[:rank]), (4, 6, *(3, 2, 1)[:rank])
    wanted = Operator.of(4, 6, weight[2:], stride=2)
    for module in ("F", "chainer.functions"):
        result = read(f"{module}.deconvolution_{suffix}(x, W, b, 2)", input=shape, weight=weight)
        assert (result.framework, result.operator) == ("chainer", wanted)
    ndim = f"{rank}, " if nd else ""
    for module in ("L", "chainer.links"):
        text = f"{module}.Deconvolution{suffix.upper()}({ndim}4, 6, {weight[2:]}, 2)"
        result = read(text)
        assert (result.framework, result.operator) == ("chainer", wanted)


def test_dilate_and_groups_have_places_where_chainer_gives_them_one() -> None:
    result = operator("F.deconvolution_nd(x, W, None, 1, 0, None, 2, 2)", input=IN, weight=WEIGHT)
    assert (result.dilation, result.groups) == ((2, 2), 2)
    with pytest.raises(SnippetError, match="at most 6 arguments by position"):
        reading("F.deconvolution_2d(x, W, None, 1, 0, None, 2)", input=IN, weight=WEIGHT)


@pytest.mark.parametrize(
    ("text", "descriptor", "shape"),
    [
        (  # DCGAN of Chainer's examples
            (
                "w = chainer.initializers.Normal(wscale)\n"
                "self.dc1 = L.Deconvolution2D(\n    512, 512 // 2, 4, 2, 1, initialW=w)"
            ),
            "ic512_oc256_k4x4_s2x2_c1.1x1.1_b",
            None,
        ),
        (
            "self.upscore = L.Deconvolution2D(21, 21, 64, stride=32, nobias=True, pad=0)",
            "ic21_oc21_k64x64_s32x32",
            None,
        ),
        (
            "dc0=L.Deconvolution2D(None, 256, 4, stride=2, pad=1),",
            "ic512_oc256_k4x4_s2x2_c1.1x1.1_b",
            (1, 512, 4, 4),
        ),
        (
            (
                "y = F.deconvolution_2d(np.zeros((10, 1, 5, 10)), np.zeros((1, 3, 10, 10)), b, "
                "stride=(5, 5), pad=(5, 5))"
            ),
            "ic1_oc3_k10x10_s5x5_c5.5x5.5_b",
            None,
        ),
    ],
)
def test_snippet(text: str, descriptor: str, shape: Sizes | None) -> None:
    assert read(text, input=shape).operator.descriptor == descriptor


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("with chainer.using_config('autotune', True):\n    y = " + CALL.format(""),
         "configuration autotune: "),
        ("with chainer.using_config('cudnn_deterministic', True), f():\n    y = " + CALL.format(""),
         "configuration cudnn_deterministic: "),
        ("chainer.global_config.autotune = True\ny = " + CALL.format(""),
         "configuration autotune: "),
        (CALL.format(", use_cudnn=False"), "use_cudnn: "),
        (CALL.format(", 2, outsize=(12, 13)"), "grows one axis and shrinks another"),
        (LINK.format(", wscale=2"), "wscale: "),
        (LINK.format(", initialW=chainer.initializers.Orthogonal()"), "is not translated"),
        (LINK.format(", initialW=chainer.initializers.Normal(s)"), "is not translated"),
    ],
)  # fmt: skip
def test_what_is_not_the_operator_is_noted(text: str, note: str) -> None:
    (result,) = reading(text, input=IN, weight=WEIGHT).notes
    assert note in result


def test_configuration_of_something_else_is_not_noted() -> None:
    text = "with chainer.using_config('train', False):\n    y = " + CALL.format("")
    assert reading(text, input=IN, weight=WEIGHT).notes == ()


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (CALL.format(", 2, outsize=(13, 14)"), "allows 10 to 12"),
        (CALL.format(", 2, outsize=(9, 14)"), "height 9 is not less than the stride 2 away"),
        (CALL.format(", outsize=(8, 8)"), "allows 7 to 7"),
        (CALL.format(", outsize=7"), "tuple of as many integers"),
        (CALL.format(", outsize=(7,)"), "tuple of as many integers"),
        (CALL.format(", outsize=(h, 8)"), "is 'h', whose value"),
        (CALL.format(", stride=(2,)"), r"has 1 number; Chainer takes one integer, or a tuple of 2"),
        (CALL.format(", stride=0"), "must be at least 1"),
        (CALL.format(", pad=-1"), "must be at least 0"),
        (CALL.format(", dilate=0"), "must be at least 1"),
        (CALL.format(", groups=3"), "groups 3 does not divide in_channels 4"),
        (CALL.format(", padding=1"), "no parameter 'padding'"),
        (CALL.format(", pad=(3, 4)"), "output width would be 0, which Chainer refuses"),
        (CALL.format(", pad=4"), "output height would be -1"),
        (LINK.format(", groups=4"), "does not divide out_channels 6"),
        (LINK.format(", initialW='he_normal'"), "an initialiser, an array or a number"),
        (LINK.format(", initial_bias=chainer.initializers.HeNormal()"), "a vector has no fans"),
        (LINK.format(", nobias='flag'"), "must be True or False"),
        ("L.Deconvolution2D(None, 6)", "needs out_channels and ksize"),
        ("L.Deconvolution2D(4, 6, (3,))", "a tuple of 2"),
        ("L.Deconvolution3D(4, 6)", "needs ksize"),
        ("L.DeconvolutionND(4, 4, 6, 2)", "has 4 axes"),
        ("L.Deconvolution2D(6, 3, 3, output_shape=s)", "no parameter 'output_shape'"),
        ("L.Deconvolution2D(5, 6, 3)", "5 in the text and 4 in input"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    supplied: dict[str, Sequence[int]] = {"weight": WEIGHT} if text.startswith("F.") else {}
    shape = (1, 4, *(2,) * (4 if "ND" in text else 3)) if "ND" in text or "3D" in text else IN
    supplied |= {} if len(shape) > 5 else {"input": shape}
    with pytest.raises(SnippetError, match=fact):
        reading(text, **supplied)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("L.Deconvolution2D(None, 6, 3)", "leaves in_channels open: add input"),
        ("L.Deconvolution2D(6, 3)", "leaves in_channels open: add input"),
        (LINK.format(", 2, outsize=(9, 9)"), "outsize chooses the output's size.* add input"),
        (CALL.format(""), "leaves in_channels and out_channels and kernel open: add weight"),
    ],
)
def test_error_says_what_to_add(text: str, asks: str) -> None:
    with pytest.raises(SnippetError, match=asks):
        reading(text)


# Round trips.


@given(sized_operators(), st.sampled_from(["function", "layer"]))
def test_program_comes_back(drawn: tuple[Operator, Sizes], style: Style) -> None:
    wanted, in_size = drawn
    program = render(wanted, "chainer", style=style)
    assert isinstance(program, Program)
    # Chainer refuses a natural size of nothing.
    assume(min(in_size) > 0)
    assume(min(wanted.out_size(in_size)) > 0)
    shape, weight = (2, wanted.in_channels, *in_size), wanted.weight_shape
    result = read(program.text, input=shape, weight=weight)
    assert (result.framework, result.operator) == ("chainer", wanted)
    if program.support == "native":
        assert reading(program.call, input=shape, weight=weight).operator == wanted


def test_link_is_written_as_people_write_it() -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (1, 1)), groups=2, bias=False)
    program = render(wanted, "chainer", style="layer", training=Training(weights=GLOROT))
    assert isinstance(program, Program)
    assert program.call.splitlines()[0] == (
        "layer = L.Deconvolution2D(4, 6, (3, 2), stride=2, pad=1, outsize=((x_.shape[2] - 1) * 2 "
        "+ 2, (x_.shape[3] - 1) * 2 + 0), groups=2, nobias=True, "
        "initialW=chainer.initializers.GlorotUniform())"
    )


# The real thing.

TRAINED = Training(weights=Initializer("uniform", 1.0, "in"), bias=Initializer("uniform", 0.5))
SETUP = (
    "import chainer, chainer.functions as F, chainer.links as L\n"
    "x, W, b = map(chainer.Variable, (x, w, b))"
)


def random_calls(count: int, *, link: bool) -> list[WrittenCall]:
    """Calls whose outsize is often legal, sometimes just not."""
    generator = random.Random(31)
    calls = []
    for _ in range(count):
        rank = generator.choice((1, 2, 2, 3))
        groups = generator.choice((1, 1, 2))
        kernel, stride, dilate, pad, size, out = [], [], [], [], [], []
        for _ in range(rank):
            kernel.append(generator.randint(1, 4))
            stride.append(generator.randint(1, 4))
            dilate.append(generator.choice((1, 1, 2)))
            pad.append(generator.randint(0, 2))
            size.append(generator.randint(1, 4))
            natural = (size[-1] - 1) * stride[-1] + dilate[-1] * (kernel[-1] - 1) + 1 - 2 * pad[-1]
            most = stride[-1] - (generator.random() < 0.9)
            out.append(max(0, natural + generator.randint(-most, most)))
        outsize = generator.choice((None, tuple(out), tuple(out)))
        options = (
            f"{tuple(stride)}, {tuple(pad)}, outsize={outsize}, dilate={tuple(dilate)}, "
            f"groups={groups}"
        )
        suffix = generator.choice((f"{rank}d", "nd"))
        ndim = f"{rank}, " if suffix == "nd" else ""
        text = f"y = F.deconvolution_{suffix}(x, W, b, {options})"
        if link:
            text = (
                f"layer = L.Deconvolution{suffix.upper()}({ndim}None, {3 * groups}, "
                f"{tuple(kernel)}, {options})\nlayer(x)\nlayer.W.array, layer.b.array = W.array, "
                "b.array\ny = layer(x)"
            )
        weight = (2 * groups, 3, *kernel)
        calls.append(WrittenCall(text, (2, 2 * groups, *size), weight, groups))
    return calls


@pytest.mark.frameworks
@pytest.mark.parametrize("link", [False, True])
def test_call_crops_as_we_read_it(link: bool) -> None:
    calls = random_calls(200, link=link)
    assert reality.disagreements("chainer", SETUP, calls, least=30) == []


REFUSED = [
    *(
        CALL.format(f", {option}")
        for option in (
            *("outsize=7", "outsize=(7,)", "stride=(2,)", "stride=0", "dilate=0", "groups=3"),
            *("padding=1", "pad=(3, 4)", "pad=4", "deterministic=True", "1, 0, None, 2"),
        )
    ),
    *(
        f"{LINK.format(f', {option}')}(x)"
        for option in (
            *("groups=4", "initialW='he_normal'", "deterministic=False", "1, 0, 0, None, 1, 1, 1"),
            "initial_bias=chainer.initializers.HeNormal()",
        )
    ),
    *("L.Deconvolution2D(None, 6)(x)", "L.Deconvolution2D(4, 6, (3,))(x)"),
    *("L.Deconvolution3D(4, 6)", "L.Deconvolution2D(5, 6, 3)(x)"),
]


@pytest.mark.frameworks
def test_what_we_refuse_chainer_refuses() -> None:
    weights: Sizes = WEIGHT
    for text in REFUSED:
        with pytest.raises(SnippetError):
            reading(text, input=IN, **({"weight": weights} if "F." in text else {}))
    calls = [WrittenCall(f"y = {text}", IN, weights) for text in REFUSED]
    assert reality.disagreements("chainer", SETUP, calls, least=0) == []


@pytest.mark.frameworks
def test_link_without_input_channels_takes_its_sizes_from_the_left() -> None:
    texts = ["L.Deconvolution2D(6, 3, stride=2)", "L.DeconvolutionND(2, 6, (3, 2))"]
    jobs = [
        Job(f"{SETUP}\nlayer = {text}\nlayer(x)\nshape = layer.W.shape", ("shape",), arrays)
        for text in texts
        for arrays in [{"x": np.ones(IN).tolist(), "w": [0], "b": [0]}]
    ]
    for text, real in zip(texts, reality.run("chainer", jobs), strict=True):
        assert tuple(real["shape"]) == operator(text, input=IN).weight_shape


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    drawn = reality.random_operators(60, seed=33)
    assert reality.layers_that_differ("chainer", drawn, TRAINED) == []


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    imports = "import chainer.functions, chainer.links"
    result = reality.signatures("chainer", imports, list(FORMS))
    for form, (names, defaults) in zip(FORMS.values(), result, strict=True):
        ours = [p for p in form.parameters if not p.keyword]
        assert [p.name for p in ours] == names
        assert ["-" if p.default is REQUIRED else repr(p.default) for p in ours] == defaults


def test_with_stride_one_outsize_is_the_natural_size_of_any_input() -> None:
    link = "L.Deconvolution2D(30, 1, ksize=3, stride={}, pad=1, outsize=(28, 28))"
    assert operator(link.format(1)).crop == ((1, 1), (1, 1))
    with pytest.raises(SnippetError, match="outsize chooses the output's size"):
        operator(link.format(2))
    with pytest.raises(SnippetError, match="not less than the stride 1 away"):
        operator(link.format(1), input=(1, 30, 20, 28))
