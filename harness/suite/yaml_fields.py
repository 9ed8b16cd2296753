"""Read YAML files key by key: every error names file and line, and no key is ignored."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, Self

import yaml

from harness.core.bounded import MIB, read_bytes
from harness.core.errors import InputError
from harness.core.suggestion import did_you_mean, nearest
from harness.suite.keys import ENTRIES, MAPPING, REQUIRED, Place

MAX_DEPTH: Final = 20
MAX_VALUES: Final = 100_000
MAX_NUMBER: Final = 500
_NUMBER: Final = re.compile(r"[-+]?[.\d][-+.:\w]*")


class SpecError(InputError):
    """A spec that cannot be used; the message begins with ``file:line``."""


def shown(file: Path) -> str:
    """Return a file's path, relative to the current folder where it is inside."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def document(file: Path) -> yaml.Node:
    """Parse a file into nodes, which know their lines."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = read_bytes(file, MIB).decode("utf-8")
        depth = 0
        for number, event in enumerate(yaml.parse(text, Loader=loader)):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if number > MAX_VALUES:
                raise SpecError(f"{shown(file)}:{line}: more than {MAX_VALUES} keys and values.")
            if isinstance(event, yaml.AliasEvent):
                # An alias of an alias of an alias grows without bound.
                raise SpecError(
                    f"{shown(file)}:{line}: alias *{event.anchor} is not allowed; write it out."
                )
            if (tag := getattr(event, "tag", None)) is not None:
                raise SpecError(f"{shown(file)}:{line}: tag {tag} is not allowed; leave it out.")
            # Numbers take time that grows with the square of their length, to read and to print.
            value = getattr(event, "value", "")
            if len(value) > MAX_NUMBER and _NUMBER.fullmatch(value):
                raise SpecError(f"{shown(file)}:{line}: a number of {len(value)} characters.")
            # Composing recurses, in C, which a deep document overflows.
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise SpecError(f"{shown(file)}:{line}: nested more than {MAX_DEPTH} deep.")
        node = yaml.compose(text, Loader=loader)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{shown(file)}:1: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{shown(file)}:{line}: not YAML: {error.problem}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError(f"{shown(file)}:1: not YAML: {error}") from None
    if node is None:
        raise SpecError(f"{shown(file)}:1: the file is empty.")
    assert isinstance(node, yaml.Node)
    return node


class Fields:
    """A YAML mapping, read by the table of keys of the place where it stands."""

    def __init__(
        self, file: str, line: int, entries: Mapping[str, yaml.Node], place: Place
    ) -> None:
        self.file = file
        self.line = line
        self.subject = ""
        self._entries = entries
        self._keys = place.keys
        self._values: dict[str, Any] = {}

    @classmethod
    def of(cls, node: yaml.Node, file: str, place: Place) -> Self:
        """Start reading a node, which must be a mapping."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(f"{file}:{line}: expected a mapping (key: value), found {_kind(node)}.")
        return cls(file, line, _entries(node, file), place)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def error(self, message: str, key: str | None = None) -> SpecError:
        """Make an error at a key's line, or at the mapping's own."""
        node = self._entries.get(key or "")
        line = node.start_mark.line + 1 if node else self.line
        return SpecError(f"{self.file}:{line}: {self.subject}{message}")

    def value(self, key: str) -> Any:
        """Return a key's value, or its default where the mapping lacks it."""
        if key not in self._values:
            self._values[key] = self._read(key)
        return self._values[key]

    def values(self) -> dict[str, Any]:
        """Return every key's value; a key that the table lacks is an error."""
        values = {key: self.value(key) for key in self._keys}
        self.check_unknown()
        return values

    def _read(self, key: str) -> Any:
        row = self._keys[key]
        if key not in self._entries:
            if row.default is REQUIRED:
                raise self._missing(key)
            return row.default
        node = self._entries[key]
        if row.kind is ENTRIES:
            if not isinstance(node, yaml.SequenceNode):
                raise self.error(f"{key!r} must be a list, found {_kind(node)}.", key)
            return list(node.value)
        if row.kind is MAPPING:
            return node
        if isinstance(node, yaml.MappingNode):
            _entries(node, self.file)
        try:
            value = yaml.constructor.SafeConstructor().construct_document(node)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self.error(f"{key}: {error}", key) from None
        return None if value is row.default is None else self.checked(key, value)

    def checked(self, key: str, value: Any) -> Any:
        """Return a value as the loader uses it for a key."""
        try:
            return self._keys[key].kind.read(key, value)
        except ValueError as error:
            raise self.error(str(error), key) from None

    def _missing(self, key: str) -> SpecError:
        """Make an error at the key that may be this one misspelt, else at the mapping's line."""
        others = [other for other in self._entries if other not in self._keys]
        near = nearest(key, others)
        if not near:
            return self.error(f"{key!r} is missing.")
        return self.error(f"{key!r} is missing. Did you mean {key!r} by {near[0]!r}?", near[0])

    def check_unknown(self, out_of_place: Collection[str] = ()) -> None:
        """Raise for the first key that the table lacks, or that is ``out_of_place`` here."""
        known = sorted(key for key in self._keys if key not in out_of_place)
        for key in self._entries:
            if key not in known:
                hint = did_you_mean(nearest(key, known))
                raise self.error(f"unknown key {key!r}.{hint} Known: {', '.join(known)}.", key)


def _entries(node: yaml.Node, file: str) -> dict[str, yaml.Node]:
    """Return the values of a mapping by key; a key must be a text, given once."""
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        where = f"{file}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise SpecError(f"{where}: a key must be a text, found {_kind(key)}.")
        if key.value == "<<":
            raise SpecError(f"{where}: '<<' is not allowed; write the keys out.")
        if key.value in entries:
            raise SpecError(f"{where}: key {key.value!r} is given twice.")
        entries[key.value] = value
    return entries


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, yaml.MappingNode) else f"the value {node.value!r}"
