"""Known limitations: what is declared, and whether this report still shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from harness.dashboard.addresses import anchor
from harness.dashboard.conformance import Conformance
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.limitations import Limitation, load_limitations

# What became of a limitation: a class of the style sheet, and a sign.
STATES: Final = {
    "live": (Status.KNOWN.css_class, Status.KNOWN.letter),
    "fixed": (Status.FIXED.css_class, Status.FIXED.letter),
    "partly fixed": (Status.FIXED.css_class, Status.FIXED.letter),
    "not run": (Status.SKIPPED.css_class, "-"),
}


def limitations(shown: Conformance) -> list[dict[str, Any]]:
    """Give what is declared or met, those that matter most first."""
    met: dict[str, list[Record]] = {}
    for record in shown.report.records:
        if record.limitation:
            met.setdefault(record.limitation, []).append(record)
    declared = {one.id: one for one in load_limitations()}
    addresses = {each.id: each.address for each in shown.cases}
    rows = [
        _row(name, declared.get(name), met.get(name, []), addresses)
        for name in dict.fromkeys([*declared, *met])
    ]
    return sorted(rows, key=lambda row: (list(STATES).index(row["state"]), row["framework"]))


def _row(
    name: str,
    declared: Limitation | None,
    records: Sequence[Record],
    addresses: Mapping[str, str],
) -> dict[str, Any]:
    state = _state(records)
    upstream = declared.upstream if declared else ""
    cases = dict.fromkeys(record.case for record in records)
    return {
        "id": name,
        "anchor": anchor(name),
        "framework": declared.framework if declared else records[0].framework,
        "state": state,
        "kind": STATES[state],
        "reason": declared.reason if declared else records[0].reason or "",
        "depends_on": declared.depends_on if declared else "",
        "upstream": upstream if urlsplit(upstream).scheme in {"http", "https"} else "",
        "cases": [(case, addresses[case]) for case in cases],
    }


def _state(records: Sequence[Record]) -> str:
    statuses = {record.status for record in records}
    if Status.FIXED in statuses:
        return "partly fixed" if Status.KNOWN in statuses else "fixed"
    return "live" if Status.KNOWN in statuses else "not run"
