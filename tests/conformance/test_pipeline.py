"""A run as a whole, with fake workers in the framework's place."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pytest
from examples import slow

from harness.conformance.pipeline import execute
from harness.core.operators import IllegalOperator, Operator
from harness.execution.column import Conditions
from harness.records.record import Footer, Header, Record
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.limitations import Limitation


def some_cases(count: int = 6) -> list[Case]:
    return [
        Case(
            id=f"made/{number}",
            suite="made",
            operator=Operator.of(2, 3, (3, 2), stride=2, crop=((1, 0), (0, number - 3))),
            batch=2,
            in_size=(3, 4),
        )
        for number in range(count)
    ]


def run(
    folder: Path,
    behaviour: str,
    cases: Sequence[Case] | None = None,
    *,
    at_once: int = 0,
    **options: Any,
) -> list[Record]:
    pythons = {"numpy": fakes.interpreter(folder, behaviour)}
    conditions = replace(Conditions(pythons, timeout=20), **options)
    events = list(execute(cases or some_cases(), ["numpy"], conditions, at_once=at_once))
    assert isinstance(events[0], Header)
    assert isinstance(events[-1], Footer)
    records = [event for event in events if isinstance(event, Record)]
    assert len(records) == len(events) - 2
    assert events[-1].counts == Counter(record.status for record in records)
    return records


def statuses(records: Sequence[Record]) -> dict[tuple[str, str], Status]:
    found = {(record.case, record.check): record.status for record in records}
    assert len(found) == len(records), "a check is accounted for more than once"
    return found


def test_correct_worker_passes_every_check_exactly_once(tmp_path: Path) -> None:
    found = statuses(run(tmp_path, "correct"))
    assert set(found) == {(case.id, check) for case in some_cases() for check in case.checks}
    assert set(found.values()) == {Status.PASSED}


def test_wrong_values_fail_but_their_shape_passes(tmp_path: Path) -> None:
    for record in run(tmp_path, "always_wrong"):
        expected = Status.PASSED if record.check == "shape" else Status.FAILED
        assert record.status == expected
    assert "elements differ; first" in (record.reason or "")


def test_flipped_kernel_is_named(tmp_path: Path) -> None:
    for record in run(tmp_path, "flips_kernel"):
        if record.check in {"value", "grad_x", "grad_w"}:
            assert (record.status, record.diagnosis) == (Status.FAILED, "kernel flipped")
        else:
            assert record.status == Status.PASSED


def test_wrong_dtype_fails_where_values_agree(tmp_path: Path) -> None:
    by_check = {record.check: record for record in run(tmp_path, "wrong_dtype")}
    assert by_check["shape"].status == Status.PASSED
    assert by_check["value"].reason == "y is float64, expected float32"


def test_wrong_shape_fails_everything(tmp_path: Path) -> None:
    records = run(tmp_path, "wrong_shape")
    assert {record.status for record in records} == {Status.FAILED}
    assert records[0].reason == "y has shape (2, 3, 6, 10), expected (2, 3, 6, 11)"


def test_exception_is_an_error_with_its_words(tmp_path: Path) -> None:
    records = run(tmp_path, "raises")
    assert {record.status for record in records} == {Status.ERRORED}
    assert records[0].reason == "call raised RuntimeError: no such layer"


def test_missing_output_is_an_error(tmp_path: Path) -> None:
    records = run(tmp_path, "defines_nothing")
    assert records[0].reason == "from_native raised NameError: the program left no y"


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("crashes_once", Status.CRASHED, "SIGKILL"),
        slow("hangs_once", Status.TIMEDOUT, "no answer within 2 s"),
        slow("dies_halfway_through_an_answer", Status.CRASHED, "it ended inside an answer"),
    ],
)
def test_one_lost_worker_costs_one_record(
    tmp_path: Path, behaviour: str, status: Status, words: str
) -> None:
    records = run(tmp_path, behaviour, timeout=2.0)
    lost = [record for record in records if record.status != Status.PASSED]
    assert len(statuses(records)) == sum(len(case.checks) for case in some_cases())
    assert [record.status for record in lost] == [status]
    assert words in (lost[0].reason or "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("crashes_always", Status.CRASHED, "SIGSEGV"),
        ("lies_about_shape", Status.CRASHED, "claims shape (2, 2, 3, "),
        ("sends_objects", Status.CRASHED, "dtype 'object', which is not transported"),
        ("answers_nonsense", Status.CRASHED, "its answer cannot be read"),
        ("hangs_always", Status.TIMEDOUT, "no answer within 2 s"),
    ],
)
def test_worker_that_always_fails_is_an_end_of_its_cases_only(
    tmp_path: Path, behaviour: str, status: Status, words: str
) -> None:
    records = run(tmp_path, behaviour, some_cases(1), timeout=2.0)
    assert set(statuses(records).values()) == {status}
    assert words in (records[0].reason or "")


def test_chatter_on_standard_output_changes_nothing(tmp_path: Path) -> None:
    assert {record.status for record in run(tmp_path, "prints_on_stdout")} == {Status.PASSED}


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("cannot_import", "ImportError: libfake.so.1: cannot open shared object file"),
        ("dies_on_import", "Illegal instruction (this build needs AVX9000)"),
    ],
)
def test_framework_that_cannot_start_is_an_error_with_the_reason(
    tmp_path: Path, behaviour: str, words: str
) -> None:
    records = run(tmp_path, behaviour)
    assert {record.status for record in records} == {Status.ERRORED}
    assert words in (records[0].reason or "")
    assert len(statuses(records)) == sum(len(case.checks) for case in some_cases())


def test_missing_interpreter_is_skipped_and_the_others_run(tmp_path: Path) -> None:
    conditions = Conditions(pythons={"pytorch": tmp_path / "nowhere"})
    events = list(execute(some_cases(2), ["pytorch", "numpy"], conditions))
    by_framework: dict[str, set[Status]] = {"pytorch": set(), "numpy": set()}
    for event in events:
        if isinstance(event, Record):
            by_framework[event.framework].add(event.status)
    assert by_framework == {"pytorch": {Status.SKIPPED}, "numpy": {Status.PASSED}}


def test_unsupported_case_has_a_record_for_every_check(tmp_path: Path) -> None:
    case = Case(
        id="made/3d",
        suite="made",
        operator=Operator.of(1, 2, (2, 2, 2)),
        batch=1,
        in_size=(2, 2, 2),
        dtype="float64",
    )
    conditions = Conditions(pythons={"mxnet": fakes.interpreter(tmp_path, "correct")})
    records = [e for e in execute([case], ["mxnet"], conditions) if isinstance(e, Record)]
    assert [record.check for record in records] == list(case.checks)
    assert {record.status for record in records} == {Status.UNSUPPORTED}


def limitation(status: str, depends_on: str = "", check: str = "value") -> Limitation:
    return Limitation(
        "made", "numpy", ("made/*",), (check,), status, "because", "", depends_on, "f", 1
    )


def test_declared_limitation_that_reproduces_is_known(tmp_path: Path) -> None:
    records = run(tmp_path, "flips_kernel", limitations=(limitation("FAILED"),))
    values = [record for record in records if record.check == "value"]
    assert {record.status for record in values} == {Status.KNOWN}
    assert values[0].limitation == "made"
    assert (values[0].reason or "").startswith("because [y: ")
    gradients = [record for record in records if record.check == "grad_x"]
    assert {record.status for record in gradients} == {Status.FAILED}


def test_declared_limitation_that_passes_is_fixed(tmp_path: Path) -> None:
    records = run(tmp_path, "correct", limitations=(limitation("FAILED"),))
    assert {r.status for r in records if r.check == "value"} == {Status.FIXED}


def test_limitation_that_depends_on_the_machine_may_pass(tmp_path: Path) -> None:
    declared = (limitation("FAILED", depends_on="AVX-512"),)
    passed = run(tmp_path, "correct", limitations=declared)
    assert {record.status for record in passed} == {Status.PASSED}
    failed = run(tmp_path, "flips_kernel", limitations=declared)
    assert {r.status for r in failed if r.check == "value"} == {Status.KNOWN}


def test_limitation_does_not_excuse_another_failure(tmp_path: Path) -> None:
    records = run(tmp_path, "raises", limitations=(limitation("FAILED"),))
    assert {r.status for r in records if r.check == "value"} == {Status.ERRORED}


@pytest.mark.slow
def test_nothing_runs_in_a_process_after_what_may_have_corrupted_it(tmp_path: Path) -> None:
    declared = (limitation("CRASHED", depends_on="luck", check="grad_x"),)
    passed = run(tmp_path, "corrupted_by_gradients", limitations=declared)
    assert {record.status for record in passed} == {Status.PASSED}
    failed = run(tmp_path, "corrupted_by_gradients")
    assert Status.CRASHED in {record.status for record in failed}


def test_frameworks_one_at_a_time_give_the_same_records(tmp_path: Path) -> None:
    assert statuses(run(tmp_path, "correct", at_once=1)) == statuses(run(tmp_path, "correct"))


def test_a_case_or_framework_given_twice_is_refused() -> None:
    case = some_cases(1)[0]
    with pytest.raises(ValueError, match="case 'made/0' is given twice"):
        list(execute([case, case], ["numpy"]))
    with pytest.raises(ValueError, match="framework 'numpy' is given twice"):
        list(execute([case], ["numpy", "numpy"]))


@pytest.mark.slow
def test_worker_behind_a_wrapper_is_ended_with_it(tmp_path: Path) -> None:
    hanging = fakes.interpreter(tmp_path, "hangs_always")
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\n"{hanging}" "$@"\n')
    wrapper.chmod(0o755)
    conditions = Conditions(pythons={"numpy": wrapper}, timeout=2.0)
    records = [e for e in execute(some_cases(1), ["numpy"], conditions) if isinstance(e, Record)]
    assert {record.status for record in records} == {Status.TIMEDOUT}
    command = ["pgrep", "-f", str(hanging)]
    assert not subprocess.run(command, capture_output=True, check=False).stdout


def test_reproduce_line_is_safe_to_paste(tmp_path: Path) -> None:
    given = {"x": np.ones((2, 2, 3, 4))}
    case = replace(some_cases(1)[0], id="made/x; echo y", given=given)
    assert run(tmp_path, "correct", [case])[0].reproduce == (
        "deconform reproduce 'made/x; echo y' -f numpy"
    )


def test_stream_closed_early_ends_the_workers(tmp_path: Path) -> None:
    conditions = Conditions(pythons={"numpy": fakes.interpreter(tmp_path, "hangs_always")})
    events = execute(some_cases(), ["numpy"], conditions)
    assert isinstance(next(events), Header)
    events.close()  # would hang if the worker were waited for


def test_rejected_case_passes_by_refusal_with_the_right_words(tmp_path: Path) -> None:
    case = Case(
        id="made/rejected",
        suite="made",
        operator=IllegalOperator.of(1, 1, (2,), stride=0),
        batch=1,
        in_size=(3,),
        rejected=True,
        documented=True,
        says={"numpy": "stride 0 must be a positive int"},
    )
    (record,) = run(tmp_path, "correct", [case])
    assert (record.check, record.status) == ("refusal", Status.PASSED)
    (record,) = run(tmp_path, "correct", [replace(case, says={"numpy": "no such words"})])
    assert record.status == Status.FAILED
