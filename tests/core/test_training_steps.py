"""The printed programs, and the lines on training behind them, in the real frameworks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pytest
import reality
from programs import layer
from reality import Job

from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import ONES, Initializer, Training

pytestmark = pytest.mark.frameworks

LR, L2 = 0.5, 0.25
IN_SIZE: Final = (2, 3)
OPERATORS: Final = {
    "native": Operator.of(2, 3, (2, 2), stride=2),
    "bias added late": Operator.of(2, 3, (2, 2), crop=((-1, 0), (0, 0))),
    "no bias": Operator.of(2, 3, (2, 2), bias=False),
}
# Rate and decay; powers of two, so that every step is exact.
FACTORS: Final = [(None, None), (2.0, None), (0.0, None), (None, 0.5), (None, 0.0), (0.5, 4.0)]
TRAININGS: Final = [
    Training(None, None, weights[0], bias[0], weights[1], bias[1])
    for weights, bias in itertools.product(FACTORS, FACTORS)
    if (weights, bias) != ((None, None), (None, None))
]


@dataclass(frozen=True)
class Speech:
    """How a framework is made to take one step by ``dw`` and ``db``, which the gradient leaves.

    ``own_arrays`` marks the lines that put our arrays into the layer.
    """

    weights: str
    bias: str
    late_bias: str
    array: str
    step: str
    own_arrays: str
    no_penalty: str = "penalty = tf.constant(0.0)"

    def bias_of(self, program: Program) -> str:
        return (
            self.late_bias if f"{self.late_bias.split('.')[-1]} = " in program.text else self.bias
        )


SPEECHES: Final = {
    "pytorch": Speech(
        "layer.weight",
        "layer.bias",
        "b_",
        "{}.detach().numpy()",
        "layer.weight.grad = torch.from_numpy(dw)\n"
        "if has_bias: {bias}.grad = torch.from_numpy(db)\n"
        "optimizer.step()",
        "nn.Parameter(torch.from_numpy(w",
    ),
    "paddle": Speech(
        "layer.weight",
        "layer.bias",
        "b_",
        "{}.numpy()",
        "parameters = [layer.weight, {bias}] if has_bias else [layer.weight]\n"
        "for parameter, each in zip(parameters, (dw, db) if has_bias else (dw,)):\n"
        "    parameter.clear_gradient()\n"
        "    (parameter * paddle.to_tensor(each)).sum().backward()\n"
        "paddle.optimizer.SGD(lr, parameters=parameters).step()",
        ".set_value(",
    ),
    "chainer": Speech(
        "layer.W",
        "layer.b",
        "layer.late_b",
        "{}.array",
        "layer.W.grad = dw.copy()\nif has_bias: {bias}.grad = db.copy()\noptimizer.update()",
        ".array = ",
    ),
    "keras": Speech(
        "layer.kernel",
        "layer.bias",
        "b_",
        "keras.ops.convert_to_numpy({})",
        """
variables = [layer.kernel, {bias}] if has_bias else [layer.kernel]
{penalty}
losses = sum([penalty, *layer.losses])
values = [variable.value for variable in variables]
of_losses = (torch.autograd.grad(losses, values, allow_unused=True) if losses.requires_grad
             else [None] * len(values))
gradients = [one if more is None else one + more
             for one, more in zip((dw_, db_) if has_bias else (dw_,), of_losses)]
pairs = [pair for pair in zip(gradients, variables) if pair[1].trainable]
optimizer = globals().get("Optimizer", keras.optimizers.SGD)(lr)
if pairs: optimizer.apply_gradients(pairs)
dw = keras.ops.convert_to_numpy(dw_)
""",
        "layer.set_weights(",
        "penalty = torch.tensor(0.0)",
    ),
    "mxnet": Speech(
        "layer.weight",
        "layer.bias",
        "b_",
        "{}.data().asnumpy()",
        "trainer.step(1)",
        ".set_data(",
    ),
    "tensorflow": Speech(
        "layer.kernel",
        "layer.bias",
        "b_",
        "{}.numpy()",
        """
variables = [layer.kernel, {bias}] if has_bias else [layer.kernel]
with tf.GradientTape() as tape:
    {penalty}
    losses = tf.add_n([penalty, *layer.losses])
of_losses = tape.gradient(losses, variables)
gradients = [one if more is None else one + more
             for one, more in zip((dw_, db_) if has_bias else (dw_,), of_losses)]
