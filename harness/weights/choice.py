"""Which arrays of a file are the weights of transposed convolutions, and which are their biases."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import product
from typing import Final

from harness.convention.text import layout_axes
from harness.core.errors import Ask, asked
from harness.weights.arrays import Array, Layer
from harness.weights.layouts import WeightsError, channels, layout, rank_of

# The last word of an array's name; Keras numbers its variables, as in kernel:0.
_WEIGHT_WORD: Final = re.compile(r"(?:weights?|kernel|filters?|w)(?=[\W\d_]*$)", re.IGNORECASE)
# Keras 3 numbers all that a layer has, the kernel first.
_KERNEL_3: Final = re.compile(r"(.*/)?vars/0")
_BIASES: Final = ("b", "bias", "biases")
NO_BIAS: Final = "-"
_LISTED: Final = 12  # Arrays that an error names


@dataclass(frozen=True)
class SourceLayer:
    """A layer in a model's source, and what is known of it without numbers.

    Attributes
    ----------
    path : str
        Under which the model keeps it: ``up1``, ``decoder.3``, or ``ups.#`` for any number.
    place : str
        Where it is in the source.
    root : str
        The class that the path begins in.
    rank : int
        0 for another layer than a transposed convolution.
    is_sure : bool
        Whether a file of the model has weights of three axes or more there.
    """

    path: str
    place: str
    root: str = ""
    rank: int = 0
    is_sure: bool = True
    groups: int | None = None
    bias: bool | None = None
    in_channels: int | None = None
    out_channels: int | None = None
    kernel: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Choice:
    """What a user says of the layers of a file; at most one of the first three.

    Attributes
    ----------
    weight_names : sequence of str
    patterns : sequence of str
        As a shell matches files, for names of weights or of layers.
    source : sequence of SourceLayer
    bias_names : sequence of str
        One for each of ``weight_names``.
    groups : sequence of (str, int)
        Patterns, each with its number of groups; the last that matches counts.
    """

    weight_names: Sequence[str] = ()
    patterns: Sequence[str] = ()
    source: Sequence[SourceLayer] = ()
    bias_names: Sequence[str] = ()
    groups: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Chosen:
    """The layers to convert, and what is to be said about how they were found."""

    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = ()


def choose(
    arrays: Mapping[str, Array], told: Sequence[Layer], choice: Choice, framework: str
) -> Chosen:
    """Find the layers of a file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By name; of what is kept in parts, the whole.
    told : sequence of Layer
        What the file itself tells of.
    choice : Choice
    framework : str
        Whose layout the arrays have.

    Raises
    ------
    WeightsError
        Its text is to follow the file's name.
    """
    chosen = _chosen(arrays, told, choice, framework)
    for pattern, _ in choice.groups:
        if not any(_matches(layer.weight, pattern) for layer in chosen.layers):
            names = ", ".join(layer_of(layer.weight) or layer.weight for layer in chosen.layers)
            raise WeightsError(f": groups are given for {pattern!r}, like none of {names:.400}.")
    return chosen


def _chosen(
    arrays: Mapping[str, Array], told: Sequence[Layer], choice: Choice, framework: str
) -> Chosen:
    if choice.weight_names:
        return Chosen(tuple(_named(arrays, choice)))
    notes: tuple[str, ...] = ()
    if choice.patterns:
        layers = [_layer(arrays, name, choice) for name in _matched(arrays, choice.patterns)]
    elif choice.source:
        layers, notes = _of_source(arrays, choice, framework)
    elif told and not choice.bias_names:
        layers = [replace(each, groups=_groups(each.weight, choice, each.groups)) for each in told]
    else:
        return Chosen(tuple(_only(arrays, choice)))
    if choice.bias_names:
        raise WeightsError(": " + "names of biases go with names of weights, one for each.")
    return Chosen(tuple(layers), notes)


def _named(arrays: Mapping[str, Array], choice: Choice) -> Iterator[Layer]:
    named = [*choice.weight_names, *(name for name in choice.bias_names if name != NO_BIAS)]
    for name in named:
        if name not in arrays:
            raise WeightsError(" " + f"holds no array {name!r}, but {listing(arrays)}.")
    if len(named) != len(set(named)):
        raise WeightsError(": " + "each name of an array can be given once.")
    weights, biases = choice.weight_names, choice.bias_names
    if biases and len(biases) != len(weights):
        raise WeightsError(
            ": " + f"{len(biases)} names of biases for {len(weights)} of weights: give one for "
            f"each, {NO_BIAS} where there is none."
        )
    for place, weight in enumerate(weights):
        bias = biases[place] if biases else named_like_bias(arrays, weight)
        yield Layer(weight, None if bias == NO_BIAS else bias, _groups(weight, choice))


def _only(arrays: Mapping[str, Array], choice: Choice) -> Iterator[Layer]:
    """Take the only array that weights can be."""
    candidates = _candidates(arrays)
    if len(candidates) != 1:
        which = listing(candidates) if candidates else f"none, but {listing(arrays)}"
        pattern = asked(Ask.LAYERS, "'ups.*'", "or")
        raise WeightsError(
            f" should hold one array of three axes or more, the weights; it holds {which}. "
            + asked(Ask.WEIGHT_NAME, "NAME", "Add")
            + (", " + pattern if candidates else "")
            + "."
        )
    yield from _named(
        arrays,
        Choice(weight_names=[*candidates], bias_names=choice.bias_names, groups=choice.groups),
    )


def _candidates(arrays: Mapping[str, Array]) -> dict[str, Array]:
    # The bias of a MATLAB layer has three axes or more, too.
    return {
        name: array for name, array in arrays.items() if array.ndim >= 3 and not is_vector(array)
    }


def _matched(arrays: Mapping[str, Array], patterns: Sequence[str]) -> list[str]:
    candidates = _candidates(arrays)
    chosen: dict[str, None] = {}
    for pattern in patterns:
        matched = [name for name in candidates if _matches(name, pattern)]
        if not matched:
            known = listing(candidates) if candidates else f"none, but {listing(arrays)}"
            raise WeightsError(
                f" holds no array of three axes or more whose name is like {pattern!r}; it holds "
                f"{known}."
            )
        chosen |= dict.fromkeys(matched)
    return list(chosen)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(layer_of(name), pattern)


def layer_of(name: str) -> str:
    """Return the name of the layer that an array belongs to.

    >>> layer_of("ups.0.weight"), layer_of("up/vars/0"), layer_of("arg:up0_weight"), layer_of("w")
    ('ups.0', 'up', 'up0', '')
    """
    name = re.sub(r"^(?:arg|aux):", "", name)
    if numbered := _KERNEL_3.fullmatch(name):
        return (numbered[1] or "").rstrip("/")
    word = _WEIGHT_WORD.search(name)
    before = name[: word.start()] if word else name.rpartition(".")[0]
    return before.rstrip("./_:")


def _layer(arrays: Mapping[str, Array], weight: str, choice: Choice, groups: int = 1) -> Layer:
    return Layer(weight, named_like_bias(arrays, weight), _groups(weight, choice, groups))


def _groups(weight: str, choice: Choice, groups: int = 1) -> int:
    """Return the number of groups that a user gives for a layer, or else the one that is known."""
    for pattern, number in choice.groups:
        if _matches(weight, pattern):
            groups = number
    return groups


def named_like_bias(arrays: Mapping[str, Array], weight: str) -> str | None:
    """Return the bias that belongs to weights by its name: ``up.bias`` for ``up.weight``."""
    if numbered := _KERNEL_3.fullmatch(weight):
        bias = f"{numbered[1] or ''}vars/1"
        return bias if bias in arrays else None
    word = _WEIGHT_WORD.search(weight)
    if word is None:
        return None
    begin, end = weight[: word.start()].lower(), weight[word.end() :]
    names = {f"{begin}{bias}{end}" for bias in _BIASES}
    biases = [name for name in arrays if name.lower() in names]
    return biases[0] if len(biases) == 1 else None


def is_vector(array: Array) -> bool:
    """Whether an array has one axis of more than one element at most."""
    return array.ndim >= 1 and array.size == max(array.shape)


def listing(arrays: Mapping[str, Array]) -> str:
    """Name some arrays, with their shapes."""
    listed = [f"{name:.80} {shown(array.shape)}" for name, array in arrays.items()]
    more = [f"{len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    return ", ".join(listed[:_LISTED] + more) or "nothing"


def shown(shape: Sequence[int]) -> str:
    """Return a shape as people write it."""
    return "x".join(map(str, shape)) or "scalar"


# The layers of a model's source.


def _of_source(
    arrays: Mapping[str, Array], choice: Choice, framework: str
) -> tuple[list[Layer], tuple[str, ...]]:
    """Match the layers of a source with the arrays, by where the model keeps them."""
    candidates = _candidates(arrays)
    paths = {name: layer_of(name).replace("/", ".") for name in candidates}
    by_root: dict[str, list[SourceLayer]] = {}
    for each in choice.source:
        by_root.setdefault(each.root, []).append(each)
    matched: dict[str, list[SourceLayer]] = {}
    found = set()
    for layers in by_root.values():
        prefixes = _prefixes(layers, paths.values())
        for layer, name in product(layers, paths):
            if _prefix(layer.path, paths[name]) in prefixes:
                matched.setdefault(name, []).append(layer)
                found.add(layer.place)
    matched = {name: layers for name, layers in matched.items() if any(e.rank for e in layers)}
    if not matched:
        wanted = ", ".join(dict.fromkeys(each.path for each in choice.source if each.rank))
        raise WeightsError(
            f" holds no arrays of the names in the source ({wanted:.400}); it holds "
            f"{listing(candidates or arrays)}. " + asked(Ask.LAYERS, "PATTERN", "Use") + "."
        )
    absent = dict.fromkeys(e.place for e in choice.source if e.rank and e.place not in found)
    notes = tuple(f"{place}: the file holds no weights of this layer." for place in absent)
    chosen = [
        _checked(arrays, name, matched[name], choice, framework)
        for name in arrays
        if name in matched
    ]
    return chosen, notes


def _prefix(pattern: str, path: str) -> str | None:
    """Return what stands before a model's path in a file's name, if it is that path.

    >>> _prefix("ups.#", "generator.ups.3"), _prefix("up", "up"), _prefix("up", "cup")
    ('generator', '', None)
    """
    tail = re.escape(pattern).replace(r"\#", r"\d+")
    found = re.fullmatch(rf"(?:(?P<prefix>.*)\.)?{tail}", path)
    return (found["prefix"] or "") if found else None


def _prefixes(layers: Sequence[SourceLayer], paths: Collection[str]) -> set[str]:
    """Return the prefixes under which a file holds all layers of a class, the outermost ones.

    Of a class of which it holds only some, the prefixes of its transposed convolutions.
    """
    held = [
        ({prefix for path in paths if (prefix := _prefix(layer.path, path)) is not None}, layer)
        for layer in layers
        if layer.is_sure
    ]
    transposed = [prefixes for prefixes, layer in held if layer.rank]
    whole = set.intersection(*(prefixes for prefixes, _ in held)) if held else set()
    if not whole and transposed:
        whole = set.intersection(*transposed) or set.union(*transposed)
    return {
        prefix
        for prefix in whole
        if not any(other != prefix and _is_inside(prefix, other) for other in whole)
    }


def _is_inside(path: str, outer: str) -> bool:
    return not outer or path.startswith(f"{outer}.")


def _checked(
    arrays: Mapping[str, Array],
    name: str,
    calls: Sequence[SourceLayer],
    choice: Choice,
    framework: str,
) -> Layer:
    """Return the layer of an array; refuse one that the source contradicts."""
    shape = arrays[name].shape
    if others := [call for call in calls if not call.rank]:
        which = next(call for call in calls if call.rank)
        raise WeightsError(
            f": {name} may be the layer of {which.place} or of {others[0].place}: "
            + asked(Ask.LAYERS, "PATTERN", "choose with")
            + "."
        )
    fitting = [call for call in calls if _fits(call, shape, framework, _own(call, name, choice))]
    place = ", ".join(dict.fromkeys(call.place for call in calls))
    if not fitting:
        raise WeightsError(
            f": {name} of shape {shown(shape)} does not fit the layer of this name in {place}: is "
            "it the source of another model, or has it other groups?"
        )
    groups = {_own(call, name, choice) for call in fitting}
    biases = {call.bias for call in fitting}
    if None in groups or len(groups) > 1:
        request = asked(Ask.GROUPS, f"'{layer_of(name)}=N'", "add")
        raise WeightsError(
            ": " + f"{name}: {place} leaves its number of groups open: " + request + "."
        )
    (number,) = groups
    layer = _layer(arrays, name, choice, number or 1)
    if biases == {False} and layer.bias:
        raise WeightsError(": " + f"{name}: {place} has no bias, but the file holds {layer.bias}.")
    if biases == {True} and not layer.bias:
        raise WeightsError(
            ": " + f"{name}: {place} has a bias, but the file holds none of its name."
        )
    return replace(layer, is_certain=biases == {False})


def _own(call: SourceLayer, name: str, choice: Choice) -> int | None:
    """Return the groups of a call, those that the user gives before those of the source."""
    return _groups(name, choice, call.groups or 0) or None


def _fits(call: SourceLayer, shape: Sequence[int], framework: str, groups: int | None) -> bool:
    try:
        rank = rank_of(len(shape), framework, groups or 1)
        c_in, c_out = channels(shape, framework, groups or 1)
    except WeightsError:
        return False
    if rank != call.rank or (call.in_channels or c_in) != c_in:
        return False
    if groups is not None and (call.out_channels or c_out) != c_out:
        return False
    kernel = kernel_of(shape, framework, rank, groups or 1)
    expected = call.kernel or (None,) * rank
    return all(want is None or want == size for want, size in zip(expected, kernel, strict=True))


def kernel_of(shape: Sequence[int], framework: str, rank: int, groups: int = 1) -> tuple[int, ...]:
    """Return the kernel's sizes.

    >>> kernel_of((4, 5, 32, 64), "tensorflow", 2)
    (4, 5)
    """
    axes = layout_axes(layout(framework, rank, groups))
    return tuple(size for axis, size in zip(axes, shape, strict=True) if axis.upper() in "DHW")
