"""Verdicts: what passes, what fails, what is not to be trusted, and what a failure is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.conformance.dishonesty import copied, foreign, lacking, narrow
from harness.conformance.judge import judge
from harness.core.operators import Operator
from harness.engines.job import Arrays, Crashed, Raised, TimedOut
from harness.records.check import Check
from harness.records.record import Verdict
from harness.records.status import Status
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


# By name, the bits of each element of an output: what memory that nobody wrote may hold.
GARBAGE = {
    "a signalling NaN": {2: 0x7D5A, 4: 0x7FAA5A5A, 8: 0x7FF55A5A5A5A5A5A},
    "infinity": {2: 0x7C00, 4: 0x7F800000, 8: 0x7FF0000000000000},
    "the largest": {2: 0x7BFF, 4: 0x7F7FFFFF, 8: 0x7FEFFFFFFFFFFFFF},
    "the smallest": {2: 1, 4: 1, 8: 1},
}


@pytest.mark.parametrize("fill", ["integer", "random"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_fails_without_a_warning(garbage: dict[int, int], dtype: str, fill: str) -> None:
    case = case_of(TELLING[1], dtype=dtype, fill=fill)
    expected = expect(case)
    y = np.empty(case.out_shape, dtype)
    for elements in (slice(None), slice(0, None, 2)):  # All of it; or where the rest is right
        y[...] = expected.outputs["y"]
        bits = y.view(f"u{y.itemsize}")
        bits.reshape(-1)[elements] = garbage[y.itemsize]
        bits.reshape(-1)[-1] ^= 1 << (8 * y.itemsize - 1)  # Of another sign: sums are no numbers.
        verdict = judge(case, expected, "value", answer(expected, y=y))
        assert verdict.status == Status.FAILED
        assert copied(y, [expected.outputs["y"]]) is None
        for fact in (lacking, narrow, foreign):
            fact(case, expected, "y", y)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutants_output_is_called_by_its_name(mutant: Mutant) -> None:
    told = []
    for operator in TELLING:
        case = case_of(operator)
        expected = expect(case)
        wrong = mutant.output("y", operator, expected.data)
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
    name = Check(check).output
    wrong = flipped.output(name, case.operator, expected.data)
    assert wrong is not None
    verdict = judge(case, expected, check, Arrays({name: wrong}, {}))
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


# The bounds on random data, pinned: TOSA's, from the number of terms of a sum and one more.
# Where every reference is 0 and every unit is 1, the errors are what is given.
TERMS = {
    # 2 input channels a group and 9 taps, 3 output channels and 9 taps, 2 entries of 4 x 5
    # positions, 2 entries of 10 x 17 outputs; and one for the rounding.
    ("value", "float32"): 19,
    ("grad_x", "float32"): 28,
    ("grad_w", "float32"): 41,
    ("grad_b", "float32"): 341,
    ("value", "float64"): 19,
    # Summed in single precision, 2 ** 13 times as fine: 18 / 2 ** 6.5 is less than one term.
    ("value", "float16"): 2,
    ("grad_b", "float16"): 5,
}


def errors_of(check: str, dtype: str, errors: list[float]) -> Verdict:
    """Judge an output with these errors, in units in the last place."""
    case = case_of(TELLING[0], dtype=dtype, fill="random")
    name = Check(check).output
    got = np.array(errors, np.float64) * np.finfo(dtype).eps
    bounds, reference = np.ones(got.shape), np.zeros(got.shape)
    expected = Expected(case.data(), {name: reference}, {name: bounds}, None)
    return judge(case, expected, check, Arrays({name: got.astype(dtype)}, {}))


@pytest.mark.parametrize(("check", "dtype"), TERMS)
def test_no_error_is_larger_than_the_terms_allow(check: str, dtype: str) -> None:
    terms = TERMS[check, dtype]
    # Among many more that are 0, so that neither the mean square nor the sum decides.
    assert errors_of(check, dtype, [terms, *[0] * 4000]).status == Status.PASSED
    verdict = errors_of(check, dtype, [-terms * 1.001, *[0] * 4000])
    assert verdict.status == Status.FAILED
    assert verdict.reason == (
        f"{Check(check).output}: max |err| is {terms * 1.001:.3g} units in the last place, "
        f"limit {terms}"
    )


@pytest.mark.parametrize(("check", "dtype"), TERMS)
def test_the_mean_square_of_the_errors_is_bounded(check: str, dtype: str) -> None:
    most = (0.4 * TERMS[check, dtype]) ** 0.5
    # Of both signs, so that the sum is 0.
    assert errors_of(check, dtype, [most * 0.999, -most * 0.999] * 50).status == Status.PASSED
    verdict = errors_of(check, dtype, [most * 1.001, -most * 1.001] * 50)
    assert verdict.status == Status.FAILED
    assert ": mean err^2 is " in (verdict.reason or "")


@pytest.mark.parametrize(("check", "dtype"), TERMS)
def test_the_sum_of_the_errors_is_bounded(check: str, dtype: str) -> None:
    most = 2 * (TERMS[check, dtype] * 100) ** 0.5 / 100
    assert errors_of(check, dtype, [most * 0.999] * 100).status == Status.PASSED
    verdict = errors_of(check, dtype, [-most * 1.001] * 100)
    assert verdict.status == Status.FAILED
    assert ": |sum err| is " in (verdict.reason or "")


def test_figures_and_limits_are_the_evidence() -> None:
    assert errors_of("value", "float32", [3, 0, 0, -1]).evidence == {
        "max |err|": {"got": 3, "limit": 19},
        "mean err^2": {"got": 2.5, "limit": 0.4 * 19},
        "|sum err|": {"got": 2, "limit": 2 * 76**0.5},
    }


def test_an_error_is_measured_in_units_no_finer_than_the_least_normal_number() -> None:
    case = case_of(TELLING[0], fill="random")
    tiny = float(np.finfo("float32").tiny)
    zero = np.zeros(1000)
    expected = Expected(case.data(), {"y": zero}, {"y": zero + tiny}, None)
    for factor, status in ((18, Status.PASSED), (20, Status.FAILED)):
        got = zero.astype("float32")
        got[0] = factor * tiny
        assert judge(case, expected, "value", Arrays({"y": got}, {})).status == status


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_said_to_be(value: float) -> None:
    verdict = errors_of("value", "float32", [value, *[0] * 99])
    assert (verdict.status, verdict.reason) == (Status.FAILED, "y: not finite")


def test_an_empty_output_of_random_data_passes() -> None:
    assert errors_of("value", "float32", []).status == Status.PASSED


def test_zeros_where_nothing_contributes_are_right_and_count_as_no_error() -> None:
    case = case_of(TELLING[0], fill="random")
    eps = float(np.finfo("float32").eps)
    bounds = np.array([0.0] * 50 + [1.0] * 50)
    expected = Expected(case.data(), {"y": np.zeros(100)}, {"y": bounds}, None)
    verdict = judge(case, expected, "value", Arrays({"y": (bounds * eps).astype("float32")}, {}))
    assert verdict.status == Status.PASSED
    assert (verdict.evidence or {})["|sum err|"]["got"] == 50


def test_a_wrong_output_of_random_data_is_called_by_its_mutants_name() -> None:
    case = case_of(TELLING[1], fill="random")
    expected = expect(case)
    flipped = next(mutant for mutant in MUTANTS if mutant.name == "kernel flipped")
    y = flipped.output("y", case.operator, expected.data)
    assert y is not None
    # Another order of the sums rounds otherwise.
    rounded = np.nextafter(y.astype("float32"), np.float32(np.inf))
    verdict = judge(case, expected, "value", Arrays({"y": rounded}, {}))
    assert (verdict.status, verdict.diagnosis) == (Status.FAILED, "kernel flipped")


def test_an_output_of_another_shape_or_type_fails() -> None:
    case = case_of(TELLING[0])
    expected = expect(case)
    y = expected.outputs["y"]
    for check in ("shape", "value"):
        verdict = judge(case, expected, check, Arrays({"y": y[..., 1:]}, {}))
        assert verdict.status == Status.FAILED
        assert verdict.reason == f"y has shape {y[..., 1:].shape}, expected {y.shape}"
    wide = Arrays({"y": y.astype("float64")}, {})
    assert judge(case, expected, "shape", wide).status == Status.PASSED
    verdict = judge(case, expected, "value", wide)
    assert (verdict.status, verdict.reason) == (Status.FAILED, "y is float64, expected float32")


def test_the_first_of_several_wrong_elements_is_shown_and_all_are_counted() -> None:
    case = case_of(TELLING[0])
    expected = expect(case)
    y = expected.outputs["y"].copy()
    y[0, 1, 2, 3] += 1
    y[1, 5, 0, 0] += 1
    verdict = judge(case, expected, "value", answer(expected, y=y))
    assert "2 of" in (verdict.reason or "")
    assert verdict.evidence == {"differing": 2, "of": y.size, "first": (0, 1, 2, 3)}


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
    for section, kind in (
        *(("call", kind) for kind in ("NameError", "ImportError", "ModuleNotFoundError")),
        *(("call", kind) for kind in ("SyntaxError", "MemoryError")),
        ("setup", "ValueError"),
    ):
        verdict = judge(case, expected, "refusal", Raised(section, kind, "words"))
        assert (verdict.status, verdict.reason) == (
            Status.ERRORED,
            f"{section} raised {kind}: words",
        )
    refused = Raised("call", "ValueError", "groups must divide the channels")
    assert judge(case, expected, "refusal", refused).status == Status.PASSED
    accepted = Arrays({"y": np.zeros((1, 2))}, {})
    verdict = judge(case, expected, "refusal", accepted)
    assert verdict.reason == "accepted, although it is illegal: y has shape (1, 2)"


@pytest.mark.parametrize(
    "kind", ["NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "MemoryError"]
)
def test_an_exception_that_is_our_fault_is_no_refusal(kind: str) -> None:
    case = replace(case_of(TELLING[0]), rejected=True)
    verdict = judge(case, Expected({}, {}, {}, None), "refusal", Raised("call", kind, "m"))
    assert (verdict.status, verdict.reason) == (Status.ERRORED, f"call raised {kind}: m")


def test_a_framework_that_cannot_be_set_up_refuses_nothing() -> None:
    case = replace(case_of(TELLING[0]), rejected=True)
    broken = Raised("setup", "RuntimeError", "no device")
    verdict = judge(case, Expected({}, {}, {}, None), "refusal", broken)
    assert verdict.status == Status.ERRORED


def test_a_refusal_passes_if_it_says_what_it_must() -> None:
    case = replace(case_of(TELLING[0]), rejected=True)
    expected = Expected({}, {}, {}, None)
    refused = Raised("call", "ValueError", "groups must divide channels")
    for says in (None, "must divide"):
        verdict = judge(case, expected, "refusal", refused, says)
        assert verdict.status == Status.PASSED
        assert verdict.evidence == {"said": "call raised ValueError: groups must divide channels"}
    verdict = judge(case, expected, "refusal", refused, "positive")
    assert (verdict.status, verdict.reason) == (
        Status.FAILED,
        "refused, but not with 'positive': call raised ValueError: groups must divide channels",
    )


def test_a_rejected_case_that_crashes_or_hangs_is_no_refusal() -> None:
    case = replace(case_of(TELLING[0]), rejected=True)
    expected = Expected({}, {}, {}, None)
    assert judge(case, expected, "refusal", Crashed("died")).status == Status.CRASHED
    assert judge(case, expected, "refusal", TimedOut(3.0)).status == Status.TIMEDOUT


@pytest.mark.parametrize("check", [Check.VALUE, Check.REFUSAL])
def test_misbehaviour_is_a_failure_and_no_refusal(check: Check) -> None:
    case = case_of(TELLING[0])
    verdict = judge(case, expect(case), check, Raised("from_native", "Misbehaviour", "changes w"))
    assert verdict == Verdict(Status.FAILED, "changes w")


@pytest.mark.parametrize(
    ("section", "status"), [("to_native", Status.FAILED), ("setup", Status.ERRORED)]
)
def test_what_was_promised_cannot_be_refused(section: str, status: Status) -> None:
    case = case_of(TELLING[0])
    outcome = Raised(section, "ValueError", "no")
    verdict = judge(case, expect(case), Check.VALUE, outcome, promised=True)
    assert verdict.status == status
    assert (verdict.reason or "").startswith("claimed, and refused") == (section != "setup")


def test_misbehaviour_comes_with_what_was_computed() -> None:
    """What is right is a failure too; what is wrong is still told by its mutant."""
    case = case_of(TELLING[0])
    expected = expect(case)
    right = Arrays(expected.outputs, {}, "calls the reference inside: impl")
    verdict = judge(case, expected, Check.VALUE, right, promised=True)
    assert (verdict.status, verdict.reason) == (Status.FAILED, right.misbehaviour)
    wrong = Arrays({**expected.outputs, "y": expected.outputs["y"] + 1}, {}, "changes w")
    verdict = judge(case, expected, Check.VALUE, wrong, promised=True)
    assert verdict.status == Status.FAILED
    assert (verdict.reason or "").startswith("changes w; y: ")
