"""What TensorFlow's functions mean, against the real ones."""

from __future__ import annotations

import ast
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import reality
from hypothesis import assume, given
from reality import WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED
from harness.core.operators import Operator, Sizes
from harness.core.program import Program
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("tensorflow").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "tensorflow", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

TF = "tf.nn.conv2d_transpose(x, w, [1, 11, 15, 6], 2{})"
V1 = "tf.compat.v1.nn.conv2d_transpose"
FUNCTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("input", ("tf.nn.conv2d_transpose(input=x, filters=w, output_shape=[1, 11, 14, 6], "
     "strides=2, padding='VALID')"), {"crop": ((0, 0), (0, 0))}),
    ("input", "tf.nn.conv2d_transpose(tf.zeros([1, 5, 7, 4]), w, [1, 10, 14, 6], 2)",
     {"in_channels": 4}),
    ("input", f"{V1}(value=x, filter=w, output_shape=[1, 10, 14, 6], strides=[1, 2, 2, 1])",
     {"stride": (2, 2)}),
    ("filters", "tf.nn.conv2d_transpose(x, tf.ones([3, 2, 6, 4]), [1, 10, 14, 6], 2)",
     {"in_channels": 4, "out_channels": 6, "kernel": (3, 2)}),
    ("output_shape", "tf.nn.conv2d_transpose(x, w, (1, 9, 14, 6), 2)",
     {"crop": ((1, 1), (0, 0))}),
    ("output_shape", "tf.nn.conv2d_transpose(x, w, [10, 14], 2)", {"crop": ((0, 1), (0, 0))}),
    ("output_shape", "tf.nn.conv2d_transpose(x, w, [tf.shape(x)[0], x.shape[1] * 2, 14, c], 2)",
     {"crop": ((0, 1), (0, 0))}),
    ("output_shape", ("s = tf.shape(x)\nn, h = s[0], s[1]\n"
     "y = tf.nn.conv2d_transpose(x, w, tf.stack([n, h * 2, 14, w.shape[2]]), 2)"),
     {"crop": ((0, 1), (0, 0))}),
    ("strides", "tf.nn.conv2d_transpose(x, w, [1, 10, 21, 6], [2, 3])", {"stride": (2, 3)}),
    ("strides", "tf.nn.conv2d_transpose(x, w, [1, 10, 21, 6], strides=[1, 2, 3, 1])",
     {"stride": (2, 3)}),
    ("strides", "tf.nn.conv2d_transpose(x, w, [1, 15, 21, 6], strides=[3])", {"stride": (3, 3)}),
    ("strides", "tf.nn.conv2d_transpose(x, w, [1, 6, 10, 21], [1, 1, 2, 3], data_format='NCHW')",
     {"stride": (2, 3)}),
    ("padding", TF.format(", padding='VALID'"), {"crop": ((0, 0), (0, -1))}),
    ("padding", ("tf.nn.conv2d_transpose(x, w, [1, 8, 13, 6], 2, "
     "[[0, 0], [2, 1], [0, 1], [0, 0]])"), {"crop": ((2, 1), (0, 1))}),
    ("padding", ("tf.nn.conv2d_transpose(x, w, [1, 6, 8, 13], 2, "
     "[[0, 0], [0, 0], [2, 1], [0, 1]], 'NCHW')"), {"crop": ((2, 1), (0, 1))}),
    ("data_format", "tf.nn.conv2d_transpose(x, w, [1, 6, 10, 14], 2, data_format='NCHW')",
     {"crop": ((0, 1), (0, 0))}),
    ("data_format", ("tf.nn.conv2d_transpose(x, w, [1, 6, 2 * x.shape[2], 14], 2, "
     "data_format='NCHW')"), {"crop": ((0, 1), (0, 0))}),
    ("dilations", "tf.nn.conv2d_transpose(x, w, [1, 5, 7, 6], 1, dilations=[2, 3])",
     {"dilation": (2, 3), "crop": ((2, 2), (1, 2))}),
    ("dilations", "tf.nn.conv2d_transpose(x, w, [1, 5, 7, 6], 1, 'SAME', 'NHWC', [1, 2, 3, 1])",
     {"dilation": (2, 3)}),
    ("name", f"{V1}(x, w, [1, 10, 14, 6], 2, 'SAME', 'NHWC', 'up')", {"stride": (2, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), FUNCTIONS)
def test_parameter_of_the_function(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["tf.nn.conv2d_transpose"].parameter(name) is not None
    result = operator(text, input=IN, weight=WEIGHT)
    assert {key: getattr(result, key) for key in fields} == fields
    assert not result.bias


def test_every_parameter_has_a_test_by_its_name() -> None:
    tested = {name for name, *_ in FUNCTIONS}
    assert tested == {p.name for p in FORMS["tf.nn.conv2d_transpose"].parameters}


@pytest.mark.parametrize(
    ("text", "descriptor", "shape"),
    [
        (
            (
                "net = tf.layers.conv2d_transpose(tf.zeros([2, 4, 4, 32]), 16, [5, 5], "
                "strides=(2, 2), padding='SAME', activation=None)"
            ),
            "ic32_oc16_k5x5_s2x2_c1.2x1.2_b",
            (2, 32, 4, 4),
        ),
        (
            (
                "W = tf.Variable(tf.random.normal([4, 4, 3, 8]))\n"
                "deconv = tf.nn.conv2d_transpose(tf.ones([1, 5, 5, 8]), W, [1, 10, 10, 3], "
                "[1, 2, 2, 1], padding='SAME')\n"
                "out = tf.nn.bias_add(deconv, biases)"
            ),
            "ic8_oc3_k4x4_s2x2_c1.1x1.1_b",
            (1, 8, 5, 5),
        ),
        (
            (
                "tf.nn.conv_transpose(tf.ones([1, 2, 2, 2, 8]), tf.ones([3, 3, 3, 4, 8]), "
                "output_shape=[1, 5, 5, 5, 4], strides=2, padding='VALID')"
            ),
            "ic8_oc4_k3x3x3_s2x2x2",
            (1, 8, 2, 2, 2),
        ),
    ],
)
def test_snippet(text: str, descriptor: str, shape: Sizes | None) -> None:
    result = reading(text)
    assert (result.operator.descriptor, result.input) == (descriptor, shape)


# What is refused, and what is asked for.


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (TF.format(", padding='same'"), "in capitals; found 'same'"),
        (TF.format(", padding=[[1, 1], [1, 1]]"), "four \\(begin, end\\) pairs"),
        (TF.format(", padding=[[0, 0], [1, -1], [1, 1], [0, 0]]"), "not negative"),
        (TF.format(", padding=[[0, 1], [1, 1], [1, 1], [0, 0]]"), "batch and channels must be 0"),
        (TF.format(", data_format='channels_last'"), "data_format must be 'NHWC' or 'NCHW'"),
        (TF.format(", dilations=[2, 1, 1, 1]"), "1 for batch and channels"),
        (TF.format(", dilations=[1, 1, 1]"), "has 3 numbers; there are 2 spatial axes"),
        (TF.format(""), r"asks for \[11, 15\]: .* allows \[9, 13\] to \[10, 14\]"),
        ("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 12], 2)", "12 channels, the filters have 6"),
        ("tf.nn.conv2d_transpose(x, w, [1, 10, 14, -1], 2)", "asks for -1 channels"),
        ("tf.nn.conv2d_transpose(x, w, [1, 10, 6], 2)", "3 numbers; 4 are needed"),
        ("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6])", "needs strides"),
        ("tf.nn.conv2d_transpose(x, w, [2, 10, 14, 6], 2)", "a batch of 2, the input one of 1"),
        ("tf.nn.conv2d_transpose(x, w, [0, 10, 14, 6], 2)", "a batch of 0, the input one of 1"),
        (
            "tf.nn.conv2d_transpose(x, w, [8, 6, 10, 14], 2, data_format='NCHW')",
            "a batch of 8, the input one of 1",
        ),
        (
            "tf.nn.conv2d_transpose(tf.ones([2, 5, 7, 4]), w, [2, 10, 14, 6], 2)",
            r"\[2, 4, 5, 7\] in the text and \[1, 4, 5, 7\] in input",
        ),
        (
            "tf.nn.conv2d_transpose(tf.ones([1, 5, 7, 3]), w, [1, 10, 14, 6], 2)",
            r"\[1, 3, 5, 7\] in the text and \[1, 4, 5, 7\] in input",
        ),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN, weight=WEIGHT)


@pytest.mark.parametrize("padding", ["b'SAME'", 'b"SAME"', "u'SAME'"])
def test_padding_may_be_bytes(padding: str) -> None:
    text = f"tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2, padding={padding})"
    assert operator(text, input=IN, weight=WEIGHT).crop == ((0, 1), (0, 0))


def test_padding_of_one_axis_is_a_word() -> None:
    text = "tf.nn.conv1d_transpose(x, w, [1, 10, 6], 2, [[0, 0], [1, 1], [0, 0]])"
    with pytest.raises(SnippetError, match="padding must be 'SAME' or"):
        reading(text, input=(1, 4, 5), weight=(4, 6, 3))


def test_batch_of_the_text_s_own_input_is_held_against_output_shape() -> None:
    text = "tf.nn.conv2d_transpose(tf.ones([2, 5, 7, 4]), w, [3, 10, 14, 6], 2)"
    with pytest.raises(SnippetError, match="a batch of 3, the input one of 2"):
        reading(text, weight=WEIGHT)


@pytest.mark.parametrize("batch", ["1", "-1", "None", "n", "tf.shape(x)[0]"])
def test_batch_may_be_the_input_s_or_unknown(batch: str) -> None:
    text = f"tf.nn.conv2d_transpose(x, w, [{batch}, 10, 14, 6], 2)"
    assert operator(text, input=IN, weight=WEIGHT).stride == (2, 2)


def test_sizes_must_be_said_where_a_name_stands_for_the_input() -> None:
    with pytest.raises(SnippetError, match=r"output_shape .* add input"):
        reading("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2, 'VALID')")
    # Of the other padding the output's size says which size the input has.
    with pytest.raises(SnippetError, match="leaves in_channels and kernel open"):
        reading("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2)")


def test_weights_must_be_said_where_a_name_stands_for_them() -> None:
    with pytest.raises(SnippetError, match="leaves kernel open: add weight 4,6,4,4"):
        reading("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2)", input=IN)


# What a scope or the configuration says in the call's place.

SLIM = "slim.conv2d_transpose(net, 128, [4, 4]{})"
SCOPE = "with slim.arg_scope({}):\n  "
OURS = SCOPE.format("[slim.conv2d, slim.conv2d_transpose], stride=2, padding='VALID'")


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        (OURS + SLIM.format(""), "s2x2_b"),
        (OURS + SLIM.format(", padding='SAME'"), "s2x2_c1.1x1.1_b"),
        (OURS + SLIM.format(", stride=3"), "s3x3_b"),
        (SCOPE.format("[slim.conv2d], stride=2") + SLIM.format(""), "c1.2x1.2_b"),
        (
            SCOPE.format("[slim.conv2d_transpose], normalizer_fn=slim.batch_norm, stride=2")
            + SLIM.format(""),
            "s2x2_c1.1x1.1",
        ),
        (
            OURS + SCOPE.format("[conv2d_transpose], stride=4") + "  " + SLIM.format(""),
            "s4x4_b",
        ),
    ],
)
def test_scope_gives_the_arguments_that_the_call_does_not(text: str, descriptor: str) -> None:
    result = operator(text, input=(1, 64, 8, 8))
    assert result.descriptor == f"ic64_oc128_k4x4_{descriptor}"


