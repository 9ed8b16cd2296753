"""Cases in bfloat16: exact in 8 bits, or rounded once, to the nearest; all else runs without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import impl
from harness.cli.options import DTYPES
from harness.conformance.judge import judge
from harness.conformance.pipeline import execute
from harness.core.operators import OperatorError
from harness.engines.job import Arrays
from harness.records.check import Check
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.case import (
    SIGNIFICANT_BITS,
    Case,
    case_from_descriptor,
    exact_magnitude,
    lacking_package,
)
from harness.suite.expectations import computed, expect
from harness.suite.mutants import options
from harness.suite.specs import load_cases, specs_root

SMALL = "ic2_oc2_k3_s2_b_n1_i4_bf16"
needs_ml_dtypes = pytest.mark.skipif(
    bool(lacking_package("bfloat16")), reason=lacking_package("bfloat16")
)


def suite() -> list[Case]:
    return list(load_cases(specs_root() / "grid" / "bfloat16.yaml"))


def test_the_options_know_every_dtype() -> None:
    assert tuple(SIGNIFICANT_BITS) == DTYPES


def test_a_sum_that_needs_nine_bits_is_refused() -> None:
    assert exact_magnitude(case_from_descriptor("ic1_oc1_k255_n1_i1_bf16")) == 1
    with pytest.raises(OperatorError, match=r"257 products is not exact in bfloat16 \(limit 256\)"):
        exact_magnitude(case_from_descriptor("ic257_oc1_k1_n1_i1_bf16"))


@needs_ml_dtypes
def test_a_descriptor_names_the_type() -> None:
    case = case_from_descriptor(SMALL)
    assert (case.dtype, case.descriptor) == ("bfloat16", SMALL)
    assert {str(array.dtype) for array in case.data().values()} == {"bfloat16"}
    assert {str(array.dtype) for array in expect(case).outputs.values()} == {"bfloat16"}


@needs_ml_dtypes
@pytest.mark.parametrize("case", suite(), ids=lambda case: case.id)
def test_no_sum_depends_on_the_order_or_on_a_wider_accumulator(case: Case) -> None:
    """Only what is rounded on purpose needs more bits than the type has."""
    if case.fill == "random":
        return
    data, got = case.data(), expect(case).outputs
    wide = computed(case, {name: array.astype(np.float64) for name, array in data.items()})
    for name, array in wide.items():
        is_exact = np.array_equal(array, got[name])
        assert is_exact == (name != "y" or not case.given)
        np.testing.assert_array_equal(array.astype("bfloat16"), got[name])


def in_bits(array: Any) -> Any:
    return np.ascontiguousarray(array, "f4").view("u4")


def truncated(array: Any) -> Any:
    return (in_bits(array) >> 16).astype("u2").view("bfloat16")


def away_from_zero(array: Any) -> Any:
    return ((in_bits(array) + 0x8000) >> 16).astype("u2").view("bfloat16")


def through_half(array: Any) -> Any:
    with np.errstate(over="ignore"):
        return array.astype("f2").astype("bfloat16")


@needs_ml_dtypes
@pytest.mark.parametrize("wrong", [truncated, away_from_zero, through_half])
def test_the_suite_finds_who_rounds_otherwise(wrong: Callable[[Any], Any]) -> None:
    (case,) = (case for case in suite() if case.id.endswith("/to-nearest"))
    data = {name: array.astype("f4") for name, array in case.data().items()}
    y = impl.conv_transpose(data["x"], data["w"], **options(case.operator))
    for got, status in ((y.astype("bfloat16"), Status.PASSED), (wrong(y), Status.FAILED)):
        assert str(got.dtype) == "bfloat16"
        verdict = judge(case, expect(case), Check.VALUE, Arrays({"y": got}, {}))
        assert verdict.status == status


@needs_ml_dtypes
def test_random_numbers_are_held_to_one_rounding() -> None:
    (case,) = (case for case in suite() if case.fill == "random")
    data = {name: array.astype("f4") for name, array in case.data().items()}
    y = impl.conv_transpose(data["x"], data["w"], data["b"], **options(case.operator))
    right = y.astype("bfloat16")
    coarse = (right.astype("f4") * 1.02).astype("bfloat16")
    for got, status in ((right, Status.PASSED), (coarse, Status.FAILED)):
        verdict = judge(case, expect(case), Check.VALUE, Arrays({"y": got}, {}))
        assert verdict.status == status, verdict


def test_without_the_package_it_is_skipped_and_all_else_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    cases = [case_from_descriptor(text) for text in (SMALL, SMALL.replace("bf16", "f16"))]
    with pytest.raises(OperatorError, match=r"no bfloat16 without the package ml_dtypes: pip "):
        cases[0].data()
    records = [each for each in execute(cases, ["numpy"]) if isinstance(each, Record)]
    by_case = {
        case.id: {(each.status, each.reason) for each in records if each.case == case.id}
        for case in cases
    }
    assert by_case[cases[0].id] == {(Status.SKIPPED, lacking_package("bfloat16"))}
    assert by_case[cases[1].id] == {(Status.PASSED, None)}


def test_a_look_up_does_not_load_the_package() -> None:
    text = (
        "import sys, harness\n"
        "cases = list(harness.load_cases())\n"
        "cases = [each for each in cases if each.dtype == 'bfloat16']\n"
        "assert len([harness.translate(each, 'pytorch') for each in cases]) > 8\n"
        "assert 'ml_dtypes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", text], check=True)
