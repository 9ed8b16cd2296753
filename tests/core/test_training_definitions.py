"""What the printed lines on training do in GNU Octave and Mathics3, over our definitions.

Neither has anything that trains: what can be seen is what a layer keeps, and what it draws.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from programs import layer
from reality import running

from harness.convention.registry import convention
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import GLOROT, ONES, Initializer, Training
from harness.engines.job import Arrays, Job
from harness.engines.process import Engine
from harness.execution import TIMEOUT
from harness.execution.environments import launch

pytestmark = pytest.mark.frameworks

OPERATORS = {
    "plain": Operator.of(2, 3, (3, 2), stride=2),
    "zeros around the kernel": Operator.of(2, 3, (3, 2), crop=((-1, 0), (0, -2))),
    "no bias": Operator.of(2, 3, (3, 2), bias=False),
}
QUARTER = Initializer("constant", 0.25)
IN_SIZE = (1, 2)  # Mathics3 takes a second for more.


def left(engine: Engine, operator: Operator, text: str, *outputs: str) -> list[Any]:
    """Run a text with ones for all arrays; give what it leaves."""
    shapes = {"x": (1, operator.in_channels, *IN_SIZE), "w": operator.weight_shape}
    arrays = {name: np.ones(shape, "float32") for name, shape in shapes.items()}
    arrays["b"] = np.ones(operator.out_channels, "float32")
    job = Job(text, "", Section("", text, ""), arrays, outputs, ("value",))
    ((_, found),) = engine.run([job])
    assert isinstance(found, Arrays), found
    return [np.asarray(found.outputs[name]).squeeze() for name in outputs]


def assert_drawn_within_the_bound(weights: Any, operator: Operator, least: float) -> None:
    drawn = np.abs(weights[weights != 0])
    assert drawn.size == np.prod(operator.weight_shape)
    assert least * GLOROT.bound(operator) < drawn.max() < GLOROT.bound(operator)


# GNU Octave.


@pytest.fixture(scope="module")
def octave() -> Iterator[Engine]:
    path = shutil.which("octave")
    assert path, "there is no octave: apt-get install octave"
    with running("matlab", Path(path)) as engine:
        yield engine


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
@pytest.mark.parametrize(
    ("training", "kept"),
    [
        (Training(), [1, 1, 1, 0]),
        (Training(weights_rate=2.0), [2, 1, 1, 0]),
        (Training(weights_rate=0.0, bias_rate=0.5), [0, 0.5, 1, 0]),
        (Training(weights_decay=4.0), [1, 1, 4, 1]),
        (Training(weights_decay=4.0, bias_decay=0.0), [1, 1, 4, 0]),
        (Training(bias_decay=0.5), [1, 1, 1, 0.5]),
    ],
)
def test_a_layer_of_matlab_keeps_its_factors(
    octave: Engine, operator: Operator, training: Training, kept: list[float]
) -> None:
    written = layer("matlab", operator, training)
    factors = (
        "f = [layer.WeightLearnRateFactor layer.BiasLearnRateFactor "
        "layer.WeightL2Factor layer.BiasL2Factor];"
    )
    (found,) = left(octave, operator, f"{written.text}{written.training}\n{factors}", "f")
    # The bias that stands for none does not learn, and its decay is never spoken of.
    assert found.tolist() == (kept if operator.bias else [kept[0], 0, kept[2], 0])


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_a_net_of_matlab_is_drawn_anew(octave: Engine, operator: Operator) -> None:
    written = layer("matlab", operator, Training(QUARTER, ONES))
    text = (
        f"{written.text}{written.training}\n"
        "w1 = double(extractdata(net.Learnables.Value{1}));\n"
        "b1 = double(extractdata(net.Learnables.Value{2}));"
    )
    weights, bias = left(octave, operator, text, "w1", "b1")
    assert np.count_nonzero(weights == 0.25) == np.prod(operator.weight_shape)
    assert np.count_nonzero(weights) == np.prod(operator.weight_shape)
    assert bias.tolist() == [1.0 if operator.bias else 0.0] * 3


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_a_net_of_matlab_is_drawn_with_the_bound_that_is_asked_for(
    octave: Engine, operator: Operator
) -> None:
    written = layer("matlab", operator, Training(GLOROT))
    text = f"{written.text}{written.training}\nw1 = double(extractdata(net.Learnables.Value{{1}}));"
    assert_drawn_within_the_bound(left(octave, operator, text, "w1")[0], operator, least=0.8)


# Mathics3.


@pytest.fixture(scope="module")
def mathics() -> Iterator[Engine]:
    found = convention("wolfram")
    start = launch(found)
    engine = Engine(
        [str(start.python)],
        start.module,
        found.distribution,
        language=start.language,
        environ={"DECONFORM_WOLFRAM_LIMIT": "1000000000"},
        advice=start.advice,
        timeout=TIMEOUT,
    )
    with closing(engine):
        engine.start()
        yield engine


def built(written: Program) -> str:
    """Leave out the call, for which Mathics3 takes longest."""
    call = "y = layer[x];\n"
    assert written.text.endswith(call)
    return written.text.removesuffix(call)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_a_layer_of_the_wolfram_language_keeps_its_multipliers(
    mathics: Engine, operator: Operator
) -> None:
    written = layer("wolfram", operator, Training(weights_rate=2.0, bias_rate=0.5))
    rates = 'f = Map[Last, layer["LearningRateMultipliers"]];'
    (found,) = left(mathics, operator, f"{built(written)}{written.training}\n{rates}", "f")
    assert np.ravel(found).tolist() == ([2, 0.5] if operator.bias else [2])


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_a_layer_of_the_wolfram_language_is_given_other_arrays(
    mathics: Engine, operator: Operator
) -> None:
    written = layer("wolfram", operator, Training(QUARTER, ONES, weights_rate=2.0))
    text = (
        f"{built(written)}{written.training}\n"
        'w1 = NetExtract[layer, "Weights"]; b1 = NetExtract[layer, "Biases"];\ny1 = layer[x];'
    )
    leaves = ("w1", "y1", "b1") if operator.bias else ("w1", "y1")
    weights, y, *bias = left(mathics, operator, text, *leaves)
    assert np.count_nonzero(weights == 0.25) == np.prod(operator.weight_shape)
    assert np.count_nonzero(weights) == np.prod(operator.weight_shape)
    assert [each.tolist() for each in bias] == [[1, 1, 1]] * operator.bias
    # Nothing is cropped: each of the two elements of a channel meets all its weights.
    assert y.shape == (3, *operator.out_size(IN_SIZE))
    assert y.sum() == 0.25 * 2 * np.prod(operator.weight_shape) + operator.bias * y.size


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_a_layer_of_the_wolfram_language_is_drawn_with_the_bound_that_is_asked_for(
    mathics: Engine, operator: Operator
) -> None:
    written = layer("wolfram", operator, Training(GLOROT, weights_rate=2.0))
    text = f'{built(written)}{written.training}\nw1 = NetExtract[layer, "Weights"];'
    assert_drawn_within_the_bound(left(mathics, operator, text, "w1")[0], operator, least=0.7)
