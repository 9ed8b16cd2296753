"""The answers to all calls of a text, for people: a table of them, then one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from harness.core.named_number import in_names
from harness.core.operators import sizes
from harness.lookup.answer import Line, LookUp, answer, in_words
from harness.lookup.every import line_of
from harness.lookup.models import NodeError
from harness.syntax.documents import Document
from harness.syntax.tree import SnippetError

Answer: TypeAlias = LookUp | SnippetError

_FEW: Final = 3  # Answers that are read without a table
_LONGEST: Final = 60  # Characters of an operator in the table
_MARKS: Final = {"native": "yes", "rewritten": "rewritten", "unsupported": "no"}


@dataclass(frozen=True)
class Row:
    """A call in the list of all: where and what it is, and what each target makes of it."""

    place: str  # The line, with the cell of a notebook
    name: str
    operator: str = ""  # In words
    shapes: str = ""  # Of input and output, where they are known
    supports: Mapping[str, str] = field(default_factory=dict)  # By framework
    refusal: str = ""  # Why it cannot be read


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
    for number, same in enumerate(alike(answers)):
        if number:
            yield []
        yield _heading(document, same)
        first = same[0]
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


def all_in_json(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the object of one call alone, and of several what could be read and what could not.

    >>> all_in_json([{"line": 1}, {"line": 2, "error": "no kernel"}])
    {'calls': [{'line': 1}], 'refused': [{'line': 2, 'error': 'no kernel'}]}
    """
    if len(objects) == 1:
        return objects[0]
    return {
        "calls": [each for each in objects if "error" not in each],
        "refused": [each for each in objects if "error" in each],
    }


def lines_of(one: Answer) -> tuple[int, ...]:
    """Return the line of a call, and those of what it calls, to the framework's own."""
    within = one.reading.within if isinstance(one, LookUp) else ()
    return (line_of(one), *within)


def name_of(one: Answer) -> str:
    """Return what the text gives a call's result to, or the name of a model's node."""
    if isinstance(one, LookUp):
        return one.reading.name
    return one.name if isinstance(one, NodeError) else ""


def rows(answers: Sequence[Answer], document: Document | None = None) -> list[Row]:
    """Return the list of all answers, in their order."""
    return [_row(document or Document("", ""), one) for one in answers]


def _row(document: Document, one: Answer) -> Row:
    cell, line = document.cell_of(line_of(one))
    place = str(line or "") if cell is None else f"cell {cell}:{line}"
    if not isinstance(one, LookUp):
        return Row(place, name_of(one), refusal=one.fact)
    shape, output = one.reading.input, one.output
    return Row(
        place,
        one.reading.name,
        in_names(in_words(one.reading.operator)),
        "" if output is None else in_names(f"{sizes(shape or ())} -> {sizes(output)}"),
        {each.framework: each.answer.support for each in one.translations},
    )


def alike(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Put answers together that are the same but for their places."""
    groups: dict[object, list[Answer]] = {}
    for one in answers:
        # A mistake in code is shown where it is; nodes of a model are refused for one reason.
        other = one.fact if isinstance(one, NodeError) else id(one)
        key = _key(one) if isinstance(one, LookUp) else other
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _key(look: LookUp) -> object:
    reading = look.reading
    operator = str(reading.operator)  # With the names that it has
    return operator, reading.form, reading.input, reading.notes, look.names


def places(answers: Sequence[Answer], document: Document | None = None) -> str:
    """Return where answers stand: ``model.py:12, model.py:40``, or without a file ``line 12``."""
    file = document.name if document else ""
    lines = [*filter(None, map(line_of, answers))]
    if not document or not file or not lines:
        return ", ".join(f"line {line}" for line in lines) or file
    return ", ".join(map(document.place, lines))


def names(answers: Sequence[Answer]) -> str:
    """Return what the text calls the results of calls, each name once."""
    return ", ".join(dict.fromkeys(filter(None, map(name_of, answers))))


def _heading(document: Document, same: Sequence[Answer]) -> Line:
    if document.is_model:
        nodes = ", ".join(filter(None, map(name_of, same)))
        return [("bold magenta", f"{document.name}:"), ("bold", f" {nodes}")]
    shown = names(same)
    return [("bold magenta", places(same, document)), ("bold", f"  {shown}" if shown else "")]


def _table(document: Document, answers: Sequence[Answer]) -> Iterator[Line]:
    """Write a line for each call: where it is, what it is, and what the targets make of it."""
    listed_rows = rows(answers, document)
    targets = next((each.supports for each in listed_rows if each.supports), {})
    header = ["line", "name", "operator", "input -> output", *targets]
    table = [_cells(each) for each in listed_rows]
    if document.is_model:
        table, header = [cells[1:] for cells in table], ["node", *header[2:]]
    widths = [
        max(len(cells[n]) for cells in [header, *table] if n < len(cells))
        for n in range(len(header))
    ]
    for style, cells in [("dim", header), *(("", cells) for cells in table)]:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        yield [(style, "  ".join(padded).rstrip())]


def _cells(row: Row) -> list[str]:
    if row.refusal:
        return [row.place, row.name, f"not read: {row.refusal}"[: _LONGEST + 20]]
    words = row.operator
    short = words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."
    supports = [_MARKS[support] for support in row.supports.values()]
    return [row.place, row.name, short, row.shapes, *supports]
