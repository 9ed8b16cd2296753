"""impl.cuda equals the definition by both algorithms, with its kernels compiled for the host."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import host_kernels
import numpy as np
import pytest
from calls import assert_same, outputs
from examples import examples, most_slow
from host_kernels import device, needs_compiler, on_host
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, keywords

import impl
from harness.suite.case import Case, case_from_descriptor
from impl import cuda, reference
from impl.geometry import Array, Geometry

pytestmark = needs_compiler


@contextmanager
def limits(**values: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(cuda, name, value)
        yield


def assert_definition(data: dict[str, Array], options: dict[str, Any]) -> None:
    assert_same(on_host(data, options), outputs(reference, data, options))


@examples(4)
@given(
    cases(fills=["integer"]),
    st.sampled_from([0, cuda.FEW]),
    st.sampled_from([cuda.BLOCK, 256, 1]),
    st.sampled_from([cuda._NARROW, 0]),
    st.sampled_from([1, cuda._POSITIONS]),
)
def test_both_algorithms_equal_the_definition(
    case: Case, few: int, block: int, narrow: int, positions: int
) -> None:
    with limits(FEW=few, BLOCK=block, _NARROW=narrow, _POSITIONS=positions):
        assert_definition(case.data(), keywords(case.operator))


NAMES = [name for name in cuda._TYPES if name not in {"float32", "float64"}]


@pytest.mark.parametrize("few", [0, cuda.FEW])
@pytest.mark.parametrize("dtype", most_slow(NAMES))
@pytest.mark.parametrize(
    "descriptor", ["ic4_oc6_k4x3_s2x2_c1.0x0.2_g2_b_n2_i3x4", "ic1_oc3_k3_s1_b_n3_i4"]
)
def test_any_dtype(dtype: str, descriptor: str, few: int) -> None:
    case = case_from_descriptor(descriptor)
    data = {name: (array % 5).astype(dtype) for name, array in case.data().items()}
    with limits(FEW=few):
        assert_definition(data, keywords(case.operator))


def test_mixed_dtypes_and_layouts() -> None:
    case = case_from_descriptor("ic10_oc6_k4x3_s2x2_c1.0x0.2_g1_b_n2_i3x4")
    data = case.data()
    mixed: dict[str, Array] = {
        "x": data["x"].astype("int16"),
        "w": np.asfortranarray(data["w"]),
        "b": data["b"],
    }
    assert_definition({**mixed, "dy": data["dy"][..., ::-1]}, keywords(case.operator))


@pytest.mark.parametrize("few", [0, cuda.FEW])
@pytest.mark.parametrize("which", ["x", "w"])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_infinities_and_nan_stay_where_the_definition_has_them(
    which: str, value: float, few: int
) -> None:
    case = case_from_descriptor("ic3_oc2_k3x3_s1x2_c1.1x0.1_b_n1_i4x4_f64")
    data = case.data()
    data[which][0, 1, 1, 1] = value
    with np.errstate(invalid="ignore"), limits(FEW=few):
        assert_definition(data, keywords(case.operator))


def test_half_precision_is_rounded_once() -> None:
    x, w = np.ones((1, 4096, 1), np.float16), np.ones((4096, 1, 1), np.float16)
    geometry = Geometry.of(x, w, 1, 1, 0, 1)
    for few in (0, 4096):
        with limits(FEW=few):
            y = cuda.forward(device, geometry, x, w, np.array([3], np.float16), "ieee")
            assert y[0, 0, 0] == np.float16(4099)


def test_integers_are_exact_where_floats_are_not() -> None:
    x, w = np.array([[[2**53 + 1]]]), np.array([[[1, -1]]])
    y = cuda.forward(device, Geometry.of(x, w, 1, 1, 0, 1), x, w, None, "ieee")
    assert_same([y], [np.array([[[2**53 + 1, -(2**53) - 1]]])])


# Plausible mistakes in a kernel: each must change a number here.
MISTAKES = [
    ("y0 + b0", "y0"),
    ("y1 + b1", "y1 - b1"),
    ("last_of(rest, q2) + b2", "last_of(rest, q2)"),
    ("x1 * S1 + t1 * D1 - b1", "x1 * S1 + t1 - b1"),
    ("x2 * S2 + t2 * D2 - b2", "x2 + t2 * D2 - b2"),
    ("(t0 * K1 + t1) * K2 + t2", "(t0 * K2 + t2) * K1 + t1"),
    ("(x0 * p1 + x1) * p2 + x2", "(x0 * p2 + x2) * p1 + x1"),
    ("tap * n * positions", "(TAPS - 1 - tap) * n * positions"),
    ("bias[channel]", "bias[o]"),
    ("bias[g * outs + o]", "bias[o]"),
    ("t1 < K1; t1 += L1", "t1 < K1 - 1; t1 += L1"),
    ("(at - (I)tap * dilation) % stride == 0", "(at + (I)tap * dilation) % stride == 0"),
    ("(at - (I)tap * dilation) / stride", "at / stride"),
    ("x0 < 0 || x0 >= p0", "x0 < 0 || x0 > p0"),
    ("TAPS * n + e) * positions", "TAPS * n) * positions"),
    ("through[c * outs * TAPS]", "through[c * TAPS]"),
    ("through[o * TAPS]", "through[o]"),
    ("group * ins + c) * positions + position", "group * ins + c) * positions"),
    ("const I channel = g * all_outs + first + o;", "const I channel = g * all_outs + o;"),
    ("at += parts", "at += parts + 1"),
]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param(*each, marks=[pytest.mark.slow] if number % 7 else [])
        for number, each in enumerate(MISTAKES)
    ],
)
def test_mistakes_in_the_kernels_are_caught(
    right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = cuda._kernels()
    assert right in text
    monkeypatch.setattr(cuda, "_kernels", lambda: text.replace(right, wrong))
    case = case_from_descriptor("ic6_oc6_k4x3x3_s2x3x2_d1x2x3_c1.0x2.2x-1.1_g2_b_n2_i3x4x2")

    def is_caught(few: int, block: int) -> bool:
        with limits(FEW=few, BLOCK=block, _POSITIONS=2):
            try:
                assert_definition(case.data(), keywords(case.operator))
            except AssertionError:
                return True
        return False

    assert is_caught(0, 4000) or is_caught(0, cuda.BLOCK) or is_caught(cuda.FEW, 1)


# Through the public functions, with a fake CuPy module: each geometry is compiled with its
# constants, as on a GPU.


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> host_kernels.Cupy:
    return host_kernels.install(monkeypatch)


DESCRIPTORS = [
    "ic12_oc6_k4x3_s2x2_c1.0x0.2_g1_b_n2_i3x4",
    "ic18_oc4_k3x3_s2x3_d2x2_c-1.0x0.1_g2_n1_i3x4",
    "ic3_oc3_k4_s2_c1.1_g3_b_n2_i5_f16",
    "ic1_oc2_k2x3x2_s2x1x3_n1_i2x3x2_f64",
]


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_cupy_arrays_give_cupy_arrays(cupy: host_kernels.Cupy, descriptor: str) -> None:
    case = case_from_descriptor(descriptor)
    options = keywords(case.operator)
    data = {name: array.view(host_kernels.Array) for name, array in case.data().items()}
    for array in data.values():
        array.number = 3
    got = outputs(impl, data, options)
    assert {type(array) for array in got} == {host_kernels.Array}
    assert cupy.current == [3, 3]
    assert_same(got, outputs(reference, case.data(), options))


@pytest.mark.parametrize(
    ("dtype", "math", "mode"),
    [("float32", "ieee", 0), ("float32", "tf32", 3), ("float16", "ieee", 3)],
)
def test_products_have_the_requested_precision(
    cupy: host_kernels.Cupy, dtype: str, math: cuda.Math, mode: int
) -> None:
    x = np.ones((1, 10, 3), dtype).view(host_kernels.Array)
    w = np.ones((10, 2, 2), dtype).view(host_kernels.Array)
    cuda.conv_transpose(x, w, math=math)
    assert cupy.modes == [mode, 7], "the mode is set, and then restored"


@pytest.mark.parametrize("math", ["", "TF32", "bf16", None])
def test_another_precision_is_refused(cupy: host_kernels.Cupy, math: Any) -> None:
    x, w = (np.ones(shape).view(host_kernels.Array) for shape in ((1, 2, 3), (2, 1, 2)))
    with pytest.raises(ValueError, match=f"^math {math!r} is none of ieee, tf32.$"):
        cuda.conv_transpose(x, w, math=math)
    with pytest.raises(ValueError, match=f"^math {math!r} is none of ieee, tf32.$"):
        cuda.conv_transpose_vjp(x, x, w, math=math)
    assert cupy.current == []


@pytest.mark.parametrize("dtype", ["longdouble", "S3", "datetime64[s]", "V4", "object"])
def test_a_dtype_without_a_kernel_is_refused(dtype: str) -> None:
    x, w = (np.zeros(shape, dtype) for shape in ((1, 2, 3), (2, 1, 2)))
    with pytest.raises(TypeError, match="no kernel computes with"):
        on_host({"x": x, "w": w, "dy": x}, {"stride": 1, "dilation": 1, "crop": 0, "groups": 1})


def test_mixed_kinds_and_devices_are_refused(cupy: host_kernels.Cupy) -> None:
    x, w = np.ones((1, 2, 3)), np.ones((2, 2, 2))
    with pytest.raises(TypeError, match=r"w is a numpy\.ndarray.*cupy\.asarray\(w\)"):
        impl.conv_transpose(x.view(host_kernels.Array), w)
    with pytest.raises(TypeError, match=r"x is a numpy\.ndarray"):
        impl.conv_transpose(x, w.view(host_kernels.Array))
    elsewhere = w.view(host_kernels.Array)
    elsewhere.number = 1
    with pytest.raises(ValueError, match=r"different devices: \{'x': 0, 'w': 1\}"):
        impl.conv_transpose(x.view(host_kernels.Array), elsewhere)
    assert cupy.current == []


NVCC = shutil.which("nvcc")


@pytest.mark.slow
@pytest.mark.skipif(NVCC is None, reason="no nvcc; it is part of the CUDA toolkit")
@pytest.mark.parametrize(
    ("stored", "summed", "wide"), [("float32", "float32", False), ("float16", "float32", True)]
)
def test_nvcc_compiles_the_kernels_without_register_spills(
    tmp_path: Path, stored: str, summed: str, wide: bool
) -> None:
    assert NVCC is not None
    variant = cuda.Variant(stored, summed, wide, (1, 4, 4), (1, 2, 2), (1, 1, 1))
    text = tmp_path / "kernels.cu"
    text.write_text(variant.source)
    command = [NVCC, "-cubin", "-arch=sm_90", "-std=c++17", "-Xptxas=-v", "-Werror=all-warnings"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "kernels.cubin"), str(text)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kernels = [line for line in done.stderr.splitlines() if "spill stores" in line]
    assert len(kernels) == 5
    assert all("0 bytes spill stores" in line for line in kernels), done.stderr
