"""What Keras's layers say of training, and what we write of it, against the real Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest
import reality
from reality import Job

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import SILENT, Distribution, Fan, Initializer, Training
from harness.lookup.reading import read

IN = (1, 4, 5, 7)
LAYER = "layers.Conv2DTranspose(6, (3, 2){})"


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "tensorflow", **supplied)


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
    result = reading(LAYER.format(f", kernel_initializer={text}"), input=IN)
    assert result.training == Training(weights=expected)


def test_initializer_by_a_name_of_the_text_is_read() -> None:
    text = "init = RandomNormal(stddev=0.5)\n" + LAYER.format(", kernel_initializer=init")
    assert reading(text, input=IN).training.weights == Initializer("normal", 0.25)


def test_fan_of_a_bias_is_its_length() -> None:
    result = reading(LAYER.format(", bias_initializer='he_uniform'"), input=IN)
    assert result.training.bias == Initializer("uniform", 2.0 / 6)


@pytest.mark.parametrize("text", ["RandomNormal(1.0, 0.5)", "Orthogonal()", "f(x)", "'mine'"])
def test_initializer_that_is_not_known_is_a_note(text: str) -> None:
    result = reading(LAYER.format(f", kernel_initializer={text}"), input=IN)
    assert result.training == SILENT
    assert "kernel_initializer" in result.notes[0]


def test_penalty_activation_and_frozen_layer_are_said() -> None:
    result = reading(
        LAYER.format(", activation='tanh', kernel_regularizer=l2(0.01), trainable=False"), input=IN
    )
    assert result.training == Training(weights_rate=0.0, bias_rate=0.0)
    assert [note.split()[0] for note in result.notes] == ["activation", "kernel_regularizer"]
    assert "weight decay of 0.02" in result.notes[1]


# The real thing.

LARGE = Operator.of(48, 96, (5, 5))  # 115200 elements: their variance is known to half a percent.
MANY = Operator.of(2, 60000, (1, 1))

DRAW = """
import tensorflow as tf
{}
layer.build({})
found = [
    [array.mean(), array.var(), abs(array).max()]
    for array in (v.numpy().astype("float64") for v in layer.trainable_variables)
]
"""


def drawing(text: str, of: Operator) -> Job:
    return Job(DRAW.format(text, [1, 3, 3, of.in_channels]), ("found",), {})


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
    jobs = [drawing(f"layer = {t}", LARGE) for t in kernels]
    jobs += [drawing(f"layer = {t}", MANY) for t in biases]
    answers = reality.run("tensorflow", jobs)
    for text, real in zip(kernels, answers, strict=False):
        initial = reading(text, input=(1, 48, 3, 3)).training.weights
        assert initial is not None, text
        reality.check_drawn(real["found"][0], initial, LARGE)
    for text, real in zip(biases, answers[len(kernels) :], strict=True):
        initial = reading(text, input=(1, 2, 3, 3)).training.bias
        assert initial is not None, text
        reality.check_drawn(real["found"][1], initial, MANY)


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
            jobs.append(drawing(program.call.splitlines()[0], of))
            wanted.append((initializer, of))
    for (initializer, of), real in zip(wanted, reality.run("tensorflow", jobs), strict=True):
        reality.check_drawn(real["found"][int(of is MANY)], initializer, of)


@pytest.mark.parametrize("initializer", initializers())
def test_initializer_comes_back(initializer: Initializer) -> None:
    of = Operator.of(4, 6, (3, 2))
    training = Training(weights=initializer)
    program = render(of, "tensorflow", style="layer", training=training)
    assert isinstance(program, Program)
    result = reading(program.text, input=IN).training.weights
    assert result is not None
    assert (result.distribution, result.fan) == (initializer.distribution, initializer.fan)
    assert result.scale == pytest.approx(initializer.scale, rel=1e-6)


_TRAINED = """
import numpy as np, tensorflow as tf
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
result = np.concatenate([(b / a).ravel() for a, b in zip(*deltas)])
"""


@pytest.mark.frameworks
def test_rates_work_in_training() -> None:
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
    texts = [
        _TRAINED.replace("TRAINING", repr(text)).replace("OPTIMIZER", optimizer)
        for text, optimizer in rates.items()
    ]
    result = reality.run("tensorflow", [Job(text, ("result",), {}) for text in texts])
    factors = [real["result"] for real in result]
    # Eight elements of the weights, two of the bias.
    assert factors[0] == [pytest.approx(4.0)] * 8 + [pytest.approx(0.5)] * 2
    assert factors[1] == [0.0] * 10
    assert factors[2] == [0.0] * 8 + [pytest.approx(1.0)] * 2
