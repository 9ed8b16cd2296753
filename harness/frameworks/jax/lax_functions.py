"""The meaning of ``jax.lax``'s calls: ``conv_transpose``, and convolutions of a dilated input.

https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import REQUIRED, Parameter
from harness.convention.values import shown
from harness.core.errors import Ask, asked, named
from harness.core.operators import Sizes
from harness.frameworks.jax.axes import Axes, axes_of
from harness.frameworks.jax.crops import WORDS, crop_of_pads, cropped, padding_of, with_weights
from harness.syntax.tree import Call, Name, Value

_LAST: Final = (
    Parameter("precision", "how exactly the device multiplies", None, ignored=True),
    Parameter("preferred_element_type", "the type of the output", None, ignored=True),
)
_TRANSPOSED: Final = (
    Parameter("lhs", "x; NHWC by default"),
    Parameter(
        "rhs",
        "w; by default HWIO, its spatial axes the other way round than ours",
        pitfall="Not flipped: flip what comes from another framework.",
    ),
    Parameter("strides", "stride, a number for each axis"),
    Parameter(
        "padding",
        f"{WORDS}; pairs are laid around the dilated input: crop dilation * (kernel - 1) - pad",
        pitfall="Numbers are no crop, unless use_consistent_padding is True.",
    ),
    Parameter("rhs_dilation", "dilation, a number for each axis", None),
    Parameter(
        "dimension_numbers",
        "the axes of input, weights and output, such as ('NCHW', 'OIHW', 'NCHW')",
        None,
    ),
    Parameter(
        "transpose_kernel",
        "True flips the kernel and swaps I and O: by default w is HWOI then, and not flipped",
        False,
    ),
    *_LAST,
    Parameter("use_consistent_padding", "True takes pairs for the crop itself", False),
)
_DILATED: Final = (
    Parameter("lhs", "x; NCHW by default"),
    Parameter(
        "rhs",
        "w; by default OIHW, its spatial axes the other way round than ours; with groups I is of "
        "one group and O of all",
    ),
    Parameter("window_strides", "steps of the convolution; only 1 is a transposed convolution"),
    Parameter(
        "padding",
        "pairs around the dilated input: crop dilation * (kernel - 1) - pad",
        pitfall="Words are refused with lhs_dilation.",
    ),
    Parameter(
        "lhs_dilation",
        "stride, a number for each axis",
        None,
        pitfall="Without it this is a convolution, and is not read.",
    ),
    Parameter("rhs_dilation", "dilation, a number for each axis", None),
)
_GENERAL: Final = (
    *_DILATED,
    Parameter(
        "dimension_numbers",
        "the axes of input, weights and output, such as ('NHWC', 'HWIO', 'NHWC')",
        None,
    ),
    Parameter("feature_group_count", "groups", 1),
    Parameter("batch_group_count", "only 1 is read", 1),
    *_LAST,
    Parameter("out_sharding", "where the output lies", None, ignored=True),
)
_RANKS: Final = (1, 2, 3)


def _read_transposed(given: Arguments) -> Reading:
    transposed = given.flag("transpose_kernel")
    rank = _rank(given, "strides", "rhs_dilation")
    axes = axes_of(given, rank, channels_last=True)
    reading = _reading(given, axes, "strides", 1, transposed=transposed)
    padding = padding_of(given, rank, pairs_only=True)
    is_crop = given.flag("use_consistent_padding")
    reading = cropped(given, reading, padding, is_crop=is_crop)
    return with_weights(reading, axes.layout(transposed=transposed, grouped=False), "HWOI")


def _read_dilated(given: Arguments) -> Reading:
    rank = _rank(given, "lhs_dilation", "window_strides", "rhs_dilation")
    steps = _per_axis(given, "window_strides", rank)
    if set(steps) != {1}:
        raise given.error(
            f"window_strides {list(steps)}: a convolution that steps over the dilated input is no "
            "transposed convolution; with steps of 1 it is one.",
            "window_strides",
        )
    groups, has_groups = 1, given.form.parameter("feature_group_count") is not None
    if has_groups:
        groups = given.integer("feature_group_count")
        if given.integer("batch_group_count") != 1:
            raise given.error("batch_group_count is read as 1 only.", "batch_group_count")
    axes = axes_of(given, rank, channels_last=False)
    reading = _reading(given, axes, "lhs_dilation", groups, transposed=False)
    if isinstance(given.known("padding", "[(1, 1), (1, 1)]"), str):
        raise given.error(
            f"padding {shown(given.value('padding'))}: JAX takes no words with lhs_dilation, only "
            "a pair (low, high) for each axis.",
            "padding",
        )
    pads = padding_of(given, rank, pairs_only=True)
    assert not isinstance(pads, str)
    reading = given.cropped(reading, crop_of_pads(reading.operator, pads))
    return replace(reading, weights=axes.layout(transposed=False, grouped=groups > 1))


def _reading(
    given: Arguments, axes: Axes, stride: str, groups: int, *, transposed: bool
) -> Reading:
    """Read all but the crop."""
    for name in ("lhs", "rhs"):
        given.value(name)
    rank = axes.rank
    whole = _shape(given, "rhs", rank)
    weight: Sizes | None = None
    if whole is not None:
        ins, outs, *kernel = (
            size for size in axes.weight(whole, transposed=transposed) if isinstance(size, int)
        )
        if outs % groups:
            raise given.error(
                f"feature_group_count {groups} does not divide the {outs} output channels of rhs.",
                "feature_group_count",
            )
        weight = (ins * groups, outs // groups, *kernel)
    part = () if whole is not None else given.array_shape_in_part("rhs")
    in_part = axes.weight(part, transposed=transposed) if len(part) == rank + 2 else ()
    if groups > 1:
        in_part = ()  # Its sizes are those of one group's inputs and of all groups' outputs.
    shape = axes.input(_shape(given, "lhs", rank))
    return given.reading(
        given.channels_and_kernel(
            shape[1] if shape else None,
            None,
            None,
            groups,
            weight or given.supplied.weight,
            in_part,
        ),
        stride=_per_axis(given, stride, rank),
        dilation=_per_axis(given, "rhs_dilation", rank),
        crop=None,
        groups=groups,
        # A bias that is added after the call is read there.
        bias=False,
        input=shape,
        channels_last=axes.channels_last,
    )


def _rank(given: Arguments, *names: str) -> int:
    """Return the number of spatial axes, which any argument may show."""
    values: list[Value] = [given.value(name) for name in (*names, "padding")]
    for value in values:
        if isinstance(value, tuple) and len(value) in _RANKS:
            return len(value)
        if isinstance(value, int):
            break
    if given.form.parameter("dimension_numbers") is not None:
        numbers = given.value("dimension_numbers")
        first = numbers[0] if isinstance(numbers, tuple) and numbers else None
        if isinstance(first, str) and len(first) - 2 in _RANKS:
            return len(first) - 2
    shapes = (
        given.array_shape("rhs") or given.array_shape_in_part("rhs"),
        given.array_shape("lhs"),
        given.supplied.input,
        given.supplied.weight,
    )
    for shape in shapes:
        if shape and len(shape) - 2 in _RANKS:
            return len(shape) - 2
    raise given.error(
        "the text does not show the number of axes: "
        + asked(Ask.INPUT_SHAPE)
        + ", such as "
        + named(Ask.INPUT_SHAPE, (1, 64, 16, 16))
        + ".",
        names[0],
    )


def _per_axis(given: Arguments, name: str, rank: int) -> Sizes:
    value = given.value(name)
    if value is None:
        return (1,) * rank
    if isinstance(value, int):
        raise given.error(
            f"{name} {value}: JAX takes a number for each of {rank} axes, such as "
            f"{(value,) * rank}.",
            name,
        )
    if isinstance(value, Name | Call):
        return given.per_axis(name, rank)
    return given.per_axis(name, rank, takes=f"JAX takes one for each of {rank} axes")


def _shape(given: Arguments, name: str, rank: int) -> Sizes | None:
    shape = given.array_shape(name)
    if shape is not None and len(shape) != rank + 2:
        raise given.error(
            f"{name} {list(shape)} has {len(shape)} axes; {rank + 2} are needed for {rank} "
            "spatial ones.",
            name,
        )
    return shape


_DOCS: Final = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.{}.html"


def _form(name: str, parameters: tuple[Parameter, ...]) -> Form:
    is_transposed = name == "conv_transpose"
    return Form(
        f"jax.lax.{name}",
        (f"jax.lax.convolution.{name}",),
        "function",
        None,
        parameters,
        _DOCS.format(name),
        _read_transposed if is_transposed else _read_dilated,
        needs="" if is_transposed else "lhs_dilation",
    )


FORMS: Final = (
    _form("conv_transpose", _TRANSPOSED),
    _form("conv_general_dilated", _GENERAL),
    _form(
        "conv_with_general_padding",
        (*_DILATED[:4], *(replace(each, default=REQUIRED) for each in _DILATED[4:]), *_LAST),
    ),
)
