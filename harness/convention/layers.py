"""Layers of a model's file, each as the call that its framework's code would hold.

A reader of such files only finds them and puts what it finds in the framework's own words; the
:class:`~harness.convention.arguments.Form` says what these mean, as it does for code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from harness.convention.arguments import Form, bind
from harness.convention.reading import Reading, Supplied
from harness.core.errors import Ask, InputError, asked, named
from harness.core.operators import OperatorError, Sizes, sizes
from harness.syntax.callsite import CallSite, Code
from harness.syntax.tree import Argument, Call, Name, SnippetError, Statement, Value


@dataclass(frozen=True)
class Layer:
    """A transposed convolution in a model's file."""

    name: str  # Of the node
    form: Form
    arguments: Mapping[str, Value]  # By their names; arrays by :func:`array_of`
    notes: tuple[str, ...] = ()
    in_channels: int | None = None  # Where the model's other layers show them
    weights: str = ""  # Layout of the weights, if it is not the form's usual one
    framework: str = ""

    @property
    def text(self) -> str:
        """The text that the call stands in: there is none."""
        return ""

    @property
    def forms(self) -> tuple[Form]:
        """What the call may be."""
        return (self.form,)

    @property
    def site(self) -> CallSite:
        """The call, alone."""
        given = tuple(Argument(name, value, 0) for name, value in self.arguments.items())
        call = Call(Name(self.form.name, 0), given, 0)
        return CallSite(call, 0, 0, Code((Statement(self.name, call),)), 0)

    def read(self, supplied: Supplied) -> Reading:
        """Read it as the form does.

        Raises
        ------
        SnippetError
            Where it is illegal, or something is missing.
        """
        self._check_channels(supplied)
        if self.in_channels is not None:
            sizes = supplied.open_sizes._replace(in_channels=self.in_channels)
            supplied = replace(supplied, open_sizes=sizes)
        try:
            reading = self.form.read(bind(self.form, self.site, supplied))
        except OperatorError as error:
            raise SnippetError(error.fact) from None
        notes = (*self.notes, *reading.notes)
        weights = self.weights or reading.weights
        return replace(
            reading, name=self.name, notes=notes, weights=weights, framework=self.framework
        )

    def _check_channels(self, supplied: Supplied) -> None:
        """Refuse a shape of the user's whose channels are not those of the model."""
        given = [
            (Ask.INPUT_SHAPE, supplied.input, supplied.input[1] if supplied.input else None),
            (Ask.WEIGHT_SHAPE, supplied.weight, supplied.weight[0] if supplied.weight else None),
        ]
        for ask, shape, channels in given:
            if self.in_channels and channels not in (None, self.in_channels):
                raise SnippetError(
                    f"the model gives {self.in_channels} channels to {self.name}, and "
                    + named(ask, shape or ())
                    + f" has {channels}; they must agree."
                )


@dataclass(frozen=True)
class Refused:
    """What a model's file holds that may be a transposed convolution and cannot be read."""

    name: str
    fact: str


Found: TypeAlias = Layer | Refused


class ModelFormat(Protocol):
    """A module that reads one or more formats of models."""

    def is_model(self, path: Path) -> bool:
        """Whether a file with one of the suffixes is such a model, by what it begins with."""

    def layers(self, path: Path) -> Iterator[Found]:
        """Yield the transposed convolutions of a model.

        Raises
        ------
        InputError
            Where the file is none, with the reason.
        OSError
        """


def array_of(shape: Sequence[int]) -> Call:
    """Return what stands for an array of a shape, as ``zeros`` makes one in code.

    >>> from harness.convention.values import shape_of
    >>> shape_of(array_of([4, 6, 3, 3]))
    (4, 6, 3, 3)
    """
    return Call(Name("zeros", 0), (Argument(None, tuple(shape), 0),), 0)


def as_value(value: object) -> Value:
    """Return a value of JSON as a value of code; an object as the call that its class name makes.

    >>> as_value({"class_name": "L2", "config": {"l2": 0.5}}).dotted, as_value([1, [2]])
    ('L2', (1, (2,)))
    """
    match value:
        case list():
            return tuple(map(as_value, value))
        case {"class_name": str(name), "config": dict(config)}:
            given = tuple(Argument(str(key), as_value(each), 0) for key, each in config.items())
            return Call(Name(name, 0), given, 0)
        case None | bool() | int() | float() | str():
            return value
    return Name(type(value).__name__, 0)


