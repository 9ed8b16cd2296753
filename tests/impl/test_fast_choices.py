"""What the fast implementation chooses, and for which data: numbers alone would not show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from strategies import keywords

from harness.suite.case import case_from_descriptor
from impl import fast, reference
from impl.geometry import Array, Geometry
from impl.phases import Problem

# Gathers, for weights that are finite; neither a product nor a layer of few channels.
GATHERED = "ic64_oc32_k4x4_s2x2_c1.1x1.1_n1_i8x8"


def problem_of(descriptor: str, dtype: str = "float32") -> tuple[Problem, dict[str, Array]]:
    case = case_from_descriptor(descriptor)
    data = {name: array.astype(dtype) for name, array in case.data().items()}
    geometry = Geometry.of(data["x"], data["w"], **keywords(case.operator))
    return Problem.of(geometry, data["x"], data["w"], data.get("b"), np.dtype(dtype)), data


# The cost model.


@pytest.mark.parametrize(
    ("descriptor", "direction", "length", "algorithms"),
    [
        ("ic8_oc32_k9_s4_d2_g2_n3", "forward", 117, ("scatter", "gather")),
        ("ic8_oc32_k9_s4_d2_g2_n3", "backward", 1249, ("scatter", "gather")),
        ("ic8_oc16_k4_s2_n2", "forward", 152, ("scatter", "gather")),
        ("ic8_oc16_k4_s2_n2", "backward", 2543, ("scatter", "gather")),
        ("ic32_oc4_k12_s4_g2_n1", "forward", 2408, ("gather", "scatter")),
    ],
)
def test_the_cost_model_breaks_even_where_it_was_measured_to(
    descriptor: str,
    direction: str,
    length: int,
    algorithms: tuple[fast.Algorithm, fast.Algorithm],
) -> None:
    """Every term and factor of the model moves at least one of these lengths."""
    for size, algorithm in zip((length - 1, length), algorithms, strict=True):
        problem, data = problem_of(f"{descriptor}_i{size}")
        if direction == "forward":
            assert fast.cheaper(problem) == algorithm
        else:
            assert fast.cheaper_vjp(problem, data["dy"]) == algorithm


def weights(problem: Problem, size: int) -> Problem:
    """A problem with so many bytes of weights, next to none of which are in memory."""
    c_in = problem.w.shape[1]
    return replace(problem, w=np.broadcast_to(np.zeros(1, np.int8), (1, c_in, 1, size // c_in)))


def test_weights_that_fill_the_memory_are_not_gathered() -> None:
    problem, _ = problem_of(GATHERED)
    assert fast.cheaper(weights(problem, 32 << 20)) == "gather"
    assert fast.cheaper(weights(problem, (32 << 20) + 64)) == "scatter"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("descriptor", "copies"), [("ic8_oc16_k4_s2_n2_i3000", 3), ("ic8_oc64_k32_s16_n8_i3000", 2)]
)
def test_copies_that_fill_the_memory_are_not_made_for_gradients(
    descriptor: str, copies: int
) -> None:
    problem, data = problem_of(descriptor)
    most = (50 << 20) // copies // 8 * 8
    assert problem.phases.in_runs is (copies == 2)
    assert fast.cheaper_vjp(weights(problem, most), data["dy"]) == "gather"
    assert fast.cheaper_vjp(weights(problem, most + 8), data["dy"]) == "scatter"


# What is not finite.


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
def test_only_finite_weights_of_moderate_size_are_gathered(value: float) -> None:
    """Zeros beyond the input times an infinite weight are NaN that the definition has not."""
    problem, data = problem_of(GATHERED)
    assert fast.cheaper(problem) == "gather"
    data["w"][5, 7, 1, 2] = value
    assert fast.cheaper(problem) == "scatter"
    options = keywords(case_from_descriptor(GATHERED).operator)
    got = fast.conv_transpose(data["x"], data["w"], **options)
    expected = reference.conv_transpose(data["x"], data["w"], **options)
    assert np.isnan(expected).sum() == np.isnan(got).sum()
    assert np.array_equal(np.isfinite(expected), np.isfinite(got))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
def test_only_a_finite_cotangent_is_gathered(value: float) -> None:
    problem, data = problem_of("ic8_oc16_k4_s2_n2_i3000")
    assert fast.cheaper_vjp(problem, data["dy"]) == "gather"
    data["dy"][1, 7, 2000] = value
    assert fast.cheaper_vjp(problem, data["dy"]) == "scatter"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[1, 2]]), True),
        (np.array([[1, 2]], np.uint8), True),
        (np.array([[1.0, 2.0]]), True),
        (np.array([[1.0, -3e38]], np.float32), False),
        (np.array([[1.0, np.inf]]), False),
        (np.array([[np.nan, 1.0]]), False),
        (np.array([[1.0, 1j * np.inf]]), False),
        (np.zeros((0, 3)), True),
        (np.zeros((3, 4))[:, ::2], True),
        (np.full((3, 4), np.inf)[:, ::2], False),
        # Strided, and so large that a copy would cost much: not looked at.
        (np.broadcast_to(np.zeros(1, np.float64), (1 << 22,)), True),
        (np.broadcast_to(np.zeros(1, np.float64), ((1 << 22) + 1,)), False),
        (np.zeros((1 << 22) + 1), True),
    ],
)
def test_what_counts_as_finite(array: Array, *, expected: bool) -> None:
    assert fast._is_finite(array) is expected


# Products and loops.

PRODUCT = "ic6_oc4_k1x1_s1x1_g2_b_n3_i9x9"


def calls_of(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Watch a function of the module: each call adds its name to the list."""
    calls: list[str] = []
    watched: Callable[..., Any] = getattr(fast, name)

    def watch(*arguments: Any) -> Any:
        calls.append(name)
        return watched(*arguments)

    monkeypatch.setattr(fast, name, watch)
    return calls


