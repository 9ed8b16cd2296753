"""Benchmarks: what is timed, how often, in which order, and what is not timed at all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import fakes
import numpy as np
import pytest
from examples import slow

from harness.bench.rounds import Sampling, benchmark, held, timed_frameworks
from harness.conformance.pipeline import execute
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.doors.implementation import load_implementation
from harness.doors.scaffold import write_scaffold
from harness.execution.column import Conditions
from harness.records.check import DIRECTIONS
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Footer, Header, Record
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor, lacking_package
from harness.suite.limitations import Limitation

pytestmark = pytest.mark.usefixtures("small_probes")
QUICK = Sampling(rounds=3, seconds=1e-9)


def some_cases(count: int = 2, behaviour: str = "correct", group: str = "made") -> list[Case]:
    return [
        Case(
            f"{group}/{behaviour}/{number}",
            group,
            Operator.of(2, 3, (3, 2), stride=2),
            batch=fakes.batch_of(behaviour),
            in_size=(3, 4 + number),
            fill=("integer", "random")[number % 2],
        )
        for number in range(count)
    ]


def limitation(group: str, device: Any) -> Limitation:
    return Limitation(
        *(group, "numpy", (f"{group}/*",), ("value",), "FAILED", "because", "", "", "f", 1, device)
    )


LIMITATIONS = (
    *(limitation("declared", "any"), limitation("on a cpu", "cpu")),
    limitation("on a gpu", "cuda"),
)
# What a worker that is wrong by the batch is asked to do.
ASKED = [
    *(*some_cases(), *some_cases(1, "raises"), *some_cases(1, "flips_kernel")),
    *(*some_cases(2, "correct", "declared"), *some_cases(2, "flips_kernel", "declared")),
    *(*some_cases(2, "flips_kernel", "on a cpu"), *some_cases(2, "flips_kernel", "on a gpu")),
]


def run(
    conditions: Conditions,
    frameworks: Sequence[str] = ("numpy",),
    cases: Sequence[Case] | None = None,
    sampling: Sampling = QUICK,
) -> tuple[Header, list[Measurement]]:
    header, *measurements, footer = benchmark(
        cases or some_cases(), frameworks, sampling, conditions
    )
    assert isinstance(header, Header)
    assert isinstance(footer, Footer)
    found = [event for event in measurements if isinstance(event, Measurement)]
    assert len(found) == len(measurements)
    assert footer.counts == Counter(one.status for one in found)
    return header, found


def with_fake(folder: Path, behaviour: str, **conditions: Any) -> Conditions:
    pythons = {"numpy": fakes.interpreter(folder, behaviour)}
    return replace(Conditions(pythons, timeout=20), **conditions)


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    return with_fake(tmp_path_factory.mktemp("fake"), "by_batch", limitations=LIMITATIONS)


@pytest.fixture(scope="module")
def measured(declared: Conditions) -> tuple[Header, list[Measurement]]:
    """What one run says of all that workers do wrong without an end of them."""
    return run(declared, cases=ASKED)


Measurements: TypeAlias = Callable[[str], list[Measurement]]


@pytest.fixture
def measurements(measured: tuple[Header, list[Measurement]]) -> Measurements:
    """Return those of the cases whose ids begin so."""
    return lambda start: [one for one in measured[1] if one.case.startswith(start)]


def test_every_program_is_timed_in_both_directions(measurements: Measurements) -> None:
    found = measurements("made/correct/")
    assert [(one.case, one.direction) for one in found] == [
        (case.id, direction) for case in some_cases() for direction in DIRECTIONS
    ]
    for one in found:
        assert (one.status, one.reason, len(one.samples), one.calls) == (MEASURED, None, 3, 2)
        assert min(one.samples) > 0
        assert one.first_s > 0
        assert one.batch == fakes.batch_of("correct")
    forward, gradient = found[:2]
    assert gradient.multiply_adds == 3 * forward.multiply_adds


def test_header_says_what_was_measured_on_what(
    measured: tuple[Header, list[Measurement]],
) -> None:
    header, _ = measured
    assert header.settings["threads"] == 1
    assert header.settings["rounds"] == 3
    assert len(header.machine["fingerprint"]) == 12
    assert set(header.ceilings) == {"gemm_flops:float32", "gemm_flops:float64", "copy_bytes"}


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [("flips_kernel", "FAILED", "differ"), ("raises", "ERRORED", "no such layer")],
)
def test_what_is_wrong_is_not_timed(
    measurements: Measurements, behaviour: str, status: str, words: str
) -> None:
    found = measurements(f"made/{behaviour}/")
    assert len(found) == len(DIRECTIONS)
    for one in found:
        assert (one.status, one.samples) == (status, ()), one.reason
        assert words in (one.reason or "")


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        slow("crashes_always", "CRASHED", "SIGSEGV"),
        ("cannot_import", "ERRORED", "libfake"),
        slow("dies_when_held", "CRASHED", "SIGKILL"),
        slow("dies_when_timed", "CRASHED", "SIGKILL"),
        slow("hangs_when_timed", "TIMEDOUT", "no answer within 2 s"),
    ],
)
def test_what_ends_its_worker_is_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, status: str, words: str
) -> None:
    fakes.let_time_pass_for_hangs_alone(monkeypatch, tmp_path)
    _, found = run(with_fake(tmp_path, behaviour, timeout=2.0), cases=some_cases(1))
    for one in found:
        assert (one.status, one.samples) == (status, ()), one.reason
        assert words in (one.reason or "")


def test_declared_failure_is_known(measurements: Measurements) -> None:
    found = measurements("declared/flips_kernel/")
    assert [one.status for one in found if one.direction == "forward"] == ["KNOWN"] * 2


def test_a_limitation_of_another_device_explains_nothing(
    measurements: Measurements, declared: Conditions
) -> None:
    """As in a conformance run: NumPy computes on the CPU."""
    cases = [case for case in ASKED if case.id.startswith("on a")]
    records = [
        event
        for event in execute(cases, ["numpy"], declared)
        if isinstance(event, Record) and event.check == "value"
    ]
    for group, status in (("on a cpu", "KNOWN"), ("on a gpu", "FAILED")):
        forward = [one for one in measurements(group) if one.direction == "forward"]
        assert {one.status for one in forward} == {status}
        found = {record.status for record in records if record.case.startswith(group)}
        assert found == {status}


@pytest.mark.slow
def test_nothing_is_measured_in_a_process_after_what_may_have_corrupted_it(
    tmp_path: Path,
) -> None:
    declared = Limitation(
        *("made", "numpy", ("made/*",), ("grad_x",), "CRASHED", "because", "", "luck", "f", 1)
    )
    conditions = with_fake(tmp_path, "corrupted_by_gradients", limitations=(declared,))
    assert {one.status for one in run(conditions)[1]} == {MEASURED}
    _, measured = run(with_fake(tmp_path, "corrupted_by_gradients"))
    assert "CRASHED" in {one.status for one in measured}


def test_what_passes_is_timed_although_it_is_declared(measurements: Measurements) -> None:
    """That a limitation is outdated, a conformance run says."""
    found = measurements("declared/correct/")
    assert [one.status for one in found] == [MEASURED] * 2 * len(DIRECTIONS)


def test_a_part_that_passes_hides_no_failure_of_another(tmp_path: Path) -> None:
    """A job whose worker died comes back in parts: here the first crashed, the second passed."""
    _, (first, second) = run(with_fake(tmp_path, "crashes_at_first"), cases=some_cases(1))
    assert (first.status, first.samples) == ("CRASHED", ())
    assert "SIGKILL" in (first.reason or "")
    assert second.status == MEASURED


def test_what_is_unsupported_or_not_executed_itself_says_so() -> None:
    case = case_from_descriptor("ic1_oc1_k2x2x2_n1_i2x2x2_f64")
    (_, forward, *_) = benchmark([case], ["matlab"], QUICK)
    assert isinstance(forward, Measurement)
    assert forward.status == "SKIPPED"
    assert "matlab" not in timed_frameworks()
    assert {"numpy", "pytorch", "tensorflow", "mxnet", "chainer"} <= set(timed_frameworks())


def test_bfloat16_is_timed_where_its_package_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = replace(some_cases(1)[0], dtype="bfloat16")
    cases = [half, replace(some_cases(1)[0], dtype="float16")]
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    _, without = run(with_fake(tmp_path, "correct"), cases=cases)
    told = [(one.dtype, one.status) for one in without]
    assert told == [
        *[("bfloat16", Status.SKIPPED)] * len(DIRECTIONS),
        *[("float16", MEASURED)] * len(DIRECTIONS),
    ]
    assert without[0].reason == lacking_package("bfloat16")
    monkeypatch.undo()
    pytest.importorskip("ml_dtypes")
    _, there = run(with_fake(tmp_path, "correct"), cases=[half])
    assert {one.status for one in there} == {MEASURED}
    assert there[0].nbytes == without[2].nbytes


@pytest.mark.slow
def test_frameworks_take_turns(tmp_path: Path) -> None:
    """Each round times every framework once."""
    log = tmp_path / "turns"
    pythons = {
        name: fakes.interpreter(tmp_path / name, "logs_its_turns", log_file=log)
        for name in ("numpy", "chainer")
    }
    conditions = Conditions(pythons, timeout=20)
    _, found = run(conditions, ["numpy", "chainer"], sampling=replace(QUICK, rounds=5))
    assert {one.status for one in found} == {MEASURED}
    turns = log.read_text().split()
    rounds = [
        turns[start : start + 2]
        for start in range(0, len(turns), 2)
        if set(turns[start : start + 2]) == {"numpy", "chainer"}
    ]
    timed = len(some_cases()) * len(DIRECTIONS)
    assert len(rounds) == timed * 5
    # Before the rounds two turns of each, to see how long a call takes.
    assert len(turns) == timed * 2 * (5 + 2)
    assert len(set(map(tuple, rounds))) == 2, "the order changes from round to round"


def test_threads_are_what_the_process_is_told(tmp_path: Path) -> None:
    conditions = with_fake(tmp_path, "reports_its_threads", threads=3)
    header, *_ = benchmark(some_cases(1), ["numpy"], QUICK, conditions)
    assert isinstance(header, Header)
    assert header.frameworks["numpy"].version == "3 3 3 3"


def test_gradient_of_a_training_step_holds_the_forward_pass() -> None:
    case = some_cases(1)[0]
    for framework in timed_frameworks():
        program = render(case.operator, framework, case.dtype)
        assert isinstance(program, Program)
        if program.forward_only:
            continue
        forward = held(program, "forward", case.data())
        gradient = held(program, "gradient", case.data())
        assert "dy" not in forward.inputs
        assert "dy" in gradient.inputs
        first = forward.call.strip().splitlines()[0]
        assert first.strip() in gradient.call
        assert "conv" in gradient.call.lower()


def test_waiting_for_a_gpu_is_part_of_the_call() -> None:
    case = some_cases(1)[0]
    program = render(case.operator, "pytorch", case.dtype, device="cuda")
    assert isinstance(program, Program)
    found = held(program, "forward", case.data(), "torch.cuda.synchronize()")
    assert found.call.endswith("\ntorch.cuda.synchronize()")


@pytest.mark.slow
def test_a_program_that_refuses_to_be_timed_is_skipped(tmp_path: Path) -> None:
    implementation = load_implementation(
        write_scaffold("command", tmp_path / "mine").implementation
    )
    _, *measurements, _ = benchmark(some_cases(1), [implementation], QUICK)
    assert [(one.status, one.reason) for one in measurements if isinstance(one, Measurement)] == [
        (Status.SKIPPED, "it is not timed: it has no hold")
    ] * 2


def test_what_a_program_is_asked_to_time_is_a_training_step() -> None:
    arguments = {"stride": (1,)}
    section = Section("", "", "")
    program = Program(section, section, arguments=arguments, gradient_alone=True)
    data = {"x": np.ones(1), "w": np.ones(1), "dy": np.ones(1)}
    assert held(program, "forward", data).outputs == ("y",)
    assert held(program, "gradient", data).outputs == ("y", "dx", "dw")
    assert held(program, "gradient", data | {"b": np.ones(1)}).outputs == ("y", "dx", "dw", "db")
    assert held(program, "gradient", data).arguments == arguments
