"""``deconform compare``: apart from the other commands, as it needs reports and nothing else."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from harness.bench.comparison import compare_reports
from harness.cli.main import BAD, OK, USAGE
from harness.records.report_file import Report
from harness.report.comparison import comparison_markdown, print_comparison


def compare(options: argparse.Namespace) -> int:
    """Compare two benchmarks; say by the exit status whether anything became slower."""
    found = compare_reports(
        read_report(options.old), read_report(options.new), options.threshold, options.baseline
    )
    if options.markdown == "-":
        print(comparison_markdown(found), end="")  # noqa: T201
    else:
        console = Console(markup=False, highlight=False)
        print_comparison(found, console)
    if options.markdown not in {None, "-"}:
        Path(options.markdown).write_text(comparison_markdown(found), encoding="utf-8")
    if not found.is_comparable:
        return USAGE
    return BAD if found.regressions else OK


def read_report(file: Path) -> Report:
    """Read a report; warn where it is not all of a run."""
    report = Report.read(file)
    if report.footer is None:
        print(f"warning: {file}: the run was interrupted, not all is there.", file=sys.stderr)  # noqa: T201
    return report
