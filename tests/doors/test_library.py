"""The C door: libraries that are honest and ones that are not, called in a worker."""

from __future__ import annotations

import ctypes
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_libraries import HAS_COMPILER, TEMPLATE, compile_library, fake_libraries

import impl
from harness.conformance.judge import judge
from harness.conformance.pipeline import run_columns
from harness.core.program import Section
from harness.doors import library
from harness.doors.implementation import load_implementation
from harness.doors.scaffold import write_scaffold
from harness.engines.job import Arrays, Crashed, Held, Job, Outcome, Raised, TimedOut, Timing
from harness.engines.process import Engine
from harness.execution.column import Column
from harness.records.check import Check
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor
from harness.suite.expectations import expect
from harness.suite.specs import load_cases

pytestmark = pytest.mark.skipif(
    not HAS_COMPILER, reason="needs a C compiler: apt-get install build-essential"
)

CASE = "ic2_oc4_k3x2_s2x1_d1x2_c1.0x0.-2_g2_b_n2_i3x4"


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return fake_libraries(tmp_path_factory.mktemp("libraries"))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = engine_with(timeout=60)
    yield engine
    engine.close()


def engine_with(timeout: float) -> Engine:
    packages = {"deconform_library": library.__file__}
    language = Path(library.__file__).with_name("guard.py")
    return Engine(
        [sys.executable], "numpy", "numpy", timeout=timeout, packages=packages, language=language
    )


def job(path: Path, descriptor: str, direction: str = "forward") -> Job:
    """Write the program of the C door."""
    case = case_from_descriptor(descriptor)
    options = options_of(case)
    bias = "b" if case.operator.bias else "None"
    if direction == "forward":
        call = f"problem = library.problem(x, w, {bias}, **{options})"
        section = Section(call, "problem.run()", "y = problem.output()")
        names: tuple[str, ...] = ("y",)
    else:
        prepared = f"library.gradient_problem(dy, x, w, {case.operator.bias}, **{options})"
        section = Section(
            f"problem = {prepared}", "problem.run()", "dx, dw, db = problem.outputs()"
        )
        names = ("dx", "dw", "db") if case.operator.bias else ("dx", "dw")
    setup = f"from deconform_library import Library\nlibrary = Library({str(path)!r})"
    data = {name: array for name, array in case.data().items() if name != "dy" or "dx" in names}
    return Job(case, setup, section, data, names, ("value",))


def options_of(case: Case) -> dict[str, Any]:
    operator = case.operator
    return {name: getattr(operator, name) for name in ("stride", "dilation", "crop", "groups")}


def outcomes(engine: Engine, *jobs: Job) -> list[Outcome]:
    return [outcome for _, outcome in engine.run(jobs)]


def raised(engine: Engine, job: Job) -> tuple[str, str, str]:
    (outcome,) = outcomes(engine, job)
    assert isinstance(outcome, Raised)
    return outcome.section, outcome.kind, outcome.message


# Every rank, dtype and direction, groups, bias or none, a crop that extends, and nothing at all.
HONEST = (
    *(CASE, f"{CASE}_f64", "ic3_oc2_k2_s3_n1_i4", "ic2_oc2_k2x1x3_s1x2x1_b_n1_i2x3x2_f64"),
    *("ic1_oc1_k2x2_c1.2x1.2_b_n1_i2x2", "ic1_oc2_k2_b_n0_i3"),
)


@pytest.mark.parametrize("descriptor", HONEST)
def test_the_example_is_right(engine: Engine, fakes: Mapping[str, Path], descriptor: str) -> None:
    case = case_from_descriptor(descriptor)
    data, options = case.data(), options_of(case)
    jobs = [job(fakes["honest"], descriptor, direction) for direction in ("forward", "gradient")]
    forward, gradient = outcomes(engine, *jobs)
    assert isinstance(forward, Arrays)
    assert isinstance(gradient, Arrays)
    y = impl.conv_transpose(data["x"], data["w"], data.get("b"), **options)
    np.testing.assert_array_equal(forward.outputs["y"], y, strict=True)
    gradients = impl.conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    for name, want in zip(gradient.outputs, gradients, strict=False):
        np.testing.assert_array_equal(gradient.outputs[name], want, strict=True)
    assert len(gradient.outputs) == 2 + case.operator.bias


