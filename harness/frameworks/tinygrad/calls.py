"""The meaning of tinygrad's calls: ``Tensor.conv_transpose2d``, ``nn.ConvTranspose{1,2}d``."""

from __future__ import annotations

from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs
from harness.convention.assumptions import bias_notes
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers, shown
from harness.core.operators import Sizes

_GROUPS: Final = Parameter("groups", "groups", 1)
_STRIDE: Final = Parameter("stride", "stride", 1)
_DILATION: Final = Parameter("dilation", "dilation", 1)
_PADDING: Final = Parameter(
    "padding",
    "crop: one number, one for each axis, or two for each axis, from the last to the first",
    0,
    pitfall="In pairs it is (left, right, top, bottom): the last axis first.",
)
_OUTPUT_PADDING: Final = Parameter(
    "output_padding", "given back at the end of each axis, any number", 0
)
_METHOD: Final = (
    Parameter("weight", "w, IOHW: (c_in, c_out // groups, *kernel)"),
    Parameter("bias", "b; None is no bias", None),
    *(_GROUPS, _STRIDE, _DILATION, _PADDING, _OUTPUT_PADDING),
)
_LAYER: Final = (
    Parameter("in_channels", "input channels", role="in_channels"),
    Parameter("out_channels", "output channels", role="out_channels"),
    Parameter(
        "kernel_size",
        "kernel; of ConvTranspose2d it has as many numbers as there are axes, and one serves two",
        role="kernel",
    ),
    *(_STRIDE, _PADDING, _OUTPUT_PADDING),
    Parameter(
        "dilation", "dilation", 1, pitfall="It comes before groups, and bias last: not PyTorch's."
    ),
    _GROUPS,
    Parameter("bias", "whether there is a bias", True, assumable=True),
)


def _read_method(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    weight = given.array_shape("weight")
    shapes = {"weight": weight or given.supplied.weight}
    given = given.with_shapes({name: shape for name, shape in shapes.items() if shape})
    in_part = () if weight else given.array_shape_in_part("weight")
    groups = given.integer("groups")
    complete = given.channels_and_kernel(None, None, None, groups, weight, in_part)
    return _read_geometry(
        given, complete, bias=given.has("bias"), notes=tuple(bias_notes(given, "bias"))
    )


def _read_layer(given: Arguments) -> Reading:
    given = given.with_input_in_text()
    kernel = None
    if not given.is_open("kernel_size"):
        sizes = given.value("kernel_size")
        # https://github.com/tinygrad/tinygrad/blob/master/tinygrad/nn/__init__.py, of Conv2d
        rank = given.form.rank or (len(sizes) if isinstance(sizes, tuple) else 2)
        kernel = given.per_axis("kernel_size", rank)
    complete = given.channels_and_kernel(
        given.open_integer("in_channels"),
        given.open_integer("out_channels"),
        kernel,
        given.integer("groups"),
    )
    bias = given.value("bias") is not None and given.flag("bias")
    return _read_geometry(given, complete, bias=bias)


def _read_geometry(
    given: Arguments, complete: tuple[int, int, Sizes], *, bias: bool, notes: tuple[str, ...] = ()
) -> Reading:
    kernel = complete[2]
    rank = len(kernel)
    stride, dilation = given.per_axis("stride", rank), given.per_axis("dilation", rank)
    reading = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=None,
        groups=given.integer("groups"),
        bias=bias,
        notes=notes,
    )
    back = given.per_axis("output_padding", rank, least=0)
    pads = _pads(given, kernel, stride, dilation)
    crop = tuple((begin, end - more) for (begin, end), more in zip(pads, back, strict=True))
    return given.cropped(reading, crop)


def _pads(given: Arguments, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Pairs:
    rank, padding = len(kernel), given.value("padding")
    if isinstance(padding, str):
        return _same(given, padding, kernel, stride, dilation)
    column = given.given["padding"].column if "padding" in given.given else 0
    numbers = integers("padding", padding, column)
    if not isinstance(padding, tuple):
        numbers *= rank
    elif len(numbers) == 2 * rank:
        return tuple(zip(numbers[-2::-2], numbers[::-2], strict=True))
    if len(numbers) == rank:
        return tuple((each, each) for each in numbers)
    raise given.error(
        f"padding {shown(padding)} has {len(numbers)} numbers; tinygrad takes one, {rank}, or "
        f"{2 * rank}: two for each axis, from the last to the first.",
        "padding",
    )


def _same(given: Arguments, padding: str, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Pairs:
    """Return the crop with which a layer keeps the input's size."""
    if given.form.style != "layer" or padding.lower() != "same":
        takes = "'same' or numbers" if given.form.style == "layer" else "numbers"
        raise given.error(f"padding is {padding!r}; tinygrad takes {takes}.", "padding")
    if given.value("stride") != 1 or max(stride) > 1:
        raise given.error(
            "padding 'same' is for a stride of 1, one number: tinygrad refuses others.", "padding"
        )
    # It takes the kernel from the last axis to the first, and the dilation from the first.
    axes = zip(reversed(dilation), kernel, strict=True)
    totals = [step * (extent - 1) for step, extent in axes]
    return tuple((total // 2, total - total // 2) for total in totals)


_DOCS: Final = "https://docs.tinygrad.org/"
_OF_METHOD: Final = f"{_DOCS}tensor/ops/#tinygrad.Tensor.conv_transpose2d"

FORMS: Final = (
    Form(
        *("tinygrad.nn.ConvTranspose2d", (), "layer", None, _LAYER),
        *(f"{_DOCS}nn/#tinygrad.nn.ConvTranspose2d", _read_layer),
    ),
    Form(
        *("tinygrad.nn.ConvTranspose1d", (), "layer", 1, _LAYER),
        *(f"{_DOCS}nn/#tinygrad.nn.ConvTranspose1d", _read_layer),
    ),
    Form(
        *("tinygrad.Tensor.conv_transpose2d", (), "function", None, _METHOD),
        *(_OF_METHOD, _read_method),
        is_method=True,
    ),
)
