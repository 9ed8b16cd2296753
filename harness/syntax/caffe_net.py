"""Caffe's nets: each ``Deconvolution`` of a text in protobuf's format, with what comes to it.

https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from harness.syntax.prototxt import Message, parsed
from harness.syntax.tree import Argument, Call, Name, Parsed, Statement, Value, check_text

KIND: Final = "Deconvolution"
_TYPE: Final = re.compile(r"\btype\s*:\s*(?:['\"]Deconvolution['\"]|DECONVOLUTION\b)")


class NetLayer(NamedTuple):
    """A layer that is, or may be, a transposed convolution."""

    name: str
    kind: str  # ``KIND``, or what else the net calls it
    settings: Mapping[str, Value]
    in_channels: int | None  # Where the layers before it show them
    axes: int | None  # Of what comes to it, where they are known


def read(text: str) -> Parsed:
    """Read the layers of a net, or of a part of one, as calls.

    Raises
    ------
    SnippetError
        Where it is no message of protobuf's.

    Examples
    --------
    >>> settings = "convolution_param { num_output: 6 kernel_size: 3 }"
    >>> (statement,) = read(f'layer {{ name: "up" type: "Deconvolution" {settings} }}').statements
    >>> statement.target, statement.value.named
    ('up', {'num_output': (6,), 'kernel_size': (3,)})
    """
    check_text(text)
    found = [each for each in layers(text) if each.kind == KIND]
    columns = [match.start() for match in _TYPE.finditer(text)]
    columns = columns if len(columns) == len(found) else [0] * len(found)
    return Parsed(tuple(map(_statement, found, columns)))


def _statement(layer: NetLayer, column: int) -> Statement:
    given = dict(layer.settings)
    if layer.in_channels is not None:
        given["in_channels"] = layer.in_channels
    if layer.axes is not None:
        given["num_axes"] = layer.axes
    arguments = tuple(Argument(name, value, column) for name, value in given.items())
    return Statement(layer.name, Call(Name(KIND, column), arguments, column))


def layers(text: str) -> Iterator[NetLayer]:
    """Yield the transposed convolutions of a net, and what may be others.

    Raises
    ------
    SnippetError
    """
    yield from _Net(parsed(text)).layers()


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


class _Net:
    """A net, whose layers hand blobs on by their names."""

    def __init__(self, net: Message) -> None:
        self._net = net
        self._channels: dict[str, int | None] = {}
        self._axes: dict[str, int] = {}  # Of a blob, where it is known

    def layers(self) -> Iterator[NetLayer]:
        """Yield the layers; what goes into each is what came out of those before."""
        self._inputs()
        for layer in self._net.messages("layer", "layers"):
            kind = _kind(layer)
            if kind == "deconvolution":
                yield self._layer(layer)
            elif "deconv" in kind or ("transpose" in kind and "conv" in kind):
                yield NetLayer(_name(layer), layer.text("type"), {}, None, None)
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

    def _layer(self, layer: Message) -> NetLayer:
        settings = _settings(layer, "deconvolution")
        names = dict.fromkeys(name for name, _ in settings.fields)
        bottom = next(iter(layer.texts("bottom")), "")
        return NetLayer(
            _name(layer),
            KIND,
            {name: tuple(settings.numbers(name)) for name in names},
            self._channels.get(bottom),
            self._axes.get(bottom),
        )


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
