"""Write an implementation's known failures from a run, for its owner to review."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import yaml

from harness.records.record import Record
from harness.records.status import Status
from harness.suite.limitations import Limitation

_HEAD: Final = (
    "# Known failures of {name}, written from a run: review each entry, and say why in `reason`.\n"
    "# A record that an entry explains is KNOWN; one that passes now is FIXED, and fails the run.\n"
)
_MOST_REASON: Final = 300


def known_failures(name: str, records: Iterable[Record], before: Sequence[Limitation]) -> str:
    """Write the file of known failures that explains a run of the implementation ``name``.

    What was known before and still fails, or was not run, stays as it was.  A case that passes now
    leaves its entry.
    """
    mine = [record for record in records if record.framework == name]
    fixed = {(one.limitation, one.case) for one in mine if one.status == Status.FIXED}
    kept = [entry for known in before if (entry := _kept(known, mine, fixed))]
    status_of = {known.id: Status(known.status) for known in before}
    new = [
        (record, status_of.get(record.limitation or "", record.status))
        for record in mine
        if record.status.is_declarable or (record.limitation, record.case) in fixed
        if record.status != Status.FIXED
    ]
    text: str = yaml.safe_dump(
        {"limitations": [*kept, *_new(new, {entry["id"] for entry in kept})]},
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=2**20,
    )
    return _HEAD.format(name=name) + text


def _kept(
    known: Limitation, records: Sequence[Record], fixed: Collection[tuple[str | None, str]]
) -> dict[str, Any] | None:
    """Return an entry without the cases of which a check passes now; ``None`` without any."""
    mine = [record for record in records if record.limitation == known.id]
    failing = dict.fromkeys(one.case for one in mine if (known.id, one.case) not in fixed)
    if mine and not failing:
        return None
    return _entry(
        known.id,
        list(failing) if len(failing) < len({one.case for one in mine}) else known.cases,
        known.checks,
        known.status,
        known.reason,
        upstream=known.upstream,
        depends_on=known.depends_on,
        device="" if known.device == "any" else known.device,
    )


def _new(records: Iterable[tuple[Record, Status]], taken: set[str]) -> Iterator[dict[str, Any]]:
    """Make entries of the records that none explains: one for the cases that fail alike."""
    by_case: dict[tuple[str, Status], list[Record]] = {}
    for record, status in records:
        by_case.setdefault((record.case, status), []).append(record)
    by_cause: dict[tuple[Status, tuple[str, ...], str], list[Record]] = {}
    for (_, status), group in by_case.items():
        key = status, tuple(record.check for record in group), _cause(group[0])
        by_cause.setdefault(key, []).append(group[0])
    for (status, checks, cause), group in by_cause.items():
        identifier = _identifier(f"{status}-{cause}", taken)
        taken.add(identifier)
        first = group[0]
        mutant = f"equals the mutant: {first.diagnosis}; " if first.diagnosis else ""
        reason = f"{mutant}{' '.join((first.reason or '').split())[:_MOST_REASON]}"
        yield _entry(identifier, [one.case for one in group], checks, status, reason)


def _cause(record: Record) -> str:
    """Return what cases that fail alike have in common: the mutant, or the reason but its numbers.

    >>> _cause(Record("a", "s", "d", "mine", "value", "native", Status.FAILED, "y[1, 2] is 3"))
    'y is'
    """
    return record.diagnosis or " ".join(re.findall(r"[A-Za-z_]+(?![\w.]*\d)", record.reason or ""))


def _identifier(text: str, taken: set[str]) -> str:
    """Make a short name that is not taken.

    >>> _identifier("FAILED-kernel flipped", {"failed-kernel-flipped"})
    'failed-kernel-flipped-2'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    number = 1
    while (name := plain if number == 1 else f"{plain}-{number}") in taken:
        number += 1
    return name


def _entry(
    identifier: str,
    cases: Sequence[str],
    checks: Sequence[str],
    status: str,
    reason: str,
    **optional: str,
) -> dict[str, Any]:
    return {
        "id": identifier,
        "cases": list(cases),
        **({"checks": list(map(str, checks))} if checks else {}),
        "status": str(status),
        "reason": reason,
        **{key: value for key, value in optional.items() if value},
    }
