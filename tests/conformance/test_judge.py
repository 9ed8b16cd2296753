"""Verdicts: what passes, what fails, what is not to be trusted, and what a failure is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.conformance.judge import judge
from harness.core.operators import Operator
from harness.engines import Arrays, Crashed, Raised, TimedOut
from harness.records.status import Status
from harness.records.verdict import Verdict
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect
from harness.suite.mutants import MUTANTS, Mutant

# Every mutant makes a difference here: all axes, sides, channels and options differ.
TELLING = (
    Operator.of(4, 6, (3, 3), stride=(2, 3), dilation=(2, 3), crop=((1, 0), (0, 2)), groups=2),
    Operator.of(3, 3, (3, 2), stride=3, crop=((2, 0), (1, -1))),
)


def case_of(operator: Operator, **options: Any) -> Case:
    return Case(id="t", suite="t", operator=operator, batch=2, in_size=(4, 5), **options)


def answer(expected: Expected, **changes: npt.NDArray[Any]) -> Arrays:
    return Arrays({**expected.outputs, **changes}, {})


def test_a_verdict_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="look at its status"):
        bool(Verdict(Status.FAILED))


@pytest.mark.parametrize("check", ["shape", "value", "grad_x", "grad_w", "grad_b"])
def test_the_reference_itself_passes(check: str) -> None:
    for operator in TELLING:
        case = case_of(operator)
        expected = expect(case)
        assert judge(case, expected, check, answer(expected)).status == Status.PASSED


def test_one_wrong_element_fails_and_is_located() -> None:
    case = case_of(TELLING[0])
    expected = expect(case)
    y = expected.outputs["y"].copy()
    y[1, 2, 3, 4] += 1
    verdict = judge(case, expected, "value", answer(expected, y=y))
    assert verdict.status == Status.FAILED
    assert f"y: 1 of {y.size} elements differ; first y[1, 2, 3, 4]" in (verdict.reason or "")
    assert verdict.diagnosis is None


def test_nan_is_never_equal() -> None:
    case = case_of(TELLING[0])
    expected = expect(case)
    y = np.full_like(expected.outputs["y"], np.nan)
    assert judge(case, expected, "value", answer(expected, y=y)).status == Status.FAILED


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutants_output_is_called_by_its_name(mutant: Mutant) -> None:
    told = []
    for operator in TELLING:
        case = case_of(operator)
        expected = expect(case)
        wrong = mutant.forward(operator, expected.data)
        if wrong is not None:
            verdict = judge(case, expected, "value", answer(expected, y=wrong))
            assert verdict.status == Status.FAILED
            told.append(verdict.diagnosis)
    assert mutant.name in told


@pytest.mark.parametrize("check", ["grad_x", "grad_w"])
def test_wrong_gradients_are_diagnosed_too(check: str) -> None:
    case = case_of(TELLING[1])
    expected = expect(case)
    flipped = next(mutant for mutant in MUTANTS if mutant.name == "kernel flipped")
    wrong = flipped.gradients(case.operator, expected.data)
    verdict = judge(case, expected, check, Arrays(wrong, {}))
    assert (verdict.status, verdict.diagnosis) == (Status.FAILED, "kernel flipped")


def test_crash_timeout_and_exception_are_their_own_statuses() -> None:
    case = case_of(TELLING[0])
    expected = expect(case)
    assert judge(case, expected, "value", Crashed("died")).status == Status.CRASHED
    assert judge(case, expected, "value", TimedOut(3.0)).reason == "no answer within 3 s"
    raised = judge(case, expected, "value", Raised("call", "ValueError", "no"))
    assert (raised.status, raised.reason) == (Status.ERRORED, "call raised ValueError: no")


def test_data_of_ones_is_mistrusted_because_a_mutant_agrees() -> None:
    case = case_of(Operator.of(1, 1, (2, 2), bias=False), fill="ones")
    verdict = judge(case, expect(case), "value", answer(expect(case)))
    assert verdict.status == Status.MISTRUSTED
    assert "the mutant 'kernel flipped' agrees too" in (verdict.reason or "")


def test_gaps_between_the_taps_are_no_reason_for_mistrust() -> None:
    case = case_of(Operator.of(1, 1, (1, 1), stride=9, bias=False))
    assert judge(case, expect(case), "value", answer(expect(case))).status == Status.PASSED


def test_mutant_that_cannot_differ_is_no_reason_for_mistrust() -> None:
    # One input element, and a crop that leaves the kernel's centre: flipping moves nothing.
    operator = Operator.of(1, 1, (3, 3), crop=1)
    case = replace(case_of(operator), batch=1, in_size=(1, 1))
    assert judge(case, expect(case), "value", answer(expect(case))).status == Status.PASSED


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_random_data_passes_within_rounding_and_fails_beyond(dtype: str) -> None:
    case = case_of(TELLING[0], dtype=dtype, fill="random")
    expected = expect(case)
    rounded = {name: array.astype(dtype) for name, array in expected.outputs.items()}
    for check in ("value", "grad_x", "grad_w", "grad_b"):
        assert judge(case, expected, check, Arrays(rounded, {})).status == Status.PASSED
    off = rounded["y"].copy()
    where = np.unravel_index(np.argmax(expected.bounds["y"]), off.shape)
    off[where] += 40 * np.finfo(dtype).eps * expected.bounds["y"][where]
    assert judge(case, expected, "value", Arrays({"y": off}, {})).status == Status.FAILED


def test_small_but_systematic_error_of_random_data_fails() -> None:
    case = case_of(TELLING[0], fill="random")
    expected = expect(case)
    eps = np.finfo("float32").eps
    biased = (expected.outputs["y"] + 2 * eps * expected.bounds["y"]).astype("float32")
    verdict = judge(case, expected, "value", Arrays({"y": biased}, {}))
    assert verdict.status == Status.FAILED
    assert "|sum err|" in (verdict.reason or "") or "mean err^2" in (verdict.reason or "")


def test_element_that_nothing_reaches_must_be_exactly_zero() -> None:
    case = case_of(Operator.of(2, 3, (1, 1), stride=3, bias=False), fill="random")
    expected = expect(case)
    y = expected.outputs["y"].astype("float32")
    y[0, 0, 1, 1] = 1e-30
    verdict = judge(case, expected, "value", Arrays({"y": y}, {}))
    assert verdict.reason == "y: not 0 where nothing contributes"


def test_given_output_is_what_counts() -> None:
    operator = Operator.of(1, 1, (2,), bias=False)
    given = {"x": np.ones((1, 1, 2)), "w": np.ones((1, 1, 2)), "y": np.array([[[1.0, 2.0, 1.0]]])}
    case = Case(id="t", suite="t", operator=operator, batch=1, in_size=(2,), given=given)
    expected = expect(case)
    assert judge(case, expected, "value", answer(expected)).status == Status.PASSED
    other = answer(expected, y=np.array([[[1.0, 2.0, 3.0]]], "float32"))
    assert judge(case, expected, "value", other).status == Status.FAILED


def test_our_own_broken_text_is_no_refusal() -> None:
    case = replace(case_of(TELLING[0]), rejected=True)
    expected = Expected({}, {}, {}, None)
    broken = Raised("call", "NameError", "name 'F' is not defined")
    assert judge(case, expected, "refusal", broken).status == Status.ERRORED
    accepted = Arrays({"y": np.zeros((1, 2))}, {})
    verdict = judge(case, expected, "refusal", accepted)
    assert verdict.reason == "accepted without a word: y has shape (1, 2)"
