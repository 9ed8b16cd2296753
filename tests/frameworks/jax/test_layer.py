"""Layers of Flax's that we write, and how they are drawn and learn, in the real library."""

from __future__ import annotations

import pytest
import reality
from examples import examples
from hypothesis import assume, given
from strategies import sized_operators

from harness.convention.registry import render
from harness.core.operators import Operator, Sizes
from harness.core.program import Program, Unsupported
from harness.core.training import GLOROT, ONES, ZEROS, Initializer, Training
from harness.lookup.reading import read

TRAINED = Training(weights=Initializer("uniform", 1.0, "in"), bias=Initializer("uniform", 0.5))
DRAWN = [
    Initializer("uniform", 1.0, "in"),
    Initializer("normal", 2.0, "out"),
    Initializer("truncated_normal", 1.0, "average"),
    Initializer("normal", 0.25),
    Initializer("truncated_normal", 0.25),
    Initializer("uniform", 0.25),
    Initializer("constant", 0.5),
    ONES,
    ZEROS,
]


def layer(operator: Operator, training: Training = TRAINED) -> Program:
    written = render(operator, "jax", style="layer", training=training)
    assert isinstance(written, Program)
    return written


@pytest.mark.parametrize(
    ("operator", "call"),
    [
        (Operator.of(8, 4, (3, 3), stride=2, crop=((0, 1), (0, 1))), "4, (3, 3), strides=(2, 2), "),
        (Operator.of(8, 4, (3,), stride=2), '4, (3,), strides=(2,), padding="VALID", '),
        (Operator.of(8, 4, (2,), stride=3), "4, (2,), strides=(3,), padding=((1, 1),), "),
        (Operator.of(8, 4, (3,), dilation=2, crop=1), "padding=((3, 3),), kernel_dilation=(2,), "),
    ],
)
def test_a_word_of_padding_is_written_where_it_says_the_crop(operator: Operator, call: str) -> None:
    written = layer(operator, Training())
    assert (written.support, call in written.call) == ("native", True)


def test_groups_are_no_layer() -> None:
    written = render(Operator.of(4, 4, (3,), groups=2), "jax", style="layer")
    assert isinstance(written, Unsupported)
    assert "have no groups; 2 are asked for" in written.reason


@given(sized_operators())
@examples(3)
def test_layer_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    assume(wanted.groups == 1 and min(in_size) > 0)
    found = read(layer(wanted).text, input=(2, wanted.in_channels, *in_size))
    assert (found.framework, found.operator, found.weights) == ("jax", wanted, "")
    assert found.training.weights == TRAINED.weights


@pytest.mark.parametrize("initializer", DRAWN)
def test_initialiser_comes_back(initializer: Initializer) -> None:
    wanted = Operator.of(8, 4, (3, 2))
    found = read(layer(wanted, Training(weights=initializer)).text, input=(1, 8, 5, 5))
    if initializer == Initializer("uniform", 0.25):
        assert any(note.startswith("kernel_init") for note in found.notes)
    elif initializer.fan is None:
        assert found.training.weights is not None
        assert found.training.weights.scale == pytest.approx(initializer.scale)
    else:
        assert found.training.weights == initializer


@pytest.mark.parametrize(
    ("text", "fan"),
    [
        ("nn.initializers.lecun_normal()", "in"),
        ("nn.initializers.lecun_normal(), transpose_kernel=True", "out"),
        ("nn.initializers.variance_scaling(1.0, 'fan_in', 'truncated_normal')", "in"),
        ("nn.initializers.variance_scaling(1.0, 'fan_in', 'truncated_normal', -1, -2)", "out"),
    ],
)
def test_the_fan_that_flax_counts_is_that_of_the_kernel_s_axes(text: str, fan: str) -> None:
    found = read(f"flax.linen.ConvTranspose(6, (3, 2), kernel_init={text})", input=(1, 4, 5, 5))
    assert found.training.weights == Initializer("truncated_normal", 1.0, fan)  # type: ignore[arg-type]


# The real thing.


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    every = [
        (wanted, size)
        for wanted, size in reality.random_operators(400, seed=43)
        if wanted.groups == 1
    ]
    rewritten = [each for each in every if layer(each[0]).support == "rewritten"]
    assert reality.layers_that_differ("jax", rewritten[:10] + every[:20], TRAINED) == []


@pytest.mark.frameworks
def test_layers_are_drawn_as_the_initialisers_say() -> None:
    wanted = Operator.of(96, 24, (4, 3))
    names = "mean", "variance", "largest"
    jobs = []
    for initializer in DRAWN:
        written = layer(wanted, Training(weights=initializer))
        constructed = next(line for line in written.text.splitlines() if "layer = " in line)
        jobs.append(
            reality.Job(
                f"{written.setup}\n{constructed}\n"
                "key = jax.random.PRNGKey(3)\n"
                "parameters = layer.init(key, np.zeros((1, 5, 5, 96), 'f4'))['params']\n"
                "k = np.asarray(parameters['kernel'])\n"
                "mean, variance, largest = k.mean(), k.var(), np.abs(k).max()",
                names,
                {},
            )
        )
    for initializer, real in zip(DRAWN, reality.run("jax", jobs), strict=True):
        assert "error" not in real, real
        reality.check_drawn([real[name] for name in names], initializer, wanted)


@pytest.mark.frameworks
def test_optax_takes_the_step_that_the_factors_ask_for() -> None:
    training = Training(GLOROT, ZEROS, 2.0, 0.5, 0.5, 4.0)
    written = layer(Operator.of(2, 3, (2,)), training)
    text = (
        f"lr, l2 = 0.5, 0.25\n{written.training}\n"
        "parameters = {'kernel': np.full((2, 2, 3), 4.0), 'bias': np.full(3, 8.0)}\n"
        "gradients = {'kernel': np.ones((2, 2, 3)), 'bias': np.ones(3)}\n"
        "state = optimizer.init(parameters)\n"
        "updates, _ = optimizer.update(gradients, state, parameters)\n"
        "w, b = (np.unique(updates[name]) for name in ('kernel', 'bias'))"
    )
    (real,) = reality.run("jax", [reality.Job(f"import numpy as np\n{text}", ("w", "b"), {})])
    # The rate times the gradient, to which the decay times the parameter is added.
    assert real == {"w": [-1.0 * (1 + 0.125 * 4)], "b": [-0.25 * (1 + 1.0 * 8)]}
