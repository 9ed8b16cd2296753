"""What PaddlePaddle's arguments say of stride, dilation and crop, in functions and layers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from harness.convention.arguments import Arguments
from harness.convention.reading import Reading
from harness.convention.values import Pairs, integers, shown
from harness.core.named_number import at_least_0
from harness.core.operators import Operator, Sizes
from harness.core.training import SILENT, Training
from harness.syntax.tree import Name, SnippetError, Value, names_in

Complete: TypeAlias = tuple[int, int, Sizes]
_PADDING: Final = "padding"
LAYOUTS: Final = {1: ("NCL", "NLC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


def per_axis(given: Arguments, name: str, rank: int, *, least: int = 1) -> Sizes:
    """Return one integer for each axis: a sequence must have as many, also if all are equal."""
    takes = f"PaddlePaddle takes one number that is no list, or {rank}"
    return given.per_axis(name, rank, least=least, takes=takes)


def is_channels_last(given: Arguments) -> bool:
    """Whether ``data_format``, which Fluid's layers do not have, has the channels last."""
    rank = given.form.rank
    if given.form.parameter("data_format") is None:
        return False
    assert rank is not None
    first, last = LAYOUTS[rank]
    return given.choice("data_format", first, last) == last


def with_shapes_in_text(given: Arguments, name: str) -> Arguments:
    """Return the same with the input's shape from the text, and what is computed from it."""
    channels_last = is_channels_last(given)
    given = given.with_input_in_text(channels_last=channels_last)
    shape = given.supplied.input
    if shape is not None and channels_last:
        shape = (shape[0], *shape[2:], shape[1])
    weight = given.array_shape("weight") if given.form.parameter("weight") else None
    shapes = {name: shape, "weight": weight or given.supplied.weight}
    return given.with_shapes({array: known for array, known in shapes.items() if known})


def geometry(
    given: Arguments,
    complete: Complete,
    groups: int,
    asked: Value,
    *,
    bias: bool,
    training: Training = SILENT,
    notes: Sequence[str] = (),
) -> Reading:
    """Read what chooses the crop; ``asked`` is the output's size, ``None`` for the natural one."""
    rank = len(complete[2])
    stride = per_axis(given, "stride", rank)
    dilation, more = per_axis(given, "dilation", rank), []
    pairs = padding(given, rank)
    if pairs == "SAME" and max(dilation) > 1:
        more.append("padding 'SAME' sets dilation to 1 silently: it is 1 in the answer.")
        dilation = (1,) * rank
    reading = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=None,
        groups=groups,
        bias=bias,
        training=training,
        notes=notes,
        channels_last=is_channels_last(given),
    )
    if pairs == "SAME":
        pairs, of_same = _same(reading.operator, reading.input)
        more += of_same
    back = _output_padding(given, stride)
    if asked is not None:
        # Layers of two and three axes do without their output_padding then.
        if any(back) and (given.form.style == "function" or rank == 1):
            raise given.error(
                "output_size and output_padding: PaddlePaddle takes one of them.", "output_padding"
            )
        back, of_size = _asked(given, replace(reading.operator, crop=pairs), asked)
        more += of_size
    crop = tuple((begin, end - extra) for (begin, end), extra in zip(pairs, back, strict=True))
    return given.cropped(reading, crop, *more)


def padding(given: Arguments, rank: int) -> Pairs | Literal["SAME"]:
    """Return what ``padding`` removes at the ends of each axis, or that the input's size says it.

    https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/nn/functional/conv.py
    (``_update_padding_nd``)
    """
    value = given.value(_PADDING)
    if isinstance(value, str):
        word = given.choice(_PADDING, "same", "valid", any_case=True)
        return "SAME" if word == "same" else ((0, 0),) * rank
    if not isinstance(value, tuple):
        return ((given.integer(_PADDING, least=0),) * 2,) * rank
    flat = _without_batch_and_channels(given, value, rank)
    numbers = integers(_PADDING, flat, given.given[_PADDING].column)
    if min(numbers, default=0) < 0:
        raise given.error(f"padding {shown(value)}: PaddlePaddle takes none below 0.", _PADDING)
    if len(numbers) == rank:
        return tuple((number, number) for number in numbers)
    if len(numbers) == 2 * rank:
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))
    raise _no_padding(given, value, rank)


