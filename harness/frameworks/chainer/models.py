"""Chainer's ``.npz``: the arrays of a model or a trainer, of which the shapes are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.convention.layers import Found, check_weights
from harness.core.archives import archive, member_head
from harness.core.bounded import MIB, head_of
from harness.core.errors import InputError
from harness.core.operators import Sizes

_MOST_BYTES: Final = 16384 * MIB
_MOST_ARRAYS: Final = 100_000
_HEADER: Final = 1024  # Bytes of an array's file that say its shape
# https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
_SHAPE: Final = re.compile(rb"\x93NUMPY.{4,6}\{.*?'shape'\s*:\s*\(([\d\s,]{0,200})\)", re.DOTALL)
_WEIGHTS: Final = re.compile(r"(?:.*/)?W\.npy")  # What Chainer calls them


def is_model(path: Path) -> bool:
    """Whether an archive holds an array that is called as Chainer's weights are."""
    if head_of(path, 4) != b"PK\x03\x04":
        return False
    try:
        with archive(path, _MOST_BYTES) as opened:
            return any(map(_WEIGHTS.fullmatch, opened.namelist()))
    except (InputError, OSError):
        return False


def layers(path: Path) -> Iterator[Found]:
    """Yield nothing, or raise what the arrays' shapes tell: nothing says how a layer is set."""
    yield from ()
    shapes: dict[str, Sizes] = {}
    with archive(path, _MOST_BYTES) as opened:
        for name in opened.namelist()[:_MOST_ARRAYS]:
            if shape := _SHAPE.match(member_head(opened, name, _HEADER)):
                shapes[name.removesuffix(".npy")] = tuple(map(int, re.findall(rb"\d+", shape[1])))
    check_weights(path.name, shapes)
