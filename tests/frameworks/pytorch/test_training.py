"""What PyTorch text says of training behind the layer: read where it is certain, else noted."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
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
    SILENT,
    ZEROS,
    Distribution,
    Fan,
    Initializer,
    Training,
)
from harness.lookup.snippet import read

LAYER = "up = nn.ConvTranspose2d(6, 10, (3, 2), groups=2)\n"


def reading(text: str) -> Reading:
    return read(text, "pytorch")


TRUNCATED = Initializer("truncated_normal", (0.5 * 0.87962566103423978) ** 2)
INITIALIZERS = {
    "nn.init.zeros_(up.weight)": ZEROS,
    "torch.nn.init.ones_(up.weight)": ONES,
    "init.constant_(up.weight, 0.25)": Initializer("constant", 0.25),
    "nn.init.constant_(up.weight, val=2)": Initializer("constant", 2.0),
    "nn.init.uniform_(up.weight, -3, 3)": Initializer("uniform", 3.0),
    "nn.init.uniform_(up.weight.data, a=-0.5, b=0.5)": Initializer("uniform", 1 / 12),
    "nn.init.normal_(up.weight)": Initializer("normal", 1.0),
    "nn.init.normal_(up.weight, 0.0, 0.5)": Initializer("normal", 0.25),
    "nn.init.normal(up.weight, mean=0, std=0.5)": Initializer("normal", 0.25),
    "nn.init.xavier_uniform_(up.weight)": GLOROT,
    "nn.init.xavier_normal_(up.weight, gain=2)": Initializer("normal", 4.0, "average"),
    "nn.init.xavier_uniform_(up.weight, gain=nn.init.calculate_gain('relu'))": Initializer(
        "uniform", 2.0, "average"
    ),
    "nn.init.kaiming_normal_(up.weight)": Initializer("normal", 2.0, "out"),
    "nn.init.kaiming_normal_(up.weight, a=1)": Initializer("normal", 1.0, "out"),
    "nn.init.kaiming_uniform_(up.weight, mode='fan_out', nonlinearity='relu')": Initializer(
        "uniform", 2.0, "in"
    ),
    "nn.init.kaiming_normal_(up.weight, 0, 'fan_in', 'tanh')": Initializer("normal", 25 / 9, "out"),
    "nn.init.kaiming_normal_(up.weight, nonlinearity='selu')": Initializer("normal", 9 / 16, "out"),
    "nn.init.trunc_normal_(up.weight, std=0.5, a=-1.0, b=1.0)": TRUNCATED,
    "nn.init.trunc_normal_(up.weight)": replace(TRUNCATED, scale=4 * TRUNCATED.scale),
    "nn.init.trunc_normal_(up.weight, std=0.0625)": Initializer("normal", 2.0**-8),
    "up.weight.data.normal_(0, 0.5)": Initializer("normal", 0.25),
    "up.weight.data.uniform_(-3, 3)": Initializer("uniform", 3.0),
    "up.weight.data.zero_()": ZEROS,
    "up.weight.data.fill_(0.25)": Initializer("constant", 0.25),
    "w = up.weight\nnn.init.ones_(w)": ONES,
    "with torch.no_grad():\n    up.weight.fill_(1)": ONES,
}


@pytest.mark.parametrize(("text", "wanted"), INITIALIZERS.items(), ids=INITIALIZERS)
def test_initialiser_behind_the_call_is_read(text: str, wanted: Initializer) -> None:
    found = reading(LAYER + text)
    assert found.training.weights is not None
    assert vars(found.training.weights) | {"scale": 0} == vars(wanted) | {"scale": 0}
    assert found.training.weights.scale == pytest.approx(wanted.scale, rel=1e-12)
    assert found.training == Training(weights=found.training.weights)
    assert found.notes == ()


@pytest.mark.frameworks
def test_pytorch_draws_what_we_read() -> None:
    """Its fans are those of weights of shape (in, out / groups, *kernel): "in" counts shape[1]."""
    wanted = Operator.of(60, 40, (11, 13), groups=2)
    layer = "up = nn.ConvTranspose2d(60, 40, (11, 13), groups=2)\n"
    jobs = [
        Job(
            "import torch\nfrom torch import nn\nfrom torch.nn import init\ntorch.manual_seed(2)\n"
            f"{layer}{text}\nw = up.weight.detach()\nfound = [w.mean(), w.var(), w.abs().max()]",
            ("found",),
            {},
        )
        for text in INITIALIZERS
        # It went in PyTorch 2.
        if "init.normal(" not in text
    ]
    for job, real in zip(jobs, reality.run("pytorch", jobs), strict=True):
        assert "error" not in real, (job.text, real)
        said = reading(layer + job.text.split(layer)[1].split("\nw = ")[0]).training.weights
        assert said is not None
        mean, variance, largest = real["found"]
        if said.distribution == "constant":
            assert (mean, variance) == (said.scale, 0)
            continue
        assert variance == pytest.approx(said.variance(wanted), rel=0.04), job.text
        least, most = {
            "uniform": (1.72, 1.7321),
            "truncated_normal": (2.2, 2.2737),
            "normal": (3.3, 7.0),
        }[said.distribution]
        assert least < largest / said.deviation(wanted) < most, job.text


@pytest.mark.parametrize(
    ("text", "training"),
    [
        ("nn.init.zeros_(up.bias)", Training(bias=ZEROS)),
        ("up.bias.data.fill_(0.25)", Training(bias=Initializer("constant", 0.25))),
        ("up.requires_grad_(False)", Training(weights_rate=0.0, bias_rate=0.0)),
        ("up.weight.requires_grad_(False)", Training(weights_rate=0.0)),
        ("up.weight.requires_grad = False", Training(weights_rate=0.0)),
        ("up.bias.requires_grad = False", Training(bias_rate=0.0)),
        ("up.requires_grad_(False)\nup.bias.requires_grad = True", Training(weights_rate=0.0)),
        ("up = up.to(device)\nnn.init.ones_(up.weight)", Training(weights=ONES)),
        # What comes later holds.
        ("nn.init.ones_(up.weight)\nup.weight.data.zero_()", Training(weights=ZEROS)),
        ("nn.init.ones_(up.weight)\nup.weight.data = torch.from_numpy(w)", SILENT),
        # The name is another layer's from here, or the layer is another one.
        ("up = nn.Conv2d(1, 2, 3)\nnn.init.ones_(up.weight)", SILENT),
        ("down = nn.Conv2d(1, 2, 3)\nnn.init.ones_(down.weight)", SILENT),
        ("self.up.weight.data.zero_()", SILENT),
    ],
)
def test_what_is_done_to_the_layer_by_its_name(text: str, training: Training) -> None:
    found = reading(LAYER + text)
    assert (found.training, found.notes) == (training, ())


def test_a_method_of_the_call_itself_is_read() -> None:
    text = "up = nn.ConvTranspose2d(6, 10, 3).requires_grad_(False).cuda()"
    assert reading(text).training == Training(weights_rate=0.0, bias_rate=0.0)


def test_of_a_bias_that_is_not_there_nothing_is_read() -> None:
    text = "up = nn.ConvTranspose2d(6, 10, 3, bias=False)\nup.requires_grad_(False)"
    assert reading(text).training == Training(weights_rate=0.0)


OPTIMIZERS = {
    '[{"params": up.weight, "lr": 2 * lr}], lr=lr': Training(weights_rate=2.0),
    '[{"params": [up.weight], "lr": lr * 0.5}], lr=lr': Training(weights_rate=0.5),
    '[{"params": up.bias, "lr": lr / 4}], lr': Training(bias_rate=0.25),
    '[{"params": up.bias, "lr": 0.3}], lr=0.1': Training(bias_rate=3.0),
    '[{"params": up.bias, "lr": 0}], 0.1': Training(bias_rate=0.0),
    '[{"params": up.parameters(), "lr": 0.2}], 0.1': Training(weights_rate=2.0, bias_rate=2.0),
    '[{"params": up.bias, "weight_decay": 0}], lr=0.1, weight_decay=0.5': Training(bias_decay=0.0),
    '[{"params": up.weight, "weight_decay": 4 * l2}], lr, weight_decay=l2': Training(
        weights_decay=4.0
    ),
    # The same as for all others is nothing of its own.
    '[{"params": up.weight, "lr": 0.1}], lr=0.1': SILENT,
    '[{"params": up.weight, "weight_decay": 0}], lr=0.1': SILENT,
    '[{"params": down.weight, "lr": 0.2}], lr=0.1': SILENT,
    "up.parameters(), lr=0.1, weight_decay=0.5": SILENT,
}


@pytest.mark.parametrize(("text", "training"), OPTIMIZERS.items(), ids=OPTIMIZERS)
def test_parameter_groups_are_factors_of_the_optimizer_s_own(text: str, training: Training) -> None:
    found = reading(f"{LAYER}optimizer = torch.optim.SGD({text})")
    assert (found.training, found.notes) == (training, ())


def test_a_frozen_parameter_has_no_rate_in_any_group() -> None:
    text = 'up.weight.requires_grad = False\noptim.SGD([{"params": up.weight, "lr": 0.2}], lr=0.1)'
    assert reading(LAYER + text).training == Training(weights_rate=0.0)


NOTED = {
    "nn.init.dirac_(up.weight)": "init.dirac_(up.weight) is not read",
    "nn.init.normal_(up.weight, 0, std)": "init.normal_(up.weight, 0, std) is not read",
    "nn.init.normal_(up.weight, 1.0, 0.5)": "init.normal_(up.weight, 1.0, 0.5) is not read",
    "nn.init.uniform_(up.weight)": "init.uniform_(up.weight) is not read",
    "nn.init.trunc_normal_(up.weight, std=0.5)": "trunc_normal_(up.weight, std=0.5) is not read",
    "nn.init.kaiming_normal_(up.weight, mode=mode)": "init.kaiming_normal_(up.weight, mode=mode)",
    "nn.init.kaiming_normal_(up.bias)": "init.kaiming_normal_(up.bias) is not read",
    "up.weight.data.copy_(bilinear(3))": "up.weight.copy_(the call bilinear(...)) is not read",
    "up.apply(weights_init)": "up.apply(weights_init) is not read",
    "up.requires_grad = False": "has no effect: the parameters have requires_grad",
    "up.weight.requires_grad = learns": "up.weight.requires_grad = learns is not read",
    "nn.init.normal_(up.weight, 0, -1)": "init.normal_(up.weight, 0, -1) is not read",
    "nn.init.normal_(up.weight, 0, 1e200)": "init.normal_(up.weight, 0, 1e+200) is not read",
    "for p in up.parameters():\n    nn.init.zeros_(p)": "init.zeros_(p) is not read",
    'optim.SGD([{"params": net.up.parameters(), "lr": 0.2}], lr=0.1)': "lr 0.2 of a parameter",
    "if plain:\n    nn.init.zeros_(up.weight)": "init.zeros_(up.weight) is not read",
    "def draw():\n    nn.init.zeros_(up.weight)": "init.zeros_(up.weight) is not read",
    "def draw(m):\n    nn.init.normal_(m.weight, 0, 0.02)": "where m is this layer, or holds it",
    "def draw(m):\n    m.weight.data.normal_(0, 0.02)": "where m is this layer, or holds it",
    "for p in up.parameters():\n    p.requires_grad = False": "p.requires_grad = False is not read",
    'optim.SGD([{"params": up.weight, "lr": fast}], lr=slow)': "lr fast of a parameter group",
    'optim.SGD([{"params": up.weight, "weight_decay": 0.5}], 0.1)': "weight_decay 0.5 of a param",
}


@pytest.mark.parametrize(("text", "note"), NOTED.items(), ids=NOTED)
def test_what_is_not_certain_is_a_note(text: str, note: str) -> None:
    found = reading(LAYER + text)
    assert found.training == SILENT
    assert len(found.notes) == 1
    assert note in found.notes[0]


def test_what_was_read_before_does_not_outlive_what_is_not_read() -> None:
    found = reading(f"{LAYER}nn.init.zeros_(up.weight)\nup.weight.data.add_(noise)")
    assert found.training == SILENT
    assert "up.weight.add_(noise) is not read" in found.notes[0]


@pytest.mark.parametrize("text", ["net[1].weight.data.zero_()", "net.requires_grad_(False)"])
def test_of_a_part_of_a_network_nothing_is_certain(text: str) -> None:
    found = reading(f"net = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(6, 10, 3))\n{text}")
    assert found.training == SILENT
    assert "is not read here" in found.notes[0]


def test_a_class_is_read_where_it_makes_the_layer() -> None:
    found = reading(
        """
