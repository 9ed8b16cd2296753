"""What tinygrad's calls mean, in the words of its documents and of people's code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.convention.registry import convention, render
from harness.core.operators import operator_from_words
from harness.core.program import Program
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

IMPORT = "from tinygrad import Tensor, nn\n"
CALL = IMPORT + "y = x.conv_transpose2d(w{})"
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)

# Of the method.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("weight", "", {"in_channels": 4, "out_channels": 6, "kernel": (3, 2), "bias": False}),
    ("bias", ", b", {"bias": True}),
    ("bias", ", bias=None", {"bias": False}),
    ("groups", ", None, 2", {"groups": 2, "out_channels": 12}),
    ("stride", ", None, 1, (2, 3)", {"stride": (2, 3)}),
    ("dilation", ", None, 1, 1, (1, 2)", {"dilation": (1, 2)}),
    ("padding", ", padding=1", {"crop": ((1, 1), (1, 1))}),
    ("padding", ", padding=(1, 0)", {"crop": ((1, 1), (0, 0))}),
    # From the last axis to the first.
    ("padding", ", padding=(1, 0, 2, -1)", {"crop": ((2, -1), (1, 0))}),
    ("output_padding", ", padding=1, output_padding=(0, 5)", {"crop": ((1, 1), (1, -4))}),
]


@pytest.mark.parametrize(("name", "options", "fields"), CALLS)
def test_parameter_of_the_method(name: str, options: str, fields: dict[str, Any]) -> None:
    (form,) = (each for each in convention("tinygrad").forms if each.is_method)
    assert form.parameter(name) is not None
    result = read(CALL.format(options), input=IN, weight=WEIGHT)
    assert {key: getattr(result.operator, key) for key in fields} == fields


LAYERS = {
    # https://docs.tinygrad.org/nn/#tinygrad.nn.ConvTranspose2d
    "conv = nn.ConvTranspose2d(1, 1, 3)": "ic1_oc1_k3x3_b",
    "conv = nn.ConvTranspose1d(1, 1, 3)": "ic1_oc1_k3_b",
    # PyTorch would take the seventh for groups, and the eighth for the bias.
    "nn.ConvTranspose2d(64, 32, 4, 2, 1, 0, 3, 8)": "ic64_oc32_k4x4_s2x2_d3x3_c1.1x1.1_g8_b",
    "nn.ConvTranspose2d(4, 6, (3,), stride=2, bias=False)": "ic4_oc6_k3_s2",
    "nn.ConvTranspose2d(4, 6, (3, 3, 2), output_padding=1)": "ic4_oc6_k3x3x2_c0.-1x0.-1x0.-1_b",
    "nn.ConvTranspose2d(4, 6, (4, 3), padding='same')": "ic4_oc6_k4x3_c1.2x1.1_b",
    "nn.ConvTranspose2d(4, 6, (4, 2), padding='SAME', dilation=(1, 2))": (
        "ic4_oc6_k4x2_d1x2_c3.3x0.1_b"
    ),
}


@pytest.mark.parametrize(("text", "descriptor"), LAYERS.items(), ids=LAYERS)
def test_layer(text: str, descriptor: str) -> None:
    assert read(IMPORT + text).operator.descriptor == descriptor


TEXTS = {
    # Adapted from tinygrad's examples/vgan and extra/models: modules import the class alone.
    """
from tinygrad.tensor import Tensor
t = Tensor.arange(9).reshape(1, 1, 3, 3)
w = Tensor.ones(1, 1, 2, 2)
print(t.conv_transpose2d(w).numpy())
""": ("ic1_oc1_k2x2", None),
    """
from tinygrad import Tensor
x, w = Tensor.rand(1, 64, 16, 16), Tensor.zeros(64, 32, 4, 4)
y = x.relu().conv_transpose2d(w, stride=2, padding=(1, 2, 3, 4)).sigmoid()
""": ("ic64_oc32_k4x4_s2x2_c3.4x1.2", None),
    """
import tinygrad
tinygrad.Tensor.conv_transpose2d(x, tinygrad.Tensor.ones(4, 6, 3), stride=2)
""": ("ic4_oc6_k3_s2", None),
    """
from tinygrad.nn import ConvTranspose2d
class Up:
    def __init__(self, c=8):
        self.up = ConvTranspose2d(c * 2, c, kernel_size=(2, 2), stride=2)
    def __call__(self, x): return self.up(x)
""": ("ic16_oc8_k2x2_s2x2_b", None),
    """
from tinygrad import Tensor
x = Tensor.zeros(2, 4, 5, 5)
y = x.conv_transpose2d(Tensor.ones(4, 6, 3, 3), groups=2)
""": ("ic4_oc12_k3x3_g2", (2, 4, 5, 5)),
}


@pytest.mark.parametrize("text", TEXTS)
def test_whole_text(text: str) -> None:
    descriptor, shape = TEXTS[text]
    result = read(text)
    assert (result.framework, result.operator.descriptor) == ("tinygrad", descriptor)
    assert shape in (None, result.input)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (CALL.format(", padding=(1, 2, 3)"), "tinygrad takes one, 2, or 4: two for each axis"),
        (CALL.format(", padding='same'"), "tinygrad takes numbers"),
        (CALL.format(", output_padding=-1"), "must be at least 0"),
        (CALL.format(", padding=9"), "output height would be"),
        (IMPORT + "nn.ConvTranspose2d(4, 6, (3, 2), 2, 'same')", "for a stride of 1"),
        (IMPORT + "nn.ConvTranspose2d(4, 6, (3, 2), 1, 'valid')", "takes 'same' or numbers"),
        (IMPORT + "nn.ConvTranspose2d(4, 6, 3, padding_mode='zeros')", "no parameter"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, input=IN, weight=WEIGHT)


def test_a_text_that_imports_another_framework_is_that_ones() -> None:
    text = "# like tinygrad\nimport torch.nn as nn\nnn.ConvTranspose2d(8, 4, 3, 2, 1, 1, 2)"
    result = read(text)
    assert (result.framework, result.operator.groups) == ("pytorch", 2)


WRITTEN = {
    "ic4_oc6_k3x2_s2x3_c1.0x0.-1_g2_b": (
        "y_ = x_.conv_transpose2d("
        "w_, b_, groups=2, stride=(2, 3), padding=(1, 0), output_padding=1)"
    ),
    "ic4_oc6_k3x2_c1.2x-1.0": "y_ = x_.conv_transpose2d(w_, padding=(-1, 0, 1, 2))",
    "ic4_oc6_k3_d2_c0.1": "y_ = x_.conv_transpose2d(w_, dilation=2, padding=(0, 1))",
}


@pytest.mark.parametrize(("descriptor", "call"), WRITTEN.items())
def test_every_operator_is_one_call(descriptor: str, call: str) -> None:
    program = render(operator_from_words(descriptor.split("_")), "tinygrad")
    assert isinstance(program, Program)
    assert (program.support, program.call) == ("native", call)
