"""bfloat16 on its way to an interpreter and back: as a type of ml_dtypes, or as bits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from harness.conformance.judge import judge
from harness.core.program import Section
from harness.engines.job import Arrays, Crashed, Job, Outcome
from harness.engines.process import Engine
from harness.records.check import Check
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor
from harness.suite.expectations import expect

pytest.importorskip("ml_dtypes")

CASE = case_from_descriptor("ic2_oc2_k1_n1_i4_bf16")
LARGE = case_from_descriptor("ic2_oc2_k1_n1_i200000_bf16_random")
WITHOUT = "import sys\nsys.modules['ml_dtypes'] = None"
# What a framework computes that has no package in common with NumPy: here, float32 of the bits.
WIDE = """\
def wide(array):
    return (array.view("uint16").astype("uint32") << 16).view("float32")
def bits(array):
    return ((array.view("uint32") + 0x8000) >> 16).astype("uint16")"""
CALL = "y_ = np.einsum('nci,cmk->nmi', x_, w_)"


@pytest.fixture(params=["with the package", "without"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    setup = WITHOUT if request.param == "without" else ""
    with closing(Engine([sys.executable], "numpy", "numpy", timeout=60, setup=setup)) as engine:
        yield engine


def outcome_of(engine: Engine, from_native: str, case: Case = CASE) -> Outcome:
    data = case.data()
    section = Section("x_, w_ = wide(x), wide(w)", CALL, from_native)
    inputs = {name: data[name] for name in ("x", "w")}
    ((_, outcome),) = engine.run(
        [
            Job(
                *(case, f"import numpy as np\n{WIDE}", section, inputs, ("y",), ("value",)),
                expected_bytes=data["dy"].nbytes,
                like={"y": data["dy"]},
            )
        ]
    )
    return outcome


@pytest.mark.parametrize("case", [CASE, LARGE], ids=["small", "in lent memory"])
def test_bits_that_a_program_leaves_are_numbers(engine: Engine, case: Case) -> None:
    outcome = outcome_of(engine, "y = bits(y_)", case)
    assert isinstance(outcome, Arrays)
    assert str(outcome.outputs["y"].dtype) == "bfloat16"
    assert judge(case, expect(case), Check.VALUE, outcome).status == Status.PASSED


def test_the_type_of_the_package_stays_what_it_is() -> None:
    with closing(Engine([sys.executable], "numpy", "numpy", timeout=60)) as engine:
        for text in ("y = y_.astype(x.dtype)", "y = np.asfortranarray(y_.astype(x.dtype))"):
            outcome = outcome_of(engine, text)
            assert judge(CASE, expect(CASE), Check.VALUE, outcome).status == Status.PASSED


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "int16"])
def test_another_type_is_told_whatever_its_numbers_are(engine: Engine, dtype: str) -> None:
    outcome = outcome_of(engine, f"y = y_.astype({dtype!r})")
    verdict = judge(CASE, expect(CASE), Check.VALUE, outcome)
    assert (verdict.status, verdict.reason) == (
        Status.FAILED,
        f"y is {dtype}, expected bfloat16",
    )


def test_words_of_four_bytes_are_not_taken_for_bits_of_two(engine: Engine) -> None:
    outcome = outcome_of(engine, "y = y_.view('uint16')")
    verdict = judge(CASE, expect(CASE), Check.VALUE, outcome)
    assert verdict.reason == "y has shape (1, 2, 8), expected (1, 2, 4)"


def test_bits_are_no_answer_where_none_were_given(engine: Engine) -> None:
    section = Section("", "y = x.view('uint16')", "")
    ones = {"x": np.ones((1, 1, 2), "float32")}
    for case in (CASE, None):  # One that has seen bits does not mistake them later.
        if case is not None:
            assert isinstance(outcome_of(engine, "y = bits(y_)"), Arrays)
        ((_, outcome),) = engine.run([Job("k", "", section, ones, ("y",), ("value",))])
        assert isinstance(outcome, Crashed)
        assert "has dtype 'uint16', which is not transported" in outcome.reason
