"""``deconform compare``: what became slower or faster from one benchmark to another."""

from __future__ import annotations

import argparse

from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.options import add_shared, part


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "old", help="a benchmark's report")
    add_shared(parser, "new")
    parser.add_argument(
        "--threshold",
        type=part,
        metavar="5%",
        help="how much slower is too slow: exit 1 (5%%)",
    )
    parser.add_argument(
        "--baseline", metavar="NAME", help="a framework that did not change (all others, each)"
    )
    add_shared(parser, "markdown")


def run(options: argparse.Namespace) -> int:
    from harness.bench.comparison import compare_reports
    from harness.bench.intervals import THRESHOLD
    from harness.cli.consoles import terminal
    from harness.cli.output import read_finished, write_text
    from harness.report.comparison import comparison_markdown, print_comparison

    comparison = compare_reports(
        read_finished(options.old),
        read_finished(options.new),
        options.threshold or THRESHOLD,
        options.baseline,
    )
    if options.markdown != "-":
        print_comparison(comparison, terminal())
    if options.markdown is not None:
        write_text(options.markdown, comparison_markdown(comparison))
    if not comparison.is_comparable:
        return USAGE
    return BAD if comparison.regressions else OK
