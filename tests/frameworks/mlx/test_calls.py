"""What MLX's calls mean, in the words of its documents and of people's code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.convention.registry import convention, render
from harness.core.operators import operator_from_words
from harness.core.program import Program
from harness.lookup.answer import look_up
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError
from harness.weights.layouts import layout

FORMS = {form.name: form for form in convention("mlx").forms}
CALL = "y = mx.conv_transpose2d(x, w{})"
LAYER = "import mlx.nn as nn\nup = nn.ConvTranspose2d(4, 6, (3, 2){})"
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("input", CALL.format(""), {"in_channels": 4, "bias": False}),
    ("weight", CALL.format(""), {"kernel": (3, 2), "out_channels": 6}),
    ("stride", CALL.format(", (2, 3)"), {"stride": (2, 3)}),
    ("padding", CALL.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    # PyTorch would take it for groups, or for output_padding.
    ("dilation", CALL.format(", 1, 0, (2, 1)"), {"dilation": (2, 1), "crop": ((0, 0), (0, 0))}),
    ("output_padding", CALL.format(", 1, 1, 1, (0, 5)"), {"crop": ((1, 1), (1, -4))}),
    ("groups", CALL.format(", 1, 0, 1, 0, 2"), {"groups": 2, "out_channels": 12}),
    ("stream", CALL.format(", stream=mx.cpu"), {"groups": 1}),
    ("in_channels", LAYER.format(""), {"in_channels": 4}),
    ("out_channels", LAYER.format(""), {"out_channels": 6, "bias": True}),
    ("kernel_size", LAYER.format(""), {"kernel": (3, 2)}),
    ("stride", LAYER.format(", 2"), {"stride": (2, 2)}),
    ("padding", LAYER.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    ("dilation", LAYER.format(", 1, 0, 2"), {"dilation": (2, 2)}),
    ("output_padding", LAYER.format(", 2, 1, 1, 1"), {"crop": ((1, 0), (1, 0))}),
    ("bias", LAYER.format(", 1, 0, 1, 0, False"), {"bias": False}),
]


@pytest.mark.parametrize(("name", "text", "fields"), CALLS)
def test_parameter(name: str, text: str, fields: dict[str, Any]) -> None:
    result = read(text, input=IN, weight=WEIGHT)
    assert FORMS[result.form].parameter(name) is not None
    assert {key: getattr(result.operator, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    known = {parameter.name for form in FORMS.values() for parameter in form.parameters}
    assert {name for name, *_ in CALLS} == known


TEXTS = {
    # The input and the weights have their channels last, and the weights those of the output first.
    """
import mlx.core as mx
x, w = mx.zeros((1, 16, 20, 64)), mx.random.normal((32, 4, 3, 64))
y = mx.conv_transpose2d(x, w, stride=(2, 2), padding=(1, 1)) + b.reshape(1, -1)
""": ("ic64_oc32_k4x3_s2x2_c1.1x1.1_b", (1, 64, 16, 20)),
    """
import mlx.core as mx
y = mx.conv_transpose1d(mx.zeros((1, 9, 6)), mx.zeros((4, 3, 3)), stride=2, groups=2)
y = y[:, 1:-2, :]
""": ("ic6_oc4_k3_s2_c1.2_g2", (1, 6, 9)),
    # Adapted from encodec in https://github.com/ml-explore/mlx-examples.
    """
import mlx.core as mx
import mlx.nn as nn
class EncodecConvTranspose1d(nn.Module):
    def __init__(self, config, in_channels: int, out_channels: int, kernel_size: int, stride=1):
        super().__init__()
        self.conv = nn.ConvTranspose1d(in_channels, out_channels, kernel_size, stride)
up = EncodecConvTranspose1d(config, 64, 32, 8, stride=4)
""": ("ic64_oc32_k8_s4_b", None),
    """
