"""How PaddlePaddle draws weights, both ways, and how its parameters carry factors."""

from __future__ import annotations

import math
from typing import Final

from harness.convention import initializers
from harness.convention.arguments import Arguments
from harness.convention.initializers import Initializers, assigned_value, number
from harness.convention.text import because, scaled
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import (
    TRUNCATED_DEVIATION,
    Distribution,
    Fan,
    Initializer,
    Training,
)
from harness.syntax.tree import Call, Name, Reference, Value, last_name

# PaddlePaddle counts shape[1] as fan_in, which are the output channels here:
# https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/nn/initializer/initializer.py
_FAN_OF_MODE: Final[dict[str, Fan]] = {"fan_in": "out", "fan_out": "in"}
_MODULE: Final = "paddle.nn.initializer"
# What ParamAttr takes by position:
# https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/base/param_attr.py
_ATTRIBUTE: Final = ("name", "initializer", "learning_rate", "regularizer", "trainable")
_PENALTIES: Final = {"L1Decay", "L2Decay", "L1DecayRegularizer", "L2DecayRegularizer"}
# So many deviations away nothing is drawn in float32: a cut there is none.
_FAR: Final = 8.0


def attribute(
    wanted: Initializer | None,
    operator: Operator,
    rate: float | None,
    decay: str | None,
    *,
    by_fan: bool,
) -> str | None:
    """Write a parameter's attribute, which holds its initialiser and its factors.

    ``by_fan`` is for weights: a bias has other fans.
    """
    initializer = _drawn(wanted, operator, by_fan=by_fan)
    parts = because(
        f"initializer={initializer}" if initializer else None,
        None if rate is None else f"learning_rate={rate!r}",
        f"regularizer=paddle.regularizer.L2Decay({decay})" if decay else None,
    )
    return f"paddle.ParamAttr({', '.join(parts)})" if parts else None


def decays(training: Training) -> tuple[str | None, str | None]:
    """Write the coefficients of L2 decay, of weights and bias: if one has any, both have."""
    if not training.has_decay:
        return None, None
    return scaled(training.weights_decay, "l2"), scaled(training.bias_decay, "l2")


def _drawn(wanted: Initializer | None, operator: Operator, *, by_fan: bool) -> str | None:
    if wanted is None:
        return None
    if known := _by_fan(wanted) if by_fan else None:
        return f"{_MODULE}.{known}"
    match wanted:
        case Initializer("constant", value):
            return f"{_MODULE}.Constant({value!r})"
        case Initializer(scale=0.0):
            return f"{_MODULE}.Constant(0.0)"
        case Initializer("uniform"):
            bound = wanted.bound(operator)
            return f"{_MODULE}.Uniform({-bound!r}, {bound!r})"
        case Initializer("truncated_normal"):
            sigma = wanted.deviation(operator) / TRUNCATED_DEVIATION
            cut = f"a={-2 * sigma!r}, b={2 * sigma!r}"
            return f"{_MODULE}.TruncatedNormal(std={sigma!r}, {cut})"
    return f"{_MODULE}.Normal(std={wanted.deviation(operator)!r})"


def _by_fan(wanted: Initializer) -> str | None:
    """Return the initialiser that counts the fan itself, where there is one."""
    kind = "Uniform" if wanted.distribution == "uniform" else "Normal"
    if wanted.distribution not in {"uniform", "normal"}:
        return None
    if wanted.fan == "average" and wanted.scale > 0:
        gain = "" if wanted.scale == 1 else f"gain={math.sqrt(wanted.scale)!r}"
        return f"Xavier{kind}({gain})"
    # The mode is of PaddlePaddle 3.3; before it, there was no fan_out.
    options = {1.0: "nonlinearity='linear'", 2.0: None}
    if wanted.fan in {"in", "out"} and wanted.scale in options:
        mode = "mode='fan_out'" if wanted.fan == "in" else None
        return f"Kaiming{kind}({', '.join(because(options[wanted.scale], mode))})"
    return None


def _uniform(low: float = -1.0, high: float = 1.0) -> Initializer | None:
    bound = number(high)
    return Initializer("uniform", bound**2 / 3) if number(low) == -bound else None


def _normal(mean: float = 0.0, std: float = 1.0) -> Initializer | None:
    return Initializer("normal", number(std) ** 2) if number(mean) == 0 else None


