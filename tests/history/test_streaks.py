"""Runs with the same verdict become streaks, and a case is as bad as its worst check."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.history.steps import SavedRun
from harness.history.streaks import CaseVerdict, streaks, worst
from harness.records.status import Status

RUN = SavedRun(datetime(2026, 1, 1, 12, tzinfo=UTC), "c", "", "1.0")


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ("PASSED PASSED", CaseVerdict(RUN, Status.PASSED)),
        ("PASSED SKIPPED", CaseVerdict(RUN, Status.PASSED)),
        ("PASSED KNOWN", CaseVerdict(RUN, Status.KNOWN, ("1",), "why 1")),
        ("FAILED PASSED FAILED", CaseVerdict(RUN, Status.FAILED, ("0", "2"), "why 0")),
        ("FAILED CRASHED", CaseVerdict(RUN, Status.CRASHED, ("1",), "why 1")),
        ("UNSUPPORTED UNSUPPORTED", CaseVerdict(RUN, Status.UNSUPPORTED, ("0", "1"), "why 0")),
    ],
)
def test_a_case_is_as_bad_as_its_worst_check(statuses: str, verdict: CaseVerdict) -> None:
    checks = {str(n): (Status(one), f"why {n}") for n, one in enumerate(statuses.split())}
    assert worst(RUN, checks) == verdict


def test_every_status_has_its_place_among_the_worse_ones() -> None:
    assert all(worst(RUN, {"value": (status, "")}).status == status for status in Status)


def test_streaks_end_where_the_verdict_changes() -> None:
    runs = [replace(RUN, commit=f"c{n}") for n in range(6)]
    statuses = [Status.FAILED, Status.SKIPPED, Status.FAILED, Status.FAILED, Status.PASSED]
    checks: list[tuple[str, ...]] = [("value",), (), ("value",), ("grad_x", "value"), ()]
    verdicts = [
        CaseVerdict(*of, reason=f"{n} of 4")
        for n, of in enumerate(zip(runs, statuses, checks, strict=False))
    ]
    assert [
        (one.status, one.first.commit, one.last.commit, one.runs, one.reason)
        for one in streaks(verdicts)
    ] == [
        (Status.FAILED, "c0", "c2", 2, "2 of 4"),
        (Status.FAILED, "c3", "c3", 1, "3 of 4"),
        (Status.PASSED, "c4", "c4", 1, "4 of 4"),
    ]
