"""The training settings of Keras's layers: initialisers, regularisers and rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.initializers import (
    Initializers,
    assigned_value,
    fixed,
    number,
    read_initializer,
)
from harness.convention.text import lines
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import (
    GLOROT,
    ONES,
    TRUNCATED_DEVIATION,
    ZEROS,
    Distribution,
    Fan,
    Initializer,
    Training,
)
from harness.syntax.tree import Argument, Call, last_name

# Keras counts the last but one axis of HWOI as "in": the output channels.
_FAN_OF_MODE: Final[dict[str, Fan]] = {"fan_in": "out", "fan_out": "in", "fan_avg": "average"}
_MODE_OF_FAN: Final = {fan: mode for mode, fan in _FAN_OF_MODE.items()}
_NAMED: Final = {
    "glorotuniform": GLOROT,
    "glorotnormal": Initializer("truncated_normal", 1.0, "average"),
    "xavier": GLOROT,
    "heuniform": Initializer("uniform", 2.0, "out"),
    "henormal": Initializer("truncated_normal", 2.0, "out"),
    "lecununiform": Initializer("uniform", 1.0, "out"),
    "lecunnormal": Initializer("truncated_normal", 1.0, "out"),
}
_DISTRIBUTIONS: Final[dict[str, Distribution]] = {
    "uniform": "uniform",
    "normal": "truncated_normal",
    "truncated_normal": "truncated_normal",
    "untruncated_normal": "normal",
}
# Reading.


def read_training(given: Arguments, out_channels: int) -> tuple[Training, list[str]]:
    """Read a layer's training settings, with notes on what stays unread."""
    weights, of_weights = _read_initializer(given, "kernel_initializer", out_channels)
    bias, of_bias = _read_initializer(given, "bias_initializer", out_channels)
    rate = None if given.value("trainable") is not False else 0.0
    notes = [of_weights, of_bias, *(_regularizer(given, which) for which in ("kernel", "bias"))]
    training = Training(weights, bias, rate, rate if given.flag("use_bias") else None)
    return training, [note for note in notes if note]


def _read_initializer(
    given: Arguments, name: str, out_channels: int
) -> tuple[Initializer | None, str | None]:
    if not given.has(name):
        return None, None
    value = assigned_value(given.value(name), given.assigned)
    # "constant" without arguments is refused: Keras wants a value.
    known = None if value == "constant" else read_initializer(value, _INITIALIZERS)
    if known is None:
        return None, f"{name} {shown(value)} is not read here: keep what it does."
    if name == "bias_initializer" and known.fan is not None:
        # All fans of one axis are its length.
        known = Initializer(known.distribution, known.scale / out_channels)
    return known, None


