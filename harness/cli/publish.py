"""``deconform publish``: what ``reports/published`` holds, from two whole reports."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.exit_statuses import OK


def add(parser: argparse.ArgumentParser) -> None:
    for name, default, about in (
        ("conformance", "reports/conformance.jsonl", "a conformance run's report"),
        ("bench", "reports/bench.jsonl", "a benchmark's report"),
        ("output", "reports/published", "the folder that is written"),
    ):
        metavar = "DIR" if name == "output" else "FILE"
        parser.add_argument(
            f"--{name}",
            type=Path,
            default=Path(default),
            metavar=metavar,
            help=f"{about} ({default})",
        )


def run(options: argparse.Namespace) -> int:
    from harness.cli.publication import publish

    for name in publish(options.conformance, options.bench, options.output):
        print(f"wrote {options.output / name}")
    return OK
