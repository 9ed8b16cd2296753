"""PaddlePaddle's ``.pdparams``: a pickle of arrays, of which the shapes are read, not executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.convention.layers import Found, check_weights
from harness.core.bounded import MIB, head_of, size_of
from harness.core.errors import InputError
from harness.core.pickled_arrays import pickled_arrays
from harness.core.pickles import unpickled

_MOST_BYTES: Final = 4096 * MIB
_ADVICE: Final = "; paddle.save(layer.state_dict(), 'model.pdparams') writes what is read"


def is_model(path: Path) -> bool:
    """Whether a file begins as a pickle does."""
    return path.suffix.lower() == ".pdparams" and head_of(path, 1) == b"\x80"


def layers(path: Path) -> Iterator[Found]:
    """Yield nothing, or raise what the arrays' shapes tell: nothing says how a layer is set."""
    yield from ()
    size_of(path, _MOST_BYTES)
    try:
        with path.open("rb") as stream:
            value = unpickled(stream, most_bytes=_MOST_BYTES)
        shapes = {name: array.shape for name, array in pickled_arrays(value) if array is not None}
    except ValueError as error:
        raise InputError(f"{path.name}: " + str(error).rstrip(".") + f"{_ADVICE}.") from None
    check_weights(path.name, shapes)