FACTS = {
    "writes_an_element_after_y": "writes beyond y (up to 4 bytes after its end)",
    "writes_a_byte_before_y": "writes beyond y (up to 1 byte before its start)",
    "writes_twice_y": "writes beyond y (up to 1536 bytes after its end)",
    "adds_zero_beyond_y": "writes beyond y (up to 3 bytes after its end)",
    "writes_before_x": "writes beyond x (up to 8 bytes before its start)",
    "changes_x": "changes x (1 of 48 elements, first at [0, 0, 0, 0])",
    "changes_w": "changes w (1 of 24 elements, first at [0, 0, 0, 0])",
    "changes_b": "changes b (1 of 4 elements, first at [0])",
    "changes_the_problem": "changes the problem",
    "leaves_half": "leaves part of y unwritten (192 of 384 elements, first at [1, 0, 0, 0])",
    "leaves_all": "leaves y unwritten",
    "adds_to_y": "leaves part of y unwritten (96 of 384 elements, first at [0, 0, 0, 6]); "
    "reads y before it is written (288 of 384 elements, first at [0, 0, 0, 0])",
    "reads_before_x": "reads beyond x (y shows it: 1 of 384 elements, first at [0, 0, 0, 0])",
}


def misbehaviour(engine: Engine, job: Job) -> str:
    """Return the fact, whether or not there are outputs."""
    (outcome,) = outcomes(engine, job)
    if isinstance(outcome, Arrays):
        return outcome.misbehaviour
    assert isinstance(outcome, Raised)
    assert (outcome.section, outcome.kind) == ("from_native", "Misbehaviour")
    return outcome.message


@pytest.mark.parametrize(("behaviour", "fact"), FACTS.items())
def test_misbehaviour_is_a_short_fact(
    engine: Engine, fakes: Mapping[str, Path], behaviour: str, fact: str
) -> None:
    assert misbehaviour(engine, job(fakes[behaviour], CASE)) == fact


# What is said after the fact of what ``y`` was, of which each of 384 elements was written.
OF_Y = {
    "writes_an_element_after_y": "",
    "writes_before_x": "",
    "changes_w": "",
    "changes_the_problem": "",
    "changes_x": "; y: 6 of 384 elements differ; first y[0, 0, 0, 0] is 47.000004, expected 47.0",
}


@pytest.mark.parametrize(("behaviour", "of_y"), OF_Y.items())
def test_what_y_was_is_told_as_well(
    engine: Engine, fakes: Mapping[str, Path], behaviour: str, of_y: str
) -> None:
    case = case_from_descriptor(CASE)
    (outcome,) = outcomes(engine, job(fakes[behaviour], CASE))
    verdict = judge(case, expect(case), Check.VALUE, outcome, promised=True)
    assert verdict.status == Status.FAILED
    reason = verdict.reason or ""
    assert reason.startswith(FACTS[behaviour] + of_y)
    assert bool(of_y) or reason == FACTS[behaviour]


# Where a part of y holds nothing, there is no y to judge.
@pytest.mark.parametrize("behaviour", ["leaves_all", "leaves_half", "adds_to_y", "reads_before_x"])
def test_there_is_no_y_where_it_holds_nothing(
    engine: Engine, fakes: Mapping[str, Path], behaviour: str
) -> None:
    (outcome,) = outcomes(engine, job(fakes[behaviour], CASE))
    assert isinstance(outcome, Raised)


@pytest.mark.parametrize("dtype", ["f16", "f64"])
@pytest.mark.parametrize("behaviour", ["leaves_all", "changes_x", "writes_a_byte_before_y"])
def test_other_dtypes_are_watched_as_well(
    engine: Engine, fakes: Mapping[str, Path], behaviour: str, dtype: str
) -> None:
    if dtype == "f64" or behaviour == "leaves_all":  # The example has no float16.
        watched = job(fakes[behaviour], f"{CASE}_{dtype}")
        assert misbehaviour(engine, watched) == FACTS[behaviour]