class Generator(nn.Module):
    def __init__(self):
        self.up = nn.ConvTranspose2d(64, 32, 4)
        nn.init.normal_(self.up.weight, std=0.5)
        self.up.bias.requires_grad = False
    def draw(self):
        nn.init.zeros_(self.up.bias)
"""
    )
    assert found.training == Training(weights=Initializer("normal", 0.25), bias_rate=0.0)
    assert found.notes == ("init.zeros_(self.up.bias) is not read here: keep what it does.",)


TRAININGS = [
    Training(GLOROT, Initializer("constant", 0.25), 2.0, 0.5, 4.0, 0.0),
    Training(Initializer("normal", 2.0, "in"), ZEROS, weights_rate=0.0),
    Training(Initializer("uniform", 1.0, "out"), bias_rate=0.25, bias_decay=2.0),
    Training(Initializer("truncated_normal", 0.25), weights_decay=1e-05),
    SILENT,
]


@pytest.mark.parametrize("training", TRAININGS)
def test_what_is_written_is_read_back(training: Training) -> None:
    program = render(Operator.of(6, 10, (3, 2)), "pytorch", style="layer", training=training)
    assert isinstance(program, Program)
    found = reading(program.text + program.training)
    assert not any("read here" in note for note in found.notes)
    rounded = found.training.weights
    if rounded and training.weights:
        assert math.isclose(rounded.scale, training.weights.scale)
    assert vars(found.training) | {"weights": training.weights} == vars(training)


# What we write: the variance that we promise is that of the numbers which PyTorch draws.

DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "normal", "truncated_normal")
FANS: tuple[Fan | None, ...] = (None, "in", "out", "average")
EVERY = list(
    itertools.starmap(Initializer, itertools.product(DISTRIBUTIONS, (1.0, 2.0, 0.37), FANS))
)
CONSTANTS = [Initializer("constant", value) for value in (0.0, 1.0, -0.25)]
DRAWN = [
    Operator.of(24, 16, (11, 13)),
    Operator.of(24, 16, (21, 23), groups=4, bias=False),
    Operator.of(24, 48, (43,), crop=((1, -1),)),
]


def initialised(operator: Operator, training: Training) -> Job:
    program = render(operator, "pytorch", style="layer", training=training)
    assert isinstance(program, Program)
    weights = np.zeros(operator.weight_shape)
    late = "b_" if "b_ =" in program.text else "layer.bias"
    return Job(
        f"{program.text}\ntorch.manual_seed(5)\n{program.training}\n"
        "w = layer.weight.detach()\nm, v, most = w.mean(), w.var(), w.abs().max()\n"
        f"bias = {late}.detach().numpy() if {operator.bias} else 0",
        ("m", "v", "most", "bias"),
        {
            "x": np.zeros((1, operator.in_channels, *(1,) * operator.rank)).tolist(),
            "w": weights.tolist(),
            "b": [7] * operator.out_channels,
        },
    )


@pytest.mark.frameworks
@pytest.mark.parametrize("operator", DRAWN, ids=[operator.descriptor for operator in DRAWN])
def test_weights_are_drawn_with_the_variance_that_we_promise(operator: Operator) -> None:
    jobs = [initialised(operator, Training(weights=each)) for each in EVERY + CONSTANTS]
    found = reality.run("pytorch", jobs)
    for wanted, real in zip(EVERY + CONSTANTS, found, strict=True):
        assert "error" not in real, real
        deviation = wanted.deviation(operator)
        if wanted.distribution == "constant":
            assert (real["m"], real["v"]) == (pytest.approx(wanted.scale), 0)
            continue
        assert real["v"] == pytest.approx(wanted.variance(operator), rel=0.04), wanted
        assert abs(real["m"]) < deviation / 25, wanted
        # The shapes have their own largest element, in deviations.
        least, most = {
            "uniform": (1.70, 1.7321),
            "truncated_normal": (2.1, 2.2737),
            "normal": (3.3, 7.0),
        }[wanted.distribution]
        assert least < real["most"] / deviation < most, wanted


@pytest.mark.frameworks
def test_bias_is_drawn_too_and_where_it_is_added_late() -> None:
    for operator in (DRAWN[0], DRAWN[2]):
        jobs = [initialised(operator, Training(bias=each)) for each in CONSTANTS]
        for wanted, real in zip(CONSTANTS, reality.run("pytorch", jobs), strict=True):
            assert real["bias"] == [wanted.scale] * operator.out_channels
