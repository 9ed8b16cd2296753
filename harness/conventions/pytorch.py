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
from harness.conventions._forms import Arguments, Form, Parameter, Reading, integers, shown
from harness.operator import Operator, Sizes
from harness.program import Program, Section
from harness.syntax.tree import Argument, SnippetError
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
    if documented or _is_native(operator, padding, output_padding):
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
    native = _is_native(operator, padding, output_padding)
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


def _is_native(operator: Operator, padding: Sequence[int], output_padding: Sequence[int]) -> bool:
    # PyTorch says so when it is called: "negative padding is not supported", "output padding must
    # be smaller than either stride or dilation".
    return all(
        p >= 0 and 0 <= q < max(s, d)
        for p, q, s, d in zip(
            padding, output_padding, operator.stride, operator.dilation, strict=True
        )
    )


# Reading.

_GEOMETRY: Final = {
    "stride": Parameter("stride", "stride", 1),
    "padding": Parameter(
        "padding",
        "crop at both ends of each axis",
        0,
        pitfall="It removes output; the name comes from the convolution whose transpose this is.",
    ),
    "output_padding": Parameter(
        "output_padding",
        "given back at the end of each axis: crop (padding, padding - output_padding)",
        0,
        pitfall="Less than max(stride, dilation), else refused when the layer is called.",
    ),
    "groups": Parameter("groups", "groups", 1),
    "dilation": Parameter("dilation", "dilation", 1),
}
_NOTED: Final = (
    Parameter("device", "where the arrays live", None, ignored=True),
    Parameter("dtype", "the type of the weights", None, ignored=True),
)
_FUNCTION: Final = (
    Parameter("input", "x, NCHW"),
    Parameter("weight", "w, IOHW: (c_in, c_out // groups, *kernel)"),
    Parameter("bias", "b; None is no bias", None),
    *_GEOMETRY.values(),
)
_OF_LAYER: Final = (
    Parameter("out_channels", "output channels"),
    Parameter("kernel_size", "kernel"),
    _GEOMETRY["stride"],
    _GEOMETRY["padding"],
    _GEOMETRY["output_padding"],
    _GEOMETRY["groups"],
    Parameter("bias", "whether there is a bias", True),
    _GEOMETRY["dilation"],
    Parameter("padding_mode", "only 'zeros', which has no effect here, is accepted", "zeros"),
    *_NOTED,
)
_LAYER: Final = (Parameter("in_channels", "input channels"), *_OF_LAYER)


def _read_function(given: Arguments) -> Reading:
    weight = given.array_shape("weight")
    shapes = {"input": given.supplied.input, "weight": weight or given.supplied.weight}
    # For groups that are the channels of x.
    given = given.with_shapes({name: shape for name, shape in shapes.items() if shape})
    groups = given.integer("groups")
    return _geometry(
        given, given.channels_and_kernel(None, None, None, groups, weight), bias=given.has("bias")
    )


def _read_layer(given: Arguments) -> Reading:
    mode = given.value("padding_mode")
    if mode != "zeros":
        # "Only "zeros" padding mode is supported for ConvTranspose2d"
        raise given.error(
            f"padding_mode {shown(mode)}: PyTorch takes 'zeros' only.", "padding_mode"
        )
    kernel = given.value("kernel_size") if given.has("kernel_size") else None
    if isinstance(kernel, tuple) and len(kernel) == 1 and given.form.rank != 1:
        # stride=(2,) serves every axis, but the weights get as many axes as the kernel has numbers.
        raise given.error(
            f"kernel_size {shown(kernel)} has one number; PyTorch takes {given.form.rank}, or a "
            "number without brackets.",
            "kernel_size",
        )
    lazy = given.form.parameter("in_channels") is None
    complete = given.channels_and_kernel(
        None if lazy else given.open_integer("in_channels"),
        given.open_integer("out_channels"),
        given.open_per_axis("kernel_size"),
        given.integer("groups"),
    )
    # PyTorch asks only whether it is true: None is no bias.
    bias = given.value("bias") is not None and given.flag("bias")
    return _geometry(given, complete, bias=bias)


def _geometry(given: Arguments, complete: tuple[int, int, Sizes], *, bias: bool) -> Reading:
    rank = len(complete[2])
    stride, dilation = given.per_axis("stride", rank), given.per_axis("dilation", rank)
    padding = given.per_axis("padding", rank, least=0)

    def reading(output_padding: Sizes) -> Reading:
        return given.reading(
            complete,
            stride=stride,
            dilation=dilation,
            crop=[(p, p - q) for p, q in zip(padding, output_padding, strict=True)],
            groups=given.integer("groups"),
            bias=bias,
        )

    output_padding = given.per_axis("output_padding", rank, least=0)
    asked = [argument for argument in given.application if argument.name == "output_size"]
    if asked:
        output_padding = _from_output_size(given, reading((0,) * rank).operator, asked[0])
    if not _is_native(reading(output_padding).operator, padding, output_padding):
        raise given.error(
            f"output_padding {list(output_padding)} must be smaller than max(stride, dilation), "
            f"{[max(pair) for pair in zip(stride, dilation, strict=True)]}: PyTorch refuses it "
            "when it is called.",
            "output_padding",
        )
    return reading(output_padding)


def _from_output_size(given: Arguments, operator: Operator, asked: Argument) -> Sizes:
    """What ``layer(x, output_size=…)`` makes of output_padding; it replaces the layer's own."""
    sizes = integers("output_size", asked.value, asked.column)[-operator.rank :]
    least = operator.out_size(given.in_size("output_size"))
    most = [size + stride - 1 for size, stride in zip(least, operator.stride, strict=True)]
    if len(sizes) != operator.rank or any(
        not low <= size <= high for low, size, high in zip(least, sizes, most, strict=True)
    ):
        raise SnippetError(
            f"output_size {list(sizes)}: this input allows {list(least)} to {most}.", asked.column
        )
    return tuple(size - low for size, low in zip(sizes, least, strict=True))


_DOCS: Final = "https://docs.pytorch.org/docs/stable/generated/"


def _forms(rank: int) -> tuple[Form, ...]:
    function, layer = f"conv_transpose{rank}d", f"ConvTranspose{rank}d"
    lazy = f"Lazy{layer}"
    return (
        Form(
            f"torch.nn.{layer}",
            (f"torch.nn.modules.conv.{layer}", f"torch.nn.modules.{layer}"),
            "layer",
            rank,
            _LAYER,
            _read_layer,
            f"{_DOCS}torch.nn.{layer}.html",
        ),
        Form(
            f"torch.nn.{lazy}",
            (),
            "layer",
            rank,
            _OF_LAYER,
            _read_layer,
            f"{_DOCS}torch.nn.{lazy}.html",
        ),
        Form(
            f"torch.nn.functional.{function}",
            (f"F.{function}", f"torch.{function}", f"nn.F.{function}"),
            "function",
            rank,
            _FUNCTION,
            _read_function,
            f"{_DOCS}torch.nn.functional.{function}.html",
        ),
    )


CONVENTION: Final = Convention(
    name="pytorch",
    title="PyTorch",
    distribution="torch",
    module="torch",
    weights="IOHW",
    render=_render,
    layer=_layer,
    forms=tuple(form for rank in (2, 1, 3) for form in _forms(rank)),
)
