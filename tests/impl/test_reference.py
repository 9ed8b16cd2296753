"""impl.reference against values worked out by hand, identities, and independent brute force."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from calls import assert_same, outputs
from examples import examples
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import cases, keywords

import impl
from harness.core.operators import Operator
from harness.suite.case import Case, case_from_descriptor
from impl import reference
from impl.geometry import Array
from impl.reference import conv_transpose, conv_transpose_vjp

SEEDS = st.integers(0, 2**32 - 1)


def numbers(case: Case, seed: int) -> dict[str, Array]:
    """Return integers of either sign, zeros among them, for every array of a case."""
    rng = np.random.default_rng(seed)
    shapes = {
        "x": (case.batch, case.operator.in_channels, *case.in_size),
        "w": case.operator.weight_shape,
        "b": (case.operator.out_channels,),
        "dy": case.out_shape,
    }
    return {name: rng.integers(-9, 10, shape) for name, shape in shapes.items()}


def exact(array: Array, denominator: int) -> Array:
    """Fractions in an object array."""
    return np.asarray(array.astype(object) * Fraction(1, denominator))


# By hand.  One batch entry; x is (channels, positions), w is (c_in, c_out per group, taps).

X = [[1, 10]]
W = [[[1, 2, 3]]]

HAND: dict[str, tuple[Any, ...]] = {
    # x[0] * w = 1 2 3 0, x[1] * w = 0 10 20 30
    "stride 1": (X, W, None, {}, [[1, 12, 23, 30]]),
    # 1 2 3 0 0 and 0 0 10 20 30
    "stride 2 overlaps": (X, W, None, {"stride": 2}, [[1, 2, 13, 20, 30]]),
    "stride = kernel": (X, [[[1, 2]]], None, {"stride": 2}, [[1, 2, 10, 20]]),
    "stride 3 leaves a gap": (X, [[[1, 2]]], None, {"stride": 3}, [[1, 2, 0, 10, 20]]),
    "gaps hold the bias": (X, [[[2]]], [7], {"stride": 3}, [[9, 7, 7, 27]]),
    # 1 0 2 0 3 0 and 0 10 0 20 0 30
    "dilation 2": (X, W, None, {"dilation": 2}, [[1, 10, 2, 20, 3, 30]]),
    # 1 0 0 2 0 and 0 10 0 0 20
    "dilation 3": (X, [[[1, 2]]], None, {"dilation": 3}, [[1, 10, 0, 2, 20]]),
    # 1 0 2 0 3 0 0 and 0 0 10 0 20 0 30
    "stride 2, dilation 2": (X, W, None, {"stride": 2, "dilation": 2}, [[1, 0, 12, 0, 23, 0, 30]]),
    # The full output, before cropping: 1 2 13 20 30.
    "crop both ends": (X, W, None, {"stride": 2, "crop": 1}, [[2, 13, 20]]),
    "crop per axis": (X, W, None, {"stride": 2, "crop": [1]}, [[2, 13, 20]]),
    "crop the begin": (X, W, None, {"stride": 2, "crop": [(1, 0)]}, [[2, 13, 20, 30]]),
    "crop the end": (X, W, None, {"stride": 2, "crop": [(0, 2)]}, [[1, 2, 13]]),
    "extend the begin": (X, W, [5], {"stride": 2, "crop": [(-1, 0)]}, [[5, 6, 7, 18, 25, 35]]),
    "extend the end": (X, W, [5], {"stride": 2, "crop": [(0, -2)]}, [[6, 7, 18, 25, 35, 5, 5]]),
    "extend by zeros": (X, W, None, {"stride": 2, "crop": -1}, [[0, 1, 2, 13, 20, 30, 0]]),
    "shift to the left": (X, W, None, {"stride": 2, "crop": [(1, -1)]}, [[2, 13, 20, 30, 0]]),
    "shift to the right": (X, W, None, {"stride": 2, "crop": [(-1, 1)]}, [[0, 1, 2, 13, 20]]),
    "crop to nothing": (X, W, [5], {"stride": 2, "crop": [(2, 3)]}, [[]]),
    "crop to the last": (X, W, [5], {"stride": 2, "crop": [(4, -2)]}, [[35, 5, 5]]),
    "begin beyond the content": (X, W, [5], {"stride": 2, "crop": [(6, -4)]}, [[5, 5, 5]]),
    "end before the content": (X, W, [5], {"stride": 2, "crop": [(-4, 6)]}, [[5, 5, 5]]),
    # The full size of an empty input is (0-1)*stride + extent.
    "empty input, stride 1": ([[]], W, [5], {}, [[5, 5]]),
    "empty input, stride 2": ([[]], W, [5], {"stride": 2}, [[5]]),
    "empty input, empty output": ([[]], W, [5], {"stride": 3}, [[]]),
    "full size -2 and 4": ([[]], [[[1]]], [5], {"stride": 3, "crop": [(0, -4)]}, [[5, 5]]),
    # Channels: w[c_in][c_out of the group].
    "channels are summed": ([[1], [10]], [[[1], [2]], [[3], [4]]], None, {}, [[31], [42]]),
    "one bias per channel": ([[1], [10]], [[[1], [2]], [[3], [4]]], [5, 6], {}, [[36], [48]]),
    "depthwise": (
        *([[1, 10], [100, 1000]], [[[1, 2]], [[3, 4]]], None),
        *({"groups": 2}, [[1, 12, 20], [300, 3400, 4000]]),
    ),
    "two outputs per group": (
        *([[1], [10]], [[[1], [2]], [[3], [4]]], [5, 6, 7, 8]),
        *({"groups": 2}, [[6], [8], [37], [48]]),
    ),
    "two inputs per group": (
        *([[1], [10], [100], [1000]], [[[1]], [[2]], [[3]], [[4]]], None),
        *({"groups": 2}, [[21], [4300]]),
    ),
}


@pytest.mark.parametrize(("x", "w", "b", "options", "y"), HAND.values(), ids=HAND)
def test_one_axis_equals_the_table_worked_out_by_hand(
    x: list[list[int]],
    w: list[list[list[int]]],
    b: list[int] | None,
    options: dict[str, Any],
    y: list[list[int]],
) -> None:
    got = conv_transpose(
        np.array([x], int), np.array(w, int), None if b is None else np.array(b), **options
    )
    np.testing.assert_array_equal(got, np.array([y], int), strict=True)


def test_two_axes_have_their_own_stride_dilation_and_crop() -> None:
    x = np.array([[[[1, 10]]]])
    w = np.array([[[[1, 2], [3, 4]]]])
    full = [[1, 10, 2, 20], [3, 30, 4, 40]]  # each row dilated by 2 and shifted by 1
    options: dict[str, Any] = {"stride": (2, 1), "dilation": (1, 2)}
    assert conv_transpose(x, w, **options).tolist() == [[full]]
    crop = ((1, -1), (0, 2))
    assert conv_transpose(x, w, crop=crop, **options).tolist() == [[[[3, 30], [0, 0]]]]


def test_three_axes_are_not_confused() -> None:
    x = np.array([2, 3]).reshape(1, 1, 1, 1, 2)
    w = np.array([1, 10]).reshape(1, 1, 2, 1, 1)
    got = conv_transpose(x, w, stride=(5, 7, 2), crop=((0, 0), (-1, 0), (0, 0)))
    assert got.tolist() == [[[[[0, 0, 0], [2, 0, 3]], [[0, 0, 0], [20, 0, 30]]]]]


def test_batch_entries_do_not_mix() -> None:
    x = np.array([[[1, 10]], [[2, 30]]])
    assert conv_transpose(x, np.array(W), stride=2).tolist() == [
        [[1, 2, 13, 20, 30]],
        [[2, 4, 36, 60, 90]],
    ]


def test_batch_0_gives_shapes_and_zero_gradients() -> None:
    x, w = np.zeros((0, 1, 2), int), np.array(W)
    y = conv_transpose(x, w, np.array([5]), stride=2)
    assert y.shape == (0, 1, 5)
    dx, dw, db = conv_transpose_vjp(y, x, w, stride=2)
    assert (dx.shape, dw.tolist(), db.tolist()) == ((0, 1, 2), [[[0, 0, 0]]], [0])


@pytest.mark.parametrize(
    ("crop", "dy", "dx", "dw", "db"),
    [
        # dx[i] = sum over t of dy[2i+t] w[t]; dw[t] = sum over i of x[i] dy[2i+t]
        ((0, 0), [1, 0, 0, 0, 2], [1, 6], [1, 0, 20], 3),
        # Before the crop: 0 1 2 3 4, and 5 past the end, which only the bias sees.
        ((1, -1), [1, 2, 3, 4, 5], [8, 20], [20, 31, 42], 15),
        ((6, -4), [1, 2, 3], [0, 0], [0, 0, 0], 6),
        ((2, 3), [], [0, 0], [0, 0, 0], 0),
    ],
)
def test_gradients_equal_the_table_worked_out_by_hand(
    crop: tuple[int, int], dy: list[int], dx: list[int], dw: list[int], db: int
) -> None:
    got = conv_transpose_vjp(
        np.array([[dy]], int), np.array([X]), np.array(W), stride=2, crop=[crop]
    )
    assert [array.tolist() for array in got] == [[[dx]], [[dw]], [db]]


# By identities.


def correlate(u: Array, w: Array, operator: Operator) -> Array:
    """Gather: strided, dilated, grouped cross-correlation of ``u``, padded by the crop."""
    n, _, *size = u.shape
    c_in, per_group, *kernel = w.shape
    padded = [length + sum(pair) for length, pair in zip(size, operator.crop, strict=True)]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, operator.dilation, strict=True)]
    out_size = [(p - e) // s + 1 for p, e, s in zip(padded, extent, operator.stride, strict=True)]
    v = np.zeros((n, c_in, *out_size), u.dtype)
    for entry, channel, *i in itertools.product(*map(range, v.shape)):
        first = channel // (c_in // operator.groups) * per_group
        for offset, *tap in itertools.product(*map(range, w.shape[1:])):
            at = [
                i[a] * operator.stride[a] + tap[a] * operator.dilation[a] - operator.crop[a][0]
                for a in range(len(size))
            ]
            if all(0 <= position < length for position, length in zip(at, size, strict=True)):
                product = u[(entry, first + offset, *at)] * w[(channel, offset, *tap)]
                v[(entry, channel, *i)] += product
    return v


@examples(2)
@given(cases(), SEEDS)
@example(case_from_descriptor("ic4_oc6_k3x2_s2x3_d1x2_c1.0x0.-2_g2_n2_i2x3"), 0)
def test_it_is_the_adjoint_of_cross_correlation(case: Case, seed: int) -> None:
    data = numbers(case, seed)
    u, x, w = data["dy"], data["x"], data["w"]
    y = conv_transpose(x, w, **keywords(case.operator))
    assert (correlate(u, w, case.operator) * x).sum() == (u * y).sum()


@examples(2)
@given(cases(), SEEDS)
def test_the_gradient_of_x_is_cross_correlation(case: Case, seed: int) -> None:
    data = numbers(case, seed)
    dx, _, _ = conv_transpose_vjp(data["dy"], data["x"], data["w"], **keywords(case.operator))
    np.testing.assert_array_equal(dx, correlate(data["dy"], data["w"], case.operator), strict=True)


@given(cases(), SEEDS)
def test_it_is_linear_in_x_and_in_w(case: Case, seed: int) -> None:
    one, two, options = numbers(case, seed), numbers(case, seed + 1), keywords(case.operator)
    for name in ("x", "w"):
        sums = one | {name: 3 * one[name] - 2 * two[name]}
        of_sums, of_one, of_two = (
            conv_transpose(each["x"], each["w"], **options)
            for each in (sums, one, one | {name: two[name]})
        )
        np.testing.assert_array_equal(of_sums, 3 * of_one - 2 * of_two)


@given(cases(), SEEDS)
def test_the_bias_is_added_everywhere(case: Case, seed: int) -> None:
    data, options = numbers(case, seed), keywords(case.operator)
    without = conv_transpose(data["x"], data["w"], **options)
    with_bias = conv_transpose(data["x"], data["w"], data["b"], **options)
    bias = data["b"].reshape(-1, *(1,) * case.operator.rank)
    np.testing.assert_array_equal(with_bias, without + bias)


@given(cases(), SEEDS)
def test_groups_are_a_block_diagonal_kernel(case: Case, seed: int) -> None:
    data, options = numbers(case, seed), keywords(case.operator)
    x, w, groups = data["x"], data["w"], case.operator.groups
    c_in, per_group, *kernel = w.shape
    dense = np.zeros((c_in, per_group * groups, *kernel), w.dtype)
    for group in range(groups):
        rows = slice(group * (c_in // groups), (group + 1) * (c_in // groups))
        dense[rows, group * per_group : (group + 1) * per_group] = w[rows]
    np.testing.assert_array_equal(
        conv_transpose(x, w, **options), conv_transpose(x, dense, **options | {"groups": 1})
    )


def zeros_between(array: Array, steps: tuple[int, ...]) -> Array:
    """Spread the spatial axes of ``array``."""
    size = [(length - 1) * step + 1 for length, step in zip(array.shape[2:], steps, strict=True)]
    spread = np.zeros((*array.shape[:2], *size), array.dtype)
    own: list[Any] = [slice(None, None, step) for step in steps]
    spread[(..., *own)] = array
    return spread


@given(cases(), SEEDS)
def test_stride_is_zeros_between_the_inputs(case: Case, seed: int) -> None:
    assume(min(case.in_size) > 0)
    data, options = numbers(case, seed), keywords(case.operator)
    spread = zeros_between(data["x"], case.operator.stride)
    np.testing.assert_array_equal(
        conv_transpose(data["x"], data["w"], **options),
        conv_transpose(spread, data["w"], **options | {"stride": 1}),
    )


@given(cases(), SEEDS)
def test_dilation_is_zeros_between_the_kernel_elements(case: Case, seed: int) -> None:
    data, options = numbers(case, seed), keywords(case.operator)
    spread = zeros_between(data["w"], case.operator.dilation)
    np.testing.assert_array_equal(
        conv_transpose(data["x"], data["w"], **options),
        conv_transpose(data["x"], spread, **options | {"dilation": 1}),
    )


# By brute force, in exact fractions.


def scattered(x: Array, w: Array, operator: Operator, out_shape: tuple[int, ...]) -> Array:
    """Run the definition's loop over everything that is not zero."""
    y = np.full(out_shape, Fraction(0), object)
    in_group = operator.in_channels // operator.groups
    out_group = operator.out_channels // operator.groups
    for n, c, *i in np.argwhere(x != 0).tolist():
        for o, *tap in np.argwhere(w[c] != 0).tolist():
            at = [
                operator.stride[a] * i[a] + operator.dilation[a] * tap[a] - operator.crop[a][0]
                for a in range(operator.rank)
            ]
            if all(0 <= p < size for p, size in zip(at, out_shape[2:], strict=True)):
                product = x[(n, c, *i)] * w[(c, o, *tap)]
                y[(n, c // in_group * out_group + o, *at)] += product
    return y


def derivative(array: Array, dy: Array, along: Callable[[Array], Array]) -> Array:
    """Return ``<dy, map(e)>`` for every basis vector ``e``: the definition of a gradient."""
    gradient = np.full(array.shape, Fraction(0), object)
    for index in np.ndindex(array.shape):
        basis = np.full(array.shape, Fraction(0), object)
        basis[index] = Fraction(1)
        gradient[index] = (dy * along(basis)).sum()
    return gradient


@given(cases(), SEEDS)
def test_object_arrays_of_fractions_equal_brute_force(case: Case, seed: int) -> None:
    operator, data = case.operator, numbers(case, seed)
    x, w, b = exact(data["x"], 7), exact(data["w"], 11), exact(data["b"], 5)
    expected = scattered(x, w, operator, case.out_shape) + b.reshape(-1, *(1,) * operator.rank)
    y = conv_transpose(x, w, b, **keywords(operator))
    assert y.dtype == object
    np.testing.assert_array_equal(y, expected, strict=True)


@given(cases(), SEEDS)
@pytest.mark.slow
def test_gradients_in_fractions_equal_brute_force_on_basis_vectors(case: Case, seed: int) -> None:
    operator, data = case.operator, numbers(case, seed)
    x, w, dy = exact(data["x"], 7), exact(data["w"], 11), exact(data["dy"], 3)
    dx, dw, db = conv_transpose_vjp(dy, x, w, **keywords(operator))
    shape = case.out_shape
    expected_dx = derivative(x, dy, lambda basis: scattered(basis, w, operator, shape))
    expected_dw = derivative(w, dy, lambda basis: scattered(x, basis, operator, shape))
    np.testing.assert_array_equal(dx, expected_dx, strict=True)
    np.testing.assert_array_equal(dw, expected_dw, strict=True)
    assert db.tolist() == [dy[:, channel].sum() for channel in range(operator.out_channels)]


# Dtypes and layouts.


def test_float16_sums_4096_ones_in_every_direction() -> None:
    ones = np.ones(4096, np.float16)  # 2048 + 1 == 2048 in half precision
    over_channels = conv_transpose(ones.reshape(1, -1, 1), ones.reshape(-1, 1, 1))
    over_taps = conv_transpose(ones.reshape(1, 1, -1), ones.reshape(1, 1, -1), crop=4095)
    dx, _, _ = conv_transpose_vjp(
        ones.reshape(1, -1, 1), np.ones((1, 1, 1), np.float16), ones.reshape(1, -1, 1)
    )
    _, dw, db = conv_transpose_vjp(
        ones.reshape(1, 1, -1), ones.reshape(1, 1, -1), np.ones((1, 1, 1), np.float16)
    )
    for array in (over_channels, over_taps, dx, dw, db):
        assert array.dtype == np.float16
        assert array.ravel().tolist() == [4096]


@pytest.mark.parametrize("module", [impl, reference], ids=["impl", "reference"])
def test_bfloat16_is_summed_in_single_precision(module: ModuleType) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    ones = np.ones((1, 512, 1), bfloat16)  # 256 + 1 == 256 in 8 bits
    one = np.ones(1, bfloat16)
    y = module.conv_transpose(ones, ones.reshape(512, 1, 1), one)
    dx, _, _ = module.conv_transpose_vjp(ones, one[None, None], ones)
    _, dw, db = module.conv_transpose_vjp(*[ones.reshape(1, 1, 512)] * 2, one[None, None])
    for array in (y, dx, dw, db):
        assert array.dtype == bfloat16
        assert array.ravel().tolist() == [512]  # 513 is rounded to it, once


def test_float16_is_rounded_once_after_the_bias() -> None:
    x = np.array([[[2048], [1]]], np.float16)
    w, b = np.ones((2, 1, 1), np.float16), np.ones(1, np.float16)
    assert conv_transpose(x, w, b).tolist() == [[[2050]]]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32])