def test_arguments_of_a_scope_are_named() -> None:
    notes = reading(OURS + SLIM.format(""), input=IN).notes
    assert notes[0] == "stride, padding: taken from the arg_scope above the call."


SET = SLIM.format(", 1, 'SAME'")
MADE = """def scope(k=4):
  with slim.arg_scope([slim.conv2d_transpose], normalizer_fn=slim.batch_norm, kernel_size=[k, k]):
    with slim.arg_scope([slim.conv2d_transpose], stride=2, padding='SAME') as sc:
      return sc
"""
LEFT = "slim.conv2d_transpose(net, 128)"


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        (MADE + SCOPE.format("scope()") + LEFT, "k4x4_s2x2_c1.1x1.1"),
        (MADE + "sc = scope(3)\n" + SCOPE.format("sc") + LEFT, "k3x3_s2x2_c0.1x0.1"),
        (MADE + OURS + SCOPE.format("scope()") + "  " + LEFT, "k4x4_s2x2_c1.1x1.1"),
        # A scope that was made outside takes the place of what is around it.
        (MADE + "sc = scope()\n" + OURS + SCOPE.format("sc") + "  " + LEFT, "k4x4_s2x2_c1.1x1.1"),
        (
            OURS.rstrip()[:-1] + " as sc:\n  f(x)\n" + SCOPE.format("sc") + SLIM.format(""),
            "k4x4_s2x2_b",
        ),
        # Of other layers alone, in a function that says nothing of this one.
        (
            "def scope():\n  with slim.arg_scope([slim.conv2d], stride=2) as sc:\n    return sc\n"
            + SCOPE.format("scope()")
            + SLIM.format(""),
            "k4x4_c1.2x1.2_b",
        ),
        # A scope that has ended.
        (OURS + "y = f(x)\n" + SLIM.format(""), "k4x4_c1.2x1.2_b"),
    ],
)
def test_scope_that_a_function_returns_is_followed(text: str, descriptor: str) -> None:
    assert operator(text, input=(1, 64, 8, 8)).descriptor == f"ic64_oc128_{descriptor}"


