"""What MXNet's calls say of training, and what we write of it, held against the real MXNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import reality
from reality import Job

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import GLOROT, ONES, ZEROS, Fan, Initializer, Training
from harness.lookup.reading import read

IN = (1, 4, 5, 7)
GLUON = "nn.Conv2DTranspose(6, (3, 2){})"


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "mxnet", **supplied)


INITIALIZERS = [
    ("'xavier'", GLOROT),
    ("mx.init.Xavier()", GLOROT),
    ("mx.init.Xavier('gaussian', 'in', 2)", Initializer("normal", 2.0, "out")),
    ("Xavier(factor_type='out', magnitude=6)", Initializer("uniform", 2.0, "in")),
    ("mx.init.MSRAPrelu(slope=0)", Initializer("normal", 2.0, "average")),
    ("mx.initializer.MSRAPrelu('out')", Initializer("normal", 2 / 1.0625, "in")),
    ("mx.init.Normal(0.5)", Initializer("normal", 0.25)),
    ("'normal'", Initializer("normal", 0.01**2)),
    ("mx.init.Uniform(scale=3)", Initializer("uniform", 3.0)),
    ("mx.init.Zero()", ZEROS),
    ("'ones'", ONES),
    ("mx.init.Constant(2)", Initializer("constant", 2.0)),
]


@pytest.mark.parametrize(("text", "wanted"), INITIALIZERS)
def test_initializer_is_read(text: str, wanted: Initializer) -> None:
    layer = GLUON.format(f", weight_initializer={text}")
    assert reading(layer, input=IN).training == Training(weights=wanted)
    assert reading(f"i = {text}\n{GLUON.format(', weight_initializer=i')}", input=IN).training == (
        Training(weights=wanted)
    )
    symbol = f"mx.sym.Variable('w', init={text}, lr_mult=2)"
    call = f"w = {symbol}\nmx.sym.Deconvolution(x, w, kernel=(3, 2), num_filter=6)"
    assert reading(call, input=IN).training == Training(weights=wanted, weights_rate=2.0)


def test_factors_of_symbols_are_read() -> None:
    text = (
        "mx.sym.Deconvolution(x, mx.sym.Variable('w', lr_mult=0), mx.sym.var('b', lr_mult=2, "
        "wd_mult=0.0), kernel=(3, 2), num_filter=6, no_bias=False)"
    )
    assert reading(text, input=IN).training == Training(
        weights_rate=0.0, bias_rate=2.0, bias_decay=0.0
    )


def test_factors_of_parameters_are_read() -> None:
    text = (
        f"up = {GLUON.format('')}\nup.weight.lr_mult = 0.5\nup.bias.wd_mult = 0\no.bias.lr_mult = 3"
    )
    assert reading(text, input=IN).training == Training(weights_rate=0.5, bias_decay=0.0)


FANS: tuple[Fan, ...] = ("in", "out", "average")
TRAININGS = [
    Training(weights=Initializer(kind, 1.5, fan), bias=Initializer(kind, 0.5))
    for kind in ("uniform", "normal")
    for fan in (*FANS, None)
] + [Training(weights=ZEROS, bias=Initializer("constant", 2.0), weights_rate=2.0, bias_decay=0.0)]


@pytest.mark.parametrize("training", TRAININGS)
def test_training_comes_back(training: Training) -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2)
    program = render(wanted, "mxnet", style="layer", training=training)
    assert isinstance(program, Program)
    result = reading(program.text + program.training)
    assert result.operator == wanted
    assert result.training == replace(
        training,
        weights=_rounded(training.weights, result.training.weights),
        bias=_rounded(training.bias, result.training.bias),
    )


def _rounded(wanted: Initializer | None, result: Initializer | None) -> Initializer | None:
    """What was read, if it differs by no more than a square root and a square do."""
    assert wanted is not None
    assert result is not None
    assert result.scale == pytest.approx(wanted.scale, rel=1e-12)
    return wanted._replace(scale=result.scale)


def test_silent_training_is_no_text() -> None:
    program = render(Operator.of(4, 6, (3, 2)), "mxnet", style="layer")
    assert isinstance(program, Program)
    assert (program.training, program.notes) == ("", ())
    assert "initializer" not in program.text


@pytest.mark.frameworks
def test_weights_have_the_variance_that_is_asked_for() -> None:
    wanted = Operator.of(60, 40, (5, 5), groups=2)
    read_ones = [Training(weights=initializer) for _, initializer in INITIALIZERS]
    jobs = []
    for training in [*TRAININGS, *read_ones]:
        program = render(wanted, "mxnet", style="layer", training=training)
        assert isinstance(program, Program)
        made = program.call.splitlines()[0]
        text = (
            f"{program.setup}\nmx.random.seed(1)\n{made}\nlayer.initialize()\n"
            "w = layer.weight.data().asnumpy()\n"
            "found = [w.mean(), w.var(), abs(w).max()]"
        )
        jobs.append(Job(text, ("found",), {}))
    # What people write, drawn by MXNet itself.
    for written, _ in INITIALIZERS:
        text = (
            "import mxnet as mx\nfrom mxnet.gluon import nn\n"
            "from mxnet.initializer import *\nmx.random.seed(1)\n"
            f"made = {written}\n"
            "layer = nn.Conv2DTranspose(40, 5, groups=2, in_channels=60, weight_initializer=made)\n"
            "layer.initialize()\nw = layer.weight.data().asnumpy()\n"
            "found = [w.mean(), w.var(), abs(w).max()]"
        )
        jobs.append(Job(text, ("found",), {}))
    initializers = [*TRAININGS, *read_ones, *read_ones]
    for training, real in zip(initializers, reality.run("mxnet", jobs), strict=True):
        assert "error" not in real, real
        assert training.weights is not None
        reality.check_drawn(real["found"], training.weights, wanted)
