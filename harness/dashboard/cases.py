"""A conformance report by case: what became of each in every framework."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from harness.core.errors import InputError
from harness.dashboard.frame import file_name
from harness.records.check import Check
from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status, worst
from harness.report.words import alike
from harness.suite.case import Case, case_from_descriptor


@dataclass(frozen=True)
class Result:
    """What became of one case in one framework."""

    records: tuple[Record, ...]  # One for each check

    @cached_property
    def status(self) -> Status:
        """The worst status of the checks; of a program without a gradient, of those of ``y``."""
        statuses = {record.status for record in self.records}
        if self.support != "unsupported":
            statuses = statuses - {Status.UNSUPPORTED} or statuses
        return worst(statuses)

    @property
    def support(self) -> str:
        """``native``, ``rewritten`` or ``unsupported``."""
        return self.records[0].support

    @property
    def legality(self) -> str:
        """The support; of what the definition forbids, whether it was ``rejected``."""
        if self.support == "unsupported" or Check.REFUSAL not in self.by_check:
            return self.support
        if self.status == Status.SKIPPED:
            return ""
        return "rejected" if self.status == Status.PASSED else "accepted"

    @property
    def same(self) -> Status | None:
        """The status of every check, where they all ended alike."""
        return self.status if len({record.status for record in self.records}) == 1 else None

    @property
    def by_check(self) -> Mapping[str, Record]:
        """The records by the name of their check."""
        return {record.check: record for record in self.records}

    @property
    def findings(self) -> list[tuple[Record, ...]]:
        """The records that did not pass, those that ended alike together."""
        return [group for group in alike(self.records) if group[0].status != Status.PASSED]

    @property
    def reproduce(self) -> str:
        """The command that shows it again; what else a report may hold here is not offered."""
        first = self.records[0]
        name = first.descriptor
        try:
            words = shlex.split(first.reproduce)
        except ValueError:
            words = []
        if words[:2] == ["deconform", "reproduce"] and first.case in words[2:3]:
            name = first.case
        return shlex.join(["deconform", "reproduce", name, "-f", first.framework])


@dataclass(frozen=True)
class CaseResults:
    """One case in every framework."""

    id: str
    suite: str
    descriptor: str
    case: Case | None  # What the descriptor says; None where it cannot be read
    results: Mapping[str, Result]  # By framework

    @property
    def name(self) -> str:
        """What the case is called inside its suite."""
        return self.id.removeprefix(f"{self.suite}/")

    @cached_property
    def address(self) -> str:
        """Where its page is."""
        return f"cases/{file_name(self.id)}.html"

    @property
    def place(self) -> str:
        """Where the case is written, ``file:line``."""
        first = next(iter(self.results.values())).records[0]
        return f"{first.file}:{first.line}" if first.file and first.line else first.file


def by_case(report: Report) -> tuple[CaseResults, ...]:
    """Put the records of a report together, in the order of suites and of the report.

    Frameworks come in the order of the header.
    """
    grouped: dict[str, dict[str, list[Record]]] = {}
    for record in report.records:
        grouped.setdefault(record.case, {}).setdefault(record.framework, []).append(record)
    every = []
    for name, columns in grouped.items():
        first = next(iter(columns.values()))[0]
        results = {f: Result(tuple(columns[f])) for f in report.frameworks if f in columns}
        case = None
        with suppress(InputError):
            case = case_from_descriptor(first.descriptor)
        every.append(CaseResults(name, first.suite, first.descriptor, case, results))
    return tuple(sorted(every, key=lambda each: each.suite))
