"""``deconform report``: show report files again, or write them in other formats."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK
from harness.cli.options import UsageError, add_formats, add_shared
from harness.report.formats import FORMATS, formats

if TYPE_CHECKING:
    from harness.records.report_file import Report


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    add_formats(parser, formats("conformance run", "junit", "markdown"), explained=False)
    add_formats(parser, formats("conformance run", "sarif", "summary", "annotations", "badges"))
    parser.add_argument(
        "--html",
        type=Path,
        metavar="DIR",
        help="write a dashboard of all FILEs: one conformance run at most, and benchmarks",
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="show this history in the dashboard too: sqlite:///FILE or postgresql://...",
    )
    add_shared(parser, "baseline", "detail")
    add_formats(parser, formats("benchmark", "csv", "pytest-benchmark"))
    add_shared(parser, "save")


def run(options: argparse.Namespace) -> int:
    from harness.cli.output import opened_store
    from harness.records.report_file import Report

    files = [one.name.replace("-", "_") for one in FORMATS if one.target != "stdout"]
    if len(options.files) > 1 and any(getattr(options, name) is not None for name in files):
        raise UsageError("--junit, --markdown and other formats take one report at a time.")
    if options.database is not None and options.html is None:
        raise UsageError("--database is for the dashboard: add --html DIR.")
    store = opened_store(options)
    reports = []
    for file in options.files:
        report = Report.read(file)
        _show(report, options)
        if store:
            print(store.save(report).text)
        reports.append(report)
    if options.html:
        _write_dashboard(reports, options)
    return OK if all(report.ok for report in reports) else BAD


def _show(report: Report, options: argparse.Namespace) -> None:
    import sys

    from harness.cli.consoles import wide_terminal
    from harness.cli.output import write_formats
    from harness.report.benchmark import print_benchmark
    from harness.report.console import print_report

    if report.incomplete:
        fact = "the last line is incomplete, and left out; the run was killed."
        print(f"warning: {report.incomplete}: {fact}", file=sys.stderr)
    if report.measurements:
        print_benchmark(report, wide_terminal(), options.baseline, detail=options.detail)
    else:
        print_report(report, wide_terminal(), every=True)
    write_formats(report, options)


def _write_dashboard(reports: Sequence[Report], options: argparse.Namespace) -> None:
    import os

    from harness import dashboard

    store = None
    if options.database is not None:
        from harness.history.store import opened

        store = opened(options.database, create=False)
    built = dashboard.build(reports, options.html, store, processes=os.cpu_count() or 1)
    print(built.text)