# A library that reads what is not there, or ends its process, costs its own record only.
@pytest.mark.parametrize("behaviour", ["reads_b_always", "aborts", "exits"])
def test_a_crash_is_a_crash(engine: Engine, fakes: Mapping[str, Path], behaviour: str) -> None:
    without_bias = CASE.replace("_b_", "_")
    crashed, after = outcomes(
        engine, job(fakes[behaviour], without_bias), job(fakes["honest"], without_bias)
    )
    assert isinstance(crashed, Crashed)
    assert isinstance(after, Arrays)


@pytest.mark.slow
def test_one_that_hangs_is_timed_out(fakes: Mapping[str, Path]) -> None:
    with closing(engine_with(timeout=60)) as engine:
        engine.start()
        engine.timeout = 2
        results = engine.run([job(fakes["hangs"], CASE), job(fakes["honest"], CASE)])
        _, hung = next(results)
        engine.timeout = 60  # However long another takes to start
        ((_, after),) = results
    assert hung == TimedOut(2)
    assert isinstance(after, Arrays)


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        ("returns_7", "RuntimeError", "deconform_conv_transpose returned 7: no such kernel"),
        ("returns_minus_1", "RuntimeError", "deconform_conv_transpose returned -1"),
        ("refuses", "NotImplementedError", "no kernel for this"),
    ],
)
def test_a_status_is_named(
    engine: Engine, fakes: Mapping[str, Path], behaviour: str, kind: str, message: str
) -> None:
    assert raised(engine, job(fakes[behaviour], CASE)) == ("call", kind, message)


@pytest.mark.parametrize(
    "behaviour", ["zeros", "returns_the_previous_output", "is_right_three_times"]
)
def test_values_are_left_to_the_judge(
    engine: Engine, fakes: Mapping[str, Path], behaviour: str
) -> None:
    others = [CASE.replace("_n2_", f"_n{n}_") for n in (2, 1, 3, 2)]
    jobs = [job(fakes[name], other) for name in (behaviour, "honest") for other in others]
    *_, got, _, _, _, want = outcomes(engine, *jobs)
    assert isinstance(got, Arrays)
    assert isinstance(want, Arrays)
    assert not np.array_equal(got.outputs["y"], want.outputs["y"])


def test_what_is_timed_has_to_compute_again(engine: Engine, fakes: Mapping[str, Path]) -> None:
    """Its inputs are others each time, and its outputs are gone."""
    for behaviour in ("honest", "remembers"):
        whole = job(fakes[behaviour], CASE)
        *sections, _, _ = whole.sections
        held = Held(behaviour, sections, whole.section.call, whole.inputs)
        assert not isinstance(engine.hold(held), Raised)
    assert isinstance(engine.time("honest", 3), Timing)
    remembered = engine.time("remembers", 1)
    assert isinstance(remembered, Raised)
    assert (remembered.kind, remembered.message) == ("Misbehaviour", "leaves y unwritten")


def test_what_it_prints_is_not_read_as_an_answer(engine: Engine, fakes: Mapping[str, Path]) -> None:
    assert all(
        isinstance(outcome, Arrays)
        for outcome in outcomes(engine, *[job(fakes["floods"], CASE)] * 2)
    )


@pytest.mark.parametrize(
    ("descriptor", "numbers"),
    [
        (
            "ic2_oc4_k3x2_s2x3_d1x4_c1.0x5.-2_g2_b_n2_i33x34",
            "2 32 2 2 4 2 1  33 34 1  66 101 1  3 2 1  2 3 1  1 4 1  1 5 0  0 -2 0",
        ),
        (
            "ic3_oc1_k5_n7_i6_f64",
            "1 64 7 3 1 1 0  6 1 1  10 1 1  5 1 1  1 1 1  1 1 1  0 0 0  0 0 0",
        ),
        (  # Illegal ones are told as they are.
            "ic4_oc4_k3_g0_n1_i4",
            "1 32 1 4 4 0 0  4 1 1  6 1 1  3 1 1  1 1 1  1 1 1  0 0 0  0 0 0",
        ),
    ],
)
def test_what_a_library_is_told(
    engine: Engine, fakes: Mapping[str, Path], descriptor: str, numbers: str
) -> None:
    """Find the structure's fields, in order, and that all arrays are aligned."""
    _, _, message = raised(engine, job(fakes["tells"], descriptor))
    head = [ctypes.sizeof(library.ProblemStructure), library.VERSION]
    told = [*head, *numbers.split(), 0, 0, 0, 0, int("_b_" not in descriptor)]
    assert message == f"deconform_conv_transpose returned 2: {' '.join(map(str, told))}"


