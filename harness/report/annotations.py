"""Annotations for GitHub Actions: failures, at the line of the spec that defines the case.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.records.record import Record
from harness.records.report_file import Report
from harness.report.words import alike, details, headline

# GitHub shows at most this many errors per step.
_SHOWN: Final = 10
_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def github_annotations(report: Report) -> str:
    """Write a command for each line of a spec with bad records; the last one counts the rest.

    >>> from harness.records.record import Header
    >>> github_annotations(Report.of([Header("0.1.0", "2026-01-02T03:04:05+00:00", {}, cases=0)]))
    ''
    """
    places: dict[tuple[str, int], list[Record]] = {}
    for record in report.bad:
        places.setdefault((record.file, record.line), []).append(record)
    shown = list(places.items())
    if len(shown) > _SHOWN:
        shown = shown[: _SHOWN - 1]
    lines = [_command(file, line, records) for (file, line), records in shown]
    if rest := len(places) - len(shown):
        lines.append(_error({}, f"{rest} more lines of specs have something bad; see the report."))
    return "".join(f"{line}\n" for line in lines)


def _command(file: str, line: int, records: Sequence[Record]) -> str:
    cases = list(dict.fromkeys(record.case for record in records))
    more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
    place = {"file": file, "line": f"{line}"} if file else {}
    # The annotation is at the line of the spec already.
    lines = [
        text
        for group in alike(records)
        for text in (headline(group), *(f"  {line}" for line, _ in details(group, has_place=False)))
    ]
    return _error({**place, "title": f"{cases[0]}{more}"}, "\n".join(lines))


def _error(properties: Mapping[str, str], message: str) -> str:
    written = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties.items())
    return f"::error{' ' * bool(written)}{written}::{message.translate(_DATA)}"
