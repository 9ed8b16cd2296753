"""The meaning of Haiku's layers: ``hk.Conv{1,2,3}DTranspose`` and ``hk.ConvNDTranspose``.

https://dm-haiku.readthedocs.io/en/latest/api.html#conv2dtranspose
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, output_crop
from harness.convention.chains import Flow
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.core.named_number import at_least_0
from harness.core.operators import Operator, Sizes
from harness.frameworks.jax.crops import WORDS, Pairs, cropped, padding_of
from harness.frameworks.jax.incoming import incoming

_LETTERS: Final = {1: "W", 2: "HW", 3: "DHW"}
# https://github.com/google-deepmind/dm-haiku/blob/v0.0.17/haiku/_src/utils.py#L135
_FIRST: Final = r"channels_first|NC[^C]*"
_LAST: Final = r"channels_last|N[^C]*C|(BT|TB)[^D]*D"


def _parameters(rank: int | None) -> tuple[Parameter, ...]:
    layout = "channels_last" if rank is None else f"N{_LETTERS[rank]}C"
    dimensions = Parameter("num_spatial_dims", "the number of spatial axes")
    return (
        *((dimensions,) if rank is None else ()),
        Parameter("output_channels", "output channels", role="out_channels"),
        Parameter("kernel_shape", "kernel", role="kernel"),
        Parameter("stride", "stride", 1),
        Parameter(
            "output_shape",
            "spatial sizes of the output: with 'SAME' half of the crop, rounded down, is taken "
            "from the beginning, with 'VALID' all from the end",
            None,
        ),
        Parameter(
            "padding",
            f"{WORDS}; pairs are laid around the dilated input: crop kernel - 1 - pad",
            "SAME",
            pitfall="Numbers are no crop.",
        ),
        Parameter("with_bias", "whether there is a bias", True, assumable=True),
        Parameter("w_init", "how the weights are drawn", None, ignored=True),
        Parameter("b_init", "how the bias is drawn", None, ignored=True),
        Parameter(
            "data_format",
            "layout of the data, such as 'NHWC' or 'channels_first'; the weights are HWOI, not "
            "flipped, in both",
            layout,
            assumable=True,
        ),
        Parameter("mask", "multiplies the weights", None),
        naming("layer"),
    )


def _read(given: Arguments) -> Reading:
    rank = given.form.rank or given.integer("num_spatial_dims")
    if rank > len(_LETTERS):
        raise given.error(f"num_spatial_dims {rank}: 1, 2 and 3 are read.", "num_spatial_dims")
    channels_last = _channels_last(given)
    stride = given.per_axis("stride", rank)
    if given.has("mask"):
        raise given.error(
            "mask multiplies the weights, which is no part of the operator: multiply the weights "
            "by it once, and leave it out.",
            "mask",
        )
    given = given.with_input_in_text(channels_last=channels_last)
    flow = incoming(given, "HAIKU") if channels_last else Flow()
    complete = given.channels_and_kernel(
        flow.channels,
        given.open_integer("output_channels"),
        None if given.is_open("kernel_shape") else given.per_axis("kernel_shape", rank),
        1,
    )
    reading = given.reading(
        complete,
        stride=stride,
        crop=None,
        bias=given.flag("with_bias"),
        input=flow.shape if flow.size and len(flow.size) == rank else None,
        channels_last=channels_last,
    )
    padding = padding_of(given, rank, pairs_only=True)
    if given.has("output_shape"):
        reading = given.cropped(reading, _crop_of_output(given, reading.operator, padding))
    else:
        reading = cropped(given, reading, padding)
    return replace(reading, weights="hwOI")


def _channels_last(given: Arguments) -> bool:
    layout = given.value("data_format")
    if isinstance(layout, str) and re.fullmatch(_FIRST, layout):
        return False
    if isinstance(layout, str) and re.fullmatch(_LAST, layout):
        return True
    return given.choice("data_format", "channels_last", "channels_first") == "channels_last"


def _crop_of_output(given: Arguments, operator: Operator, padding: str | Pairs) -> Pairs:
    if not isinstance(padding, str):
        raise given.error(
            "Haiku takes output_shape with padding 'SAME' or 'VALID' only.", "output_shape"
        )
    wanted = given.per_axis("output_shape", operator.rank)
    expected = _expected(operator, wanted, padding)
    in_size = given.in_size("output_shape")
    if in_size != expected:
        raise given.error(
            f"output_shape {list(wanted)} with padding {padding!r} takes an input of "
            f"{list(expected)}; this one has {list(in_size)}: Haiku refuses it.",
            "output_shape",
        )
    return output_crop(
        given,
        operator,
        wanted,
        lambda _, total: at_least_0(total) // 2 if padding == "SAME" else 0,
    )


def _expected(operator: Operator, wanted: Sizes, padding: str) -> Sizes:
    axes = zip(operator.stride, operator.kernel, wanted, strict=True)
    if padding == "SAME":
        return tuple((out + stride - 1) // stride for stride, _, out in axes)
    return tuple((out - kernel + stride) // stride for stride, kernel, out in axes)


def _form(rank: int | None) -> Form:
    name = f"Conv{'N' if rank is None else rank}DTranspose"
    return Form(
        f"haiku.{name}",
        (f"hk.{name}",),
        "layer",
        rank,
        _parameters(rank),
        f"https://dm-haiku.readthedocs.io/en/latest/api.html#{name.lower()}",
        _read,
    )


FORMS: Final = tuple(_form(rank) for rank in (2, 1, 3, None))
