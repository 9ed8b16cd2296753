"""How Flax's layers draw their weights, and how they learn with Optax.

https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/initializers.html
"""

from __future__ import annotations

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

_FAN: Final[dict[str, Fan]] = {"fan_in": "in", "fan_out": "out", "fan_avg": "average"}
_MODE: Final = {fan: mode for mode, fan in _FAN.items()}
_OTHER: Final[dict[Fan, Fan]] = {"in": "out", "out": "in", "average": "average"}
_DISTRIBUTIONS: Final[dict[str, Distribution]] = {
    "uniform": "uniform",
    "normal": "normal",
    "truncated_normal": "truncated_normal",
}


# Reading.


def read_training(given: Arguments, *, transposed: bool) -> tuple[Training, list[str]]:
    """Read how weights and bias are drawn, with notes on what stays unread.

    By default Flax's fans take the last axis but one for the input's: that is the output's with a
    ``transposed`` kernel.
    """
    notes: list[str] = []
    drawn: list[Initializer | None] = []
    for name in ("kernel_init", "bias_init"):
        value = assigned_value(given.value(name), given.assigned) if given.has(name) else None
        drawn.append(None)
        if value is None:
            continue
        # nn.initializers.zeros is one, and nn.initializers.zeros_init() makes it.
        known = read_initializer(value, _INITIALIZERS)
        if known is None:
            notes.append(f"{name} {shown(value)} is not translated.")
        elif name == "bias_init" and known.fan:
            notes.append(f"{name} {shown(value)}: Flax refuses to draw a vector by a fan.")
        elif known.fan and transposed:
            drawn[-1] = Initializer(known.distribution, known.scale, _OTHER[known.fan])
        else:
            drawn[-1] = known
    weights, bias = drawn
    return Training(weights, bias if given.flag("use_bias") else None), notes


def _scaled(
    scale: float, mode: str, distribution: str, in_axis: int = -2, out_axis: int = -1
) -> Initializer | None:
    kind, fan = _DISTRIBUTIONS[str(distribution)], _FAN[mode]
    if (in_axis, out_axis) == (-1, -2):
        fan = _OTHER[fan]  # Of the last axis but one, as all others are
    elif (in_axis, out_axis) != (-2, -1):
        return None
    return Initializer(kind, number(scale), fan)


def _normal(stddev: float = 0.01) -> Initializer:
    return Initializer("normal", number(stddev) ** 2)


def _truncated(stddev: float = 0.01) -> Initializer:
    # The deviation is that of the distribution before it is cut.
    return Initializer("truncated_normal", (TRUNCATED_DEVIATION * number(stddev)) ** 2)


def _named(*names: str, scale: float, fan: Fan) -> Initializers:
    return {
        **{f"{name}normal": fixed(Initializer("truncated_normal", scale, fan)) for name in names},
        **{f"{name}uniform": fixed(Initializer("uniform", scale, fan)) for name in names},
    }


_INITIALIZERS: Final[Initializers] = {
    **_named("lecun", scale=1.0, fan="in"),
    **_named("he", "kaiming", scale=2.0, fan="in"),
    **_named("glorot", "xavier", scale=GLOROT.scale, fan="average"),
    **dict.fromkeys(("zeros", "zerosinit"), fixed(ZEROS)),
    **dict.fromkeys(("ones", "onesinit"), fixed(ONES)),
    "constant": lambda value: Initializer("constant", number(value)),
    "normal": _normal,
    "truncatednormal": _truncated,
    "variancescaling": _scaled,
}


# Writing.


def initializer_text(
    wanted: Initializer | None, operator: Operator, *, of_bias: bool = False
) -> str | None:
    """Write an initialiser of a kernel HWOI, or of a bias.

    >>> print(initializer_text(Initializer("normal", 2.0, "in"), Operator.of(8, 4, (3, 3))))
    nn.initializers.variance_scaling(2.0, "fan_in", "normal", in_axis=-1, out_axis=-2)
    """
    if wanted is None:
        return None
    kind = wanted.distribution
    if kind == "constant":
        words = {0.0: "zeros_init()", 1.0: "ones_init()"}
        return f"nn.initializers.{words.get(wanted.scale, f'constant({wanted.scale!r})')}"
    if wanted.fan and not of_bias:
        return (
            f'nn.initializers.variance_scaling({wanted.scale!r}, "{_MODE[wanted.fan]}", "{kind}", '
            "in_axis=-1, out_axis=-2)"
        )
    if kind == "uniform":
        # nn.initializers.uniform draws from 0 on.
        bound = wanted.bound(operator)
        return f"lambda *of: jax.random.uniform(*of, {-bound!r}, {bound!r})"
    deviation = wanted.deviation(operator)
    if kind == "normal":
        return f"nn.initializers.normal({deviation!r})"
    return f"nn.initializers.truncated_normal({deviation / TRUNCATED_DEVIATION!r})"


def training_text(training: Training, names: dict[str, str]) -> str:
    """Write the optimizer of Optax; ``names`` are the parameters of weights and bias."""
    if not training.has_rate and not training.has_decay:
        return ""
    factors = {
        "w": (training.weights_rate, training.weights_decay),
        "b": (training.bias_rate, training.bias_decay),
    }
    steps = []
    for each, name in names.items():
        rate, decay = factors[each]
        step = f"optax.sgd({_times(rate, 'lr')})"
        if training.has_decay:
            step = f"optax.chain(optax.add_decayed_weights({_times(decay, 'l2')}), {step})"
        steps.append(f'    "{name}": {step},')
    labels = ", ".join(f'"{name}": "{name}"' for name in names.values())
    return lines(
        "import optax", "optimizer = optax.multi_transform({", *steps, f"}}, {{{labels}}})"
    )


def _times(factor: float | None, name: str) -> str:
    return name if factor is None else f"{factor!r} * {name}"
