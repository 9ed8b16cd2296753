"""What a text that builds a model means, held against our own programs and the real LiteRT."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import reality
from hypothesis import assume, given
from hypothesis import strategies as st
from reality import Job
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.core.operators import Operator, Sizes
from harness.core.program import Program, Unsupported
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError
from harness.weights.layouts import LayoutChange, layout

FORMS = {form.name.rpartition(".")[2]: form for form in convention("litert").forms}
IN, WEIGHT = (1, 4, 4, 5), (4, 6, 3, 4)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "litert", **supplied)


# One operator, in the schema's words.

SHAPE = "output_shape = (1, {}, {}, 6)"
NODE = "node = schema.OperatorT(inputs=[0, 1, 2{}], outputs=[4], builtinOptions=options)"
OPTIONS = "options = schema.TransposeConvOptionsT({})"


def flat(options: str, sizes: tuple[int, int], bias: str = "") -> str:
    return "\n".join((SHAPE.format(*sizes), OPTIONS.format(options), NODE.format(bias)))


@pytest.mark.parametrize(
    ("text", "crop"),
    [
        (flat("schema.Padding.VALID, 3, 2", (9, 16)), ((0, 0), (0, 0))),
        (flat("schema.Padding.VALID, 3, 2", (10, 18)), ((0, -1), (0, -2))),
        (flat("padding=1, strideW=3, strideH=2", (9, 17)), ((0, 0), (0, -1))),
        (flat("schema.Padding.SAME, 3, 2", (8, 15)), ((0, 1), (0, 1))),
        (flat("schema.Padding.SAME, 3, 2", (7, 13)), ((1, 1), (1, 2))),
        (flat("strideW=3, strideH=2", (7, 14)), ((1, 1), (1, 1))),
    ],
)
@pytest.mark.parametrize("known", ["input and weights", "weights"])
def test_the_crop_is_that_of_the_output(
    text: str, crop: tuple[tuple[int, int], ...], known: str
) -> None:
    supplied = {"weight": WEIGHT} | ({"input": IN} if known.startswith("input") else {})
    expected = Operator.of(4, 6, (3, 4), stride=(2, 3), crop=crop, bias=False)
    assert reading(text, **supplied).operator == expected


def test_the_inputs_of_the_operator_say_whether_there_is_a_bias() -> None:
    for bias in ("", ", 3"):
        result = reading(flat("1, 3, 2", (9, 16), bias), weight=WEIGHT)
        assert result.operator.bias == bool(bias)
        assert result.notes == ()
    (note,) = reading("output_shape = (1, 9, 16, 6)\nschema.TransposeConvOptionsT(1, 3, 2)",
                      weight=WEIGHT).notes  # fmt: skip
    assert "no OperatorT with these options" in note


def test_dilations_are_those_of_three_axes() -> None:
    text = (
        "output_shape = (1, 4, 9, 14, 6)\n"
        "options = schema.Conv3DOptionsT(1, 1, 3, 2, 0, 1, 3, 2)\n"
        "schema.OperatorT(inputs=[0, 1, 2, 3], builtinOptions=options)\n"
    )
    code = "schema.OperatorCodeT(127, builtinCode=schema.BuiltinOperator.CONV_3D{})"
    shapes: dict[str, Any] = {"input": (1, 4, 3, 3, 3), "weight": (4, 6, 2, 3, 3)}
    result = reading(text + code.format("_TRANSPOSE"), **shapes)
    expected = Operator.of(
        4, 6, (2, 3, 3), stride=(1, 2, 3), dilation=(1, 2, 3), crop=((0, 0), (0, 0), (0, -1))
    )
    assert result.operator == expected
    assert result.notes == ()
    (note,) = reading(text, **shapes).notes
    assert note == "Conv3DOptionsT is taken for that of CONV_3D_TRANSPOSE, which CONV_3D has too."
    with pytest.raises(SnippetError, match="a CONV_3D, which is no transposed convolution"):
        reading(text + code.format(""), **shapes)


def test_an_activation_and_a_type_of_the_bias_are_noted() -> None:
    for activation in ("1", "schema.ActivationFunctionType.RELU"):
        text = flat(f"1, 3, 2, {activation}", (9, 16))
        (note,) = reading(text, weight=WEIGHT).notes
        assert note == "RELU is fused: keep it after the operator; it is not part of it."
    none = flat("1, 3, 2, schema.ActivationFunctionType.NONE, quantizedBiasType=9", (9, 16))
    (note,) = reading(none, weight=WEIGHT).notes
    assert note.startswith("quantizedBiasType: ")


def test_every_parameter_has_a_test() -> None:
    steps = {f"stride{letter}" for letter in "WH"}
    common = {"padding", "fusedActivationFunction"}
    named = {name: {p.name for p in form.parameters} for name, form in FORMS.items()}
    assert named["TransposeConvOptionsT"] == {*common, *steps, "quantizedBiasType"}
    dilations = {f"dilation{letter}Factor" for letter in "DWH"}
    assert named["Conv3DOptionsT"] == {*common, *steps, "strideD", *dilations}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (flat("1, 3, 2", (9, 19)), r"an input of 5 does not give 19 with stride 3, kernel 4 and"),
        (flat("0, 3, 2", (9, 15)), r"an input of 4 does not give 9 with stride 2, kernel 3 and"),
        (flat("2, 3, 2", (9, 16)), r"padding must be Padding.SAME \(0\) or Padding.VALID \(1\), f"),
        (flat("schema.Padding.FULL, 3, 2", (9, 16)), r"padding must be Padding.SAME"),
        (flat("1, 0, 2", (9, 16)), r"strideW is 0; it must be at least 1"),
        (flat("1, 3", (9, 16)), r"strideH is 0; it must be at least 1"),
        (flat("1, 3, 2, dilationHFactor=2", (9, 16)), r"no parameter 'dilationHFactor'"),
        ("options = schema.TransposeConvOptionsT(1, 3, 2)", "does not hold the operator's output_"),
        ("output_shape = (1, 9, 6)\nschema.TransposeConvOptionsT(1, 3, 2)", "has to have 4 sizes"),
        ("output_shape = (1, 9, 16, 7)\nschema.TransposeConvOptionsT(1, 3, 2)", "out_channels is"),
        ("output_shape = (1, h, 16, 6)\nschema.TransposeConvOptionsT(1, 3, 2)", "is 'h', whose"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN, weight=WEIGHT)


def test_of_a_single_axis_there_is_one_row() -> None:
    text = "output_shape = (1, {}, 10, 6)\nschema.TransposeConvOptionsT(1, 2, {})"
    shapes: dict[str, Any] = {"input": (1, 4, 4), "weight": (4, 6, 4)}
    assert reading(text.format(1, 1), **shapes).operator == Operator.of(
        4, 6, (4,), stride=2, bias=False
    )
    with pytest.raises(SnippetError, match="has 2 rows, and an input of one axis has one"):
        reading(text.format(2, 1), **shapes)
    with pytest.raises(SnippetError, match="strideH is 1 for a single axis"):
        reading(text.format(1, 2), **shapes)


# Round trips.


@given(sized_operators(), st.booleans())
def test_program_comes_back(drawn: tuple[Operator, Sizes], with_input: bool) -> None:
    wanted, in_size = drawn
    program = render(wanted, "litert")
    assert isinstance(program, Program)
    assume(min(in_size) > 0)
    shape = (2, wanted.in_channels, *in_size) if with_input else None
    # What is shown, too: the model around it is of no interest to a reader.
    for text in (program.text, program.call):
        result = read(text, input=shape, weight=wanted.weight_shape)
        assert (result.framework, result.operator) == ("litert", wanted)


def test_what_is_shown_is_the_operator_not_the_model_around_it() -> None:
    program = render(Operator.of(4, 6, (4, 4), stride=2, crop=1), "litert")
    assert isinstance(program, Program)
    assert program.call.splitlines() == [
        "output_shape = (x_.shape[0], (x_.shape[1] - 1) * 2 + 2, (x_.shape[2] - 1) * 2 + 2, 6)",
        "options = schema.TransposeConvOptionsT(padding=schema.Padding.SAME, strideH=2, strideW=2)",
        "operators = [schema.OperatorT(inputs=[2, 3, 0, 4], outputs=[1], builtinOptionsType="
        "schema.BuiltinOptions.TransposeConvOptions, builtinOptions=options)]",
        "interpreter.set_tensor(0, x_)",
        "interpreter.invoke()",
        "y_ = interpreter.get_tensor(1)",
    ]


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_there_is_single_precision_alone(dtype: str) -> None:
    rendered = render(Operator.of(4, 6, (3,)), "litert", dtype)
    assert isinstance(rendered, Unsupported)
    assert rendered.reason.endswith(f"no {dtype}.")


def test_weights_stand_elsewhere_with_three_axes() -> None:
    assert [layout("litert", rank) for rank in (1, 2, 3)] == ["OWI", "OHWI", "DHWOI"]
    assert LayoutChange("pytorch", "litert").code() == "w.transpose(1, 2, 3, 0)"
    assert LayoutChange("pytorch", "litert", 3).code() == "w.transpose(2, 3, 4, 1, 0)"


# The real thing.

SETUP = """\
import ai_edge_litert.interpreter as litert
import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
x_, w_ = np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (-1, 0))
"""
MODEL = """
arrays = [np.array(output_shape, 'int32'), w_]
buffers = [schema.BufferT(), *(schema.BufferT(data=a.ravel().view('uint8')) for a in arrays)]
tensors = [
    schema.TensorT(shape=[4], type=schema.TensorType.INT32, buffer=1),
    schema.TensorT(shape=w_.shape, buffer=2),
    schema.TensorT(shape=x_.shape),
    schema.TensorT(shape=output_shape),
]
codes = [schema.OperatorCodeT(67, builtinCode=schema.BuiltinOperator.TRANSPOSE_CONV)]
node = schema.OperatorT(
    inputs=[0, 1, 2],
    outputs=[3],
    builtinOptionsType=schema.BuiltinOptions.TransposeConvOptions,
    builtinOptions=options,
)
graph = schema.SubGraphT(tensors, inputs=[2], outputs=[3], operators=[node])
builder = flatbuffers.Builder()
builder.Finish(schema.ModelT(3, codes, [graph], buffers=buffers).Pack(builder), b'TFL3')
interpreter = litert.Interpreter(
    model_content=bytes(builder.Output()),
    experimental_op_resolver_type=litert.OpResolverType.{},
)
interpreter.allocate_tensors()
interpreter.set_tensor(2, x_)
interpreter.invoke()
y = np.moveaxis(interpreter.get_tensor(3), -1, 1)
"""
BUILTIN = MODEL.format("BUILTIN_WITHOUT_DEFAULT_DELEGATES")


def random_calls(count: int) -> list[reality.WrittenCall]:
    """Calls whose output_shape is often legal, sometimes just not."""
    generator = random.Random(11)
    calls = []
    for _ in range(count):
        kernel, stride, size = ([generator.randint(1, 4) for _ in range(2)] for _ in range(3))
        padding = generator.choice(("SAME", "VALID"))
        out = []
        for n, s, k in zip(size, stride, kernel, strict=True):
            least = s * (n - 1) + (k if padding == "VALID" else 1)
            out.append(least + generator.randint(0, s - 1) + generator.choice((0,) * 6 + (-1, 1)))
        options = f"padding=schema.Padding.{padding}, strideW={stride[1]}, strideH={stride[0]}"
        text = (
            f"output_shape = (2, {out[0]}, {out[1]}, 3)\n"
            f"options = schema.TransposeConvOptionsT({options})"
        )
        shape, weight = (2, 2, *size), (2, 3, *kernel)
        calls.append(reality.WrittenCall(text + BUILTIN, shape, weight))
    return calls


@pytest.mark.frameworks
def test_random_calls_mean_what_litert_computes() -> None:
    calls = random_calls(400)
    assert reality.disagreements("litert", SETUP, calls, least=50, finish="") == []


@pytest.mark.frameworks
def test_signatures_are_those_of_the_schema() -> None:
    setup = "import ai_edge_litert.schema_py_generated"
    names = [form.name for form in FORMS.values()]
    for form, (parameters, defaults) in zip(
        FORMS.values(), reality.signatures("litert", setup, names), strict=True
    ):
        assert [p.name for p in form.parameters] == parameters
        assert [repr(p.default) for p in form.parameters] == defaults


@pytest.mark.frameworks
def test_the_default_delegate_returns_another_size_than_was_asked_for() -> None:
    """Why programs leave it out: an output_shape that is illegal goes through without an error."""
    arrays = {"x": [[[[1, 10, 100, 1000]]]], "w": [[[[1, 2]]]]}
    text = "output_shape = (1, 1, {}, 1)\noptions = schema.TransposeConvOptionsT(1, 2, 1)\n"
    asked = [
        Job(SETUP + text.format(size) + model, ("y",), arrays)
        for size in (6, 8, 9, 10)
        for model in (BUILTIN, MODEL.format("AUTO"))
    ]
    answers = reality.run("litert", asked)
    sizes = ["error" if "error" in each else len(each["y"][0][0][0]) for each in answers]
    assert sizes == ["error", 8, 8, 8, 9, 9, "error", 8]
