"""``deconform diff``: what fails, or is fixed, from one conformance report to another."""

from __future__ import annotations

import argparse

from harness.cli.exit_statuses import BAD, OK
from harness.cli.options import add_shared


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "old", help="a conformance run's report")
    add_shared(parser, "new", "markdown")


def run(options: argparse.Namespace) -> int:
    from harness.cli.consoles import terminal
    from harness.cli.output import read_finished, write_text
    from harness.conformance.difference import difference
    from harness.report.difference import difference_markdown, print_difference

    changes = difference(read_finished(options.old), read_finished(options.new))
    if options.markdown != "-":
        print_difference(changes, terminal())
    if options.markdown is not None:
        write_text(options.markdown, difference_markdown(changes))
    return BAD if changes.failing else OK
