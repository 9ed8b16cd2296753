"""The compiled loops equal the definition, in blocks of any size and in several threads."""

from __future__ import annotations

import re
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from calls import assert_same, by_loops, posed
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, keywords

import impl
from harness.engines import worker
from harness.suite.case import Case, case_from_descriptor
from impl import direct, fast, reference
from impl.geometry import Array, Geometry
from impl.phases import Problem

# Quick tests do without numba.
pytestmark = pytest.mark.slow

DEPTHWISE = "ic64_oc64_k4x4_s2x2_c1.1x1.1_g64_n1_i64x64"
FAR = 10**10


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direct, "_BLOCK", size)
        patch.setattr(direct, "_SEVERAL", 0)
        yield


def assert_defined(got: Array, case: Case, data: dict[str, Array]) -> None:
    options = keywords(case.operator)
    assert_same([got], [reference.conv_transpose(data["x"], data["w"], data.get("b"), **options)])


# A block of one position splits every row and column, a block of 40 some of them.
@examples(6)
@given(
    cases(fills=["integer"], dtypes=["float32", "float64"]),
    st.sampled_from([direct._BLOCK, 40, 1]),
)
def test_loops_equal_the_definition(case: Case, block: int) -> None:
    data = case.data()
    with blocks_of(block):
        if data["x"].size and data["dy"].size:
            assert_defined(by_loops(case, data), case, data)


@pytest.mark.parametrize(
    "descriptor",
    [
        DEPTHWISE,
        "ic3_oc5_k8x8_s4x4_c2.2x2.2_b_n2_i9x33",
        "ic4_oc2_k3x3x3_s2x1x3_d1x2x1_c0.1x-2.3x1.0_g2_b_n2_i3x4x5",
        "ic2_oc3_k5_s7_d3_c-9.4_b_n3_i1200",
        "ic1_oc2_k3x3_s1x8_c-40.0x0.-40_b_n1_i5x6",
    ],
)
def test_layers_in_several_threads(descriptor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "thread_count", lambda: 3)
    case = case_from_descriptor(descriptor)
    data = case.data()
    with blocks_of(direct._BLOCK):
        assert_defined(by_loops(case, data), case, data)


def test_arrays_of_any_kind_give_the_same_result() -> None:
    case = case_from_descriptor(DEPTHWISE.replace("_n1", "_b_n1"))
    data = case.data()
    strided = np.moveaxis(np.ascontiguousarray(np.moveaxis(data["x"], 1, -1)), -1, 1)
    frozen = data["x"].copy()
    frozen.flags.writeable = False
    apart = np.repeat(data["b"], 2)[::2]
    wider = {"w": data["w"].astype("f8"), "b": data["b"].astype("f8")}
    for changed in (
        {"x": frozen, "b": apart},
        {"x": strided},
        {"x": np.asfortranarray(data["x"])},
        {"x": data["x"][..., ::-1].copy()[..., ::-1]},
        wider,
        {"x": data["x"].astype(">f4")},
        {"x": np.ma.masked_array(data["x"])},
    ):
        arrays = {**data, **changed}
        got = fast.conv_transpose(arrays["x"], arrays["w"], arrays["b"], **keywords(case.operator))
        np.testing.assert_array_equal(got, by_loops(case, data))
    assert frozen.flags.writeable is False


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("which", ["x", "w"])
def test_infinities_and_nan_stay_where_the_definition_has_them(which: str, value: float) -> None:
    case = case_from_descriptor("ic64_oc64_k4x4_s2x2_c1.1x1.1_g64_n1_i32x32")
    data = case.data()
    data[which].flat[5] = value
    with np.errstate(invalid="ignore"):
        got = fast.conv_transpose(data["x"], data["w"], **keywords(case.operator))
        assert_defined(got, case, data)


