"""What a Wolfram layer says about training: multipliers of the learning rate; first weights.

https://reference.wolfram.com/language/ref/LearningRateMultipliers.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.text import because
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import TRUNCATED_DEVIATION, Initializer, Training
from harness.frameworks.wolfram.arrays import resolved
from harness.frameworks.wolfram.ports import rules
from harness.syntax.tree import Call, Name, Value, last_name

# Reading.


def read_training(given: Arguments, operator: Operator) -> tuple[Training, list[str]]:
    """Read the multipliers, with notes on first weights, and on what is done to the layer later."""
    weights_rate, bias_rate = _rates(given)
    training = Training(weights_rate=weights_rate, bias_rate=bias_rate)
    notes = [
        f"{name}: what it is drawn from is not read here: keep it."
        for name in ("Weights", "Biases")
        if _name(resolved(given.value(name), given.assigned)) in _DRAWING
    ]
    notes += [
        f"{name}'s {option} is not read here: keep what it does."
        for name, option in _NOT_READ
        if any(
            _name(call) == name and any(each.name == option for each in call.arguments)
            for call in given.site.around
        )
    ]
    if any(_name(call) == "NetReplacePart" for call in given.site.around):
        notes.append("NetReplacePart is not read here: keep what it does to this layer.")
    return training if operator.bias else training.without_bias(), notes


_DRAWING: Final = {"ConstantArray", "RandomReal", "RandomVariate"}
_NOT_READ: Final = (
    ("NetInitialize", "Method"),
    *((name, "LearningRateMultipliers") for name in ("NetTrain", "NetChain", "NetGraph")),
)


def _name(value: Value) -> str:
    return last_name(value) if isinstance(value, Call) else ""


def _rates(given: Arguments) -> tuple[float | None, float | None]:
    """``0``, ``{"Weights" -> 2, "Biases" -> 0}``, ``{"Weights" -> 2, _ -> None}``."""
    name = "LearningRateMultipliers"
    if name not in given.given:
        return None, None
    value = given.value(name)
    pairs = rules(value, given.assigned)
    if not pairs:
        rate = _rate(given, value)
        return rate, rate
    rates: dict[str, float | None] = {}
    for key, multiplier in pairs:
        if key not in {"Weights", "Biases", "_"}:
            raise given.error(f'{name} is for "Weights", "Biases" or _, not {key!r}.', name)
        # The first rule that fits is the one that holds.
        rates.setdefault(key, _rate(given, multiplier))
    if next(iter(rates)) == "_":
        return rates["_"], rates["_"]
    others = rates.get("_")
    return rates.get("Weights", others), rates.get("Biases", others)


def _rate(given: Arguments, value: Value) -> float | None:
    """``None`` freezes as 0 does."""
    if isinstance(value, Name) and value.text == "Automatic":
        return None
    if value is None or value is False:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise given.error(
            f"LearningRateMultipliers must be numbers, found {shown(value)}.",
            "LearningRateMultipliers",
        )
    return float(value)


# Writing.


def multipliers(operator: Operator, training: Training) -> str | None:
    """Write LearningRateMultipliers; ``None`` where training says nothing of rates.

    >>> operator = Operator.of(3, 5, (7, 7))
    >>> multipliers(operator, Training(weights_rate=2.0, bias_rate=0.0))
    '{"Weights" -> 2.0, "Biases" -> 0.0}'
    """
    rates = {"Weights": training.weights_rate}
    if operator.bias:
        rates["Biases"] = training.bias_rate
    parts = [f'"{name}" -> {_real(rate)}' for name, rate in rates.items() if rate is not None]
    return "{" + ", ".join(parts) + "}" if parts else None


def drawn_text(operator: Operator, training: Training, padded: Callable[[str], str]) -> str:
    """Write what puts first weights and biases of the asked-for variance into the layer.

    ``padded`` puts an array between the zeros that the layer's kernel has around it.
    """
    weights, biases = training.weights, training.bias
    dims = "{" + ", ".join(map(str, operator.weight_shape)) + "}"
    rules = because(
        f'"Weights" -> {padded(_drawing(weights, operator, dims))}' if weights else None,
        f'"Biases" -> {_drawing(biases, operator, f"{{{operator.out_channels}}}")}'
        if biases
        else None,
    )
    return f"layer = NetReplacePart[layer, {{{', '.join(rules)}}}];" if rules else ""


def _drawing(wanted: Initializer, operator: Operator, dims: str) -> str:
    deviation = wanted.deviation(operator)
    if wanted.distribution == "constant" or wanted.scale == 0:
        return f"ConstantArray[{_real(wanted.scale)}, {dims}]"
    if wanted.distribution == "uniform":
        bound = _real(wanted.bound(operator))
        return f"RandomReal[{{-{bound}, {bound}}}, {dims}]"
    if wanted.distribution == "truncated_normal":
        sigma = deviation / TRUNCATED_DEVIATION
        ends = f"{{-{_real(2 * sigma)}, {_real(2 * sigma)}}}"
        normal = f"NormalDistribution[0, {_real(sigma)}]"
        return f"RandomVariate[TruncatedDistribution[{ends}, {normal}], {dims}]"
    return f"RandomVariate[NormalDistribution[0, {_real(deviation)}], {dims}]"


def _real(number: float) -> str:
    """Write a number; the language's exponents follow ``*^``."""
    return repr(float(number)).replace("e", "*^")
