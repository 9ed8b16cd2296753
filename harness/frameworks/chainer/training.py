"""How Chainer draws weights, both ways, and how its update rules take factors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from harness.convention import initializers
from harness.convention.initializers import Initializers, initializer_text, number
from harness.convention.text import arguments, lines, scaled
from harness.core.operators import Operator
from harness.core.training import ONES, ZEROS, Distribution, Fan, Initializer, Training
from harness.syntax.tree import Value

# Chainer's fan_in is shape[1] times the taps, which are the output channels here:
# https://github.com/chainer/chainer/blob/v7.8.1/chainer/initializer.py (get_fans)
_FAN_OPTIONS: Final[dict[str, Fan]] = {"fan_in": "out", "fan_out": "in"}


def drawn(wanted: Initializer | None, operator: Operator, *, by_fan: bool) -> str | None:
    """Write what draws from a distribution; ``by_fan`` for weights, not for a bias."""
    return initializer_text(wanted, operator, "chainer.initializers", _by_fan if by_fan else None)


def _by_fan(wanted: Initializer) -> str | None:
    """Return the initialiser that counts the fan itself, where Chainer has it."""
    kind = "Uniform" if wanted.distribution == "uniform" else "Normal"
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
    given = training.has_rate or training.has_decay
    return lines(
        "optimizer = chainer.optimizers.SGD(lr).setup(layer)" if given else None,
        *(
            f"{parameter}.update_rule.hyperparam.lr = {scaled(rate, 'lr')}"
            for parameter, rate in rates.items()
            if rate is not None
        ),
        # A hook of the optimizer would serve all parameters alike.
        *(
            f"{parameter}.update_rule.add_hook("
            f"chainer.optimizer_hooks.WeightDecay({scaled(decay, 'l2')}))"
            for parameter, decay in decays.items()
            if training.has_decay
        ),
    )


def _drawn(
    kind: Distribution, fan: Fan | None = None, *, times: float = 1, over: float = 1, by: float = 1
) -> Callable[..., Initializer]:
    return lambda scale=by, _dtype=None: Initializer(kind, times * number(scale) ** 2 / over, fan)


def _he_normal(
    scale: float = 1.0, _dtype: object = None, fan_option: str = "fan_in"
) -> Initializer:
    return Initializer("normal", 2 * number(scale) ** 2, _FAN_OPTIONS[fan_option])


_INITIALIZERS: Final[Initializers] = {
    "zero": lambda _dtype=None: ZEROS,
    "one": lambda _dtype=None: ONES,
    "constant": lambda fill_value, _dtype=None: Initializer("constant", number(fill_value)),
    "uniform": _drawn("uniform", over=3, by=0.05),
    "normal": _drawn("normal", by=0.05),
    "glorotuniform": _drawn("uniform", "average"),
    "glorotnormal": _drawn("normal", "average"),
    "lecununiform": _drawn("uniform", "out"),
    "lecunnormal": _drawn("normal", "out"),
    "heuniform": _drawn("uniform", "out", times=2),
    "henormal": _he_normal,
}


def read_initializer(value: Value) -> Initializer | None:
    """Read an initialiser, or the number for a constant; ``None`` without a counterpart."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Initializer("constant", float(value))
    return initializers.read_initializer(value, _INITIALIZERS)
