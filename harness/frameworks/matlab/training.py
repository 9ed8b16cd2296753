"""What MATLAB's layers say about training: initialisers and factors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.text import lines
from harness.core.operators import Operator
from harness.core.training import (
    GLOROT,
    LARGEST_DEVIATION,
    ONES,
    TRUNCATED_DEVIATION,
    ZEROS,
    Initializer,
    Training,
)
from harness.frameworks.matlab.arrays import written
from harness.syntax.tree import Call, Name, Statement, Value, last_name

# Its numIn counts NumChannels, our "in".
_NAMED: Final = {
    "glorot": GLOROT,
    "he": Initializer("normal", 2.0, "in"),
    "narrow-normal": Initializer("normal", 0.0001),
    "zeros": ZEROS,
    "ones": ONES,
}
_OF_BIAS: Final = ("zeros", "narrow-normal", "ones")

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


# Reading.


def read_training(given: Arguments, operator: Operator) -> tuple[Training, list[str]]:
    """Read what a layer's arguments and properties say, with notes on what stays unread."""
    weights, of_weights = _initializer(given, "Weights", tuple(_NAMED))
    bias, of_bias = _initializer(given, "Bias", _OF_BIAS) if operator.bias else (None, None)
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
        return _NAMED[word], None
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


# Writing.


def factors(operator: Operator, training: Training) -> dict[str, str | None]:
    """Return the layer's arguments for factors.

    >>> arguments = factors(Operator.of(3, 5, (7, 7)), Training(weights_decay=0.5))
    >>> {name: value for name, value in arguments.items() if value}
    {'WeightL2Factor': '0.5', 'BiasL2Factor': '1.0'}
    """
    bias_decay = training.bias_decay
    if training.has_decay and bias_decay is None:
        # Elsewhere a decay is one of weights and bias; MATLAB's default of this factor is 0.
        bias_decay = 1.0
    arguments = {
        "WeightLearnRateFactor": training.weights_rate,
        # What learns would become a bias.
        "BiasLearnRateFactor": training.bias_rate if operator.bias else 0,
        "WeightL2Factor": training.weights_decay,
        "BiasL2Factor": bias_decay if operator.bias else None,
    }
    return {name: None if value is None else repr(value) for name, value in arguments.items()}


def drawn_text(operator: Operator, training: Training, inside: str) -> str:
    """Write what draws a layer's first weights and bias.

    ``inside`` is the index of the filters' own elements where they have zeros around them.
    """
    weights, biases = training.weights, training.bias
    drawn = lines(
        _drawn_weights(weights, operator, inside) if weights else None,
        _emptied("Bias", _word(biases, _OF_BIAS) or _function(biases, operator))
        if biases
        else None,
    )
    return lines(drawn, "net = dlnetwork(layer, x_);") if drawn else ""


def _drawn_weights(wanted: Initializer, operator: Operator, inside: str) -> str:
    if not inside:
        return _emptied("Weights", _word(wanted, tuple(_NAMED)) or _function(wanted, operator))
    shape = [*operator.kernel, operator.out_channels, operator.in_channels]
    size = f"[{' '.join(map(str, shape))}]"
    return lines(f"draw = {_function(wanted, operator)};", f"layer.Weights{inside} = draw({size});")


def _emptied(parameter: str, drawn: str) -> str:
    """The layer draws where the parameter itself is empty."""
    return lines(f"layer.{parameter} = [];", f"layer.{parameter}Initializer = {drawn};")


def _word(wanted: Initializer, names: Sequence[str]) -> str | None:
    return next((f"'{name}'" for name in names if _NAMED[name] == wanted), None)


def _function(wanted: Initializer, operator: Operator) -> str:
    """Write a function that draws an array of a size."""
    deviation = wanted.deviation(operator)
    match wanted.distribution:
        case "constant":
            return f"@(sz) {wanted.scale!r} * ones(sz)"
        case "uniform":
            return f"@(sz) {wanted.bound(operator)!r} * (2 * rand(sz) - 1)"
        case "truncated_normal":
            sigma = deviation / TRUNCATED_DEVIATION
            # The inverse of the distribution function, between its values at -2 and 2.
            return f"@(sz) {sigma!r} * sqrt(2) * erfinv(erf(sqrt(2)) * (2 * rand(sz) - 1))"
    return f"@(sz) {deviation!r} * randn(sz)"
