"""``deconform import``: judge what an exported script has left, as a column of a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.exit_statuses import BAD, OK
from harness.cli.options import add_formats, add_shared
from harness.report.formats import RUN_FORMATS


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", type=Path, metavar="RESULT", help="the file, or its folder")
    add_shared(parser, "specs", help="what was exported (default suite)")
    add_shared(parser, "output")
    add_formats(parser, RUN_FORMATS)


def run(options: argparse.Namespace) -> int:
    from harness.cli.output import run_suite
    from harness.cli.selection import chosen_cases
    from harness.conformance.export import ImportedColumn, check_known, imported
    from harness.conformance.pipeline import run_columns
    from harness.execution.column import Conditions
    from harness.suite.limitations import load_limitations

    result = imported(options.result)
    cases = check_known(result, chosen_cases(options.specs, None))
    column = ImportedColumn(result, Conditions(limitations=load_limitations()))
    events = run_columns(cases, [column])
    report, interrupted = run_suite(events, cases, [result.framework], options)
    return interrupted or (OK if report.ok else BAD)
