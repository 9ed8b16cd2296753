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


def some_cases(count: int = 6, behaviour: str = "correct", group: str = "made") -> list[Case]:
    return [
        Case(
            id=f"{group}/{behaviour}/{number}",
            suite=group,
            operator=Operator.of(2, 3, (3, 2), stride=2, crop=((1, 0), (0, number - 3))),
            batch=fakes.batch_of(behaviour),
            in_size=(3, 4),
        )
        for number in range(count)
    ]


def limitation(group: str, status: str, depends_on: str = "", check: str = "value") -> Limitation:
    return Limitation(
        group, "numpy", (f"{group}/*",), (check,), status, "because", "", depends_on, "f", 1
    )


def run(
    folder: Path,
    behaviour: str,
    cases: Sequence[Case],
    frameworks: Sequence[str] = ("numpy",),
    *,
    at_once: int = 0,
    **options: Any,
) -> list[Record]:
    """Run cases with a fake NumPy, and without an interpreter for any other framework."""
    pythons = dict.fromkeys(frameworks, folder / "nowhere")
    pythons |= {"numpy": fakes.interpreter(folder, behaviour)}
    conditions = replace(Conditions(pythons, timeout=20), **options)
    events = list(execute(cases, frameworks, conditions, at_once=at_once))
    assert isinstance(events[0], Header)
    assert isinstance(events[-1], Footer)
    records = [event for event in events if isinstance(event, Record)]
    assert len(records) == len(events) - 2
    assert events[-1].counts == Counter(record.status for record in records)
    return records


def statuses(records: Sequence[Record]) -> dict[tuple[str, str, str], Status]:
    found = {(record.framework, record.case, record.check): record.status for record in records}
    assert len(found) == len(records), "a check is accounted for more than once"
    return found


class Records:
    """What one run says of all that workers do wrong without an end of them."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.all = records

    def __call__(self, behaviour: str, group: str = "made", check: str = "") -> list[Record]:
        """Return NumPy's for one behaviour, of one check or all."""
        return [
            record
            for record in self.all
            if record.framework == "numpy"
            and record.case.startswith(f"{group}/{behaviour}/".lstrip("/"))
            and check in {"", record.check}
        ]


REJECTED = Case(
    id="rejected/correct/right words",
    suite="rejected",
    operator=IllegalOperator.of(1, 1, (2,), stride=0),
    batch=fakes.batch_of("correct"),
    in_size=(3,),
    rejected=True,
    documented=True,
    says={"numpy": "stride 0 must be a positive int"},
)
QUOTED = replace(
    some_cases(1)[0], id="quoted/correct/x; echo y", given={"x": np.ones((1, 2, 3, 4))}
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    cases = [case for behaviour in fakes.BY_BATCH for case in some_cases(behaviour=behaviour)]
    for behaviour in ("correct", "flips_kernel", "raises"):
        for group in ("declared", "lucky"):
            cases += some_cases(2, behaviour, group)
    cases += [REJECTED, QUOTED]
    cases += [replace(REJECTED, id="rejected/correct/other words", says={"numpy": "no such words"})]
    limitations = (limitation("declared", "FAILED"), limitation("lucky", "FAILED", "AVX-512"))
    folder = tmp_path_factory.mktemp("records")
    return Records(run(folder, "by_batch", cases, ("pytorch", "numpy"), limitations=limitations))


def test_correct_worker_passes_every_check_exactly_once(records: Records) -> None:
    found = statuses(records("correct"))
    assert set(found) == {
        ("numpy", case.id, check) for case in some_cases() for check in case.checks
    }
    assert set(found.values()) == {Status.PASSED}


def test_wrong_values_fail_but_their_shape_passes(records: Records) -> None:
    for record in records("always_wrong"):
        expected = Status.PASSED if record.check == "shape" else Status.FAILED
        assert record.status == expected
    assert "elements differ; first" in (record.reason or "")


def test_flipped_kernel_is_named(records: Records) -> None:
    for record in records("flips_kernel"):
        if record.check in {"value", "grad_x", "grad_w"}:
            assert (record.status, record.diagnosis) == (Status.FAILED, "kernel flipped")
        else:
            assert record.status == Status.PASSED


def test_wrong_dtype_fails_where_values_agree(records: Records) -> None:
    by_check = {record.check: record for record in records("wrong_dtype")}
    assert by_check["shape"].status == Status.PASSED
    assert by_check["value"].reason == "y is float64, expected float32"


def test_wrong_shape_fails_everything(records: Records) -> None:
    found = records("wrong_shape")
    assert {record.status for record in found} == {Status.FAILED}
    shape = (fakes.batch_of("wrong_shape"), 3, 6)
    assert found[0].reason == f"y has shape {(*shape, 10)}, expected {(*shape, 11)}"


def test_exception_is_an_error_with_its_words(records: Records) -> None:
    assert {record.status for record in records("raises")} == {Status.ERRORED}
    assert records("raises")[0].reason == "call raised RuntimeError: no such layer"


def test_missing_output_is_an_error(records: Records) -> None:
    assert (
        records("defines_nothing")[0].reason
        == "from_native raised NameError: the program left no y"
    )


def test_chatter_on_standard_output_changes_nothing(records: Records) -> None:
    assert {record.status for record in records("prints_on_stdout")} == {Status.PASSED}


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("crashes_once", Status.CRASHED, "SIGKILL"),
        slow("hangs_once", Status.TIMEDOUT, "no answer within 2 s"),
        slow("dies_halfway_through_an_answer", Status.CRASHED, "it ended inside an answer"),
    ],
)
@pytest.mark.slow
def test_one_lost_worker_costs_one_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, status: Status, words: str
) -> None:
    fakes.let_time_pass_for_hangs_alone(monkeypatch, tmp_path)
    records = run(tmp_path, behaviour, some_cases(), timeout=2.0)
    lost = [record for record in records if record.status != Status.PASSED]
    assert len(statuses(records)) == sum(len(case.checks) for case in some_cases())
    assert [record.status for record in lost] == [status]
    assert words in (lost[0].reason or "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("crashes_always", Status.CRASHED, "SIGSEGV"),
        ("lies_about_shape", Status.CRASHED, "claims shape (2, 1, 3, "),
        ("sends_objects", Status.CRASHED, "dtype 'object', which is not transported"),
        ("answers_nonsense", Status.CRASHED, "its answer cannot be read"),
    ],
)
def test_worker_that_always_fails_is_an_end_of_its_cases_only(
    tmp_path: Path, behaviour: str, status: Status, words: str
) -> None:
    records = run(tmp_path, behaviour, some_cases(1))
    assert set(statuses(records).values()) == {status}
    assert words in (records[0].reason or "")


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
    records = run(tmp_path, behaviour, some_cases())
    assert {record.status for record in records} == {Status.ERRORED}
    assert words in (records[0].reason or "")
    assert len(statuses(records)) == sum(len(case.checks) for case in some_cases())


