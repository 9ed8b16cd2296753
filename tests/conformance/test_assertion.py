"""The pass rule as a function, on arrays of any library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from examples import most_slow

import impl
from harness import assert_conforms
from harness.suite.case import Case
from harness.suite.mutants import MUTANTS, Mutant, options
from harness.suite.specs import load_cases

OPTIONS: dict[str, Any] = {"stride": 2, "dilation": (1, 2), "crop": ((1, 0), (0, -1)), "groups": 2}


def integers(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(shape).integers(-9, 9, shape).astype(dtype)


def randoms(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(shape).uniform(-1, 1, shape).astype(dtype)


def arguments(make: Callable[..., Any], dtype: str = "float32") -> dict[str, Any]:
    shapes = {"x": (2, 4, 5, 6), "w": (4, 3, 3, 2), "b": (6,)}
    return {name: make(*shape, dtype=dtype) for name, shape in shapes.items()}


def outputs(given: dict[str, Any], dy: Any, dtype: str = "float64") -> dict[str, Any]:
    """Compute all of them in a dtype."""
    x, w, b, dy = (array.astype(dtype) for array in (*given.values(), dy))
    gradients = impl.conv_transpose_vjp(dy, x, w, **OPTIONS)
    return {"y": impl.conv_transpose(x, w, b, **OPTIONS)} | dict(
        zip(("dx", "dw", "db"), gradients, strict=True)
    )


@pytest.mark.parametrize("make", [integers, randoms])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_right_conforms(make: Callable[..., Any], dtype: str) -> None:
    given, dy = arguments(make, dtype), make(2, 6, 10, 14, dtype=dtype)
    right = outputs(given, dy, "float32" if dtype == "float16" else dtype)
    got = {name: array.astype(dtype) for name, array in right.items()}
    assert_conforms(got["y"], **given, **OPTIONS)
    assert_conforms(got, **given, **OPTIONS, dy=dy)


@pytest.mark.parametrize("name", ["y", "dx", "dw", "db"])
@pytest.mark.parametrize("make", [integers, randoms])
def test_one_wrong_element_does_not(make: Callable[..., Any], name: str) -> None:
    given, dy = arguments(make), make(2, 6, 10, 14)
    got = {key: array.astype("float32") for key, array in outputs(given, dy).items()}
    got[name].flat[7 % got[name].size] += 1
    with pytest.raises(AssertionError, match=rf"^{name}: ") as caught:
        assert_conforms(got, **given, **OPTIONS, dy=dy)
    about = "ic4_oc6_k3x2_s2x2_d1x2_c1.0x0.-1_g2_b, x (2, 4, 5, 6), float32"
    assert str(caught.value).splitlines()[-1] == about


@pytest.mark.parametrize("mutant", most_slow(MUTANTS), ids=lambda mutant: mutant.name)
def test_each_mutant_is_named(mutant: Mutant) -> None:
    """As a run names it: on the first cases of the suite that it changes as none before it does."""
    named = 0
    before = MUTANTS[: MUTANTS.index(mutant)]
    for case in load_cases(select=["grid/two-axes/", "edge/channels/"]):
        if case.rejected or case.fill != "integer" or named == 3:
            continue
        wrong = mutant.output("y", case.operator, case.data())
        if wrong is None or np.array_equal(wrong, right(case)):
            continue
        mistake = mutant.mistake(case.operator)
        if any(other.mistake(case.operator) == mistake for other in before):
            continue
        data, words = case.data(), options(case.operator)
        with pytest.raises(AssertionError) as caught:
            assert_conforms(wrong, data["x"], data["w"], data.get("b"), **words)
        _, _, names = str(caught.value).splitlines()[1].partition("equals the mutant: ")
        assert mutant.name in names.split(" or ")
        named += 1
    assert named


def right(case: Case) -> Any:
    data = case.data()
    return impl.conv_transpose(data["x"], data["w"], data.get("b"), **options(case.operator))


def test_the_shape_and_the_type_count() -> None:
    given = arguments(integers)
    y = impl.conv_transpose(**given, **OPTIONS)
    with pytest.raises(
        AssertionError, match=r"^y has shape \(2, 6, 10, 13\), expected \(2, 6, 10, 14"
    ):
        assert_conforms(y[..., :-1], **given, **OPTIONS)
    with pytest.raises(AssertionError, match=r"^y is float64, expected float32"):
        assert_conforms(y.astype("float64"), **given, **OPTIONS)


def test_sums_in_half_precision_are_told_from_sums_in_single() -> None:
    """On sums of many terms, where half precision loses more than its last place."""
    x, w = (abs(randoms(*shape, dtype="float16")) for shape in ((1, 1500, 2), (1500, 2, 1)))
    single = impl.conv_transpose(x.astype("float32"), w.astype("float32")).astype("float16")
    half = np.zeros((1, 2, 2), "float16")
    for channel in range(1500):
        half += w[channel, :, 0][None, :, None] * x[:, channel : channel + 1]
    assert_conforms(single, x, w)
    assert_conforms(single, x, w, accumulate="float32")
    assert_conforms(half, x, w, accumulate="float16")
    with pytest.raises(AssertionError, match="units in the last place"):
        assert_conforms(half, x, w)


def test_integers_too_large_to_be_exact_are_held_to_the_bound() -> None:
    x, w = integers(1, 64, 8, dtype="float16"), integers(64, 2, 1, dtype="float16")
    y = impl.conv_transpose(x.astype("float32"), w.astype("float32")).astype("float16")
    assert_conforms(y, x, w)
    assert_conforms(np.nextafter(y, np.float16(0)), x, w)
    with pytest.raises(AssertionError, match="units in the last place"):
        assert_conforms(y + np.float16(64), x, w)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_mutant_is_named_by_random_data_too(dtype: str) -> None:
    given, swapped = arguments(randoms, dtype), {**OPTIONS, "crop": ((0, 1), (-1, 0))}
    wide = {name: array.astype("float64") for name, array in given.items()}
    y = impl.conv_transpose(**wide, **swapped).astype(dtype)
    with pytest.raises(AssertionError, match="\nequals the mutant: crop sides swapped\n"):
        assert_conforms(y, **given, **OPTIONS)


class Bfloat16:
    """A tensor as PyTorch has it: no NumPy array, and rounded to eight bits."""

    def __init__(self, values: Any) -> None:
        bits = np.asarray(values, np.float32).view(np.uint32)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
        self.values, self.dtype = rounded.view(np.float32), "torch.bfloat16"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Got unsupported ScalarType BFloat16")

    def detach(self) -> Bfloat16:
        return self

    def cpu(self) -> Bfloat16:
        return self

    def float(self) -> Any:
        return self.values


def test_bfloat16_is_held_to_its_own_precision() -> None:
    x, w = Bfloat16(randoms(1, 64, 8)), Bfloat16(randoms(64, 2, 3))
    y = impl.conv_transpose(x.values, w.values)
    assert_conforms(Bfloat16(y), x, w)
    with pytest.raises(AssertionError, match="units in the last place") as caught:
        assert_conforms(Bfloat16(y * 1.5), x, w)
    assert "mutant" not in str(caught.value)
    with pytest.raises(AssertionError, match=r"^y is float32, expected bfloat16"):
        assert_conforms(y, x, w)


class OnlyDlpack:
    """An array that speaks DLPack and nothing else."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


