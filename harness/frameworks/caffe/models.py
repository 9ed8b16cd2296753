"""Caffe's models: the ``Deconvolution`` layers of a ``.prototxt``.

https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.convention.layers import Found, Layer, Refused
from harness.core.bounded import MIB, read_bytes
from harness.core.errors import InputError
from harness.frameworks.caffe.calls import LAYER
from harness.syntax.caffe_net import KIND, NetLayer
from harness.syntax.caffe_net import layers as layers_of
from harness.syntax.tree import SnippetError, Value

_MOST_BYTES: Final = 4 * MIB
_LAYERS: Final = re.compile(rb"\blayers?\s*:?\s*[{<]")


def is_model(path: Path) -> bool:
    """Whether a file has layers, as a solver or a list of labels has not."""
    try:
        return _LAYERS.search(read_bytes(path, _MOST_BYTES)) is not None
    except OSError:
        return False


def layers(path: Path) -> Iterator[Found]:
    """Yield the ``Deconvolution`` layers of a net."""
    try:
        text = read_bytes(path, _MOST_BYTES).decode("utf-8-sig", "replace")
        yield from map(_found, layers_of(text))
    except SnippetError as error:
        raise InputError(f"{path.name}: {error.fact}", error.place) from None


def _found(layer: NetLayer) -> Found:
    if layer.kind != KIND:
        return Refused(layer.name, f"{layer.kind} is no layer of Caffe's that is read here.")
    arguments: dict[str, Value] = {"num_axes": layer.axes or 4}
    notes = []
    for name, value in layer.settings.items():
        if LAYER.parameter(name) is None or name in {"num_axes", "in_channels"}:
            notes.append(f"{name}: a setting that is not in the answer.")
        else:
            arguments[name] = value
    return Layer(layer.name, LAYER, arguments, tuple(notes), layer.in_channels)
