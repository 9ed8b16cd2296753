"""What Chainer's links say of training, and what we write of it, held against the real Chainer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import reality
from reality import Job

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import GLOROT, ONES, ZEROS, Fan, Initializer, Training
from harness.lookup.reading import read

LINK = "L.Deconvolution2D(4, 6, (3, 2){})"


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "chainer", **supplied)


INITIALIZERS = [
    ("chainer.initializers.GlorotUniform()", GLOROT),
    ("initializers.GlorotNormal(scale=2)", Initializer("normal", 4.0, "average")),
    ("HeNormal()", Initializer("normal", 2.0, "out")),
    ("HeNormal(0.5, fan_option='fan_out')", Initializer("normal", 0.5, "in")),
    ("HeUniform()", Initializer("uniform", 2.0, "out")),
    ("LeCunNormal()", Initializer("normal", 1.0, "out")),
    ("LeCunUniform(2)", Initializer("uniform", 4.0, "out")),
    ("Normal()", Initializer("normal", 0.05**2)),
    ("Normal(scale=0.5, dtype='f')", Initializer("normal", 0.25)),
    ("Uniform(3)", Initializer("uniform", 3.0)),
    ("Zero()", ZEROS),
    ("One()", ONES),
    ("Constant(2)", Initializer("constant", 2.0)),
    ("0.5", Initializer("constant", 0.5)),
]


@pytest.mark.parametrize(("text", "wanted"), INITIALIZERS)
def test_initializer_is_read(text: str, wanted: Initializer) -> None:
    assert reading(LINK.format(f", initialW={text}")).training == Training(weights=wanted)
    named = f"init = {text}\n{LINK.format(', initialW=init')}"
    if text != "0.5":
        assert reading(named).training == Training(weights=wanted)


FANS: tuple[Fan, ...] = ("in", "out", "average")
TRAININGS = [
    Training(weights=Initializer(kind, scale, fan), bias=Initializer(kind, 0.5))
    for kind in ("uniform", "normal")
    for fan in (*FANS, None)
    for scale in (1.0, 2.0, 1.5)
] + [Training(weights=ZEROS, bias=Initializer("constant", 2.0))]


@pytest.mark.parametrize("training", TRAININGS)
def test_initializers_come_back(training: Training) -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2)
    program = render(wanted, "chainer", style="layer", training=training)
    assert isinstance(program, Program)
    result = reading(program.text)
    assert result.operator == wanted
    for drawn, asked in (
        (result.training.weights, training.weights),
        (result.training.bias, training.bias),
    ):
        assert drawn is not None
        assert asked is not None
        assert drawn.distribution == asked.distribution
        assert drawn.variance(wanted) == pytest.approx(asked.variance(wanted), rel=1e-12)
        assert drawn.distribution != "constant" or drawn == asked


def test_silent_training_is_no_text() -> None:
    program = render(Operator.of(4, 6, (3, 2)), "chainer", style="layer")
    assert isinstance(program, Program)
    assert (program.training, program.notes) == ("", ())
    assert "initial" not in program.text


@pytest.mark.frameworks
def test_weights_have_the_variance_that_is_asked_for() -> None:
    wanted = Operator.of(60, 40, (5, 5), groups=2)
    made = []
    for training in TRAININGS:
        program = render(wanted, "chainer", style="layer", training=training)
        assert isinstance(program, Program)
        made.append((training, f"{program.setup}\n{program.call.splitlines()[0]}"))
    # What people write, drawn by Chainer itself.
    for written, initializer in INITIALIZERS:
        text = (
            "import chainer, chainer.links as L\nfrom chainer import initializers\n"
            "from chainer.initializers import *\n"
            f"layer = L.Deconvolution2D(60, 40, 5, groups=2, initialW={written})"
        )
        made.append((Training(weights=initializer), text))
    jobs = [
        Job(
            f"import numpy as np\nnp.random.seed(1)\n{text}\nw = layer.W.array\n"
            "found = [w.mean(), w.var(), abs(w).max()]",
            ("found",),
            {},
        )
        for _, text in made
    ]
    for job, real, (training, _) in zip(jobs, reality.run("chainer", jobs), made, strict=True):
        assert "error" not in real, (job.text, real)
        assert training.weights is not None
        reality.check_drawn(real["found"], training.weights, wanted)