def _variance_scaling(
    scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Initializer:
    kind = _DISTRIBUTIONS[str(distribution).lower()]
    return Initializer(kind, number(scale), _FAN_OF_MODE[mode])


def _uniform(minval: float = -0.05, maxval: float = 0.05) -> Initializer | None:
    bound = number(maxval)
    return Initializer("uniform", bound**2 / 3) if minval == -bound else None


def _normal(mean: float = 0.0, stddev: float = 0.05) -> Initializer | None:
    return Initializer("normal", number(stddev) ** 2) if number(mean) == 0 else None


def _truncated(mean: float = 0.0, stddev: float = 0.05) -> Initializer | None:
    # VarianceScaling makes up for what is cut off, TruncatedNormal does not:
    # https://github.com/keras-team/keras/blob/master/keras/src/initializers/random_initializers.py
    scale = (TRUNCATED_DEVIATION * number(stddev)) ** 2
    return Initializer("truncated_normal", scale) if number(mean) == 0 else None


_INITIALIZERS: Final[Initializers] = {
    **{name: fixed(initializer) for name, initializer in _NAMED.items()},
    **dict.fromkeys(("zeros", "zero"), fixed(ZEROS)),
    **dict.fromkeys(("ones", "one"), fixed(ONES)),
    **dict.fromkeys(("randomnormal", "normal"), _normal),
    **dict.fromkeys(("randomuniform", "uniform"), _uniform),
    "truncatednormal": _truncated,
    "variancescaling": _variance_scaling,
    "constant": lambda value=0.0: Initializer("constant", number(value)),
}


def _regularizer(given: Arguments, which: str) -> str | None:
    name = f"{which}_regularizer"
    if not given.has(name):
        return None
    value = given.value(name)
    last = last_name(value)
    arguments = value.arguments if isinstance(value, Call) else ()
    first = arguments[0] if arguments else Argument(None, 0.01, 0)
    amount = first.value
    plain = last.lower().endswith("l2") and first.name in {None, "l2", "l"}
    if plain and isinstance(amount, int | float) and len(arguments) <= 1:
        array = "w" if which == "kernel" else "b"
        return (
            f"{name} {last}({amount}) adds {amount} * sum({array}**2) to the loss, the gradient "
            f"of a weight decay of {2 * amount:.12g}; Keras has no factors of one decay for all."
        )
    return f"{name} {shown(value)} is a penalty added to the loss: keep it."


# Writing.


def initializer_text(
    initializer: Initializer | None, operator: Operator, keras: str, *, of_bias: bool = False
) -> str | None:
    """Write the initialiser that gives the variance asked for, as an argument.

    ``keras`` is what the text calls the module.

    >>> operator = Operator.of(64, 128, (3, 3))
    >>> print(initializer_text(Initializer("normal", 2.0, "in"), operator, "tf.keras"))
    tf.keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    """
    if initializer is None:
        return None
    distribution, scale = initializer.distribution, initializer.scale
    if distribution == "constant" or scale <= 0:
        words = {0.0: '"zeros"', 1.0: '"ones"'}
        return words.get(scale) or f"{keras}.initializers.Constant({scale!r})"
    if initializer.fan is not None and not of_bias:
        mode = _MODE_OF_FAN[initializer.fan]
        named = [key for key, known in _NAMED.items() if known == initializer]
        if named:
            word = named[0].replace("uniform", "_uniform").replace("normal", "_normal")
            return f'"{word}"'
        kind = "untruncated_normal" if distribution == "normal" else distribution
        return f'{keras}.initializers.VarianceScaling({scale!r}, "{mode}", "{kind}")'
    # Keras would use a bias's length as its fan, so its deviation is written as a number.
    variance = initializer.variance(operator)
    if distribution == "uniform":
        bound = math.sqrt(3 * variance)
        return f"{keras}.initializers.RandomUniform({-bound:.9g}, {bound:.9g})"
    deviation = math.sqrt(variance)
    if distribution == "normal":
        return f"{keras}.initializers.RandomNormal(0.0, {deviation:.9g})"
    return f"{keras}.initializers.TruncatedNormal(0.0, {deviation / TRUNCATED_DEVIATION:.9g})"


def penalty_text(training: Training, factor: float | None, keras: str) -> str | None:
    """Write a regularizer; ``l2`` is the weight decay that all factors multiply.

    >>> penalty_text(Training(weights_decay=0.5), None, "tf.keras")
    'tf.keras.regularizers.L2(0.5 * l2)'
    """
    if not training.has_decay or factor == 0:
        return None
    # A penalty of l2 * sum(w**2) has twice the gradient that a weight decay of l2 adds.
    return f"{keras}.regularizers.L2({0.5 if factor is None else factor / 2!r} * l2)"


@dataclass(frozen=True)
class Dialect:
    """How texts name Keras, and how its variables are told apart inside an optimizer."""

    module: str
    variable: str  # The key of a layer's variable, ``{}``
    late_bias: str  # The key of ``b_``, a variable of no layer
    in_optimizer: str  # The key of ``variable``


# Inside an optimizer on TensorFlow the variables are TensorFlow's own.
TF_KERAS: Final = Dialect("tf.keras", "{}.value.ref()", "b_.ref()", "variable.ref()")
KERAS: Final = Dialect("keras", "{}.path", "b_.path", "variable.path")
KERAS_ON_TENSORFLOW: Final = Dialect("keras", "{}.value.ref()", "b_.value.ref()", "variable.ref()")


def training_text(
    operator: Operator, training: Training, dialect: Dialect, *, late_bias: bool
) -> str:
    """Write what a layer has no argument for: factors of the learning rate, and a late bias.

    A late bias is not a weight of the layer, but a variable that is added after it.
    """
    rates = {dialect.variable.format("layer.kernel"): training.weights_rate}
    if operator.bias:
        bias = dialect.late_bias if late_bias else dialect.variable.format("layer.bias")
        rates[bias] = training.bias_rate
    frozen = not late_bias and all(rate == 0 for rate in rates.values())
    return lines(
        _late_bias_text(operator, training, dialect.module) if late_bias else None,
        "layer.trainable = False" if frozen else _rate_text(rates, dialect),
    )


def _late_bias_text(operator: Operator, training: Training, keras: str) -> str:
    initial = initializer_text(training.bias, operator, keras, of_bias=True)
    penalty = penalty_text(training, training.bias_decay, keras)
    return lines(
        f"b_.assign({keras}.initializers.get({initial})(b_.shape))" if initial else None,
        f"penalty = {penalty}(b_)  # Of no layer: add it to the loss." if penalty else None,
    )


def _rate_text(rates: Mapping[str, float | None], dialect: Dialect) -> str | None:
    factors = [f"{variable}: {rate!r}" for variable, rate in rates.items() if rate not in (None, 1)]
    if not factors:
        return None
    return lines(
        "# Keras has no factors of the learning rate: an optimizer of your own multiplies it.",
        f"factors = {{{', '.join(factors)}}}",
        f"class Optimizer({dialect.module}.optimizers.SGD):",
        "    def update_step(self, gradient, variable, learning_rate):",
        f"        factor = factors.get({dialect.in_optimizer}, 1.0)",
        "        super().update_step(gradient, variable, factor * learning_rate)",
    )
