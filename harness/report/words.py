"""Texts that several report formats share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.core.column_info import ColumnInfo
from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status


def short_counts(counts: Counter[Status]) -> str:
    """Write counts by status for a table's cell.

    >>> short_counts(Counter({Status.PASSED: 40, Status.KNOWN: 2}))
    '✓ 40 K 2'
    """
    return " ".join(f"{status.letter} {counts[status]}" for status in Status if counts[status])


def alike(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """Group the checks of one case that ended in the same way."""
    groups: dict[tuple[str | None, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(group_key(record), []).append(record)
    yield from map(tuple, groups.values())


def group_key(record: Record) -> tuple[str | None, ...]:
    """Return what is the same of checks that ended in the same way."""
    return record.framework, record.case, record.status, record.diagnosis


def reasons(records: Iterable[Record]) -> list[str]:
    """Return the distinct reasons of records, each on one line."""
    return list(dict.fromkeys(" ".join((record.reason or "").split()) for record in records))


def headline(group: Sequence[Record]) -> str:
    """Name the checks of one case that ended alike."""
    first = group[0]
    checks = ", ".join(record.check for record in group)
    return f"{first.status} {first.framework} {first.case}: {checks}"


def details(group: Sequence[Record], *, has_place: bool = True) -> Iterator[tuple[str, str]]:
    """Yield what explains such a group, each line with its colour: reasons, mutant, command."""
    first = group[0]
    yield from ((reason, "") for reason in reasons(group))
    if first.diagnosis:
        yield f"equals the mutant: {first.diagnosis}", "yellow"
    if first.file and has_place:
        yield f"{first.file}:{first.line}", ""
    yield first.reproduce, "bright_black"


def describe_machine(machine: Mapping[str, str], *names: str) -> str:
    """Write what is known of a machine, such as its ``cpu`` and ``cores``.

    >>> describe_machine({"cpu": "A 1", "cores": "4"}, "cpu", "cores", "memory")
    'A 1, 4 cores'
    """
    known = ((name, machine[name]) for name in names if machine.get(name))
    return ", ".join(f"{value} cores" if name == "cores" else value for name, value in known)


def claims(report: Report) -> Iterator[str]:
    """Count for each implementation what it claims, so that no silence passes for success."""
    unclaimed = Counter(one.framework for one in report.records if one.unclaimed)
    for name, info in report.header.frameworks.items():
        if info.door and name in report.columns:
            total, passed = report.counts[name].total(), report.counts[name][Status.PASSED]
            claimed = total - unclaimed[name]
            yield (
                f"{name}: of {total} checks {claimed} claimed, {unclaimed[name]} not claimed, "
                f"{passed} passed"
            )


def describe_engine(info: ColumnInfo) -> tuple[str, str]:
    """Return a framework's version and what executed it, or why nothing did."""
    if info.unavailable:
        return "-", info.unavailable
    if info.engine != "python":
        # Never let documented semantics pass for the product.
        return info.version, f"{info.engine}, {info.device}"
    numpy = f"NumPy {info.numpy}, " if info.numpy else ""
    return info.version, f"Python {info.python}, {numpy}{info.device}"
