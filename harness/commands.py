"""What the subcommands do; ``harness.cli`` parses and calls these."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.text import Text

from harness import export as exporting
from harness.case import Case, case_from_descriptor
from harness.cli import BAD, OK, ended_by_sigterm, status_of
from harness.conventions import convention, framework_names
from harness.doctor import findings
from harness.engines import EngineUnavailableError
from harness.environments import build, has_environment, launch
from harness.errors import InputError
from harness.limitations import Limitation, load_limitations, unmatched
from harness.pipeline import Settings, execute
from harness.record import Event, Header
from harness.report import Report
from harness.report.console import followed, print_report
from harness.report.jsonl import write_event
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.reproduction import reproduced
from harness.spec import load_cases
from harness.weight_conversion import convert_file


class UsageError(InputError):
    """An option that cannot be followed."""


def run(options: argparse.Namespace) -> int:
    """Run suites and compare with the reference."""
    frameworks = _chosen(options.framework)
    required = _chosen(options.require) if options.require else ()
    cases = _cases(options.specs, options.select)
    limitations = load_limitations()
    if not options.specs and options.select is None:
        _check_for_rot(cases, limitations)
    settings = Settings(
        pythons=_pythons(options.python),
        timeout=options.timeout,
        at_once=options.jobs,
        limitations=limitations,
    )
    console = _console()
    report, interrupted = _executed(cases, frameworks, settings, options)
    if interrupted:
        return interrupted
    ran = {name for name, about in report.header.frameworks.items() if "unavailable" not in about}
    missing = [name for name in required if name not in ran]
    for name in missing:
        console.print(f"{name} is required, but was not run.", style="bold red")
    return OK if report.ok and not missing else BAD


def _executed(
    cases: Sequence[Case],
    frameworks: Sequence[str],
    settings: Settings,
    options: argparse.Namespace,
) -> tuple[Report, int]:
    """Run cases, show how it goes and how it went, and write what is asked for.

    Beside the report stands the exit status of what interrupted the run, 0 where nothing did.
    """
    console = _console()
    checks = sum(len(case.checks) for case in cases)
    with ended_by_sigterm(), ExitStack() as stack:
        stream = stack.enter_context(_opened(options.output)) if options.output else None
        events = _written(execute(cases, frameworks, settings), stream)
        report, interrupted = _collected(followed(events, console, checks, frameworks))
    print_report(report, console)
    _write(report, options)
    return report, interrupted


def _written(events: Iterable[Event], stream: IO[str] | None) -> Iterator[Event]:
    """Pass events on, each written before anybody hears of it."""
    for event in events:
        if stream is not None:
            write_event(event, stream)
            if isinstance(event, Header):
                stream.flush()
        yield event


def _collected(events: Iterable[Event]) -> tuple[Report, int]:
    """Collect events; an interrupt after the header leaves a report without a footer."""
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


def reproduce(options: argparse.Namespace) -> int:
    """Run one case; show its program and numbers."""
    case = _named_case(options.case)
    (framework,) = _chosen([options.framework])
    pythons = _pythons(options.python)
    try:
        with ended_by_sigterm():
            text, ok = reproduced(case, framework, pythons, options.timeout)
    except EngineUnavailableError as error:
        raise UsageError(f"{framework} cannot be run: {error}") from None
    print(text)  # noqa: T201
    return OK if ok else BAD


def report(options: argparse.Namespace) -> int:
    """Show report files again, or write them in other formats."""
    if len(options.files) > 1 and (options.junit or options.markdown):
        raise UsageError("--junit and --markdown take one report at a time.")
    ok = True
    for file in options.files:
        report = Report.read(file)
        if report.incomplete:
            said = "the last line is incomplete, and left out; the run was killed."
            print(f"warning: {report.incomplete}: {said}", file=sys.stderr)  # noqa: T201
        print_report(report, _console(), every=True)
        _write(report, options)
        ok = ok and report.ok
    return OK if ok else BAD


def export(options: argparse.Namespace) -> int:
    """Write suites as one script for another machine."""
    done = exporting.export(_cases(options.specs, options.select), options.to, options.output)
    result = shlex.quote(str(done.folder / exporting.RESULT))
    specs = " ".join(map(shlex.quote, options.specs))
    print(  # noqa: T201
        f"{done.jobs} programs in {done.folder}; cases that cannot be said: {done.unsupported}",
        f"run there:  {done.command}",
        f"then here:  deconform import {result} {specs}".rstrip(),
        sep="\n",
    )
    return OK


def import_(options: argparse.Namespace) -> int:
    """Judge what an exported script has left."""
    found = exporting.imported(options.result)
    cases = exporting.check_known(found, _cases(options.specs, None))
    settings = Settings(limitations=load_limitations(), recorded={found.framework: found.engine})
    report, interrupted = _executed(cases, [found.framework], settings, options)
    return interrupted or (OK if report.ok else BAD)


def doctor(options: argparse.Namespace) -> int:
    """Say what is here, what is missing and how to get it."""
    console = _console()
    for mark, subject, text in findings(_pythons(options.python)):
        style = {"ok": "green", "--": "yellow"}[mark]
        line = Text.assemble((mark, style), f" {subject:<12} {text}")
        console.print(line, soft_wrap=True)
    return OK


def envs(options: argparse.Namespace) -> int:
    """Build the frameworks' environments."""
    chosen = _chosen(options.frameworks)
    wanted = [name for name in chosen if has_environment(convention(name))]
    console = _console()
    for name in options.frameworks or ():
        if name not in wanted:
            console.print(f"{name}: {_without_environment(name)}", soft_wrap=True)
    ok = True
    try:
        for built in build(wanted, options.jobs):
            verdict = "ready" if built.ok else "cannot be built"
            line = f"{built.framework}: {verdict} ({built.seconds:.0f} s)"
            console.print(line, style="" if built.ok else "red")
            if not built.ok:
                console.print(built.message[-2000:], soft_wrap=True)
            ok = ok and built.ok
    except EngineUnavailableError as error:
        raise UsageError(str(error)) from None
    return OK if ok else BAD


