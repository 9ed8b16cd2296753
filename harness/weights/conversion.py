"""Convert a file of weights: find the layers, convert weights and biases, write the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from harness.convention.registry import convention
from harness.core.errors import Ask, asked, named
from harness.weights.arrays import Array, Contents, Layer, dtype_name
from harness.weights.choice import (
    NO_BIAS,
    Choice,
    SourceLayer,
    choose,
    is_vector,
    layer_of,
    shown,
)
from harness.weights.files import check_written, format_of, read, suffix_of, write
from harness.weights.folding import Fold, folds, unknown_part
from harness.weights.layouts import (
    CANONICAL,
    LayoutChange,
    WeightsError,
    channels,
    is_layout,
    layout,
    rank_of,
    readings,
)

Rest: TypeAlias = Literal["copy", "drop"]
_LISTED: Final = 20  # Names in a line of the answer


@dataclass(frozen=True)
class Move:
    """The conversion of one array: its name, pattern, shapes before and after, type, and groups."""

    name: str
    pattern: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    dtype: str
    groups: int = 1


@dataclass(frozen=True)
class Conversion:
    """The result of converting a file."""

    moves: tuple[Move, ...]
    computed: Mapping[str, str]  # How arrays were computed of which the file holds parts
    copied: tuple[str, ...]  # Names of the arrays that were copied unchanged
    renamed: Mapping[str, str]  # New names by old ones
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # Names of what is not in the new file

    @property
    def text(self) -> str:
        """One line per converted array, then the other arrays and the notes."""
        name = max((len(move.name) for move in self.moves), default=0)
        pattern = max((len(move.pattern) for move in self.moves), default=0)
        lines = [
            f"{move.name:<{name}}  {move.pattern:<{pattern}}  {shown(move.before)} -> "
            f"{shown(move.after)}  {move.dtype}"
            + (f"  {move.groups} groups" if move.groups > 1 else "")
            for move in self.moves
        ]
        lines += [f"computed: {name} = {how}" for name, how in self.computed.items()]
        if self.copied:
            lines.append(f"copied as they are: {_some(self.copied)}")
        if self.left_out:
            lines.append(f"left out: {_some(self.left_out)}")
        lines += [f"renamed: {old} -> {new}" for old, new in self.renamed.items()]
        return "\n".join([*lines, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Return the same as an object of JSON."""
        return {
            "converted": [
                {
                    "name": move.name,
                    "new_name": self.renamed.get(move.name, move.name),
                    "pattern": move.pattern,
                    "before": move.before,
                    "after": move.after,
                    "dtype": move.dtype,
                    "groups": move.groups,
                    "computed": self.computed.get(move.name),
                }
                for move in self.moves
            ],
            "copied": self.copied,
            "left_out": self.left_out,
            "renamed": dict(self.renamed),
            "notes": self.notes,
        }


