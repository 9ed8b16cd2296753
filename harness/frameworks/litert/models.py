"""LiteRT models (``.tflite``): ``TRANSPOSE_CONV`` and ``CONV_3D_TRANSPOSE``.

The few tables that are needed are read here: LiteRT's own package has the schema, and brings the
whole runtime with it.

https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.layers import Found, Layer, Refused, array_of, sizes_in
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.core.bounded import MIB, head_of, mapped
from harness.core.errors import InputError
from harness.core.flatbuffer import FlatbufferError, Table
from harness.core.operators import Sizes
from harness.frameworks.litert.calls import PADDINGS, Options, fused, read_operator
from harness.syntax.tree import Value

_MOST_BYTES: Final = 16384 * MIB
_MOST_TABLES: Final = 500_000  # Of operators, in all subgraphs
_MOST_AXES: Final = 8
_IDENTIFIER: Final = b"TFL3"
_TRANSPOSE_CONV, _CONV_3D_TRANSPOSE, _CUSTOM = 67, 141, 32
_ALIKE: Final = re.compile(r"(?i)conv\w*transpose|transpose\w*conv|deconv")
_FLOAT32, _INT32 = 0, 2  # Types of tensors


# The call.


_PARAMETERS: Final = (
    Parameter("input", "x, NHWC"),
    Parameter("weights", "w, OHWI; with three axes DHWOI"),
    Parameter("output_shape", "shape of the output, NHWC, which chooses the crop"),
    Parameter("bias", "b", None),
    Parameter(
        "padding",
        "'VALID': nothing is cropped at the beginning; 'SAME': half of the crop, rounded down",
        "SAME",
    ),
    Parameter("strides", "stride"),
    Parameter("dilations", "dilation; three axes only", 1),
)


def _read(given: Arguments) -> Reading:
    rank = given.form.rank or 2
    given = given.with_input_in_text(channels_last=True)
    weight = given.array_shape("weights")
    order = (-1, 0, *range(1, rank + 1)) if rank == 2 else (-1, -2, *range(rank))
    canonical = None if weight is None else tuple(weight[place] for place in order)
    options = Options(
        given.choice("padding", "SAME", "VALID"),
        given.per_axis("strides", rank),
        given.per_axis("dilations", rank),
        bias=given.has("bias"),
    )
    return read_operator(given, canonical, options)


_DOCS: Final = "https://ai.google.dev/edge/litert/models/ops_compatibility"
_FORMS: Final = {
    kind: Form(f"LiteRT {name}", (), "function", rank, _PARAMETERS, _DOCS, _read)
    for kind, name, rank in (
        (_TRANSPOSE_CONV, "TRANSPOSE_CONV", 2),
        (_CONV_3D_TRANSPOSE, "CONV_3D_TRANSPOSE", 3),
    )
}


# The file.


def is_model(path: Path) -> bool:
    """Whether a file has the format's identifier."""
    return head_of(path, 8)[4:] == _IDENTIFIER


def layers(path: Path) -> Iterator[Found]:
    """Yield the transposed convolutions of a model."""
    with mapped(path, _MOST_BYTES) as content:
        try:
            yield from _layers(Table.root(content))
        except FlatbufferError as error:
            raise InputError(f"{path.name} is no whole LiteRT model: {error}") from None


def _layers(model: Table) -> Iterator[Found]:
    kinds = [_kind(code) for code, _ in zip(model.tables(1), range(_MOST_TABLES), strict=False)]
    left = _MOST_TABLES
    for graph in model.tables(2):
        left -= graph.count(3) + 1
        if left < 0:
            raise FlatbufferError(f"it has more than {_MOST_TABLES} operators.")
        for operator in graph.tables(3):
            place = operator.number(0, "I")
            if place >= len(kinds):
                raise FlatbufferError(f"an operator has the code {place} of {len(kinds)}.")
            kind, custom = kinds[place]
            if kind in _FORMS:
                yield _Operator(model, graph, operator, kind).layer()
            elif kind == _CUSTOM and _ALIKE.search(custom):
                name = _Operator(model, graph, operator, kind).name
                yield Refused(name, f"{custom} is an operator of its own, which is not read.")


