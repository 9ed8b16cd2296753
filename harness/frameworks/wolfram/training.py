"""What a Wolfram layer says about training: multipliers of the learning rate, and first weights.

https://reference.wolfram.com/language/ref/LearningRateMultipliers.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.text import because
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import LARGEST_DEVIATION, TRUNCATED_DEVIATION, Initializer, Training
from harness.frameworks.wolfram.arrays import resolved
from harness.frameworks.wolfram.ports import rules
from harness.syntax.tree import Argument, Call, Name, Value, calls

# Reading.


def read_training(given: Arguments, operator: Operator) -> tuple[Training, list[str]]:
    """Read the multipliers, and what the text draws weights and biases from."""
    replaced, notes = _replaced(given)
    weights_rate, bias_rate = _rates(given)
    training = Training(
        weights=_drawn(replaced.get("Weights", given.value("Weights")), given.assigned),
        bias=_drawn(replaced.get("Biases", given.value("Biases")), given.assigned),
        weights_rate=weights_rate,
        bias_rate=bias_rate,
    )
    options = [(call, argument) for call in given.site.around for argument in call.arguments]
    notes += [
        f"{name}'s {option} is not read here: keep what it does."
        for name, option in _NOT_READ
        if any(_name(call) == name and argument.name == option for call, argument in options)
    ]
    return training if operator.bias else training.without_bias(), notes


_NOT_READ: Final = (
    ("NetInitialize", "Method"),
    *((name, "LearningRateMultipliers") for name in ("NetTrain", "NetChain", "NetGraph")),
)


def _name(value: Value) -> str:
    function = value.function if isinstance(value, Call) else None
    return function.text if isinstance(function, Name) else ""


def _replaced(given: Arguments) -> tuple[dict[str, Value], list[str]]:
    """Read ``layer = NetReplacePart[layer, {"Weights" -> ...}]``, which gives another layer."""
    layer: str | None = None
    found: dict[str, Value] = {}
    notes = []
    for statement in given.site.statements:
        if statement is given.site.statement:
            layer = given.site.name
        for call in calls(statement.value):
            if _name(call) != "NetReplacePart" or not call.arguments:
                continue
            first, *rest = call.arguments
            is_layer = isinstance(first.value, Name) and first.value.text == layer is not None
            replaced = [pair for each in rest for pair in _pairs(each, given)]
            if is_layer and replaced and all(key in {"Weights", "Biases"} for key, _ in replaced):
                found |= replaced
            else:
                notes.append("NetReplacePart is not read here: keep what it does to this layer.")
    return found, notes


def _pairs(argument: Argument, given: Arguments) -> Sequence[tuple[str, Value]]:
    """``"Weights" -> w``, or a list of such."""
    if argument.name is not None:
        return [(argument.name, argument.value)]
    return rules(argument.value, given.assigned) or [("", argument.value)]


def _rates(given: Arguments) -> tuple[float | None, float | None]:
    """``0``, ``{"Weights" -> 2, "Biases" -> 0}``, ``{"Weights" -> 2, _ -> None}``."""
    name = "LearningRateMultipliers"
    if name not in given.given:
        return None, None
    value = given.value(name)
    if isinstance(value, Name) and value.text == "Automatic":
        return None, None
    pairs = rules(value, given.assigned)
    if not pairs:
        rate = _rate(given, value)
        return rate, rate
    found: dict[str, float | None] = {}
    for key, multiplier in pairs:
        if key not in {"Weights", "Biases", "_"}:
            raise given.error(f'{name} is for "Weights", "Biases" or _, not {key!r}.', name)
        # The first rule that fits is the one that holds.
        found.setdefault(key, _rate(given, multiplier))
    if next(iter(found)) == "_":
        return found["_"], found["_"]
    others = found.get("_")
    return found.get("Weights", others), found.get("Biases", others)


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


def _drawn(value: Value, assigned: Mapping[str, Value]) -> Initializer | None:
    """What ``RandomVariate[NormalDistribution[0, 0.02], {…}]`` and its like draw from."""
    value = resolved(value, assigned)
    if not isinstance(value, Call) or not isinstance(value.function, Name) or not value.arguments:
        return None
    first = value.arguments[0].value
    match value.function.text:
        case "ConstantArray":
            constant = _number(first)
            return None if constant is None else Initializer("constant", constant)
        case "RandomReal":
            return _uniform(first)
        case "RandomVariate" if isinstance(first, Call) and isinstance(first.function, Name):
            return _from_distribution(first.function.text, [each.value for each in first.arguments])
    return None


def _from_distribution(name: str, arguments: list[Value]) -> Initializer | None:
    if name == "NormalDistribution" and len(arguments) == 2 and _number(arguments[0]) == 0:
        deviation = _number(arguments[1])
        return None if deviation is None else Initializer("normal", deviation**2)
    if name == "UniformDistribution" and arguments:
        return _uniform(arguments[0])
    if name == "TruncatedDistribution" and len(arguments) == 2:
        return _truncated(arguments[0], arguments[1])
    return None


def _truncated(ends: Value, inner: Value) -> Initializer | None:
    """Read a normal distribution cut off at two of its deviations."""
    called = inner.function if isinstance(inner, Call) else None
    if not isinstance(inner, Call) or not isinstance(called, Name):
        return None
    normal = _from_distribution(called.text, [each.value for each in inner.arguments])
    if normal is None or normal.distribution != "normal" or not isinstance(ends, tuple):
        return None
    end = _number(ends[-1])
    deviation = math.sqrt(normal.scale)
    if end is None or _number(ends[0]) != -end or not math.isclose(end, 2 * deviation):
        return None
    return Initializer("truncated_normal", (deviation * TRUNCATED_DEVIATION) ** 2)


def _uniform(ends: Value) -> Initializer | None:
    if not isinstance(ends, tuple) or len(ends) != 2:
        return None
    low, high = _number(ends[0]), _number(ends[1])
    return None if high is None or low != -high else Initializer("uniform", high**2 / 3)


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST_DEVIATION else None


# Writing.


def multipliers(operator: Operator, training: Training) -> str | None:
    """Write LearningRateMultipliers; ``None`` where training says nothing of rates.

    Examples
    --------
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


_NO_DECAY: Final = (
    "DeconvolutionLayer has no factors of L2 regularisation: NetTrain's Method takes "
    '"L2Regularization", for the whole net.'
)


def training_notes(training: Training) -> tuple[str, ...]:
    """Say what the language has no word for."""
    return (_NO_DECAY,) if training.has_decay else ()


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
