"""PyTorch: ``torch.nn.functional.conv_transpose{1,2,3}d``, ``torch.nn.ConvTranspose{1,2,3}d``.

https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.spoken import Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.core.training import Training
from harness.frameworks.pytorch.training import training_text

_LIMITS: Final = (
    "padding crops both ends alike and output_padding gives back at the end only, less than "
    "max(stride, dilation)"
)

# PyTorch and NumPy hand each other no bfloat16: "Got unsupported ScalarType BFloat16".
_BITS: Final = """\
def from_bits(bits):
    return torch.from_numpy(bits.view("uint16")).view(torch.bfloat16)
def to_bits(tensor):
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()"""
_DETACHED: Final = ".detach()"
_AS_BITS: Final = (
    "bfloat16 comes and goes as its bits: with the package ml_dtypes, y.view('bfloat16') has the "
    "numbers."
)


def render(operator: Operator, dtype: str, _documented: bool, device: Device) -> Program:
    """Write an operator as a program."""
    split = text.split_crop(operator, native=is_native(operator))
    bias = ", b_" if split.own_bias else ""
    there, back = {"cpu": ("", ""), "cuda": (".cuda()", ".cpu()")}[device]
    return _program(
        split,
        {name: f"{name}_" for name in text.inputs_of(operator)},
        text.lines(
            f"y_ = F.conv_transpose{operator.rank}d(x_, w_{bias}{_options(split)})", _after(split)
        ),
        inputs=text.inputs_of(operator),
        dtype=dtype,
        there=there,
        back=back,
        setup="import torch\nimport torch.nn.functional as F",
    )


def _program(
    split: text.CropSplit,
    leaves: Mapping[str, str],
    call: str,
    *,
    inputs: Sequence[str],
    dtype: str,
    setup: str,
    there: str = "",
    back: str = "",
    training: str = "",
) -> Program:
    """Make the program of a call that is given ``inputs`` and differentiated by ``leaves``.

    ``there`` and ``back`` move a tensor to the device and to the host.
    """
    has_bits = dtype == "bfloat16"
    gradients = ", ".join(f"d{name}_" for name in leaves)
    names = ", ".join(leaves.values())
    return Program(
        setup=text.lines(setup, _BITS if has_bits else None),
        reason=split.reason(_LIMITS),
        forward=Section(
            text.lines(*(f"{name}_ = {_tensor(name, dtype)}{there}" for name in inputs)),
            call,
            f"y = {_array(f'y_{back}', dtype)}",
        ),
        gradient=Section(
            text.lines(
                *(f"{name}_ = {_tensor(name, dtype)}{there}.requires_grad_()" for name in inputs),
                f"dy_ = {_tensor('dy', dtype)}{there}",
            ),
            text.lines(call, f"{gradients} = torch.autograd.grad(y_, ({names}), dy_)"),
            text.lines(
                *(
                    f"d{name} = {_array(f'd{name}_{back.removeprefix(_DETACHED)}', dtype)}"
                    for name in leaves
                )
            ),
        ),
        notes=(_AS_BITS,) if has_bits else (),
        training=training,
    )


def _tensor(name: str, dtype: str) -> str:
    """Write an array as a tensor."""
    return f"{'from_bits' if dtype == 'bfloat16' else 'torch.from_numpy'}({name})"


def _array(tensor: str, dtype: str) -> str:
    """Write a tensor on the host as an array."""
    return f"to_bits({tensor})" if dtype == "bfloat16" else f"{tensor}.numpy()"


def _after(split: text.CropSplit) -> str:
    pads = [side for pair in reversed(text.extended(split.rest)) for side in pair]
    shape = text.tuple_of((-1, *(1,) * len(split.rest)))
    return split.after(f"y_ = F.pad(y_, {text.tuple_of(pads)})", f"y_ = y_ + b_.reshape({shape})")


def _options(split: text.CropSplit) -> str:
    """Write the arguments that the function and the layer have in common."""
    operator = split.operator
    return text.arguments(
        stride=text.per_axis(operator.stride, default=1),
        padding=text.per_axis(split.pad, default=0),
        output_padding=text.per_axis(split.back, default=0),
        groups=str(operator.groups) if operator.groups != 1 else None,
        dilation=text.per_axis(operator.dilation, default=1),
    )


def layer(operator: Operator, dtype: str, training: Training) -> Program:
    """Write an operator as a layer of a network."""
    split = text.split_crop(operator, native=is_native(operator))
    options = _options(split) + text.arguments(bias=None if split.own_bias else "False")
    channels = f"{operator.in_channels}, {operator.out_channels}, {text.per_axis(operator.kernel)}"
    bias = "b_" if split.late_bias else "layer.bias"
    return _program(
        split,
        {"x": "x_", "w": "layer.weight"} | ({"b": bias} if operator.bias else {}),
        text.lines(
            f"layer = nn.ConvTranspose{operator.rank}d({channels}{options})",
            f"layer.weight = nn.Parameter({_tensor('w', dtype)})",
            f"{bias} = nn.Parameter({_tensor('b', dtype)})" if operator.bias else None,
            "y_ = layer(x_)",
            _after(split),
        ),
        inputs=("x",),
        dtype=dtype,
        back=_DETACHED,
        setup=text.lines(
            "import torch",
            "from torch import nn",
            "import torch.nn.functional as F" if text.extends(split.rest) else None,
        ),
        training=training_text(operator, training, bias if operator.bias else None),
    )


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``torch.nn.functional.conv_transpose{1,2,3}d`` after the arrays.

    They go by position: any names will do, and the order is the one that PyTorch documents.
    """
    split = text.split_crop(operator, native=is_native(operator))
    return Spoken(
        split,
        {
            "stride": text.tuple_of(operator.stride),
            "padding": text.tuple_of(split.pad),
            "output_padding": text.tuple_of(split.back),
            "groups": str(operator.groups),
            "dilation": text.tuple_of(operator.dilation),
        },
        by_position=True,
        reason=split.reason(_LIMITS),
    )


def is_native(operator: Operator) -> bool:
    """Whether PyTorch takes this crop as padding and output_padding."""
    # PyTorch's errors when it is called: "negative padding is not supported", "output padding must
    # be smaller than either stride or dilation".
    return all(
        begin >= 0 and 0 <= begin - end < max(stride, dilation)
        for (begin, end), stride, dilation in zip(
            operator.crop, operator.stride, operator.dilation, strict=True
        )
    )