def convert_file(
    path: Path,
    out: Path,
    source: str,
    target: str,
    *,
    groups: int | Sequence[tuple[str, int]] = (),
    rank: int | None = None,
    weight_names: Sequence[str] = (),
    bias_names: Sequence[str] = (),
    patterns: Sequence[str] = (),
    layers: Sequence[SourceLayer] = (),
    key: str = "",
    rest: Rest = "copy",
    renames: bool = False,
) -> Conversion:
    """Convert the weights of transposed convolutions in a file; copy the other arrays.

    What PyTorch keeps in parts, normalised or pruned weights, becomes one array.

    Parameters
    ----------
    path, out : Path
        Two different files, whose suffixes determine the formats.
    source, target : str
        The frameworks whose layouts the arrays have, and shall have, or layouts such as ``IOHW``.
    groups : int or sequence of (str, int)
        Of all layers, or of those that a pattern matches; by default 1, or what is known.
    rank : int, optional
        Number of spatial axes, if a MATLAB file leaves it open.
    weight_names : sequence of str
        By default the layers that the file itself tells of, as a model does, else the only array of
        three axes or more.
    bias_names : sequence of str
        One for each of ``weight_names``, ``-`` for a layer without; by default the vector that is
        named like the weights, as ``up.bias`` is like ``up.weight``.
    patterns : sequence of str
        The weights whose names, or whose layers' names, match as a shell matches files.
    layers : sequence of SourceLayer
        The weights of the layers that a model's source names.
    key : str
        Read only the arrays whose names begin with this one and a dot or slash, without it.
    rest : {"copy", "drop"}
        Whether the other arrays are copied or left out.
    renames : bool
        Whether converted arrays get the names that the target's own loader looks for.

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
    of_all = [("*", groups)] if isinstance(groups, int) else groups
    for framework in (source, target):
        for _, number in [("*", 1), *of_all]:
            layout(framework, groups=number)
    format_of(path)
    check_written(out)
    if out.exists() and path.exists() and out.samefile(path):
        raise WeightsError(f"{out} is the file that is read; write another one.")
    contents = _under(key, path, read(path))
    choice = Choice(weight_names, patterns, layers, bias_names, of_all)
    job = _Job(path, contents, source, target, rank)
    chosen, notes = job.chosen(choice)
    job, computed = job.folded([name for each in chosen for name in each.names])
    done = [each for layer in chosen for each in job.converted(layer)]
    moved = {move.name: array for move, array in done}
    moves = tuple(move for move, _ in done)
    if job.is_unordered:
        chosen = tuple(sorted(chosen, key=lambda layer: _natural(layer_of(layer.weight))))
    arrays = _ordered({**job.contents.arrays, **moved}, chosen, first=job.is_unordered)
    others = tuple(name for name in arrays if name not in moved)
    if rest == "drop":
        arrays = {name: array for name, array in arrays.items() if name in moved}
    renamed = _target_names(chosen, target, arrays) if renames else {}
    stored = replace(contents, arrays={renamed.get(n, n): array for n, array in arrays.items()})
    by_format = write(out, stored)
    renamed = {
        name: by_format.get(new, new)
        for name in arrays
        if (new := renamed.get(name, name)) != name or new in by_format
    }
    without = [layer for layer in chosen if layer.bias is None and not layer.is_certain]
    notes += [
        f"{each.weight}: converted without a bias{job.fitting(each, moved)}." for each in without
    ]
    return Conversion(
        moves,
        computed,
        others if rest == "copy" else (),
        renamed,
        (
            *notes,
            *_notes(out, moves, arrays),
            *job.unconverted(others if rest == "copy" else ()),
            *job.order(out, arrays, chosen),
        ),
        (*contents.left_out, *(others if rest == "drop" else ())),
    )


def _under(key: str, path: Path, contents: Contents) -> Contents:
    """Take the arrays under a name, such as those of one of several state dictionaries."""
    if not key:
        return contents
    short = {
        name: name[len(key) + 1 :]
        for name in contents.arrays
        if name.startswith((f"{key}.", f"{key}/"))
    }
    if not short:
        known = dict.fromkeys(re.split(r"[./]", name)[0] for name in contents.arrays)
        raise WeightsError(f"{path} holds nothing under {key!r}, but {_some([*known])}.")
    arrays = {new: contents.arrays[name] for name, new in short.items()}
    layers = [
        Layer(short[each.weight], short.get(each.bias or ""), each.groups)
        for each in contents.layers
        if each.weight in short
    ]
    return replace(contents, arrays=arrays, layers=tuple(layers), left_out=())


def _natural(name: str) -> list[tuple[str, int]]:
    """Return what sorts names as people do: ``up2`` before ``up10``."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d{0,9})", name)]


def _ordered(
    arrays: Mapping[str, Array], layers: Sequence[Layer], *, first: bool
) -> dict[str, Array]:
    """Put each layer's bias after its weights: that is where lists of weights have it.

    With ``first`` the layers come before all else, in their order.
    """
    pairs = {name: layer.names for layer in layers for name in layer.names}
    ordered: dict[str, Array] = {name: arrays[name] for name in pairs} if first else {}
    for name, array in arrays.items():
        ordered |= {each: arrays[each] for each in pairs.get(name, ())} or {name: array}
    return ordered


