"""What commands write: reports while they run, their other formats, texts, the console."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.consoles import wide_terminal
from harness.cli.exit_statuses import OK, ended_by_sigterm, status_of
from harness.cli.options import UsageError
from harness.cli.resuming import Events, continued
from harness.core.files import whole_folder, write_whole
from harness.records.record import Event, Header
from harness.records.report_file import Report
from harness.records.report_stream import interrupted as interrupted_at
from harness.records.report_stream import report_stream
from harness.report.console import followed, print_report
from harness.report.formats import FORMATS, Format, formats, kind_of
from harness.report.summary import MOST_BYTES, summary
from harness.suite.case import Case

if TYPE_CHECKING:
    from harness.history.store import Store


def write_text(path: str | Path, text: str) -> None:
    """Write a file, or print the text where the path is ``-``."""
    if path == "-":
        print(text, end="")
    else:
        write_whole(Path(path), text)


def read_finished(file: Path) -> Report:
    """Read a report; warn if its run was interrupted."""
    report = Report.read(file)
    if report.footer is None:
        print(f"warning: {file}: the run was interrupted, not all is there.", file=sys.stderr)
    return report


def written(events: Events, path: Path | None, repeated: int = 0) -> Events:
    """Pass events on, each after it has been written into the report, if there is one.

    Of a resumed run so many events are ``repeated`` from the interrupted one.
    """
    if path is None:
        yield from events
        return
    with closing(events), report_stream(path, repeated) as write:
        for event in events:
            write(event)
            yield event


def collected(events: Iterable[Event]) -> tuple[Report, int]:
    """Collect events; an interrupt after the header leaves a report without a footer.

    Also return the exit status of what interrupted the run, 0 where nothing did.
    """
    kept: list[Event] = []
    status = OK
    try:
        for event in events:
            kept.append(event)  # noqa: PERF402 -- what came before an interrupt is kept
    except KeyboardInterrupt as interrupt:
        if not kept:
            raise
        status = status_of(interrupt)
    return Report.of(kept), status


def write_formats(report: Report, options: argparse.Namespace) -> None:
    """Write a report in the formats that options ask for."""
    available = {one.name: one for one in formats(kind_of(report))}
    for name in dict.fromkeys(one.name for one in FORMATS):
        target = getattr(options, name.replace("-", "_"), None)
        if target is None:
            continue
        if name not in available:
            raise UsageError(f"--{name}: the report of a {kind_of(report)} has no such format.")
        _write(available[name], report, target, getattr(options, "baseline", None))


def _write(one: Format, report: Report, target: Path | str, baseline: str | None) -> None:
    if one.target == "job" and not target:
        _append_to_job(report)
    elif one.target == "folder":
        with whole_folder(Path(target)) as folder:
            for name, text in one.written(report, baseline).items():
                write_whole(folder / name, text)
    else:
        write_text("-" if one.target == "stdout" else Path(target), one.written(report, baseline))


def _append_to_job(report: Report) -> None:
    if not (name := os.environ.get("GITHUB_STEP_SUMMARY")):
        raise UsageError("--summary: GITHUB_STEP_SUMMARY is not set; name a file.")
    job = Path(name)
    before = job.read_bytes() if job.is_file() else b""
    write_whole(job, before + summary(report, MOST_BYTES - len(before)).encode(errors="replace"))


def opened_store(options: argparse.Namespace) -> Store | None:
    """Open the history if the run is to be saved, so that errors show before the run."""
    if options.save is None:
        return None
    from harness.history.store import opened as opened_at

    return opened_at(options.save or None)


def _stamped(events: Events, commit: str) -> Events:
    with closing(events):
        for event in events:
            yield replace(event, commit=commit) if isinstance(event, Header) else event


def run_suite(
    events: Events,
    cases: Sequence[Case],
    frameworks: Sequence[str],
    options: argparse.Namespace,
    commit: str = "",
    before: Report | None = None,
) -> tuple[Report, int]:
    """Follow a run, show the progress and the report, and write what options ask for.

    What an interrupted run has, is of the same run and comes first.
    Also return the exit status of what interrupted the run, 0 where nothing did.
    """
    console = wide_terminal()
    checks = sum(len(case.checks) for case in cases)
    with ended_by_sigterm():
        stamped = _stamped(events, commit)
        whole = continued(stamped, before, options.output) if before else stamped
        repeated = 1 + len(before.records) if before else 0
        with closing(written(whole, options.output, repeated)) as recorded:
            report, interrupted = collected(followed(recorded, console, checks, frameworks))
    print_report(report, console)
    left = interrupted_at(options.output) if interrupted and options.output else options.output
    if left != options.output:
        console.print(f"{options.output} is as it was; this run is in {left}.", soft_wrap=True)
    write_formats(report, options)
    return report, interrupted
