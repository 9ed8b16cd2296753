"""OpenVINO's IR: the layers of a model's ``.xml``, or of a part of it.

Only shapes and attributes are read; the numbers of constants are in another file.

https://docs.openvino.ai/2026/documentation/openvino-ir-format.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from xml.parsers import expat

from harness.syntax.tree import (
    Argument,
    Call,
    Name,
    Parsed,
    SnippetError,
    Statement,
    Value,
    check_text,
)

KINDS: Final = ("ConvolutionBackpropData", "GroupConvolutionBackpropData")
_BEFORE_10: Final = "Deconvolution"  # The layer of versions 2 to 7
_LISTS: Final = ("strides", "dilations", "pads_begin", "pads_end", "output_padding")
# What hands weights on to a layer, in another type.
_HANDING_ON: Final = {"Convert", "FakeQuantize", "FakeConvert"}
_DECLARATION: Final = re.compile(rb"\A\s*<\?xml[^>]*\?>")
_MOST_LAYERS: Final = 500_000
_MOST_AXES: Final = 16
_NUMBER: Final = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass
class _Layer:
    """A layer as its element says it."""

    column: int
    attributes: Mapping[str, str]
    data: dict[str, str] = field(default_factory=dict)
    inputs: list[list[int]] = field(default_factory=list)  # The sizes of each port
    outputs: list[list[int]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.attributes.get("type", "")


def read(text: str) -> Parsed:
    """Read the transposed convolutions of a text as calls.

    Raises
    ------
    SnippetError
        Where it is no whole element.

    Examples
    --------
    >>> data = '<data strides="2" pads_begin="1" pads_end="0"/>'
    >>> layer = f'<layer id="2" name="up" type="ConvolutionBackpropData">{data}</layer>'
    >>> (statement,) = read(layer).statements
    >>> statement.target, statement.value.named
    ('up', {'strides': (2,), 'pads_begin': (1,), 'pads_end': (0,)})
    """
    check_text(text)
    return Parsed(tuple(statements(text.encode(errors="surrogatepass"))))


def statements(content: bytes) -> Iterator[Statement]:
    """Yield each layer as a statement that gives its name what its call returns.

    Raises
    ------
    SnippetError
    """
    found = _Elements(content)
    for identity, layer in found.layers.items():
        if layer.kind in KINDS:
            arguments = tuple(_arguments(found, identity, layer))
            call = Call(Name(layer.kind, layer.column), arguments, layer.column)
            yield Statement(layer.attributes.get("name"), call)
        elif layer.kind == _BEFORE_10:
            raise SnippetError(
                f"{_BEFORE_10} is a layer of versions before 10, which OpenVINO itself has not "
                "read since 2024: convert the model again.",
                layer.column,
            )


class _Elements:
    """The layers of a text by their identity, and where each hands its output to."""

    def __init__(self, content: bytes) -> None:
        # A part of a model may have several elements, and no root.
        head = _DECLARATION.match(content)
        self._content = content[head.end() if head else 0 :]
        self._before = head.end() if head else 0
        self._all = content
        self.layers: dict[str, _Layer] = {}
        self.edges: list[tuple[str, str, str]] = []  # From a layer, to a layer, at a port
        self._layer: _Layer | None = None
        self._sizes: list[list[int]] | None = None
        self._text: list[str] | None = None
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(b"<all>", False)
            parser.Parse(self._content, False)
            parser.Parse(b"</all>", True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise SnippetError(f"this is no whole XML: {reason}.", self._column()) from None

    def _column(self) -> int:
        at = max(self._before + self._parser.CurrentByteIndex - len(b"<all>"), 0)
        return len(self._all[:at].decode(errors="replace"))

    def _refuse(self, *_: Any) -> NoReturn:
        raise SnippetError("a model has no DOCTYPE.", self._column())

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "layer":
                if len(self.layers) >= _MOST_LAYERS:
                    raise SnippetError(f"it has more than {_MOST_LAYERS} layers.", self._column())
                # A part of a model need not say who is who.
                identity = attributes.get("id", "")
                if identity in self.layers or not identity:
                    identity = f"{identity} {len(self.layers)}"
                self._layer = self.layers[identity] = _Layer(self._column(), attributes)
            case "data" if self._layer:
                self._layer.data.update(attributes)
            case "input" if self._layer:
                self._sizes = self._layer.inputs
            case "output" if self._layer:
                self._sizes = self._layer.outputs
            case "port" if self._sizes is not None:
                self._sizes.append([])
            case "dim":
                self._text = []
            case "edge":
                ends = (attributes.get(each, "") for each in ("from-layer", "to-layer", "to-port"))
                before, after, port = ends
                self.edges.append((before, after, port))

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if name == "dim" and self._text is not None and self._sizes:
            size = "".join(self._text).strip()
            if len(self._sizes[-1]) < _MOST_AXES:
                self._sizes[-1].append(int(size) if _NUMBER.fullmatch(size) else -1)
            self._text = None
        elif name in {"input", "output"}:
            self._sizes = None
        elif name == "layer":
            self._layer = None

    def adds_bias(self, identity: str) -> bool:
        """Whether a layer's output goes to nothing but a sum with one constant per channel."""
        after = [self.layers.get(to) for before, to, _ in self.edges if before == identity]
        if len(after) != 1 or after[0] is None or after[0].kind != "Add":
            return False
        target = next(to for before, to, _ in self.edges if before == identity)
        others = [before for before, to, _ in self.edges if to == target and before != identity]
        added = self._maker(others[0]) if len(others) == 1 else None
        if added is None or added.kind != "Const" or len(added.outputs) != 1:
            return False
        sizes, whole = added.outputs[0], self.layers[identity].outputs
        rank = len(whole[0]) - 2 if whole else len(sizes) - 2
        # Axes of one element at the beginning may be left out.
        return len(sizes) > rank > 0 and sizes[-rank:] == [1] * rank and max(sizes) > 1

    def _maker(self, identity: str) -> _Layer | None:
        """What makes what a layer hands on in another type."""
        layer = self.layers.get(identity)
        for _ in _HANDING_ON:
            if layer is None or layer.kind not in _HANDING_ON:
                break
            first = [before for before, to, port in self.edges if to == identity and port == "0"]
            identity = first[0] if first else ""
            layer = self.layers.get(identity)
        return layer