def sizes_in(value: object) -> Sizes | None:
    """Return a list of three to five sizes that are all known, else ``None``."""
    if not isinstance(value, Sequence) or not 3 <= len(value) <= 5:
        return None
    known = tuple(size for size in value if type(size) is int and size > 0)
    return known if len(known) == len(value) else None


# What weights are called, and the bias next to them; those that are normalised are kept in parts.
_BIAS_OF: Final = {
    "weight": "bias",
    "W": "b",
    "kernel": "bias",
    "kernel:0": "bias:0",
    "0": "1",
    **dict.fromkeys(("weight_v", "weight_orig"), "bias"),
    **dict.fromkeys(
        (f"parametrizations.weight.{name}" for name in ("original", "original1")), "bias"
    ),
}
_MOST_SHOWN: Final = 10


def check_weights(file: str, shapes: Mapping[str, Sizes], layout: str = "IOHW") -> None:
    """Refuse a file of arrays alone that may be weights of transposed convolutions.

    The error says what their shapes tell, and what is missing.

    >>> shapes = {"up.weight": (64, 8, 4, 4), "up.bias": (32,), "conv.weight": (8, 3, 3, 3)}
    >>> check_weights("net.pt", shapes | {"conv.bias": (8,)})
    Traceback (most recent call last):
    harness.core.errors.InputError: net.pt holds arrays alone: stride, padding and the like of \
its layers are not in it. By their shapes these may be weights of transposed convolutions:
      up.weight (64, 8, 4, 4): 64 -> 32 channels, kernel 4x4, 4 groups
    Look up the code of the layer, and add weight 64,8,4,4 where it leaves sizes open.
    """
    possible: list[tuple[str, Sizes, Sizes, int]] = []
    is_certain = True
    for name, shape in shapes.items():
        if 3 <= len(shape) <= 5 and min(shape) > 0:
            canonical = shape if layout == "IOHW" else (shape[-1], shape[-2], *shape[:-2])
            groups = _possible_groups(name, canonical, shapes)
            is_certain &= groups is not None
            if groups:
                possible.append((name, shape, canonical, groups))
    said = f"{file} holds arrays alone: stride, padding and the like of its layers are not in it."
    if possible:
        raise InputError(said + _listed(possible))
    if not is_certain:
        raise InputError(f"{said} None is called and shaped like a transposed convolution's.")


def _listed(possible: Sequence[tuple[str, Sizes, Sizes, int]]) -> str:
    lines = [
        f"  {name} {shape}: {i} -> {o * groups} channels, kernel {sizes(kernel)}"
        + (f", {groups} groups" if groups > 1 else "")
        for name, shape, (i, o, *kernel), groups in possible[:_MOST_SHOWN]
    ]
    if len(possible) > _MOST_SHOWN:
        lines.append(f"  and {len(possible) - _MOST_SHOWN} more")
    listed = "\n".join(lines)
    return (
        f" By their shapes these may be weights of transposed convolutions:\n{listed}\n"
        "Look up the code of the layer, and "
        + asked(Ask.WEIGHT_SHAPE, possible[0][2])
        + " where it leaves sizes open."
    )


def _possible_groups(name: str, shape: Sizes, shapes: Mapping[str, Sizes]) -> int | None:
    """Return how many groups weights would have, 0 if they are none; ``None`` if nothing tells.

    Those of a convolution, OIHW, have a bias as long as their first axis.
    """
    ins, outs, *_ = shape
    known = [last for last in _BIAS_OF if re.search(rf"(?:^|[./]){re.escape(last)}$", name)]
    for last in known:
        length = shapes.get(name.removesuffix(last) + _BIAS_OF[last])
        if length is not None and len(length) == 1:
            groups, rest = divmod(length[0], outs)
            is_possible = groups == 1 or length[0] != ins
            return groups if groups and not rest and not ins % groups and is_possible else 0
    return 1 if known else None