def _without_environment(framework: str) -> str:
    """Say what runs a framework that tox builds nothing for."""
    try:
        found = launch(convention(framework))
    except EngineUnavailableError as error:
        return str(error)
    return (
        f"no environment is needed; it runs in {found.module if found.language else found.python}"
    )


def weights(options: argparse.Namespace) -> int:
    """Convert a file of weights from one framework's layout into another's."""
    done = convert_file(
        options.file,
        options.out,
        options.source,
        options.target,
        groups=options.groups,
        rank=options.rank,
        weight_names=options.weight_name,
        bias_names=options.bias_name,
    )
    print(f"{done.text}\nwrote {options.out}")  # noqa: T201
    return OK


def _cases(specs: Sequence[str], select: str | None) -> list[Case]:
    cases: dict[str, Case] = {}
    paths: Sequence[str | None] = specs or [None]
    for path in paths:
        for case in load_cases(path, select):
            if other := cases.get(case.id):
                where = f"{other.file}:{other.line} and {case.file}:{case.line}"
                raise UsageError(f"case {case.id!r} is given twice, by {where}.")
            cases[case.id] = case
    if not cases:
        raise UsageError(f"no case matches -k {select!r}.")
    return list(cases.values())


def _named_case(name: str) -> Case:
    """Find a case by its id in the default suite, or make it from its descriptor."""
    if "/" in name:
        for case in load_cases(select=name):
            if case.id == name:
                return case
        raise UsageError(f"the default suite has no case {name!r}.")
    return case_from_descriptor(name)


def _check_for_rot(cases: Sequence[Case], limitations: Sequence[Limitation]) -> None:
    for limitation in unmatched(limitations, cases):
        raise UsageError(
            f"{limitation.file}:{limitation.line}: limitation {limitation.id!r} matches no case."
        )


def _chosen(names: Sequence[str] | None) -> tuple[str, ...]:
    """Check frameworks' names; all of them where none is given."""
    for name in names or ():
        convention(name)
    return tuple(dict.fromkeys(names)) if names else framework_names()


def _pythons(assignments: Sequence[str]) -> dict[str, Path]:
    chosen = {}
    for assignment in assignments:
        name, equals, path = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"--python {assignment}: expected NAME=PATH, such as mxnet=/opt/python"
            )
        chosen[convention(name).name] = Path(os.path.expanduser(path))  # noqa: PTH111 -- leaves ~nobody as it is
    return chosen


def _write(report: Report, options: argparse.Namespace) -> None:
    if options.junit:
        with _opened(options.junit) as stream:
            stream.write(junit(report))
    if options.markdown:
        with _opened(options.markdown) as stream:
            stream.write(markdown(report))


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # An exception's message may hold what no encoding has.
        return path.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _console() -> Console:
    console = Console(markup=False, highlight=False)
    # A log has no width: let tables be as wide as they are.
    return console if console.is_terminal else Console(width=200, markup=False, highlight=False)
