"""The terminal: progress during a run, and its matrix at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from harness.records.record import Event, Header, Record
from harness.records.report_file import Report
from harness.records.status import Status, count_bad
from harness.report.words import alike, claims, describe_engine, details, headline

_SHOWN = 20


def followed(
    events: Iterable[Event], console: Console, checks: int, frameworks: Iterable[str]
) -> Iterator[Event]:
    """Yield the events and show progress: bars in a terminal, else a line per framework."""
    if not console.is_terminal:
        yield from _with_lines(events, console, checks, frameworks)
        return
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, TaskID] = {
            name: progress.add_task(name, total=checks, state="starting") for name in frameworks
        }
        counts: dict[str, Counter[Status]] = {name: Counter() for name in bars}
        for event in events:
            if isinstance(event, Header):
                for name, info in event.frameworks.items():
                    progress.update(bars[name], state=escape(info.version or "skipped"))
            elif isinstance(event, Record):
                counts[event.framework][event.status] += 1
                if bad := count_bad(counts[event.framework]):
                    progress.update(bars[event.framework], state=f"[red]{bad} bad[/red]")
                progress.advance(bars[event.framework])
            yield event


def _with_lines(
    events: Iterable[Event], console: Console, checks: int, frameworks: Iterable[str]
) -> Iterator[Event]:
    counts: dict[str, Counter[Status]] = {name: Counter() for name in frameworks}
    skipped: set[str] = set()
    for event in events:
        if isinstance(event, Header):
            for name, info in event.frameworks.items():
                if info.unavailable:
                    skipped.add(name)
                version, engine = describe_engine(info)
                _print(console, f"{name}: {version} ({engine})")
        elif isinstance(event, Record):
            count = counts[event.framework]
            count[event.status] += 1
            if count.total() == checks and event.framework not in skipped:
                counted = ", ".join(f"{n} {status}" for status, n in sorted(count.items()))
                _print(console, f"{event.framework}: done, {counted}")
        yield event


def print_report(report: Report, console: Console, *, every: bool = False) -> None:
    """Print the matrix, then each failure with its reason, diagnosis and reproduce command."""
    if report.columns:
        console.print(_matrix(report))
        console.print(_legend(report))
    for line in claims(report):
        _print(console, f"  {line}")
    for name, info in report.header.frameworks.items():
        if info.unavailable:
            is_broken = report.counts[name][Status.ERRORED]
            fate = "did not start" if is_broken else "was skipped"
            _print(console, f"  {name} {fate}: {info.unavailable}")
        elif info.is_documented:
            _print(console, f"  {name}: {info.engine}, not the product itself")
    groups = list(alike(report.bad))
    for group in groups if every else groups[:_SHOWN]:
        console.print()
        _print(console, headline(group), "red")
        for line, colour in details(group):
            _print(console, f"  {line}", colour)
    if (more := len(groups) - _SHOWN) > 0 and not every:
        _print(console, f"\n... and {more} more; the report (-o FILE) has them all.")
    _print_end(report, console, sum(map(len, groups)))


def _print_end(report: Report, console: Console, bad: int) -> None:
    console.print()
    if report.footer is None:
        _print(console, "The run was interrupted: this is not all of it.", "bold red")
        return
    verdict = f"{bad} of them bad" if bad else "nothing failed"
    if not bad and not report.ran:
        verdict = "nothing was run"
    counted = f"{report.header.cases} cases, {report.checks} checks"
    line = f"{counted} in {report.footer.elapsed_s:.1f} s: {verdict}."
    _print(console, line, "bold green" if report.ok else "bold red")


def _matrix(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=("", "dim"))
    table.add_column("suite", no_wrap=True)
    for name in report.columns:
        table.add_column(name)
    for suite, row in report.matrix.items():
        table.add_row(suite, *(_cell(row[name]) for name in report.columns))
    table.add_section()
    total = (_cell(report.counts[name]) for name in report.columns)
    table.add_row(Text("all", "bold"), *total)
    return table


def _legend(report: Report) -> Text:
    legend = Text("  ")
    for status in Status:
        if any(report.counts[name][status] for name in report.columns):
            legend.append(f"{status.letter} {status.lower()}  ", style=status.colour)
    return legend


def _cell(counts: Counter[Status]) -> Text:
    met = (status for status in Status if counts[status])
    return Text(" ").join(Text(f"{one.letter} {counts[one]}", one.colour) for one in met)


def _print(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style), soft_wrap=True)
