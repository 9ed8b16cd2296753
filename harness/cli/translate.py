"""``deconform translate``: a look-up, which imports nothing that it can do without."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK, ended_by_sigterm
from harness.cli.options import add_shared

if TYPE_CHECKING:
    from harness.lookup.answer import Line, LookUp
    from harness.records.status import Status


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "text", "from", "input", "weight")
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="NAME",
        help="only these (all others); or benchdnn",
    )
    parser.add_argument(
        "--style",
        choices=("function", "layer"),
        default="function",
        help="what is executed (the default), or what people put in a network",
    )
    parser.add_argument("--program", action="store_true", help="print whole programs")
    parser.add_argument(
        "--check", action="store_true", help="run the answer in the frameworks that are here"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    from harness.cli.wording import in_options
    from harness.lookup.answer import answer, look_up

    look = look_up(
        typed(options.text),
        options.source,
        options.to,
        input=options.input,
        weight=options.weight,
        style=options.style,
    ).worded(in_options)
    evidence = _evidence(look) if options.check else {}
    if options.json:
        import json

        answered = look.to_json()
        for name, by_check in evidence.items():
            answered["translations"][name]["evidence"] = by_check
        print(json.dumps(answered, indent=2))
    else:
        _print([*answer(look, options.program), *_in_lines(evidence)])
    statuses = [status for checks in evidence.values() for status in checks.values()]
    return BAD if any(status.is_bad for status in statuses) else OK


def typed(text: str) -> str:
    """Return a text as it was typed, or the standard input where it is ``-``."""
    if text != "-":
        return text
    from harness.syntax.tree import MAX_TEXT

    # One character too many is refused like any longer text.
    return sys.stdin.read(MAX_TEXT + 1) if sys.stdin else ""


def _evidence(look: LookUp) -> dict[str, dict[str, Status]]:
    """Run the look-up's programs; return the status of each check, by framework."""
    from harness import run as run_cases
    from harness.suite.case import case_from_descriptor

    names = [translation.framework for translation in look.translations]
    evidence: dict[str, dict[str, Status]] = {name: {} for name in names}
    with ended_by_sigterm():
        for record in run_cases([case_from_descriptor(look.example)], names):
            evidence[record.framework][record.check] = record.status
    return evidence


def _in_lines(evidence: Mapping[str, Mapping[str, Status]]) -> Iterator[Line]:
    if evidence:
        yield []
        yield [("dim", "run just now, against the definition:")]
    for name, statuses in evidence.items():
        by_status: dict[Status, list[str]] = {}
        for check, status in statuses.items():
            by_status.setdefault(status, []).append(check)
        for status, checks in by_status.items():
            yield [("", f"  {name:<11} "), (status.colour, status), ("", f" {', '.join(checks)}")]


def _print(lines: Sequence[Line]) -> None:
    if sys.stdout and sys.stdout.isatty():
        # Half of a look-up's time would go into this import; a pipe does without.
        from rich.text import Text

        from harness.cli.consoles import terminal

        console = terminal()
        for line in lines:
            console.print(Text.assemble(*((text, style) for style, text in line)), soft_wrap=True)
    else:
        for line in lines:
            print("".join(text for _, text in line))
