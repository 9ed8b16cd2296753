"""What TVM's calls mean, in the words of its documents, its tests and people's code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.convention.registry import convention, render
from harness.core.operators import operator_from_words
from harness.core.program import Program
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("tvm").forms}
RELAX = "y = relax.op.nn.conv2d_transpose(x, w{})"
RELAY = "y = relay.nn.conv2d_transpose(x, w{})"
TOPI = "y = topi.nn.conv2d_transpose_nchw(x, w, {})"
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("data", RELAX.format(""), {"in_channels": 4, "bias": False}),
    ("weight", RELAX.format(""), {"out_channels": 6, "kernel": (3, 2)}),
    ("strides", RELAX.format(", (2, 3)"), {"stride": (2, 3)}),
    ("padding", RELAX.format(", 1, (1, 0)"), {"crop": ((1, 1), (0, 0))}),
    # (top, left, bottom, right).
    ("padding", RELAX.format(", 1, (1, 0, 2, -1)"), {"crop": ((1, 2), (0, -1))}),
    ("output_padding", RELAX.format(", 2, 1, (0, 1)"), {"crop": ((1, 1), (1, 0))}),
    ("dilation", RELAX.format(", 1, 0, 0, (1, 2)"), {"dilation": (1, 2)}),
    ("groups", RELAX.format(", 1, 0, 0, 1, 2"), {"groups": 2, "out_channels": 12}),
    ("data_layout", RELAX.format(", data_layout='NHWC'"), {"kernel": (3, 2)}),
    ("kernel_layout", RELAX.format(", kernel_layout='HWOI'"), {"kernel": (3, 2)}),
    ("out_layout", RELAX.format(", out_layout=''"), {"kernel": (3, 2)}),
    ("out_dtype", RELAX.format(", out_dtype='float32'"), {"kernel": (3, 2)}),
    # Relay has the dilation where Relax has the output padding.
    ("dilation", RELAY.format(", 1, 0, (1, 2)"), {"dilation": (1, 2)}),
    ("channels", RELAY.format(", 1, 0, 1, 6, (3, 2)"), {"out_channels": 6}),
    ("kernel_size", RELAY.format(", kernel_size=(3, 2)"), {"kernel": (3, 2)}),
    ("groups", RELAY.format(", channels=12, groups=2"), {"groups": 2, "out_channels": 12}),
    ("Input", TOPI.format("(2, 2), 0, 'float32', (0, 0)"), {"in_channels": 4}),
    ("Filter", TOPI.format("(2, 2), 0, 'float32', (0, 0)"), {"out_channels": 6}),
    ("strides", TOPI.format("(2, 3), 0, 'float32', (0, 0)"), {"stride": (2, 3)}),
    ("padding", TOPI.format("(2, 2), 'SAME', 'float32', (0, 0)"), {"crop": ((1, 1), (1, 0))}),
    ("padding", TOPI.format("(2, 2), 'VALID', 'float32', (0, 0)"), {"crop": ((0, 0), (0, 0))}),
    ("out_dtype", TOPI.format("(2, 2), (1, 0), 'float32', (1, 0)"), {"crop": ((1, 0), (0, 0))}),
    ("output_padding", TOPI.format("(2, 2), 1, 'int32', (0, 1)"), {"crop": ((1, 1), (1, 0))}),
    (
        "groups",
        "topi.nn.group_conv2d_transpose_nchw(x, w, 2, 0, 'float32', (0, 0), 2)",
        {"groups": 2},
    ),
]


@pytest.mark.parametrize(("name", "text", "fields"), CALLS)
def test_parameter(name: str, text: str, fields: dict[str, Any]) -> None:
    result = read(text, input=IN, weight=WEIGHT)
    assert result.framework == "tvm"
    assert FORMS[result.form].parameter(name) is not None
    assert {key: getattr(result.operator, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    known = {parameter.name for form in FORMS.values() for parameter in form.parameters}
    assert {name for name, *_ in CALLS} == known


TEXTS = {
    # TVMScript, as Relax prints it.
    """
from tvm.script import relax as R
@R.function
def main(x: R.Tensor((1, 4, 5, 7), "float32"), w: R.Tensor((4, 3, 3, 3), "float32")):
    gv = R.nn.conv2d_transpose(x, w, strides=[2, 2], padding=[1, 1, 1, 1],
        output_padding=[1, 1], dilation=[1, 1], groups=2, data_layout="NCHW",
        kernel_layout="IOHW", out_layout="NCHW", out_dtype="void")
    return gv
