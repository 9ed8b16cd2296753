"""What the records of a test make of it: passed, failed, skipped or expected to fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest

from harness.execution.column import Column
from harness.records.record import Record
from harness.records.status import Status, worst
from harness.report.words import alike, details

# What a record says of itself in JUnit XML, besides its check.
_PROPERTIES = ("status", "reason", "diagnosis", "limitation")


class CaseFailed(Exception):  # noqa: N818 -- pytest shows its name where its plugins are absent
    """A test failed; the message is all that is shown."""


class KnownFailure(Exception):  # noqa: N818 -- as above
    """A test failed as a known limitation says."""


def settle(item: pytest.Item, column: Column, records: Sequence[Record]) -> None:
    """Return if a test passed; else raise what pytest shows of it.

    A known limitation is an expected failure, strictly: where it does not reproduce, pytest fails.
    """
    item.user_properties += list(_properties(records))
    status = worst(record.status for record in records)
    bad = [record for record in records if record.status.is_bad]
    fixed = [record for record in records if record.status == Status.FIXED]
    known = [record for record in records if record.status == Status.KNOWN]
    if len(bad) > len(fixed):
        raise CaseFailed(failure_text(bad))
    if fixed:
        item.add_marker(pytest.mark.xfail(reason=_reasons(fixed), strict=True))
    elif known:
        reason = _upstream(column, known)
        item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=KnownFailure))
        raise KnownFailure(failure_text(known))
    elif status != Status.PASSED:
        _skip(records)


def _skip(records: Sequence[Record]) -> NoReturn:
    pytest.skip(_reasons([record for record in records if record.status != Status.PASSED]))


def failure_text(records: Sequence[Record]) -> str:
    """Say what went wrong: reasons, mutant, place in the spec, command that shows it."""
    lines = []
    for group in alike(records):
        checks = ", ".join(record.check for record in group)
        first, *others = (line for line, _ in details(group))
        lines += [f"{group[0].status} {checks}: {first}", *others]
    return _in_our_words("\n".join(lines))


def _in_our_words(text: str) -> str:
    """Name options as our own command has them, which a reproduce line is one of."""
    return text.replace("--deconform-", "--")


def _reasons(records: Sequence[Record]) -> str:
    return "; ".join(dict.fromkeys(record.reason or record.status for record in records))


def _upstream(column: Column, known: Sequence[Record]) -> str:
    """Return the link to the framework's own issue where there is one, and the reason."""
    links = {one.id: one.upstream for one in column.known}
    named = dict.fromkeys(links.get(record.limitation or "", "") for record in known)
    return " ".join([*filter(None, named), _reasons(known)])


def _properties(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Yield what JUnit XML says of a test: its case and column, then each check."""
    first = records[0]
    for name in ("case", "framework", "descriptor", "support", "reproduce"):
        yield f"deconform_{name}", _in_our_words(getattr(first, name))
    for record in records:
        for name in _PROPERTIES:
            if value := getattr(record, name):
                yield f"deconform_{record.check}_{name}", str(value)