from mlx.nn import ConvTranspose3d
up = ConvTranspose3d(8, 4, 2, stride=2, bias=False)
""": ("ic8_oc4_k2x2x2_s2x2x2", None),
}


@pytest.mark.parametrize("text", TEXTS)
def test_whole_text(text: str) -> None:
    descriptor, shape = TEXTS[text]
    result = read(text)
    assert (result.framework, result.operator.descriptor) == ("mlx", descriptor)
    assert (result.input, result.channels_last) == (shape, True)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("mx.conv_transpose1d(x, w, stride=(2,))", "MLX takes a number for one axis"),
        (CALL.format(", (2,)"), "MLX takes one number, or 2"),
        (CALL.format(", 1, -1"), "must be at least 0"),
        (CALL.format(", bias=b"), "no parameter 'bias'"),
        (LAYER.format(", groups=2"), "no parameter 'groups'"),
        ("w = mx.zeros((3, 2, 2, 4))\n" + CALL.format(", groups=2"), "does not divide c_out 3"),
        ("w = mx.zeros((3, 2, 4))\n" + CALL.format(""), "has the shape .3, 2, 4. of 3 axes"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, weight=None if "zeros" in text else WEIGHT[: 3 if "1d" in text else 4])


def test_a_padding_that_is_computed_wrongly_is_noted() -> None:
    weight = (4, 6, 3, 1)
    (note,) = read(CALL.format(", 2, 1"), weight=weight).notes
    assert "computes another size" in note
    assert read(CALL.format(", 1, 1"), weight=weight).notes == ()


WRITTEN = {
    "ic4_oc6_k3x2_s2x3_c1.0x0.-1_g2_b": (
        "y_ = mx.conv_transpose2d(w_, stride=(2, 3), padding=(1, 0), output_padding=1, groups=2)\n"
        "y_ = y_ + b_.reshape(1, -1)"
    ),
    # More padding than the kernel reaches, and an extension at the beginning.
    "ic4_oc6_k3x1_s2x2_c0.1x1.1": (
        "y_ = mx.conv_transpose2d(w_, stride=2)\ny_ = y_[:, :-1, 1:-1, :]"
    ),
    "ic4_oc6_k3_c-1.-2_b": (
        "y_ = mx.conv_transpose1d(w_, output_padding=2)\n"
        "y_ = mx.pad(y_, [(0, 0), (1, 0), (0, 0)])\ny_ = y_ + b_.reshape(1, -1)"
    ),
    # https://github.com/ml-explore/mlx/pull/1262
    "ic4_oc6_k3x2x2_g2": (
        "x_groups = mx.split(x_, 2, axis=-1)\nw_groups = mx.split(w_, 2, axis=0)\n"
        "y_ = mx.concatenate([\n    mx.conv_transpose3d(x_group, w_group)\n"
        "    for x_group, w_group in zip(x_groups, w_groups)\n], axis=-1)"
    ),
}


@pytest.mark.parametrize(("descriptor", "call"), WRITTEN.items())
def test_what_is_written(descriptor: str, call: str) -> None:
    program = render(operator_from_words(descriptor.split("_")), "mlx")
    assert isinstance(program, Program)
    assert program.call.replace("(x_, w_", "(w_") == call
    assert program.support == ("native" if "[" not in call else "rewritten")


def test_layers_have_no_groups_and_the_function_is_written() -> None:
    (answer,) = look_up("ic4_oc6_k3_g2_b", to=["mlx"], style="layer").translations
    assert "MLX's layers take no groups: this is the function." in answer.notes


def test_weights_have_the_outputs_of_all_groups_first() -> None:
    assert [layout("mlx", rank) for rank in (1, 2, 3)] == ["OWI", "OHWI", "ODHWI"]
    (answer,) = look_up("ic4_oc6_k3x3_g2", to=["mlx"]).translations
    assert answer.weights.pattern == "(G I) O H W -> (G O) H W I"
