"""What a Wolfram layer says about training: multipliers of the learning rate; first weights.

https://reference.wolfram.com/language/ref/LearningRateMultipliers.html
"""

from __future__ import annotations

from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import Training
from harness.frameworks.wolfram.arrays import resolved
from harness.frameworks.wolfram.ports import rules
from harness.syntax.tree import Call, Name, Value

_DRAWING: Final = {"ConstantArray", "RandomReal", "RandomVariate"}


def read_training(given: Arguments, operator: Operator) -> tuple[Training, list[str]]:
    """Read the multipliers, with notes on first weights."""
    weights_rate, bias_rate = _rates(given)
    training = Training(weights_rate=weights_rate, bias_rate=bias_rate)
    first = {name: resolved(given.value(name), given.assigned) for name in ("Weights", "Biases")}
    notes = [
        f"{name}: what it is drawn from is not read here: keep it."
        for name, value in first.items()
        if isinstance(value, Call) and value.dotted in _DRAWING
    ]
    return training if operator.bias else training.without_bias(), notes


def _rates(given: Arguments) -> tuple[float | None, float | None]:
    """``0``, ``{"Weights" -> 2, "Biases" -> 0}``, ``{"Weights" -> 2, _ -> None}``."""
    name = "LearningRateMultipliers"
    if name not in given.given:
        return None, None
    value = given.value(name)
    pairs = rules(value, given.assigned)
    if not pairs:
        rate = _rate(given, value)
        return rate, rate
    for key, _ in pairs:
        if key not in {"Weights", "Biases", "_"}:
            raise given.error(f'{name} is for "Weights", "Biases" or _, not {key!r}.', name)
    rates = [(key, _rate(given, multiplier)) for key, multiplier in pairs]
    # The first rule that fits is the one that holds.
    weights, biases = (
        next((rate for key, rate in rates if key in {part, "_"}), None)
        for part in ("Weights", "Biases")
    )
    return weights, biases


def _rate(given: Arguments, value: Value) -> float | None:
    """``None`` freezes as 0 does."""
    if isinstance(value, Name) and value.text == "Automatic":
        return None
    if value is None or value is False:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise given.error(
            f"LearningRateMultipliers must be numbers, found {shown(value)}.",
            "LearningRateMultipliers",
        )
    return float(value)
