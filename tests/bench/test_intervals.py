"""Statistics of noisy times: no difference where there is none, and a tenth where there is one.

The noise is drawn (``made_benchmarks.interleaved``) from fixed seeds; nothing is timed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import interleaved

from harness.bench.intervals import (
    Change,
    Interval,
    change,
    effective_rounds,
    geometric_mean,
    median_interval,
    paired_ratio,
    quotient,
    unpaired_ratio,
)

RUNS, ROUNDS = 300, 50
Ratio = Callable[[Sequence[float], Sequence[float]], Interval]
TIMES = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=40)


@cache
def verdicts(slowed: float, ratio: Ratio, rounds: int = ROUNDS) -> Counter[Change]:
    """Compare two equal programs, of which one is slowed by a factor, in many runs."""
    runs = (interleaved(seed, rounds) for seed in range(RUNS))
    return Counter(change(ratio((b * slowed).tolist(), a.tolist())) for a, b in runs)


def test_equal_programs_measured_in_turns_do_not_differ() -> None:
    found = verdicts(1.0, paired_ratio)
    assert found[Change.FASTER] + found[Change.SLOWER] <= RUNS / 100
    assert found[Change.SAME] >= 0.9 * RUNS


def test_twice_the_rounds_leave_nothing_unclear() -> None:
    assert verdicts(1.0, paired_ratio, 2 * ROUNDS)[Change.SAME] >= 0.99 * RUNS
    assert verdicts(1.1, paired_ratio, 2 * ROUNDS)[Change.SLOWER] >= 0.99 * RUNS


@pytest.mark.parametrize(
    ("slowed", "expected"), [(1.1, Change.SLOWER), (1 / 1.1, Change.FASTER)], ids=str
)
def test_a_tenth_is_found(slowed: float, expected: Change) -> None:
    assert verdicts(slowed, paired_ratio)[expected] >= 0.95 * RUNS


def test_what_is_found_is_due_to_the_pairs() -> None:
    assert verdicts(1.1, unpaired_ratio)[Change.SLOWER] < 0.5 * RUNS


def test_few_rounds_are_unclear_rather_than_wrong() -> None:
    found = verdicts(1.0, paired_ratio, 10)
    assert found[Change.FASTER] + found[Change.SLOWER] <= RUNS / 100
    assert verdicts(1.0, paired_ratio, 8) == {Change.UNCLEAR: RUNS}


@pytest.mark.parametrize("slowed", [1.0, 1.1])
@pytest.mark.parametrize("rounds", [12, 20, 50, 200])
def test_interval_holds_the_true_ratio(slowed: float, rounds: int) -> None:
    runs = (interleaved(seed, rounds) for seed in range(RUNS))
    found = [paired_ratio((b * slowed).tolist(), a.tolist()) for a, b in runs]
    assert sum(ratio.low <= slowed <= ratio.high for ratio in found) >= 0.97 * RUNS


def test_interval_of_independent_samples_is_the_sign_tests() -> None:
    """Of 20 samples the 95 % interval lies between the 6th and the 15th (binomial tables)."""
    samples = [float(i) for i in range(1, 21)]
    np.random.default_rng(0).shuffle(samples)
    assert effective_rounds(samples) == 20
    found = median_interval(samples, 0.95)
    assert found.value == 10.5
    assert 6 <= found.low < 7
    assert 14 < found.high <= 15


def test_samples_that_resemble_their_neighbours_tell_less() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.01, 2000)
    alike = np.zeros(2000)
    for i in range(1, 2000):
        alike[i] = 0.6 * alike[i - 1] + noise[i]
    # Sums over the arcsine law: what is known of Gaussian noise with this autocorrelation.
    expected = 1 + 4 / math.pi * sum(math.asin(0.6**k) for k in range(1, 60))
    assert 2000 / effective_rounds(np.exp(alike).tolist()) == pytest.approx(expected, rel=0.15)
    assert effective_rounds(np.exp(noise).tolist()) > 1800


@given(TIMES)
def test_interval_is_around_its_median(samples: list[float]) -> None:
    found = median_interval(samples)
    assert found.low <= found.value <= found.high
    if found.is_bounded:
        assert min(samples) <= found.low
        assert found.high <= max(samples)


@given(TIMES, st.sampled_from([0.25, 2.0, 1024.0]))
def test_interval_goes_with_the_unit(samples: list[float], unit: float) -> None:
    found, other = median_interval(samples), median_interval([unit * one for one in samples])
    assert (other.value, other.low, other.high) == (
        unit * found.value,
        unit * found.low,
        unit * found.high,
    )


@given(st.lists(st.tuples(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3)), min_size=1, max_size=40))
def test_ratio_upside_down_says_the_same(pairs: list[tuple[float, float]]) -> None:
    a, b = ([pair[i] for pair in pairs] for i in (0, 1))
    found, back = paired_ratio(a, b), paired_ratio(b, a)
    assert found.value * back.value == pytest.approx(1)
    if found.is_bounded:
        assert found.low * back.high == pytest.approx(1)
        assert found.high * back.low == pytest.approx(1)


@pytest.mark.parametrize("ratio", [paired_ratio, unpaired_ratio])
def test_common_factor_cancels(ratio: Ratio) -> None:
    a, b = (times.tolist() for times in interleaved(3, 30))
    found = ratio(a, b)
    other = ratio([2 * time for time in a], [2 * time for time in b])
    assert other.value == pytest.approx(found.value)
    assert other.low == pytest.approx(found.low)


def test_drift_of_both_cancels_round_by_round_only() -> None:
    drift = np.linspace(1, 3, 30)
    assert paired_ratio((1.5 * drift).tolist(), drift.tolist()).spread < 1e-9
    assert unpaired_ratio((1.5 * drift).tolist(), drift.tolist()).spread > 0.5


def test_one_outlier_changes_nothing_that_counts() -> None:
    a, b = interleaved(5, 30)
    calm = paired_ratio(a.tolist(), b.tolist())
    a[7] *= 1000
    assert paired_ratio(a.tolist(), b.tolist()).value == pytest.approx(calm.value, rel=0.02)


def test_samples_without_a_partner_are_left_out() -> None:
    a, b = (times.tolist() for times in interleaved(4, 30))
    assert paired_ratio([*a, 1e9], b) == paired_ratio(a, b)


@pytest.mark.parametrize("samples", [[], [1.0, 0.0], [1.0, -1.0]])
def test_times_are_positive(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="a median needs samples"):
        median_interval(samples)


def test_numpys_numbers_are_as_good() -> None:
    (a, b) = interleaved(6, 30)
    assert paired_ratio(list(a), list(b)) == paired_ratio(a.tolist(), b.tolist())


def test_quotient_of_intervals_is_wider_than_each() -> None:
    a, b = Interval(2.0, 1.8, 2.2), Interval(1.0, 0.95, 1.1)
    found = quotient(a, b)
    assert found.value == pytest.approx(2.0)
    assert found.low == pytest.approx(2 * math.exp(-math.hypot(math.log(2 / 1.8), math.log(1.1))))
    assert found.high == pytest.approx(2 * math.exp(math.hypot(math.log(1.1), math.log(1 / 0.95))))


def test_geometric_mean_does_not_depend_on_the_denominator() -> None:
    ratios = [Interval(0.5, 0.4, 0.6), Interval(3.0, 2.5, 3.1)]
    upside_down = [Interval(1 / r.value, 1 / r.high, 1 / r.low) for r in ratios]
    found, back = geometric_mean(ratios), geometric_mean(upside_down)
    assert found.value == pytest.approx(1.5**0.5)
    assert found.value * back.value == pytest.approx(1)
    assert found.low * back.high == pytest.approx(1)


@pytest.mark.parametrize(
    ("ratio", "threshold", "expected"),
    [
        ((1.10, 1.02, 1.20), 0.05, Change.SLOWER),
        ((1.10, 0.99, 1.20), 0.05, Change.UNCLEAR),
        ((1.04, 1.03, 1.05), 0.05, Change.SAME),
        ((1.04, 1.03, 1.06), 0.05, Change.UNCLEAR),
        ((1.05, 1.04, 1.06), 0.05, Change.SLOWER),
        ((1.00, 0.96, 1.04), 0.05, Change.SAME),
        ((1.00, 0.94, 1.04), 0.05, Change.UNCLEAR),
        ((0.90, 0.85, 0.99), 0.05, Change.FASTER),
        ((0.90, 0.85, 1.01), 0.05, Change.UNCLEAR),
        ((1.10, 1.08, 1.12), 0.20, Change.SAME),
        ((1.10, 0.00, math.inf), 0.05, Change.UNCLEAR),
    ],
)
def test_change(ratio: tuple[float, float, float], threshold: float, expected: Change) -> None:
    assert change(Interval(*ratio), threshold) == expected
