"""Requests to our own worker, written such that reading them takes it next to no time."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.engines import worker

_GUARD: Final = 1024  # Bytes before, between and after arrays
_GAP: Final = bytes([worker.POISON]) * (_GUARD + worker.ALIGN)
_FORMAT: Final = 2  # Of Python's own, which any version of it reads
_SMALL: Final = 2**14  # Bytes that are joined, because each part costs as much as copying them


@dataclass(frozen=True)
class Image:
    """Arrays as they are to lie in a worker's memory, with guards around them."""

    # Of each array its name, dtype, shape, place and number of bytes.
    layout: tuple[tuple[str, str, tuple[int, ...], int, int], ...]
    size: int
    nbytes: int  # Of the arrays alone
    parts: tuple[Any, ...]  # Guards and arrays, in turn

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Image:
        """Lay out arrays.

        >>> import numpy as np
        >>> image = Image.of({"x": np.ones((2, 3), "f4"), "b": np.ones(3, "f4")})
        >>> image.layout, image.size
        ((('x', '<f4', (2, 3), 1024, 24), ('b', '<f4', (3,), 2112, 12)), 3148)
        """
        layout, parts, end, total = [], [], 0, 0
        for name, array in arrays.items():
            ready = worker.ordered(array)
            nbytes = ready.nbytes
            place = end + -end % worker.ALIGN + _GUARD
            dtype = worker.short_name(ready.dtype)
            layout.append((name, dtype, ready.shape, place, nbytes))
            parts += [_GAP[: place - end], worker.bytes_of(ready)]
            end = place + nbytes
            total += nbytes
        last = _GAP[:_GUARD] if layout else b""
        return cls(tuple(layout), end + len(last), total, (*parts, last))


def written(message: Mapping[str, Any], image: Image) -> list[Any]:
    """Return the bytes of a request, in parts; of its arrays, unless they are lent."""
    about = marshal.dumps({**message, "layout": image.layout, "size": image.size}, _FORMAT)
    size = 0 if "lent" in message else image.size
    parts = [worker.SIZES.pack(len(about), size), about, *(image.parts if size else ())]
    return [b"".join(parts)] if size <= _SMALL else parts
