"""The files of a project that may hold layers, without what is no part of it."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from harness.audit.layers import Unread
from harness.core.bounded import MIB, read_bytes
from harness.core.errors import InputError

_NOT_OURS: Final = {"node_modules", "__pycache__"}
_OF_AN_ENVIRONMENT: Final = "pyvenv.cfg"
_RULES: Final = ".gitignore"
_MOST_PATTERNS: Final = 1000  # Of one such file


class Source(NamedTuple):
    """A file to read: as it was given, or below a folder that was."""

    path: str
    is_given: bool  # Whether it was named itself


class _Entry(NamedTuple):
    """What a folder holds: its path, the names below the folder where a walk began, its kind."""

    path: str
    parts: tuple[str, ...]
    is_folder: bool


@dataclass(frozen=True)
class _Pattern:
    """A line of a ``.gitignore``, in the folder that has it."""

    below: int  # How many folders stand above it, which the pattern does not see
    parts: tuple[str, ...]
    is_anchored: bool
    only_folders: bool
    takes_back: bool

    @classmethod
    def of(cls, line: str, below: int) -> _Pattern | None:
        """Read a line; ``None`` for a comment, and for what has ``**`` in its middle.

        https://git-scm.com/docs/gitignore
        """
        text = line.rstrip()
        takes_back = text.startswith("!")
        text = text[takes_back:].removeprefix("\\")
        only_folders = text.endswith("/")
        parts = tuple(part for part in text.removesuffix("/**").split("/") if part)
        is_anchored = "/" in text.rstrip("/") and parts[:1] != ("**",)
        parts = parts if is_anchored else parts[parts[:1] == ("**",) :]
        if line.startswith("#") or not parts or "**" in parts:
            return None
        return cls(below, parts, is_anchored, only_folders, takes_back)

    def matches(self, path: Sequence[str], *, is_folder: bool) -> bool:
        """Whether a path matches, given as the names below the folder where a walk began."""
        own = path[self.below :] if self.is_anchored else path[-len(self.parts) :]
        if len(own) != len(self.parts) or (self.only_folders and not is_folder):
            return False
        return all(map(fnmatch.fnmatchcase, own, self.parts))


def walk(
    paths: Iterable[str], suffixes: Iterable[str], exclude: Sequence[str] = ()
) -> Iterator[Source | Unread]:
    """Find the files that may hold layers, each once, those of a folder in the order of names.

    Parameters
    ----------
    paths : iterable of str
        Files, which are taken whatever their names, and folders.
    suffixes : iterable of str
        Of the files in folders that are taken.
    exclude : sequence of str
        What to leave out of folders, each as a line of a ``.gitignore`` says it.

    Yields
    ------
    Source or Unread
        What cannot be listed is unread.  Hidden folders, environments, and what a ``.gitignore``
        leaves out are no part of a project; links in a folder are not followed.

    Raises
    ------
    InputError
        Where nothing has one of the paths.
    """
    seen: set[str] = set()
    left_out = tuple(pattern for line in exclude if (pattern := _Pattern.of(line, 0)))
    taken = frozenset(suffixes)
    for given in paths:
        if not _is_there(given):
            raise InputError(f"there is no file or folder {given}.")
        is_folder = Path(given).is_dir()
        found = _in_folder(given, taken, left_out) if is_folder else [Source(given, is_given=True)]
        for each in found:
            place = Path(each.path if isinstance(each, Source) else each.file).absolute()
            if str(place) not in seen:
                seen.add(str(place))
                yield each


def _is_there(*parts: str) -> bool:
    try:
        return Path(*parts).exists()
    except (OSError, ValueError):  # In a folder that is closed, too long, or what no name can be
        return False


def _in_folder(
    root: str, suffixes: frozenset[str], patterns: tuple[_Pattern, ...]
) -> Iterator[Source | Unread]:
    # What is left to look at, the next one last, each with the patterns that hold where it is.
    left = [(_Entry(root, (), is_folder=True), patterns)]
    while left:
        entry, patterns = left.pop()
        if not entry.is_folder:
            yield Source(entry.path, is_given=False)
            continue
        within = (*patterns, *_patterns_in(entry.path, len(entry.parts)))
        try:
            inner = _listed(entry, suffixes, within)
        except OSError as error:
            fact = f"the folder cannot be read: {error.strerror or error}."
            yield Unread(entry.path, None, fact)
        else:
            left += [(each, within) for each in reversed(inner)]


def _listed(folder: _Entry, suffixes: frozenset[str], patterns: Sequence[_Pattern]) -> list[_Entry]:
    """List what a folder holds that is of a project."""
    taken = []
    with os.scandir(folder.path) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder:
                is_taken = not (entry.name.startswith(".") or entry.name in _NOT_OURS)
                is_taken = is_taken and not _is_there(entry.path, _OF_AN_ENVIRONMENT)
            else:
                suffix = Path(entry.name).suffix.lower()
                is_taken = suffix in suffixes and entry.is_file(follow_symlinks=False)
            parts = (*folder.parts, entry.name)
            if is_taken and not _is_left_out(parts, patterns, is_folder=is_folder):
                taken.append(_Entry(os.path.normpath(entry.path), parts, is_folder))
    return taken


def _is_left_out(path: Sequence[str], patterns: Sequence[_Pattern], *, is_folder: bool) -> bool:
    matching = (each for each in reversed(patterns) if each.matches(path, is_folder=is_folder))
    last = next(matching, None)
    return last is not None and not last.takes_back


def _patterns_in(folder: str, below: int) -> Iterator[_Pattern]:
    rules = Path(folder, _RULES)
    try:
        if rules.is_symlink() or not rules.is_file():
            return
        lines = read_bytes(rules, MIB).decode("utf-8", "replace").splitlines()
    except OSError:  # Nothing is left out then
        return
    for line in lines[:_MOST_PATTERNS]:
        if pattern := _Pattern.of(line, below):
            yield pattern
