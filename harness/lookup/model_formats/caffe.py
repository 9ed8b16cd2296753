"""Caffe's models: the ``Deconvolution`` layers of a ``.prototxt``.

https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.layers import Found, Layer, Refused
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import integers
from harness.core.bounded import MIB, read_bytes
from harness.core.errors import InputError
from harness.core.operators import Sizes
from harness.syntax.prototxt import Message, parsed
from harness.syntax.tree import SnippetError, Value

_MOST_BYTES: Final = 4 * MIB
_LAYERS: Final = re.compile(rb"\blayers?\s*:?\s*[{<]")

# The call.

_SIZES: Final = ("kernel", "stride", "pad")
_PARAMETERS: Final = (
    Parameter("num_output", "output channels", role="out_channels"),
    Parameter("kernel_size", "kernel: one number, or one for each axis", (), role="kernel"),
    Parameter("kernel_h", "kernel of the height", ()),
    Parameter("kernel_w", "kernel of the width", ()),
    Parameter("stride", "stride", ()),
    Parameter("stride_h", "stride of the height", ()),
    Parameter("stride_w", "stride of the width", ()),
    Parameter("pad", "crop at both ends of each axis", ()),
    Parameter("pad_h", "crop of the height", ()),
    Parameter("pad_w", "crop of the width", ()),
    Parameter("dilation", "dilation", ()),
    Parameter("group", "groups", (1,)),
    Parameter("bias_term", "whether there is a bias", (True,)),
    Parameter("weight_filler", "how w is drawn", None, ignored=True),
    Parameter("bias_filler", "how b is drawn", None, ignored=True),
    Parameter("engine", "what computes it", None, ignored=True),
    Parameter("force_nd_im2col", "how it is computed", None, ignored=True),
    Parameter("axis", "the axis of the channels; only 1 is read", (1,)),
    Parameter("num_axes", "how many axes the input has", 4),
)


def _read(given: Arguments) -> Reading:
    axis = _one(given, "axis")
    if axis != 1:
        raise given.error(f"axis is {axis}; only 1, the second one, is read.")
    kernel = _numbers(given, "kernel_size")
    has_two = any(given.value(f"{name}_{side}") != () for name in _SIZES for side in "hw")
    axes = given.integer("num_axes") - 2
    rank = 2 if has_two else len(kernel) if len(kernel) > 1 else axes
    complete = given.channels_and_kernel(
        None, _one(given, "num_output"), _per_axis(given, "kernel", rank, 0), _one(given, "group")
    )
    pad = _per_axis(given, "pad", rank, 0)
    reading = given.reading(
        complete,
        stride=_per_axis(given, "stride", rank, 1),
        dilation=_alike(given, "dilation", _numbers(given, "dilation"), rank, 1),
        crop=tuple((each, each) for each in pad),
        groups=_one(given, "group"),
        bias=_flag(given, "bias_term"),
    )
    if reading.input is not None:
        reading = given.cropped(reading, reading.operator.crop)
    return reading


def _numbers(given: Arguments, name: str) -> Sizes:
    return integers(name, given.value(name), 0)


def _one(given: Arguments, name: str) -> int:
    numbers = _numbers(given, name)
    if len(numbers) != 1:
        raise given.error(f"{name} has {len(numbers)} values; there must be one.")
    return numbers[0]


def _flag(given: Arguments, name: str) -> bool:
    value = given.value(name)
    if value not in ((True,), (False,)):
        raise given.error(f"{name} must be true or false.")
    return value == (True,)


def _per_axis(given: Arguments, what: str, rank: int, default: int) -> Sizes:
    """Return kernel, stride or pad: by axis, by ``_h`` and ``_w``, or one number for all."""
    name = "kernel_size" if what == "kernel" else what
    whole = _numbers(given, name)
    sides = [_numbers(given, f"{what}_{side}") for side in "hw"]
    if not any(sides):
        return _alike(given, name, whole, rank, default)
    if whole or [len(side) for side in sides] != [1, 1]:
        raise given.error(f"{name}, {what}_h and {what}_w: either the first, or both others.")
    return (sides[0][0], sides[1][0])


def _alike(given: Arguments, name: str, numbers: Sizes, rank: int, default: int) -> Sizes:
    if len(numbers) not in (0, 1, rank):
        raise given.error(
            f"{name} {list(numbers)} has {len(numbers)} numbers; there are {rank} spatial axes."
        )
    return numbers if len(numbers) == rank else (numbers or (default,)) * rank


_FORM: Final = Form(
    "Caffe Deconvolution",
    (),
    "layer",
    None,
    _PARAMETERS,
    "https://caffe.berkeleyvision.org/tutorial/layers/deconvolution.html",
    _read,
)

# The file.

# What has as many channels as its first input.
_KEEPING: Final = {
    *("relu", "prelu", "elu", "sigmoid", "tanh", "absval", "bnll", "power", "exp", "log"),
    *("batchnorm", "bn", "syncbn", "scale", "bias", "dropout", "pooling", "lrn", "mvn", "softmax"),
    *("normalize", "threshold", "crop", "interp", "eltwise", "split", "relu6", "swish"),
}
_FILTERING: Final = {
    *("convolution", "deconvolution", "innerproduct"),
    *("convolutiondepthwise", "depthwiseconvolution"),
}


def is_model(path: Path) -> bool:
    """Whether a file has layers, as a solver or a list of labels has not."""
    try:
        return _LAYERS.search(read_bytes(path, _MOST_BYTES)) is not None
    except OSError:
        return False


def layers(path: Path) -> Iterator[Found]:
    """Yield the ``Deconvolution`` layers of a net."""
    try:
        net = parsed(read_bytes(path, _MOST_BYTES).decode("utf-8-sig", "replace"))
    except SnippetError as error:
        raise InputError(f"{path.name}: {error.fact}", error.place) from None
    yield from _Net(net).layers()


class _Net:
    """A net, whose layers hand blobs on by their names."""

    def __init__(self, net: Message) -> None:
        self._net = net
        self._channels: dict[str, int | None] = {}
        self._axes: dict[str, int] = {}  # Of a blob, where it is known

    def layers(self) -> Iterator[Found]:
        """Yield the layers; what goes into each is what came out of those before."""
        self._inputs()
        for layer in self._net.messages("layer", "layers"):
            kind = _kind(layer)
            if kind == "deconvolution":
                yield self._layer(layer)
            elif "deconv" in kind or ("transpose" in kind and "conv" in kind):
                yield Refused(
                    _name(layer), f"{layer.text('type')} is no layer of Caffe's that is read here."
                )
            self._hand_on(layer, kind)

    def _inputs(self) -> None:
        """Note the shapes of the net's own inputs: four numbers each, or a shape each."""
        names = self._net.texts("input")
        dims = self._net.numbers("input_dim")
        shapes = [dims[4 * place : 4 * place + 4] for place in range(len(dims) // 4)]
        shapes = shapes or [each.numbers("dim") for each in self._net.messages("input_shape")]
        for name, shape in zip(names, shapes, strict=False):
            self._note(name, shape)

    def _note(self, name: str, shape: list[Value]) -> None:
        self._channels[name] = _positive(shape[1]) if len(shape) > 1 else None
        self._axes[name] = len(shape)

    def _hand_on(self, layer: Message, kind: str) -> None:
        """Note how many channels come out of a layer, where that is known."""
        bottoms, tops = layer.texts("bottom"), layer.texts("top")
        channels: int | None = None
        if kind in _FILTERING:
            counts = _settings(layer, kind).numbers("num_output")
            channels = _positive(counts[-1]) if counts else None
        elif kind in _KEEPING and bottoms:
            channels = self._channels.get(bottoms[0])
        elif kind == "concat":
            known = [self._channels.get(name) for name in bottoms]
            axes = [each.numbers("axis") for each in layer.messages("concat_param")]
            is_second = all(axis in ([], [1]) for axis in axes)
            channels = sum(filter(None, known)) if all(known) and is_second else None
        for top in tops:
            self._channels[top] = channels
            if bottoms and bottoms[0] in self._axes:
                self._axes[top] = self._axes[bottoms[0]]
        shapes = [
            shape.numbers("dim")
            for part in layer.messages("input_param", "dummy_data_param")
            for shape in part.messages("shape")
        ]
        for top, shape in zip(tops, shapes * (len(tops) if len(shapes) == 1 else 1), strict=False):
            self._note(top, shape)

    def _layer(self, layer: Message) -> Found:
        arguments: dict[str, Value] = {}
        notes = []
        settings = _settings(layer, "deconvolution")
        for name in dict.fromkeys(name for name, _ in settings.fields):
            if _FORM.parameter(name) is None or name == "num_axes":
                notes.append(f"{name}: a setting that is not in the answer.")
            else:
                arguments[name] = tuple(settings.numbers(name))
        bottom = next(iter(layer.texts("bottom")), "")
        arguments["num_axes"] = self._axes.get(bottom, 4)
        return Layer(_name(layer), _FORM, arguments, tuple(notes), self._channels.get(bottom))


def _kind(layer: Message) -> str:
    """Return a layer's type; older files have ``INNER_PRODUCT`` for ``InnerProduct``."""
    return layer.text("type").lower().replace("_", "")


def _settings(layer: Message, kind: str) -> Message:
    name = "inner_product_param" if kind == "innerproduct" else "convolution_param"
    return Message([each for part in layer.messages(name) for each in part.fields])


def _name(layer: Message) -> str:
    return layer.text("name") or next(iter(layer.texts("top")), "")


def _positive(value: Value) -> int | None:
    return value if type(value) is int and value > 0 else None
