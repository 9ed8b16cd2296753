"""The meaning of MLX's calls: ``mx.conv_transpose{1,2,3}d``, ``mlx.nn.ConvTranspose{1,2,3}d``."""

from __future__ import annotations

from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import shown
from harness.core.operators import Sizes

_STRIDE: Final = Parameter("stride", "stride", 1)
_PADDING: Final = Parameter("padding", "crop at both ends of each axis", 0)
_DILATION: Final = Parameter(
    "dilation", "dilation", 1, pitfall="By position it comes before output_padding: not PyTorch's."
)
_OUTPUT_PADDING: Final = Parameter(
    "output_padding",
    "given back at the end of each axis, any number: crop (padding, padding - output_padding)",
    0,
)
_FUNCTION: Final = (
    Parameter("input", "x, channels last: (n, *in_size, c_in)"),
    Parameter("weight", "w, (c_out, *kernel, c_in // groups)"),
    *(_STRIDE, _PADDING, _DILATION, _OUTPUT_PADDING),
    Parameter("groups", "groups", 1),
    Parameter("stream", "where it is computed", None, keyword=True, ignored=True),
)
_LAYER: Final = (
    Parameter("in_channels", "input channels", role="in_channels"),
    Parameter("out_channels", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel", role="kernel"),
    *(_STRIDE, _PADDING, _DILATION, _OUTPUT_PADDING),
    Parameter("bias", "whether there is a bias", True, assumable=True),
)


def _read_function(given: Arguments) -> Reading:
    given = given.with_input_in_text(channels_last=True)
    shape = given.array_shape("weight")
    groups = given.integer("groups")
    weight = None
    if shape is not None:
        rank = given.form.rank or 2
        if len(shape) != rank + 2:
            raise given.error(
                f"weight has the shape {list(shape)} of {len(shape)} axes; {given.form.name} "
                f"takes {rank + 2}: (c_out, *kernel, c_in // groups).",
                "weight",
            )
        if shape[0] % groups:
            raise given.error(
                f"groups {groups} does not divide c_out {shape[0]}, the first size of weight.",
                "groups",
            )
        weight = (shape[-1] * groups, shape[0] // groups, *shape[1:-1])
    complete = given.channels_and_kernel(None, None, None, groups, weight)
    # A sum after the call is read there.
    return _read_geometry(given, complete, groups, bias=False)


def _read_layer(given: Arguments) -> Reading:
    given = given.with_input_in_text(channels_last=True)
    complete = given.channels_and_kernel(
        given.open_integer("in_channels"),
        given.open_integer("out_channels"),
        given.open_per_axis("kernel_size"),
        1,
    )
    return _read_geometry(given, complete, 1, bias=given.flag("bias"))


def _read_geometry(
    given: Arguments, complete: tuple[int, int, Sizes], groups: int, *, bias: bool
) -> Reading:
    rank = len(complete[2])
    reading = given.reading(
        complete,
        stride=_per_axis(given, "stride", rank, 1),
        dilation=_per_axis(given, "dilation", rank, 1),
        crop=None,
        groups=groups,
        bias=bias,
        channels_last=True,
    )
    pads = _per_axis(given, "padding", rank, 0)
    backs = _per_axis(given, "output_padding", rank, 0)
    crop = tuple((pad, pad - back) for pad, back in zip(pads, backs, strict=True))
    # https://github.com/ml-explore/mlx/blob/main/mlx/ops.cpp, conv_transpose_general
    operator = reading.operator
    axes = zip(pads, operator.kernel, operator.dilation, operator.stride, strict=True)
    notes = []
    if any(pad > step * (kernel - 1) and stride > 1 for pad, kernel, step, stride in axes):
        notes.append(
            "MLX 0.32.4 computes another size where padding is above dilation * (kernel - 1): the "
            "answer is what its document says."
        )
    return given.cropped(reading, crop, *notes)


def _per_axis(given: Arguments, name: str, rank: int, least: int) -> Sizes:
    """One number for each axis; the functions of one axis take no brackets."""
    value = given.value(name)
    if rank == 1 and isinstance(value, tuple):
        raise given.error(f"{name} {shown(value)}: MLX takes a number for one axis.", name)
    return given.per_axis(name, rank, least=least, takes=f"MLX takes one number, or {rank}")


_DOCS: Final = "https://ml-explore.github.io/mlx/build/html/python/"


def _forms(rank: int) -> tuple[Form, ...]:
    function, layer = f"conv_transpose{rank}d", f"ConvTranspose{rank}d"
    return (
        Form(
            *(f"mlx.nn.{layer}", (f"mlx.nn.layers.{layer}",), "layer", rank, _LAYER),
            *(f"{_DOCS}nn/_autosummary/mlx.nn.{layer}.html", _read_layer),
        ),
        Form(
            *(f"mlx.core.{function}", (f"mx.{function}",), "function", rank, _FUNCTION),
            *(f"{_DOCS}_autosummary/mlx.core.{function}.html", _read_function),
        ),
    )


FORMS: Final = tuple(form for rank in (2, 1, 3) for form in _forms(rank))
