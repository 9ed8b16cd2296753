"""Write ``.h5`` for Keras: what ``load_weights`` takes, layer by layer in their order.

The names of its layers do not matter to Keras, their order does.
https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py

Keras 3's own layout, in ``.weights.h5`` and ``.keras``, has the model's structure in its names: it
is read, and written from names that have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from harness.weights.arrays import Array, Contents
from harness.weights.layouts import WeightsError

_LARGEST_ATTRIBUTE: Final = 64_000  # Bytes; HDF5 refuses 64 KiB and its own header
_KERAS_3: Final = re.compile(r".+/vars/\d+")


def write(h5py: ModuleType, part: Path, contents: Contents, path: Path) -> None:
    """Write the arrays into ``part``; ``path``, its name at the end, tells the layout."""
    arrays = contents.arrays
    is_new = path.name.lower().endswith(".weights.h5")
    foreign = [each for each in arrays if not _KERAS_3.fullmatch(each)]
    if is_new and foreign:
        raise WeightsError(
            f"{path}: {foreign[0]} is no name that Keras gives in .weights.h5 files, which hold "
            "the structure of the model. Write another .h5 file: load_weights takes it layer by "
            "layer; or a .npz file, for set_weights."
        )
    with h5py.File(part, "x") as file:
        if is_new:
            for each, array in arrays.items():
                file[each] = array
        else:
            _write_layers(file, arrays)


def _write_layers(file: Any, arrays: Mapping[str, Array]) -> None:
    layers: dict[str, list[str]] = {}
    for name in arrays:
        layers.setdefault(_layer(name), []).append(name)
    _save_texts(file, "layer_names", [*layers])
    for layer, names in layers.items():
        group = file.create_group(layer)
        _save_texts(group, "weight_names", names)
        for name in names:
            group[name] = arrays[name]


def _layer(name: str) -> str:
    """Return the layer that an array belongs to, by its name.

    >>> _layer("decoder.up.weight"), _layer("up/kernel:0"), _layer("weight")
    ('decoder.up', 'up', 'weight')
    """
    return re.sub(r"(?<=.)[./][^./]*$", "", name)


def _save_texts(group: Any, name: str, texts: Sequence[str]) -> None:
    """Save names as an attribute, or as several if they are too long for one."""
    encoded = [text.encode() for text in texts]
    each = max(map(len, encoded), default=1)
    count = max(1, _LARGEST_ATTRIBUTE // max(each, 1))
    if len(encoded) <= count:
        group.attrs[name] = np.array(encoded, dtype=f"S{max(each, 1)}")
        return
    for chunk, start in enumerate(range(0, len(encoded), count)):
        group.attrs[f"{name}{chunk}"] = np.array(encoded[start : start + count])
