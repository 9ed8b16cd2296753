"""``deconform diff``: apart from the other commands, as it needs reports and nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from harness.cli.compare import read_report
from harness.cli.main import BAD, OK
from harness.conformance.difference import difference
from harness.report.difference import difference_markdown, print_difference


def diff(options: argparse.Namespace) -> int:
    """Compare two conformance runs; say by the exit status whether anything fails newly."""
    found = difference(read_report(options.old), read_report(options.new))
    if options.markdown == "-":
        print(difference_markdown(found), end="")  # noqa: T201
    else:
        print_difference(found, Console(markup=False, highlight=False))
    if options.markdown not in {None, "-"}:
        # An exception's message may hold what no encoding has.
        Path(options.markdown).write_text(
            difference_markdown(found), encoding="utf-8", errors="replace"
        )
    return BAD if found.failing else OK
