"""Look-ups of all transposed convolutions in a model's file, of which nothing is executed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from harness.convention.layers import Layer, ModelFormat, Refused
from harness.convention.reading import NOTHING, Supplied
from harness.convention.registry import distinct_conventions
from harness.convention.signature import Style
from harness.core.errors import InputError, Words
from harness.lookup.answer import LookUp, targets_of
from harness.lookup.every import look_up_found
from harness.syntax.tree import SnippetError

# Modules that read models whose framework has no convention, by suffix.
_FORMATS: Final = {".onnx": "onnx", ".tflite": "litert", ".prototxt": "caffe"}


_LONGEST_NAME: Final = 300  # Characters


class NodeError(SnippetError):
    """A node of a model that cannot be read: its name, and why."""

    def __init__(self, name: str, fact: str) -> None:
        super().__init__(fact)
        self.name = name

    def worded(self, words: Words) -> str:
        """Word the error as a face does, with the node's name."""
        return f"{self.name}: {super().worded(words)}"


class _Reader(NamedTuple):
    """What reads models, and the framework whose they are; empty where it has no convention."""

    format: ModelFormat
    framework: str


def is_model(path: Path) -> bool:
    """Whether a file is a model that is read here, by its suffix and what it begins with.

    >>> is_model(Path(__file__))
    False
    """
    return _reader(path) is not None


def model_suffixes() -> tuple[str, ...]:
    """Return the suffixes of files that may be models.

    >>> ".json" in model_suffixes()
    True
    """
    every = [suffix for each in distinct_conventions() for suffix in each.model_suffixes]
    return tuple(dict.fromkeys([*_FORMATS, *every]))


def read_model(
    path: Path,
    name: str,
    to: Sequence[str] = (),
    *,
    supplied: Supplied = NOTHING,
    style: Style = "function",
) -> list[LookUp | SnippetError]:
    """Answer every transposed convolution of a model; an error stands for one that cannot be read.

    Parameters
    ----------
    path : Path
    name : str
        What the file is called in errors.
    to, style
        As for :func:`harness.lookup.answer.look_up`.
    supplied : Supplied
        The input's shape, for a model with one such layer.

    Returns
    -------
    list of LookUp or NodeError
        In the model's order, each ``reading.name`` the node's; empty where there are none.

    Raises
    ------
    InputError
        Where the file cannot be read, or is no model that is known here.
    """
    targets_of("", to)  # An unknown name is refused before anything is read.
    try:
        reader = _reader(path)
        if reader is None:
            known = ", ".join(model_suffixes())
            raise InputError(f"{name} is no model that is known here ({known}).")
        found = list(reader.format.layers(path))
        return [*_answers(found, reader.framework, supplied, to, style)]
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from None


def _reader(path: Path) -> _Reader | None:
    """Return what reads a file, if anything does."""
    suffix = path.suffix.lower()
    if suffix in _FORMATS:
        known: ModelFormat = import_module(f"harness.lookup.model_formats.{_FORMATS[suffix]}")
        return _Reader(known, "") if known.is_model(path) else None
    for each in distinct_conventions():
        if suffix in each.model_suffixes and each.model_format.is_model(path):
            return _Reader(each.model_format, each.name)
    return None


def _answers(
    found: Sequence[Layer | Refused],
    framework: str,
    supplied: Supplied,
    to: Sequence[str],
    style: Style,
) -> Iterator[LookUp | NodeError]:
    for each in found:
        name = _printable(each.name)
        if isinstance(each, Refused):
            yield NodeError(name, each.fact)
            continue
        try:
            layer = replace(each, framework=framework, name=name)
            yield look_up_found(layer, supplied, to, style)
        except SnippetError as error:
            yield NodeError(name, error.fact)


def _printable(name: str) -> str:
    """Return a name that fits a line, whatever a file calls its nodes."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}..."