@pytest.mark.parametrize(
    ("descriptor", "dtype", "is_worth"),
    [
        (DEPTHWISE, "float32", True),
        (DEPTHWISE, "float64", True),
        (DEPTHWISE, "int32", False),
        (DEPTHWISE, "complex64", False),
        (DEPTHWISE, ">f4", False),
        (DEPTHWISE, "longdouble", False),
        ("ic3_oc96_k11x11_s4x4_n1_i32x32", "float32", True),
        ("ic32_oc3_k6x6_s2x2_n1_i30x30", "float32", True),
        ("ic64_oc64_k4x4_s2x2_n1_i16x16", "float32", False),
        ("ic21_oc21_k64x64_s32x32_g21_n1_i16x16", "float32", False),
        ("ic64_oc64_k2x2_s2x2_g64_n1_i5x5", "float32", False),
        # Far more terms than input.
        ("ic128_oc1_k128x128_s1x1_n1_i16x16", "float32", False),
    ],
)
def test_loops_are_chosen_for_few_channels(descriptor: str, dtype: str, is_worth: bool) -> None:
    case = case_from_descriptor(descriptor)
    operator = case.operator
    data = {
        "x": np.zeros((case.batch, operator.in_channels, *case.in_size), dtype),
        "w": np.zeros(operator.weight_shape, dtype),
    }
    assert direct.is_worth(posed(case, data)) is is_worth


def test_a_tap_may_reach_farther_than_an_index_can_hold() -> None:
    x, w = np.ones((1, 1, 400, 400), np.float32), np.ones((1, 1, 2, 2), np.float32)
    geometry = Geometry.of(x, w, 1, dilation=FAR, crop=((FAR, 0), (FAR, 0)), groups=1)
    assert not direct.is_worth(Problem.of(geometry, x, w, None, x.dtype))


@pytest.mark.slow
@pytest.mark.parametrize(
    "descriptor",
    [
        "ic64_oc64_k4x4_s2x2_g64_n2_i128x128",
        "ic3_oc8_k4x4_s2x2_n1_i800x800",
        "ic1_oc16_k250x250_n1_i30x30",
    ],
)
def test_memory_is_bounded(descriptor: str) -> None:
    case = case_from_descriptor(descriptor)
    data = case.data()
    assert direct.is_worth(posed(case, data))
    tracemalloc.start()
    y = fast.conv_transpose(data["x"], data["w"], **keywords(case.operator))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= y.nbytes + (64 << 20)


@pytest.fixture
def uncached(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check again whether loops can be compiled, in the test and after it."""
    monkeypatch.delitem(sys.modules, "impl.compiled", raising=False)
    monkeypatch.delattr(impl, "compiled", raising=False)
    for cached in (direct._compiled, direct._loops):
        cached.cache_clear()
    yield
    for cached in (direct._compiled, direct._loops):
        cached.cache_clear()


def undecorated(**_options: object) -> object:
    return lambda function: function


class Broken:
    def __getattr__(self, name: str) -> object:
        raise OSError(f"no library for {name}")


@pytest.mark.usefixtures("uncached")
@pytest.mark.parametrize(
    "numba",
    [None, Broken(), SimpleNamespace(njit=undecorated, config=SimpleNamespace(DISABLE_JIT=1))],
    ids=["absent", "broken", "switched off"],
)
def test_products_are_used_without_a_working_compiler(
    numba: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numba", numba)
    case = case_from_descriptor(DEPTHWISE)
    data = case.data()
    assert not direct.is_worth(posed(case, data))
    assert impl.compiled_by() == ""
    assert_defined(impl.conv_transpose(data["x"], data["w"], **keywords(case.operator)), case, data)


@pytest.mark.usefixtures("uncached")
def test_loops_that_cannot_be_compiled_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("impl.compiled.sum_phases", full)
    case = case_from_descriptor(DEPTHWISE)
    assert not direct.is_worth(posed(case, case.data()))


def test_a_report_names_the_compiler() -> None:
    assert re.fullmatch(r"numba \d+\.\d+[\w.]*", impl.compiled_by())
    assert worker.start("impl", "deconform")["compiler"] == impl.compiled_by()
    assert worker.start("json", "deconform")["compiler"] == ""
