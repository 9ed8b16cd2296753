"""A column: what is not run and why, which failures are known where, and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import pytest

from harness.cli.wording import in_options
from harness.core.column_info import ColumnInfo
from harness.core.operators import Operator
from harness.core.program import NO_GRADIENT, Program, Unsupported
from harness.engines.job import EngineUnavailableError
from harness.execution import TIMEOUT
from harness.execution.column import Column, Conditions
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.limitations import Limitation

CASE = Case("made/a", "made", Operator.of(2, 3, (3,), stride=2), batch=1, in_size=(4,))
FAILED = Verdict(Status.FAILED, "differs", "kernel flipped")
PASSED = Verdict(Status.PASSED)


def limitation(**fields: Any) -> Limitation:
    usual = Limitation(
        "made", "pytorch", ("made/*",), ("value",), "FAILED", "because", "", "", "f.yaml", 7
    )
    return replace(usual, **fields)


def refusal(column: Column, program: Program | Unsupported) -> Verdict | None:
    """Return the one verdict of all checks that are not run."""
    verdicts = column.refusals(CASE, program)
    assert set(verdicts) in (set(), set(CASE.checks))
    assert len({*map(str, verdicts.values())}) <= 1
    return next(iter(verdicts.values()), None)


def test_what_cannot_be_started_is_skipped_with_the_reason(tmp_path: Path) -> None:
    column = Column("numpy", Conditions({"numpy": tmp_path / "nowhere"}))
    info = column.start()
    assert info == ColumnInfo(unavailable=column.unavailable)
    assert f"{tmp_path}/nowhere" in column.unavailable
    assert refusal(column, column.render(CASE)) == Verdict(Status.SKIPPED, column.unavailable)
    with pytest.raises(EngineUnavailableError, match="nowhere"):
        _ = column.engine


def test_what_cannot_be_said_is_unsupported_where_something_runs() -> None:
    column = Column("mxnet")
    unsupported = Unsupported("no such dtype", "mxnet")
    assert refusal(column, unsupported) == Verdict(Status.UNSUPPORTED, "no such dtype")
    column.unavailable = "no environment"
    assert refusal(column, unsupported) == Verdict(Status.SKIPPED, "no environment")


def test_a_framework_without_gradients_is_asked_for_outputs_alone() -> None:
    column = Column("numpy")
    program = replace(rendered(column), gradient=NO_GRADIENT, forward_only="it has none")
    gradients = [check for check in CASE.checks if check.direction == "gradient"]
    unsupported = Verdict(Status.UNSUPPORTED, "it has none")
    assert column.refusals(CASE, program) == dict.fromkeys(gradients, unsupported)
    jobs = list(column.jobs(CASE, program, CASE.data()))
    assert [job.checks for job in jobs] == [("shape", "value")]
    assert program.gradient_text == ""


def rendered(column: Column) -> Program:
    program = column.render(CASE)
    assert isinstance(program, Program)
    return program


def test_what_runs_is_not_refused(tmp_path: Path) -> None:
    column = Column("numpy", Conditions({"numpy": fakes.interpreter(tmp_path, "correct")}))
    try:
        assert column.start().engine == "python"
        program = column.render(CASE)
        assert isinstance(program, Program)
        assert refusal(column, program) is None
        checks = [job.checks for job, _ in column.run(column.jobs(CASE, program, CASE.data()))]
        assert checks == [("shape", "value"), ("grad_x", "grad_w", "grad_b")]
    finally:
        column.close()


@pytest.mark.parametrize(
    ("device", "computes_on", "status"),
    [
        ("any", "cpu", Status.KNOWN),
        ("any", "cuda", Status.KNOWN),
        ("cpu", "cpu", Status.KNOWN),
        ("cpu", "cuda", Status.FAILED),
        ("cuda", "cpu", Status.FAILED),
        ("cuda", "cuda", Status.KNOWN),
    ],
)
def test_a_limitation_speaks_of_its_device_only(
    device: str, computes_on: Any, status: Status
) -> None:
    declared = (limitation(device=device),)
    column = Column("pytorch", Conditions(limitations=declared, device=computes_on))
    assert column.declared(CASE, "value", FAILED).status == status


def test_a_framework_without_a_gpu_path_is_on_the_cpu_whatever_is_asked() -> None:
    declared = (limitation(framework="numpy", device="cpu"),)
    column = Column("numpy", Conditions(limitations=declared, device="cuda"))
    assert column.declared(CASE, "value", FAILED).status == Status.KNOWN


def test_known_and_fixed_say_which_limitation_it_was() -> None:
    column = Column("pytorch", Conditions(limitations=(limitation(),)))
    known = column.declared(CASE, "value", FAILED)
    assert known == Verdict(Status.KNOWN, "because [differs]", "kernel flipped", limitation="made")
    fixed = column.declared(CASE, "value", PASSED)
    assert (fixed.status, fixed.limitation) == (Status.FIXED, "made")
    assert "'made' (f.yaml:7) does not reproduce" in (fixed.reason or "")
    for check, verdict in (("grad_x", FAILED), ("value", Verdict(Status.CRASHED, "signal 9"))):
        assert column.declared(CASE, check, verdict) == verdict
    depends = Column("pytorch", Conditions(limitations=(limitation(depends_on="AVX-512"),)))
    assert depends.declared(CASE, "value", PASSED) == PASSED
    assert depends.declared(CASE, "value", FAILED).status == Status.KNOWN


@pytest.mark.parametrize(
    ("declared", "ends"),
    [
        (limitation(status="CRASHED"), [True, False]),
        (limitation(status="CRASHED", checks=("grad_b",)), [False, True]),
        (limitation(status="CRASHED", device="cuda"), [False, False]),
        (limitation(status="CRASHED", cases=("other/*",)), [False, False]),
        (limitation(), [False, False]),
    ],
)
def test_what_may_crash_is_the_last_in_its_process(declared: Limitation, ends: list[bool]) -> None:
    column = Column("pytorch", Conditions(limitations=(declared,)))
    program = column.render(CASE)
    assert isinstance(program, Program)
    jobs = list(column.jobs(CASE, program, CASE.data()))
    assert [job.ends_worker for job in jobs] == ends
    assert ["dy" in job.inputs for job in jobs] == [False, True]


def test_the_reproduce_line_names_what_is_not_usual() -> None:
    command = f"deconform reproduce {CASE.descriptor} -f pytorch"
    assert Column("pytorch").reproduce(CASE) == command
    conditions = Conditions(device="cuda", math="tf32", words=in_options)
    there = Column("pytorch", conditions).reproduce(CASE)
    assert there == f"{command} --device cuda --math tf32"


def test_there_is_one_time_out() -> None:
    assert Conditions().timeout == TIMEOUT
