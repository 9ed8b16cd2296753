"""MATLAB's ``Cropping``: numbers, rows and ``'same'``, and what they remove at each end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import Pairs, integers, same_crop
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import written
from harness.syntax.tree import Value

_TAKES: Final = {
    1: "one number, [l r] or 'same'",
    2: "one number, [a b] for both ends of each axis, [t b l r] or 'same'",
    3: "one number, [a b c] for both ends of each axis, [t l f; b r bk] or 'same'",
}
_ROWS: Final = "a row of beginnings over a row of ends, or 'same'"


def read_crop(
    given: Arguments, kernel: Sequence[int], stride: Sizes, dilation: Sizes
) -> tuple[Pairs, list[str]]:
    """Return the crop that a call is given, or a layer has as its properties, and notes."""
    rank, is_layer = len(kernel), given.form.style == "layer"
    name = "CroppingSize" if "CroppingSize" in given.given else "Cropping"
    mode, value = given.value("CroppingMode") if is_layer else "manual", given.value(name)
    if not isinstance(mode, str) or mode.lower() not in {"manual", "same"}:
        raise given.error(
            f"CroppingMode is 'manual' or 'same', not {written(mode)}.", "CroppingMode"
        )
    if isinstance(value, str) and value.lower() != "same":
        raise given.error(f"{name} {value!r}: the only word that it takes is 'same'.", name)
    if mode.lower() == "same" or isinstance(value, str):
        return _same([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)], stride)
    crop = _pairs(given, name, rank, is_layer=is_layer)
    if crop is None:
        axes = f"{rank} for {rank} spatial {'axis' if rank == 1 else 'axes'}"
        takes = (
            f"transposedConv{rank}dLayer takes {_TAKES[rank]}"
            if is_layer
            else f"dltranspconv takes one number, {axes}, {_ROWS}"
        )
        raise given.error(f"{name} {written(value)}: {takes}.", name)
    return crop, []


def _pairs(given: Arguments, name: str, rank: int, *, is_layer: bool) -> Pairs | None:
    """Read one number, one for each axis, or a row of beginnings over a row of ends.

    A layer takes such rows for three axes only, and the ends axis by axis for fewer.
    """
    value = given.value(name)
    if not isinstance(value, tuple):
        return tuple((side, side) for side in given.per_axis(name, rank, least=0))
    rows = [row for row in value if isinstance(row, tuple)]
    if rows:
        if not len(rows) == len(value) == 2 or (is_layer and rank != 3):
            return None
        begins, ends = (_sides(given, name, row) for row in rows)
        return tuple(zip(begins, ends, strict=True)) if len(begins) == len(ends) == rank else None
    sides = _sides(given, name, value)
    if is_layer and rank < 3 and len(sides) == 2 * rank:
        return tuple(zip(sides[::2], sides[1::2], strict=True))
    fits = len(sides) == rank and (rank > 1 or not is_layer)
    return tuple((side, side) for side in sides) if fits else None


def _sides(given: Arguments, name: str, value: Value) -> Sizes:
    sides = integers(name, value, given.given[name].column if name in given.given else 0)
    if min(sides, default=0) < 0:
        raise given.error(f"{name} {list(sides)} must be nonnegative.", name)
    return sides


def _same(effective: Sequence[int], stride: Sequence[int]) -> tuple[Pairs, list[str]]:
    """Return the crop of ``'same'``; where it is more than a promised size, say whose rule it is.

    MathWorks' own exporter writes it as Keras's ``padding="same"``.
    """
    return same_crop(
        effective,
        stride,
        odd="Cropping 'same': the document promises the output's size only; the odd element goes "
        "from the end, as in TensorFlow.",
        missing="Cropping 'same' with a stride above the filter: the document promises the "
        "output's size only; what is missing is added at the end, as in TensorFlow.",
    )