def _arguments(found: _Elements, identity: str, layer: _Layer) -> Iterator[Argument]:
    ports = dict(zip(("data", "filters", "output_shape"), layer.inputs, strict=False))
    for name in ("data", "filters"):
        if name in ports and (sizes := ports[name]) and min(sizes[1:], default=0) > 0:
            # The batch may be anything; it is one here.
            yield Argument(name, _array([max(sizes[0], 1), *sizes[1:]]), layer.column)
    if "output_shape" in ports:
        size = layer.outputs[0][2:] if layer.outputs else []
        is_known = bool(size) and min(size) >= 0
        value: Value = tuple(size) if is_known else Name("output_shape", layer.column)
        yield Argument("output_shape", value, layer.column)
    for name, text in layer.data.items():
        if name in _LISTS:
            yield Argument(name, _numbers(name, text, layer.column), layer.column)
        elif name == "auto_pad":
            yield Argument(name, text, layer.column)
    if found.adds_bias(identity):
        yield Argument("bias", _array([1]), layer.column)


def _array(sizes: Sequence[int]) -> Call:
    return Call(Name("zeros", 0), (Argument(None, tuple(sizes), 0),), 0)


def _numbers(name: str, text: str, column: int) -> tuple[int, ...]:
    parts = [each.strip() for each in text.split(",")] if text.strip() else []
    if not all(map(_NUMBER.fullmatch, parts)) or len(parts) > _MOST_AXES:
        raise SnippetError(f"{name} must be numbers with commas between, found {text!r}.", column)
    return tuple(map(int, parts))