@pytest.mark.parametrize(
    ("scope", "note"),
    [
        (SCOPE.format("vgg_arg_scope()") + "{}", "does not show what arg_scope(the call"),
        (SCOPE.format("sc") + "{}", "does not show what arg_scope(sc) sets"),
        (
            f"def net(x):\n  {{}}\ndef main():\n  {OURS}  net(x)",
            "Another function's arg_scope sets stride, padding: write in the call what holds.",
        ),
    ],
)
def test_scope_that_may_hold_for_the_call_is_noted(scope: str, note: str) -> None:
    result = reading(scope.format(SET), input=(1, 64, 8, 8))
    assert result.operator.stride == (1, 1)
    assert note in result.notes[0]
    with pytest.raises(SnippetError, match="the call leaves stride, padding to a scope") as error:
        reading(scope.format(SLIM.format("")), input=(1, 64, 8, 8))
    assert note in str(error.value)


@pytest.mark.parametrize(
    "scope",
    [
        # In one branch alone, and with a return from outside of it.
        "def scope():\n  if a:\n    return b\n"
        "  with slim.arg_scope([slim.conv2d_transpose], stride=2) as sc:\n    return sc\n",
        "def scope(sc):\n  return sc\n",
    ],
)
def test_scope_of_a_function_that_is_not_followed_is_refused(scope: str) -> None:
    with pytest.raises(SnippetError, match="leaves kernel_size, stride, padding to a scope"):
        reading(scope + SCOPE.format("scope(x)") + LEFT, input=(1, 64, 8, 8))


