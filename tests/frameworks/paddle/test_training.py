"""What PaddlePaddle's layers say of training, and what we write of it, held against the real."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import reality
from reality import Job

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import (
    GLOROT,
    ONES,
    TRUNCATED_DEVIATION,
    ZEROS,
    Fan,
    Initializer,
    Training,
)
from harness.lookup.reading import read

LAYER = "nn.Conv2DTranspose(4, 6, (3, 2){})"
MODULE = "paddle.nn.initializer"


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "paddle", **supplied)


INITIALIZERS = [
    (f"{MODULE}.XavierUniform()", GLOROT),
    ("nn.initializer.XavierNormal(gain=2)", Initializer("normal", 4.0, "average")),
    ("KaimingNormal()", Initializer("normal", 2.0, "out")),
    ("KaimingNormal(fan_in=50)", Initializer("normal", 2 / 50)),
    ("KaimingUniform(nonlinearity='linear')", Initializer("uniform", 1.0, "out")),
    ("KaimingNormal(negative_slope=1, nonlinearity='leaky_relu')",
     Initializer("normal", 1.0, "out")),
    ("KaimingUniform(mode='fan_out')", Initializer("uniform", 2.0, "in")),
    ("Normal()", Initializer("normal", 1.0)),
    ("Normal(0.0, 0.5)", Initializer("normal", 0.25)),
    ("Normal(std=0.5)", Initializer("normal", 0.25)),
    ("Uniform(-3, 3)", Initializer("uniform", 3.0)),
    ("Uniform()", Initializer("uniform", 1 / 3)),
    ("TruncatedNormal()", Initializer("truncated_normal", TRUNCATED_DEVIATION**2)),
    ("TruncatedNormal(std=0.5, a=-1.0, b=1.0)",
     Initializer("truncated_normal", (TRUNCATED_DEVIATION * 0.5) ** 2)),
    # The ends are values, far from anything that is drawn.
    ("TruncatedNormal(std=0.125)", Initializer("normal", 0.125**2)),
    ("Constant()", ZEROS),
    ("Constant(1.0)", ONES),
    ("Constant(value=2)", Initializer("constant", 2.0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), INITIALIZERS)
def test_initializer_is_read(text: str, wanted: Initializer) -> None:
    for attribute in (
        text,
        f"paddle.ParamAttr(initializer={text})",
        f"ParamAttr('w', {text})",
        f"paddle.ParamAttr(name='w', initializer={text}, trainable=True)",
    ):
        line = LAYER.format(f", weight_attr={attribute}")
        assert reading(line).training == Training(weights=wanted)
    named = f"init = {text}\n{LAYER.format(', weight_attr=ParamAttr(initializer=init)')}"
    assert reading(named).training == Training(weights=wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fluid.initializer.Normal(loc=0.0, scale=0.02)", Initializer("normal", 0.02**2)),
        ("fluid.initializer.NormalInitializer(0.0, 0.02)", Initializer("normal", 0.02**2)),
        ("fluid.initializer.MSRA()", Initializer("uniform", 2.0, "out")),
        ("fluid.initializer.MSRA(uniform=False)", Initializer("normal", 2.0, "out")),
        ("fluid.initializer.Xavier()", GLOROT),
        ("fluid.initializer.UniformInitializer(low=-3, high=3)", Initializer("uniform", 3.0)),
        ("fluid.initializer.TruncatedNormal(0.0, 0.5)",
         Initializer("truncated_normal", (TRUNCATED_DEVIATION * 0.5) ** 2)),
        ("fluid.initializer.Constant(0.0)", ZEROS),
    ],
)  # fmt: skip
def test_initializer_of_fluid_is_read(text: str, wanted: Initializer) -> None:
    attribute = f"fluid.ParamAttr(initializer={text})"
    call = f"fluid.layers.conv2d_transpose(x, 6, None, 3, param_attr={attribute})"
    assert reading(call, input=(1, 4, 5, 5)).training == Training(weights=wanted)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (", weight_attr=paddle.ParamAttr(learning_rate=2.0)", Training(weights_rate=2.0)),
        (", weight_attr=paddle.ParamAttr(trainable=False)", Training(weights_rate=0.0)),
        (", bias_attr=paddle.ParamAttr('b', None, 0.5)", Training(bias_rate=0.5)),
        (", bias_attr=Constant(0.5)", Training(bias=Initializer("constant", 0.5))),
        # The fans of a vector are both its length.
        (", bias_attr=XavierUniform()", Training(bias=Initializer("uniform", 1 / 6))),
        (", weight_attr='w', bias_attr='b'", Training()),
    ],
)
def test_attributes_are_read(options: str, wanted: Training) -> None:
    assert reading(LAYER.format(options)).training == wanted


@pytest.mark.parametrize(
    "attribute",
    [
        *("Bilinear()", "Orthogonal()", "Assign(w)", "Normal(1.0, 0.5)", "Uniform(0, 1)"),
        *("TruncatedNormal(std=1.0, a=-1.0)", "KaimingNormal(mode='fan_avg')"),
        *("XavierNormal(fan_in=3)", "XavierNormal(gain='relu')", "make()"),
    ],
)
def test_what_has_no_counterpart_is_noted(attribute: str) -> None:
    result = reading(LAYER.format(f", weight_attr=ParamAttr(initializer={attribute})"))
    assert result.training == Training()
    (note,) = result.notes
    assert "is not translated" in note


FANS: tuple[Fan, ...] = ("in", "out", "average")
TRAININGS = [
    Training(weights=Initializer(kind, scale, fan), bias=Initializer(kind, 0.5))
    for kind in ("uniform", "normal", "truncated_normal")
    for fan in (*FANS, None)
    for scale in (1.0, 2.0, 1.5)
] + [
    Training(weights=ZEROS, bias=Initializer("constant", 2.0)),
    Training(weights=GLOROT, weights_rate=2.0, bias_rate=0.0),
]


@pytest.mark.parametrize("training", TRAININGS)
def test_initializers_come_back(training: Training) -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2)
    program = render(wanted, "paddle", style="layer", training=training)
    assert isinstance(program, Program)
    result = reading(program.text)
    assert result.operator == wanted
    rates = result.training.weights_rate, result.training.bias_rate
    assert rates == (training.weights_rate, training.bias_rate)
    for drawn, asked in (
        (result.training.weights, training.weights),
        (result.training.bias, training.bias),
    ):
        assert (drawn is None) == (asked is None)
        if drawn is None or asked is None:
            continue
        assert drawn.distribution == asked.distribution
        assert drawn.variance(wanted) == pytest.approx(asked.variance(wanted), rel=1e-12)
        assert drawn.distribution != "constant" or drawn == asked


def test_silent_training_is_no_text() -> None:
    program = render(Operator.of(4, 6, (3, 2)), "paddle", style="layer")
    assert isinstance(program, Program)
    assert (program.training, program.notes) == ("", ())
    assert "attr" not in program.text


@pytest.mark.frameworks
def test_weights_have_the_variance_that_is_asked_for() -> None:
    wanted = Operator.of(60, 40, (5, 5), groups=2)
    made = []
    for training in TRAININGS:
        program = render(wanted, "paddle", style="layer", training=training)
        assert isinstance(program, Program)
        made.append((training, f"{program.setup}\n{program.call.splitlines()[0]}"))
    # What people write, drawn by PaddlePaddle itself.
    for written, initializer in INITIALIZERS:
        text = (
            "import paddle\nfrom paddle import nn\nfrom paddle.nn.initializer import *\n"
            f"layer = nn.Conv2DTranspose(60, 40, 5, groups=2, weight_attr={written})"
        )
        made.append((Training(weights=initializer), text))
    jobs = [
        Job(
            f"import paddle\npaddle.seed(1)\n{text}\nw = layer.weight.numpy()\n"
            "found = [w.mean(), w.var(), abs(w).max()]",
            ("found",),
            {},
        )
        for _, text in made
    ]
    for job, real, (training, _) in zip(jobs, reality.run("paddle", jobs), made, strict=True):
        assert "error" not in real, (job.text, real)
        assert training.weights is not None
        reality.check_drawn(real["found"], training.weights, wanted)
