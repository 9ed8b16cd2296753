"""``deconform bench``: time the frameworks' programs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from harness.bench import TIMEOUT
from harness.cli.exit_statuses import BAD, OK, ended_by_sigterm
from harness.cli.options import DTYPES, UsageError, add_formats, add_shared, positive, seconds
from harness.report.formats import formats

_COMPARISONS: Final = 100


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_shared(parser, "python", "device", "math", "memory")
    add_shared(parser, "specs", help="file or folder (specs/bench)")
    add_shared(parser, "select", "framework")
    parser.add_argument("--dtype", choices=DTYPES, help="instead of the cases' own")
    for name, read, default, unit, about in (
        ("threads", positive, 1, "N", "threads of each framework (1)"),
        ("rounds", positive, 200, "N", "most turns of each (200)"),
        ("budget", seconds, 6.0, "S", "seconds for all turns (6)"),
        ("seconds", seconds, 0.002, "S", "a turn's least length (0.002)"),
        ("timeout", seconds, TIMEOUT, "S", f"seconds per program ({TIMEOUT:g})"),
    ):
        parser.add_argument(f"--{name}", type=read, default=default, metavar=unit, help=about)
    add_shared(parser, "output")
    add_formats(parser, formats("benchmark", "markdown"))
    parser.add_argument(
        "--resume", type=Path, metavar="FILE.jsonl", help="go on with an interrupted run"
    )
    parser.add_argument(
        "--self-check", action="store_true", help="say what the figures are worth on this machine"
    )
    add_shared(parser, "baseline", "detail")
    add_formats(parser, formats("benchmark", "csv", "pytest-benchmark"))
    add_shared(parser, "save")


def run(options: argparse.Namespace) -> int:
    """Measure; show, write and save the report."""
    if options.self_check:
        return _self_check(options)
    from contextlib import closing

    from harness.cli import output
    from harness.cli.bench_plan import followed, planned, resumed
    from harness.cli.consoles import wide_terminal
    from harness.history import revision
    from harness.report.benchmark import print_benchmark

    plan = resumed(options) if options.resume else planned(options)
    console, store = wide_terminal(), output.opened_store(options)
    with (
        ended_by_sigterm(),
        closing(output.written(plan.events(), plan.output, plan.repeated)) as events,
    ):
        report, interrupted = output.collected(followed(events, plan))
    print_benchmark(report, console, options.baseline, detail=options.detail)
    output.write_formats(report, options)
    if interrupted:
        if plan.output:
            console.print(f"to go on: deconform bench --resume {plan.output}", soft_wrap=True)
        return interrupted
    if store:
        console.print(store.save(report, revision.branch()).text, soft_wrap=True)
    return OK if report.ok else BAD


def _self_check(options: argparse.Namespace) -> int:
    """Check what a benchmark's figures are worth here."""
    from harness.bench.calibration import self_check
    from harness.cli.bench_plan import settings_of
    from harness.cli.consoles import wide_terminal
    from harness.engines.job import EngineUnavailableError

    sampling, conditions = settings_of(options, vars(options))
    console = wide_terminal()
    kept = True
    try:
        with ended_by_sigterm():
            for promise in self_check(sampling, conditions, _COMPARISONS):
                console.print(
                    f"{'✓' if promise.is_kept else '✗'} {promise.text}: {promise.outcome}"
                )
                kept = kept and promise.is_kept
    except EngineUnavailableError as error:
        raise UsageError(f"numpy cannot be run: {error}") from None
    return OK if kept else BAD
