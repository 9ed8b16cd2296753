"""What several commands' options mean: suites, frameworks, interpreters, files to be written."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from rich.console import Console

from harness.cli.main import OK, status_of
from harness.convention.registry import convention, framework_names
from harness.core.errors import InputError
from harness.records.record import Event, Header
from harness.records.report_file import Report, write_event
from harness.report.badge import badges
from harness.report.formats import forms
from harness.report.summary import MOST_BYTES, summary
from harness.suite.case import Case
from harness.suite.specs import load_cases, selected

if TYPE_CHECKING:
    from harness.history import Store


class UsageError(InputError):
    """An option that cannot be followed."""


def chosen_cases(specs: Sequence[str], select: Sequence[str] | None) -> list[Case]:
    """Load the cases of files and folders, of the default suite where none is given.

    Each of ``select`` must mean one of them: what means none is likely to be misspelt.
    """
    cases: dict[str, Case] = {}
    paths: Sequence[str | None] = specs or [None]
    for path in paths:
        for case in load_cases(path, select):
            if other := cases.get(case.id):
                where = f"{other.file}:{other.line} and {case.file}:{case.line}"
                raise UsageError(f"case {case.id!r} is given twice, by {where}.")
            cases[case.id] = case
    for wanted in select or ():
        if not any(selected(name, wanted) for name in cases):
            raise UsageError(f"no case matches -k {wanted!r}.")
    if not cases:
        raise UsageError(f"{', '.join(specs)}: there is no case.")
    return list(cases.values())


def chosen_frameworks(names: Sequence[str] | None) -> tuple[str, ...]:
    """Check frameworks' names; all of them where none is given."""
    for name in names or ():
        convention(name)
    return tuple(dict.fromkeys(names)) if names else framework_names()


def check_math(options: argparse.Namespace, frameworks: Sequence[str]) -> None:
    """Refuse a choice that nobody would follow."""
    devices = {convention(name).device(options.device) for name in frameworks}
    if options.math != "ieee" and "cuda" not in devices:
        raise UsageError(f"--math {options.math} is for GPUs: add --device cuda.")


def chosen_pythons(assignments: Sequence[str]) -> dict[str, Path]:
    """Read ``NAME=PATH``."""
    chosen = {}
    for assignment in assignments:
        name, equals, path = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"--python {assignment}: expected NAME=PATH, such as mxnet=/opt/python"
            )
        chosen[convention(name).name] = Path(os.path.expanduser(path))  # noqa: PTH111 -- leaves ~nobody as it is
    return chosen


def opened_store(options: argparse.Namespace) -> Store | None:
    """Open the history store if the run is to be saved: what is wrong with it shows at once."""
    if options.save is None:
        return None
    from harness import history as store  # noqa: PLC0415 -- an extra

    return store.opened(options.save or None)


def written(events: Iterable[Event], stream: IO[str] | None) -> Iterator[Event]:
    """Pass events on, each written before anybody hears of it."""
    for event in events:
        if stream is not None:
            write_event(event, stream)
            if isinstance(event, Header):
                stream.flush()
        yield event


def collected(events: Iterable[Event]) -> tuple[Report, int]:
    """Collect events; an interrupt after the header leaves a report without a footer.

    Beside the report stands the exit status of what interrupted the run, 0 where nothing did.
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


def write_forms(report: Report, options: argparse.Namespace) -> None:
    """Write a report in the formats that options ask for."""
    available = forms(report, getattr(options, "baseline", None))
    for name in ("junit", "markdown", "csv", "pytest_benchmark", "sarif", "summary", "annotations"):
        path = getattr(options, name, None)
        if path is None:
            continue
        if name not in available:
            raise _without_form(report, name)
        if name == "summary":
            _write_summary(report, path)
        elif name == "annotations":
            print(available[name](), end="")  # noqa: T201
        else:
            with opened(path) as stream:
                stream.write(available[name]())
    if getattr(options, "badges", None) is not None:
        if report.measurements:
            raise _without_form(report, "badges")
        for name, drawn in badges(report).items():
            with opened(options.badges / name) as stream:
                stream.write(drawn)


def _without_form(report: Report, name: str) -> UsageError:
    kind = "benchmark" if report.measurements else "conformance run"
    option = name.replace("_", "-")
    return UsageError(f"--{option}: the report of a {kind} has no such form.")


def _write_summary(report: Report, path: str) -> None:
    """Write to a file, or after what others wrote to the job's summary where none is named."""
    if path:
        with opened(Path(path)) as stream:
            stream.write(summary(report))
        return
    if not (named := os.environ.get("GITHUB_STEP_SUMMARY")):
        raise UsageError("--summary: GITHUB_STEP_SUMMARY is not set; name a file.")
    job = Path(named)
    there = job.stat().st_size if job.exists() else 0
    with opened(job, "a") as stream:
        stream.write(summary(report, MOST_BYTES - there))


def opened(path: Path, mode: Literal["w", "a"] = "w") -> IO[str]:
    """Open a file to be written, and the folder that it is in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # An exception's message may hold what no encoding has.
        return path.open(mode, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def wide_console() -> Console:
    """Give a console; a log has no width: let tables be as wide as they are."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(width=200, markup=False, highlight=False)
