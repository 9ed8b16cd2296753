"""Weights that PyTorch keeps in parts, because they are normalised or pruned: found and computed.

Names are compared without regard to their separators, which other formats replace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from harness.weights.layouts import WeightsError

if TYPE_CHECKING:
    from harness.weights.layouts import Array

# Computes the whole from its parts, of which the first has its shape; writes how, with their names.
Rule: TypeAlias = Callable[[Sequence["Array"], Sequence[str]], tuple["Array", str]]


def _weight_norm(parts: Sequence[Array], names: Sequence[str]) -> tuple[Array, str]:
    """Return ``g * v / ||v||``; the norm is over the axes that ``g`` does not have."""
    v, g = parts
    g = g.reshape((1,) * v.ndim) if g.size == 1 else g
    if g.ndim != v.ndim or any(a not in (1, b) for a, b in zip(g.shape, v.shape, strict=True)):
        raise WeightsError(f"{names[1]} of shape {g.shape} does not fit {names[0]} {v.shape}.")
    axes = tuple(axis for axis, size in enumerate(g.shape) if size == 1)
    norm = np.sqrt(np.square(v).sum(axis=axes, keepdims=True))
    over = ", ".join(map(str, axes))
    return g * v / norm, f"{names[1]} * {names[0]} / norm, over the axes {over} of {names[0]}"


def _spectral_norm(parts: Sequence[Array], names: Sequence[str]) -> tuple[Array, str]:
    """Return the weights divided by ``u W v``, where one of their axes is the rows of ``W``."""
    # MATLAB has no vectors, only rows and columns.
    w, u, v = parts[0], parts[1].ravel(), parts[2].ravel()
    matrices = {
        axis: np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)
        for axis in sorted(range(w.ndim), key=lambda each: each != 1)
        if (u.shape, v.shape) == ((w.shape[axis],), (w.size // max(w.shape[axis], 1),))
    }
    if not matrices:
        raise WeightsError(f"{names[1]} {u.shape} and {names[2]} {v.shape} do not fit {names[0]}.")
    # Of several axes the output channels', unless u and v are nearly singular vectors of another.
    axis = max(matrices, key=lambda each: _agreement(matrices[each], u, v) > 0.9)
    sigma = u @ matrices[axis] @ v
    return w / sigma, (
        f"{names[0]} / {sigma:.6g}, which is {names[1]} * W * {names[2]}, where W has the axis "
        f"{axis} as its rows"
    )


def _agreement(matrix: Array, u: Array, v: Array) -> float:
    """Return the largest cosine between ``u`` and ``W v`` or ``v`` and ``u W``."""
    lengths = np.linalg.norm(matrix @ v), np.linalg.norm(u @ matrix)
    return float(abs(u @ matrix @ v) / max(min(lengths), np.finfo(float).tiny))


def _pruned(parts: Sequence[Array], names: Sequence[str]) -> tuple[Array, str]:
    if parts[0].shape != parts[1].shape:
        raise WeightsError(f"{names[1]} {parts[1].shape} does not fit {names[0]}.")
    return parts[0] * parts[1], " * ".join(names)


# torch.nn.utils.weight_norm, spectral_norm and prune, and the parametrizations of these names.
_RULES: Final[tuple[tuple[tuple[str, ...], Rule], ...]] = (
    (("{}_v", "{}_g"), _weight_norm),
    (("parametrizations_{}_original1", "parametrizations_{}_original0"), _weight_norm),
    (("{}_orig", "{}_u", "{}_v"), _spectral_norm),
    (
        ("parametrizations_{}_original", "parametrizations_{}_0__u", "parametrizations_{}_0__v"),
        _spectral_norm,
    ),
    (("{}_orig", "{}_mask"), _pruned),
)
# Whatever such tools, Chainer's hooks or TensorFlow Addons' layer put next to a layer's arrays.
_PART: Final = re.compile(
    r"(?:^|_)(?:parametrizations_.+|(?:weight|bias|W)_(?:g|v|u|orig|mask|bar|gamma)"
    r"|weight_normalization_.+)$"
)


@dataclass(frozen=True)
class Fold:
    """The names of an array's parts in a file, the first of its shape, and how it is computed."""

    parts: tuple[str, ...]
    rule: Rule

    def computed(self, arrays: Mapping[str, Array]) -> tuple[Array, str]:
        """Compute the array in double precision, and write how."""
        dtype = arrays[self.parts[0]].dtype
        if dtype.kind != "f":
            raise WeightsError(
                f"{self.parts[0]} is no array of float16, float32 or float64, so its product with "
                f"{', '.join(self.parts[1:])} is not computed: convert it to float32 first."
            )
        double = [np.asarray(arrays[name], "float64") for name in self.parts]
        with np.errstate(all="ignore"):  # 0 / 0 is what PyTorch computes, too.
            array, how = self.rule(double, self.parts)
        return array.astype(dtype), how


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name)


def folds(arrays: Mapping[str, object]) -> dict[str, Fold]:
    """Find what a file holds in parts, by the name that the whole would have.

    >>> folds({"up.weight_g": ..., "up.weight_v": ..., "up.bias": ...})["up.weight"].parts
    ('up.weight_v', 'up.weight_g')
    """
    return dict(_folds({_plain(name): name for name in arrays}))


def _folds(names: Mapping[str, str]) -> Iterator[tuple[str, Fold]]:
    for patterns, rule in _RULES:
        for whole in ("weight", "bias"):
            first, *others = (pattern.format(whole) for pattern in patterns)
            for plain, name in names.items():
                stem = plain.removesuffix(first)
                parts = [name, *(names.get(stem + other, "") for other in others)]
                if stem != plain and stem[-1:] in ("", "_") and all(parts):
                    yield name[: len(stem)] + whole, Fold(tuple(parts), rule)


def unknown_part(name: str, arrays: Mapping[str, object]) -> str | None:
    """Return an array that seems a part of the same layer's weights or bias, if there is one."""
    stem = _plain(name).rpartition("_")[0]
    for each in (name, *arrays):
        part = _PART.search(_plain(each))
        if part and (each == name or _plain(each)[: part.start()] == stem):
            return each
    return None
