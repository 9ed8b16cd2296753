"""What MATLAB text says of training, and what we write, in GNU Octave."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import GLOROT, ONES, SILENT, ZEROS, Initializer, Training
from harness.lookup.reading import read

LAYER = "layer = transposedConv2dLayer([3 2], 6, 'NumChannels', 4{});"


def reading(text: str) -> Reading:
    return read(text, "matlab")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("layer.WeightLearnRateFactor = 2;", Training(weights_rate=2.0)),
        ("layer.BiasL2Factor = 2; other.BiasL2Factor = 3;", Training(bias_decay=2.0)),
        ("layer.WeightsInitializer = 'he';", Training(weights=Initializer("normal", 2.0, "in"))),
    ],
)
def test_properties_set_behind_the_call(text: str, value: Training) -> None:
    assert reading(LAYER.format("") + "\n" + text).training == value


NET = "layer = transposedConv2dLayer(3, 6, 'NumChannels', 4);\n"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("layer = setLearnRateFactor(layer, 'Weights', 2);", "(layer, 'Weights', 2) is not read"),
        ("setLearnRateFactor(layer, 'Weights', 2);", "setLearnRateFactor(layer, 'Weights', 2) is"),
        ("other = setL2Factor(layer, 'Bias', 2);", "setL2Factor(layer, 'Bias', 2) is not read"),
        ("net = setL2Factor(net, 'down', 'Bias', 2);", "setL2Factor(net, 'down', 'Bias', 2) is"),
        ("net = setLearnRateFactor(net, 'up/Weights', 2);", "is not read here: where it is about"),
        (
            "if fast\nlayer = setLearnRateFactor(layer, 'Weights', 2);\nend",
            "setLearnRateFactor(layer, 'Weights', 2) is not read",
        ),
        ("layers(2).WeightL2Factor = 2;", "layers(2).WeightL2Factor is not read here"),
        ("layer.Weights(1:2, :, :, :) = v;", "is a part of an array, which is not read"),
    ],
)
def test_setter_that_may_be_about_something_else_is_a_note(text: str, note: str) -> None:
    found = reading(NET + text)
    assert found.training == SILENT
    assert len(found.notes) == 1
    assert note in found.notes[0]


# What we write.

INITIALIZERS = st.sampled_from(
    [
        GLOROT,
        ZEROS,
        ONES,
        Initializer("normal", 2.0, "in"),
        Initializer("normal", 0.0001),
        Initializer("constant", 0.25),
        Initializer("normal", 1.0, "out"),
        Initializer("uniform", 2.0, "in"),
        Initializer("truncated_normal", 2.0, "out"),
    ]
)


@given(st.tuples(INITIALIZERS, *[st.sampled_from([None, 0.0, 0.5, 2.0])] * 4))
def test_training_is_read_back(drawn: tuple[Initializer, Any, Any, Any, Any]) -> None:
    operator = Operator.of(4, 6, (3, 2))
    initializer, *factors = drawn
    training = Training(initializer, ONES, *factors)
    program = render(operator, "matlab", style="layer", training=training)
    assert isinstance(program, Program)
    found = reading(program.text + program.training).training
    if training.has_decay and training.bias_decay is None:
        # What is not said is 1; MATLAB's own default is 0, so that it must be said there.
        factors[3] = 1.0
    assert found.weights is not None
    assert found.weights.distribution == initializer.distribution
    assert found.weights.variance(operator) == pytest.approx(initializer.variance(operator))
    assert (found.bias, *list(vars(found).values())[2:]) == (ONES, *factors)


@pytest.mark.parametrize(
    ("name", "variance"), [("glorot", 2 / (9 * 64 + 9 * 128)), ("he", 2 / (9 * 64))]
)
def test_fans_count_as_the_document_says(name: str, variance: float) -> None:
    """NumIn is FilterSize(1)*FilterSize(2)*NumChannels."""
    text = f"transposedConv2dLayer(3, 128, 'NumChannels', 64, 'WeightsInitializer', '{name}')"
    found = reading(text)
    assert found.training.weights is not None
    assert found.training.weights.variance(found.operator) == pytest.approx(variance)


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "wanted",
    [
        Initializer("normal", 1.0, "out"),
        Initializer("uniform", 2.0, "in"),
        Initializer("truncated_normal", 2.0, "out"),
        Initializer("constant", 0.25),
    ],
)
def test_functions_that_we_write_draw_what_they_should(wanted: Initializer) -> None:
    """In GNU Octave, which has MATLAB's functions of random numbers."""
    octave = shutil.which("octave")
    assert octave, "there is no octave: apt-get install octave"
    operator = Operator.of(40, 60, (3, 3))
    program = render(operator, "matlab", style="layer", training=Training(wanted))
    assert isinstance(program, Program)
    line = next(line for line in program.training.splitlines() if "Initializer" in line)
    text = (
        f"rand('twister', 1); randn('twister', 1); {line} "
        "w = layer.WeightsInitializer([3 3 60 40]); "
        "printf('%.17g ', numel(w), mean(w(:)), var(w(:)), max(abs(w(:))));"
    )
    out = subprocess.run([octave, "--eval", text], capture_output=True, text=True, check=True)
    count, mean, variance, largest = map(float, out.stdout.split())
    deviation = wanted.deviation(operator)
    assert count == 3 * 3 * 60 * 40
    assert abs(variance - deviation**2) <= 0.05 * deviation**2
    if wanted.distribution == "constant":
        assert (mean, largest) == (0.25, 0.25)
        return
    assert abs(mean) < 0.035 * deviation
    bounds = {"uniform": wanted.bound(operator), "truncated_normal": 2 * deviation / 0.8796}
    assert largest <= bounds.get(wanted.distribution, 8 * deviation)
