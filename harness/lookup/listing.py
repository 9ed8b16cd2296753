"""The answers to all calls of a text, for people: a table of them, then one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from harness.core.named_number import in_names
from harness.core.operators import sizes
from harness.lookup.answer import Line, LookUp, answer, in_words
from harness.lookup.models import NodeError
from harness.syntax.documents import Document
from harness.syntax.tree import SnippetError

Answer: TypeAlias = LookUp | SnippetError

_FEW: Final = 3  # Answers that are read without a table
_LONGEST: Final = 60  # Characters of an operator in the table
_MARKS: Final = {"native": "yes", "rewritten": "rewritten", "unsupported": "no"}


def listed(
    answers: Sequence[Answer],
    document: Document | None,
    after: Callable[[LookUp], Iterable[Line]],
    *,
    programs: bool,
) -> Iterator[Line]:
    """Write the answers, those that are alike once, with all their places.

    ``after`` are the lines to add to an answer.
    """
    document = document or Document("", "")
    if len(answers) > _FEW:
        yield from _table(document, answers)
        yield []
    for place, alike in enumerate(_alike(answers)):
        if place:
            yield []
        yield _heading(document, alike)
        first = alike[0]
        if isinstance(first, LookUp):
            yield from answer(first, programs)
            yield from after(first)
        else:
            shown = first.fact if document.is_model else str(first)
            yield from ([("red", line)] for line in shown.splitlines())


def in_json(one: Answer, document: Document | None = None) -> dict[str, Any]:
    """Return the object of an answer as JSON, with its place; of an error, with what it says."""
    file, line = document.name if document else None, line_of(one)
    if document and document.is_model:
        node: dict[str, Any] = {"file": file, "node": name_of(one)}
        return {**one.to_json(), **node} if isinstance(one, LookUp) else {**node, "error": one.fact}
    cell, line = document.cell_of(line) if document else (None, line)
    place: dict[str, Any] = {"file": file, "line": line or None}
    if isinstance(one, LookUp):
        place["column"] = one.reading.column or None
    else:
        place["column"] = one.place.column if one.place else None
    if cell is not None:
        place["cell"] = cell
    return {**one.to_json(), **place} if isinstance(one, LookUp) else {**place, "error": one.fact}


def line_of(one: Answer) -> int:
    """Return the line of a call in the text; 0 where it has none."""
    if isinstance(one, LookUp):
        return one.reading.line
    return one.place.line if one.place else 0


def name_of(one: Answer) -> str:
    """Return what the text gives a call's result to, or the name of a model's node."""
    if isinstance(one, LookUp):
        return one.reading.name
    return one.name if isinstance(one, NodeError) else ""


def _alike(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Put answers together that are the same but for their places."""
    groups: dict[object, list[Answer]] = {}
    for one in answers:
        key = _key(one) if isinstance(one, LookUp) else id(one)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _key(look: LookUp) -> object:
    reading = look.reading
    operator = str(reading.operator)  # With the names that it has
    return operator, reading.form, reading.input, reading.notes, look.names


def _heading(document: Document, alike: Sequence[Answer]) -> Line:
    if document.is_model:
        nodes = ", ".join(filter(None, map(name_of, alike)))
        return [("bold magenta", f"{document.name}:"), ("bold", f" {nodes}")]
    places = [
        document.place(line_of(one)) if document.name else f"line {line_of(one)}" for one in alike
    ]
    names = dict.fromkeys(one.reading.name for one in alike if isinstance(one, LookUp))
    shown = ", ".join(name for name in names if name)
    return [("bold magenta", ", ".join(places)), ("bold", f"  {shown}" if shown else "")]


def _table(document: Document, answers: Sequence[Answer]) -> Iterator[Line]:
    """Write a line for each call: where it is, what it is, and what the targets make of it."""
    rows = [_row(document, one) for one in answers]
    titles = next((_targets(one) for one in answers if isinstance(one, LookUp)), [])
    header = ["line", "name", "operator", "input -> output", *titles]
    if document.is_model:
        rows, header = [row[1:] for row in rows], ["node", *header[2:]]
    widths = [
        max(len(row[n]) for row in [header, *rows] if n < len(row)) for n in range(len(header))
    ]
    for style, row in [("dim", header), *(("", row) for row in rows)]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield [(style, "  ".join(cells).rstrip())]


def _row(document: Document, one: Answer) -> list[str]:
    cell, line = document.cell_of(line_of(one))
    place = str(line) if cell is None else f"cell {cell}:{line}"
    if not isinstance(one, LookUp):
        return [place, name_of(one), f"not read: {one.fact}"[: _LONGEST + 20]]
    reading, output = one.reading, one.output
    shape = "" if output is None else f"{sizes(reading.input or ())} -> {sizes(output)}"
    words = in_names(in_words(reading.operator))
    short = words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."
    supports = [_MARKS[each.answer.support] for each in one.translations]
    return [place, reading.name, short, in_names(shape), *supports]


def _targets(look: LookUp) -> list[str]:
    return [each.framework for each in look.translations]
