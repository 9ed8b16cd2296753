"""Markdown: the matrix, and the reasons for its numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report.words import alike, claims, describe_engine, reasons, short_counts

FAILURE_HEAD: Final = (
    *("case: checks", "framework", "status", "reason", "equals the mutant", "reproduce"),
)


def markdown(report: Report) -> str:
    """Write a report as Markdown: engines, matrix, failures, limitations, unsupported cases."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from ("# Conformance of transposed convolutions", "", escaped(_summary(report)), "")
    engines = ((name, *describe_engine(info)) for name, info in report.header.frameworks.items())
    yield from table(("framework", "version", "engine"), engines)
    letters = ", ".join(f"{status.letter} {status}" for status in Status)
    yield from ("", f"Each cell counts checks by status: {letters}.", "")
    yield from matrix(report)
    yield from (line for claim in claims(report) for line in ("", escaped(claim)))
    if bad := list(report.bad):
        yield from ("", "## What went wrong", "")
        yield from table(FAILURE_HEAD, map(failure_row, alike(bad)))
    if known := [record for record in report.records if record.status == Status.KNOWN]:
        yield from ("", "## Known limitations that reproduced", "")
        yield from table(("framework", "limitation", "checks", "what happens"), _grouped(known))
    unsupported = (each for each in report.records if each.status == Status.UNSUPPORTED)
    if counts := Counter((each.framework, each.reason or "") for each in unsupported):
        yield from ("", "## What cannot be expressed", "")
        rows = ((framework, str(n), reason) for (framework, reason), n in sorted(counts.items()))
        yield from table(("framework", "checks", "reason"), rows)


def _summary(report: Report) -> str:
    header, footer = report.header, report.footer
    text = f"{header.cases} cases, {report.checks} checks, "
    text += f"deconform {header.deconform}, {header.started}. "
    if footer is None:
        return text + "**The run was interrupted: this is not all of it.**"
    return text + f"Took {footer.elapsed_s:.1f} s. " + ("Nothing failed." if report.ok else "")


def _grouped(records: Iterable[Record]) -> Iterator[tuple[str, str, str, str]]:
    def key(record: Record) -> tuple[str, str]:
        return record.framework, record.limitation or ""

    for (framework, limitation), group in groupby(sorted(records, key=key), key):
        members = list(group)
        reason = (members[0].reason or "").partition(" [")[0]
        yield framework, limitation, str(len(members)), reason


def failure_row(group: Sequence[Record], longest: int | None = None) -> tuple[str, ...]:
    """Write the cells below ``FAILURE_HEAD`` for the checks of one case that ended alike."""
    first = group[0]
    reason = "; ".join(reasons(group))
    return (
        f"{first.case}: {', '.join(record.check for record in group)}",
        first.framework,
        first.status,
        f"{reason[:longest]} ..." if longest and len(reason) > longest else reason,
        first.diagnosis or "",
        code(first.reproduce),
    )


def matrix(report: Report) -> Iterator[str]:
    """Write the lines of the matrix: counts by suite and framework."""
    rows = [
        (suite, *(short_counts(row[name]) for name in report.columns))
        for suite, row in report.matrix.items()
    ]
    total = ("**all**", *(short_counts(report.counts[name]) for name in report.columns))
    columns = (
        f"{name} (documented semantics)" if info.is_documented else name
        for name, info in report.header.frameworks.items()
        if name in report.columns
    )
    yield from table(("suite", *columns), [*rows, total])


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Write the lines of a table; its cells are text, in which only bold and code are Markdown."""
    cells = tuple(head)
    yield "| " + " | ".join(map(escaped, cells)) + " |"
    yield "|" + " --- |" * len(cells)
    for row in rows:
        yield "| " + " | ".join(map(escaped, row)) + " |"


def folded(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """Write lines that are folded away below a heading, after an empty line."""
    yield from ("", "<details>", f"<summary>{heading}</summary>", "", *lines, "", "</details>")


class Code(str):
    """Markdown that shows a text verbatim."""

    __slots__ = ()


def code(text: str) -> Code:
    r"""Write code for a table's cell or a line, whatever characters it contains.

    >>> print(code("a`b"), code("x | y"))
    `` a`b `` `x \| y`
    """
    line = " ".join(text.split())
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence, space = "`" * (longest + 1), " " * bool(longest)
    return Code(_without_bars(f"{fence}{space}{line}{space}{fence}"))


def escaped(cell: str) -> str:
    """Write a text or cell on one line; foreign text cannot become HTML, a link or an image."""
    if isinstance(cell, Code):
        return cell
    text = cell.replace("<", "&lt;").replace("](", "]\\(")
    return " ".join(_without_bars(text).split())


def _without_bars(text: str) -> str:
    """Escape bars, which would end a cell, doubling the backslashes before them."""
    return re.sub(r"(\\*)\|", lambda match: 2 * match[1] + "\\|", text)
