"""The meaning of PyTorch's calls: ``F.conv_transpose{1,2,3}d``, ``nn.ConvTranspose{1,2,3}d``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.assumptions import bias_notes, recomputed
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shown
from harness.core.operators import Operator, Sizes
from harness.frameworks.pytorch.render import is_native
from harness.frameworks.pytorch.statements import notes_on_training
from harness.syntax.tree import Argument, SnippetError, Value, names_in

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
    Parameter("out_channels", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel", role="kernel"),
    _GEOMETRY["stride"],
    _GEOMETRY["padding"],
    _GEOMETRY["output_padding"],
    _GEOMETRY["groups"],
    Parameter("bias", "whether there is a bias", True, assumable=True),
    _GEOMETRY["dilation"],
    Parameter(
        "padding_mode",
        "only 'zeros', which has no effect here, is accepted",
        "zeros",
        assumable=True,
    ),
    *_NOTED,
)
_LAYER: Final = (Parameter("in_channels", "input channels", role="in_channels"), *_OF_LAYER)


def _read_function(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    weight = given.array_shape("weight")
    shapes = {"input": given.supplied.input, "weight": weight or given.supplied.weight}
    # Groups may be written as the channels of x.
    given = given.with_shapes({name: shape for name, shape in shapes.items() if shape})
    groups = given.integer("groups")
    in_part = () if weight else given.array_shape_in_part("weight")
    complete = given.channels_and_kernel(None, None, None, groups, weight, in_part)
    reading = _geometry(given, complete, bias=given.has("bias"))
    return replace(reading, notes=(*bias_notes(given, "bias"), *reading.notes))


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
    given = given.with_input_in_text()
    lazy = given.form.parameter("in_channels") is None
    given = _with_chain(given, lazy=lazy)
    complete = given.channels_and_kernel(
        None if lazy else given.open_integer("in_channels"),
        given.open_integer("out_channels"),
        given.open_per_axis("kernel_size"),
        given.integer("groups"),
    )
    # PyTorch asks only whether it is true: None is no bias, and a word in a wrong place is one.
    bias, notes = given.value("bias"), notes_on_training(given)
    if given.site.last_name.startswith("WN"):
        notes.append(recomputed("weight_norm"))
    if isinstance(bias, str):
        notes.append(
            f"bias: {bias!r} counts as {bool(bias)}: PyTorch asks only whether it is true."
        )
        has_bias = bool(bias)
    else:
        has_bias = bias is not None and given.flag("bias")
    reading = _geometry(given, complete, bias=has_bias)
    return replace(reading, notes=(*notes, *reading.notes))


def _with_chain(given: Arguments, *, lazy: bool) -> Arguments:
    """Add the input that follows from the layers before this one."""
    channels = None if lazy else given.open_integer("in_channels")
    if given.site.stands_alone or given.supplied.input or (channels is None and not lazy):
        return given
    # Other look-ups start faster without it.
    from harness.convention.python_flows import with_input_of_chain  # noqa: PLC0415
    from harness.frameworks.pytorch.plain_layers import PLAIN  # noqa: PLC0415

    return with_input_of_chain(given, PLAIN, FORMS, channels)


def _geometry(given: Arguments, complete: tuple[int, int, Sizes], *, bias: bool) -> Reading:
    rank = len(complete[2])
    stride, dilation = given.per_axis("stride", rank), given.per_axis("dilation", rank)
    padding = given.per_axis("padding", rank, least=0)

    groups = given.integer("groups")
    reading = given.reading(complete, stride=stride, dilation=dilation, groups=groups, bias=bias)
    output_padding = given.per_axis("output_padding", rank, least=0)
    # The second argument of a layer's forward call, by position too.
    by_name = [each for each in given.application if each.name == "output_size"]
    positional = [each for each in given.application if each.name is None][1:]
    asked = [each for each in (*by_name, *positional) if each.value is not None]
    notes: tuple[str, ...] = ()
    if asked and given.form.style == "layer":
        natural = replace(reading.operator, crop=tuple((p, p) for p in padding))
        size = given.computed_with_shapes(asked[0].value)
        if any(names_in(size)):
            notes = (_open_output_size(size),)
        else:
            output_padding = _from_output_size(given, natural, replace(asked[0], value=size))
    crop = tuple((p, p - q) for p, q in zip(padding, output_padding, strict=True))
    if not is_native(replace(reading.operator, crop=crop)):
        raise given.error(
            f"output_padding {list(output_padding)} must be smaller than max(stride, dilation), "
            f"{[max(pair) for pair in zip(stride, dilation, strict=True)]}: PyTorch refuses it "
            "when it is called.",
            "output_padding",
        )
    return given.cropped(reading, crop, *notes)


def _open_output_size(size: Value) -> str:
    return (
        f"output_size is {shown(size)}, which chooses the output's size at every call, and is not "
        "in the answer: where it asks for more than the layer gives by itself, give that much more "
        "as output_padding."
    )


def _from_output_size(given: Arguments, operator: Operator, asked: Argument) -> Sizes:
    """Return the output_padding for ``layer(x, output_size=…)``, in place of the layer's own."""
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
    name, lazy, of = f"torch.nn.{layer}", f"torch.nn.Lazy{layer}", f"torch.nn.functional.{function}"
    # Audio codecs import weight_norm(nn.ConvTranspose1d(...)) from a file of their own as WN...
    # https://github.com/descriptinc/descript-audio-codec/blob/main/dac/nn/layers.py
    modules = (f"torch.nn.modules.conv.{layer}", f"torch.nn.modules.{layer}", f"WN{layer}")
    short = (f"F.{function}", f"torch.{function}", f"nn.F.{function}")
    return (
        Form(name, modules, "layer", rank, _LAYER, f"{_DOCS}{name}.html", _read_layer),
        Form(lazy, (), "layer", rank, _OF_LAYER, f"{_DOCS}{lazy}.html", _read_layer),
        Form(of, short, "function", rank, _FUNCTION, f"{_DOCS}{of}.html", _read_function),
    )


FORMS: Final = tuple(form for rank in (2, 1, 3) for form in _forms(rank))
