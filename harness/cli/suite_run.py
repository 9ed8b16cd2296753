"""A suite's run: its events are shown and written as they come, its report at the end."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from harness.cli.exit_statuses import ended_by_sigterm
from harness.cli.output import collected, opened, wide_console, write_formats, written
from harness.records.record import Event, Header
from harness.records.report_file import Report
from harness.report.console import followed, print_report
from harness.suite.case import Case


def run_suite(
    events: Iterable[Event],
    cases: Sequence[Case],
    frameworks: Sequence[str],
    options: argparse.Namespace,
    commit: str = "",
) -> tuple[Report, int]:
    """Follow a run, show the progress and the report, and write what options ask for.

    Also return the exit status of what interrupted the run, 0 where nothing did.
    """
    console = wide_console()
    checks = sum(len(case.checks) for case in cases)
    with ended_by_sigterm(), ExitStack() as stack:
        stream = stack.enter_context(opened(options.output)) if options.output else None
        stamped = written(_with_commit(events, commit), stream)
        report, interrupted = collected(followed(stamped, console, checks, frameworks))
    print_report(report, console)
    write_formats(report, options)
    return report, interrupted


def _with_commit(events: Iterable[Event], commit: str) -> Iterator[Event]:
    """Say in the header what was checked out."""
    for event in events:
        yield replace(event, commit=commit) if isinstance(event, Header) else event
