"""A difference of two runs in the terminal, and as Markdown for a pull request's comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from harness.conformance.difference import Difference, Transition
from harness.records.record import Record
from harness.report.markdown import FAILURE_HEAD, failure_row, folded, table
from harness.report.words import details, group_key, headline

_SHOWN: Final = 3
_ABSENT: Final = "absent"


def print_difference(difference: Difference, console: Console) -> None:
    """Print what newly fails and why, what is fixed, other changes, and the verdict."""
    for line in _lines(difference):
        console.print(line, soft_wrap=True)


def difference_markdown(difference: Difference) -> str:
    """Write a difference as Markdown: what fails is in view, everything else folded."""
    return "\n".join(_markdown(difference)) + "\n"


def verdict(difference: Difference) -> str:
    """Summarize a difference in one line."""
    counts = {
        "newly failing": len(difference.failing),
        "newly fixed": len(difference.fixed),
        "otherwise changed": len(difference.others),
        "gone": len(difference.gone),
        "added": len(difference.added),
        "as before": sum(difference.same.values()),
    }
    counted = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    still = f"; {difference.still_bad} still bad" if difference.still_bad else ""
    return f"{counted}{still}."


def _lines(difference: Difference) -> Iterator[Text]:
    for group in _grouped(difference.failing):
        yield Text(f"newly failing: {_describe(group)}", "red")
        for line, colour in details([change.new for change in group]):
            yield Text(f"  {line}", colour)
        yield Text()
    fixed = ("newly fixed", "", map(_describe, _grouped(difference.fixed)))
    for heading, _, lines in (fixed, *_others(difference)):
        if shown := list(lines):
            yield Text(heading, "bold")
            yield from (Text(f"  {line}") for line in shown)
            yield Text()
    yield Text(verdict(difference), "bold red" if difference.failing else "bold green")


def _grouped(changes: Iterable[Transition]) -> list[tuple[Transition, ...]]:
    """Group the checks of a case that changed in the same way."""
    groups: dict[tuple[str, tuple[str | None, ...]], list[Transition]] = {}
    for change in changes:
        groups.setdefault((_was(change), group_key(change.new)), []).append(change)
    return [tuple(group) for group in groups.values()]


def _was(change: Transition) -> str:
    return change.old.status if change.old else _ABSENT


def _describe(group: Sequence[Transition]) -> str:
    return f"{_was(group[0])} -> {headline([change.new for change in group])}"


def _others(difference: Difference) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Yield what else changed: its heading in the terminal, its word in Markdown, its lines."""
    moved = ((f"{_was(one)} -> {one.new.status}", one.new) for one in difference.others)
    yield "other changes", "changed", _counted(moved)
    yield "gone", "gone", _counted((one.status, one) for one in difference.gone)
    yield "added", "added", _counted((one.status, one) for one in difference.added)
    yield "what else changed", "engines and runs", difference.notes


def _counted(changes: Iterable[tuple[str, Record]]) -> Iterator[str]:
    """Count the checks of each framework that changed in the same way, and name some cases."""
    groups: dict[tuple[str, str], list[str]] = {}
    for what, record in changes:
        groups.setdefault((record.framework, what), []).append(record.case)
    for (framework, what), checks in groups.items():
        cases = list(dict.fromkeys(checks))
        more = f", and {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
        yield f"{framework}: {len(checks)} {what} ({', '.join(cases[:_SHOWN])}{more})"


def _markdown(difference: Difference) -> Iterator[str]:
    failing = len(difference.failing)
    mark = f"{failing} checks newly fail" if failing else "nothing newly fails"
    yield from (f"### Conformance: {mark}", "", verdict(difference))
    if difference.failing:
        yield ""
        head = ("case: checks", "framework", "was", "is", *FAILURE_HEAD[3:])
        yield from table(head, map(_row, _grouped(difference.failing)))
    if difference.fixed:
        rows = (_row(group)[:4] for group in _grouped(difference.fixed))
        fixed = table(("case: checks", "framework", "was", "is"), rows)
        yield from folded(f"{len(difference.fixed)} checks are fixed", fixed)
    if rest := [(word, line) for _, word, lines in _others(difference) for line in lines]:
        yield from folded("What else changed", table(("what", ""), rest))


def _row(group: Sequence[Transition]) -> tuple[str, ...]:
    case, framework, status, *rest = failure_row([change.new for change in group])
    return case, framework, _was(group[0]), f"**{status}**", *rest
