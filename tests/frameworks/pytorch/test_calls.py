"""What PyTorch's calls mean and the layers that we write, against the real PyTorch."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import reality
from hypothesis import given
from reality import Job, WrittenCall
from strategies import operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.core.program import Program
from harness.lookup.reading import read

FORMS = {form.name: form for form in convention("pytorch").forms}
PLAIN = Operator.of(4, 6, (3, 2))
INPUT, WEIGHT = (2, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "pytorch", **supplied)


# Parameters by their names: a text, and what of the operator it changes.

LAYER: list[tuple[str, str, dict[str, Any]]] = [
    ("in_channels", "5, 6, (3, 2)", {"in_channels": 5}),
    ("in_channels", "in_channels=5, out_channels=6, kernel_size=(3, 2)", {"in_channels": 5}),
    ("out_channels", "4, 7, (3, 2)", {"out_channels": 7}),
    ("kernel_size", "4, 6, 5", {"kernel": (5, 5)}),
    ("kernel_size", "4, 6, [5, 2]", {"kernel": (5, 2)}),
    ("kernel_size", "4, 6, kernel_size=(1, 4)", {"kernel": (1, 4)}),
    ("stride", "4, 6, (3, 2), 2", {"stride": (2, 2)}),
    ("stride", "4, 6, (3, 2), stride=(2, 3)", {"stride": (2, 3)}),
    ("stride", "4, 6, (3, 2), stride=(2,)", {"stride": (2, 2)}),
    ("padding", "4, 6, (3, 2), 1, 1", {"crop": ((1, 1), (1, 1))}),
    ("padding", "4, 6, (3, 2), padding=(2, 0)", {"crop": ((2, 2), (0, 0))}),
    (
        "output_padding",
        "4, 6, (3, 2), 2, 1, 1",
        {"stride": (2, 2), "crop": ((1, 0), (1, 0))},
    ),
    (
        "output_padding",
        "4, 6, (3, 2), stride=3, output_padding=(0, 2)",
        {"stride": (3, 3), "crop": ((0, 0), (0, -2))},
    ),
    (
        "output_padding",
        "4, 6, (3, 2), dilation=2, output_padding=1",
        {"dilation": (2, 2), "crop": ((0, -1), (0, -1))},
    ),
    ("groups", "4, 6, (3, 2), 1, 0, 0, 2", {"groups": 2}),
    ("groups", "4, 6, (3, 2), groups=2", {"groups": 2}),
    ("bias", "4, 6, (3, 2), bias=False", {"bias": False}),
    ("bias", "4, 6, (3, 2), 1, 0, 0, 1, True", {"bias": True}),
    ("bias", "4, 6, (3, 2), bias=None", {"bias": False}),
    ("bias", "4, 6, (3, 2), bias=0", {"bias": False}),
    ("dilation", "4, 6, (3, 2), 1, 0, 0, 1, True, 2", {"dilation": (2, 2)}),
    ("dilation", "4, 6, (3, 2), dilation=(2, 3)", {"dilation": (2, 3)}),
    ("padding_mode", "4, 6, (3, 2), padding_mode='zeros'", {}),
    ("device", "4, 6, (3, 2), device='cuda'", {}),
    ("dtype", "4, 6, (3, 2), dtype=torch.float16", {}),
]


def changed(fields: Mapping[str, Any]) -> Operator:
    return Operator(**{**vars(PLAIN), **fields})


@pytest.mark.parametrize(("name", "arguments", "fields"), LAYER)
def test_parameter_of_the_layer(name: str, arguments: str, fields: Mapping[str, Any]) -> None:
    result = reading(f"nn.ConvTranspose2d({arguments})")
    assert result.operator == changed(fields)
    assert result.form == "torch.nn.ConvTranspose2d"
    is_noted = name in {"device", "dtype"}
    assert [note.partition(":")[0] for note in result.notes] == ([name] if is_noted else [])


@pytest.mark.parametrize(
    ("name", "arguments", "fields"), [row for row in LAYER if row[0] != "in_channels"]
)
def test_parameter_of_the_lazy_layer(name: str, arguments: str, fields: Mapping[str, Any]) -> None:
    text = f"nn.LazyConvTranspose2d({arguments.removeprefix('4, ')})"
    result = reading(text, input=INPUT)
    assert (result.operator, result.input) == (changed(fields), INPUT)
    assert result.form == "torch.nn.LazyConvTranspose2d"
    assert name


FUNCTION: list[tuple[str, str, dict[str, Any]]] = [
    ("input", "x, w, b", {}),
    ("input", "input=x, weight=w, bias=b", {}),
    ("weight", "x, self.weight, b", {}),
    ("weight", "x, torch.randn(4, 6, 3, 2), b", {}),
    ("bias", "x, w", {"bias": False}),
    ("bias", "x, w, None", {"bias": False}),
    ("bias", "x, w, bias=None", {"bias": False}),
    ("stride", "x, w, b, 2", {"stride": (2, 2)}),
    ("stride", "x, w, b, stride=(2, 3)", {"stride": (2, 3)}),
    ("padding", "x, w, b, 1, (2, 1)", {"crop": ((2, 2), (1, 1))}),
    ("output_padding", "x, w, b, 2, 1, 1", {"stride": (2, 2), "crop": ((1, 0), (1, 0))}),
    ("groups", "x, w, b, 1, 0, 0, 2", {"groups": 2, "out_channels": 12}),
    ("dilation", "x, w, b, 1, 0, 0, 1, (2, 1)", {"dilation": (2, 1)}),
    ("dilation", "x, w, b, dilation=3", {"dilation": (3, 3)}),
]


@pytest.mark.parametrize(("name", "arguments", "fields"), FUNCTION)
@pytest.mark.parametrize("called", ["F", "torch", "nn.functional", "torch.nn.functional"])
def test_parameter_of_the_function(
    name: str, arguments: str, fields: Mapping[str, Any], called: str
) -> None:
    result = reading(f"{called}.conv_transpose2d({arguments})", weight=WEIGHT)
    assert (result.operator, result.notes) == (changed(fields), ())
    assert result.form == "torch.nn.functional.conv_transpose2d"
    assert name


def test_every_parameter_has_a_test_by_its_name() -> None:
    assert {p.name for p in FORMS["torch.nn.ConvTranspose2d"].parameters} == {n for n, *_ in LAYER}
    function = FORMS["torch.nn.functional.conv_transpose2d"]
    assert {p.name for p in function.parameters} == {name for name, *_ in FUNCTION}


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        ("nn.ConvTranspose1d(4, 6, 3, 2, 1, 1)", "ic4_oc6_k3_s2_c1.0_b"),
        ("nn.ConvTranspose1d(4, 6, (3,), stride=(2,))", "ic4_oc6_k3_s2_b"),
        ("nn.ConvTranspose3d(4, 6, (3, 1, 2), 2)", "ic4_oc6_k3x1x2_s2x2x2_b"),
        ("nn.ConvTranspose3d(4, 6, 2, (1, 2, 3))", "ic4_oc6_k2x2x2_s1x2x3_b"),
        # https://github.com/pytorch/examples/blob/main/dcgan/main.py
        (
            "ngf = 64\nnn.ConvTranspose2d(ngf * 8, ngf * 4, 4, 2, 1, bias=False),",
            "ic512_oc256_k4x4_s2x2_c1.1x1.1",
        ),
    ],
)
def test_snippet(text: str, descriptor: str) -> None:
    assert reading(text).operator.descriptor == descriptor


# output_size in the call of the layer.

SIZES = [
    ("[11, 15]", ((0, 0), (0, -1))),
    ("(12, 14)", ((0, -1), (0, 0))),
    ("(2, 6, 12, 15)", ((0, -1), (0, -1))),
]


@pytest.mark.parametrize(("size", "crop"), SIZES)
@pytest.mark.parametrize(
    "text",
    [
        "nn.ConvTranspose2d(4, 6, (3, 2), stride=2)(x, output_size={})",
        "up = nn.ConvTranspose2d(4, 6, (3, 2), stride=2)\ny = up(x, output_size={})",
        "self.up = nn.ConvTranspose2d(4, 6, (3, 2), 2, 0, 1)\nreturn self.up(x, output_size={})",
    ],
)
def test_output_size(text: str, size: str, crop: tuple[tuple[int, int], ...]) -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2, crop=crop)
    assert reading(text.format(size), input=INPUT).operator == wanted


@pytest.mark.parametrize("size", ["h1.size()", "[h, w]", "shape"])
def test_an_output_size_that_is_not_known_is_noted(size: str) -> None:
    text = f"up = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1)\ny = up(x, output_size={size})"
    found = reading(text)
    assert found.operator == Operator.of(4, 6, (3, 3), stride=2, crop=1)
    assert any("which chooses the output's size at every call" in note for note in found.notes)


def test_output_size_needs_the_input() -> None:
    with pytest.raises(InputError, match=r"output_size chooses .*: add input 1,64,16,16 with"):
        reading("nn.ConvTranspose2d(4, 6, 3)(x, output_size=[7, 9])")


REFUSED = {
    "nn.ConvTranspose2d(4, 6, (3,))": "kernel_size (3) has one number; PyTorch takes 2, or a",
    "nn.ConvTranspose2d(4, 6, 0)": "kernel_size is 0; it must be at least 1.",
    "nn.ConvTranspose2d(4, 6, 3, stride=0)": "stride is 0; it must be at least 1.",
    "nn.ConvTranspose2d(4, 6, 3, stride=1.0)": "stride must be an integer, found 1.0: write 1.",
    "nn.ConvTranspose2d(4, 6, 3, padding=-1)": "padding is -1; it must be at least 0.",
    "nn.ConvTranspose2d(4, 6, 3, padding='same')": "padding must be an integer, found 'same'.",
    "nn.ConvTranspose2d(4, 6, 3, dilation=0)": "dilation is 0; it must be at least 1.",
    "nn.ConvTranspose2d(4, 6, 3, groups=4)": "groups 4 does not divide out_channels 6",
    "nn.ConvTranspose2d(4, 6, 3, groups=0)": "groups is 0; it must be at least 1.",
    "nn.ConvTranspose2d(4, 6, 3, bias=2.5)": "bias must be True or False, found 2.5.",
    "nn.ConvTranspose2d(4, 6, 3, padding_mode='reflect')": "padding_mode 'reflect': PyTorch takes",
    "nn.ConvTranspose2d(4, 6, 3, 2, 1, 2)": "output_padding [2, 2] must be smaller than max(stri",
    "nn.ConvTranspose2d(4, 6, 3, output_padding=1)": "output_padding [1, 1] must be smaller than",
    "nn.ConvTranspose2d(4, 6, 3, 2, output_padding=-1)": "output_padding is -1; it must be at le",
    "nn.ConvTranspose2d(4, 6, 3, 2)(x, output_size=[13, 15])": "output_size [13, 15]: this input "
    "allows [11, 15] to [12, 16].",
    "nn.ConvTranspose2d(4, 6, 3, 2)(x, output_size=[11])": "output_size [11]: this input allows",
}


@pytest.mark.parametrize(("text", "fact"), REFUSED.items(), ids=REFUSED)
def test_what_pytorch_refuses_is_refused(text: str, fact: str) -> None:
    with pytest.raises(InputError) as refused:
        reading(text, input=INPUT)
    assert fact in str(refused.value)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_form_has_a_document_and_says_its_rank(form: Any) -> None:
    assert form.source == f"https://docs.pytorch.org/docs/stable/generated/{form.name}.html"
    assert f"{form.rank}d" in form.name


@given(operators())
def test_programs_come_back(wanted: Operator) -> None:
    for style in ("function", "layer"):
        program = render(wanted, "pytorch", style=style)
        assert isinstance(program, Program)
        assert reading(program.text, weight=wanted.weight_shape).operator == wanted


# The real PyTorch.

SETUP = """
import torch
from torch import nn
import torch.nn.functional as F
torch.set_grad_enabled(False)
x, w, b = map(torch.from_numpy, (x, w, b))
"""
LOADED = "layer.weight.copy_(w)\nif layer.bias is not None: layer.bias.copy_(b)\n"


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    names = [name for name in FORMS if "functional" not in name]
    parameters = "[(p.name, repr(p.default)) for p in inspect.signature({}).parameters.values()]"
    result = reality.run(
        "pytorch",
        [Job(f"import inspect, torch\nz = {parameters.format(n)}", ("z",), {}) for n in names],
    )
    for name, real in zip(names, result, strict=True):
        table = [(p.name, p.default) for p in FORMS[name].parameters]
        absent = "<class 'inspect._empty'>"
        shown = [[p, absent if default is REQUIRED else repr(default)] for p, default in table]
        assert shown == real["z"]


@pytest.mark.frameworks
def test_tables_are_the_signatures_of_the_functions() -> None:
    # They are built in: their signature is the first line of their documentation.
    names = [name for name in FORMS if "functional" in name]
    result = reality.run(
        "pytorch", [Job(f"import torch\nz = {n}.__doc__", ("z",), {}) for n in names]
    )
    for name, real in zip(names, result, strict=True):
        shown = [
            p.name if p.default is REQUIRED else f"{p.name}={p.default}"
            for p in FORMS[name].parameters
        ]
        signature = f"{name.rpartition('.')[2]}({', '.join(shown)})"
        assert real["z"].strip().startswith(signature)


def random_calls(count: int) -> list[WrittenCall]:
    """Calls as people write them, legal and not."""
    generator = random.Random(41)

    def numbers(rank: int, low: int, high: int) -> str:
        one = [generator.randint(low, high) for _ in range(rank)]
        return generator.choice([str(one[0]), str(tuple(one)), str(one)])

    calls = []
    for place in range(count):
        rank, groups = generator.choice((1, 2, 2, 3)), generator.choice((1, 1, 2))
        kernel = tuple(generator.randint(1, 3) for _ in range(rank))
        weight = (2 * groups, generator.randint(1, 2), *kernel)
        size = (generator.randint(1, 2), 2 * groups, *(generator.randint(2, 5) for _ in kernel))
        options = {
            "stride": numbers(rank, 1, 3),
            "padding": numbers(rank, 0, 2),
            "output_padding": numbers(rank, 0, generator.choice((0, 2))),
            "groups": str(groups),
            "dilation": numbers(rank, 1, 2),
        }
        given_ = {name: options[name] for name in options if generator.random() < 0.6}
        if groups > 1:
            given_["groups"] = str(groups)
        pairs = ", ".join(f"{name}={value}" for name, value in given_.items())
        channels = f"{weight[0]}, {weight[1] * groups}, {kernel}"
        if place % 3 == 0:
            text = f"y = F.conv_transpose{rank}d(x, w, b, {pairs})"
        elif place % 3 == 1:
            text = f"layer = nn.ConvTranspose{rank}d({channels}, {pairs})\n{LOADED}y = layer(x)"
        else:
            asked = [generator.randint(4, 9) for _ in range(rank)]
            text = (
                f"layer = nn.ConvTranspose{rank}d({channels}, {pairs})\n{LOADED}"
                f"y = layer(x, output_size={asked})"
            )
        calls.append(WrittenCall(text, size, weight, groups))
    return calls


@pytest.mark.frameworks
def test_random_calls_are_read_as_pytorch_computes_them() -> None:
    wrong = reality.disagreements("pytorch", SETUP, random_calls(240), least=60)
    # An output without elements is refused by some of PyTorch's implementations, not by all.
    assert [row for row in wrong if "Output size is too small" not in row[-1]] == []


@pytest.mark.frameworks
def test_what_we_refuse_pytorch_refuses() -> None:
    jobs = [
        Job(
            "import torch\nfrom torch import nn\nx = torch.ones(2, 4, 5, 7)\n"
            + (f"y = {text}" if "(x" in text else f"y = {text}(x)"),
            (),
            {},
        )
        for text in REFUSED
    ]
    accepted = [
        text
        for text, real in zip(REFUSED, reality.run("pytorch", jobs), strict=True)
        if "error" not in real
    ]
    # PyTorch asks only whether a bias is true, and takes a kernel without elements.
    assert set(accepted) <= {
        "nn.ConvTranspose2d(4, 6, 3, bias=2.5)",
        "nn.ConvTranspose2d(4, 6, 0)",
    }


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    drawn = reality.random_operators(60, seed=31)
    assert reality.layers_that_differ("pytorch", drawn) == []


@pytest.mark.parametrize(("word", "counts"), [("prelu", True), ("no", True), ("", False)])
def test_a_word_in_the_place_of_the_bias_counts_as_python_has_it(word: str, counts: bool) -> None:
    result = reading(f"nn.ConvTranspose2d(4, 6, 3, bias={word!r})")
    assert result.operator.bias is counts
    note = f"bias: {word!r} counts as {counts}: PyTorch asks only whether it is true."
    assert result.notes == (note,)


def test_a_weight_normed_layer_of_a_file_of_its_own_is_read() -> None:
    text = "from layers import WNConvTranspose1d\nup = WNConvTranspose1d(8, 4, 5, stride=2)"
    result = reading(text)
    assert result.operator.descriptor == "ic8_oc4_k5_s2_b"
    assert [note.partition(":")[0] for note in result.notes] == [
        "WNConvTranspose1d is imported from layers, which is not known here",
        "weight_norm",
    ]


@pytest.mark.frameworks
def test_a_word_in_the_place_of_the_bias_makes_one() -> None:
    text = "import torch\ny = len([*torch.nn.ConvTranspose2d(4, 6, 3, bias={!r}).parameters()])"
    jobs = [Job(f"{text.format(word)}\ny = torch.ones(y)", ("y",), {}) for word in ("no", "")]
    assert [sum(real["y"]) for real in reality.run("pytorch", jobs)] == [2, 1]


@pytest.mark.parametrize("call", ["up(h, [12, 11])", "up(h, output_size=(12, 11))"])
def test_output_size_is_read_by_position_too(call: str) -> None:
    text = f"up = nn.ConvTranspose2d(16, 16, 3, stride=2, padding=1)\nout = {call}"
    assert read(text, input=(1, 16, 6, 6)).operator.crop == ((1, 0), (1, 1))