def test_illegal_cases_reach_the_library(engine: Engine, fakes: Mapping[str, Path]) -> None:
    illegal = {
        "ic4_oc4_k3_g0_n1_i4": "groups",
        "ic4_oc6_k3_g3_n1_i4": "groups",
        "ic2_oc3_k3_s0_n1_i4": "stride",
        "ic2_oc3_k0_n1_i4": "kernel",
        "ic2_oc3_k2_c2.2_n1_i2": "crop",
    }
    jobs = [job(fakes["honest"], descriptor) for descriptor in illegal]
    for outcome, word in zip(outcomes(engine, *jobs), illegal.values(), strict=True):
        assert isinstance(outcome, Raised)
        assert outcome.kind == "NotImplementedError"
        assert word in outcome.message


def test_files_that_are_no_such_library(engine: Engine, tmp_path: Path) -> None:
    text, empty = tmp_path / "text.so", tmp_path / "empty.so"
    text.write_text("no library")
    other = compile_library(empty, "int nothing;")
    content = other.read_bytes()
    foreign = [tmp_path / f"foreign{place}.so" for place in (4, 5, 18)]  # Of ELF's head
    for place, path in zip((4, 5, 18), foreign, strict=True):
        path.write_bytes(content[:place] + b"\7" + content[place + 1 :])
    messages = {
        tmp_path / "none.so": "there is no file {path}",
        text: "{path} cannot be loaded: file too short",
        empty: "{path} exports no function deconform_conv_transpose: in C++ it must be "
        "extern 'C', as in deconform.h",
        **dict.fromkeys(
            foreign, "{path} cannot be loaded: it is built for another processor than {python}"
        ),
    }
    for path, message in messages.items():
        words = message.format(path=path, python=sys.executable)
        assert raised(engine, job(path, CASE)) == ("setup", "ImportError", words)


def test_a_library_without_a_gradient(engine: Engine, tmp_path: Path) -> None:
    source = "int deconform_conv_transpose(void) { return 1; }"
    path = compile_library(tmp_path / "forward.so", source)
    section, kind, message = raised(engine, job(path, CASE, "gradient"))
    assert (section, kind) == ("to_native", "ImportError")
    assert "exports no function deconform_conv_transpose_vjp" in message


def test_the_header_and_the_structure_agree(tmp_path: Path) -> None:
    fields = [field[0] for field in library.ProblemStructure._fields_]
    layout = [f"offsetof(deconform_problem, {name})" for name in fields]
    constants = ["DECONFORM_VERSION", "DECONFORM_OK", "DECONFORM_UNSUPPORTED"]
    printed = ["sizeof(deconform_problem)", *layout, *constants]
    source = "#include <stddef.h>\n#include <stdio.h>\n#include <deconform.h>\nint main(void) {"
    source += "".join(f'printf("%ld\\n", (long){what});' for what in printed) + "return 0; }"
    program = tmp_path / "program"
    compiler = ["cc", "-std=c99", "-I", str(TEMPLATE), "-x", "c", "-", "-o", str(program)]
    subprocess.run(compiler, input=source, text=True, check=True)
    got = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    offsets = [getattr(library.ProblemStructure, name).offset for name in fields]
    want = [ctypes.sizeof(library.ProblemStructure), *offsets]
    want += [library.VERSION, 0, library.UNSUPPORTED]
    assert list(map(int, got)) == want


