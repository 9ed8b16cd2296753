"""The meaning of Keras 3's calls: ``keras.ops.conv_transpose``, and its layers."""

from __future__ import annotations

from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.keras_layers.calls import (
    is_channels_first,
    layer_form,
    padding_word,
    per_axis,
)
from harness.convention.keras_layers.crops import crop_of
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import to_channels_first
from harness.core.errors import Ask, asked, named
from harness.core.operators import Sizes

_PARAMETERS: Final = (
    Parameter("inputs", "x, channels last; channels first with data_format='channels_first'"),
    Parameter(
        "kernel",
        "w, HWOI: (*kernel, c_out, c_in)",
        pitfall="Output channels before input channels, whatever data_format is.",
    ),
    Parameter("strides", "stride", 1),
    Parameter(
        "padding",
        "'valid': no crop; 'same': an output of inputs * strides, crop kernel - strides of which "
        "an odd element is taken from the end",
        "valid",
        pitfall="Without output_padding, strides larger than the kernel extend the end up to "
        "inputs * strides, with either padding.",
    ),
    Parameter(
        "output_padding",
        "chooses the output: 'valid' gives crop (0, -output_padding); 'same' a total crop of "
        "kernel - kernel % 2 - output_padding, half of it, rounded down, at the beginning",
        None,
        pitfall="None is not 0. Documented as less than strides; on TensorFlow others are refused.",
    ),
    Parameter(
        "data_format",
        "layout of the data: 'channels_last', NHWC, or 'channels_first', NCHW; weights are HWOI "
        "in both",
        None,
        assumable=True,
        pitfall="None takes the configuration's, channels_last if it was never changed.",
    ),
    Parameter("dilation_rate", "dilation", 1),
)
_RANKS: Final = (1, 2, 3)
_PER_AXIS: Final = ("strides", "dilation_rate", "output_padding")


def _read(given: Arguments) -> Reading:
    for name in ("inputs", "kernel"):
        given.value(name)
    rank = _rank(given)
    channels_first = is_channels_first(given)
    native = _array(given, "inputs", rank)
    shape = native if native is None or channels_first else to_channels_first(native)
    kernel = _array(given, "kernel", rank)
    weight = None if kernel is None else (kernel[-1], kernel[-2], *kernel[:-2])
    part = given.array_shape_in_part("kernel") if weight is None else ()
    in_part = (part[-1], part[-2], *part[:-2]) if len(part) == rank + 2 else ()
    reading = given.reading(
        given.channels_and_kernel(
            shape[1] if shape else None, None, None, 1, weight or given.supplied.weight, in_part
        ),
        stride=per_axis(given, "strides", rank),
        dilation=per_axis(given, "dilation_rate", rank),
        crop=None,
        # A bias that is added after the call is read there.
        bias=False,
        input=shape,
        channels_last=not channels_first,
    )
    extra, notes = None, []
    if given.has("output_padding"):
        extra = per_axis(given, "output_padding", rank, least=0)
        if any(more >= s for more, s in zip(extra, reading.operator.stride, strict=True)):
            notes.append(
                f"output_padding {list(extra)} is not less than strides "
                f"{list(reading.operator.stride)}, as it is documented: computed on JAX and on "
                "PyTorch, refused on TensorFlow and by the layers."
            )
    return given.cropped(reading, crop_of(padding_word(given), extra, reading.operator), *notes)


def _rank(given: Arguments) -> int:
    """Return the number of spatial axes, which any argument may show."""
    for name in _PER_AXIS:
        value = given.value(name)
        if isinstance(value, tuple) and len(value) in _RANKS:
            return len(value)
    shapes = (
        given.array_shape("kernel") or given.array_shape_in_part("kernel"),
        given.array_shape("inputs"),
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
        "kernel",
    )


def _array(given: Arguments, name: str, rank: int) -> Sizes | None:
    shape = given.array_shape(name)
    if shape is not None and len(shape) != rank + 2:
        raise given.error(
            f"{name} {list(shape)} has {len(shape)} axes; {rank + 2} are needed for {rank} "
            "spatial ones.",
            name,
        )
    return shape


def _layer(rank: int) -> Form:
    name, other = f"Conv{rank}DTranspose", f"Convolution{rank}DTranspose"
    names = (f"keras.layers.{name}", f"keras.layers.{other}", name)
    return layer_form(rank, names, on_tensorflow=False, only_if_asked=True)


FORMS: Final = (
    Form(
        "keras.ops.conv_transpose",
        ("keras.ops.nn.conv_transpose",),
        "function",
        None,
        _PARAMETERS,
        "https://keras.io/api/ops/nn/#conv_transpose-function",
        _read,
    ),
    *map(_layer, _RANKS),
)
