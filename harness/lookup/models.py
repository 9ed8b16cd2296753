"""Look-ups of all transposed convolutions in a model's file, of which nothing is executed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from harness.convention.layers import Layer, ModelFormat, Refused
from harness.convention.reading import NOTHING, Supplied
from harness.convention.registry import readable_conventions
from harness.convention.signature import Style
from harness.core.bounded import head_of, size_of
from harness.core.errors import InputError, Words
from harness.lookup.answer import LookUp, targets_of
from harness.lookup.every import look_up_found
from harness.syntax.tree import SnippetError

# What a file is whatever it holds; others are asked what they begin with.
_ALWAYS: Final = {".onnx", ".keras", ".tflite", ".pt2", ".ptl", ".safetensors"}
_SELDOM: Final = {".json", ".bin", ".ckpt", ".npz"}  # Most files that are called so are none
_POINTER: Final = b"version https://git-lfs.github.com/spec/"

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

    One that certainly is meant as a model is one, even if it is damaged or only points to it.

    >>> is_model(Path(__file__))
    False
    """
    suffix = path.suffix.lower()
    if suffix not in model_suffixes() or not os.path.isfile(path):  # noqa: PTH113 -- never raises
        return False
    return suffix in _ALWAYS or _is_pointer(path) or _reader(path) is not None


def _is_pointer(path: Path) -> bool:
    """Whether a file stands for a model that Git LFS has elsewhere."""
    is_likely = path.suffix.lower() not in _SELDOM
    return is_likely and head_of(path, len(_POINTER)) == _POINTER


def model_suffixes() -> tuple[str, ...]:
    """Return the suffixes of files that may be models.

    >>> ".json" in model_suffixes()
    True
    """
    every = [suffix for each in readable_conventions() for suffix in each.model_suffixes]
    return tuple(dict.fromkeys(every))


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
            raise _no_model(path, name)
        found = list(reader.format.layers(path))
        return [*_answers(found, reader.framework, supplied, to, style)]
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from None


def _no_model(path: Path, name: str) -> InputError:
    """Say what a file is that nothing reads; raise ``OSError`` where it cannot be read at all."""
    suffix = path.suffix.lower()
    if suffix not in model_suffixes():
        known = ", ".join(model_suffixes())
        return InputError(f"{name} is no model that is known here ({known}).")
    size = size_of(path, 1 << 62)
    if _is_pointer(path):
        return InputError(f"{name} only points to the model, which Git LFS has: git lfs pull.")
    what = f"its {size} bytes do not begin as those of one do" if size else "it is empty"
    return InputError(f"{name} is no {suffix} model that is known here: {what}.")


def _reader(path: Path) -> _Reader | None:
    """Return what reads a file, if anything does."""
    suffix = path.suffix.lower()
    for each in readable_conventions():
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
