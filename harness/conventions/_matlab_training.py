"""What MATLAB's layers say about training: initialisers and factors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from harness.conventions._arguments import Arguments
from harness.conventions._values import shown
from harness.operator import Operator
from harness.syntax.tree import Name, Value
from harness.training import GLOROT, ONES, TRUNCATED_DEVIATION, ZEROS, Initializer, Training

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


def read_training(given: Arguments, operator: Operator) -> tuple[Training, list[str]]:
    """Read what a layer's arguments and properties say, with notes on what stays unread."""
    weights, of_weights = _initializer(given, "Weights", tuple(_NAMED))
    bias, of_bias = _initializer(given, "Bias", _OF_BIAS) if operator.bias else (None, None)
    training = Training(
        weights,
        bias,
        _factor(given, "WeightLearnRateFactor"),
        _factor(given, "BiasLearnRateFactor") if operator.bias else None,
        _factor(given, "WeightL2Factor"),
        _factor(given, "BiasL2Factor") if operator.bias else None,
    )
    return training, [note for note in (of_weights, of_bias) if note]


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
    found = _drawn(value)
    note = f"{name} {shown(value)} is a function that is not read here: keep what it does."
    return found, None if found else note


def _drawn(value: Value) -> Initializer | None:
    """``@(sz) 0.02 * randn(sz)`` and its like."""
    if not isinstance(value, Name):
        return None
    text = re.sub(r"\s", "", value.text)
    for drawn, initializer in _DRAWN:
        match = re.fullmatch(rf"@\((?P<size>\w+)\)(?:{_FACTOR}\.?\*)?{drawn}", text)
        if match:
            return initializer(float(match["factor"] or 1))
    return None