def _truncated(
    mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Initializer | None:
    """Read a truncation, whose ends are values, not deviations."""
    sigma = number(std)
    if number(mean) != 0 or sigma <= 0 or number(a) != -number(b):
        return None
    if math.isclose(number(b), 2 * sigma):
        return Initializer("truncated_normal", (TRUNCATED_DEVIATION * sigma) ** 2)
    return Initializer("normal", sigma**2) if number(b) >= _FAR * sigma else None


def _xavier(kind: Distribution, fan_in: object, fan_out: object, gain: float) -> Initializer | None:
    if fan_in is not None or fan_out is not None:
        return None
    return Initializer(kind, number(gain) ** 2, "average")


def _kaiming(
    kind: Distribution,
    fan_in: float | None,
    slope: float,
    nonlinearity: str,
    mode: str,
) -> Initializer:
    gain = {
        "relu": 2.0,
        "leaky_relu": 2 / (1 + number(slope) ** 2),
        "tanh": 25 / 9,
        "selu": 9 / 16,
    }
    same = (
        "linear",
        "sigmoid",
        *(f"conv{rank}d{of}" for rank in "123" for of in ("", "_transpose")),
    )
    square = (gain | dict.fromkeys(same, 1.0))[nonlinearity]
    if fan_in is None:
        return Initializer(kind, square, _FAN_OF_MODE[mode])
    if number(fan_in) <= 0:
        raise TypeError(fan_in)
    return Initializer(kind, square / number(fan_in))


_INITIALIZERS: Final[Initializers] = {
    "constant": lambda value=0.0, _force_cpu=False: Initializer("constant", number(value)),
    "uniform": _uniform,
    "normal": _normal,
    "truncatednormal": _truncated,
    "xavieruniform": lambda fan_in=None, fan_out=None, gain=1.0: _xavier(
        "uniform", fan_in, fan_out, gain
    ),
    "xaviernormal": lambda fan_in=None, fan_out=None, gain=1.0: _xavier(
        "normal", fan_in, fan_out, gain
    ),
    "kaimingnormal": lambda fan_in=None, negative_slope=0.0, nonlinearity="relu", mode="fan_in": (
        _kaiming("normal", fan_in, negative_slope, nonlinearity, mode)
    ),
    "kaiminguniform": lambda fan_in=None, negative_slope=0.0, nonlinearity="relu", mode="fan_in": (
        _kaiming("uniform", fan_in, negative_slope, nonlinearity, mode)
    ),
}


# https://github.com/PaddlePaddle/Paddle/blob/v1.8.5/python/paddle/fluid/initializer.py
_OF_FLUID: Final[Initializers] = {
    "constant": _INITIALIZERS["constant"],
    "uniform": lambda low=-1.0, high=1.0, _seed=0: _uniform(low, high),
    "normal": lambda loc=0.0, scale=1.0, _seed=0: _normal(loc, scale),
    # Cut at two deviations.
    "truncatednormal": lambda loc=0.0, scale=1.0, _seed=0: _truncated(
        loc, scale, -2 * number(scale), 2 * number(scale)
    ),
    "xavier": lambda uniform=True, fan_in=None, fan_out=None, _seed=0: _xavier(
        "uniform" if uniform else "normal", fan_in, fan_out, 1.0
    ),
    "msra": lambda uniform=True, fan_in=None, _seed=0: _kaiming(
        "uniform" if uniform else "normal", fan_in, 0.0, "relu", "fan_in"
    ),
}


def read_initializer(value: Value) -> Initializer | None:
    """Read an initialiser of PaddlePaddle, or of Fluid; ``None`` without a counterpart."""
    last = last_name(value)
    owner = value.owner if isinstance(value, Call) else None
    path = owner.text if isinstance(owner, Reference) else ""
    path += value.dotted if isinstance(value, Call) else ""
    is_of_fluid = "fluid" in path or last in {"Xavier", "MSRA"}
    return initializers.read_initializer(value, _OF_FLUID if is_of_fluid else _INITIALIZERS)


def has_bias(given: Arguments, name: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the bias's attribute leaves a bias: anything but ``False`` does."""
    value = assigned_value(given.value(name), given.assigned)
    if not isinstance(value, Name):
        return value is not False, ()
    if not given.supplied.assumes_bias:
        return given.flag(name), ()
    note = f"{name} is {shown(value)}, whose value the text does not hold: taken for None, a bias."
    return True, (note,)


def read_training(
    given: Arguments, names: tuple[str, str], out_channels: int
) -> tuple[Training, list[str]]:
    """Read the attributes of weights and bias, the two ``names``; note what stays unread."""
    notes: list[str] = []
    read = [_read_attribute(given, name, notes) for name in names]
    (weights, weights_rate), (bias, bias_rate) = read
    if bias is not None and bias.fan is not None:
        # The fans of a vector are both its length.
        bias = Initializer(bias.distribution, bias.scale / out_channels)
    return Training(weights, bias, weights_rate, bias_rate), notes


def _read_attribute(
    given: Arguments, name: str, notes: list[str]
) -> tuple[Initializer | None, float | None]:
    """Read an attribute: a ParamAttr or, in its place, an initialiser, a penalty or a name."""
    value = assigned_value(given.value(name), given.assigned)
    if value is None or isinstance(value, str | bool | Name):
        return None, None
    if not isinstance(value, Call):
        raise given.error(
            f"{name} {shown(value)}: PaddlePaddle takes a ParamAttr, an initialiser, a name or "
            "False.",
            name,
        )
    parts: dict[str, Value] = {"initializer": value}
    if last_name(value) == "ParamAttr":
        places = dict(zip(_ATTRIBUTE, value.positional, strict=False))
        parts = {
            key: assigned_value(each, given.assigned)
            for key, each in {**places, **value.named}.items()
        }
    elif last_name(value) in _PENALTIES:
        parts = {"regularizer": value}
    initializer = None
    if (drawn := parts.get("initializer")) is not None:
        initializer = read_initializer(drawn)
        if initializer is None:
            notes.append(f"{name}: {shown(drawn)} is not translated.")
    if (penalty := parts.get("regularizer")) is not None:
        notes.append(f"{name}: {shown(penalty)} is a penalty on the parameter: keep it.")
    if parts.get("trainable") is False:
        return initializer, 0.0
    rate = parts.get("learning_rate")
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    return initializer, number(rate) if is_number else None
