"""How MXNet draws weights, both ways, and how its parameters carry factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention import initializers
from harness.convention.initializers import Signatures, initializer_text, number
from harness.convention.text import because, lines
from harness.core.operators import Operator
from harness.core.training import Fan, Initializer, Training
from harness.syntax.tree import Value

# MXNet's fans are those of the convolution whose transpose this is: it counts shape[1] as "in".
# https://github.com/apache/mxnet/blob/v1.9.x/python/mxnet/initializer.py (Xavier)
FACTOR_TYPES: Final[dict[Fan, str]] = {"average": "avg", "in": "out", "out": "in"}


def drawn(wanted: Initializer | None, operator: Operator, *, by_fan: bool) -> str | None:
    """Write what draws from the wanted distribution.

    Parameters
    ----------
    by_fan : bool
        Whether the array has the fans of the operator's weights; those of a bias, or of a kernel
        with zeros written in, are others.
    """
    if wanted is None:
        return None
    known = _by_fan if by_fan else lambda _: None
    return initializer_text(wanted, operator, "mx.init", known)


def _by_fan(wanted: Initializer) -> str | None:
    if wanted.fan is None:
        return None
    uniform = wanted.distribution == "uniform"
    magnitude = 3 * wanted.scale if uniform else wanted.scale
    kind = "uniform" if uniform else "gaussian"
    return f"Xavier('{kind}', '{FACTOR_TYPES[wanted.fan]}', {magnitude!r})"


def factors(training: Training, bias: str | None) -> str:
    """Write the factors of learning rate and L2 regularisation, which a parameter carries itself.

    ``bias`` is the parameter's name in the program, where there is one.
    """
    known = {
        "layer.weight.lr_mult": training.weights_rate,
        "layer.weight.wd_mult": training.weights_decay,
    }
    if bias:
        known |= {f"{bias}.lr_mult": training.bias_rate, f"{bias}.wd_mult": training.bias_decay}
    said = {target: factor for target, factor in known.items() if factor is not None}
    parameters = ", ".join(because("layer.weight", bias))
    options = "'learning_rate': lr" + (", 'wd': l2" if training.has_decay else "")
    return lines(
        *(f"{target} = {factor!r}" for target, factor in said.items()),
        f"trainer = mx.gluon.Trainer([{parameters}], 'sgd', {{{options}}})" if said else None,
    )


_INITIALIZERS: Final[Signatures] = {
    "zero": {},
    "zeros": {},
    "one": {},
    "ones": {},
    "constant": {"value": None},
    "uniform": {"scale": 0.07},
    "normal": {"sigma": 0.01},
    "xavier": {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3},
    "msraprelu": {"factor_type": "avg", "slope": 0.25},
}
_FANS: Final = {factor: fan for fan, factor in FACTOR_TYPES.items()}


def read_initializer(value: Value) -> Initializer | None:
    """Read an initialiser, in quotes or as a call; ``None`` for one that has no counterpart."""
    return initializers.read_initializer(value, _INITIALIZERS, _distribution)


def _distribution(name: str, given: Mapping[str, Value]) -> Initializer:
    match name:
        case "zero" | "zeros" | "one" | "ones":
            return Initializer("constant", float(name.startswith("one")))
        case "constant":
            return Initializer("constant", number(given["value"]))
        case "uniform":
            return Initializer("uniform", number(given["scale"]) ** 2 / 3)
        case "normal":
            return Initializer("normal", number(given["sigma"]) ** 2)
    fan = _FANS[str(given["factor_type"])]
    if name == "msraprelu":
        return Initializer("normal", 2 / (1 + number(given["slope"]) ** 2), fan)
    magnitude = number(given["magnitude"])
    if given["rnd_type"] == "uniform":
        return Initializer("uniform", magnitude / 3, fan)
    return {"gaussian": Initializer("normal", magnitude, fan)}[str(given["rnd_type"])]
