"""YAML files read key by key; every error names file and line, and no key goes unnoticed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import yaml

from harness.core.errors import InputError

MAX_DEPTH: Final = 20
REQUIRED: Final = object()


class SpecError(InputError):
    """A spec that cannot be used; the message begins with ``file:line``."""


def shown(file: Path) -> str:
    """Name a file as briefly as the current folder allows."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def document(file: Path) -> yaml.Node:
    """Compose a file into nodes, which know their lines."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = file.read_text(encoding="utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            where = f"{shown(file)}:{event.start_mark.line + 1 if event.start_mark else 1}"
            if isinstance(event, yaml.AliasEvent):
                # An alias of an alias of an alias grows without bound.
                raise SpecError(f"{where}: alias *{event.anchor} is not allowed; write it out.")
            if (tag := getattr(event, "tag", None)) is not None:
                raise SpecError(f"{where}: tag {tag} is not allowed; leave it out.")
            # Composing recurses, in C, which a deep document overflows.
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise SpecError(f"{where}: nested more than {MAX_DEPTH} deep.")
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
    """A YAML mapping being read: every key is taken once, and what is left is an error."""

    def __init__(self, file: str, line: int, entries: Mapping[str, yaml.Node]) -> None:
        self.file = file
        self.line = line
        self.subject = ""
        self._entries = dict(entries)
        self._known: list[str] = []

    @classmethod
    def of(cls, node: yaml.Node, file: str) -> Self:
        """Begin to read a node, which must be a mapping."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(f"{file}:{line}: expected a mapping (key: value), found {_kind(node)}.")
        return cls(file, line, _entries(node, file))

    def error(self, message: str, key: str | None = None) -> SpecError:
        """Make an error at a key's line, or at the mapping's own."""
        line = self._entries[key].start_mark.line + 1 if key in self._entries else self.line
        return SpecError(f"{self.file}:{line}: {self.subject}{message}")

    def take(self, key: str, default: Any = REQUIRED) -> Any:
        """Give a key's value, whatever it is."""
        self._known.append(key)
        if key not in self._entries:
            if default is REQUIRED:
                raise self._missing(key)
            return default
        if isinstance(self._entries[key], yaml.MappingNode):
            _entries(self._entries[key], self.file)
        try:
            return yaml.constructor.SafeConstructor().construct_document(self._entries[key])
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self.error(f"{key}: {error}", key) from None

    def _missing(self, key: str) -> SpecError:
        """Make an error at the key that can be this one, misspelt; else at the mapping's line."""
        others = [other for other in self._entries if other not in self._known]
        near = difflib.get_close_matches(key, others, n=1)
        if not near:
            return self.error(f"{key!r} is missing.")
        return self.error(f"{key!r} is missing. Did you mean {key!r} by {near[0]!r}?", near[0])

    def items(self, key: str) -> list[yaml.Node]:
        """Give the nodes of a list."""
        self._known.append(key)
        if key not in self._entries:
            raise self._missing(key)
        node = self._entries[key]
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{key!r} must be a list, found {_kind(node)}.", key)
        return list(node.value)

    def text(self, key: str, default: Any = REQUIRED) -> str:
        """Give a text."""
        value = self.take(key, default)
        if not isinstance(value, str):
            raise self.error(f"{key!r} must be text, found {value!r}.", key)
        return value

    def texts(self, key: str, default: Any = REQUIRED) -> tuple[str, ...]:
        """Give a list of texts; one text serves for a list of one."""
        value = self.take(key, default)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
            raise self.error(f"{key!r} must be text or a list of texts, found {value!r}.", key)
        return tuple(values)

    def choice(self, key: str, choices: Sequence[str], default: Any = REQUIRED) -> str:
        """Give a text that is one of a few."""
        value = self.text(key, default)
        if value not in choices:
            raise self.error(f"{key} {value!r} must be one of {', '.join(choices)}.", key)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Give a truth value."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise self.error(f"{key!r} must be true or false, found {value!r}.", key)
        return value

    def finish(self) -> None:
        """Raise for the first key that nobody asked for."""
        for key in self._entries:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                known = ", ".join(sorted(set(self._known)))
                raise self.error(f"unknown key {key!r}.{hint} Known: {known}.", key)


def _entries(node: yaml.Node, file: str) -> dict[str, yaml.Node]:
    """Give the values of a mapping by key; a key must be a text, given once."""
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
