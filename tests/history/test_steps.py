"""Steps in noisy series are found where they are, and nowhere else; runs become streaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from examples import slow
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.history.steps import FEWEST, SavedRun, Series, Timing, steps

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]


def normal(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return rng.normal(0, 0.03, count)


def outliers(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Every tenth run is disturbed, some of them grossly."""
    return normal(rng, count) + (rng.random(count) < 0.1) * rng.exponential(0.5, count)


def heavy(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Student's distribution of two degrees of freedom: it has no variance."""
    return 0.02 * rng.standard_t(2, count)


def skewed(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return rng.exponential(0.03, count)


def noisy(noise: Noise, seed: int, *levels: tuple[int, float]) -> list[float]:
    """Times around levels, each held for a number of runs."""
    flat = np.concatenate([np.full(count, level) for count, level in levels])
    return list(flat * np.exp(noise(np.random.default_rng(seed), len(flat))))


@pytest.mark.parametrize("noise", [normal, slow(outliers), slow(heavy), slow(skewed)])
@pytest.mark.parametrize("count", [12, slow(20), slow(50), slow(200)])
@pytest.mark.slow
def test_at_most_one_series_of_pure_noise_in_a_hundred_has_a_step(noise: Noise, count: int) -> None:
    alarms = sum(bool(steps(noisy(noise, seed, (count, 0.001)))) for seed in range(500))
    assert alarms <= 5


@pytest.mark.parametrize(
    ("noise", "before", "after", "least"),
    [
        (normal, 10, 10, 0.9),
        (normal, 40, 20, 0.97),
        (normal, 150, 50, 0.97),
        (normal, 8, 8, 0.8),
        (heavy, 25, 25, 0.9),
        (skewed, 25, 25, 0.9),
        (outliers, 25, 25, 0.9),
    ],
)
@pytest.mark.parametrize("ratio", [1.1, slow(1 / 1.1)])
@pytest.mark.slow
def test_a_change_of_a_tenth_is_found_once_and_where_it_is(
    noise: Noise, before: int, after: int, least: float, ratio: float
) -> None:
    tried = 100
    found = [
        steps(noisy(noise, seed, (before, 0.001), (after, 0.001 * ratio))) for seed in range(tried)
    ]
    single = [one for one in found if len(one) == 1]
    assert len(single) >= least * tried
    right = [step for (step,) in single if step.before < before <= step.after]
    assert len(right) >= 0.95 * len(single)
    assert np.median([step.ratio for step in right]) == pytest.approx(ratio, rel=0.01)


def test_an_unmistakable_step_is_placed_between_two_runs() -> None:
    (step,) = steps(noisy(normal, 1, (30, 0.001), (20, 0.002)))
    assert (step.before, step.after) == (29, 30)


def test_steps_of_any_sizes_are_found_beside_one_another() -> None:
    levels = (25, 1.0), (25, 1.15), (25, 3.0), (25, 2.6)
    found = steps(noisy(normal, 1, *levels))
    assert [(step.before < at <= step.after) for step, at in zip(found, (25, 50, 75), strict=True)]
    assert [step.ratio > 1 for step in found] == [True, True, False]


def test_a_slow_while_is_a_step_up_and_a_step_down() -> None:
    up, down = steps(noisy(outliers, 3, (20, 1.0), (20, 1.3), (20, 1.0)))
    assert up.before < 20 <= up.after
    assert down.before < 40 <= down.after


@pytest.mark.parametrize("disturbed", [1, 2])
def test_what_does_not_last_is_no_step(disturbed: int) -> None:
    levels = (15, 1.0), (disturbed, 9.0), (15, 1.0)
    assert steps(noisy(normal, 1, *levels)) == ()
    assert steps(noisy(normal, 1, (30, 1.0), (disturbed, 9.0))) == ()


def test_what_is_too_small_to_matter_is_no_step() -> None:
    def quiet(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        return rng.normal(0, 0.0001, count)

    assert steps(noisy(quiet, 1, (20, 1.0), (20, 1.005))) == ()
    assert len(steps(noisy(quiet, 1, (20, 1.0), (20, 1.02)))) == 1


@given(st.floats(1e-9, 1e3), st.integers(0, 60))
def test_equal_times_have_no_step(seconds: float, count: int) -> None:
    assert steps([seconds] * count) == ()


@given(st.floats(1e-6, 1e6))
def test_the_unit_does_not_matter(scale: float) -> None:
    seconds = noisy(outliers, 5, (20, 1.0), (15, 1.3))
    scaled = steps([one * scale for one in seconds])
    assert [(one.before, one.after) for one in scaled] == [
        (one.before, one.after) for one in steps(seconds)
    ]


def test_a_perfect_step_in_too_few_runs_is_none_yet() -> None:
    half = FEWEST // 2
    assert steps([1.0] * half + [2.0] * (half - 1)) == ()
    assert len(steps([1.0] * half + [2.0] * half)) == 1


def series(seconds: list[float | None], commits: list[str], versions: list[str]) -> Series:
    runs = [
        SavedRun(BEGAN + timedelta(days=day), commit, "main", version)
        for day, (commit, version) in enumerate(zip(commits, versions, strict=True))
    ]
    timings = tuple(
        Timing(run, "MEASURED" if one else "CRASHED", one)
        for run, one in zip(runs, seconds, strict=True)
    )
    where = Series("f00d", "", "", "bench/a", "", "mxnet", "cpu", "forward", ())
    return replace(where, timings=timings)


SLOWER: list[float | None] = [0.010, 0.011, 0.010, 0.012, 0.011, 0.010]
SLOWER = [*SLOWER, *(one * 2 for one in SLOWER if one)]


@pytest.mark.parametrize(
    ("commits", "versions", "said"),
    [
        ([f"c{n}" for n in range(12)], ["1.0"] * 12, "commit c5..c6: 100 % slower "),
        (
            [f"c{n}" for n in range(12)],
            ["1.0"] * 6 + ["1.1"] * 6,
            "commit c5..c6: 100 % slower (10.5 ms -> 21.0 ms); mxnet 1.0 -> 1.1",
        ),
        (
            ["c"] * 12,
            ["1.0"] * 12,
            "commit c itself, between 2026-01-06 12:00 and 2026-01-07 12:00: 100 % slower ",
        ),
        (
            ["c"] * 6 + [""] * 6,
            ["1.0"] * 12,
            "between 2026-01-06 12:00 and 2026-01-07 12:00: 100 % slower ",
        ),
    ],
)
def test_a_step_is_said_with_all_that_changed(
    commits: list[str], versions: list[str], said: str
) -> None:
    one = series(SLOWER, commits, versions)
    (step,) = one.steps
    assert one.describe(step).startswith(said)


def test_runs_without_a_time_are_no_part_of_a_step() -> None:
    seconds = [*SLOWER[:6], None, None, *SLOWER[6:]]
    one = series(seconds, [f"c{n}" for n in range(14)], ["1.0"] * 14)
    (step,) = one.steps
    assert one.describe(step).startswith("commit c5..c8: ")
