"""impl.fast equals the definition, by both algorithms and in blocks of any size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TypeAlias

import numpy as np
import pytest
from calls import ALGORITHMS, assert_same, by_algorithm, outputs
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, keywords

from harness.suite.case import Case, case_from_descriptor
from harness.suite.specs import load_cases
from impl import fast, phases, product, reference, scatter, threads
from impl.fast import Algorithm, conv_transpose, conv_transpose_by, conv_transpose_vjp
from impl.geometry import Array, Geometry
from impl.phases import Problem

# Block sizes and limits that send small cases down the paths of large ones.
LIMITS = st.fixed_dictionaries(
    {
        (fast, "BLOCK"): st.sampled_from([fast.BLOCK, 1024, 4]),
        (fast, "_MANY_ENTRIES"): st.sampled_from([fast._MANY_ENTRIES, 0]),
        (phases, "_LONG_RUN"): st.sampled_from([phases._LONG_RUN, 1]),
        (phases, "_SHORT_ROW"): st.sampled_from([phases._SHORT_ROW, 0]),
        (scatter, "_WIDE"): st.sampled_from([scatter._WIDE, 1]),
        (product, "_WIDE"): st.sampled_from([product._WIDE, 1]),
        (threads, "_ONE_THREAD"): st.sampled_from([threads._ONE_THREAD, 0]),
    }
)
Limits: TypeAlias = dict[tuple[ModuleType, str], int]


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in limits.items():
            patch.setattr(module, name, value)
        phases.phases_of.cache_clear()
        yield
    phases.phases_of.cache_clear()


@examples(4)
@given(cases(fills=["integer"]), LIMITS)
def test_every_algorithm_equals_the_definition(case: Case, limits: Limits) -> None:
    data, options = case.data(), keywords(case.operator)
    expected = outputs(reference, data, options)
    with limited(limits):
        for algorithm in ALGORITHMS:
            assert_same(by_algorithm(algorithm, data, options), expected)


DTYPES = ["int8", "uint16", "int64", "float16", "complex64", "complex128", "object", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "descriptor", ["ic4_oc6_k4x3_s2x2_c1.0x0.2_g2_b_n2_i3x4", "ic1_oc3_k3_s1_b_n3_i4"]
)
def test_any_dtype(dtype: str, descriptor: str) -> None:
    case = case_from_descriptor(descriptor)
    data = {name: (array % 5).astype(dtype) for name, array in case.data().items()}
    options = keywords(case.operator)
    assert_same(outputs(fast, data, options), outputs(reference, data, options))


def test_integers_are_exact_where_floats_are_not() -> None:
    x, w = np.array([[[2**53 + 1]]]), np.array([[[1, -1]]])
    for algorithm in ALGORITHMS:
        y = conv_transpose_by(algorithm, Geometry.of(x, w, 1, 1, 0, 1), x, w, None)
        assert_same([y], [np.array([[[2**53 + 1, -(2**53) - 1]]])])


def test_half_precision_is_rounded_once() -> None:
    x, w = np.ones((1, 4096, 1), np.float16), np.ones((4096, 1, 1), np.float16)
    b = np.array([3], np.float16)
    assert conv_transpose(x, w, b)[0, 0, 0] == np.float16(4099)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("which", ["x", "w"])
def test_infinities_and_nan_stay_where_the_definition_has_them(which: str, value: float) -> None:
    case = case_from_descriptor("ic3_oc2_k3x3_s1x2_c1.1x0.1_b_n1_i4x4_f64")
    data, options = case.data(), keywords(case.operator)
    data[which][0, 1, 1, 1] = value
    with np.errstate(invalid="ignore"):
        (y, *_), (expected, *_) = (outputs(each, data, options) for each in (fast, reference))
        assert_same([y], [expected])


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize(
    ("which", "algorithms"),
    [("dy", ("scatter", None)), ("x", ALGORITHMS), ("w", ALGORITHMS)],
)
def test_gradients_are_finite_exactly_where_the_definition_is(
    which: str, algorithms: tuple[Algorithm | None, ...], value: float
) -> None:
    case = case_from_descriptor("ic3_oc2_k4x4_s2x2_c1.1x0.1_n1_i4x4_f64")
    data, options = case.data(), keywords(case.operator)
    data[which][0, 1, 1, 1] = value
    with np.errstate(invalid="ignore"):
        _, *expected = outputs(reference, data, options)
        for algorithm in algorithms:
            _, *got = by_algorithm(algorithm, data, options)
            assert_same(got, expected)


@pytest.mark.parametrize(
    "descriptor",
    [
        "ic4_oc6_k3x3_s2x2_c1.0x0.1_g2_b_n40_i2x2",
        "ic2_oc3_k5_s3_c-1.2_b_n100_i3",
        "ic3_oc2_k64_s32_c5.40_b_n2_i5",
        "ic2_oc2_k3x32_s1x16_c1.1x-3.20_g2_n2_i3x4",
        "ic6_oc4_k1x1_s1x1_g2_b_n3_i9x9",
        "ic6_oc4_k3x2_s2x1_g2_b_n3_i1x1",
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "complex64"])
def test_short_rows_long_runs_and_single_products(descriptor: str, dtype: str) -> None:
    case = case_from_descriptor(descriptor)
    data = {name: (array % 5).astype(dtype) for name, array in case.data().items()}
    options = keywords(case.operator)
    expected = outputs(reference, data, options)
    for algorithm in ALGORITHMS:
        assert_same(by_algorithm(algorithm, data, options), expected)


@pytest.mark.parametrize("algorithm", ["scatter", "gather"])
def test_memory_layouts_do_not_matter_and_inputs_are_not_modified(algorithm: Algorithm) -> None:
    case = case_from_descriptor("ic4_oc6_k4x3_s2x1_c1.0x0.2_g2_b_n2_i3x4")
    data, options = case.data(), keywords(case.operator)
    expected = outputs(reference, data, options)
    last = {
        name: np.ascontiguousarray(np.moveaxis(a, 1, -1)) for name, a in data.items() if a.ndim > 2
    }
    strided = {name: np.moveaxis(array, -1, 1) for name, array in last.items()}
    backwards = {name: array[..., ::-1].copy()[..., ::-1] for name, array in data.items()}
    for arrays in (strided, backwards, {n: np.asfortranarray(a) for n, a in data.items()}):
        for array in arrays.values():
            array.flags.writeable = False
        assert_same(by_algorithm(algorithm, {"b": data["b"], **arrays}, options), expected)


BENCH = [case for case in load_cases("specs/bench") if case.dtype == "float32"]


@pytest.mark.parametrize(
    ("case", "algorithm"),
    [
        ("dcgan/paper-4-to-8", "scatter"),
        ("dcgan/paper-32-to-64", "scatter"),
        ("image-to-image/fsrcnn-scale-2", "scatter"),
        ("segmentation/fcn32s-upscore", "gather"),
        ("depthwise/centernet-up-2", "gather"),
        ("documents/matlab-transposed-conv-2d-layer", "gather"),
    ],
)
def test_the_cost_model_chooses_the_algorithm(case: str, algorithm: Algorithm) -> None:
    (layer,) = [each for each in BENCH if each.id == f"bench/{case}"]
    operator = layer.operator
    x = np.empty((layer.batch, operator.in_channels, *layer.in_size), np.float32)
    w = np.zeros(operator.weight_shape, np.float32)
    geometry = Geometry.of(x, w, **keywords(operator))
    assert fast.cheaper(Problem.of(geometry, x, w, None, x.dtype)) == algorithm


LARGE = [
    "ic8_oc8_k4x4_s2x2_c1.1x1.1_b_n1_i512x512",
    "ic16_oc2_k9x9_s2x2_c4.3x4.3_n1_i256x256",
    "ic21_oc21_k16x16_s8x8_n1_i70x70",
    "ic64_oc64_k4x4_s2x2_g64_n2_i128x128",
    "ic4_oc8_k2x2x2_s2x2x2_n1_i48x48x48",
    "ic4_oc4_k64_s16_n4_i40000",
    "ic80_oc80_k1024_s256_n1_i63",
    "ic80_oc80_k1024_s256_n2_i600",
    "ic256_oc256_k8x8_s4x4_n1_i40x40",
    "ic16_oc8_k5x5_s3x3_c1.1x1.1_b_n2000_i5x5",
]


@pytest.mark.slow
@pytest.mark.parametrize("descriptor", LARGE)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_memory_is_bounded(descriptor: str, direction: str) -> None:
    case = case_from_descriptor(descriptor)
    data, options = case.data(), keywords(case.operator)
    results: tuple[Array, ...]
    tracemalloc.start()
    if direction == "forward":
        results = (conv_transpose(data["x"], data["w"], data.get("b"), **options),)
    else:
        results = conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= sum(array.nbytes for array in results) + (64 << 20)
