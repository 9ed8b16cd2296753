"""``deconform translate``: apart from the other commands, which import what a look-up needs not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence

from harness.cli.main import BAD, OK, ended_by_sigterm
from harness.lookup.answer import Line, LookUp, answer, look_up
from harness.records.status import Status
from harness.syntax.tree import MAX_TEXT


def translate(options: argparse.Namespace) -> int:
    """Print how the frameworks say what a text says."""
    found = look_up(
        typed(options.text),
        options.source,
        options.to,
        input=options.input,
        weight=options.weight,
        style=options.style,
    )
    evidence = _evidence(found) if options.check else {}
    if options.json:
        answered = found.to_json()
        for name, verdicts in evidence.items():
            answered["translations"][name]["evidence"] = verdicts
        print(json.dumps(answered, indent=2))  # noqa: T201
    else:
        _print([*answer(found, options.program), *_in_lines(evidence)])
    statuses = [status for verdicts in evidence.values() for status in verdicts.values()]
    return BAD if any(status.is_bad for status in statuses) else OK


def typed(text: str) -> str:
    """Give a text as it was typed, or from the standard input where it is ``-``."""
    if text != "-":
        return text
    # One more than is allowed is refused like all that is too long.
    return sys.stdin.read(MAX_TEXT + 1) if sys.stdin else ""


def _evidence(found: LookUp) -> dict[str, dict[str, Status]]:
    """Run the look-up's programs, and give what became of each check."""
    from harness import run  # noqa: PLC0415 -- a look-up as such needs no engine
    from harness.suite.case import case_from_descriptor  # noqa: PLC0415

    names = [translation.framework for translation in found.translations]
    verdicts: dict[str, dict[str, Status]] = {name: {} for name in names}
    with ended_by_sigterm():
        for record in run([case_from_descriptor(found.example)], names):
            verdicts[record.framework][record.check] = record.status
    return verdicts


def _in_lines(evidence: Mapping[str, Mapping[str, Status]]) -> Iterator[Line]:
    if evidence:
        yield []
        yield [("dim", "run just now, against the definition:")]
    for name, verdicts in evidence.items():
        by_status: dict[Status, list[str]] = {}
        for check, status in verdicts.items():
            by_status.setdefault(status, []).append(check)
        for status, checks in by_status.items():
            yield [("", f"  {name:<11} "), (status.colour, status), ("", f" {', '.join(checks)}")]


def _print(lines: Sequence[Line]) -> None:
    if sys.stdout and sys.stdout.isatty():
        # Half of a look-up's time would go into this import; a pipe does without.
        from rich.console import Console  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(markup=False, highlight=False)
        for line in lines:
            console.print(Text.assemble(*((text, style) for style, text in line)), soft_wrap=True)
    else:
        for line in lines:
            print("".join(text for _, text in line))  # noqa: T201
