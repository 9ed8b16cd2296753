"""What OpenVINO's calls mean, held against the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import reality
from hypothesis import assume, given
from reality import Job, WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED
from harness.core.operators import Operator, Sizes
from harness.core.program import Program
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("openvino").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "openvino", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

CALL = "ops.convolution_backprop_data(x, w, [1, 1]{})"
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("data", "ops.convolution_backprop_data(data=x, filters=w, strides=[1, 1])",
     {"in_channels": 4, "bias": False}),
    ("filters", CALL.format(""), {"kernel": (3, 2), "out_channels": 6}),
    ("strides", "ops.convolution_backprop_data(x, w, [2, 3])", {"stride": (2, 3)}),
    ("strides", "ops.convolution_backprop_data(x, w, strides=(2, 3))", {"stride": (2, 3)}),
    ("output_shape", CALL.format(", [6, 7], [1, 0]"), {"crop": ((1, 0), (0, 1))}),
    ("output_shape", CALL.format(", output_shape=ops.constant([4, 8], np.int64)"),
     {"crop": ((0, 3), (0, 0))}),
    ("pads_begin", CALL.format(", None, [1, 0]"), {"crop": ((1, 0), (0, 0))}),
    ("pads_end", CALL.format(", None, [1, 0], [0, -2]"), {"crop": ((1, 0), (0, -2))}),
    ("dilations", CALL.format(", None, [1, 0], [0, 2], [2, 3]"), {"dilation": (2, 3)}),
    ("auto_pad", CALL.format(", None, [1, 0], [0, 2], [2, 3], 'explicit'"),
     {"crop": ((1, 0), (0, 2))}),
    ("auto_pad", CALL.format(", None, [1, 0], auto_pad='valid'"), {"crop": ((0, 0), (0, 0))}),
    ("auto_pad", CALL.format(", [4, 7], auto_pad='SAME_UPPER'"), {"crop": ((2, 1), (1, 0))}),
    ("auto_pad", CALL.format(", [4, 7], auto_pad='same_lower'"), {"crop": ((1, 2), (0, 1))}),
    ("auto_pad", CALL.format(", [4, 7], auto_pad='valid'"), {"crop": ((0, 3), (0, 1))}),
    ("auto_pad", CALL.format(", auto_pad=None"), {"crop": ((0, 0), (0, 0))}),
    ("output_padding", CALL.format(", None, [1, 0], [1, 0], [1, 1], None, [2, 1]"),
     {"crop": ((1, -1), (0, -1))}),
    ("output_padding", CALL.format(", [8, 9], output_padding=[4, 0], auto_pad='same_upper'"),
     {"crop": ((2, -3), (0, -1))}),
    ("name", CALL.format(", name='up'"), {"kernel": (3, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), CALLS)
def test_parameter(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["openvino.opset13.convolution_backprop_data"].parameter(name) is not None
    result = operator(text, input=IN, weight=WEIGHT)
    assert {key: getattr(result, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    plain, grouped = FORMS.values()
    assert {name for name, *_ in CALLS} == {p.name for p in plain.parameters}
    assert [p.name for p in plain.parameters] == [p.name for p in grouped.parameters]


# Groups, which only the weights have.

GROUPED = "ops.group_convolution_backprop_data(x, w_, [2, 2], pads_begin=[1, 0])"


@pytest.mark.parametrize(
    ("above", "weight"),
    [
        ("w_ = w.reshape(2, -1, *w.shape[1:])", WEIGHT),
        ("w_ = np.reshape(w, (2, 2, 6, 3, 2))", None),
        ("w_ = ops.constant(w.reshape([2, 2, 6, 3, 2]))", None),
        ("w_ = np.zeros((2, 2, 6, 3, 2), np.float32)", None),
        ("kernel = np.ones((2, 2, 6, 3, 2))\nw_ = ops.constant(kernel, dtype=np.float32)", None),
    ],
)
def test_groups_are_the_first_size_of_the_weights(above: str, weight: Sizes | None) -> None:
    wanted = Operator.of(4, 12, (3, 2), stride=2, crop=((1, 0), (0, 0)), groups=2, bias=False)
    assert read(f"{above}\ny = {GROUPED}", weight=weight).operator == wanted


# Names, and whole snippets.


@pytest.mark.parametrize(
    "above",
    [
        "import openvino.opset13 as ops",
        "from openvino import opset8 as ops",
        "import openvino.runtime.opset8 as ops",
        "from openvino.runtime import opset12 as ops",
        "",
    ],
)
def test_the_call_is_that_of_every_operation_set(above: str) -> None:
    result = read(f"{above}\ny = {CALL.format('')}", weight=WEIGHT)
    assert (result.framework, result.operator.kernel, result.notes) == ("openvino", (3, 2), ())


def test_a_bias_and_the_input_are_those_of_the_graph() -> None:
    text = """
