"""Convert a file of weights: find the weights and their biases, convert them, write the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.convention.registry import convention
from harness.core.errors import Ask, asked, named
from harness.weights.files import Contents, dtype_name, read, suffix_of, write
from harness.weights.layouts import (
    LayoutChange,
    WeightsError,
    channels,
    layout,
    rank_of,
    readings,
)

if TYPE_CHECKING:
    from harness.weights.layouts import Array

_BIAS_NAMES: Final = {"b", "bias", "biases"}


@dataclass(frozen=True)
class Move:
    """The conversion of one array: its name, pattern, shapes before and after, and type."""

    name: str
    pattern: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Conversion:
    """The result of converting a file."""

    moves: tuple[Move, ...]
    copied: tuple[str, ...]  # Names of the arrays that were copied unchanged
    renamed: Mapping[str, str]  # New names by old ones, if the format does not allow the old one
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One line per converted array, then copied and renamed arrays and the notes."""
        name = max((len(move.name) for move in self.moves), default=0)
        shown = max((len(move.pattern) for move in self.moves), default=0)
        lines = [
            f"{move.name:<{name}}  {move.pattern:<{shown}}  {_shape(move.before)} -> "
            f"{_shape(move.after)}  {move.dtype}"
            for move in self.moves
        ]
        if self.copied:
            lines.append(f"copied as they are: {', '.join(self.copied)}")
        lines += [f"renamed: {old} -> {new}" for old, new in self.renamed.items()]
        return "\n".join([*lines, *self.notes])


def convert_file(
    path: Path,
    out: Path,
    source: str,
    target: str,
    *,
    groups: int = 1,
    rank: int | None = None,
    weight_names: Sequence[str] = (),
    bias_names: Sequence[str] = (),
) -> Conversion:
    """Convert the weights of transposed convolutions in a file; copy the other arrays.

    Parameters
    ----------
    path, out : Path
        Two different files, whose suffixes determine the formats.
    source, target : str
        The frameworks whose layouts the arrays have, and shall have.
    groups : int
    rank : int, optional
        Number of spatial axes, if a MATLAB file leaves it open.
    weight_names : sequence of str
        By default the only array of three axes or more.
    bias_names : sequence of str
        One for each of ``weight_names``; by default the only vector that fits each weight.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     given, out = Path(folder, "up.npz"), Path(folder, "out.npz")
    ...     np.savez(given, weight=np.zeros((64, 32, 4, 5), "float32"), bias=np.zeros(32))
    ...     print(convert_file(given, out, "pytorch", "tensorflow").text)
    weight  IOHW -> HWOI  64x32x4x5 -> 4x5x32x64  float32
    bias    O -> O        32 -> 32  float64
    """
    for framework in (source, target):
        convention(framework)
    for each in (path, out):
        suffix_of(each)
    if out.exists() and path.exists() and out.samefile(path):
        raise WeightsError(f"{out} is the file that is read; write another one.")
    layout(source, groups=groups)
    job = _Job(path, read(path), source, target, groups, rank)
    done = [each for pair in job.pairs(weight_names, bias_names) for each in job.converted(*pair)]
    moved = {move.name: array for move, array in done}
    moves = tuple(move for move, _ in done)
    arrays = job.contents.arrays
    renamed = write(out, replace(job.contents, arrays={**arrays, **moved}))
    copied = tuple(name for name in arrays if name not in moved)
    return Conversion(moves, copied, renamed, _notes(out, moves))