""": ("ic4_oc6_k3x3_s2x2_c1.0x1.0_g2", (4, 3, 3, 3)),
    # Of TVM's own tests, shortened.
    """
from tvm import relay
x = relay.var("x", relay.TensorType((1, 3, 18, 18), "float32"))
w = relay.var("w")
y = relay.nn.conv2d_transpose(x, w, channels=10, kernel_size=(3, 3), strides=(2, 2),
                              padding=(1, 1), output_padding=(1, 1), data_layout="NCHW",
                              kernel_layout="OIHW")
""": ("ic3_oc10_k3x3_s2x2_c1.0x1.0", (3, 10, 3, 3)),
    """
import tvm
from tvm import te, topi
A = te.placeholder((1, 3, 224, 224), name="A")
W = te.placeholder((3, 32, 5, 5), name="W")
B = topi.nn.conv2d_transpose_nchw(A, W, [2, 2], [1, 1, 1, 1], A.dtype, (0, 0))
C = topi.nn.relu(B)
""": ("ic3_oc32_k5x5_s2x2_c1.1x1.1", (3, 32, 5, 5)),
    """
from tvm import relax
builder = relax.BlockBuilder()
y = builder.emit(relax.op.nn.conv1d_transpose(x, w, 2, (1, 0)))
y = builder.emit(relax.op.add(y, relax.op.reshape(b, (1, -1, 1))))
""": ("ic4_oc6_k3_s2_c1.0_b", (4, 6, 3)),
}


@pytest.mark.parametrize("text", TEXTS)
def test_whole_text(text: str) -> None:
    descriptor, weight = TEXTS[text]
    result = read(text, weight=weight)
    assert (result.framework, result.operator.descriptor) == ("tvm", descriptor)


def test_layouts_are_those_of_the_text() -> None:
    text = "w = np.zeros((3, 2, 6, 4))\n" + RELAX
    result = read(text.format(", data_layout='NHWC', kernel_layout='HWOI'"), input=IN)
    assert result.operator.descriptor == "ic4_oc6_k3x2"
    assert (result.channels_last, result.weights) == (True, "HWOI")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (RELAX.format(", 2, 0, 2"), "output_padding .2, 2. must be less than the stride"),
        # PyTorch takes one that is less than the dilation.
        (RELAX.format(", 1, 0, 1, 2"), "must be less than the stride, .1, 1.: TVM refuses it"),
        (RELAX.format(", padding=(1, 2, 3)"), "TVM takes one, 2, or 4: all beginnings"),
        (RELAX.format(", data_layout='NCHW4c'"), "data_layout must be 'NCHW' or 'NHWC'"),
        (RELAX.format(", kernel_layout='OIHW16o'"), "kernel_layout must be 'IOHW' or"),
        (RELAX.format(", out_layout='NHWC'"), "out_layout is another than data_layout"),
        (RELAX.format(", bias=b"), "no parameter 'bias'"),
        (TOPI.format("2"), "needs padding"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, input=IN, weight=WEIGHT)


WRITTEN = {
    "ic4_oc6_k3x2_s2x1_c1.0x0.2_g2": (
        "y_ = builder.emit(relax.op.nn.conv2d_transpose("
        "x_, w_, strides=(2, 1), padding=(1, 0, 0, 2), groups=2))"
    ),
    "ic4_oc6_k3_s2_d2_c-1.-2_b": (
        "y_ = builder.emit(relax.op.nn.conv1d_transpose("
        "x_, w_, strides=2, padding=(-1, -2), dilation=2))\n"
        "y_ = builder.emit(relax.op.add(y_, relax.op.reshape(b_, (1, -1, 1))))"
    ),
    "ic4_oc6_k3x3x3_c1.1x1.1x1.1": (
        "y_ = builder.emit(relax.op.nn.conv3d_transpose(x_, w_, padding=1))"
    ),
}


@pytest.mark.parametrize(("descriptor", "call"), WRITTEN.items())
def test_every_operator_is_one_call(descriptor: str, call: str) -> None:
    program = render(operator_from_words(descriptor.split("_")), "tvm")
    assert isinstance(program, Program)
    assert (program.support, program.definition) == ("native", call)
