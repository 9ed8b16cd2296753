"""What a dashboard was made from, in words."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.report_file import Report


def in_full(reports: Sequence[Report]) -> str:
    """Say all that the reports' headers tell, for one place to look it up."""
    return " | ".join(_whole(report) for report in reports)


def in_short(reports: Sequence[Report]) -> str:
    """Say it in a line for every page's foot, which names one report: conformance if there is."""
    ordered = sorted(reports, key=lambda report: bool(report.measurements))
    if not ordered:
        return ""
    header, left = ordered[0].header, len(ordered) - 1
    told = [f"{_kind(ordered[0])} of {header.started[:10]}", _commit(ordered[0])]
    line = ", ".join(word for word in told if word)
    more = f", and {left} more report{'s' * (left > 1)}" * bool(left)
    return f"{line[:1].upper()}{line[1:]}{more}."


def _whole(report: Report) -> str:
    header = report.header
    told = [f"{_kind(report)} of {header.started}", f"deconform {header.deconform}"]
    cores = header.machine.get("cores")
    told += [_commit(report), header.machine.get("cpu", "")]
    told += [f"{cores} cores" if cores else "", header.machine.get("os", "")]
    return ", ".join(word for word in told if word)


def _kind(report: Report) -> str:
    return "benchmark" if report.measurements else "conformance"


def _commit(report: Report) -> str:
    commit = report.header.commit
    return f"commit {commit[:10]}{'-dirty' * commit.endswith('-dirty')}" if commit else ""