def _without_batch_and_channels(given: Arguments, value: tuple[Value, ...], rank: int) -> Value:
    if not any(isinstance(each, tuple) for each in value):
        return value
    pairs = [each for each in value if isinstance(each, tuple) and len(each) == 2]
    if len(pairs) != len(value) or len(value) != rank + 2:
        raise _no_padding(given, value, rank)
    if is_channels_last(given):
        others, spatial = (value[0], value[-1]), pairs[1:-1]
    else:
        others, spatial = (value[0], value[1]), pairs[2:]
    if others != ((0, 0), (0, 0)):
        raise given.error(
            f"padding {shown(value)}: the pairs of batch and channels must be (0, 0).", _PADDING
        )
    return tuple(side for pair in spatial for side in pair)


def _no_padding(given: Arguments, value: Value, rank: int) -> SnippetError:
    row = {1: "[begin, end]", 2: "[top, bottom, left, right]"}.get(
        rank, "[front, back, top, bottom, left, right]"
    )
    return given.error(
        f"padding {shown(value)}: PaddlePaddle takes a number, {rank} of them, {row}, or "
        f"{rank + 2} pairs with those of batch and channels.",
        _PADDING,
    )


def _same(operator: Operator, shape: Sizes | None) -> tuple[Pairs, list[str]]:
    """Return the crop of ``'SAME'``: what a convolution of the *input* would be padded with.

    https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/paddle/phi/kernels/cpu/conv_util.h
    """
    axes = list(zip(operator.kernel, operator.stride, strict=True))
    if shape is None:
        totals = [at_least_0(kernel - stride) for kernel, stride in axes]
        notes = [_OF_MULTIPLES] if max(operator.stride) > 1 else []
    else:
        sizes = zip(shape[2:], axes, strict=True)
        totals = [
            at_least_0(kernel - (size % stride or stride)) for size, (kernel, stride) in sizes
        ]
        notes = []
    return tuple((total // 2, total - total // 2) for total in totals), notes


_OF_MULTIPLES: Final = (
    "padding 'SAME' crops by the input's size: this is the crop where the stride divides it. "
    "Elsewhere kernel - size % stride is removed: add the input's shape."
)


def _output_padding(given: Arguments, stride: Sizes) -> Sizes:
    if given.form.parameter("output_padding") is None:
        return (0,) * len(stride)
    back = per_axis(given, "output_padding", len(stride), least=0)
    if any(extra >= step for extra, step in zip(back, stride, strict=True) if extra):
        raise given.error(
            f"output_padding {list(back)} must be smaller than stride {list(stride)}: PaddlePaddle "
            "refuses it when it is called.",
            "output_padding",
        )
    return back


def _asked(given: Arguments, operator: Operator, asked: Value) -> tuple[Sizes, list[str]]:
    """Return what an output of the size asked for has more than the natural one."""
    name, rank = "output_size", operator.rank
    if isinstance(asked, Name) or any(names_in(asked)):
        return (0,) * rank, [
            f"output_size is {shown(asked)}, which chooses the output's size at every call, and is "
            "not in the answer: where it asks for more than the natural size, give that much more "
            "as output_padding."
        ]
    column = given.given[name].column if name in given.given else given.call.column
    sizes = integers(name, asked, column)
    sizes = sizes if isinstance(asked, tuple) else sizes * rank
    least = operator.out_size(given.in_size(name))
    most = [size + stride - 1 for size, stride in zip(least, operator.stride, strict=True)]
    if len(sizes) != rank or any(
        not low <= size <= high for low, size, high in zip(least, sizes, most, strict=True)
    ):
        raise given.error(
            f"output_size {list(sizes)}: this input allows {list(least)} to {most}.", name
        )
    return tuple(size - low for size, low in zip(sizes, least, strict=True)), []
