"""One question to a worker: a text or a file, read within bounds and without touching the disk."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final, Self

import msgspec

from harness.convention.reading import Supplied
from harness.core.errors import InputError, Place
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_texts
from harness.lookup.given_values import as_value
from harness.lookup.listing import Answer
from harness.lookup.models import NodeError, is_model, model_suffixes, read_model
from harness.lookup.reading import supply
from harness.server.limits import MAX_CALLS, MAX_TEXT
from harness.server.schema import Options, Query
from harness.syntax.documents import Document, document_of
from harness.syntax.tree import SnippetError

_HDF5: Final = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Asked:
    """A query, or an uploaded file with the options of one."""

    options: Options
    text: str = ""
    name: str = ""  # Of the file
    content: bytes | None = None  # Of a file that was uploaded
    for_page: bool = False

    @classmethod
    def of(cls, question: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        rest = dict(question)
        text, name, content = rest.pop("text"), rest.pop("file", ""), rest.pop("content", None)
        for_page = rest.pop("for_page", False)
        uploaded = None if content is None else b64decode(content)
        return cls(msgspec.convert(rest, Options), text, name, uploaded, for_page)

    @classmethod
    def about(cls, query: Query, *, for_page: bool = False) -> Self:
        """Ask what a query asks."""
        return cls(_options(query), query.text, query.file or "", None, for_page)

    def to_json(self) -> dict[str, Any]:
        """The object that is sent to a worker."""
        content = {} if self.content is None else {"content": b64encode(self.content).decode()}
        own = {"text": self.text, "file": self.name, **content, "for_page": self.for_page}
        options: dict[str, Any] = msgspec.to_builtins(self.options)
        return options | own

    def query(self, text: str) -> Query:
        """The same question about a text of the form."""
        given = {name: getattr(self.options, name) for name in Options.__struct_fields__}
        return Query(text=text, file=self.name or msgspec.UNSET, **given)


def _options(query: Query) -> Options:
    return Options(**{name: getattr(query, name) for name in Options.__struct_fields__})


def look_up(asked: Asked) -> tuple[Sequence[Answer], Document | None]:
    """Answer every call of a text or a file, or every layer of a model, up to a bound.

    Raises
    ------
    InputError
        Where there is none, or the file is not read here.
    """
    options = asked.options
    values = {name: as_value(value) for name, value in (options.values or {}).items()}
    supplied = supply(options.input or None, options.weight or None, values)
    if not asked.name:
        return _calls((asked.text,), asked, supplied), None
    content = asked.content
    if content is None:
        content = asked.text.encode(errors="replace")
    if not content.strip():
        raise InputError(f"{asked.name} is empty.")
    if content.startswith(_HDF5):
        # Its library opens files by their real names only, and uploads are on no disk.
        raise InputError(
            f"{asked.name} is a file of HDF5, which the service does not read: save the model as "
            f".keras, or run `deconform translate {asked.name}`."
        )
    if PurePath(asked.name).suffix.lower() in model_suffixes():
        with _in_memory(asked.name, content) as path:
            if is_model(path):
                return _layers(path, asked, supplied), Document(asked.name, "", is_model=True)
    document = document_of(asked.name, content, MAX_TEXT)
    every = _calls(document.texts, asked, supplied)
    if len(every) == 1 and isinstance(every[0], SnippetError) and document.cells:
        raise _in_cell(every[0], document)
    return every, document


def _calls(texts: Sequence[str], asked: Asked, supplied: Supplied) -> list[LookUp | SnippetError]:
    return look_up_texts(
        texts,
        asked.options.source or None,
        asked.options.to or (),
        supplied=supplied,
        style=asked.options.style,
        most=MAX_CALLS,
    )


def _layers(path: Path, asked: Asked, supplied: Supplied) -> Sequence[Answer]:
    """Answer the layers of a model; refuse what is said of code."""
    options, name = asked.options, asked.name
    if options.source or options.values:
        given = "whose it is" if options.source else "no numbers by names"
        raise InputError(f"{name} is a model, which says {given} itself.")
    every = read_model(path, name, options.to or (), supplied=supplied, style=options.style)
    if not every:
        raise InputError(f"{name} is a model without a transposed convolution.")
    if len(every) > 1 and (options.input or options.weight):
        raise InputError(
            f"{name} is a model with {len(every)} transposed convolutions, and a shape of the "
            "input or the weights is that of one: leave it out."
        )
    if len(every) <= MAX_CALLS:
        return every
    fact = f"the first {MAX_CALLS} layers are answered, and {len(every) - MAX_CALLS} are not."
    return [*every[:MAX_CALLS], NodeError("...", fact)]


def _in_cell(error: SnippetError, document: Document) -> InputError:
    """Return an error about a notebook's line with the line in its cell."""
    place = error.place
    if place is None:
        return error
    cell, line = document.cell_of(place.line)
    return InputError(f"cell {cell}: " + error.fact, Place(line, place.column, place.excerpt))


@contextmanager
def _in_memory(name: str, content: bytes) -> Iterator[Path]:
    """Yield the path of a file that is gone with its process, whatever ends that."""
    descriptor = os.memfd_create("model")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        # A reader in a process of its own finds it too.
        yield _named(f"/proc/{os.getpid()}/fd/{descriptor}", PurePath(name).name)
    finally:
        os.close(descriptor)


def _named(path: str, name: str) -> Path:
    """Return a path that says another name for its file, and that one's suffix.

    >>> _named("/proc/1/fd/3", "net.onnx").suffix
    '.onnx'
    """

    class _Named(type(Path())):  # type: ignore[misc]
        suffix = PurePath(name).suffix

    _Named.name = name
    return _Named(path)
