"""A conformance report, put together for pages; its matrix and its suites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from harness.convention.device import Device
from harness.dashboard.addresses import file_name
from harness.dashboard.cases import CaseResults, by_case
from harness.dashboard.frame import Site
from harness.dashboard.programs import title
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report.words import describe_engine, is_documented


def suite_address(name: str) -> str:
    """Where a suite's page is."""
    return f"suites/{file_name(name)}.html"


@dataclass(frozen=True)
class Suite:
    """A suite's cases."""

    name: str
    cases: tuple[CaseResults, ...]

    @property
    def address(self) -> str:
        """Where its page is."""
        return suite_address(self.name)


@dataclass(frozen=True)
class Conformance:
    """A conformance report, put together for pages.

    Attributes
    ----------
    report : Report
    cases : tuple of CaseResults
        By suite.
    """

    report: Report
    cases: tuple[CaseResults, ...]

    @classmethod
    def of(cls, report: Report) -> Conformance:
        """Put a report together."""
        return cls(report, by_case(report))

    @cached_property
    def suites(self) -> tuple[Suite, ...]:
        """The suites, by name."""
        grouped = groupby(self.cases, lambda each: each.suite)
        return tuple(Suite(name, tuple(members)) for name, members in grouped)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """The frameworks' own names."""
        return {name: title(name) for name in self.report.frameworks}

    @cached_property
    def engines(self) -> Mapping[str, str]:
        """What ran for each framework, in words."""
        about = self.report.header.frameworks
        return {name: ", ".join(describe_engine(about[name])) for name in about}

    @property
    def documented(self) -> list[str]:
        """The columns that show documented semantics, not the product."""
        about = self.report.header.frameworks
        return [name for name in self.report.columns if is_documented(about[name])]

    @cached_property
    def anchors(self) -> Mapping[str, str]:
        """Where on a case's page each framework's program is."""
        return {name: f"in-{file_name(name)}" for name in self.report.frameworks}

    def device(self, framework: str) -> Device:
        """Where a framework computed: its text depends on it."""
        about = self.report.header.frameworks[framework]
        return "cpu" if about.get("device", "cpu") == "cpu" else "cuda"

    def frame(self) -> dict[str, Any]:
        """What most of these pages show."""
        return {
            "columns": self.report.columns,
            "documented": self.documented,
            "engines": self.engines,
            "skipped": self.report.skipped,
            "totals": self.report.counts,
            "met": self.met,
        }

    @property
    def met(self) -> list[str]:
        """The statuses that there are, the usual one first."""
        found = {record.status for record in self.report.records}
        return [str(status) for status in Status if status in found]


def summary(report: Report) -> str:
    """Say in a sentence how the run ended."""
    header = report.header
    text = f"{header.cases} cases, {report.checks} checks in {len(report.columns)} frameworks"
    if report.footer is None:
        return f"{text}. The run was interrupted: this is not all of it."
    bad = sum(1 for _ in report.bad)
    return f"{text}: {f'{bad} went wrong' if bad else 'nothing failed'}."


def write_matrix(site: Site, shown: Conformance) -> None:
    """Write the matrix of suites by frameworks, and a page for each suite."""
    site.page(
        "conformance.html",
        "conformance.html",
        summary=summary(shown.report),
        suites=[_row(shown.report, suite) for suite in shown.suites],
        cases=len(shown.cases),
        **shown.frame(),
    )
    for suite in shown.suites:
        site.page(
            "suite.html",
            suite.address,
            suite={"name": suite.name, "cases": len(suite.cases)},
            cases=suite.cases,
            **shown.frame(),
        )


def _row(report: Report, suite: Suite) -> dict[str, Any]:
    row = report.matrix[suite.name]
    met = {str(status) for name in report.columns for status in row[name]}
    return {
        "name": suite.name,
        "address": suite.address,
        "cases": len(suite.cases),
        "row": row,
        "statuses": "|".join(sorted(met)),
    }
