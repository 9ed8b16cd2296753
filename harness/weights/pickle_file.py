"""``.pdparams``: a pickle of a dictionary of arrays, read without executing it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from harness.core.bounded import MIB
from harness.core.pickled_arrays import PickledArray, pickled_arrays
from harness.core.pickles import PickleError, unpickled
from harness.weights.arrays import MOST_ARRAYS, Array, Contents
from harness.weights.layouts import WeightsError

_MOST_BYTES: Final = 4096 * MIB
_ADVICE: Final = "; what is read is a dictionary of arrays, such as a layer's state_dict()."


def read(path: Path) -> Contents:
    """Read the arrays of a file; what else it holds is left out."""
    try:
        with path.open("rb") as stream:
            value = unpickled(stream, most_bytes=_MOST_BYTES)
    except PickleError as error:
        raise WeightsError(f"{path} cannot be read: " + str(error).rstrip(".") + _ADVICE) from None
    entries = list(pickled_arrays(value))
    if len(entries) > MOST_ARRAYS:
        raise WeightsError(f"{path} holds more than {MOST_ARRAYS} arrays.")
    if twice := [name for name, count in Counter(name for name, _ in entries).items() if count > 1]:
        raise WeightsError(f"{path} holds two entries of the name {twice[0]}.")
    arrays = {name: _array(stored) for name, stored in entries if stored is not None}
    if not arrays:
        raise WeightsError(f"{path} holds no arrays" + _ADVICE)
    return Contents(arrays, left_out=tuple(name for name, stored in entries if stored is None))


def _array(stored: PickledArray) -> Array:
    elements = np.frombuffer(stored.data, stored.dtype)
    return elements.reshape(stored.shape, order="F" if stored.is_fortran else "C")