@dataclass(frozen=True)
class _Job:
    """The requested conversion of one file."""

    path: Path
    contents: Contents
    source: str
    target: str
    groups: int
    rank: int | None

    def error(self, fact: str) -> WeightsError:
        return WeightsError(f"{self.path}: {fact}")

    def out_channels(self, shape: Sequence[int]) -> int:
        return channels(shape, self.source, self.groups)[1]

    def pairs(
        self, weight_names: Sequence[str], bias_names: Sequence[str]
    ) -> list[tuple[str, str | None]]:
        """Return the names of the weights to convert, each with its bias if one is named."""
        named = [*weight_names, *bias_names]
        for name in named:
            if name not in self.contents.arrays:
                listing = _listing(self.contents.arrays)
                raise WeightsError(f"{self.path} holds no array {name!r}, but {listing}.")
        if len(named) != len(set(named)):
            raise WeightsError("each name of an array can be given once.")
        weights = list(weight_names) or [self._only_weight()]
        if bias_names and len(bias_names) != len(weights):
            raise WeightsError(
                f"{len(bias_names)} names of biases for {len(weights)} of weights: give one for "
                "each."
            )
        biases: Sequence[str | None] = bias_names or [None] * len(weights)
        return list(zip(weights, biases, strict=True))

    def _only_weight(self) -> str:
        # The bias of a MATLAB layer has three axes or more, too.
        arrays = self.contents.arrays
        candidates = {
            name: array
            for name, array in arrays.items()
            if array.ndim >= 3 and not _is_vector(array)
        }
        if len(candidates) != 1:
            which = _listing(candidates) if candidates else f"none, but {_listing(arrays)}"
            raise WeightsError(
                f"{self.path} should hold one array of three axes or more, the weights; it holds "
                f"{which}. " + asked(Ask.WEIGHT_NAME, "NAME", "Add") + "."
            )
        return next(iter(candidates))

    def converted(self, weight: str, bias: str | None) -> Iterator[tuple[Move, Array]]:
        """Yield the converted weights, then their bias if there is one."""
        whole = self._whole(weight, bias)
        try:
            change = self._change(rank_of(whole.ndim, self.source, self.groups))
            array = change.converted(whole)
        except WeightsError as error:
            raise self.error(f"{weight}: {error}") from None
        yield _move(weight, change.pattern, whole, array), array
        bias = bias or self._default_bias(weight, whole.shape)
        if bias is None:
            return
        vector, c_out = self.contents.arrays[bias], self.out_channels(whole.shape)
        if vector.size != c_out or not _is_vector(vector):
            raise self.error(
                f"{bias} of shape {vector.shape} is no bias of {weight}, which has {c_out} output "
                "channels."
            )
        array = change.converted_bias(vector)
        yield _move(bias, change.bias_pattern, vector, array), array

    def _change(self, rank: int = 2) -> LayoutChange:
        return LayoutChange(self.source, self.target, rank, self.groups)

    def _whole(self, weight: str, bias: str | None) -> Array:
        """Restore the axes of one element that MATLAB dropped at the end of the weights' shape."""
        array = self.contents.arrays[weight]
        possible = readings(array.shape, self.source, self.groups)
        if self.rank is not None:
            if self.rank not in possible:
                raise self.error(
                    f"{weight} of shape {array.shape} cannot be "
                    f"{layout(self.source, self.rank, self.groups)} with {self.groups} groups."
                )
            return array.reshape(possible[self.rank])
        # If the last axis has one element, none was dropped.
        if not self.contents.is_cut or (array.ndim > 2 and array.shape[-1] == 1):
            return array
        ranks = list(possible)
        if len(ranks) > 1:
            bias = bias or _named_like_bias(self.contents.arrays, weight)
            ranks = [rank for rank in ranks if self._fits(possible[rank], bias)] or ranks
        if len(ranks) > 1:
            choices: str = ""
            for rank in ranks:
                mention = named(Ask.RANK, str(rank)) if choices else asked(Ask.RANK, str(rank))
                choices += ("; " if choices else "") + mention
                letters = layout(self.source, rank, self.groups)
                choices += f" for {letters} = {_shape(possible[rank])}"
            raise self.error(
                f"{weight} has the shape {_shape(array.shape)}, and MATLAB drops axes of one "
                "element at the end: " + choices + "."
            )
        return array.reshape(possible[ranks[0]]) if ranks else array

    def _fits(self, shape: tuple[int, ...], bias: str | None) -> bool:
        """Whether the bias fits a possible shape of its weights."""
        if bias is None:
            return False
        vector = self.contents.arrays[bias]
        rank = rank_of(len(shape), self.source, self.groups)
        from_layer = self._change(rank).bias_pattern.startswith("1")
        if from_layer and vector.ndim > 2 and vector.ndim != rank + 1:
            return False
        return vector.size == self.out_channels(shape)

    def _default_bias(self, weight: str, shape: tuple[int, ...]) -> str | None:
        arrays, c_out = self.contents.arrays, self.out_channels(shape)
        namesake = _named_like_bias(arrays, weight)
        if namesake and (size := arrays[namesake].size) != c_out:
            raise self.error(
                f"{namesake} has {size} elements, but {weight} of shape {_shape(shape)} has "
                f"{c_out} output channels with "
                + named(Ask.GROUPS, str(self.groups))
                + ". Give the right "
                + named(Ask.GROUPS)
                + ", or name the bias by "
                + named(Ask.BIAS_NAME)
                + "."
            )
        candidates = {
            name: array
            for name, array in arrays.items()
            if name != weight and _is_vector(array) and array.size == c_out
        }
        if namesake in candidates:
            return namesake
        is_reshaped = "1" in self._change().bias_pattern
        if len(candidates) > 1 and (self.contents.is_cut or is_reshaped):
            raise self.error(
                f"the bias of {weight} can be any of {_listing(candidates)}. "
                + asked(Ask.WEIGHT_NAME, "NAME", "Add")
                + " "
                + named(Ask.BIAS_NAME, "NAME")
                + "."
            )
        return next(iter(candidates)) if len(candidates) == 1 else None


def _move(name: str, letters: str, before: Array, after: Array) -> Move:
    return Move(name, letters, before.shape, after.shape, dtype_name(after))


def _named_like_bias(arrays: Mapping[str, Array], weight: str) -> str | None:
    """Return the bias that belongs to weights by its name: ``up.bias`` for ``up.weight``."""
    *place, _ = re.split(r"[./_]", weight)
    biases = [
        name
        for name in arrays
        if re.split(r"[./_]", name)[:-1] == place
        and re.split(r"[./_]", name)[-1].lower() in _BIAS_NAMES
    ]
    return biases[0] if len(biases) == 1 else None


def _is_vector(array: Array) -> bool:
    return array.ndim >= 1 and array.size == max(array.shape)


def _notes(out: Path, moves: Sequence[Move]) -> tuple[str, ...]:
    if suffix_of(out) != ".mat":
        return ()
    return tuple(
        f"{move.name}: MATLAB drops the axes of one element at the end; they count there."
        for move in moves
        if move.after[-1] == 1 and len(move.after) > 2
    )


def _listing(arrays: Mapping[str, Array]) -> str:
    return ", ".join(f"{name} {_shape(array.shape)}" for name, array in arrays.items()) or "nothing"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
