"""How PyTorch draws weights, and how its optimizers take factors: written."""

from __future__ import annotations

from harness.convention.text import because, lines, scaled
from harness.core.operators import Operator
from harness.core.training import TRUNCATED_DEVIATION, Initializer, Training


def training_text(operator: Operator, training: Training, bias: str | None) -> str:
    """Write initialisers, and parameter groups for factors of learning rate and weight decay.

    ``bias`` is the parameter's name in the program, where there is one.
    """
    weights = training.weights
    return lines(
        _by_fan("layer.weight", weights) or _initialised("layer.weight", weights, operator),
        _initialised(bias, training.bias, operator) if bias else None,
        _optimizer(training, bias) if training.has_rate or training.has_decay else None,
    )


def _optimizer(training: Training, bias: str | None) -> str:
    groups = [_group("layer.weight", training.weights_rate, training.weights_decay)]
    if bias:
        groups.append(_group(bias, training.bias_rate, training.bias_decay))
    return lines(
        "optimizer = torch.optim.SGD([",
        *(f"    {group}," for group in groups),
        f"], lr=lr{', weight_decay=l2' if training.has_decay else ''})",
    )


def _group(parameter: str, rate: float | None, decay: float | None) -> str:
    items = because(
        f'"params": [{parameter}]',
        None if rate is None else f'"lr": {scaled(rate, "lr")}',
        None if decay is None else f'"weight_decay": {scaled(decay, "l2")}',
    )
    return f"{{{', '.join(items)}}}"


def _by_fan(parameter: str, wanted: Initializer | None) -> str | None:
    """Write an initialiser that counts the fan itself; for PyTorch ``fan_out`` is our ``in``.

    Its fans are those of the convolution whose transpose this is:
    https://github.com/pytorch/pytorch/blob/main/torch/nn/init.py (_calculate_fan_in_and_fan_out)
    """
    match wanted:
        case Initializer("uniform" | "normal" as shape, 1.0, "average"):
            return f"nn.init.xavier_{shape}_({parameter})"
        case Initializer("uniform" | "normal" as shape, 1.0 | 2.0 as scale, "in" | "out" as fan):
            mode = {"in": "fan_out", "out": "fan_in"}[fan]
            gain = "relu" if scale == 2 else "linear"
            return f"nn.init.kaiming_{shape}_({parameter}, mode='{mode}', nonlinearity='{gain}')"
    return None


def _initialised(parameter: str, wanted: Initializer | None, operator: Operator) -> str | None:
    """Write what draws from the wanted distribution, with its numbers."""
    match wanted:
        case None:
            return None
        case Initializer(scale=0.0):
            return f"nn.init.zeros_({parameter})"
        case Initializer("constant", 1.0):
            return f"nn.init.ones_({parameter})"
        case Initializer("constant", value):
            return f"nn.init.constant_({parameter}, {value!r})"
        case Initializer("uniform"):
            bound = wanted.bound(operator)
            return f"nn.init.uniform_({parameter}, {-bound!r}, {bound!r})"
        case Initializer("truncated_normal"):
            sigma = wanted.deviation(operator) / TRUNCATED_DEVIATION
            cut = f"a={-2 * sigma!r}, b={2 * sigma!r}"
            return f"nn.init.trunc_normal_({parameter}, std={sigma!r}, {cut})"
    return f"nn.init.normal_({parameter}, std={wanted.deviation(operator)!r})"
