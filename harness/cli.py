"""The command line: ``deconform run | reproduce | report | doctor | envs``.

Every subcommand imports what it needs itself, so that each starts as fast as it can.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.conventions import UnknownFrameworkError, convention, framework_names
from harness.operator import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.case import Case
    from harness.record import Event
    from harness.report import Report
    from harness.spec import Limitation

OK, BAD, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0: nothing bad. 1: something FAILED, ERRORED, CRASHED, TIMEDOUT, MISTRUSTED or FIXED, or a
    required framework was SKIPPED. 2: bad usage or a bad spec. 130: interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return BAD
    except _user_errors() as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return USAGE
    return status


def _user_errors() -> tuple[type[Exception], ...]:
    """The errors that bad input raises; their classes are loaded if something raised them."""
    errors: list[type[Exception]] = [UnknownFrameworkError, OperatorError, UsageError]
    if spec := sys.modules.get("harness.spec"):
        errors.append(spec.SpecError)
    if report := sys.modules.get("harness.report"):
        errors.append(report.ReportError)
    return tuple(errors)


class UsageError(ValueError):
    """An option that cannot be followed."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deconform",
        description="Say a transposed convolution in every framework, and prove it.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    frameworks = argparse.ArgumentParser(add_help=False)
    frameworks.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="run a framework with this interpreter instead of the one that tox built",
    )

    run = commands.add_parser(
        "run",
        parents=[frameworks],
        help="run suites through the frameworks and compare with the reference",
    )
    run.set_defaults(command=_run)
    run.add_argument("specs", nargs="*", metavar="SPEC", help="file or folder (default suite)")
    run.add_argument("-f", "--framework", action="append", metavar="NAME", help="only these")
    run.add_argument("-k", "--select", metavar="SELECT", help="part of a case's id, or a glob")
    run.add_argument("-o", "--output", type=Path, metavar="FILE.jsonl", help="write the report")
    run.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    run.add_argument("--markdown", type=Path, metavar="FILE", help="write the matrix as Markdown")
    run.add_argument(
        "--require", action="append", default=[], metavar="NAME", help="fail if NAME is SKIPPED"
    )
    run.add_argument(
        "-j", "--jobs", type=_positive, default=0, metavar="N", help="frameworks at once (all)"
    )
    run.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds per program (60)"
    )

    reproduce = commands.add_parser(
        "reproduce", parents=[frameworks], help="run one case; show its program and numbers"
    )
    reproduce.set_defaults(command=_reproduce)
    reproduce.add_argument("case", metavar="DESCRIPTOR", help="a descriptor, or a case's id")
    reproduce.add_argument("-f", "--framework", required=True, metavar="NAME")
    reproduce.add_argument("--timeout", type=float, default=60.0, metavar="S")

    report = commands.add_parser("report", help="show report files again, or as other formats")
    report.set_defaults(command=_report)
    report.add_argument("files", nargs="+", type=Path, metavar="FILE")
    report.add_argument("--junit", type=Path, metavar="FILE")
    report.add_argument("--markdown", type=Path, metavar="FILE")

    doctor = commands.add_parser(
        "doctor", parents=[frameworks], help="what is here, what is missing, how to get it"
    )
    doctor.set_defaults(command=_doctor)

    envs = commands.add_parser("envs", help="build the frameworks' environments, through tox")
    envs.set_defaults(command=_envs)
    envs.add_argument("frameworks", nargs="*", metavar="NAME", help="all without one")
    envs.add_argument("-j", "--jobs", type=_positive, default=2, metavar="N", help="at once (2)")
    return parser


def _run(options: argparse.Namespace) -> int:
    from harness.pipeline import Settings, execute  # noqa: PLC0415
    from harness.report.console import followed, print_report  # noqa: PLC0415
    from harness.spec import load_limitations  # noqa: PLC0415

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
    checks = sum(len(case.checks) for case in cases)
    events = execute(cases, frameworks, settings)
    report = _collected(followed(events, console, checks, frameworks), options.output)
    print_report(report, console)
    _write(report, options)
    if report.footer is None:
        return INTERRUPTED
    skipped = [name for name in required if "unavailable" in report.header.frameworks.get(name, {})]
    for name in skipped:
        console.print(f"{name} is required, but was skipped.", style="bold red")
    return OK if report.ok and not skipped else BAD