def test_scope_below_the_call_is_noted() -> None:
    notes = reading(SLIM.format("") + "\n" + OURS + "net(x)", input=(1, 64, 8, 8)).notes
    assert "Another function's arg_scope sets stride" in notes[0]


@pytest.mark.parametrize("given_", ["stride=s", "**options", "strid=2"])
def test_scope_with_what_the_text_does_not_hold_is_refused(given_: str) -> None:
    with pytest.raises(
        SnippetError, match=r"strides is 's', whose|write them out|Did you mean 'st"
    ):
        reading(SCOPE.format(f"[slim.conv2d_transpose], {given_}") + SLIM.format(""), input=IN)


def test_backend_takes_the_layout_of_the_configuration() -> None:
    call = "K.conv2d_transpose(x, w, (1, 6, 11, 15), strides=(2, 2))"
    text = f"K.set_image_data_format('channels_first')\n{call}"
    assert operator(text, input=IN, weight=WEIGHT).crop == ((0, 0), (0, -1))


# Round trips.


@given(sized_operators())
def test_function_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    # Without elements a call that is padded afterwards may have an output of less than nothing.
    assume(min(in_size) > 0)
    program = render(wanted, "tensorflow")
    assert isinstance(program, Program)
    shape = (2, wanted.in_channels, *in_size)
    result = reading(program.text, input=shape, weight=wanted.weight_shape)
    assert result.operator == wanted


# The real thing.

SETUP = """
import numpy as np
import tensorflow as tf
x = tf.constant(np.moveaxis(x, 1, -1))
w = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
"""
CANONICAL = "y = np.moveaxis(np.array(y), -1, 1)"


