"""``deconform audit``: what becomes of a project's layers in other frameworks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK, ended_by_sigterm
from harness.cli.lines import print_lines
from harness.cli.options import DTYPES, add_shared

if TYPE_CHECKING:
    from harness.audit.auditing import Result
    from harness.audit.layers import Audit


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file of code, model or folder")
    parser.add_argument(
        "--to", action="append", default=[], metavar="NAME", help="only these targets (all others)"
    )
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        choices=("unsupported", "known", "rewritten"),
        help="exit 1 if a layer is that in a target: cannot be written, has a known bug, takes "
        "more than one call (repeatable)",
    )
    add_shared(parser, "set", "device")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="float32", help="what the layers compute in (float32)"
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out of folders, as in a .gitignore: tests/ or *_test.py (repeatable)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_shared(parser, "markdown")
    parser.add_argument("--sarif", metavar="FILE", help="write it for code scanning; - prints it")


def run(options: argparse.Namespace) -> int:
    from harness.audit.auditing import audit
    from harness.audit.reading import Wanted
    from harness.cli.wording import in_options_of_audit
    from harness.execution.hardware import available_cores
    from harness.lookup.reading import supply
    from harness.suite.limitations import load_limitations

    wanted = Wanted(
        to=tuple(options.to),
        supplied=supply(values=dict(options.values)),
        dtype=options.dtype,
        device=options.device,
        words=in_options_of_audit,
    )
    with ended_by_sigterm():
        found = audit(
            options.paths,
            wanted,
            load_limitations(),
            exclude=options.exclude,
            processes=len(available_cores()),
            follow=_followed,
        )
    _write(found, options)
    return BAD if found.fails(options.fail_on) else OK


def _write(found: Audit, options: argparse.Namespace) -> None:
    """Print the audit, unless a file that is asked for is printed, and write those files."""
    from importlib.metadata import version

    from harness.audit.markdown import markdown
    from harness.audit.sarif import sarif
    from harness.audit.table import lines
    from harness.cli.output import write_text

    if options.json:
        import json

        print(json.dumps(found.to_json(), indent=2))
    elif "-" not in {options.markdown, options.sarif}:
        print_lines(lines(found))
    if options.markdown is not None:
        write_text(options.markdown, markdown(found))
    if options.sarif is not None:
        write_text(options.sarif, sarif(found, version("deconform")))


def _followed(results: Iterator[Result], count: int) -> Iterator[Result]:
    """Show on a terminal how many files have been looked at, as long as there are more."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from results
        return
    from rich.progress import track

    from harness.cli.consoles import terminal

    console = terminal(stderr=True)
    yield from track(results, "reading", count, transient=True, console=console)