@pytest.mark.parametrize("compiler", [["cc", "-xc", "-std=c99"], ["c++", "-xc++", "-std=c++98"]])
def test_the_header_is_clean(compiler: list[str]) -> None:
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    subprocess.run([*compiler, *strict, str(TEMPLATE / "deconform.h")], check=True)


# No size is over 8, and none in the middle of two axes; the second has the first's shapes.
CASES = [
    *("ic2_oc4_k3x2_s2x1_d1x2_c1.0x0.-2_g2_b_n2_i8x8", "ic2_oc3_k3_s2_b_n1_i8"),
    *("ic2_oc3_k3_s2_n1_i8", "ic1_oc2_k2_c0.1_b_n2_i8", "ic4_oc1_k1_n1_i8"),
]
# Each with how the reason of a record in the column of such an implementation begins.
REASONS = {
    "honest": (Status.PASSED, ""),
    "zeros": (Status.FAILED, "returns zeros: y: "),
    "writes_an_element_after_y": (Status.FAILED, "writes beyond y (up to 4 bytes after its end)"),
    "writes_a_byte_before_y": (Status.FAILED, "writes beyond y (up to 1 byte before its start)"),
    "changes_w": (Status.FAILED, "changes w (1 of 24 elements, first at [0, 0, 0, 0])"),
    "leaves_half": (Status.FAILED, "leaves part of y unwritten ("),
    "leaves_all": (Status.FAILED, "leaves y unwritten"),
    "reads_before_x": (Status.FAILED, "reads beyond x (y shows it: 1 of "),
    "returns_the_previous_output": (Status.FAILED, "returns the previous call's output: y: "),
    "is_right_three_times": (Status.FAILED, "is right for the first 3 calls: y: "),
    "knows_sizes": (Status.FAILED, "is right for sizes seen before, and wrong for an input of "),
    "rounds_to_half": (Status.FAILED, "computes in float16: y: "),
    "returns_7": (Status.FAILED, "claimed, and refused: RuntimeError: deconform_conv_transpose"),
    "refuses": (Status.FAILED, "claimed, and refused: NotImplementedError: no kernel for this"),
    "reads_b_always": (Status.CRASHED, "the worker died (SIGSEGV"),
    "aborts": (Status.CRASHED, "the worker died (SIGABRT"),
}


# What one case without a bias shows: each wrong result may start processes that look for its cause.
ALWAYS = {"zeros", "leaves_half", "leaves_all", "rounds_to_half", "reads_b_always", "aborts"}


@pytest.mark.slow
@pytest.mark.parametrize(("behaviour", "expected"), REASONS.items())
def test_each_is_named_in_the_record(
    fakes: Mapping[str, Path], tmp_path: Path, behaviour: str, expected: tuple[Status, str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\nlibrary: {fakes[behaviour]}\n")
    status, beginning = expected
    descriptors = CASES[2:3] if behaviour in ALWAYS else CASES
    cases = [case_from_descriptor(descriptor) for descriptor in descriptors]
    events = list(run_columns(cases, [Column(load_implementation(file))]))
    records = [event for event in events if isinstance(event, Record)]
    reasons = [record.reason or "" for record in records if record.status == status]
    assert [reason for reason in reasons if reason.startswith(beginning)], records


@pytest.mark.slow
def test_no_false_alarm_over_the_default_suite(tmp_path: Path) -> None:
    """Build the example as its reader does, and run it as its file says, on every second case."""
    example = write_scaffold("c", tmp_path / "mine")
    strict = "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror"
    subprocess.run(["make", "-C", example.folder, strict], check=True)
    column = Column(load_implementation(example.implementation))
    cases = [
        case
        for number, case in enumerate(load_cases())
        if case.rejected or (number % 2 == 0 and math.prod(case.out_shape) < 10**6)
    ]
    events = list(run_columns(cases, [column]))
    records = [event for event in events if isinstance(event, Record)]
    assert {record.status for record in records} == {Status.PASSED, Status.UNSUPPORTED}
    unclaimed = {record.unclaimed for record in records if record.status != Status.PASSED}
    assert unclaimed == {"dtypes: float16", "dtypes: bfloat16"}
    assert sum(record.check == Check.REFUSAL for record in records) == 29