def random_calls(count: int) -> list[WrittenCall]:
    """Calls of tf.nn whose output_shape is often legal, sometimes just not."""
    generator = random.Random(11)
    calls = []
    for _ in range(count):
        rank = generator.choice((1, 2, 2, 3))
        stride = [generator.randint(1, 4) for _ in range(rank)]
        dilation = [generator.choice((1, 1, 2)) for _ in range(rank)]
        kernel = [generator.randint(1, 4) for _ in range(rank)]
        size = [generator.randint(1, 4) for _ in range(rank)]
        kind = generator.choice(("SAME", "VALID", "explicit") if rank == 2 else ("SAME", "VALID"))
        ends = [[0, 0]] * rank
        if kind == "explicit":
            dilation = [1] * rank
            ends = [[generator.randint(0, 2) for _ in range(2)] for _ in range(rank)]
        out = []
        for n, s, d, k, pair in zip(size, stride, dilation, kernel, ends, strict=True):
            least = (n - 1) * s + (1 if kind == "SAME" else d * (k - 1) + 1 - sum(pair))
            # With an input of one, oneDNN's division lets some outputs pass that are too small.
            wrong = (-1, s) if n > 1 else (s,)
            beyond = generator.choice(wrong) if generator.random() < 0.1 else 0
            out.append(max(1, least + (beyond or generator.randint(0, s - 1))))
        padding = [[0, 0], *ends, [0, 0]] if kind == "explicit" else kind
        text = (
            f"y = tf.nn.conv{rank}d_transpose(x, w, {[2, *out, 3]}, {stride}, {padding!r}, "
            f"dilations={dilation})"
        )
        calls.append(WrittenCall(text, (2, 2, *size), (2, 3, *kernel)))
    return calls


@pytest.mark.frameworks
def test_function_crops_as_we_read_it() -> None:
    calls = random_calls(200)
    assert reality.disagreements("tensorflow", SETUP, calls, 20, CANONICAL) == []


@pytest.mark.frameworks
def test_tensorflow_refuses_a_batch_that_is_not_the_input_s() -> None:
    calls = [
        WrittenCall(f"y = tf.nn.conv2d_transpose(x, w, [{batch}, 10, 14, 6], 2)", IN, WEIGHT)
        for batch in (1, 2)
    ]
    assert reality.disagreements("tensorflow", SETUP, calls, 1, CANONICAL) == []


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    # What TensorFlow 2 no longer has cannot be asked.
    gone = ("tf.layers.", "tf.contrib.", "tf.keras.backend.conv3d", "keras.layers.")
    names = [name for name in FORMS if not name.startswith(gone)]
    result = reality.signatures("tensorflow", "import tensorflow as tf", names)
    for name, (parameters, defaults) in zip(names, result, strict=True):
        table = [p for p in FORMS[name].parameters if not p.keyword]
        if name.startswith("tf.compat.v1"):
            # There every parameter has a second name, which comes last.
            assert {p.name for p in table} <= set(parameters)
            continue
        assert [p.name for p in table] == parameters
        for parameter, default in zip(table, defaults, strict=True):
            value = REQUIRED if default == "-" else ast.literal_eval(default)
            assert parameter.default == (value[0] if isinstance(value, tuple) else value)


@pytest.mark.parametrize(
    ("size", "padding", "input_shape", "descriptor"),
    [
        ("[2, 9, 11, 6]", "VALID", (2, 4, 4, 5), "ic4_oc6_k3x2_s2x2_c0.0x0.-1"),
        ("[2, 10, 11, 6]", "VALID", (2, 4, 4, 5), "ic4_oc6_k3x2_s2x2_c0.-1x0.-1"),
        ("[-1, 9, 12, 6]", "SAME", (1, 4, 5, 6), "ic4_oc6_k3x2_s2x2_c1.1x0.0"),
    ],
)
def test_a_size_in_numbers_tells_the_only_input_that_it_allows(
    size: str, padding: str, input_shape: Sizes, descriptor: str
) -> None:
    text = f"w = tf.zeros([3, 2, 6, 4])\ny = tf.nn.conv2d_transpose(x, w, {size}, 2, '{padding}')"
    found = reading(text)
    assert found.operator.descriptor == descriptor
    assert found.input == input_shape


SHAPED = (
    "n, h, w, c = x.shape\nk = tf.zeros([3, 2, 6, 4])\ny = tf.nn.conv2d_transpose(x, k, {}, 2{})"
)