def test_integers_wrap_as_numpy_does(dtype: type[np.integer[Any]]) -> None:
    largest = np.iinfo(dtype).max
    x, w = np.full((1, 2, 1), largest, dtype), np.full((2, 1, 1), 2, dtype)
    y = conv_transpose(x, w, np.array([3], dtype))
    wrapped = (4 * int(largest) + 3) % 2 ** (8 * y.itemsize)
    assert y.dtype == dtype
    assert y.tolist() == [[[wrapped - 2 ** (8 * y.itemsize) if wrapped > largest else wrapped]]]
    for gradient in conv_transpose_vjp(x[:, :1], x, w):
        assert gradient.dtype == dtype


def test_int64_is_exact_beyond_the_precision_of_floats() -> None:
    x, w = np.array([[[2**62, 1]]]), np.array([[[1, 1]]])
    assert conv_transpose(x, w).tolist() == [[[2**62, 2**62 + 1, 1]]]


@given(cases(), SEEDS, st.sampled_from(["int16", "int32", "float16", "float32", "complex64"]))
def test_small_integers_give_the_same_numbers_in_every_dtype(
    case: Case, seed: int, dtype: str
) -> None:
    data, options = numbers(case, seed), keywords(case.operator)
    assume(np.abs(data["dy"]).sum() <= 2048)
    assume(case.batch * np.prod(case.in_size) <= 25)
    cast = {name: array.astype(dtype) for name, array in data.items()}
    got, expected = (outputs(reference, arrays, options) for arrays in (cast, data))
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == dtype
        np.testing.assert_array_equal(one, other)


