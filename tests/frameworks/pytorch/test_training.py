"""What PyTorch text does to a layer later is noted; what is written draws as it promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reality
from reality import Job

from harness.convention.reading import Reading
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import (
    SILENT,
    Distribution,
    Fan,
    Initializer,
    Training,
)
from harness.lookup.reading import read

LAYER = "up = nn.ConvTranspose2d(6, 10, (3, 2), groups=2)\n"


def reading(text: str) -> Reading:
    return read(text, "pytorch")


NOTED = {
    "nn.init.zeros_(up.weight)": "init.zeros_: ",
    "torch.nn.init.kaiming_normal_(up.weight, 0, 'fan_in', 'tanh')": "init.kaiming_normal_: ",
    "nn.init.normal(up.weight, mean=0, std=0.5)": "init.normal: ",
    "normal_(up.weight.data)": "init.normal_: ",
    "w = up.weight\nnn.init.zeros_(w)": "init.zeros_: ",
    "nn.init.zeros_(up.bias)\nup.requires_grad_(False)": "init.zeros_, requires_grad_: ",
    "up.bias.data.fill_(0.25)": "fill_: ",
    "up.weight.data.copy_(bilinear(3))": "copy_: ",
    "up.apply(weights_init)": "apply: ",
    "up.weight.requires_grad = False": "requires_grad: ",
    "up = up.to(device)\nnn.init.ones_(up.weight)": "init.ones_: ",
    "if plain:\n    nn.init.zeros_(up.weight)": "init.zeros_: ",
    "for p in up.parameters():\n    p.requires_grad = False": "requires_grad: ",
    "def draw(m):\n    nn.init.normal_(m.weight, 0, 0.02)": "init.normal_: ",
    "def draw(m):\n    m.weight.data.normal_(0, 0.02)": "normal_: ",
    'optim.SGD([{"params": up.weight, "lr": 2 * lr}], lr=lr)': "parameter groups: ",
    'optim.SGD([{"params": [up.bias], "weight_decay": 0}], 0.1)': "parameter groups: ",
    'optim.SGD([{"params": net.up.parameters(), "lr": 0.2}], lr=0.1)': "parameter groups: ",
}


@pytest.mark.parametrize(("text", "note"), NOTED.items(), ids=NOTED)
def test_what_is_done_to_a_layer_later_is_a_note(text: str, note: str) -> None:
    result = reading(LAYER + text)
    assert result.training == SILENT
    assert len(result.notes) == 1
    assert note in result.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "up.weight.data = torch.from_numpy(w)",
        "up = nn.Conv2d(1, 2, 3)\nnn.init.ones_(up.weight)",
        "down = nn.Conv2d(1, 2, 3)\nnn.init.ones_(down.weight)",
        "self.up.weight.data.zero_()",
        "def f(x):\n    x.add_(1)",
        'torch.optim.SGD([{"params": down.weight, "lr": 0.2}], lr=0.1)',
        "torch.optim.SGD(up.parameters(), lr=0.1, weight_decay=0.5)",
    ],
)
def test_what_is_done_to_others_is_none(text: str) -> None:
    assert reading(LAYER + text).notes == ()


def test_a_method_of_the_call_itself_is_a_note() -> None:
    text = "up = nn.ConvTranspose2d(6, 10, 3).requires_grad_(False).cuda()"
    assert "requires_grad_: " in reading(text).notes[0]


@pytest.mark.parametrize("text", ["net[1].weight.data.zero_()", "net.requires_grad_(False)"])
def test_what_is_done_to_its_network_is_a_note(text: str) -> None:
    result = reading(f"net = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(6, 10, 3))\n{text}")
    assert "not carried over" in result.notes[0]


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
    result = reality.run("pytorch", jobs)
    for wanted, real in zip(EVERY + CONSTANTS, result, strict=True):
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
