"""What Wolfram Language text says of training, and what we write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import GLOROT, ONES, SILENT, ZEROS, Initializer, Training
from harness.frameworks.wolfram.render import ASSUMED_WEIGHTS
from harness.lookup.reading import read


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    """Read a text; every reading ends with what is assumed of the weights."""
    found = read(text, "wolfram", **supplied)
    assert found.notes[-1] == ASSUMED_WEIGHTS
    return replace(found, notes=found.notes[:-1])


DECONVOLUTION = 'up = DeconvolutionLayer[6, {3, 2}, "Input" -> {4, 8, 8}];\n'


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ('net = NetReplacePart[net, "Weights" -> w];', "NetReplacePart is not read here"),
        ('up = NetReplacePart[up, "Biases" -> ConstantArray[0, {6}]];', "NetReplacePart is not"),
        ('net = NetReplacePart[up, "Stride" -> 2];', "NetReplacePart is not read here"),
        (
            "NetTrain[up, data, LearningRateMultipliers -> {_ -> 0}]",
            "NetTrain's LearningRateMultipliers is not read here",
        ),
        (
            "net = NetChain[{up, Ramp}, LearningRateMultipliers -> {1 -> 2}];",
            "NetChain's LearningRateMultipliers is not read here",
        ),
    ],
)
def test_what_is_done_to_nets_is_a_note(text: str, note: str) -> None:
    found = reading(DECONVOLUTION + text)
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
        Initializer("normal", 1e-12),
        Initializer("constant", 0.25),
        Initializer("truncated_normal", 2.0, "out"),
    ]
)


@given(INITIALIZERS, st.sampled_from([None, 0.0, 0.5]), st.sampled_from([None, 0.0, 2.0]))
def test_rates_are_read_back_and_first_weights_are_a_note(
    initializer: Initializer, weights_rate: float | None, bias_rate: float | None
) -> None:
    operator = Operator.of(4, 6, (3, 2))
    training = Training(initializer, ONES, weights_rate, bias_rate)
    program = render(operator, "wolfram", style="layer", training=training)
    assert isinstance(program, Program)
    found = reading(program.text + program.training, input=(1, 4, 8, 8))
    assert found.training == Training(weights_rate=weights_rate, bias_rate=bias_rate)
    assert any("NetReplacePart is not read here" in note for note in found.notes)


def test_decay_has_no_word() -> None:
    operator = Operator.of(4, 6, (3, 2))
    program = render(operator, "wolfram", style="layer", training=Training(weights_decay=2.0))
    assert isinstance(program, Program)
    assert "no factors of L2 regularisation" in program.notes[-1]
