"""The compiled loops: the definition's numbers, in blocks of any size and in several threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases, keywords

import impl
from harness.case import Case, case_from_descriptor
from impl import direct, fast, reference, threads
from impl.geometry import Array, Geometry
from impl.phases import Problem

# A block of one position takes the most rows and columns apart; that of 40 cuts some of them.
BLOCKS = st.sampled_from([direct._BLOCK, 40, 1])


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direct, "_BLOCK", size)
        patch.setattr(direct, "_SEVERAL", 0)
        direct.layout_of.cache_clear()
        yield
    direct.layout_of.cache_clear()


def by_loops(case: Case, data: dict[str, Array]) -> Array:
    geometry = Geometry.of(data["x"], data["w"], **keywords(case.operator))
    return fast.conv_transpose_by("direct", geometry, data["x"], data["w"], data.get("b"))


def defined(case: Case, data: dict[str, Array]) -> Array:
    return reference.conv_transpose(data["x"], data["w"], data.get("b"), **keywords(case.operator))


def assert_same(got: Array, expected: Array) -> None:
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=500, deadline=None)
@given(cases(fills=["integer"], dtypes=["float32", "float64"]), BLOCKS)
def test_loops_give_the_definitions_numbers(case: Case, block: int) -> None:
    data = case.data()
    with blocks_of(block):
        assert_same(by_loops(case, data), defined(case, data))


@pytest.mark.parametrize(
    "descriptor",
    [
        "ic64_oc64_k4x4_s2x2_c1.1x1.1_g64_n1_i64x64",
        "ic3_oc5_k8x8_s4x4_c2.2x2.2_b_n2_i9x33",
        "ic4_oc2_k3x3x3_s2x1x3_d1x2x1_c0.1x-2.3x1.0_g2_b_n2_i3x4x5",
        "ic2_oc3_k5_s7_d3_c-9.4_b_n3_i1200",
        "ic1_oc2_k3x3_s1x8_c-40.0x0.-40_b_n1_i5x6",
    ],
)
def test_layers_in_several_threads(descriptor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    monkeypatch.setattr(direct, "thread_count", lambda: 3)
    case = case_from_descriptor(descriptor)
    data = case.data()
    with blocks_of(direct._BLOCK):
        assert_same(by_loops(case, data), defined(case, data))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("which", ["x", "w"])
def test_what_is_not_finite_stays_where_the_definition_has_it(which: str, value: float) -> None:
    case = case_from_descriptor("ic64_oc64_k4x4_s2x2_c1.1x1.1_g64_n1_i32x32")
    data = case.data()
    data[which].flat[5] = value
    with np.errstate(invalid="ignore"):
        got = fast.conv_transpose(data["x"], data["w"], **keywords(case.operator))
        assert_same(got, defined(case, data))


def chosen(descriptor: str, *, dtype: str = "float32") -> fast.Way:
    case = case_from_descriptor(descriptor)
    x, w = (case.data()[name].astype(dtype) for name in "xw")
    geometry = Geometry.of(x, w, **keywords(case.operator))
    problem = Problem.of(geometry, x, w, None, x.dtype)
    return fast._cheapest(problem, is_plain=fast._lie_plainly(x.dtype, problem, x))


DEPTHWISE = "ic64_oc64_k4x4_s2x2_c1.1x1.1_g64_n1_i64x64"


@pytest.mark.parametrize(
    ("descriptor", "dtype", "is_direct"),
    [
        (DEPTHWISE, "float32", True),
        (DEPTHWISE, "float64", True),
        (DEPTHWISE, "int32", False),
        (DEPTHWISE, "float16", False),
        (DEPTHWISE, ">f4", False),
        (DEPTHWISE, "longdouble", False),
        ("ic3_oc96_k11x11_s4x4_n1_i32x32", "float32", True),
        ("ic32_oc3_k6x6_s2x2_n1_i30x30", "float32", True),
        ("ic64_oc64_k4x4_s2x2_n1_i16x16", "float32", False),
        ("ic21_oc21_k64x64_s32x32_g21_n1_i16x16", "float32", False),
        ("ic64_oc64_k2x2_s2x2_g64_n1_i5x5", "float32", False),
    ],
)
def test_loops_are_chosen_where_channels_are_few(
    descriptor: str, dtype: str, is_direct: bool
) -> None:
    assert (chosen(descriptor, dtype=dtype) == "direct") is is_direct


@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_without_a_compiler_that_works_products_do(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> object:
            raise error(f"no {name} here")

    monkeypatch.delitem(sys.modules, "impl.compiled", raising=False)
    monkeypatch.delattr(impl, "compiled", raising=False)
    monkeypatch.setitem(sys.modules, "numba", Refusing())
    direct._loops.cache_clear()
    assert chosen(DEPTHWISE) == "gather"
    assert impl.compiled_by() == ""
    direct._loops.cache_clear()


def test_what_compiles_is_named() -> None:
    assert impl.compiled_by() == f"numba {version('numba')}"


def test_rows_apart_in_memory_go_another_way() -> None:
    case = case_from_descriptor(DEPTHWISE)
    data = case.data()
    strided = np.ascontiguousarray(np.moveaxis(data["x"], 1, -1))
    data["x"] = np.moveaxis(strided, -1, 1)
    got = fast.conv_transpose(data["x"], data["w"], **keywords(case.operator))
    assert_same(got, defined(case, data))
    assert got.strides[1] == got.itemsize
