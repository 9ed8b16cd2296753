"""What the subcommands do; ``harness.cli.main`` parses and calls these."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from rich.text import Text

from harness.cli.doctor import findings
from harness.cli.main import BAD, OK, ended_by_sigterm
from harness.cli.options import (
    UsageError,
    check_math,
    chosen_cases,
    chosen_frameworks,
    chosen_pythons,
    collected,
    opened,
    opened_store,
    wide_console,
    write_forms,
    written,
)
from harness.conformance import export as exporting
from harness.conformance.pipeline import Settings, execute
from harness.conformance.reproduction import reproduced
from harness.convention.registry import convention
from harness.engines import EngineUnavailableError
from harness.execution.environments import build, has_environment, lacks_device, launch
from harness.history import revision
from harness.records.record import Event, Header
from harness.records.report_file import Report
from harness.report.benchmark import print_benchmark
from harness.report.console import followed, print_report
from harness.suite.case import Case, case_from_descriptor
from harness.suite.limitations import Limitation, load_limitations, unmatched
from harness.suite.specs import load_cases
from harness.weights.conversion import convert_file


def run(options: argparse.Namespace) -> int:
    """Run suites and compare with the reference."""
    frameworks = chosen_frameworks(options.framework)
    required = chosen_frameworks(options.require) if options.require else ()
    check_math(options, frameworks)
    cases = chosen_cases(options.specs, options.select)
    limitations = load_limitations()
    if not options.specs and options.select is None:
        _check_for_rot(cases, limitations)
    settings = Settings(
        pythons=chosen_pythons(options.python),
        timeout=options.timeout,
        at_once=options.jobs,
        limitations=limitations,
        device=options.device,
        math=options.math,
    )
    console = wide_console()
    store = opened_store(options)
    report, interrupted = _executed(cases, frameworks, settings, options, revision.commit())
    if interrupted:
        return interrupted
    if store:
        console.print(store.save(report, revision.branch()).text, soft_wrap=True)
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
    commit: str = "",
) -> tuple[Report, int]:
    """Run cases, show how it goes and how it went, and write what is asked for.

    Beside the report stands the exit status of what interrupted the run, 0 where nothing did.
    """
    console = wide_console()
    checks = sum(len(case.checks) for case in cases)
    with ended_by_sigterm(), ExitStack() as stack:
        stream = stack.enter_context(opened(options.output)) if options.output else None
        events = written(_stamped(execute(cases, frameworks, settings), commit), stream)
        report, interrupted = collected(followed(events, console, checks, frameworks))
    print_report(report, console)
    write_forms(report, options)
    return report, interrupted


def _stamped(events: Iterable[Event], commit: str) -> Iterator[Event]:
    """Say in the header what was checked out."""
    for event in events:
        yield replace(event, commit=commit) if isinstance(event, Header) else event


def reproduce(options: argparse.Namespace) -> int:
    """Run one case; show its program and numbers."""
    case = _named_case(options.case)
    (framework,) = chosen_frameworks([options.framework])
    check_math(options, [framework])
    pythons = chosen_pythons(options.python)
    try:
        with ended_by_sigterm():
            text, ok = reproduced(
                case, framework, pythons, options.timeout, options.device, options.math
            )
    except EngineUnavailableError as error:
        raise UsageError(f"{framework} cannot be run: {error}") from None
    print(text)  # noqa: T201
    return OK if ok else BAD


def report(options: argparse.Namespace) -> int:
    """Show report files again, or write them in other formats."""
    forms = ("junit", "markdown", "csv", "pytest_benchmark", "sarif", "summary", "badges")
    if len(options.files) > 1 and any(getattr(options, name) is not None for name in forms):
        raise UsageError("--junit, --markdown and other forms take one report at a time.")
    if options.database is not None and options.html is None:
        raise UsageError("--database is for the dashboard: add --html DIR.")
    ok = True
    reports = []
    store = opened_store(options)
    for file in options.files:
        report = Report.read(file)
        if report.incomplete:
            said = "the last line is incomplete, and left out; the run was killed."
            print(f"warning: {report.incomplete}: {said}", file=sys.stderr)  # noqa: T201
        if report.measurements:
            print_benchmark(report, wide_console(), options.baseline, detail=options.detail)
        else:
            print_report(report, wide_console(), every=True)
        write_forms(report, options)
        if store:
            print(store.save(report).text)  # noqa: T201
        ok = ok and report.ok
        reports.append(report)
    if options.html:
        _write_dashboard(reports, options)
    return OK if ok else BAD


def _write_dashboard(reports: Sequence[Report], options: argparse.Namespace) -> None:
    from harness import dashboard  # noqa: PLC0415 -- an extra

    history = None
    if options.database is not None:
        from harness import history as store  # noqa: PLC0415 -- an extra

        history = store.opened(options.database, create=False)
    built = dashboard.build(reports, options.html, history, processes=os.cpu_count() or 1)
    print(built.text)  # noqa: T201


def export(options: argparse.Namespace) -> int:
    """Write suites as one script for another machine."""
    done = exporting.export(chosen_cases(options.specs, options.select), options.to, options.output)
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
    cases = exporting.check_known(found, chosen_cases(options.specs, None))
    settings = Settings(limitations=load_limitations(), recorded={found.framework: found.engine})
    report, interrupted = _executed(cases, [found.framework], settings, options)
    return interrupted or (OK if report.ok else BAD)


def doctor(options: argparse.Namespace) -> int:
    """Say what is here, what is missing and how to get it."""
    console = wide_console()
    for mark, subject, text in findings(
        chosen_pythons(options.python), options.device, options.math
    ):
        style = {"ok": "green", "--": "yellow"}[mark]
        line = Text.assemble((mark, style), f" {subject:<12} {text}")
        console.print(line, soft_wrap=True)
    return OK


def envs(options: argparse.Namespace) -> int:
    """Build the frameworks' environments."""
    chosen = chosen_frameworks(options.frameworks)
    wanted = [name for name in chosen if has_environment(convention(name))]
    console = wide_console()
    if not options.frameworks:
        for name, reason in _unusable(wanted).items():
            wanted.remove(name)
            console.print(f"{name}: left out, {reason}", soft_wrap=True)
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


def _unusable(frameworks: Sequence[str]) -> dict[str, str]:
    """Say of frameworks what they lack here, whatever is built for them."""
    reasons = {name: lacks_device(convention(name)) for name in frameworks}
    return {name: reason for name, reason in reasons.items() if reason}


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