def _target_names(
    layers: Sequence[Layer], target: str, arrays: Mapping[str, object]
) -> dict[str, str]:
    """Return the names that a framework gives the arrays of a layer, by those in the file."""
    weight, bias, separator = convention(target).stored_names
    renamed: dict[str, str] = {}
    for layer in layers:
        path = re.sub(r"[./]", separator, layer_of(layer.weight))
        renamed[layer.weight] = separator.join(filter(None, (path, weight)))
        if layer.bias:
            renamed[layer.bias] = separator.join(filter(None, (path, bias)))
    kept = arrays.keys() - renamed.keys()
    taken = [new for new in renamed.values() if new in kept]
    if taken or len(set(renamed.values())) != len(renamed):
        twice = (taken or sorted(renamed.values()))[0]
        raise WeightsError(f"two arrays would have the name {twice} in {target}.")
    return {old: new for old, new in renamed.items() if old != new}


@dataclass(frozen=True)
class _Job:
    """The requested conversion of one file."""

    path: Path
    contents: Contents
    source: str
    target: str
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
                stored = dict(_replaced(stored, fold.parts, name, array))
        for name in names:
            if part := unknown_part(name, stored):
                raise self.error(
                    f"{part} seems to be one of several arrays that weights or a bias are computed "
                    "from, in a way that is not known here. Undo that before you save them: "
                    "torch.nn.utils.remove_weight_norm, remove_spectral_norm, prune.remove or "
                    "parametrize.remove_parametrizations."
                )
        return replace(self, contents=replace(self.contents, arrays=stored)), computed

    def fitting(self, layer: Layer, moved: Mapping[str, Array]) -> str:
        """Name the vectors that may be the bias of converted weights."""
        c_out = channels(moved[layer.weight].shape, self.target, layer.groups)[1]
        vectors = [
            name
            for name, array in self.contents.arrays.items()
            if name not in moved and is_vector(array) and array.size == c_out
        ]
        return f", though {_some(vectors, 3)} would fit" if vectors else ""

    @property
    def is_unordered(self) -> bool:
        """Whether the file does not have the layers in the model's order."""
        by_framework = not is_layout(self.source) and convention(self.source).layer_order == "lost"
        return not self.contents.is_ordered or (by_framework and suffix_of(self.path) == ".npz")

    def order(
        self, out: Path, arrays: Mapping[str, object], layers: Sequence[Layer]
    ) -> Iterator[str]:
        """Say in which order the layers are, where the target's loader relies on it."""
        needed = not is_layout(self.target) and convention(self.target).layer_order == "needed"
        weights = {layer.weight for layer in layers}
        names = [name for name in arrays if name in weights]
        if len(names) > 1 and suffix_of(out) in (".npz", ".h5") and needed:
            reason = ": of their names, as the file keeps none" if self.is_unordered else ""
            yield (f"loaded by their order{reason}: {_some([layer_of(each) for each in names])}.")

    def unconverted(self, names: Sequence[str]) -> Iterator[str]:
        """Say which of the arrays that are copied may be other layers' weights."""
        before, after = layout(self.source), layout(self.target)
        weights = [
            name
            for name in names
            if (array := self.contents.arrays[name]).ndim >= 3 and not is_vector(array)
        ]
        if weights and before != after:
            yield (
                f"not converted, as weights of other layers have layouts of their own: "
                f"{_some(weights, 3)}."
            )

    def chosen(self, choice: Choice) -> tuple[tuple[Layer, ...], list[str]]:
        """Return the layers to convert, and what is to be said about them."""
        told, letters = self.contents.layers, self.contents.letters
        if told and letters and layout(self.source) != letters:
            raise self.error(
                f"its weights are {letters}, not {layout(self.source)}: "
                + asked(Ask.FRAMEWORK, letters, "give")
                + "."
            )
        try:
            chosen = choose(self.arrays, told, choice, self.source)
        except WeightsError as error:
            raise WeightsError(f"{self.path}" + error.fact) from None
        return chosen.layers, list(chosen.notes)

    def converted(self, layer: Layer) -> Iterator[tuple[Move, Array]]:
        """Yield the converted weights, then their bias if there is one."""
        weight, bias, groups = layer.weight, layer.bias, layer.groups
        whole = self._whole(layer)
        try:
            change = self._change(rank_of(whole.ndim, self.source, groups), groups)
            array = change.converted(whole)
        except WeightsError as error:
            raise self.error(f"{weight}: {error}") from None
        yield _move(weight, change.pattern, whole, array, groups), array
        if bias is None:
            return
        vector, c_out = self.contents.arrays[bias], channels(whole.shape, self.source, groups)[1]
        if vector.size != c_out or not is_vector(vector):
            raise self.error(
                f"{bias} of shape {vector.shape} is no bias of {weight}, which has {c_out} output "
                "channels with "
                + named(Ask.GROUPS, str(groups))
                + ": give the right "
                + named(Ask.GROUPS)
                + ", or the right "
                + named(Ask.BIAS_NAME)
                + f", {NO_BIAS} where there is none."
            )
        array = change.converted_bias(vector)
        yield _move(bias, change.bias_pattern, vector, array), array

    def _change(self, rank: int, groups: int) -> LayoutChange:
        return LayoutChange(self.source, self.target, rank, groups)

    def _whole(self, layer: Layer) -> Array:
        """Restore the axes of one element that MATLAB dropped at the end of the weights' shape."""
        weight, groups = layer.weight, layer.groups
        array = self.contents.arrays[weight]
        possible = readings(array.shape, self.source, groups)
        if self.rank is not None:
            if self.rank not in possible:
                raise self.error(
                    f"{weight} of shape {array.shape} cannot be "
                    f"{layout(self.source, self.rank, groups)} with {groups} groups."
                )
            return array.reshape(possible[self.rank])
        # If the last axis has one element, none was dropped.
        if not self.contents.is_cut or (array.ndim > 2 and array.shape[-1] == 1):
            return array
        ranks = list(possible)
        if len(ranks) > 1:
            ranks = [rank for rank in ranks if self._fits(possible[rank], layer)] or ranks
        if len(ranks) > 1:
            choices: str = ""
            for rank in ranks:
                mention = named(Ask.RANK, str(rank)) if choices else asked(Ask.RANK, str(rank))
                choices += ("; " if choices else "") + mention
                letters = layout(self.source, rank, groups)
                choices += f" for {letters} = {shown(possible[rank])}"
            raise self.error(
                f"{weight} has the shape {shown(array.shape)}, and MATLAB drops axes of one "
                "element at the end: " + choices + "."
            )
        return array.reshape(possible[ranks[0]]) if ranks else array

    def _fits(self, shape: tuple[int, ...], layer: Layer) -> bool:
        """Whether the bias fits a possible shape of its weights."""
        if layer.bias is None:
            return False
        vector = self.contents.arrays[layer.bias]
        rank = rank_of(len(shape), self.source, layer.groups)
        from_layer = self._change(rank, layer.groups).bias_pattern.startswith("1")
        if from_layer and vector.ndim > 2 and vector.ndim != rank + 1:
            return False
        return vector.size == channels(shape, self.source, layer.groups)[1]


def _replaced(
    stored: Mapping[str, Array], parts: Sequence[str], name: str, whole: Array
) -> Iterator[tuple[str, Array]]:
    """Yield arrays with one in the place of its parts."""
    for each, array in stored.items():
        if each == parts[0]:
            yield name, whole
        elif each not in parts:
            yield each, array


def _move(name: str, letters: str, before: Array, after: Array, groups: int = 1) -> Move:
    return Move(name, letters, before.shape, after.shape, dtype_name(after), groups)


def _notes(out: Path, moves: Sequence[Move], arrays: Mapping[str, Array]) -> tuple[str, ...]:
    if suffix_of(out) == ".params":
        numbers = [name for name, array in arrays.items() if not array.ndim]
        return (f"with one axis, as a .params file has none without: {_some(numbers)}.",) * bool(
            numbers
        )
    if suffix_of(out) != ".mat":
        return ()
    return tuple(
        f"{move.name}: MATLAB drops the axes of one element at the end; they count there."
        for move in moves
        if move.after[-1] == 1 and len(move.after) > 2
    )


def _some(names: Sequence[str], most: int = _LISTED) -> str:
    """List names, or the first of many and how many there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
