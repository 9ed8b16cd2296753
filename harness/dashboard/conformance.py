"""A conformance report, put together for pages; its matrix and its suites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlsplit

from harness.convention.device import Device
from harness.dashboard.cases import CaseResults, by_case
from harness.dashboard.frame import Site, anchor, file_name
from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report.words import describe_engine
from harness.suite.limitations import Limitation, load_limitations


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
    """A conformance report, put together for pages."""

    report: Report

    @cached_property
    def cases(self) -> tuple[CaseResults, ...]:
        """The cases, by suite."""
        return by_case(self.report)

    @cached_property
    def suites(self) -> tuple[Suite, ...]:
        """The suites, by name."""
        grouped = groupby(self.cases, lambda each: each.suite)
        return tuple(Suite(name, tuple(members)) for name, members in grouped)

    @cached_property
    def anchors(self) -> Mapping[str, str]:
        """Where on a case's page each framework's program is."""
        return {name: f"in-{file_name(name)}" for name in self.report.frameworks}

    def device(self, framework: str) -> Device:
        """Where a framework computed: its text depends on it."""
        return "cpu" if self.report.header.frameworks[framework].device in {"", "cpu"} else "cuda"

    def frame(self) -> dict[str, Any]:
        """What most of these pages show."""
        report, about = self.report, self.report.header.frameworks
        present = {record.status for record in report.records}
        return {
            "columns": report.columns,
            # Never let documented semantics pass for the product.
            "documented": [name for name in report.columns if about[name].is_documented],
            "engines": {name: ", ".join(describe_engine(about[name])) for name in about},
            "skipped": report.skipped,
            "totals": report.counts,
            "met": [str(status) for status in Status if status in present],
        }


def summary(report: Report) -> str:
    """Describe in a sentence how the run ended."""
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
        summary=summary(shown.report),
        suites=[_row(shown.report, suite) for suite in shown.suites],
        cases=len(shown.cases),
        **shown.frame(),
    )
    for suite in shown.suites:
        site.page("suite.html", suite.address, suite=suite, **shown.frame())


def _row(report: Report, suite: Suite) -> dict[str, Any]:
    row = report.matrix[suite.name]
    met = {str(status) for name in report.columns for status in row[name]}
    kept = {"name": suite.name, "address": suite.address, "cases": len(suite.cases)}
    return kept | {"row": row, "statuses": "|".join(sorted(met))}


# What became of a limitation: a class of the style sheet, and a sign.
STATES: Final = {
    "live": (Status.KNOWN.css_class, Status.KNOWN.letter),
    "fixed": (Status.FIXED.css_class, Status.FIXED.letter),
    "partly fixed": (Status.FIXED.css_class, Status.FIXED.letter),
    "not run": (Status.SKIPPED.css_class, "-"),
}


def limitations(shown: Conformance) -> list[dict[str, Any]]:
    """Return the limitations that are declared or were met, the most important first."""
    met: dict[str, list[Record]] = {}
    for record in shown.report.records:
        if record.limitation:
            met.setdefault(record.limitation, []).append(record)
    declared = {one.id: one for one in load_limitations()}
    addresses = {each.id: each.address for each in shown.cases}
    rows = [
        _limitation(name, declared.get(name), met.get(name, []), addresses)
        for name in dict.fromkeys([*declared, *met])
    ]
    return sorted(rows, key=lambda row: (list(STATES).index(row["state"]), row["framework"]))


def _limitation(
    name: str, declared: Limitation | None, records: Sequence[Record], addresses: Mapping[str, str]
) -> dict[str, Any]:
    state = _state(records)
    upstream = declared.upstream if declared else ""
    cases = dict.fromkeys(record.case for record in records)
    return {
        "id": name,
        "anchor": anchor(name),
        "framework": declared.framework if declared else records[0].framework,
        "state": state,
        "kind": STATES[state],
        "reason": declared.reason if declared else records[0].reason or "",
        "depends_on": declared.depends_on if declared else "",
        "upstream": upstream if urlsplit(upstream).scheme in {"http", "https"} else "",
        "cases": [(case, addresses[case]) for case in cases],
    }


def _state(records: Sequence[Record]) -> str:
    statuses = {record.status for record in records}
    if Status.FIXED in statuses:
        return "partly fixed" if Status.KNOWN in statuses else "fixed"
    return "live" if Status.KNOWN in statuses else "not run"