class OnlyGet:
    """An array on a GPU, as CuPy has it."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def get(self) -> Any:
        return self._array


class NeedsDetach:
    """A variable with a gradient, as PyTorch has it."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def detach(self) -> Any:
        return self._array


@pytest.mark.parametrize("kind", [OnlyDlpack, OnlyGet, NeedsDetach])
def test_arrays_of_any_library_are_read(kind: Callable[[Any], Any]) -> None:
    given = arguments(integers)
    y = impl.conv_transpose(**given, **OPTIONS)
    assert_conforms(kind(y), **{name: kind(one) for name, one in given.items()}, **OPTIONS)
    y[0, 0, 0, 0] += 1
    with pytest.raises(AssertionError, match=r"^y: 1 of "):
        assert_conforms(kind(y), **given, **OPTIONS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": "text"}, "x is of type str: no array of numbers"),
        ({"x": np.ones((1, 2, 3), "int32")}, "x is int32"),
        ({"w": np.ones((4, 3, 3, 2))}, "w is float64, and x float32"),
        ({"b": np.ones(5, "float32")}, r"b has shape \(5,\)"),
        ({"x": np.full((2, 4, 5, 6), np.nan, "float32")}, "x is not finite"),
        ({"accumulate": "tf32"}, "accumulate 'tf32' is none of"),
        ({"got": {"z": 0}}, "there is no output 'z': y, dx, dw, db"),
        ({"got": {"y": None}}, "nothing to compare"),
        ({"got": {"dx": 0}}, "give dy too"),
        (
            {"dy": np.ones((2, 6, 10, 13), "float32")},
            r"dy has shape \(2, 6, 10, 13\), but the output",
        ),
        ({"stride": 0}, "stride"),
        ({"groups": 3}, "groups 3"),
    ],
)
def test_what_cannot_be_compared_is_a_value_error(changes: dict[str, Any], words: str) -> None:
    given = {"got": 0, **arguments(integers), **OPTIONS} | changes
    with pytest.raises(ValueError, match=words):
        assert_conforms(**given)


def test_an_output_that_is_no_array_does_not_conform() -> None:
    with pytest.raises(AssertionError, match=r"^y is of type object: no array of numbers"):
        assert_conforms(object(), **arguments(integers), **OPTIONS)