from openvino.runtime import opset8 as opset
x = opset.parameter([1, 64, 16, 16], np.float32, name="x")
w = opset.constant(np.zeros((64, 32, 4, 4), np.float32))
up = opset.convolution_backprop_data(x, w, strides=[2, 2], pads_begin=[1, 1], pads_end=[1, 1])
bias = opset.constant(b.reshape((1, -1, 1, 1)))
up = opset.add(up, bias)
"""
    result = read(text)
    assert result.operator.descriptor == "ic64_oc32_k4x4_s2x2_c1.1x1.1_b"
    assert result.input == (1, 64, 16, 16)


def test_a_sum_with_anything_else_is_no_bias() -> None:
    text = f"y = {CALL.format('')}\ny = ops.add(y, skip)"
    assert not operator(text, weight=WEIGHT).bias


@pytest.mark.parametrize(
    ("option", "note"),
    [
        (", auto_pad='same_upper'", "crops nothing in OpenVINO"),
        (", None, [1, 1], auto_pad='valid'", "pads_begin and pads_end are ignored"),
        (", [6, 7], [1, 0]", "half of its crop is at the beginning"),
        (", name='up'", "the node's name: "),
    ],
)
def test_what_surprises_is_noted(option: str, note: str) -> None:
    (result,) = reading(CALL.format(option), input=IN, weight=WEIGHT).notes
    assert note in result


def test_a_kernel_of_1_with_pads_that_are_ignored_is_noted() -> None:
    text = CALL.format(", None, [1, 0], [1, 0], output_padding=[2, 0]")
    (note,) = reading(text, input=IN, weight=(4, 6, 1, 1)).notes
    assert "ignores the pads" in note


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("ops.convolution_backprop_data(x, w)", "needs strides"),
        ("ops.convolution_backprop_data(x, w, 2)", "OpenVINO takes a list of 2"),
        ("ops.convolution_backprop_data(x, w, [2])", "takes one for each"),
        ("ops.convolution_backprop_data(x, w, [0, 1])", "must be at least 1"),
        (CALL.format(", dilations=[1, 0]"), "must be at least 1"),
        (CALL.format(", pads_begin=[-1, 0]"), "must be at least 0"),
        (CALL.format(", pads_begin=1"), "a list of 2"),
        (CALL.format(", auto_pad='same'"), "auto_pad must be 'explicit' or"),
        (CALL.format(", pads_begin=[4, 0], pads_end=[4, 0]"), "output height would be -1"),
        (CALL.format(", [1, 6, 9, 9]"), "a size for each of 2 spatial axes"),
        (CALL.format(", padding=1"), "no parameter 'padding'"),
        (GROUPED, "the groups are the first size of filters, w_,"),
        (f"w_ = w.reshape(3, -1, *w.shape[1:])\n{GROUPED}", "groups 3 does not divide"),
        (f"w_ = w.reshape(g, -1, *w.shape[1:])\n{GROUPED}", "groups is 'g'"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN, weight=WEIGHT)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        (CALL.format(""), "in_channels and out_channels and kernel open: add weight"),
        (f"w = np.ones((4, 6, 3, 2))\n{CALL.format(', [9, 9]')}", "chooses.*: add input"),
    ],
)
def test_error_says_what_to_add(text: str, asks: str) -> None:
    with pytest.raises(SnippetError, match=asks):
        reading(text)


# Round trips.


@given(sized_operators())
def test_program_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, drawn_size = drawn
    program = render(wanted, "openvino")
    assert isinstance(program, Program)
    # Not so small that what is computed before a pad has a negative size.
    in_size = tuple(size + 9 for size in drawn_size)
    assume(min(wanted.out_size(in_size)) >= 0)
    shape, weight = (2, wanted.in_channels, *in_size), wanted.weight_shape
    result = read(program.text, input=shape, weight=weight)
    assert (result.framework, result.operator) == ("openvino", wanted)
    if wanted.groups == 1:
        assert reading(program.call, weight=weight).operator == wanted


# The real thing.

SETUP = "import openvino as ov, openvino.opset13 as ops\nx_ = ops.parameter(x.shape, x.dtype)"
FINISH = (
    "model = ov.compile_model(ov.Model([y], [x_]), 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})\n"
    "y = model(x)[0]"
)


def random_calls(count: int) -> list[WrittenCall]:
    """Calls that are often legal, sometimes just not."""
    generator = random.Random(31)
    calls = []
    for _ in range(count):
        rank, groups = generator.choice((1, 2, 2, 3)), generator.choice((1, 1, 2))
        kernel, size, out = [], [], []
        options: dict[str, list[int]] = {"strides": [], "dilations": [], "pads_begin": []}
        options |= {"pads_end": [], "output_padding": []}
        for _ in range(rank):
            kernel.append(generator.randint(2, 4))
            size.append(generator.randint(2, 4))
            stride, dilation = generator.randint(1, 3), generator.choice((1, 1, 2))
            begin = generator.choice((0, 0, 1, 2, -1))
            full = (size[-1] - 1) * stride + dilation * (kernel[-1] - 1) + 1
            out.append(max(1, full + generator.randint(-3, 1)))
            values = (stride, dilation, begin, generator.randint(-1, 2), generator.randint(0, 3))
            for chosen, value in zip(options.values(), values, strict=True):
                chosen.append(value)
        pads = ("explicit", "explicit", "SAME_UPPER", "same_lower", "valid")
        written = [f"{name}={value}" for name, value in options.items()]
        written.append(f"auto_pad={generator.choice(pads)!r}")
        if generator.random() < 0.5:
            written.append(f"output_shape={out}")
        weight = (2 * groups, 3, *kernel)
        name = "group_convolution_backprop_data" if groups > 1 else "convolution_backprop_data"
        reshaped = f"w_ = w.reshape({groups}, -1, *w.shape[1:])" if groups > 1 else "w_ = w"
        text = f"{reshaped}\ny = ops.{name}(x_, w_, {', '.join(written)})"
        calls.append(WrittenCall(text, (2, 2 * groups, *size), weight, groups))
    return calls


@pytest.mark.frameworks
def test_call_crops_as_we_read_it() -> None:
    calls = random_calls(200)
    assert reality.disagreements("openvino", SETUP, calls, least=20, finish=FINISH) == []


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    result = reality.signatures("openvino", "import openvino.opset13", list(FORMS))
    for form, (names, defaults) in zip(FORMS.values(), result, strict=True):
        assert [p.name for p in form.parameters] == names
        ours = ["-" if p.default is REQUIRED else repr(p.default) for p in form.parameters]
        assert ours == defaults


def answered(operator: Operator, *, documented: bool, dtype: str = "float32") -> bool:
    """Whether the real framework computes what a program promises."""
    size = (4,) * operator.rank
    written = render(operator, "openvino", dtype, documented=documented)
    assert isinstance(written, Program)
    generator = random.Random(5)
    shapes = {"x": (2, operator.in_channels, *size), "w": operator.weight_shape}
    shapes["b"] = (operator.out_channels,)
    arrays = {name: reality.integers(shape, generator) for name, shape in shapes.items()}
    if dtype == "float64":
        arrays["x"] = (np.array(arrays["x"]) + 2**25).tolist()
    (real,) = reality.run("openvino", [Job(written.text, ("y",), arrays, dtype)])
    wanted: list[Any] = reality.expected(operator, arrays)["y"].tolist()
    return bool(real["y"] == wanted)


@pytest.mark.frameworks
@pytest.mark.parametrize("groups", [1, 2])
def test_pads_of_a_kernel_of_1_are_still_ignored(groups: int) -> None:
    """Once they are not, the text need not go around it."""
    shifted = Operator.of(4, 6, (1, 1), crop=((0, 0), (1, -1)), groups=groups)
    assert not answered(shifted, documented=True)
    assert answered(shifted, documented=False)


@pytest.mark.frameworks
def test_float64_is_still_computed_in_float32() -> None:
    plain = Operator.of(2, 3, (3,))
    assert answered(plain, documented=False)
    assert not answered(plain, documented=True, dtype="float64")


@pytest.mark.frameworks
def test_nothing_is_written_to_the_home_of_whoever_runs_it(tmp_path: Any) -> None:
    """Without the variable it writes an identifier, and counts uses."""
    environ = {**convention("openvino").environ, "HOME": str(tmp_path)}
    (real,) = reality.run("openvino", [Job("import openvino; y = 1", ("y",), {})], environ)
    assert real == {"y": 1}
    assert list(tmp_path.rglob("*")) == []