def test_complex128_is_multiplied_without_conjugation() -> None:
    x, w, b = np.array([[[1 + 2j]]]), np.array([[[3 - 1j]]]), np.array([1j])
    assert conv_transpose(x, w, b).tolist() == [[[5 + 6j]]]
    dx, dw, db = conv_transpose_vjp(np.array([[[2j]]]), x, w)
    assert (dx.tolist(), dw.tolist(), db.tolist()) == ([[[2 + 6j]]], [[[-4 + 2j]]], [2j])


@pytest.mark.parametrize(
    ("x", "w", "b", "expected"),
    [
        ("int8", "float16", None, "float16"),
        ("float32", "float64", None, "float64"),
        ("float16", "float16", "float32", "float32"),
        ("int32", "float32", None, "float64"),
        ("float64", "complex64", None, "complex128"),
    ],
)
def test_mixed_dtypes_promote_as_numpy_does(x: str, w: str, b: str | None, expected: str) -> None:
    bias = None if b is None else np.ones(1, b)
    assert conv_transpose(np.ones((1, 1, 2), x), np.ones((1, 1, 2), w), bias).dtype == expected


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran order": np.asfortranarray,
    "every second of a larger array": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "first axis last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_memory_layout_does_not_matter_and_inputs_are_not_modified(
    layout: Callable[[Array], Array],
) -> None:
    case = case_from_descriptor("ic4_oc6_k3x2_s2x3_d2x1_c1.-1x-1.2_g2_b_n2_i3x4")
    data, options = numbers(case, 0), keywords(case.operator)
    expected = outputs(reference, data, options)
    laid = {name: layout(array) for name, array in data.items()}
    for array in laid.values():
        array.flags.writeable = False
    got = outputs(reference, laid, options)
    assert_same(got, expected)
    for one in got:
        assert one.flags.writeable
        assert not any(np.shares_memory(one, array) for array in laid.values())


