"""Convert a file of weights: find the weights and their biases, convert them, write the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from harness.convention.registry import convention
from harness.core.errors import Ask, asked, named
from harness.weights.files import Contents, dtype_name, read, suffix_of, write
from harness.weights.folding import Fold, folds, unknown_part
from harness.weights.layouts import (
    CANONICAL,
    LayoutChange,
    WeightsError,
    channels,
    layout,
    rank_of,
    readings,
)

if TYPE_CHECKING:
    from harness.weights.layouts import Array

# The last word of an array's name; Keras numbers its variables, as in kernel:0.
_WEIGHT_WORD: Final = re.compile(r"(?:weights?|kernel|filters?|w)(?=[\W\d_]*$)", re.IGNORECASE)
NO_BIAS: Final = "-"
_LISTED: Final = 12  # Arrays that an error names


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
    computed: Mapping[str, str]  # How arrays were computed of which the file holds parts
    copied: tuple[str, ...]  # Names of the arrays that were copied unchanged
    renamed: Mapping[str, str]  # New names by old ones, if the format does not allow the old one
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One line per converted array, then the other arrays and the notes."""
        name = max((len(move.name) for move in self.moves), default=0)
        shown = max((len(move.pattern) for move in self.moves), default=0)
        lines = [
            f"{move.name:<{name}}  {move.pattern:<{shown}}  {_shape(move.before)} -> "
            f"{_shape(move.after)}  {move.dtype}"
            for move in self.moves
        ]
        lines += [f"computed: {name} = {how}" for name, how in self.computed.items()]
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

    What PyTorch keeps in parts, normalised or pruned weights, becomes one array.

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
        One for each of ``weight_names``, ``-`` for a layer without; by default the vector that is
        named like the weights, as ``up.bias`` is like ``up.weight``.

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
    contents = read(path)
    job = _Job(path, contents, source, target, groups, rank)
    pairs = job.pairs(weight_names, bias_names)
    job, computed = job.folded([name for pair in pairs for name in pair if name])
    done = [each for pair in pairs for each in job.converted(*pair)]
    moved = {move.name: array for move, array in done}
    moves = tuple(move for move, _ in done)
    arrays = job.contents.arrays
    renamed = write(out, replace(contents, arrays={**arrays, **moved}))
    copied = tuple(name for name in arrays if name not in moved)
    without = [weight for weight, bias in pairs if bias is None]
    notes = [
        f"{weight}: converted without a bias{job.fitting(weight, moved)}." for weight in without
    ]
    return Conversion(moves, computed, copied, renamed, (*notes, *_notes(out, moves)))


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
        return WeightsError(f"{self.path}: " + fact)

    @cached_property
    def folds(self) -> dict[str, Fold]:
        """What the file holds in parts."""
        in_parts = folds(self.contents.arrays)
        return {name: fold for name, fold in in_parts.items() if name not in self.contents.arrays}

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """All arrays; one that is in parts is its first part, which has its shape."""
        stored = self.contents.arrays
        parts = {part for fold in self.folds.values() for part in fold.parts}
        wholes = {name: stored[fold.parts[0]] for name, fold in self.folds.items()}
        return {name: array for name, array in stored.items() if name not in parts} | wholes

    def folded(self, names: Sequence[str]) -> tuple[Self, dict[str, str]]:
        """Compute those of the named arrays that are in parts, and say how."""
        stored, computed = dict(self.contents.arrays), dict[str, str]()
        for name in names:
            if fold := self.folds.get(name):
                if layout(self.source) != CANONICAL:
                    raise self.error(
                        f"{name} is in parts ({', '.join(fold.parts)}), which are put together in "
                        f"PyTorch's layout, {CANONICAL}, alone."
                    )
                try:
                    array, computed[name] = fold.computed(self.contents.arrays)
                except WeightsError as error:
                    raise self.error(f"{name}: {error}") from None
                stored = {n: a for n, a in stored.items() if n not in fold.parts} | {name: array}
        for name in names:
            if part := unknown_part(name, stored):
                raise self.error(
                    f"{part} seems to be one of several arrays that weights or a bias are computed "
                    "from, in a way that is not known here. Undo that before you save them: "
                    "torch.nn.utils.remove_weight_norm, remove_spectral_norm, prune.remove or "
                    "parametrize.remove_parametrizations."
                )
        return replace(self, contents=replace(self.contents, arrays=stored)), computed

    def out_channels(self, shape: Sequence[int]) -> int:
        return channels(shape, self.source, self.groups)[1]

    def fitting(self, weight: str, moved: Mapping[str, Array]) -> str:
        """Name the vectors that may be the bias of converted weights."""
        c_out = channels(moved[weight].shape, self.target, self.groups)[1]
        vectors = [
            name
            for name, array in self.contents.arrays.items()
            if name not in moved and _is_vector(array) and array.size == c_out
        ]
        return f", though {', '.join(vectors)} would fit" if vectors else ""

    def pairs(
        self, weight_names: Sequence[str], bias_names: Sequence[str]
    ) -> list[tuple[str, str | None]]:
        """Return the names of the weights to convert, each with its bias if one is named."""
        named = [*weight_names, *(name for name in bias_names if name != NO_BIAS)]
        for name in named:
            if name not in self.arrays:
                listing = _listing(self.arrays)
                raise WeightsError(f"{self.path} holds no array {name!r}, but {listing}.")
        if len(named) != len(set(named)):
            raise WeightsError("each name of an array can be given once.")
        weights = list(weight_names) or [self._only_weight()]
        if bias_names and len(bias_names) != len(weights):
            raise WeightsError(
                f"{len(bias_names)} names of biases for {len(weights)} of weights: give one for "
                f"each, {NO_BIAS} where there is none."
            )
        biases: Sequence[str | None] = bias_names or [
            _named_like_bias(self.arrays, weight) for weight in weights
        ]
        absent = {None, NO_BIAS}
        pairs = zip(weights, biases, strict=True)
        return [(weight, None if bias in absent else bias) for weight, bias in pairs]

    def _only_weight(self) -> str:
        # The bias of a MATLAB layer has three axes or more, too.
        candidates = {
            name: array
            for name, array in self.arrays.items()
            if array.ndim >= 3 and not _is_vector(array)
        }
        if len(candidates) != 1:
            which = _listing(candidates) if candidates else f"none, but {_listing(self.arrays)}"
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
        if bias is None:
            return
        vector, c_out = self.contents.arrays[bias], self.out_channels(whole.shape)
        if vector.size != c_out or not _is_vector(vector):
            raise self.error(
                f"{bias} of shape {vector.shape} is no bias of {weight}, which has {c_out} output "
                "channels with "
                + named(Ask.GROUPS, str(self.groups))
                + ": give the right "
                + named(Ask.GROUPS)
                + ", or the right "
                + named(Ask.BIAS_NAME)
                + f", {NO_BIAS} where there is none."
            )
        array = change.converted_bias(vector)
        yield _move(bias, change.bias_pattern, vector, array), array

    def _change(self, rank: int) -> LayoutChange:
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


def _move(name: str, letters: str, before: Array, after: Array) -> Move:
    return Move(name, letters, before.shape, after.shape, dtype_name(after))


def _named_like_bias(arrays: Mapping[str, Array], weight: str) -> str | None:
    """Return the bias that belongs to weights by its name: ``up.bias`` for ``up.weight``."""
    word = _WEIGHT_WORD.search(weight)
    if word is None:
        return None
    begin, end = weight[: word.start()].lower(), weight[word.end() :]
    names = {f"{begin}{bias}{end}" for bias in ("b", "bias", "biases")}
    biases = [name for name in arrays if name.lower() in names]
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
    listed = [f"{name:.80} {_shape(array.shape)}" for name, array in arrays.items()]
    more = [f"{len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    return ", ".join(listed[:_LISTED] + more) or "nothing"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