@pytest.mark.parametrize(
    ("size", "more", "descriptor"),
    [
        ("[n, h * 2, w * 2, 6]", "", "ic4_oc6_k3x2_s2x2_c0.1x0.0"),
        ("[5, tf.shape(x)[1] * 2 - 1, w * 2, 6]", "", "ic4_oc6_k3x2_s2x2_c1.1x0.0"),
        ("tf.stack([n, h * 2 + 1, w * 2, 6])", ", 'VALID'", "ic4_oc6_k3x2_s2x2"),
        ("(n, 6, c * 2, h * 2)", ", data_format='NCHW'", None),
        ("[n, max(h * 2, 40), w * 2, 6]", "", None),
        ("[n, h * 2 - h % 2, w * 2, 6]", "", None),
        ("[n, h * 2, w * 2, c // 2]", "", None),
        ("[n, h * 3, w * 3, 6]", "", None),
    ],
)
def test_a_size_that_the_input_s_own_gives_needs_no_input(
    size: str, more: str, descriptor: str | None
) -> None:
    text = SHAPED.format(size, more)
    if descriptor is None:
        with pytest.raises(SnippetError, match="add input 1,64,16,16"):
            reading(text)
    else:
        found = reading(text)
        assert (found.operator.descriptor, found.input) == (descriptor, None)


def test_a_size_that_a_function_of_the_text_computes_needs_no_input() -> None:
    text = (
        "def up(bottom):\n  shape = bottom.get_shape()\n  k = tf.zeros([3, 2, 6, 4])\n"
        "  return tf.nn.conv2d_transpose(bottom, k, [shape[0], shape[1] * 2, shape[2] * 2, 6], 2)\n"
        "y = up(self.h1)"
    )
    assert operator(text).descriptor == "ic4_oc6_k3x2_s2x2_c0.1x0.0"


def test_one_size_for_both_axes_is_that_of_a_square() -> None:
    text = (
        "def up(x, size=None):\n  shape = x.get_shape().as_list()\n"
        "  k = tf.Variable(tf.zeros([3, 5, 6, 4]))\n"
        "  if not size:\n    size = shape[{}] * 2\n"
        "  return tf.nn.conv2d_transpose(x, k, [shape[0], size, size, 6], 2)"
    )
    for axis in (1, 2):
        found = reading(text.format(axis))
        assert found.operator.descriptor == "ic4_oc6_k3x5_s2x2_c0.1x1.2"
        assert any(note.startswith("output_shape has the same size") for note in found.notes)
        assert any(note.startswith("size=None: taken from") for note in found.notes)
    # The input's channels say nothing of its size.
    with pytest.raises(SnippetError, match="add input 1,64,16,16"):
        reading(text.format(3))


def test_the_kernel_is_known_where_the_weights_channels_are_the_input_s() -> None:
    text = (
        "w = tf.get_variable('w', [3, 2, 6, x.shape[-1]], initializer=zeros())\n"
        "y = tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2)"
    )
    with pytest.raises(SnippetError, match="leaves in_channels open: add input 1,64,16,16"):
        reading(text)
    found = operator(text, input=(1, 4, 5, 7))
    assert found.descriptor == "ic4_oc6_k3x2_s2x2_c0.1x0.0"


@pytest.mark.parametrize(
    ("lines", "is_known"),
    [
        ("init = tf.random.stateless_normal([3, 2, 6, 4], s); w = tf.Variable(init)", True),
        ("init = tf.ones([3, 2, 6, 4]); w = tf.Variable(0.1 * init, name='w')", True),
        ("w = tf.ones([3, 2, 6, 4]) / 6", True),
        ("w = self.add_weight('w', shape=(3, 2, 6, 4), initializer='zeros')", True),
        ("init = tf.ones([3, 2, 6, 4]); w = tf.Variable(init); init = tf.ones([5])", False),
        ("w = tf.Variable(tf.ones([3, 2, 6, 4])) * gain", True),
        ("w = tf.cast(np.zeros((3, 2, 6, 4)).astype('f'), tf.float32) * self.gain", True),
        ("w = np.zeros((3, 2, 6, 4))\nfor i in range(n): w[0, 0, i] = 1\nw = w.astype('f')", True),
        ("w = tf.ones([3, 2, 6, 4]) @ tf.ones([4, 4])", False),
        (
            "def made(s):\n    v = tf.zeros(s)\n    return tf.Variable(v)\nw = made([3, 2, 6, 4])",
            True,
        ),
        ("w = f(tf.ones([3, 2, 6, 4]))", False),
        ("w = tf.Variable(w)", False),
    ],
)
def test_weights_are_followed_to_what_creates_them(lines: str, *, is_known: bool) -> None:
    text = f"{lines}\ny = tf.nn.conv2d_transpose(x, w, tf.stack([n, 10, 14, 6]), 2)"
    if is_known:
        assert operator(text).descriptor == "ic4_oc6_k3x2_s2x2_c0.1x0.0"
    else:
        with pytest.raises(SnippetError, match="leaves in_channels and kernel open"):
            reading(text)