def _kind(code: Table) -> tuple[int, str]:
    """Return an operator's code, and its name where it is nobody's here."""
    # Codes above 127 stand in a field that older files lack.
    kind = max(code.number(0, "b"), code.number(3))
    return kind, code.text(1) if kind == _CUSTOM else ""


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]  # 1 for a size that is not known
    is_known: bool
    type: int
    table: Table


@dataclass(frozen=True)
class _Operator:
    """An operator of a graph, and its tensors."""

    model: Table
    graph: Table
    operator: Table
    kind: int

    @property
    def name(self) -> str:
        """The name of its output, which is what the operator is known by."""
        output = self._tensor(2, 0)
        return output.name if output else ""

    def _tensor(self, field: int, place: int) -> _Tensor | None:
        """Return a tensor of the inputs (field 1) or the outputs (field 2)."""
        indices = self.operator.numbers(field, 1000) or ()
        if place >= len(indices) or indices[place] < 0:
            return None
        table = self.graph.item(0, indices[place])
        shape = table.numbers(0, _MOST_AXES) or ()
        signature = table.numbers(7, _MOST_AXES) or shape
        # The batch may be anything; it is one here.
        is_known = min(signature[1:], default=-1) > 0 and min(shape, default=0) > 0
        return _Tensor(table.text(3), shape, is_known, table.number(1, "b"), table)

    def layer(self) -> Found:
        """Return the operator as a call."""
        form = _FORMS[self.kind]
        rank = form.rank or 0
        shape, weights, x, bias = (self._tensor(1, place) for place in range(4))
        output = self._tensor(2, 0)
        options = self.operator.table(4)
        if weights is None or x is None or options is None:
            return Refused(self.name, "it has no weights, no input or no options.")
        held, notes = self._held(shape), [*self._notes(options, x)]
        size = held or (output.shape if output and output.is_known else None)
        if held is None:
            notes.append(
                "output_shape is computed when the model runs: the shape that the file says the "
                "output has is taken."
            )
        if size is None or len(size) != rank + 2:
            return Refused(
                self.name,
                "output_shape is computed when the model runs: convert it with a fixed size of "
                "its input.",
            )
        if len(x.shape) != rank + 2 or len(weights.shape) != rank + 2:
            return Refused(self.name, f"its tensors do not have {rank + 2} axes.")
        arguments: dict[str, Value] = {"output_shape": size, **dict(self._options(options))}
        if sizes_in(weights.shape):
            arguments["weights"] = array_of(weights.shape)
        if x.is_known:
            arguments["input"] = array_of(x.shape)
        if bias is not None:
            arguments["bias"] = array_of((max(weights.shape[0], 1),))
        return Layer(self.name, form, arguments, tuple(notes))

    def _held(self, tensor: _Tensor | None) -> Sizes | None:
        """Return the integers that a tensor holds in the file."""
        if tensor is None or tensor.type != _INT32 or len(tensor.shape) != 1:
            return None
        data = self.model.item(4, tensor.table.number(2, "I")).octets(0)
        if not data or len(data) > 4 * _MOST_AXES or len(data) % 4:
            return None
        return struct.unpack(f"<{len(data) // 4}i", data)

    def _options(self, options: Table) -> Iterator[tuple[str, Value]]:
        padding = options.number(0, "b")
        yield "padding", PADDINGS[padding] if padding in {0, 1} else str(padding)
        if self.kind == _TRANSPOSE_CONV:
            yield "strides", (options.number(2), options.number(1))
        else:
            yield "strides", (options.number(1), options.number(3), options.number(2))
            yield "dilations", tuple(options.number(field, default=1) for field in (5, 7, 6))

    def _notes(self, options: Table, x: _Tensor) -> Iterator[str]:
        activation = options.number(3 if self.kind == _TRANSPOSE_CONV else 4, "b")
        if activation:
            yield fused(activation)
        if x.type != _FLOAT32:
            yield "It is quantised: the answer is about the numbers that its integers stand for."
