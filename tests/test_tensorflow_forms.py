"""What TensorFlow's and Keras's calls mean and the layers that we write, against the real ones."""

from __future__ import annotations

import json
import math
import random
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from strategies import sized_operators

import impl
from harness.conventions import convention, render
from harness.conventions._forms import REQUIRED, Reading
from harness.environments import interpreter
from harness.operator import Operator, Sizes
from harness.program import Program, Unsupported
from harness.snippet import read
from harness.syntax.tree import SnippetError
from harness.training import SILENT, Distribution, Fan, Initializer, Training

FORMS = {form.name: form for form in convention("tensorflow").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "tensorflow", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

TF = "tf.nn.conv2d_transpose(x, w, [1, 11, 15, 6], 2{})"
SAME = ((1, 0), (0, 0))  # Of the 3x2 kernel at stride 2, to an output of 2n: one row.
SAYS = Operator.of(4, 6, (3, 2), stride=2, crop=((0, 0), (0, -1)), bias=False)
V1 = "tf.compat.v1.nn.conv2d_transpose"
FUNCTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("input", ("tf.nn.conv2d_transpose(input=x, filters=w, output_shape=[1, 11, 14, 6], "
     "strides=2, padding='VALID')"), {"crop": ((0, 0), (0, 0))}),
    ("input", "tf.nn.conv2d_transpose(tf.zeros([3, 5, 7, 4]), w, [3, 10, 14, 6], 2)",
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
    found = operator(text, input=IN, weight=WEIGHT)
    assert {key: getattr(found, key) for key in fields} == fields
    assert not found.bias


LAYER = "layers.Conv2DTranspose(6, (3, 2){})"
LAYERS: list[tuple[str, str, dict[str, Any]]] = [
    ("filters", "layers.Conv2DTranspose(filters=6, kernel_size=3)", {"out_channels": 6}),
    ("kernel_size", "layers.Conv2DTranspose(6, 3)", {"kernel": (3, 3)}),
    ("kernel_size", LAYER.format(""), {"kernel": (3, 2)}),
    ("strides", LAYER.format(", (2, 1)"), {"stride": (2, 1), "crop": ((0, 0), (0, 0))}),
    ("strides", LAYER.format(", strides=5"), {"crop": ((0, -2), (0, -3))}),
    ("padding", LAYER.format(", 2, 'same'"), {"crop": ((0, 1), (0, 0))}),
    ("padding", LAYER.format(", padding='SAME'"), {"crop": ((1, 1), (0, 1))}),
    ("padding", LAYER.format(", strides=5, padding='same'"), {"crop": ((0, -2), (0, -3))}),
    ("output_padding", LAYER.format(", 3, output_padding=(1, 2)"), {"crop": ((0, -1), (0, -2))}),
    ("output_padding", LAYER.format(", 3, output_padding=0"), {"crop": ((0, 0), (0, 0))}),
    ("output_padding", LAYER.format(", 3, 'same', 1"), {"crop": ((0, 1), (0, 1))}),
    ("data_format", LAYER.format(", data_format='channels_first', input_shape=(4, 5, 7)"),
     {"in_channels": 4}),
    ("data_format", ("layers.Conv3DTranspose(6, 3, 2, 'same', 'channels_last', 1, "
     "input_shape=(2, 2, 2, 4))"), {"crop": ((0, 1),) * 3}),
    ("dilation_rate", LAYER.format(", dilation_rate=(2, 3)"), {"dilation": (2, 3)}),
    ("activation", LAYER.format(", activation='relu'"), {"bias": True}),
    ("use_bias", LAYER.format(", use_bias=False"), {"bias": False}),
    ("kernel_initializer", LAYER.format(", kernel_initializer='he_normal'"), {}),
    ("bias_initializer", LAYER.format(", bias_initializer='ones'"), {}),
    ("kernel_regularizer", LAYER.format(", kernel_regularizer=l2(0.5)"), {}),
    ("bias_regularizer", LAYER.format(", bias_regularizer='l2'"), {}),
    ("activity_regularizer", LAYER.format(", activity_regularizer='l2'"), {}),
    ("kernel_constraint", LAYER.format(", kernel_constraint=max_norm(2)"), {}),
    ("bias_constraint", LAYER.format(", bias_constraint=None"), {}),
    ("name", LAYER.format(", name='up'"), {}),
    ("trainable", LAYER.format(", trainable=False"), {}),
    ("dtype", LAYER.format(", dtype='float64'"), {}),
    ("autocast", LAYER.format(", autocast=False"), {}),
    ("input_shape", LAYER.format(", input_shape=(5, 7, 4)"), {"in_channels": 4}),
    ("batch_input_shape", LAYER.format(", batch_input_shape=(None, 5, 7, 4)"),
     {"in_channels": 4}),
    ("input_dim", LAYER.format(", input_dim=4"), {"in_channels": 4}),
    ("groups", LAYER.format(", groups=1"), {"groups": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), LAYERS)
def test_parameter_of_the_layer(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["tf.keras.layers.Conv2DTranspose"].parameter(name) is not None
    open_channels = {} if "input_" in text else {"input": IN}
    found = operator(text, **open_channels)
    assert {key: getattr(found, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    tested = {name for name, *_ in FUNCTIONS}
    assert tested == {p.name for p in FORMS["tf.nn.conv2d_transpose"].parameters}
    tested = {name for name, *_ in LAYERS}
    assert tested == {p.name for p in FORMS["tf.keras.layers.Conv2DTranspose"].parameters}


# Whole snippets.


@pytest.mark.parametrize(
    ("text", "descriptor", "shape"),
    [
        (
            # The DCGAN tutorial of TensorFlow.
            (
                "model.add(layers.Conv2DTranspose(128, (5, 5), strides=(1, 1), padding='same', "
                "use_bias=False, input_shape=(7, 7, 256)))"
            ),
            "ic256_oc128_k5x5_c2.2x2.2",
            (1, 256, 7, 7),
        ),
        (
            (
                "inputs = keras.Input(shape=(14, 14, 128))\n"
                "x = layers.Conv2DTranspose(64, 4, strides=2, padding='same')(inputs)"
            ),
            "ic128_oc64_k4x4_s2x2_c1.1x1.1_b",
            (1, 128, 14, 14),
        ),
        (
            "up = tf.keras.layers.Conv1DTranspose(8, 5, strides=2, input_shape=(None, 3))",
            "ic3_oc8_k5_s2_b",
            None,
        ),
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
    found = reading(text)
    assert (found.operator.descriptor, found.input) == (descriptor, shape)


def test_function_of_three_axes_reads_data_format_before_output_padding() -> None:
    two = operator("layers.Conv2DTranspose(6, 3, 2, 'same', 1, 'channels_last')", input=IN)
    assert two.crop == ((0, 1), (0, 1))
    with pytest.raises(SnippetError, match="data_format must be"):
        reading("layers.Conv3DTranspose(6, 3, 2, 'same', 1)", input=(1, 4, 2, 2, 2))


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
        ("tf.nn.conv2d_transpose(x, w, [1, h, 14, 6], 2)", "is 'h', whose value"),
        ("tf.nn.conv2d_transpose(x, w, tf.shape(skip), 2)", r"is the call tf.shape\(…\)"),
        ("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6])", "needs strides"),
        ("tf.nn.conv1d_transpose(x, w, [1, 10, 6], 2, [[0, 0], [1, 1], [0, 0]])", ""),
        (LAYER.format(", strides=[2]"), "one number that is no list, or 2"),
        (LAYER.format(", 2, dilation_rate=2"), "refuses strides .* together with dilation_rate"),
        (LAYER.format(", 2, output_padding=2"), "less than strides"),
        (LAYER.format(", 2, 'same', 0"), "even kernel 2 is refused"),
        (LAYER.format(", padding='causal'"), "must be 'same' or 'valid'"),
        (LAYER.format(", groups=2"), "no groups"),
        (LAYER.format(", data_format='NHWC'"), "'channels_last' or 'channels_first'"),
        (LAYER.format(", stride=2"), "Did you mean 'strides'"),
        ("layers.Conv2DTranspose(6, 3, input_shape=(7, 4))", "has 3 axes"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    supplied: dict[str, Sequence[int]] = {} if "input_shape" in text else {"input": IN}
    if "conv1d" in text:
        supplied, fact = {"input": (1, 4, 5), "weight": (4, 6, 3)}, "padding must be 'SAME' or"
    elif text.startswith("tf.nn"):
        supplied["weight"] = WEIGHT
    with pytest.raises(SnippetError, match=fact):
        reading(text, **supplied)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("layers.Conv2DTranspose(6, 3)", "leaves in_channels open: add --input"),
        ("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2)", "output_shape .* add --input"),
    ],
)
def test_error_says_what_to_add(text: str, asks: str) -> None:
    with pytest.raises(SnippetError, match=asks):
        reading(text)


def test_weights_must_be_said_where_a_name_stands_for_them() -> None:
    with pytest.raises(SnippetError, match="leaves kernel open: add --weight 4,6,4,4"):
        reading("tf.nn.conv2d_transpose(x, w, [1, 10, 14, 6], 2)", input=IN)


# Training.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'glorot_uniform'", Initializer("uniform", 1.0, "average")),
        ("'he_normal'", Initializer("truncated_normal", 2.0, "out")),
        ("tf.keras.initializers.LecunUniform(seed=1)", Initializer("uniform", 1.0, "out")),
        ("keras.initializers.HeNormal", Initializer("truncated_normal", 2.0, "out")),
        ("VarianceScaling(3., mode='fan_out', distribution='untruncated_normal')",
         Initializer("normal", 3.0, "in")),
        ("tf.random_normal_initializer(0., 0.5)", Initializer("normal", 0.25)),
        ("RandomUniform(-3, 3)", Initializer("uniform", 3.0)),
        ("'zeros'", Initializer("constant", 0.0)),
        ("Constant(2)", Initializer("constant", 2.0)),
    ],
)  # fmt: skip
def test_initializer_is_read(text: str, expected: Initializer) -> None:
    found = reading(LAYER.format(f", kernel_initializer={text}"), input=IN)
    assert found.training == Training(weights=expected)


def test_initializer_by_a_name_of_the_text_is_read() -> None:
    text = "init = RandomNormal(stddev=0.5)\n" + LAYER.format(", kernel_initializer=init")
    assert reading(text, input=IN).training.weights == Initializer("normal", 0.25)


def test_fan_of_a_bias_is_its_length() -> None:
    found = reading(LAYER.format(", bias_initializer='he_uniform'"), input=IN)
    assert found.training.bias == Initializer("uniform", 2.0 / 6)


@pytest.mark.parametrize("text", ["RandomNormal(1.0, 0.5)", "Orthogonal()", "f(x)", "'mine'"])
def test_initializer_that_is_not_known_is_a_note(text: str) -> None:
    found = reading(LAYER.format(f", kernel_initializer={text}"), input=IN)
    assert found.training == SILENT
    assert "kernel_initializer" in found.notes[0]


def test_penalty_activation_and_frozen_layer_are_said() -> None:
    found = reading(
        LAYER.format(", activation='tanh', kernel_regularizer=l2(0.01), trainable=False"), input=IN
    )
    assert found.training == Training(weights_rate=0.0, bias_rate=0.0)
    assert [note.split()[0] for note in found.notes] == ["activation", "kernel_regularizer"]
    assert "weight decay of 0.02" in found.notes[1]


# Round trips.


@given(sized_operators())
def test_function_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    # Without elements a call that is padded behind may have an output of less than nothing.
    assume(min(in_size) > 0)
    program = render(wanted, "tensorflow")
    assert isinstance(program, Program)
    shape = (2, wanted.in_channels, *in_size)
    found = reading(program.text, input=shape, weight=wanted.weight_shape)
    assert found.operator == wanted


@given(sized_operators())
@settings(max_examples=200)
def test_layer_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    program = render(wanted, "tensorflow", style="layer")
    assume(min(in_size) > 0 and isinstance(program, Program))
    assert isinstance(program, Program)
    found = reading(program.text, input=(2, wanted.in_channels, *in_size))
    assert found.operator == wanted


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Operator.of(4, 6, (3, 2), groups=2), "no groups; 2 are asked for"),
        (Operator.of(4, 6, (3, 2), stride=(2, 1), dilation=(1, 2)), "together with dilation_rate"),
    ],
)
def test_layer_that_keras_cannot_have_is_unsupported(wanted: Operator, reason: str) -> None:
    program = render(wanted, "tensorflow", style="layer")
    assert isinstance(program, Unsupported)
    assert reason in program.reason


def test_dilated_layer_is_unsupported_where_tensorflow_refuses_its_type() -> None:
    dilated = Operator.of(4, 6, (3, 2), dilation=2)
    assert isinstance(render(dilated, "tensorflow", style="layer"), Program)
    program = render(dilated, "tensorflow", "float64", style="layer")
    assert isinstance(program, Unsupported)
    assert "float64" in program.reason


# The real thing.

_SERVER = """
import json, sys
import numpy as np
import tensorflow as tf

def last(array):
    return np.moveaxis(np.array(array, "float32"), 1, -1)

def function(job):
    x, w = tf.constant(last(job["x"])), np.moveaxis(np.array(job["w"], "float32"), (0, 1), (-1, -2))
    return eval(job["text"], {"tf": tf, "x": x, "w": tf.constant(w)})

def layer(job):
    x, w = tf.constant(last(job["x"])), np.moveaxis(np.array(job["w"], "float32"), (0, 1), (-1, -2))
    made = eval(job["text"], {"tf": tf, "layers": tf.keras.layers})
    made.build(x.shape)
    made.set_weights([w, np.array(job["b"], "float32")])
    return made(x)

def program(job):
    names = {name: np.array(job[name], job["dtype"]) for name in ("x", "w", "b", "dy")}
    exec(job["text"], names)
    exec(job["gradient_text"], names)
    wanted = ("y", "dx", "dw", "db")[: 4 if job["bias"] else 3]
    assert all(names[name].dtype == job["dtype"] for name in wanted)
    return [names[name].tolist() for name in wanted]

def draw(job):
    names = {"tf": tf}
    exec(job["text"], names)
    made = names["layer"]
    made.build(job["shape"])
    found = [v.numpy().astype("float64") for v in made.trainable_variables]
    return [[array.mean(), array.var(), abs(array).max()] for array in found]

def train(job):
    names = {"tf": tf, "np": np, "weight_decay": 0.5}
    exec(job["text"], names)
    return names["result"]

def signature(job):
    import inspect
    made = eval(job["text"], {"tf": tf})
    found = inspect.signature(made.__init__ if isinstance(made, type) else made).parameters
    return [
        [p.name, None if p.default is p.empty else p.default]
        for p in found.values() if p.kind == p.POSITIONAL_OR_KEYWORD and p.name != "self"
    ]

def answer(job):
    try:
        found = globals()[job["kind"]](job)
    except Exception as error:
        return {"error": type(error).__name__ + ": " + str(error)[:300]}
    if hasattr(found, "numpy"):
        found = np.moveaxis(found.numpy(), -1, 1).tolist()
    return {"value": found}

answers = [answer(job) for job in json.load(sys.stdin)]
print("\\n" + json.dumps(answers))
"""


def in_tensorflow(jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Let one process of the real framework do all jobs."""
    spoken = convention("tensorflow")
    done = subprocess.run(
        [str(interpreter(spoken)), "-I", "-c", _SERVER],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        env=dict(spoken.environ),
    )
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def integers(shape: Sequence[int], generator: random.Random) -> np.ndarray[Any, Any]:
    flat = [generator.randint(-4, 4) for _ in range(math.prod(shape))]
    return np.array(flat, "float64").reshape(shape)


def reference(
    wanted: Operator, x: np.ndarray[Any, Any], w: np.ndarray[Any, Any], b: np.ndarray[Any, Any]
) -> Any:
    return impl.conv_transpose(
        x,
        w,
        b if wanted.bias else None,
        stride=wanted.stride,
        dilation=wanted.dilation,
        crop=wanted.crop,
        groups=wanted.groups,
    )


def disagreements(kind: str, texts: Sequence[tuple[str, Sizes, Sizes]], least: int) -> list[Any]:
    """Run calls as they are written, and our readings of them; they must both refuse, or agree."""
    generator = random.Random(3)
    jobs = [
        {
            "kind": kind,
            "text": text,
            "x": integers(shape, generator).tolist(),
            "w": integers(weight, generator).tolist(),
            "b": integers(weight[1:2], generator).tolist(),
        }
        for text, shape, weight in texts
    ]
    wrong: list[Any] = []
    agreed = refused = 0
    for (text, shape, weight), job, real in zip(texts, jobs, in_tensorflow(jobs), strict=True):
        try:
            wanted = operator(text, input=shape, weight=weight)
        except SnippetError as error:
            refused += 1
            if "error" not in real:
                wrong.append((text, "we refuse", str(error)))
            continue
        expected = reference(wanted, *(np.array(job[name]) for name in ("x", "w", "b")))
        if "error" in real or not np.array_equal(np.array(real["value"]), expected):
            wrong.append((text, shape, wanted.descriptor, real.get("error", "another output")))
        agreed += 1
    assert min(agreed, refused) > least
    return wrong


def random_calls(count: int) -> list[tuple[str, Sizes, Sizes]]:
    """Calls of tf.nn whose output_shape is often legal, sometimes just not."""
    generator = random.Random(11)
    calls: list[tuple[str, Sizes, Sizes]] = []
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
        calls.append(
            (
                (
                    f"tf.nn.conv{rank}d_transpose(x, w, {[2, *out, 3]}, {stride}, {padding!r}, "
                    f"dilations={dilation})"
                ),
                (2, 2, *size),
                (2, 3, *kernel),
            )
        )
    return calls


@pytest.mark.frameworks
def test_function_crops_as_we_read_it() -> None:
    assert disagreements("function", random_calls(400), least=40) == []


def random_layers(count: int) -> list[tuple[str, Sizes, Sizes]]:
    generator = random.Random(12)
    calls: list[tuple[str, Sizes, Sizes]] = []
    for _ in range(count):
        rank = generator.choice((1, 2, 2, 3))
        stride = [generator.randint(1, 4) for _ in range(rank)]
        dilation = [1] * rank
        if generator.random() < 0.3:
            dilation = [generator.randint(1, 3) for _ in range(rank)]
            stride = [1] * rank if generator.random() < 0.8 else stride
        kernel = [generator.randint(1, 5) for _ in range(rank)]
        extra = ""
        if generator.random() < 0.5:
            most = generator.choice((0, 0, 0, 1))
            extra = f", output_padding={[generator.randint(0, s - 1 + most) for s in stride]}"
        padding = generator.choice(("same", "SAME", "valid"))
        calls.append(
            (
                (
                    f"layers.Conv{rank}DTranspose(3, {kernel}, {stride}, {padding!r}{extra}, "
                    f"dilation_rate={dilation})"
                ),
                # An output that is refused may be empty for an input of one, and then is not.
                (2, 2, *(generator.randint(2 if extra else 1, 4) for _ in range(rank))),
                (2, 3, *kernel),
            )
        )
    return calls


@pytest.mark.frameworks
def test_layer_crops_as_we_read_it() -> None:
    assert disagreements("layer", random_layers(400), least=40) == []


def random_operators(count: int) -> list[tuple[Operator, Sizes]]:
    generator = random.Random(13)
    drawn: list[tuple[Operator, Sizes]] = []
    while len(drawn) < count:
        rank = generator.choice((1, 2, 2, 3))
        strided = generator.random() < 0.7
        wanted = Operator.of(
            generator.randint(1, 3),
            generator.randint(1, 3),
            [generator.randint(1, 4) for _ in range(rank)],
            stride=[generator.randint(1, 4) if strided else 1 for _ in range(rank)],
            dilation=[1 if strided else generator.randint(1, 3) for _ in range(rank)],
            crop=[(generator.randint(-2, 2), generator.randint(-2, 2)) for _ in range(rank)],
            bias=generator.random() < 0.6,
        )
        in_size = tuple(generator.randint(1, 4) for _ in range(rank))
        if min(wanted.out_size(in_size)) > 0:
            drawn.append((wanted, in_size))
    return drawn


def job_of(wanted: Operator, in_size: Sizes, dtype: str) -> dict[str, Any] | None:
    program = render(wanted, "tensorflow", dtype, style="layer")
    if isinstance(program, Unsupported):
        return None
    generator = random.Random(wanted.descriptor)
    shapes = {
        "x": (2, wanted.in_channels, *in_size),
        "w": wanted.weight_shape,
        "b": (wanted.out_channels,),
        "dy": (2, wanted.out_channels, *wanted.out_size(in_size)),
    }
    arrays = {name: integers(shape, generator).tolist() for name, shape in shapes.items()}
    return {
        "kind": "program",
        "text": program.text,
        "gradient_text": program.gradient_text,
        "bias": wanted.bias,
        "dtype": dtype,
        **arrays,
    }


def native_operators() -> list[tuple[Operator, Sizes]]:
    """What people write in networks: every padding and output_padding of a few kernels."""
    found: list[tuple[Operator, Sizes]] = []
    for kernel, stride, shape in (((5, 4), (2, 3), (3, 4)), ((2, 3), (3, 4), (2, 3))):
        for padding in ("same", "valid"):
            for extra in ("", ", output_padding=1", f", output_padding={[s - 1 for s in stride]}"):
                text = f"layers.Conv2DTranspose(3, {kernel}, {stride}, '{padding}'{extra})"
                found.append((operator(text, input=(1, 2, *shape)), shape))
    return found


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    drawn = random_operators(60) + native_operators()
    dtypes = ["float64" if place % 5 == 4 else "float32" for place in range(len(drawn))]
    jobs = [job_of(*pair, dtype) for pair, dtype in zip(drawn, dtypes, strict=True)]
    runs = [(pair, job) for pair, job in zip(drawn, jobs, strict=True) if job]
    assert len(runs) > 60
    wrong = []
    for ((wanted, _), job), real in zip(runs, in_tensorflow([job for _, job in runs]), strict=True):
        x, w, b, dy = (np.array(job[name]) for name in ("x", "w", "b", "dy"))
        expected = [
            reference(wanted, x, w, b),
            *impl.conv_transpose_vjp(
                dy, x, w, stride=wanted.stride, dilation=wanted.dilation, crop=wanted.crop
            ),
        ]
        got = real.get("value", [])
        if not got or not all(
            np.array_equal(np.array(a), e) for a, e in zip(got, expected, strict=False)
        ):
            wrong.append((wanted.descriptor, real.get("error"), job["text"]))
    assert wrong == []


def test_native_layers_are_written_as_one_call() -> None:
    supports = [
        program.support
        for wanted, _ in native_operators()
        for program in [render(wanted, "tensorflow", style="layer")]
    ]
    assert supports == ["native"] * len(supports)


LARGE = Operator.of(48, 96, (5, 5))  # 115200 elements: their variance is known to half a percent.
MANY = Operator.of(2, 60000, (1, 1))


def check_draw(drawn: Sequence[float], wanted: Initializer, of: Operator) -> None:
    mean, variance, largest = drawn
    if wanted.distribution == "constant":
        assert (mean, variance) == (wanted.scale, 0)
        return
    deviation = wanted.deviation(of)
    assert abs(mean) < 0.03 * deviation
    assert variance == pytest.approx(wanted.variance(of), rel=0.04)
    if wanted.distribution == "uniform":
        assert 0.999 < largest / wanted.bound(of) < 1.00001
    elif wanted.distribution == "truncated_normal":
        assert 1.99 < largest / deviation * 0.87962566103423978 < 2.00001
    else:
        assert largest > 3 * deviation


@pytest.mark.frameworks
def test_initializers_draw_what_we_read() -> None:
    texts = [
        *("'glorot_uniform'", "'glorot_normal'", "'he_uniform'", "'he_normal'"),
        *("'lecun_uniform'", "'lecun_normal'", "'normal'", "'uniform'", "'ones'", "'one'"),
        *("'truncated_normal'", "'variance_scaling'", "'random_normal'", "'zero'"),
        "tf.keras.initializers.VarianceScaling(3.0, 'fan_out', 'untruncated_normal')",
        "tf.keras.initializers.VarianceScaling(mode='fan_out', distribution='uniform')",
        "tf.keras.initializers.VarianceScaling(distribution='normal', scale=0.5, mode='fan_avg')",
        "tf.keras.initializers.TruncatedNormal(stddev=0.5)",
        "tf.keras.initializers.RandomNormal(stddev=0.02)",
        "tf.keras.initializers.RandomUniform(-0.3, 0.3)",
        "tf.keras.initializers.Constant(0.25)",
        "tf.random_normal_initializer(0.0, 0.02)",
        "tf.keras.initializers.HeNormal",
    ]
    kernels = [f"tf.keras.layers.Conv2DTranspose(96, 5, kernel_initializer={t})" for t in texts]
    biases = [f"tf.keras.layers.Conv2DTranspose(60000, 1, bias_initializer={t})" for t in texts]
    jobs = [{"kind": "draw", "text": f"layer = {t}", "shape": [1, 3, 3, 48]} for t in kernels]
    jobs += [{"kind": "draw", "text": f"layer = {t}", "shape": [1, 3, 3, 2]} for t in biases]
    answers = in_tensorflow(jobs)
    for text, real in zip(kernels, answers, strict=False):
        said = reading(text, input=(1, 48, 3, 3)).training.weights
        assert said is not None, text
        check_draw(real["value"][0], said, LARGE)
    for text, real in zip(biases, answers[len(kernels) :], strict=True):
        said = reading(text, input=(1, 2, 3, 3)).training.bias
        assert said is not None, text
        check_draw(real["value"][1], said, MANY)


def initializers() -> list[Initializer]:
    fans: tuple[Fan | None, ...] = (*get_args(Fan), None)
    kinds: tuple[Distribution, ...] = ("uniform", "normal", "truncated_normal")
    return [
        *(Initializer(kind, scale, fan) for kind in kinds for scale in (1.0, 0.3) for fan in fans),
        *(Initializer("constant", value) for value in (0.0, 1.0, 0.25)),
    ]


@pytest.mark.frameworks
def test_layers_draw_what_is_asked_for() -> None:
    jobs, wanted = [], []
    for initializer in initializers():
        for of, training in (
            (LARGE, Training(weights=initializer)),
            (MANY, Training(bias=initializer)),
        ):
            program = render(of, "tensorflow", style="layer", training=training)
            assert isinstance(program, Program)
            text = program.call.splitlines()[0]
            jobs.append({"kind": "draw", "text": text, "shape": [1, 3, 3, of.in_channels]})
            wanted.append((initializer, of))
    for (initializer, of), real in zip(wanted, in_tensorflow(jobs), strict=True):
        check_draw(real["value"][int(of is MANY)], initializer, of)


@pytest.mark.parametrize("initializer", initializers())
def test_initializer_comes_back(initializer: Initializer) -> None:
    of = Operator.of(4, 6, (3, 2))
    training = Training(weights=initializer)
    program = render(of, "tensorflow", style="layer", training=training)
    assert isinstance(program, Program)
    found = reading(program.text, input=IN).training.weights
    assert found is not None
    assert (found.distribution, found.fan) == (initializer.distribution, initializer.fan)
    assert found.scale == pytest.approx(initializer.scale, rel=1e-6)


_TRAINED = """
x = np.ones((1, 2, 3, 1), "float32")
deltas = []
for scaled in (False, True):
    layer = tf.keras.layers.Conv2DTranspose(2, 2)
    layer.build(x.shape)
    before = [np.full(v.shape, 0.5, "float32") for v in layer.variables]
    layer.set_weights(before)
    if scaled:
        exec(TRAINING)
        made = OPTIMIZER(0.125)
    else:
        made = tf.keras.optimizers.SGD(0.125)
    model = tf.keras.Sequential([layer])
    model.compile(optimizer=made, loss="mse")
    model.fit(x, np.zeros((1, 3, 4, 2), "float32"), verbose=0)
    deltas.append([(a - b) for a, b in zip(before, layer.get_weights())])
result = [(b / a).ravel().tolist() for a, b in zip(*deltas)]
"""


@pytest.mark.frameworks
def test_factors_work_in_training() -> None:
    of = Operator.of(1, 2, (2, 2))

    def training(**factors: float) -> str:
        asked = Training(**factors)  # type: ignore[arg-type]
        program = render(of, "tensorflow", style="layer", training=asked)
        assert isinstance(program, Program)
        return program.training

    rates = {
        training(weights_rate=4.0, bias_rate=0.5): "Optimizer",
        training(weights_rate=0.0, bias_rate=0.0): "tf.keras.optimizers.SGD",
        training(weights_rate=0.0): "Optimizer",
    }
    jobs = [
        {
            "kind": "train",
            "text": _TRAINED.replace("TRAINING", repr(text)).replace("OPTIMIZER", optimizer),
        }
        for text, optimizer in rates.items()
    ]
    decay = training(weights_decay=4.0, bias_decay=0.5)
    penalty = (
        "layer.build((1, 3, 3, 1))\nlayer.set_weights([np.ones(v.shape) for v in layer.variables])"
        "\nresult = [float(loss) for loss in layer.losses]"
    )
    jobs.append({"kind": "train", "text": f"{decay}\n{penalty}"})
    *factors, losses = (real["value"] for real in in_tensorflow(jobs))
    assert factors[0] == [[pytest.approx(4.0)] * 8, [pytest.approx(0.5)] * 2]
    assert factors[1] == [[0.0] * 8, [0.0] * 2]
    assert factors[2] == [[0.0] * 8, [pytest.approx(1.0)] * 2]
    # A decay of 0.5 adds 0.25 * sum(w ** 2) to the loss; there are 8 ones, and 2.
    assert losses == [4.0 * 0.25 * 8, 0.5 * 0.25 * 2]


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    # What TensorFlow 2 no longer has cannot be asked.
    gone = ("tf.layers.", "tf.contrib.", "tf.keras.backend.conv3d")
    names = [name for name in FORMS if not name.startswith(gone)]
    answers = in_tensorflow([{"kind": "signature", "text": name} for name in names])
    for name, real in zip(names, answers, strict=True):
        table = [p for p in FORMS[name].parameters if not p.keyword]
        if name.startswith("tf.compat.v1"):
            # There every parameter has a second name, which comes last.
            assert {p.name for p in table} <= {each for each, _ in real["value"]}
            continue
        assert [p.name for p in table] == [each for each, _ in real["value"]]
        for parameter, (_, default) in zip(table, real["value"], strict=True):
            one = default[0] if isinstance(default, list) else default
            assert (None if parameter.default is REQUIRED else parameter.default) == one