def test_missing_interpreter_is_skipped_and_the_others_run(records: Records) -> None:
    pytorch = [record for record in records.all if record.framework == "pytorch"]
    assert {record.case for record in pytorch} == {record.case for record in records("", "")}
    assert {record.status for record in pytorch} == {Status.SKIPPED}


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


def test_declared_limitation_that_reproduces_is_known(records: Records) -> None:
    values = records("flips_kernel", "declared", "value")
    assert {record.status for record in values} == {Status.KNOWN}
    assert values[0].limitation == "declared"
    assert (values[0].reason or "").startswith("because [y: ")
    gradients = records("flips_kernel", "declared", "grad_x")
    assert {record.status for record in gradients} == {Status.FAILED}


def test_declared_limitation_that_passes_is_fixed(records: Records) -> None:
    values = records("correct", "declared", "value")
    assert {record.status for record in values} == {Status.FIXED}


def test_limitation_that_depends_on_the_machine_may_pass(records: Records) -> None:
    assert {record.status for record in records("correct", "lucky")} == {Status.PASSED}
    values = records("flips_kernel", "lucky", "value")
    assert {record.status for record in values} == {Status.KNOWN}


def test_limitation_does_not_excuse_another_failure(records: Records) -> None:
    for group in ("declared", "lucky"):
        values = records("raises", group, "value")
        assert {record.status for record in values} == {Status.ERRORED}


@pytest.mark.slow
def test_nothing_runs_in_a_process_after_what_may_have_corrupted_it(tmp_path: Path) -> None:
    declared = (limitation("made", "CRASHED", depends_on="luck", check="grad_x"),)
    passed = run(tmp_path, "corrupted_by_gradients", some_cases(), limitations=declared)
    assert {record.status for record in passed} == {Status.PASSED}
    failed = run(tmp_path, "corrupted_by_gradients", some_cases())
    assert Status.CRASHED in {record.status for record in failed}


def test_frameworks_one_at_a_time_give_the_same_records(records: Records, tmp_path: Path) -> None:
    together = [record for record in records.all if record.case.startswith("made/correct/")]
    alone = run(tmp_path, "correct", some_cases(), ("pytorch", "numpy"), at_once=1)
    assert statuses(alone) == statuses(together)


def test_a_case_or_framework_given_twice_is_refused() -> None:
    case = some_cases(1)[0]
    with pytest.raises(ValueError, match="case 'made/correct/0' is given twice"):
        list(execute([case, case], ["numpy"]))
    with pytest.raises(ValueError, match="framework 'numpy' is given twice"):
        list(execute([case], ["numpy", "numpy"]))


@pytest.mark.slow
def test_worker_that_always_hangs_behind_a_wrapper_is_ended_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.let_time_pass_for_hangs_alone(monkeypatch, tmp_path)
    hanging = fakes.interpreter(tmp_path, "hangs_always")
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\n"{hanging}" "$@"\n')
    wrapper.chmod(0o755)
    conditions = Conditions(pythons={"numpy": wrapper}, timeout=2.0)
    records = [e for e in execute(some_cases(1), ["numpy"], conditions) if isinstance(e, Record)]
    assert set(statuses(records).values()) == {Status.TIMEDOUT}
    assert "no answer within 2 s" in (records[0].reason or "")
    command = ["pgrep", "-f", str(hanging)]
    assert not subprocess.run(command, capture_output=True, check=False).stdout


def test_reproduce_line_is_safe_to_paste(records: Records) -> None:
    assert records("correct", "quoted")[0].reproduce == (
        "deconform reproduce 'quoted/correct/x; echo y' -f numpy"
    )


def test_stream_closed_early_ends_the_workers(tmp_path: Path) -> None:
    conditions = Conditions(pythons={"numpy": fakes.interpreter(tmp_path, "hangs_always")})
    events = execute(some_cases(), ["numpy"], conditions)
    assert isinstance(next(events), Header)
    events.close()  # would hang if the worker were waited for


def test_rejected_case_passes_by_refusal_with_the_right_words(records: Records) -> None:
    found = {
        record.case: (record.check, record.status) for record in records("correct", "rejected")
    }
    assert found == {
        "rejected/correct/right words": ("refusal", Status.PASSED),
        "rejected/correct/other words": ("refusal", Status.FAILED),
    }
