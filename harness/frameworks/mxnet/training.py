"""How MXNet draws weights, both ways, and how its parameters carry factors."""

from __future__ import annotations

from typing import Final

from harness.convention import initializers
from harness.convention.initializers import Initializers, fixed, initializer_text, number
from harness.convention.text import because, lines
from harness.core.operators import Operator
from harness.core.training import ONES, ZEROS, Distribution, Fan, Initializer, Training
from harness.syntax.tree import Value

# MXNet's fans are those of the convolution whose transpose this is: it counts shape[1] as "in".
# https://github.com/apache/mxnet/blob/v1.9.x/python/mxnet/initializer.py (Xavier)
_FACTOR_TYPES: Final[dict[Fan, str]] = {"average": "avg", "in": "out", "out": "in"}


def drawn(wanted: Initializer | None, operator: Operator, *, by_fan: bool) -> str | None:
    """Write what draws from a distribution.

    ``by_fan`` is for weights, not for a bias or a kernel with zeros written in: their fans differ.
    """
    return initializer_text(wanted, operator, "mx.init", _by_fan if by_fan else None)


def _by_fan(wanted: Initializer) -> str | None:
    if wanted.fan is None:
        return None
    kind, share = ("uniform", 3) if wanted.distribution == "uniform" else ("gaussian", 1)
    return f"Xavier('{kind}', '{_FACTOR_TYPES[wanted.fan]}', {share * wanted.scale!r})"


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
    given = {target: factor for target, factor in known.items() if factor is not None}
    parameters = ", ".join(because("layer.weight", bias))
    options = "'learning_rate': lr" + (", 'wd': l2" if training.has_decay else "")
    return lines(
        *(f"{target} = {factor!r}" for target, factor in given.items()),
        f"trainer = mx.gluon.Trainer([{parameters}], 'sgd', {{{options}}})" if given else None,
    )


_FANS: Final = {factor: fan for fan, factor in _FACTOR_TYPES.items()}
_KINDS: Final[dict[str, tuple[Distribution, int]]] = {
    "uniform": ("uniform", 3),
    "gaussian": ("normal", 1),
}


def _xavier(
    rnd_type: str = "uniform", factor_type: str = "avg", magnitude: float = 3
) -> Initializer:
    kind, share = _KINDS[rnd_type]
    return Initializer(kind, number(magnitude) / share, _FANS[factor_type])


_INITIALIZERS: Final[Initializers] = {
    **dict.fromkeys(("zero", "zeros"), fixed(ZEROS)),
    **dict.fromkeys(("one", "ones"), fixed(ONES)),
    "constant": lambda value: Initializer("constant", number(value)),
    "uniform": lambda scale=0.07: Initializer("uniform", number(scale) ** 2 / 3),
    "normal": lambda sigma=0.01: Initializer("normal", number(sigma) ** 2),
    "xavier": _xavier,
    "msraprelu": lambda factor_type="avg", slope=0.25: Initializer(
        "normal", 2 / (1 + number(slope) ** 2), _FANS[factor_type]
    ),
}


def read_initializer(value: Value) -> Initializer | None:
    """Read an initialiser, in quotes or as a call; ``None`` for one that has no counterpart."""
    return initializers.read_initializer(value, _INITIALIZERS)