pairs = [pair for pair in zip(gradients, variables) if pair[1].trainable]
optimizer = globals().get("Optimizer", tf.keras.optimizers.SGD)(lr)
if pairs: optimizer.apply_gradients(pairs)
dw = dw_.numpy()
""",
        "layer.set_weights(",
    ),
}


def arrays(operator: Operator) -> dict[str, Any]:
    generator = random.Random(5)
    shapes = {
        "x": (2, operator.in_channels, *IN_SIZE),
        "w": operator.weight_shape,
        "b": (operator.out_channels,),
        "dy": (2, operator.out_channels, *operator.out_size(IN_SIZE)),
    }
    return {name: reality.integers(shape, generator) for name, shape in shapes.items()}


def stepped(framework: str, operator: Operator, training: Training) -> Job:
    """Run the program, its training, the gradient and one step of what the training has made."""
    said, written = SPEECHES[framework], layer(framework, operator, training)
    bias = said.bias_of(written)
    penalties = [line for line in written.training.splitlines() if line.startswith("penalty = ")]
    step = said.step.format(bias=bias, penalty=(penalties or [said.no_penalty])[0])
    weights, biases = (
        said.array.format(each) for each in (said.weights, bias if operator.bias else said.weights)
    )
    text = (
        f"lr, l2, has_bias = {LR}, {L2}, {operator.bias}\n{written.text}{written.training}\n"
        f"{written.gradient_text}{written.training}\n"
        f"w0, b0 = {weights}.copy(), {biases}.copy()\n{step}\nw1, b1 = {weights}, {biases}"
    )
    # Where the constructor needs it the text has a line for it, in which people put their own.
    text = text.replace("l2 = 0.0001", f"l2 = {L2}")
    leaves = ("w0", "w1", "dw", *(("b0", "b1", "db") if operator.bias else ()))
    return Job(text, leaves, arrays(operator))


def steps(framework: str) -> dict[Operator, list[tuple[Training, dict[str, Any]]]]:
    """Each training of each operator, and what is left."""
    left = dict[Operator, list[tuple[Training, dict[str, Any]]]]()
    for (each, training, _), real in zip(wanted_steps(framework), done(framework)[0], strict=True):
        left.setdefault(each, []).append((training, real))
    return left


def wanted_steps(framework: str) -> list[tuple[Operator, Training, Job]]:
    return [
        (each, training, stepped(framework, each, training))
        for each in OPERATORS.values()
        for training in trainings(each)
    ]


@cache
def done(framework: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run all steps and all layers that are drawn, in one process of the framework."""
    steps = [job for *_, job in wanted_steps(framework)]
    layers = [job for _, job in wanted_layers(framework)]
    answers = reality.run(framework, steps + layers)
    return answers[: len(steps)], answers[len(steps) :]


def trainings(operator: Operator) -> list[Training]:
    possible = [training if operator.bias else training.without_bias() for training in TRAININGS]
    return [each for each in dict.fromkeys(possible) if each.has_rate or each.has_decay]


def expected(before: Any, gradient: Any, rate: float | None, decay: float | None) -> Any:
    """A step, where 1 is meant by ``None`` of a rate, and of a decay that there is."""
    whole = np.array(gradient) + (1 if decay is None else decay) * L2 * np.array(before)
    return (np.array(before) - (1 if rate is None else rate) * LR * whole).tolist()


@pytest.mark.parametrize("framework", SPEECHES)
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_one_step_moves_the_parameters_as_the_factors_say(
    framework: str, operator: Operator
) -> None:
    taken = steps(framework)[operator]
    assert len(taken) == (35 if operator.bias else 5)
    for training, real in taken:
        assert "error" not in real, (training, real)
        of_weights = training.weights_rate, training.weights_decay
        of_bias = training.bias_rate, training.bias_decay
        for name, (rate, decay) in {"w": of_weights, "b": of_bias}.items():
            if f"{name}0" in real:
                # A decay that nobody spoke of is none.
                factor = decay if training.has_decay else 0.0
                after = expected(real[f"{name}0"], real[f"d{name}"], rate, factor)
                assert real[f"{name}1"] == after, (name, training)


QUARTER: Final = Initializer("constant", 0.25)


def without_arrays(framework: str, written: Program) -> str:
    """What people put in their own network: the layer without the arrays that it is given here."""
    own = SPEECHES[framework].own_arrays
    kept = [line for line in written.text.splitlines() if own not in line]
    assert len(kept) < len(written.text.splitlines())
    return "\n".join(kept)


def layers(framework: str) -> dict[Operator, list[tuple[Job, dict[str, Any]]]]:
    """Layers that are drawn, and their arrays."""
    left = dict[Operator, list[tuple[Job, dict[str, Any]]]]()
    for (each, job), real in zip(wanted_layers(framework), done(framework)[1], strict=True):
        left.setdefault(each, []).append((job, real))
    return left


def wanted_layers(framework: str) -> list[tuple[Operator, Job]]:
    return [(each, job) for each in OPERATORS.values() for job in drawn(framework, each)]


def drawn(framework: str, operator: Operator) -> Iterator[Job]:
    factors: list[Mapping[str, float]] = [{}, {"weights_rate": 2.0}, {"bias_decay": 0.5}]
    for more in factors:
        written = layer(framework, operator, Training(ONES, QUARTER, **more))
        said = SPEECHES[framework]
        bias = said.array.format(said.bias_of(written)) if operator.bias else "np.full(3, 0.25)"
        text = (
            f"lr, l2 = 0.5, 0.25\n{without_arrays(framework, written)}\n{written.training}\n"
            f"w1, b1 = {said.array.format(said.weights)}, {bias}"
        )
        yield Job(f"import numpy as np\n{text}", ("w1", "b1"), arrays(operator))


@pytest.mark.parametrize("framework", SPEECHES)
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_the_layer_is_drawn_as_the_initialisers_say(framework: str, operator: Operator) -> None:
    for job, real in layers(framework)[operator]:
        assert "error" not in real, (job.text, real)
        assert np.array(real["w1"]).size == np.prod(operator.weight_shape)
        assert set(np.ravel(real["w1"])) == {1.0}
        assert set(np.ravel(real["b1"])) == {0.25}
