"""Read what MATLAB's layers say about training: initialisers and factors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments
from harness.core.operators import Operator
from harness.core.training import (
    LARGEST_DEVIATION,
    TRUNCATED_DEVIATION,
    Initializer,
    Training,
)
from harness.frameworks.matlab.arrays import written
from harness.frameworks.matlab.render import BIAS_INITIALIZERS, INITIALIZERS
from harness.syntax.tree import Call, Name, Statement, Value, last_name

_FACTOR: Final = r"(?P<factor>\d*\.?\d+(?:[eE][+-]?\d{1,3})?)"
_UNIFORM: Final = r"\(2\.?\*rand\((?P=size)\)-1\)"
# The distributions that function handles draw from: as people write them, and as we do.
_DRAWN: Final[tuple[tuple[str, Callable[[float], Initializer]], ...]] = (
    (r"randn\((?P=size)\)", lambda factor: Initializer("normal", factor**2)),
    (_UNIFORM, lambda factor: Initializer("uniform", factor**2 / 3)),
    (r"ones\((?P=size)\)", lambda factor: Initializer("constant", factor)),
    (
        rf"sqrt\(2\)\*erfinv\(erf\(sqrt\(2\)\)\*{_UNIFORM}\)",
        lambda factor: Initializer("truncated_normal", (factor * TRUNCATED_DEVIATION) ** 2),
    ),
)


def read_training(given: Arguments, operator: Operator) -> tuple[Training, list[str]]:
    """Read what a layer's arguments and properties say, with notes on what stays unread."""
    weights, of_weights = _initializer(given, "Weights", tuple(INITIALIZERS))
    bias, of_bias = (
        _initializer(given, "Bias", BIAS_INITIALIZERS) if operator.bias else (None, None)
    )
    training = Training(
        weights,
        bias,
        _factor(given, "WeightLearnRateFactor"),
        _factor(given, "BiasLearnRateFactor"),
        _factor(given, "WeightL2Factor"),
        _factor(given, "BiasL2Factor"),
    )
    if training.has_decay and training.bias_decay is None:
        # What it says of the weights alone leaves the bias at its default, which is 0.
        training = replace(training, bias_decay=0.0)
    if not operator.bias:
        training = training.without_bias()
    return training, [note for note in (of_weights, of_bias) if note]


def setter_note(statement: Statement) -> str | None:
    """Note ``layer = setL2Factor(layer, 'Weights', 2)``, which gives a layer with that factor."""
    call = statement.value
    if not isinstance(call, Call) or last_name(call) not in {"setLearnRateFactor", "setL2Factor"}:
        return None
    given = ", ".join(written(argument.value) for argument in call.arguments)
    return f"{last_name(call)}({given}) is not read here: where it is about this layer, keep it."


def _factor(given: Arguments, name: str) -> float | None:
    if name not in given.given:
        return None
    factor = given.real(name)
    if factor < 0 or not math.isfinite(factor):
        raise given.error(f"{name} is {factor!r}; it must be nonnegative.", name)
    return factor


def _initializer(
    given: Arguments, which: str, names: tuple[str, ...]
) -> tuple[Initializer | None, str | None]:
    name = f"{which}Initializer"
    if name not in given.given:
        return None, None
    value = given.value(name)
    if given.has(which) and given.value(which) != ():
        return None, f"{name}: no effect, because {which} is given."
    if isinstance(value, str):
        # The word is written with a hyphen; documents that lost theirs have it without.
        word = value.lower().replace("narrownormal", "narrow-normal")
        if word not in names:
            known = ", ".join(map(repr, names))
            raise given.error(
                f"{name} {value!r} is none of {known}, or a function handle such as "
                "@(sz) 0.02 * randn(sz).",
                name,
            )
        return INITIALIZERS[word], None
    initializer = _drawn(value)
    note = f"{name} {written(value)} is a function that is not read here: keep what it does."
    return initializer, None if initializer else note


def _drawn(value: Value) -> Initializer | None:
    """``@(sz) 0.02 * randn(sz)`` and its like."""
    if not isinstance(value, Name):
        return None
    text = re.sub(r"\s", "", value.text)
    for drawn, initializer in _DRAWN:
        match = re.fullmatch(rf"@\((?P<size>\w+)\)(?:{_FACTOR}\.?\*)?{drawn}", text)
        if match and (factor := float(match["factor"] or 1)) <= LARGEST_DEVIATION:
            return initializer(factor)
    return None
