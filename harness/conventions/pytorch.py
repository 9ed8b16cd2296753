"""PyTorch: ``torch.nn.functional.conv_transpose{1,2,3}d``, ``torch.nn.ConvTranspose{1,2,3}d``.

https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.conventions._convention import (
    Convention,
    Crops,
    arguments,
    because,
    extended,
    extends,
    kept,
    lines,
    per_axis,
    removes,
    symmetric_part,
    tuple_of,
)
from harness.operator import Operator
from harness.program import Program, Section
from harness.training import TRUNCATED_DEVIATION, Initializer, Training


def _render(operator: Operator, _dtype: str, documented: bool) -> Program:
    call, reason = _call(operator, documented)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    names = ", ".join(f"{name}_" for name in inputs)
    gradients = ", ".join(f"d{name}_" for name in inputs)
    return Program(
        framework="pytorch",
        language="python",
        support="rewritten" if reason else "native",
        reason=reason,
        setup="import torch\nimport torch.nn.functional as F",
        forward=Section(
            lines(*(f"{name}_ = torch.from_numpy({name})" for name in inputs)),
            call,
            "y = y_.numpy()",
        ),
        gradient=Section(
            lines(
                *(f"{name}_ = torch.from_numpy({name}).requires_grad_()" for name in inputs),
                "dy_ = torch.from_numpy(dy)",
            ),
            lines(call, f"{gradients} = torch.autograd.grad(y_, ({names}), dy_)"),
            lines(*(f"d{name} = d{name}_.numpy()" for name in inputs)),
        ),
    )


def _call(operator: Operator, documented: bool) -> tuple[str, str | None]:
    padding = [begin for begin, _ in operator.crop]
    output_padding = [begin - end for begin, end in operator.crop]
    if documented or is_native(operator, padding, output_padding):
        return _conv_transpose(operator, padding, output_padding, bias=operator.bias), None
    common, rest = symmetric_part(operator)
    none = (0,) * operator.rank
    late_bias = operator.bias and extends(rest)
    return lines(
        _conv_transpose(operator, common, none, bias=operator.bias and not late_bias),
        _cropped(operator, rest, "b_" if late_bias else None),
    ), _needs_crop(operator)


def _cropped(operator: Operator, rest: Crops, late_bias: str | None) -> str:
    """Write what is left of the crop: a pad, a slice and the bias of what was padded."""
    pads = [side for pair in reversed(extended(rest)) for side in pair]
    shape = tuple_of((-1, *(1,) * operator.rank))
    return lines(
        f"y_ = F.pad(y_, {tuple_of(pads)})" if extends(rest) else None,
        f"y_ = y_{kept(rest, 2)}" if removes(rest) else None,
        f"y_ = y_ + {late_bias}.reshape({shape})" if late_bias else None,
    )


def _needs_crop(operator: Operator) -> str:
    return (
        "padding crops both ends alike and output_padding gives back at the end only, less than "
        f"max(stride, dilation): crop {operator.crop} needs a slice or a pad."
    )


def _conv_transpose(
    operator: Operator, padding: Sequence[int], output_padding: Sequence[int], *, bias: bool
) -> str:
    options = _options(operator, padding, output_padding)
    return f"y_ = F.conv_transpose{operator.rank}d(x_, w_{', b_' if bias else ''}{options})"


def _options(operator: Operator, padding: Sequence[int], output_padding: Sequence[int]) -> str:
    """Write what the function and the layer name alike."""
    return arguments(
        stride=per_axis(operator.stride, default=1),
        padding=per_axis(padding, default=0),
        output_padding=per_axis(output_padding, default=0),
        groups=str(operator.groups) if operator.groups != 1 else None,
        dilation=per_axis(operator.dilation, default=1),
    )


def _layer(operator: Operator, _dtype: str, training: Training) -> Program:
    padding: Sequence[int] = [begin for begin, _ in operator.crop]
    output_padding: Sequence[int] = [begin - end for begin, end in operator.crop]
    native = is_native(operator, padding, output_padding)
    rest: Crops = ((0, 0),) * operator.rank
    if not native:
        padding, rest = symmetric_part(operator)
        output_padding = (0,) * operator.rank
    late_bias = operator.bias and extends(rest)
    has_bias = operator.bias and not late_bias
    options = _options(operator, padding, output_padding) + arguments(
        bias=None if has_bias else "False"
    )
    channels = f"{operator.in_channels}, {operator.out_channels}, {per_axis(operator.kernel)}"
    call = lines(
        f"layer = nn.ConvTranspose{operator.rank}d({channels}{options})",
        "layer.weight = nn.Parameter(torch.from_numpy(w))",
        "layer.bias = nn.Parameter(torch.from_numpy(b))" if has_bias else None,
        "b_ = nn.Parameter(torch.from_numpy(b))" if late_bias else None,
        "y_ = layer(x_)",
        _cropped(operator, rest, "b_" if late_bias else None),
    )
    bias = "b_" if late_bias else "layer.bias"
    leaves = {"x": "x_", "w": "layer.weight"} | ({"b": bias} if operator.bias else {})
    names = ", ".join(leaves.values())
    gradients = ", ".join(f"d{name}_" for name in leaves)
    return Program(
        framework="pytorch",
        language="python",
        support="native" if native else "rewritten",
        reason=None if native else _needs_crop(operator),
        setup=lines(
            "import torch",
            "from torch import nn",
            "import torch.nn.functional as F" if extends(rest) else None,
        ),
        forward=Section("x_ = torch.from_numpy(x)", call, "y = y_.detach().numpy()"),
        gradient=Section(
            "x_ = torch.from_numpy(x).requires_grad_()\ndy_ = torch.from_numpy(dy)",
            lines(call, f"{gradients} = torch.autograd.grad(y_, ({names}), dy_)"),
            lines(*(f"d{name} = d{name}_.numpy()" for name in leaves)),
        ),
        training=_training(operator, training, bias=bias),
    )


def _training(operator: Operator, training: Training, *, bias: str) -> str:
    """Write initialisers, and parameter groups for factors of learning rate and weight decay."""
    weights, biases = training.weights, training.bias if operator.bias else None
    groups = [
        _parameter_group("layer.weight", training.weights_rate, training.weights_decay),
        _parameter_group(bias, training.bias_rate, training.bias_decay) if operator.bias else None,
    ]
    options = [factor for factor in vars(training).values() if isinstance(factor, float)]
    return lines(
        _initialised("layer.weight", weights, operator) if weights else None,
        _initialised(bias, biases, operator) if biases else None,
        "optimizer = torch.optim.SGD([" if options else None,
        *(f"    {group}," for group in groups if group and options),
        "], lr=lr, weight_decay=l2)" if options else None,
    )


def _parameter_group(parameter: str, rate: float | None, decay: float | None) -> str:
    return (
        "{"
        + ", ".join(
            because(
                f'"params": [{parameter}]',
                f'"lr": {rate!r} * lr' if rate is not None else None,
                f'"weight_decay": {decay!r} * l2' if decay is not None else None,
            )
        )
        + "}"
    )


def _initialised(parameter: str, wanted: Initializer, operator: Operator) -> str:
    """Write what draws from the wanted distribution; for PyTorch ``fan_out`` is our ``in``.

    Its fans are those of the convolution whose transpose this is:
    https://github.com/pytorch/pytorch/blob/main/torch/nn/init.py (_calculate_fan_in_and_fan_out)
    """
    deviation = wanted.deviation(operator)
    match wanted:
        case Initializer("constant", 0.0 | 1.0):
            return f"nn.init.{'ones' if wanted.scale else 'zeros'}_({parameter})"
        case Initializer("constant"):
            return f"nn.init.constant_({parameter}, {wanted.scale!r})"
        case Initializer("uniform" | "normal" as shape, 1.0, "average"):
            return f"nn.init.xavier_{shape}_({parameter})"
        case Initializer("uniform" | "normal" as shape, 1.0 | 2.0, "in" | "out" as fan):
            mode = {"in": "fan_out", "out": "fan_in"}[fan]
            gain = "relu" if wanted.scale == 2 else "linear"
            return f"nn.init.kaiming_{shape}_({parameter}, mode='{mode}', nonlinearity='{gain}')"
        case Initializer("uniform"):
            bound = wanted.bound(operator)
            return f"nn.init.uniform_({parameter}, {-bound!r}, {bound!r})"
        case Initializer("truncated_normal"):
            sigma = deviation / TRUNCATED_DEVIATION
            cut = f"a={-2 * sigma!r}, b={2 * sigma!r}"
            return f"nn.init.trunc_normal_({parameter}, std={sigma!r}, {cut})"
    return f"nn.init.normal_({parameter}, std={deviation!r})"


def is_native(operator: Operator, padding: Sequence[int], output_padding: Sequence[int]) -> bool:
    """Whether PyTorch takes this padding and output_padding."""
    # PyTorch says so when it is called: "negative padding is not supported", "output padding must
    # be smaller than either stride or dilation".
    return all(
        p >= 0 and 0 <= q < max(s, d)
        for p, q, s, d in zip(
            padding, output_padding, operator.stride, operator.dilation, strict=True
        )
    )


CONVENTION: Final = Convention(
    name="pytorch",
    title="PyTorch",
    distribution="torch",
    module="torch",
    weights="IOHW",
    render=_render,
    layer=_layer,
    calls=r"(Lazy)?ConvTranspose[123]d|conv_transpose[123]d",
)
