"""NumPy's arrays in the structure of a pickle, whose elements stand in the pickle itself.

So ``paddle.save`` and ``pickle.dump`` of a dictionary of arrays write them; nothing is executed to
read them: https://github.com/numpy/numpy/blob/main/numpy/_core/src/multiarray/methods.c
(``array_reduce``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.core.pickles import Made

_MADE_BY: Final = {f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")}
_TYPE: Final = re.compile(r"[biufc](?:1|2|4|8|16)")
_DEEPEST: Final = 30  # Dictionaries in dictionaries
_MOST_VISITS: Final = 1_000_000
_MOST_AXES: Final = 32


@dataclass(frozen=True)
class PickledArray:
    """An array's type as NumPy writes it, such as ``<f4``, its shape, and its elements' bytes."""

    dtype: str
    shape: tuple[int, ...]
    is_fortran: bool  # Whether the first axis is the fastest
    data: bytes


def pickled_arrays(value: Any) -> Iterator[tuple[str, PickledArray | None]]:
    """Yield the arrays in a pickle's structure by their names, and names of what is none.

    Names of dictionaries in dictionaries are joined by dots.

    Raises
    ------
    ValueError
        Where an array is damaged, or there is no end of values.
    """
    left = _MOST_VISITS

    def walk(value: Any, name: str, depth: int) -> Iterator[tuple[str, PickledArray | None]]:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise ValueError(
                f"it holds more than {_MOST_VISITS} values, or {_DEEPEST} in each other."
            )
        array = _array(value)
        if array is not None:
            yield name or "weight", array
        elif isinstance(value, Mapping):
            for key, each in value.items():
                yield from walk(each, f"{name}.{key}" if name else str(key), depth + 1)
        elif name:
            yield name, None

    return walk(value, "", 0)


def _array(value: Any) -> PickledArray | None:
    if isinstance(value, Made) and value.by.last == "tuple" and len(value.arguments) == 1:
        value = value.arguments[0]  # As PaddlePaddle pickles a tensor
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        value = value[1]  # With its name in the program
    if not isinstance(value, Made) or value.by.name not in _MADE_BY:
        return None
    if not isinstance(value.state, tuple) or len(value.state) != 5:
        raise ValueError("an array in it is damaged.")
    _, shape, dtype, is_fortran, data = value.state
    kind, elements = _dtype(dtype), _bytes(data)
    is_shape = isinstance(shape, tuple) and len(shape) <= _MOST_AXES
    if not is_shape or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("an array in it has a shape that is none.")
    wanted = math.prod(shape) * int(kind[2:])
    if len(elements) != wanted:
        raise ValueError(f"an array {list(shape)} in it has {len(elements)} bytes, not {wanted}.")
    return PickledArray(kind, shape, is_fortran is True, elements)


def _dtype(value: Any) -> str:
    name = value.arguments[0] if isinstance(value, Made) and value.arguments else None
    state = value.state if isinstance(value, Made) else None
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "|"
    if not isinstance(name, str) or not _TYPE.fullmatch(name) or order not in ("<", ">", "|", "="):
        raise ValueError("an array in it is not of numbers.")
    return f"{order}{name}"


def _bytes(value: Any) -> bytes:
    """Return bytes, which the oldest pickles keep as text."""
    if isinstance(value, Made) and value.by.name == "_codecs.encode" and value.arguments:
        value = value.arguments[0]
        value = value.encode("latin1") if isinstance(value, str) else value
    elif isinstance(value, Made) and value.by.last == "bytes" and not value.arguments:
        value = b""
    return value if isinstance(value, bytes) else b""