class Subclass(np.ndarray[Any, Any]):
    """Of a kind that may have a meaning of its own."""


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        (lambda x: x, True),
        (lambda x: x.view(np.memmap), True),
        (lambda x: x.astype("float64"), False),
        (np.asfortranarray, False),
        (lambda x: x.view(Subclass), False),
    ],
)
def test_plain_arrays_are_one_product(
    change: Callable[[Array], Array], is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data = problem_of(PRODUCT)
    options = keywords(case_from_descriptor(PRODUCT).operator)
    forward, backward = (calls_of(name, monkeypatch) for name in ("multiply", "multiply_vjp"))
    x, w, dy = change(data["x"]), data["w"], data["dy"]
    y = fast.conv_transpose(x, w, data["b"], **options)
    np.testing.assert_array_equal(y, reference.conv_transpose(x, w, data["b"], **options))
    fast.conv_transpose_vjp(dy, x, w, **options)
    # A wider input makes a wider output, which is as plain.
    wider = x.dtype == "float64"
    assert forward == ["multiply"] * (is_taken or wider)
    assert backward == ["multiply_vjp"] * is_taken


def test_half_precision_and_an_algorithm_that_is_asked_for_are_no_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forward, backward = (calls_of(name, monkeypatch) for name in ("multiply", "multiply_vjp"))
    problem, data = problem_of(PRODUCT)
    geometry = problem.phases.geometry
    fast.conv_transpose_by("scatter", geometry, data["x"], data["w"], data["b"])
    fast.conv_transpose_vjp_by("gather", geometry, data["dy"], data["x"], data["w"])
    half = {name: array.astype("float16") for name, array in data.items()}
    fast.conv_transpose_by(None, geometry, half["x"], half["w"], half["b"])
    fast.conv_transpose_vjp_by(None, geometry, half["dy"], half["x"], half["w"])
    assert (forward, backward) == ([], [])


@pytest.mark.parametrize("value", [1.0, np.inf])
@pytest.mark.parametrize("is_worth", [True, False])
def test_loops_are_for_layers_that_are_worth_it_and_finite_weights(
    value: float, is_worth: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(fast, "is_worth", lambda _: is_worth)
    monkeypatch.setattr(fast, "direct", lambda _, y: calls.append(y))
    problem, data = problem_of(GATHERED)
    data["w"][0, 0, 0, 0] = value
    y = fast.conv_transpose_by(None, problem.phases.geometry, data["x"], data["w"], None)
    # What the loops were given is returned, and nothing else is computed.
    assert [each is y for each in calls] == [True] * (is_worth and value == 1.0)


@pytest.mark.parametrize("asked", ["scatter", "gather"])
def test_the_algorithm_that_is_asked_for_works_once_on_the_arrays_themselves(
    asked: fast.Algorithm, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("scatter", "gather", "scatter_vjp", "gather_vjp", "entries_last")
    calls = {name: calls_of(name, monkeypatch) for name in names}
    problem, data = problem_of("ic4_oc6_k4x4_s2x2_n2_i5x5")
    geometry = problem.phases.geometry
    fast.conv_transpose_by(asked, geometry, data["x"], data["w"], None)
    fast.conv_transpose_vjp_by(asked, geometry, data["dy"], data["x"], data["w"])
    assert {name for name, made in calls.items() if made} == {asked, f"{asked}_vjp"}
    assert [len(calls[name]) for name in (asked, f"{asked}_vjp")] == [1, 1]


# Batch entries side by side.


def parts(x: Array, w: Array | None = None, c_out: int = 1) -> list[int]:
    """How many entries each part has whose entries are moved side by side; none where none are."""
    one = np.zeros((x.shape[1], 1, *(1,) * (x.ndim - 2)), np.float32)
    geometry = Geometry.of(x, one, stride=1, dilation=1, crop=0, groups=1)
    problem = Problem.of(geometry, x, one, None, x.dtype)
    if w is not None:
        problem = replace(problem, w=w)
    y = np.zeros((len(x), c_out, *geometry.out_size), np.float32)
    yielded = list(fast._by_entries(problem, y))
    assert sum(entries.stop - entries.start for _, entries in yielded) == len(x)
    return [entries.stop - entries.start for part, entries in yielded if part is not problem]


def inputs(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def test_entries_are_moved_where_rows_are_sixteen_times_shorter() -> None:
    assert parts(inputs(31, 2, 9, 2)) == []
    assert parts(inputs(32, 2, 9, 2)) == [32]


def test_entries_that_lie_side_by_side_stay() -> None:
    assert parts(np.moveaxis(inputs(2, 9, 2, 32), -1, 0)) == []


def test_entries_are_moved_in_parts_of_four_mebibytes() -> None:
    assert parts(inputs(2100, 128, 4, 2)) == [1024, 1024, 52]  # 4 KiB an entry of x
    assert parts(inputs(2100, 1, 4, 2), c_out=128) == [1024, 1024, 52]  # and of y
    assert parts(inputs(2 << 20, 1, 1)[::-1][: (1 << 20) + 1]) == [1 << 20, 1]
    # Of entries so large a part holds too few.
    assert parts(inputs(40, 1 << 16, 1, 2)) == []


def test_entries_are_not_moved_for_large_weights() -> None:
    def weights(size: int) -> Array:
        return np.broadcast_to(np.zeros(1, np.int8), (1, size))

    assert parts(inputs(32, 2, 9, 2), weights(8 << 20)) == [32]
    assert parts(inputs(32, 2, 9, 2), weights((8 << 20) + 1)) == []


# The call.


def test_options_left_out_are_those_of_the_definition() -> None:
    _, data = problem_of("ic2_oc3_k3x2_s1x1_b_n2_i4x5")
    arrays = data["x"], data["w"]
    y = fast.conv_transpose(*arrays, data["b"])
    np.testing.assert_array_equal(y, reference.conv_transpose(*arrays, data["b"]))
    gradients = fast.conv_transpose_vjp(data["dy"], *arrays)
    for got, expected in zip(
        gradients, reference.conv_transpose_vjp(data["dy"], *arrays), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_a_bias_or_a_cotangent_of_another_shape_is_refused() -> None:
    _, data = problem_of("ic2_oc3_k3x2_s1x1_b_n2_i4x5")
    with pytest.raises(ValueError, match=r"b has shape \(1,\)"):
        fast.conv_transpose(data["x"], data["w"], data["b"][:1])
    with pytest.raises(ValueError, match="dy has shape"):
        fast.conv_transpose_vjp(data["dy"][..., :1], data["x"], data["w"])


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 2, 0)])
def test_nothing_in_gives_the_bias_and_gradients_of_zero(shape: tuple[int, ...]) -> None:
    x, w, b = np.zeros(shape), np.ones((2, 3, 4)), np.arange(3.0)
    geometry = Geometry.of(x, w, stride=1, dilation=1, crop=0, groups=1)
    y = fast.conv_transpose(x, w, b)
    np.testing.assert_array_equal(y, np.broadcast_to(b[:, None], y.shape))
    np.testing.assert_array_equal(fast.conv_transpose(x, w), np.zeros(y.shape))
    dy = np.ones((len(x), 3, *geometry.out_size))
    dx, dw, _ = fast.conv_transpose_vjp(dy, x, w)
    assert dx.shape == shape
    assert not dw.any()
