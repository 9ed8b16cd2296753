"""Known failures that are written from a run: what stays, what goes, what is new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.doors.known import known_failures
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.limitations import Limitation, load_known

PASSED = Record("s/a", "s", "d", "mine", "value", "native", Status.PASSED)


def record(case: str, status: Status, check: str = "value", **fields: Any) -> Record:
    return replace(PASSED, case=case, status=status, check=check, **fields)


def rewritten(
    tmp_path: Path, records: list[Record], before: tuple[Limitation, ...] = ()
) -> tuple[Limitation, ...]:
    file = tmp_path / "known.yaml"
    file.write_text(known_failures("mine", records, before), encoding="utf-8")
    return load_known(file, "mine")


def test_cases_that_fail_alike_are_one_entry(tmp_path: Path) -> None:
    records = [
        PASSED,
        record("s/b", Status.FAILED, reason="y[1] is 3: no", diagnosis="kernel flipped"),
        record("s/c", Status.FAILED, reason="y[7] is 4: no", diagnosis="kernel flipped"),
        record("s/d", Status.FAILED, "grad_x", reason="call refused 12"),
        record("s/d", Status.FAILED, "grad_w", reason="call refused 12"),
        record("s/e", Status.CRASHED, reason="it died"),
        record("s/f", Status.MISTRUSTED, reason="says little"),
        replace(record("s/g", Status.FAILED, reason="another's"), framework="pytorch"),
    ]
    flipped, refused, crashed = rewritten(tmp_path, records)
    assert (flipped.cases, flipped.checks, flipped.status) == (("s/b", "s/c"), ("value",), "FAILED")
    assert flipped.reason == "equals the mutant: kernel flipped; y[1] is 3: no"
    assert (refused.cases, refused.checks) == (("s/d",), ("grad_x", "grad_w"))
    assert (crashed.cases, crashed.status) == (("s/e",), "CRASHED")
    assert len({flipped.id, refused.id, crashed.id}) == 3


def test_what_still_fails_or_was_not_run_stays_as_it_was(tmp_path: Path) -> None:
    before = rewritten(tmp_path, [record("s/b", Status.FAILED, reason="r")])
    known = replace(before[0], cases=("s/*",), upstream="https://example.org/1", device="cpu")
    still = record("s/b", Status.KNOWN, reason="r [r]", limitation=known.id)
    (kept,) = rewritten(tmp_path, [still], (known,))
    assert replace(kept, file="", line=0) == replace(known, file="", line=0)
    (kept,) = rewritten(tmp_path, [PASSED], (known,))
    assert kept.cases == ("s/*",)


def test_what_passes_leaves(tmp_path: Path) -> None:
    failing = [record(case, Status.FAILED, reason="r") for case in ("s/b", "s/c")]
    before = rewritten(tmp_path, failing)
    known, fixed = (
        record("s/b", Status.KNOWN, reason="r [r]", limitation=before[0].id),
        record("s/c", Status.FIXED, limitation=before[0].id),
    )
    (kept,) = rewritten(tmp_path, [known, fixed], before)
    assert kept.cases == ("s/b",)
    assert rewritten(tmp_path, [replace(known, status=Status.FIXED), fixed], before) == ()


def test_a_case_of_which_one_check_passes_gets_an_entry_for_the_rest(tmp_path: Path) -> None:
    failing = [record("s/b", Status.ERRORED, check, reason="r") for check in ("shape", "value")]
    before = rewritten(tmp_path, failing)
    fixed = record("s/b", Status.FIXED, "shape", limitation=before[0].id)
    known = record("s/b", Status.KNOWN, reason="r [r]", limitation=before[0].id)
    (entry,) = rewritten(tmp_path, [fixed, known], before)
    assert (entry.cases, entry.checks, entry.status) == (("s/b",), ("value",), "ERRORED")
