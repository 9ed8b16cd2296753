"""Faces of a difference: the terminal's, and Markdown for a pull request's comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from harness.conformance.difference import Change, Difference
from harness.records.record import Record
from harness.report.markdown import code, table
from harness.report.words import reasons

_SHOWN: Final = 3
_ABSENT: Final = "absent"


def print_difference(found: Difference, console: Console) -> None:
    """Print what fails now with its reasons, what is fixed, all else that changed, and the end."""
    for line in _lines(found):
        console.print(line, soft_wrap=True)


def difference_markdown(found: Difference) -> str:
    """Write a difference as Markdown: what fails and what is fixed outside, all else folded."""
    return "\n".join(_markdown(found)) + "\n"


def verdict(found: Difference) -> str:
    """Say in one line how it ended."""
    counts = {
        "newly failing": len(found.failing),
        "newly fixed": len(found.fixed),
        "otherwise changed": len(found.others),
        "gone": len(found.gone),
        "added": len(found.added),
        "as before": sum(found.same.values()),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    still = f"; {found.still_bad} still bad" if found.still_bad else ""
    return f"{said}{still}."


def _lines(found: Difference) -> Iterator[Text]:
    for group in _alike(found.failing):
        yield from _failing(group)
    folded = {
        "newly fixed": map(_told, _alike(found.fixed)),
        "other changes": _together(_movements(found.others)),
        "gone": _together(_statuses(found.gone)),
        "added": _together(_statuses(found.added)),
        "what else changed": found.notes,
    }
    for heading, lines in folded.items():
        if said := list(lines):
            yield Text(heading, "bold")
            yield from (Text(f"  {line}") for line in said)
            yield Text()
    yield Text(verdict(found), "bold red" if found.failing else "bold green")


def _failing(group: Sequence[Change]) -> Iterator[Text]:
    record = group[0].new
    yield Text(f"newly failing: {_told(group)}", "red")
    yield from (Text(f"  {reason}") for reason in reasons(change.new for change in group))
    if record.diagnosis:
        yield Text(f"  equals the mutant: {record.diagnosis}", "yellow")
    if record.file:
        yield Text(f"  {record.file}:{record.line}")
    yield Text(f"  {record.reproduce}", "bright_black")
    yield Text()


def _alike(changes: Iterable[Change]) -> list[tuple[Change, ...]]:
    """Put the checks of a case together that changed in the same way."""
    groups: dict[tuple[str, str, str, str, str | None], list[Change]] = {}
    for change in changes:
        new = change.new
        key = (new.framework, new.case, _was(change), new.status, new.diagnosis)
        groups.setdefault(key, []).append(change)
    return [tuple(group) for group in groups.values()]


def _was(change: Change) -> str:
    return change.old.status if change.old else _ABSENT


def _told(group: Sequence[Change]) -> str:
    """Say of a case's checks from what to what they changed."""
    first = group[0]
    checks = ", ".join(change.new.check for change in group)
    moved = f"{_was(first)} -> {first.new.status}"
    return f"{moved} {first.new.framework} {first.new.case}: {checks}"


def _movements(changes: Iterable[Change]) -> Iterator[tuple[str, Record]]:
    for change in changes:
        yield f"{_was(change)} -> {change.new.status}", change.new


def _statuses(records: Iterable[Record]) -> Iterator[tuple[str, Record]]:
    for record in records:
        yield record.status, record


def _together(told: Iterable[tuple[str, Record]]) -> Iterator[str]:
    """Count what became the same of a framework's checks, and name some of the cases."""
    groups: dict[tuple[str, str], list[str]] = {}
    for what, record in told:
        groups.setdefault((record.framework, what), []).append(record.case)
    for (framework, what), of in groups.items():
        cases = list(dict.fromkeys(of))
        more = f", and {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
        yield f"{framework}: {len(of)} {what} ({', '.join(cases[:_SHOWN])}{more})"


def _markdown(found: Difference) -> Iterator[str]:
    failing = len(found.failing)
    mark = f"{failing} checks fail newly" if failing else "nothing fails newly"
    yield from (f"### Conformance: {mark}", "", verdict(found))
    if found.failing:
        yield ""
        yield from table(
            ("case: checks", "framework", "was", "is", "reason", "equals the mutant", "reproduce"),
            map(_row, _alike(found.failing)),
        )
    if found.fixed:
        yield from ("", "<details>", f"<summary>{len(found.fixed)} checks are fixed</summary>", "")
        yield from table(
            ("case: checks", "framework", "was", "is"),
            (_row(group)[:4] for group in _alike(found.fixed)),
        )
        yield from ("", "</details>")
    rest = [
        *(("changed", line) for line in _together(_movements(found.others))),
        *(("gone", line) for line in _together(_statuses(found.gone))),
        *(("added", line) for line in _together(_statuses(found.added))),
        *(("engines and runs", line) for line in found.notes),
    ]
    if rest:
        yield from ("", "<details>", "<summary>What else changed</summary>", "")
        yield from table(("what", ""), rest)
        yield from ("", "</details>")


def _row(group: Sequence[Change]) -> tuple[str, ...]:
    record = group[0].new
    return (
        f"{record.case}: {', '.join(change.new.check for change in group)}",
        record.framework,
        _was(group[0]),
        f"**{record.status}**",
        "; ".join(reasons(change.new for change in group)),
        record.diagnosis or "",
        code(record.reproduce),
    )
