"""The formats that a report can be written in, by the name of the option that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from harness.records.report_file import Report
from harness.report.annotations import github_annotations
from harness.report.benchmark_markdown import benchmark_markdown
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.measurement_csv import measurement_csv
from harness.report.pytest_benchmark import pytest_benchmark
from harness.report.sarif import sarif
from harness.report.summary import summary


def forms(report: Report, baseline: str | None = None) -> Mapping[str, Callable[[], str]]:
    """Give what writes a report in each format that its kind has.

    >>> from harness.records.record import Header
    >>> sorted(forms(Report.of([Header("0.1.0", "2026-01-02T03:04:05+00:00", {}, cases=0)])))
    ['annotations', 'junit', 'markdown', 'sarif', 'summary']
    """
    if report.measurements:
        return {
            "markdown": partial(benchmark_markdown, report, baseline),
            "csv": partial(measurement_csv, report),
            "pytest_benchmark": partial(pytest_benchmark, report),
        }
    return {
        "junit": partial(junit, report),
        "markdown": partial(markdown, report),
        "sarif": partial(sarif, report),
        "summary": partial(summary, report),
        "annotations": partial(github_annotations, report),
    }
