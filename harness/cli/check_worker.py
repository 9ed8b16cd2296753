"""``deconform check-worker``: hold a program against the protocol of workers."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK

if TYPE_CHECKING:
    from harness.conformance.worker_check import Finding
    from harness.doors.implementation import Implementation


def add(parser: argparse.ArgumentParser) -> None:
    parser.usage = "deconform check-worker [-h] [--timeout S] COMMAND... | FILE.yaml"
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="an answer (10)")
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        help="the program and its arguments, or the file of an implementation with a command",
    )


def run(options: argparse.Namespace) -> int:
    from harness.cli.exit_statuses import ended_by_sigterm
    from harness.cli.options import UsageError
    from harness.conformance.worker_check import Mark, check_worker
    from harness.engines.job import EngineUnavailableError

    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        raise UsageError("name the program: deconform check-worker ./worker")
    if not 0 < options.timeout < float("inf"):
        raise UsageError(f"--timeout {options.timeout:g}: it must be a number of seconds.")
    marks: Counter[str] = Counter()
    try:
        with ended_by_sigterm():
            for finding in check_worker(_implementation(words), options.timeout):
                marks[finding.mark] += 1
                print(_words(finding), flush=True)
    except EngineUnavailableError as error:
        raise UsageError(str(error)) from None
    counts = ", ".join(f"{marks[mark]} {mark}" for mark in Mark if marks[mark])
    rest = " Nothing more was tried." if sum(marks.values()) == 1 else ""
    print(f"\nchecks: {counts}.{rest} docs/protocol.md describes the messages.")
    return BAD if marks[Mark.WRONG] else OK


def _implementation(words: Sequence[str]) -> Implementation:
    """Read the file of an implementation, or make one of a command."""
    import sys
    from pathlib import Path

    from harness.cli.options import UsageError
    from harness.doors.implementation import CANONICAL, Claims, Implementation, load_implementation

    if len(words) == 1 and words[0].endswith((".yaml", ".yml")):
        implementation = load_implementation(words[0])
        if implementation.door != "command":
            raise UsageError(f"{words[0]}: it has a {implementation.door!r}, not a 'command'.")
        return implementation
    here, claims = Path.cwd(), Claims()
    interpreter = Path(sys.executable)
    return Implementation(
        "worker", "", here, "command", tuple(words), interpreter, "", CANONICAL, claims
    )


def _words(finding: Finding) -> str:
    from harness.conformance.worker_check import Mark

    lines = [f"{finding.mark:<8} {finding.subject}: {finding.came}"]
    if finding.mark == Mark.WRONG:
        lines = [f"{finding.mark:<8} {finding.subject}"]
        parts = {"sent": finding.sent, "came": finding.came, "expected": finding.expected}
        lines += [f"           {name + ':':<9} {text}" for name, text in parts.items() if text]
    return "\n".join(lines)
