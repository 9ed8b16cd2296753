"""Whatever an implementation does to look right: it fails, and the record says how it did it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from typing import TypeAlias

import dishonest
import mutant_plugins
import numpy as np
import pytest
from examples import slow

from harness.conformance.judge import judge
from harness.conformance.pipeline import run_columns
from harness.doors.implementation import load_implementation
from harness.engines.job import Arrays
from harness.execution.column import Column
from harness.records.check import Check
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor
from harness.suite.expectations import expect
from harness.suite.mutants import MUTANTS, Mutant

# Small enough that no sum of theirs tells float16 from float32; two of equal shapes follow another.
CASES = [
    case_from_descriptor(text)
    for text in (
        *("ic2_oc3_k3_s2_b_n1_i5", "ic2_oc3_k3_s2_n1_i5", "ic1_oc2_k2_c0.1_b_n2_i6"),
        *("ic2_oc4_k3x2_s2x1_g2_b_n2_i4x5", "ic4_oc1_k1_n1_i8"),
    )
]

Run: TypeAlias = Callable[..., list[Record]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("door")
    shutil.copy(dishonest.__file__, folder)
    shutil.copy(mutant_plugins.__file__, folder)
    answers = {dishonest.fingerprint(*inputs(case)): expect(case).outputs["y"] for case in CASES}
    np.savez(folder / "answers.npz", allow_pickle=False, **answers)

    def run(
        function: str, *more: str, cases: Sequence[Case] = CASES, module: str = "dishonest"
    ) -> list[Record]:
        file = folder / "mine.yaml"
        file.write_text("\n".join(["name: mine", f"python: {module}:{function}", *more]))
        events = run_columns(cases, [Column(load_implementation(file))])
        return [each for each in events if isinstance(each, Record)]

    return run


def inputs(case: Case) -> list[object]:
    data = case.data()
    return [data["x"], data["w"], data.get("b")]


def reasons(records: list[Record]) -> list[str]:
    return [record.reason or "" for record in records if record.status == Status.FAILED]


def test_what_is_honest_passes(run: Run) -> None:
    records = run("honest", "gradient: dishonest:gradient")
    assert {record.status for record in records} == {Status.PASSED}
    assert len(records) == sum(len(case.checks) for case in CASES)


# What one case shows: each wrong result may start processes that look for its cause.
ALWAYS = {"zeros", "in_part", "early", "half", "recorded"}


@pytest.mark.parametrize(
    ("cheat", "expected"),
    [
        slow("zeros", "returns zeros: y: "),
        pytest.param(
            "uninitialised", "returns memory that nobody wrote: y: ", marks=pytest.mark.slow
        ),
        ("previous", "returns the previous call's output: y: "),
        pytest.param(
            "in_part",
            "computes a part only, and leaves 4 of 33 elements 0: y: ",
            marks=pytest.mark.slow,
        ),
        ("beyond", "writes beyond x"),
        ("longer", "y has shape (1, 3, 12), expected (1, 3, 11)"),
        ("changes_x", "changes x"),
        slow("changes_w", "changes w"),
        slow("changes_b", "changes b"),
        ("view_of_x", "changes x and returns a view of x"),
        ("right_at_first", "is right for the first 3 calls: y: "),
        slow("known_sizes", "is right for sizes seen before, and wrong for an input of "),
        ("half", "computes in float16: y: "),
        pytest.param("early", "returns before the result is there: y: ", marks=pytest.mark.slow),
        ("reference_inside", "calls the reference inside: impl"),
        slow("recorded", "is right for data seen before, and wrong for other data: returns zeros"),
        slow("remembered", "returns the previous call's output: y: "),
        ("patches_the_clock", "patches the clock: time.perf_counter"),
    ],
)
def test_a_cheat_fails_and_is_named(run: Run, cheat: str, expected: str) -> None:
    records = run(cheat, cases=CASES[:1] if cheat in ALWAYS else CASES)
    assert [reason for reason in reasons(records) if reason.startswith(expected)]


def test_a_death_in_a_recheck_is_not_called_wrong_data(run: Run) -> None:
    records = run("dies_of_other_sizes", cases=CASES[:1])
    (died,) = {record.reason for record in records if record.status == Status.CRASHED}
    assert re.match(r"rechecked with an input of \d+: the worker died", died or "")


OPTIONS = ("stride", "dilation", "crop", "groups")
OF_Y = (Check.SHAPE, Check.VALUE)
# One of them tells each mutant from what is right.
TELLING = [
    case_from_descriptor(text)
    for text in (
        *("ic2_oc2_k3x2_s2x3_d2x3_c2.0x1.0_b_n1_i3x4", "ic4_oc4_k2_s2_g2_b_n1_i4"),
        *("ic2_oc2_k3x3_s2x1_d1x2_c1.1x1.1_b_n1_i4x4", "ic1_oc2_k4_s3_d2_c1.0_b_n1_i5"),
        "ic2_oc3_k3_s3_c2.-1_b_n1_i4",
    )
]


def function_of(mutant: Mutant) -> str:
    return mutant.name.translate(
        {ord("-"): "minus", ord("+"): "plus", ord(" "): "_", ord(","): None}
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_in_other_words_is_named(mutant: Mutant) -> None:
    function, names = getattr(mutant_plugins, function_of(mutant)), []
    for case in TELLING:
        options = {name: getattr(case.operator, name) for name in OPTIONS}
        outcome = Arrays({"y": function(*inputs(case), **options)}, {})
        names += [
            verdict.diagnosis or ""
            for verdict in (judge(case, expect(case), check, outcome) for check in OF_Y)
            if verdict.status == Status.FAILED
        ]
    assert any(mutant.name in name.split(" or ") for name in names), names


@pytest.mark.parametrize("mutant", MUTANTS[::6], ids=lambda mutant: mutant.name)
def test_a_mutant_as_a_plug_in_fails_and_is_named(run: Run, mutant: Mutant) -> None:
    records = run(function_of(mutant), module="mutant_plugins", cases=TELLING)
    names = [record.diagnosis for record in records if record.status == Status.FAILED]
    assert any(mutant.name in (name or "").split(" or ") for name in names), names
