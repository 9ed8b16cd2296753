"""MATLAB's ``Cropping``: numbers, rows and ``'same'``, and what they remove at each end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from harness.convention.arguments import Arguments
from harness.convention.values import integers, same_crop
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import written
from harness.syntax.tree import Value

Pairs: TypeAlias = tuple[tuple[int, int], ...]

_TAKES: Final = {
    1: "one number, [l r] or 'same'",
    2: "one number, [a b] for both ends of each axis, [t b l r] or 'same'",
    3: "one number, [a b c] for both ends of each axis, [t l f; b r bk] or 'same'",
}


def function_crop(
    given: Arguments, kernel: Sequence[int], stride: Sizes, dilation: Sizes
) -> tuple[Pairs, list[str]]:
    """Return the crop that ``dltranspconv`` is given, and notes."""
    value = given.value("Cropping")
    if _is_same(value, given, "Cropping"):
        return _same([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)], stride)
    rank = len(kernel)
    crop = _pairs(given, "Cropping", rank, layer=False)
    if crop is None:
        raise given.error(
            f"Cropping {written(value)}: dltranspconv takes one number, {rank} for {rank} spatial "
            f"{'axis' if rank == 1 else 'axes'}, a row of beginnings over a row of ends, or "
            "'same'.",
            "Cropping",
        )
    return crop, []


def _pairs(given: Arguments, name: str, rank: int, *, layer: bool) -> Pairs | None:
    """Read one number, one for each axis, or a row of beginnings over a row of ends.

    A layer takes such rows for three axes only, and the ends axis by axis for fewer.
    """
    value = given.value(name)
    if not isinstance(value, tuple):
        return tuple((side, side) for side in given.per_axis(name, rank, least=0))
    rows = [row for row in value if isinstance(row, tuple)]
    if rows:
        if not len(rows) == len(value) == 2 or (layer and rank != 3):
            return None
        begins, ends = (_sides(given, name, row) for row in rows)
        return tuple(zip(begins, ends, strict=True)) if len(begins) == len(ends) == rank else None
    sides = _sides(given, name, value)
    if layer and rank < 3 and len(sides) == 2 * rank:
        return tuple(zip(sides[::2], sides[1::2], strict=True))
    fits = len(sides) == rank and (rank > 1 or not layer)
    return tuple((side, side) for side in sides) if fits else None


def layer_crop(given: Arguments, kernel: Sequence[int], stride: Sizes) -> tuple[Pairs, list[str]]:
    """Return the crop that a layer is given, or has as its properties, and notes."""
    mode = given.value("CroppingMode")
    if not isinstance(mode, str) or mode.lower() not in {"manual", "same"}:
        raise given.error(
            f"CroppingMode is 'manual' or 'same', not {written(mode)}.", "CroppingMode"
        )
    name = "CroppingSize" if "CroppingSize" in given.given else "Cropping"
    value = given.value(name)
    if mode.lower() == "same" or _is_same(value, given, name):
        return _same(kernel, stride)
    rank = len(kernel)
    crop = _pairs(given, name, rank, layer=True)
    if crop is None:
        raise given.error(
            f"{name} {written(value)}: transposedConv{rank}dLayer takes {_TAKES[rank]}.", name
        )
    return crop, []


def _sides(given: Arguments, name: str, value: Value) -> Sizes:
    sides = integers(name, value, given.given[name].column if name in given.given else 0)
    if min(sides, default=0) < 0:
        raise given.error(f"{name} {list(sides)} must be nonnegative.", name)
    return sides


def _is_same(value: Value, given: Arguments, name: str) -> bool:
    if isinstance(value, str) and value.lower() != "same":
        raise given.error(f"{name} {value!r}: the only word that it takes is 'same'.", name)
    return isinstance(value, str)


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