# Errors.


ILLEGAL: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "x has shape (1, 2) and w (2, 1): both must have a batch": ((1, 2), (2, 1), {}),
    "x has shape (1, 1, 1, 1, 1, 1) and w (1, 1, 1, 1, 1, 1): both": ((1,) * 6, (1,) * 6, {}),
    "x has shape (1, 2, 5) and w (2, 1, 3, 3): both must have": ((1, 2, 5), (2, 1, 3, 3), {}),
    "groups 0 must be positive and divide c_in 4.": ((1, 4, 5), (4, 1, 3), {"groups": 0}),
    "groups -2 must be positive and divide c_in 4.": ((1, 4, 5), (4, 1, 3), {"groups": -2}),
    "groups 3 must be positive and divide c_in 4.": ((1, 4, 5), (4, 1, 3), {"groups": 3}),
    "x has 4 channels, but w is for 2.": ((1, 4, 5), (2, 1, 3), {}),
    "kernel (0,) must be at least 1 on every axis.": ((1, 1, 5), (1, 1, 0), {}),
    "stride 0 must be a positive int, or 1 of them.": ((1, 1, 5), (1, 1, 3), {"stride": 0}),
    "stride (2, -1) must be a positive int, or 2 of them.": (
        (1, 1, 5, 5),
        (1, 1, 3, 3),
        {"stride": (2, -1)},
    ),
    "dilation () must be a positive int, or 1 of them.": ((1, 1, 5), (1, 1, 3), {"dilation": ()}),
    "dilation (2, 1, 1) must be a positive int, or 2 of them.": (
        (1, 1, 5, 5),
        (1, 1, 3, 3),
        {"dilation": (2, 1, 1)},
    ),
    (
        "crop ((1, 0),) must be an int, or for each of 2 spatial axes an int or a (begin, end) "
        "pair, such as ((1, 0), (1, 0))."
    ): ((1, 1, 5, 5), (1, 1, 3, 3), {"crop": ((1, 0),)}),
    (
        "crop ((1, 0, 2),) must be an int, or for each of 1 spatial axes an int or a (begin, end) "
        "pair, such as ((1, 0),)."
    ): ((1, 1, 5), (1, 1, 3), {"crop": ((1, 0, 2),)}),
    (
        "output size -1 on spatial axis 1: full size 18 = (5-1)*2 + 3*(4-1) + 1; "
        "crop (9, 10) removes 19. Reduce crop or enlarge the input."
    ): (
        (1, 1, 2, 5),
        (1, 1, 3, 4),
        {"stride": (1, 2), "dilation": (1, 3), "crop": (0, (9, 10))},
    ),
    (
        "output size -2 on spatial axis 0: full size -2 = (0-1)*3 + 1*(1-1) + 1; "
        "crop (0, 0) removes 0."
    ): ((1, 1, 0), (1, 1, 1), {"stride": 3}),
}


@pytest.mark.parametrize(
    ("message", "x", "w", "options"), [(message, *call) for message, call in ILLEGAL.items()]
)
def test_an_illegal_call_is_refused_with_its_arithmetic(
    message: str, x: tuple[int, ...], w: tuple[int, ...], options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        conv_transpose(np.zeros(x), np.zeros(w), **options)
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        conv_transpose_vjp(np.zeros(0), np.zeros(x), np.zeros(w), **options)


@pytest.mark.parametrize("shape", [(1,), (4,), (1, 6), ()])
def test_a_bias_of_the_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    message = (
        f"b has shape {shape}, but w has 3 output channels per group x 2 groups: it must be (6,)."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        conv_transpose(np.zeros((1, 4, 5)), np.zeros((4, 3, 2)), np.zeros(shape), groups=2)


def test_a_cotangent_of_the_wrong_shape_is_refused() -> None:
    message = "dy has shape (1, 6, 5), but the output has shape (1, 6, 6)."
    with pytest.raises(ValueError, match=re.escape(message)):
        conv_transpose_vjp(np.zeros((1, 6, 5)), np.zeros((1, 4, 5)), np.zeros((4, 3, 2)), groups=2)
