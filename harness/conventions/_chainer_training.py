"""How Chainer draws weights, both ways, and how its update rules take factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from harness.conventions._convention import arguments, lines
from harness.conventions._initializers import Signatures, initializer_call, number
from harness.operator import Operator
from harness.syntax.tree import Value
from harness.training import Fan, Initializer, Training

# Chainer's fan_in is shape[1] times the taps, which are the output channels here:
# https://github.com/chainer/chainer/blob/v7.8.1/chainer/initializer.py (get_fans)
_FAN_OPTIONS: Final[dict[str, Fan]] = {"fan_in": "out", "fan_out": "in"}


def drawn(wanted: Initializer | None, operator: Operator, *, by_fan: bool) -> str | None:
    """Write what draws from the wanted distribution.

    Parameters
    ----------
    by_fan : bool
        Whether the array has the fans of the operator's weights, which a bias has not.
    """
    if wanted is None:
        return None
    initializers = "chainer.initializers"
    constants = {0.0: f"{initializers}.Zero()", 1.0: f"{initializers}.One()"}
    if wanted.distribution == "constant":
        return constants.get(wanted.scale, f"{initializers}.Constant({wanted.scale!r})")
    uniform = wanted.distribution == "uniform"
    if by_fan and (known := _by_fan(wanted, "Uniform" if uniform else "Normal")):
        return f"{initializers}.{known}"
    if uniform:
        return f"{initializers}.Uniform({wanted.bound(operator)!r})"
    return f"{initializers}.Normal({wanted.deviation(operator)!r})"


def _by_fan(wanted: Initializer, kind: str) -> str | None:
    """Give the initialiser that counts the fan itself, where Chainer has it."""
    match wanted.fan:
        case "average":
            return f"Glorot{kind}({_scale(wanted.scale)})"
        case "out" if wanted.scale == 1:
            return f"LeCun{kind}()"
        case "out":
            return f"He{kind}({_scale(wanted.scale / 2)})"
        case "in" if kind == "Normal":
            option = arguments(fan_option="'fan_out'").removeprefix(", ")
            scale = _scale(wanted.scale / 2)
            return f"HeNormal({scale}, {option})" if scale else f"HeNormal({option})"
    return None


def _scale(square: float) -> str:
    return "" if square == 1 else repr(math.sqrt(square))


def factors(training: Training, bias: str | None) -> str:
    """Write the factors of learning rate and L2 regularisation, for each parameter's update rule.

    ``bias`` is the parameter's name in the program, where there is one.
    """
    rates = {"layer.W": training.weights_rate}
    decays = {"layer.W": training.weights_decay}
    if bias:
        rates[bias], decays[bias] = training.bias_rate, training.bias_decay
    said = [value for value in (*rates.values(), *decays.values()) if value is not None]
    decaying = any(value is not None for value in decays.values())
    return lines(
        "optimizer = chainer.optimizers.SGD(lr).setup(layer)" if said else None,
        *(
            f"{parameter}.update_rule.hyperparam.lr = {rate!r} * lr"
            for parameter, rate in rates.items()
            if rate is not None
        ),
        # A hook of the optimizer would serve all parameters alike.
        *(
            f"{parameter}.update_rule.add_hook(chainer.optimizer_hooks.WeightDecay({_of(decay)}))"
            for parameter, decay in decays.items()
            if decaying
        ),
    )


def _of(decay: float | None) -> str:
    return "l2" if decay is None else f"{decay!r} * l2"


def training_notes(training: Training) -> tuple[str, ...]:
    """Note what Chainer cannot draw."""
    what = "Chainer has no truncated normal initialiser: a normal one of the same variance"
    return (f"{what} is written.",) if training.is_truncated else ()


_SCALED: Final = {"scale": 1.0, "dtype": None}
_INITIALIZERS: Final[Signatures] = {
    "zero": {"dtype": None},
    "one": {"dtype": None},
    "constant": {"fill_value": None, "dtype": None},
    "uniform": {"scale": 0.05, "dtype": None},
    "normal": {"scale": 0.05, "dtype": None},
    "glorotuniform": _SCALED,
    "glorotnormal": _SCALED,
    "lecununiform": _SCALED,
    "lecunnormal": _SCALED,
    "heuniform": _SCALED,
    "henormal": {"scale": 1.0, "dtype": None, "fan_option": "fan_in"},
}


def read_initializer(value: Value) -> Initializer | None:
    """Read an initialiser, or the number for a constant; ``None`` without a counterpart."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Initializer("constant", float(value))
    bound = initializer_call(value, _INITIALIZERS)
    try:
        return _distribution(*bound) if bound else None
    except (KeyError, TypeError):
        return None


def _distribution(name: str, given: Mapping[str, Value]) -> Initializer:
    if name in {"zero", "one"}:
        return Initializer("constant", float(name == "one"))
    if name == "constant":
        return Initializer("constant", number(given["fill_value"]))
    square = number(given["scale"]) ** 2
    match name:
        case "uniform":
            return Initializer("uniform", square / 3)
        case "normal":
            return Initializer("normal", square)
    kind: Final = "uniform" if name.endswith("uniform") else "normal"
    if name.startswith("glorot"):
        return Initializer(kind, square, "average")
    fan = _FAN_OPTIONS[str(given.get("fan_option", "fan_in"))]
    return Initializer(kind, 2 * square if name.startswith("he") else square, fan)
