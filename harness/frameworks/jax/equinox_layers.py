"""The meaning of Equinox's layers: ``eqx.nn.ConvTranspose{1,2,3}d`` and ``eqx.nn.ConvTranspose``.

https://docs.kidger.site/equinox/api/nn/conv/
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shape_of, shown
from harness.core.named_number import at_least_0
from harness.core.operators import Operator, Sizes
from harness.frameworks.jax.crops import Pairs

_WORDS: Final = ("SAME", "SAME_LOWER", "VALID")
_PADDING: Final = Parameter(
    "padding",
    "crop: a number, one for each axis, pairs, 'VALID' for 0, or 'SAME': an output of input * "
    "stride - output_padding, an odd element of the crop at the end; 'SAME_LOWER': at the "
    "beginning",
    0,
    pitfall="A crop, unlike the paddings of JAX and of Flax.",
)
_OUTPUT_PADDING: Final = Parameter(
    "output_padding",
    "given back at the end of each axis: crop (padding, padding - output_padding)",
    0,
    pitfall="Less than stride. With 'SAME' it makes the output smaller, not larger. It stands "
    "before padding in ConvTranspose1d, 2d and 3d, and after it in ConvTranspose.",
)
_BEFORE: Final = (
    Parameter("in_channels", "input channels", role="in_channels"),
    Parameter("out_channels", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel", role="kernel"),
    Parameter("stride", "stride", 1),
)
_AFTER: Final = (
    Parameter("dilation", "dilation", 1),
    Parameter("groups", "groups", 1),
    Parameter("use_bias", "whether there is a bias", True, assumable=True),
    Parameter("padding_mode", "'ZEROS', which has no effect here; others are refused", "ZEROS"),
    Parameter("dtype", "the type of the weights", None, ignored=True),
    Parameter("key", "from where the weights are drawn", keyword=True, ignored=True),
)


def _read(given: Arguments) -> Reading:
    if "key" not in given.given and not {"eqx", "equinox"} & {*given.site.function.split(".")}:
        given.value("key")
    rank = given.form.rank or given.integer("num_spatial_dims")
    if not 1 <= rank <= 3:
        raise given.error(f"num_spatial_dims {rank}: 1, 2 and 3 are read.", "num_spatial_dims")
    mode = given.known("padding_mode", "ZEROS")
    if not isinstance(mode, str) or mode.upper() != "ZEROS":
        raise given.error(
            f"padding_mode {shown(mode)}: only 'ZEROS' is a crop, which other frameworks have.",
            "padding_mode",
        )
    groups = given.integer("groups")
    given = _with_input(given, rank)
    complete = given.channels_and_kernel(
        given.open_integer("in_channels"),
        given.open_integer("out_channels"),
        None if given.is_open("kernel_size") else _per_axis(given, "kernel_size", rank),
        groups,
    )
    reading = given.reading(
        complete,
        stride=_per_axis(given, "stride", rank),
        dilation=_per_axis(given, "dilation", rank),
        crop=None,
        groups=groups,
        bias=given.flag("use_bias"),
    )
    extra = _per_axis(given, "output_padding", rank, least=0)
    if any(more >= stride for more, stride in zip(extra, reading.operator.stride, strict=True)):
        raise given.error(
            f"output_padding {list(extra)} must be less than stride "
            f"{list(reading.operator.stride)}: Equinox refuses it.",
            "output_padding",
        )
    crop = _crop(_padding(given, rank), extra, reading.operator)
    return replace(given.cropped(reading, crop), weights="OIhw" if groups == 1 else "(GO)Ihw")


def _with_input(given: Arguments, rank: int) -> Arguments:
    """Add the input's shape, which has no batch, where the text shows it."""
    shape = shape_of(given.input_in_text)
    if given.supplied.input is not None or shape is None or len(shape) != rank + 1:
        return given
    supplied = replace(given.supplied, input=(1, *shape), is_in_text=True)
    return replace(given, supplied=supplied).with_sizes_of_shapes()


def _per_axis(given: Arguments, name: str, rank: int, *, least: int = 1) -> Sizes:
    takes = f"Equinox takes one number that is in no list, or {rank}"
    return given.per_axis(name, rank, least=least, takes=takes)


def _padding(given: Arguments, rank: int) -> str | Pairs:
    value = given.known("padding", "SAME", _WORDS)
    if isinstance(value, str):
        return given.choice("padding", *_WORDS, *map(str.lower, _WORDS)).upper()
    if not isinstance(value, tuple) or not any(isinstance(each, tuple) for each in value):
        return tuple((side, side) for side in _per_axis(given, "padding", rank, least=-(10**9)))
    column = given.given["padding"].column
    sides = [integers("padding", each, column) for each in value if isinstance(each, tuple)]
    if len(sides) != rank or len(value) != rank or any(len(pair) != 2 for pair in sides):
        raise given.error(
            f"padding {shown(value)} does not fit {rank} spatial axes: a number, or a number or a "
            "pair for each axis.",
            "padding",
        )
    return tuple((begin, end) for begin, end in sides)


def _crop(padding: str | Pairs, extra: Sizes, operator: Operator) -> Pairs:
    """Return what Equinox crops.

    >>> _crop("SAME", (0, 1), Operator.of(1, 1, (4, 3), stride=(3, 2)))
    ((0, 1), (1, 1))
    """
    if padding == "VALID":
        padding = ((0, 0),) * operator.rank
    if not isinstance(padding, str):
        pairs = zip(padding, extra, strict=True)
        return tuple((begin, end - more) for (begin, end), more in pairs)
    crops = []
    axes = zip(operator.effective_kernel, operator.stride, extra, strict=True)
    for extent, stride, more in axes:
        total = extent - stride + more
        begin = (at_least_0(total) + (padding == "SAME_LOWER")) // 2
        begin = begin if total > 0 else 0
        crops.append((begin, total - begin))
    return tuple(crops)


def _form(rank: int | None) -> Form:
    name = "ConvTranspose" if rank is None else f"ConvTranspose{rank}d"
    dimensions = Parameter("num_spatial_dims", "the number of spatial axes")
    parameters = (
        (dimensions, *_BEFORE, _PADDING, _OUTPUT_PADDING, *_AFTER)
        if rank is None
        else (*_BEFORE, _OUTPUT_PADDING, _PADDING, *_AFTER)
    )
    return Form(
        f"equinox.nn.{name}",
        (f"eqx.nn.{name}",),
        "layer",
        rank,
        parameters,
        f"https://docs.kidger.site/equinox/api/nn/conv/#equinox.nn.{name}",
        _read,
    )


FORMS: Final = tuple(_form(rank) for rank in (2, 1, 3, None))
