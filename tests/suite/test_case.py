"""A case's data: the same everywhere, without zeros, and exact in its dtype."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, keywords

from harness.core.operators import IllegalOperator, Operator, OperatorError
from harness.suite.case import (
    SIGNIFICANT_BITS,
    Case,
    case_from_descriptor,
    exact_magnitude,
)
from impl.reference import conv_transpose, conv_transpose_vjp

# Data.


def test_data_are_these_numbers_on_every_machine() -> None:
    case = case_from_descriptor("ic1_oc2_k3_s2_b_n1_i4")
    assert {name: array.tolist() for name, array in case.data().items()} == {
        "x": [[[4, 6, 3, -5]]],
        "w": [[[-3, 2, -5], [8, 3, -1]]],
        "b": [-1, 1],
        "dy": [[[-8, 6, -6, 2, -9, -4, -7, 9, 8], [1, -2, -1, -5, 4, -3, 7, 5, 3]]],
    }


def test_data_of_more_elements_than_integers_are_these_numbers_on_every_machine() -> None:
    x = case_from_descriptor("ic1_oc1_k1_n1_i20").data()["x"]
    expected = [7, 1, -7, -7, 2, -7, -2, 8, 7, -6, -9, -5, -8, -5, -2, 3, -3, -2, 5, -6]
    assert x.tolist() == [[expected]]


def test_random_data_are_these_numbers_on_every_machine() -> None:
    case = case_from_descriptor("ic1_oc1_k1_n1_i3_f64_random")
    x = [0.5420875636770928, 0.6937620116267187, 0.22080756266228874]
    assert case.data()["x"].tolist() == [[x]]


@given(cases())
def test_data_depend_on_the_descriptor_alone(case: Case) -> None:
    elsewhere = replace(case, id="other/name", suite="other", file="f.yaml", line=3, note="moved")
    one, other = case.data(), elsewhere.data()
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], strict=True)


def test_data_differ_between_arrays_and_between_descriptors() -> None:
    square, strided = (
        case_from_descriptor(f"ic4_oc4_k5{word}_n4_i5").data() for word in ("", "_s2")
    )
    assert square["x"].shape == square["w"].shape == strided["x"].shape
    assert not np.array_equal(square["x"], square["w"])
    assert not np.array_equal(square["x"], strided["x"])


@given(cases())
def test_data_have_the_shapes_and_the_dtype_of_the_case(case: Case) -> None:
    operator, data = case.operator, case.data()
    assert {array.dtype.name for array in data.values()} == {case.dtype}
    assert data["x"].shape == (case.batch, operator.in_channels, *case.in_size)
    assert data["w"].shape == operator.weight_shape
    assert data["dy"].shape == case.out_shape
    assert ("b" in data) == operator.bias
    if operator.bias:
        assert data["b"].shape == (operator.out_channels,)


@given(cases(fills=["integer"]))
def test_integer_data_are_integers_from_1_to_9_of_either_sign(case: Case) -> None:
    for array in case.data().values():
        assert np.array_equal(array, np.rint(array))
        assert np.all((np.abs(array) >= 1) & (np.abs(array) <= 9))


def test_integer_data_take_every_value_but_0() -> None:
    x = case_from_descriptor("ic30_oc1_k1_n1_i30").data()["x"]
    assert set(x.ravel().tolist()) == {*range(-9, 0), *range(1, 10)}


@given(cases(fills=["integer"]))
def test_integer_data_are_all_distinct_where_there_are_enough(case: Case) -> None:
    for array in case.data().values():
        if array.size <= 2 * exact_magnitude(case):
            assert len(np.unique(array)) == array.size


@pytest.mark.parametrize("channels", [18, 19, 100, 1001])
def test_biases_are_all_distinct_so_that_no_channel_can_take_another_s(channels: int) -> None:
    b = case_from_descriptor(f"ic1_oc{channels}_k1_b_n1_i2").data()["b"]
    assert len(np.unique(b)) == channels
    assert np.all(b != 0)


@given(cases(fills=["random"]))
def test_random_data_lie_between_minus_1_and_1(case: Case) -> None:
    for array in case.data().values():
        assert np.all(np.abs(array) <= 1)


@given(cases(fills=["ones"]))
def test_ones_are_ones(case: Case) -> None:
    assert all(np.all(array == 1) for array in case.data().values())


def test_given_arrays_take_the_place_of_made_ones() -> None:
    case = case_from_descriptor("ic1_oc1_k2_b_n1_i2_f16")
    x, y = np.array([[[1.5, -2.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    made, data = case.data(), replace(case, given={"x": x, "y": y}).data()
    np.testing.assert_array_equal(data["x"], x.astype(np.float16), strict=True)
    assert data.keys() == {"x", "w", "b", "dy"}
    for name in ("w", "b", "dy"):
        np.testing.assert_array_equal(data[name], made[name], strict=True)


def test_a_rejected_case_has_no_cotangent() -> None:
    case = case_from_descriptor("ic4_oc6_k3_g3_b_n1_i5")
    assert case.rejected
    assert case.data().keys() == {"x", "w", "b"}


# Exactness.


def largest_sums(case: Case) -> dict[str, int]:
    """Bound every sum that a case asks for: all its terms of the largest size and one sign."""
    same = {
        name: np.full(array.shape, int(np.abs(array).max(initial=0)))
        for name, array in replace(case, fill="integer").data().items()
    }
    x, w, dy, options = same["x"], same["w"], same["dy"], keywords(case.operator)
    sums = (
        conv_transpose(x, w, same.get("b"), **options),
        *conv_transpose_vjp(dy, x, w, **options),
    )
    names = ("y", "dx", "dw", "db") if case.operator.bias else ("y", "dx", "dw")
    return {name: int(array.max(initial=0)) for name, array in zip(names, sums, strict=False)}


@given(cases(), st.sampled_from([1, 3, 20]))
def test_no_sum_exceeds_what_the_dtype_holds_exactly(case: Case, more: int) -> None:
    operator = replace(
        case.operator,
        in_channels=case.operator.in_channels * more,
        out_channels=case.operator.out_channels * more,
    )
    for dtype, bits in SIGNIFICANT_BITS.items():
        larger = replace(case, operator=operator, batch=case.batch * more, dtype=dtype)
        with suppress(OperatorError):  # there may be no integers small enough
            assert max(largest_sums(larger).values()) <= 2**bits


@pytest.mark.parametrize(
    "descriptor",
    [
        "ic1_oc1_k1x1_s4x4_b_n1_i5x5_f16",  # an output with 289 elements for 25 of the input
        "ic1_oc1_k1_s100_b_n1_i5_f16",
        "ic1_oc1_k1_c-300.-300_b_n1_i1_f16",
        "ic1_oc1_k600_b_n1_i1_f16",
    ],
)
def test_the_sum_over_a_much_larger_output_is_exact_too(descriptor: str) -> None:
    case = case_from_descriptor(descriptor)
    assert largest_sums(case)["db"] <= 2 ** SIGNIFICANT_BITS["float16"]


@pytest.mark.parametrize(
    ("descriptor", "magnitude"),
    [
        # 2048 // terms, its root, and one less where the bias does not fit any more.
        ("ic1_oc1_k3_n1_i5_f16", 9),
        ("ic8_oc1_k3x3_n1_i2x2_f16", 5),  # 72 products of 25
        ("ic32_oc1_k1_n1_i1_f16", 7),  # 32 products of 64 are 2048; a bias of 8 is too much
        ("ic1_oc8_k3x3_n1_i2x2_f16", 5),
        ("ic16_oc16_k3x3_g2_n1_i2x2_f16", 5),  # 8 channels a group
        ("ic1_oc1_k1_n8_i9_f16", 5),  # 72 positions
        ("ic64_oc1_k3x3_n1_i1x1_f16", 1),
        ("ic64_oc1_k3x3_n1_i1x1", 9),
        ("ic1024_oc1_k512_n1_i1", 5),  # 2^24 / 2^19 = 32
        ("ic1024_oc1_k512_n1_i1_f64", 9),
    ],
)
def test_the_magnitude_is_what_the_dtype_leaves_to_the_sums(
    descriptor: str, magnitude: int
) -> None:
    assert exact_magnitude(case_from_descriptor(descriptor)) == magnitude


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("ic2049_oc1_k1_n1_i1_f16", "a sum of 2049 products is not exact in float16 (limit 2048)"),
        ("ic1_oc1_k1_n3_i700_f16", "a sum of 2100 products is not exact in float16 (limit 2048)"),
        ("ic1_oc4096_k4096_n1_i1", "a sum of 16777216 products is not exact in float32"),
    ],
)
def test_a_sum_that_cannot_be_exact_is_refused_with_advice(descriptor: str, message: str) -> None:
    case = case_from_descriptor(descriptor)
    for use in (exact_magnitude, Case.data):
        with pytest.raises(OperatorError, match=re.escape(message) + r".*: use fill: random, a "):
            use(case)


# Checks.


def test_checks_are_the_records_that_a_case_makes() -> None:
    with_bias, without = Operator.of(1, 1, (3,)), Operator.of(1, 1, (3,), bias=False)
    case = Case("s/a", "s", with_bias, 1, (4,))
    assert case.checks == ("shape", "value", "grad_x", "grad_w", "grad_b")
    assert replace(case, operator=without).checks == ("shape", "value", "grad_x", "grad_w")
    assert replace(case, rejected=True).checks == ("refusal",)


# Descriptors.


@given(cases())
def test_a_descriptor_is_read_back_with_its_data(case: Case) -> None:
    read = case_from_descriptor(case.descriptor)
    for field in (
        "operator",
        "batch",
        "in_size",
        "dtype",
        "fill",
        "documented",
        "named",
        "rejected",
    ):
        assert getattr(read, field) == getattr(case, field)
    assert read.descriptor == case.descriptor
    for name, array in case.data().items():
        np.testing.assert_array_equal(array, read.data()[name], strict=True)


@pytest.mark.parametrize(
    ("options", "in_size"),
    [
        ({"stride": 0}, (5,)),
        ({"stride": -2}, (5,)),
        ({"dilation": 0}, (5,)),
        ({"groups": 0}, (5,)),
        ({"groups": 3}, (5,)),
        ({"crop": 4}, (5,)),
        ({"crop": 4, "groups": -1}, (5,)),
    ],
)
def test_an_illegal_case_is_read_back_as_rejected(
    options: dict[str, Any], in_size: tuple[int, ...]
) -> None:
    operator = IllegalOperator.of(4, 6, (3,), **options)
    case = Case("s/a", "s", operator, 2, in_size, rejected=True, documented=True)
    read = case_from_descriptor(case.descriptor)
    assert read.rejected
    assert (read.operator, read.documented) == (operator, True)
    assert read.descriptor == case.descriptor


@pytest.mark.parametrize(
    ("case", "descriptor"),
    [
        (Case("s/a", "s", Operator.of(1, 2, (3,)), 1, (4,)), "ic1_oc2_k3_b_n1_i4"),
        (
            Case("s/a", "s", Operator.of(1, 2, (3, 3), bias=False), 0, (4, 0), "float16", "ones"),
            "ic1_oc2_k3x3_n0_i4x0_f16_ones",
        ),
        (
            Case("s/a", "s", Operator.of(1, 2, (3,)), 1, (4,), "float64", documented=True),
            "ic1_oc2_k3_b_n1_i4_f64_documented",
        ),
        (
            Case("s/a", "s", Operator.of(1, 2, (3,)), 1, (4,), named=True),
            "ic1_oc2_k3_b_n1_i4_named",
        ),
    ],
)
def test_descriptors_say_what_differs_from_the_default(case: Case, descriptor: str) -> None:
    assert case.descriptor == descriptor


def test_a_descriptor_without_a_batch_means_one_entry() -> None:
    assert case_from_descriptor("ic1_oc1_k3_i5").batch == 1


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("ic1_oc1_k3x3", "'ic1_oc1_k3x3' has an input of 0 axes and a kernel of 2: end it with"),
        ("ic1_oc1_k3x3", "the batch and the input size, such as _n1_i8x8."),
        ("ic1_oc1_k3_n1_i5x5", "has an input of 2 axes and a kernel of 1"),
        ("ic1_oc1_k3_n1_i5_f8", "descriptor word 'f8' is unknown"),
        ("ic1_oc1_k3_nn_i5", "descriptor word 'nn' is unknown"),
        ("n1_i5", "a descriptor needs ic, oc, k"),
        ("", "descriptor word '' is unknown"),
    ],
)
def test_a_descriptor_that_is_no_case_is_refused(descriptor: str, message: str) -> None:
    with pytest.raises(OperatorError, match=re.escape(message)):
        case_from_descriptor(descriptor)


@pytest.mark.parametrize("word", ["i5x", "ix5", "i5xx7"])
def test_a_malformed_input_size_is_refused_by_its_word(word: str) -> None:
    with pytest.raises(OperatorError, match=repr(word)):
        case_from_descriptor(f"ic1_oc1_k3_n1_{word}")


@pytest.mark.parametrize(
    ("descriptor", "word"),
    [
        ("ic1_oc1_k3_n1_n2_i5", "n2"),
        ("ic1_oc1_k3_n1_i5_i6", "i6"),
        ("ic1_oc1_k3_n1_i5_f16_f64", "f64"),
        ("ic1_oc1_k3_n1_i5_ones_random", "random"),
    ],
)
def test_a_repeated_descriptor_word_is_refused(descriptor: str, word: str) -> None:
    with pytest.raises(OperatorError, match=repr(word)):
        case_from_descriptor(descriptor)
