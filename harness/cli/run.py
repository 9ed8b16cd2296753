"""``deconform run``: run suites through the frameworks and compare with the reference."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK
from harness.cli.options import UsageError, add_formats, add_shared, positive, seconds
from harness.execution import TIMEOUT
from harness.report.formats import RUN_FORMATS

if TYPE_CHECKING:
    from harness.doors.implementation import Implementation


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_shared(
        parser, "python", "device", "math", "memory", "specs", "select", "framework", "output"
    )
    add_formats(parser, RUN_FORMATS)
    parser.add_argument(
        "--require", action="append", default=[], metavar="NAME", help="fail if NAME is SKIPPED"
    )
    parser.add_argument(
        "-j", "--jobs", type=positive, default=0, metavar="N", help="frameworks at once (all)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=TIMEOUT,
        metavar="S",
        help=f"seconds per program ({TIMEOUT:g})",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in -o, if there is one",
    )
    parser.add_argument(
        "--min-checks",
        type=positive,
        default=0,
        metavar="N",
        help="fail if fewer checks than N were run",
    )
    parser.add_argument(
        "--known",
        type=Path,
        metavar="FILE.yaml",
        help="known failures of the implementation under test, in place of those its file names",
    )
    parser.add_argument(
        "--update-known",
        type=Path,
        metavar="FILE.yaml",
        help="write what the implementation under test gets wrong as its known failures",
    )
    add_shared(parser, "save")


def run(options: argparse.Namespace) -> int:
    """Run suites and compare with the reference."""
    from itertools import chain

    from harness.cli import output, selection
    from harness.cli.consoles import wide_terminal
    from harness.cli.resuming import begun
    from harness.conformance.pipeline import run_columns
    from harness.doors.implementation import name_of
    from harness.doors.known import known_failures
    from harness.execution.column import Column
    from harness.history import revision
    from harness.suite.limitations import load_limitations, unmatched

    if options.resume and not options.output:
        raise UsageError("--resume: name the interrupted run's report with -o.")
    chosen = _with_known(options, selection.chosen_columns(options.framework))
    frameworks = tuple(map(name_of, chosen))
    under_test = _under_test(chosen)
    required = _required(options.require, frameworks)
    selection.check_math(options, chosen)
    cases = selection.chosen_cases(options.specs, options.select)
    limitations = load_limitations()
    if not options.specs and options.select is None:
        known = chain(*(one.known for one in under_test))
        for rotten in unmatched([*limitations, *known], cases):
            fact = f"limitation {rotten.id!r} matches no case."
            raise UsageError(f"{rotten.file}:{rotten.line}: {fact}")
    conditions = selection.chosen_conditions(
        options, timeout=options.timeout, limitations=limitations
    )
    console, store = wide_terminal(), output.opened_store(options)
    before = begun(options.output, cases) if options.resume else None
    done: dict[str, set[str]] = {}
    for record in before.records if before else ():
        done.setdefault(record.framework, set()).add(record.case)
    columns = [Column(one, conditions) for one in chosen]
    events = run_columns(cases, columns, options.jobs, done)
    commit = revision.commit()
    report, interrupted = output.run_suite(events, cases, frameworks, options, commit, before)
    if interrupted:
        if options.output:
            console.print("to go on: the same command with --resume", soft_wrap=True)
        return interrupted
    if store:
        console.print(store.save(report, revision.branch()).text, soft_wrap=True)
    for one in under_test if options.update_known else ():
        known_now = known_failures(one.name, report.records, one.known)
        output.write_text(options.update_known, known_now)
    infos = report.header.frameworks
    missing = [name for name in required if name not in infos or infos[name].unavailable]
    for name in missing:
        console.print(f"{name} is required, but was not run.", style="bold red")
    if is_short := report.ran < options.min_checks:
        text = f"{report.ran} checks were run, where at least {options.min_checks} are to be."
        console.print(text, style="bold red")
    return OK if report.ok and not missing and not is_short else BAD


def _under_test(columns: Sequence[str | Implementation]) -> list[Implementation]:
    return [one for one in columns if not isinstance(one, str)]


def _with_known(
    options: argparse.Namespace, columns: Sequence[str | Implementation]
) -> tuple[str | Implementation, ...]:
    """Return the columns, the implementation with the known failures that were asked for."""
    from harness.suite.limitations import load_known

    count = len(_under_test(columns))
    for option, file in (("--known", options.known), ("--update-known", options.update_known)):
        if file and count != 1:
            fact = f"one implementation is needed, -f FILE.yaml; there are {count}."
            raise UsageError(f"{option}: {fact}")
    if not options.known:
        return tuple(columns)
    return tuple(
        one if isinstance(one, str) else replace(one, known=load_known(options.known, one.name))
        for one in columns
    )


def _required(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Check the names of frameworks that must run, or of the run's own columns."""
    from harness.convention.registry import that_is_run

    return [name if name in columns else that_is_run(name).name for name in names]
