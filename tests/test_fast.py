"""The fast implementation: the definition's numbers in both ways, in blocks of any size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases, keywords

from harness.case import Case, case_from_descriptor
from harness.spec import load_cases
from impl import fast, reference
from impl.fast import Way, conv_transpose, conv_transpose_by, conv_transpose_vjp
from impl.geometry import Array, Geometry
from impl.phases import Problem

WAYS: tuple[Way | None, ...] = ("scatter", "gather", None)
BLOCKS = st.sampled_from([fast.BLOCK, 256, 1])


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "BLOCK", size)
        yield


def assert_same(got: Array, expected: Array) -> None:
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(got, expected)


def made(way: Way | None, data: dict[str, Array], options: dict[str, Any]) -> Array:
    geometry = Geometry.of(data["x"], data["w"], **options)
    return conv_transpose_by(way, geometry, data["x"], data["w"], data.get("b"))


@settings(max_examples=300)
@given(cases(fills=["integer"]), BLOCKS)
def test_every_way_gives_the_definitions_numbers(case: Case, block: int) -> None:
    data, options = case.data(), keywords(case.operator)
    expected = reference.conv_transpose(data["x"], data["w"], data.get("b"), **options)
    with blocks_of(block):
        for way in WAYS:
            assert_same(made(way, data, options), expected)


@settings(max_examples=300)
@given(cases(fills=["integer"]), BLOCKS)
def test_gradients_are_the_definitions(case: Case, block: int) -> None:
    data, options = case.data(), keywords(case.operator)
    expected = reference.conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    with blocks_of(block):
        got = conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    for one, other in zip(got, expected, strict=True):
        assert_same(one, other)


DTYPES = ["int8", "uint16", "int64", "float16", "complex64", "complex128", "object", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "descriptor", ["ic4_oc6_k4x3_s2x2_c1.0x0.2_g2_b_n2_i3x4", "ic1_oc3_k3_s1_b_n3_i4"]
)
def test_any_dtype(dtype: str, descriptor: str) -> None:
    case = case_from_descriptor(descriptor)
    data = {name: (array % 5).astype(dtype) for name, array in case.data().items()}
    options = keywords(case.operator)
    assert_same(
        conv_transpose(data["x"], data["w"], data["b"], **options),
        reference.conv_transpose(data["x"], data["w"], data["b"], **options),
    )
    got = conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    expected = reference.conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    for one, other in zip(got, expected, strict=True):
        assert_same(one, other)


def test_whole_numbers_are_exact_where_floats_are_not() -> None:
    x, w = np.array([[[2**53 + 1]]]), np.array([[[1, -1]]])
    for way in WAYS:
        y = made(way, {"x": x, "w": w}, {"stride": 1, "dilation": 1, "crop": 0, "groups": 1})
        assert_same(y, np.array([[[2**53 + 1, -(2**53) - 1]]]))


def test_half_precision_is_rounded_once() -> None:
    x, w = np.ones((1, 4096, 1), np.float16), np.ones((4096, 1, 1), np.float16)
    b = np.array([3], np.float16)
    assert conv_transpose(x, w, b)[0, 0, 0] == np.float16(4099)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("which", ["x", "w"])
def test_what_is_not_finite_stays_where_the_definition_has_it(which: str, value: float) -> None:
    case = case_from_descriptor("ic3_oc2_k3x3_s1x2_c1.1x0.1_b_n1_i4x4_f64")
    data, options = case.data(), keywords(case.operator)
    data[which][0, 1, 1, 1] = value
    with np.errstate(invalid="ignore"):
        assert_same(
            conv_transpose(data["x"], data["w"], data["b"], **options),
            reference.conv_transpose(data["x"], data["w"], data["b"], **options),
        )


@pytest.mark.parametrize("way", ["scatter", "gather"])
def test_layouts_in_memory_change_nothing_and_inputs_are_left_alone(way: Way) -> None:
    case = case_from_descriptor("ic4_oc6_k4x3_s2x1_c1.0x0.2_g2_b_n2_i3x4")
    data, options = case.data(), keywords(case.operator)
    expected = reference.conv_transpose(data["x"], data["w"], data["b"], **options)
    last = {
        name: np.ascontiguousarray(np.moveaxis(a, 1, -1)) for name, a in data.items() if a.ndim > 2
    }
    strided = {name: np.moveaxis(array, -1, 1) for name, array in last.items()}
    backwards = {name: array[..., ::-1].copy()[..., ::-1] for name, array in data.items()}
    for arrays in (strided, backwards, {n: np.asfortranarray(a) for n, a in data.items()}):
        for array in arrays.values():
            array.flags.writeable = False
        assert_same(made(way, {"b": data["b"], **arrays}, options), expected)


BENCH = [case for case in load_cases("specs/bench") if case.dtype == "float32"]


@pytest.mark.parametrize(
    ("case", "way"),
    [
        ("dcgan/paper-4-to-8", "scatter"),
        ("dcgan/paper-32-to-64", "scatter"),
        ("image-to-image/fsrcnn-scale-2", "scatter"),
        ("segmentation/fcn32s-upscore", "gather"),
        ("depthwise/centernet-up-2", "gather"),
        ("documents/matlab-transposed-conv-2d-layer", "gather"),
    ],
)
def test_the_cost_model_chooses(case: str, way: Way) -> None:
    (found,) = [each for each in BENCH if each.id == f"bench/{case}"]
    operator = found.operator
    x = np.empty((found.batch, operator.in_channels, *found.in_size), np.float32)
    w = np.zeros(operator.weight_shape, np.float32)
    geometry = Geometry.of(x, w, **keywords(operator))
    assert fast.cheaper(Problem.of(geometry, x, w, None, x.dtype)) == way


LARGE = [
    "ic8_oc8_k4x4_s2x2_c1.1x1.1_b_n1_i512x512",
    "ic16_oc2_k9x9_s2x2_c4.3x4.3_n1_i256x256",
    "ic21_oc21_k16x16_s8x8_n1_i70x70",
    "ic64_oc64_k4x4_s2x2_g64_n2_i128x128",
    "ic4_oc8_k2x2x2_s2x2x2_n1_i48x48x48",
    "ic4_oc4_k64_s16_n4_i40000",
]


@pytest.mark.parametrize("descriptor", LARGE)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_memory_is_bounded(descriptor: str, direction: str) -> None:
    case = case_from_descriptor(descriptor)
    data, options = case.data(), keywords(case.operator)
    outputs: tuple[Array, ...]
    tracemalloc.start()
    if direction == "forward":
        outputs = (conv_transpose(data["x"], data["w"], data.get("b"), **options),)
    else:
        outputs = conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= sum(array.nbytes for array in outputs) + (64 << 20)