def _collected(events: Iterator[Event], output: Path | None) -> Report:
    """Collect events, writing each as it comes; an interrupt leaves a report without footer."""
    from harness.report import Report  # noqa: PLC0415
    from harness.report.jsonl import write_event  # noqa: PLC0415

    kept: list[Event] = []
    with ExitStack() as stack:
        stream = None
        if output is not None:
            stream = stack.enter_context(_opened(output))
        try:
            for event in events:
                kept.append(event)
                if stream is not None:
                    write_event(event, stream)
        except KeyboardInterrupt:
            if not kept:
                raise
    return Report.of(kept)


def _reproduce(options: argparse.Namespace) -> int:
    from harness.engines import EngineUnavailableError  # noqa: PLC0415
    from harness.reproduction import reproduced  # noqa: PLC0415

    case = _named_case(options.case)
    (framework,) = _chosen([options.framework])
    pythons = _pythons(options.python)
    try:
        text, ok = reproduced(case, framework, pythons, options.timeout)
    except EngineUnavailableError as error:
        raise UsageError(f"{framework} cannot be run: {error}") from None
    print(text)  # noqa: T201
    return OK if ok else BAD


def _report(options: argparse.Namespace) -> int:
    from harness.report import Report  # noqa: PLC0415
    from harness.report.console import print_report  # noqa: PLC0415

    if len(options.files) > 1 and (options.junit or options.markdown):
        raise UsageError("--junit and --markdown take one report at a time.")
    ok = True
    for file in options.files:
        report = Report.read(file)
        print_report(report, _console(), every=True)
        _write(report, options)
        ok = ok and report.ok
    return OK if ok else BAD


def _doctor(options: argparse.Namespace) -> int:
    from harness.doctor import findings  # noqa: PLC0415

    console = _console()
    for mark, subject, text in findings(_pythons(options.python)):
        style = {"ok": "green", "--": "yellow"}[mark]
        console.print(f"[{style}]{mark}[/] {subject:<12} {text}", soft_wrap=True, highlight=False)
    return OK


def _envs(options: argparse.Namespace) -> int:
    from harness.engines import EngineUnavailableError  # noqa: PLC0415
    from harness.environments import build, is_own  # noqa: PLC0415

    chosen = _chosen(options.frameworks)
    wanted = [name for name in chosen if not is_own(convention(name))]
    console = _console()
    ok = True
    try:
        for built in build(wanted, options.jobs):
            verdict = "ready" if built.ok else "cannot be built"
            line = f"{built.framework}: {verdict} ({built.seconds:.0f} s)"
            console.print(line, style="" if built.ok else "red", highlight=False)
            if not built.ok:
                console.print(built.message[-2000:], soft_wrap=True, highlight=False, markup=False)
            ok = ok and built.ok
    except EngineUnavailableError as error:
        raise UsageError(str(error)) from None
    return OK if ok else BAD


def _cases(specs: Sequence[str], select: str | None) -> list[Case]:
    from harness.spec import load_cases  # noqa: PLC0415

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
    from harness.case import case_from_descriptor  # noqa: PLC0415
    from harness.spec import load_cases  # noqa: PLC0415

    if "/" in name:
        for case in load_cases(select=name):
            if case.id == name:
                return case
        raise UsageError(f"the default suite has no case {name!r}.")
    return case_from_descriptor(name)


def _check_for_rot(cases: Sequence[Case], limitations: Sequence[Limitation]) -> None:
    from harness.spec import unmatched  # noqa: PLC0415

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
        chosen[convention(name).name] = Path(path).expanduser()
    return chosen


def _write(report: Report, options: argparse.Namespace) -> None:
    if options.junit:
        from harness.report.junit import junit  # noqa: PLC0415

        with _opened(options.junit) as stream:
            stream.write(junit(report))
    if options.markdown:
        from harness.report.markdown import markdown  # noqa: PLC0415

        with _opened(options.markdown) as stream:
            stream.write(markdown(report))


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    # A log has no width: let tables be as wide as they are.
    return console if console.is_terminal else Console(width=200)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number
