"""What Core ML's ``conv_transpose`` means, in its documents' words and in people's code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.convention.registry import convention, render
from harness.core.operators import Operator, operator_from_words
from harness.core.program import Program, Unsupported
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

CALL = "y = mb.conv_transpose(x=x, weight=w{})"
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)
PADS = ", pad_type='custom', pad=[1, 0, 2, 1]"

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("x", "", {"in_channels": 4, "bias": False}),
    ("weight", "", {"out_channels": 6, "kernel": (3, 2)}),
    ("bias", ", bias=b", {"bias": True}),
    # (begin, end) of each axis in turn.
    ("pad", PADS, {"crop": ((1, 0), (2, 1))}),
    ("pad", ", pad=[1, 0, 2, 1]", {"crop": ((0, 0), (0, 0))}),
    ("pad_type", ", pad_type='same', strides=[2, 2]", {"crop": ((0, 1), (0, 0))}),
    ("pad_type", ", pad_type='same', strides=[1, 3]", {"crop": ((1, 1), (0, -1))}),
    ("pad_type", ", pad_type='valid'", {"crop": ((0, 0), (0, 0))}),
    ("output_shape", f"{PADS}, output_shape=[1, 6, 6, 5]", {"crop": ((1, 0), (2, 1))}),
    ("output_shape", ", output_shape=[1, 6, 6, 10]", {"crop": ((0, 1), (0, -2))}),
    ("strides", ", strides=[2, 3]", {"stride": (2, 3)}),
    ("dilations", ", dilations=(1, 2)", {"dilation": (1, 2)}),
    ("groups", ", groups=2", {"groups": 2, "out_channels": 12}),
    ("name", ", name='up'", {"groups": 1}),
]


@pytest.mark.parametrize(("name", "options", "fields"), CALLS)
def test_parameter(name: str, options: str, fields: dict[str, Any]) -> None:
    result = read(CALL.format(options), input=IN, weight=WEIGHT)
    assert (result.framework, result.form) == ("coreml", convention("coreml").forms[0].name)
    assert {key: getattr(result.operator, key) for key in fields} == fields
    assert name in options or name in {"x", "weight"}


def test_every_parameter_has_a_test_by_its_name() -> None:
    (form,) = convention("coreml").forms
    assert {name for name, *_ in CALLS} == {parameter.name for parameter in form.parameters}


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (", pad=[1, 0, 2, 1]", "pad is ignored with pad_type 'valid'"),
        (", pad_type='same', strides=[2, 2]", "removes an odd element from the end"),
        (", pad_type='same', strides=[1, 3]", "extends the output at the end"),
        (", output_shape=[1, 6, 6, 10]", "output_shape is another than pads make"),
    ],
)
def test_what_surprises_is_noted(options: str, note: str) -> None:
    (found,) = read(CALL.format(options), input=IN, weight=WEIGHT).notes
    assert note in found


TEXTS = {
    # Of coremltools' own tests, shortened.
    """
from coremltools.converters.mil.mil import Builder as mb
N, C_in, C_out, D1 = 1, 3, 5, 20
@mb.program(input_specs=[mb.TensorSpec(shape=(N, C_in, D1))])
def prog(x):
    weight = np.random.rand(C_in, C_out, D1).astype(np.float32)
    return mb.conv_transpose(x=x, weight=weight)
""": "ic3_oc5_k20",
    """
import coremltools as ct
from coremltools.converters.mil import Builder as mb
def block(x):
    w = np.zeros((8, 4, 2, 2), np.float16)
    y = mb.conv_transpose(x=x, weight=mb.const(val=w), strides=[2, 2], groups=2)
    return mb.relu(x=y)
""": "ic8_oc8_k2x2_s2x2_g2",
    """
from coremltools.converters.mil import Builder as mb
w = np.zeros((8, 4, 3), np.float32)
y = mb.conv_transpose(x=x, weight=w, strides=[2], pad_type="custom", pad=[1, 0])
y = mb.pad(x=y, pad=[0, 0, 0, 0, 0, 2], mode="constant", constant_val=0.0)
y = mb.add(x=y, y=b.reshape(-1, 1))
""": "ic8_oc4_k3_s2_c1.-2_b",
}


@pytest.mark.parametrize("text", TEXTS)
def test_whole_text(text: str) -> None:
    result = read(text)
    assert (result.framework, result.operator.descriptor) == ("coreml", TEXTS[text])


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (CALL.format(", strides=2"), "Core ML takes a list of 2, one for each axis"),
        (CALL.format(", strides=[2]"), "has 1 numbers; Core ML takes 2"),
        (CALL.format(", dilations=[0, 1]"), "must be at least 1 on every axis"),
        (CALL.format(", pad_type='custom', pad=[1, 1]"), "4, two for each axis in turn"),
        (CALL.format(", pad_type='custom', pad=[-1, 1, 0, 0]"), "pad .* must be at least 0"),
        (CALL.format(", pad_type='custom'"), "needs pad"),
        (CALL.format(", pad_type='same_lower'"), "pad_type must be 'valid' or 'custom' or 'same'"),
        (CALL.format(", output_shape=[6, 10]"), "Core ML takes 4: batch, channels and sizes"),
        (CALL.format(", output_shape=[1, 5, 7, 8]"), "has 5 channels, the weights 6"),
        (CALL.format(", output_padding=[1, 1]"), "no parameter 'output_padding'"),
        ("mb.conv_transpose(x, w)", "at most 0 arguments by position"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, input=IN, weight=WEIGHT)


WRITTEN = {
    "ic4_oc6_k3x2_s2x1_c1.0x0.2_g2_b": (
        'y_ = mb.conv_transpose(x=x_, weight=w, bias=b, pad_type="custom", pad=[1, 0, 0, 2], '
        "strides=[2, 1], groups=2)"
    ),
    "ic4_oc6_k3_d2": "y_ = mb.conv_transpose(x=x_, weight=w, dilations=[2])",
    "ic4_oc6_k3_c-1.2_b": (
        'y_ = mb.conv_transpose(x=x_, weight=w, pad_type="custom", pad=[0, 2])\n'
        'y_ = mb.pad(x=y_, pad=[0, 0, 0, 0, 1, 0], mode="constant", constant_val=0.0)\n'
        "y_ = mb.add(x=y_, y=b.reshape(-1, 1))"
    ),
}


@pytest.mark.parametrize(("descriptor", "call"), WRITTEN.items())
def test_what_is_written(descriptor: str, call: str) -> None:
    program = render(operator_from_words(descriptor.split("_")), "coreml")
    assert isinstance(program, Program)
    assert program.definition == call
    assert program.support == ("rewritten" if "mb.pad" in call else "native")


def test_there_is_no_float64() -> None:
    assert isinstance(render(Operator.of(1, 1, (3,)), "coreml", "float64"), Unsupported)
