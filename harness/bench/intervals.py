"""Statistics of times: intervals of medians and ratios, and verdicts on ratios.

Times on a shared machine have outliers upward, drift, and are autocorrelated.  The methods here
assume only that a median exists, and draw no random numbers: the same samples give the same answer.

- A program's time is the *median* of its samples.  Its interval lies between two of the ordered
  samples, chosen by the sign test (Campbell & Gardner, BMJ 296, 1988), interpolating between
  samples (Hettmansperger & Sheather, Statistics & Probability Letters 4, 1986).
- Two programs measured in turns are compared *round by round*: by the median of the rounds' ratios.
  What slows both down at the same time cancels out (blocking: Box, Hunter & Hunter, Statistics for
  Experimenters).  Calculations use the logarithms of ratios, so that A / B and B / A are
  equivalent.  Kalibera & Jones ask for ratios with intervals ("Rigorous Benchmarking in Reasonable
  Time", ISMM 2013; "Quantifying Performance Changes with Effect Size Confidence Intervals",
  https://arxiv.org/abs/2007.10899).  Chen & Revels ("Robust Benchmarking in Noisy Environments",
  https://arxiv.org/abs/1608.04295) show why means are unsuitable; the minimum that they propose
  needs noise that only ever adds time, which does not hold when the clock frequency changes.
- If neighbouring samples are correlated, n rounds carry less information than n independent ones:
  the interval is widened by the *autocorrelation* of the samples' sides of the median (Bayley &
  Hammersley, Supplement to the Journal of the Royal Statistical Society 8, 1946; with Sheppard's
  arcsine law for the sides).
- Two runs that were not interleaved are compared by the ratio of their medians, whose intervals are
  combined as in Zou & Donner (Statistics in Medicine 27, 2008; for medians Bonett & Price, Journal
  of Educational and Behavioral Statistics 45, 2020).
- A difference counts if it is certain *and* matters: its interval lies on one side of 1, and the
  ratio itself is beyond a threshold.  Programs are the same if the whole interval lies within the
  threshold (two one-sided tests: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15,
  1987).  Everything else is unclear, and needs more rounds.

A bootstrap would not help: for a median it yields little more than these order statistics, and its
correction for skewness (BCa) needs a derivative that a median does not have (Efron & Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 11: the jackknife fails for the median).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, takewhile
from typing import Final

CONFIDENCE: Final = 0.99
THRESHOLD: Final = 0.05


class Change(StrEnum):
    """How a time changed; ``INCOMPARABLE`` if the conditions differ."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"
    INCOMPARABLE = "incomparable"


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    ``low`` is 0 and ``high`` infinite if there are too few samples for any interval.
    """

    value: float
    low: float
    high: float

    @property
    def is_bounded(self) -> bool:
        """Whether there were enough samples."""
        return self.low > 0 and math.isfinite(self.high)

    @property
    def spread(self) -> float:
        """Distance of the farther end from the estimate, relative to the estimate.

        >>> Interval(2.0, 1.9, 2.2).spread
        0.1
        """
        return round(max(self.high - self.value, self.value - self.low) / self.value, 12)


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Estimate the median of positive samples, given in the order of measurement.

    >>> time = median_interval([1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0], 0.95)
    >>> time.value, round(time.low, 2), round(time.high, 2)
    (5.0, 2.06, 7.94)

    Raises
    ------
    ValueError
        If there is no sample, or one that is not positive.
    """
    if not samples or min(samples) <= 0:
        raise ValueError("a median needs samples, all of them positive")
    median = _median(samples, confidence)
    return Interval(median.value, max(median.low, 0.0), median.high)


def paired_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Interval:
    """Estimate the ratio of two programs' times, measured in the same rounds.

    Samples with the same index are a pair; surplus samples of either program are ignored.

    >>> paired_ratio([2.0, 6.0, 4.0], [1.0, 3.0, 2.0]).value
    2.0
    """
    pairs = zip(numerator, denominator, strict=False)
    return _exponential(_median([math.log(a) - math.log(b) for a, b in pairs], CONFIDENCE))


def unpaired_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Interval:
    """Estimate the ratio of two programs' times, measured in separate runs.

    The interval covers the noise within each run.  It cannot cover differences *between* the runs:
    the machine's load and temperature, or the placement of memory.
    """
    return quotient(median_interval(numerator), median_interval(denominator))


def quotient(numerator: Interval, denominator: Interval) -> Interval:
    """Divide two independent estimates.

    >>> ratio = quotient(Interval(6.0, 6.0, 6.0), Interval(3.0, 2.0, 4.0))
    >>> round(ratio.value, 9), round(ratio.low, 9), round(ratio.high, 9)
    (2.0, 1.5, 3.0)
    """
    a, b = _logarithmic(numerator), _logarithmic(denominator)
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return _exponential(Interval(value, low, high))


def geometric_mean(ratios: Iterable[Interval]) -> Interval:
    """Return the mean of independent ratios; no other mean is independent of the denominator.

    See Fleming & Wallace, "How not to lie with statistics", CACM 29, 1986.  The interval covers
    the noise of these measurements; it does not extend to other cases.

    >>> geometric_mean([Interval(2.0, 2.0, 2.0), Interval(8.0, 8.0, 8.0)]).value
    4.0
    """
    logs = [_logarithmic(ratio) for ratio in ratios]
    value = statistics.fmean(log.value for log in logs)
    low = value - math.hypot(*(log.value - log.low for log in logs)) / len(logs)
    high = value + math.hypot(*(log.high - log.value for log in logs)) / len(logs)
    return _exponential(Interval(value, low, high))


def change(ratio: Interval, threshold: float = THRESHOLD) -> Change:
    """Classify a ratio of new to old times.

    ``SLOWER``: the interval lies above 1, and the ratio is ``1 + threshold`` or more; ``FASTER``
    likewise for old to new.  ``SAME``: the whole interval lies within the threshold.

    >>> change(Interval(1.10, 1.02, 1.20), 0.05)
    <Change.SLOWER: 'slower'>
    >>> change(Interval(1.01, 0.98, 1.04), 0.05)
    <Change.SAME: 'same'>
    >>> change(Interval(1.10, 0.98, 1.20), 0.05)
    <Change.UNCLEAR: 'unclear'>
    """
    most = 1 + threshold
    if ratio.low > 1 and ratio.value >= most:
        return Change.SLOWER
    if ratio.high < 1 and ratio.value * most <= 1:
        return Change.FASTER
    if ratio.high <= most and ratio.low * most >= 1:
        return Change.SAME
    return Change.UNCLEAR


def effective_rounds(samples: Sequence[float]) -> float:
    """Return how many independent samples would be as informative about the median.

    >>> effective_rounds([1.0, 2.0] * 10)
    20.0
    >>> round(effective_rounds([1.0] * 10 + [2.0] * 10), 3)
    1.0
    """
    count = len(samples)
    rho = _autocorrelation(samples)
    powers = takewhile(lambda k: rho**k > 1e-4, range(1, count))
    terms = ((1 - k / count) * math.asin(rho**k) for k in powers)
    return count / (1 + 4 / math.pi * math.fsum(terms))


def _autocorrelation(samples: Sequence[float]) -> float:
    """Return the correlation of neighbours, 0 to 1, from their sides of the median."""
    count = len(samples)
    middle = statistics.median(samples)
    sides = [int(sample > middle) - int(sample < middle) for sample in samples]
    varied = sum(side * side for side in sides)
    if count < 5 or not varied:
        return 0.0
    observed = sum(a * b for a, b in pairwise(sides)) / varied
    # About their own median, samples look less correlated than they are: Marriott & Pope,
    # Biometrika 41, 1954.
    unbiased = min(max((count * observed + 1) / (count - 4), 0.0), 1.0)
    return math.sin(math.pi / 2 * unbiased)


def _median(samples: Sequence[float], confidence: float) -> Interval:
    """Return the median and its interval, a number of ranks to either side."""
    ordered = sorted(samples)
    count = len(ordered)
    middle = statistics.median(ordered)
    normal = statistics.NormalDist().inv_cdf((1 + confidence) / 2)
    # The same fraction of all samples as it would be of the effective rounds.
    reach = normal / 2 * count / math.sqrt(effective_rounds(samples))
    first = (count - 1) / 2 - reach
    if first < 0:
        return Interval(middle, -math.inf, math.inf)
    return Interval(middle, _ranked(ordered, first), _ranked(ordered, count - 1 - first))


def _ranked(ordered: Sequence[float], rank: float) -> float:
    """Return the sample of a rank, counted from 0; interpolate between samples."""
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def _logarithmic(interval: Interval) -> Interval:
    low = math.log(interval.low) if interval.low else -math.inf
    return Interval(math.log(interval.value), low, math.log(interval.high))


def _exponential(interval: Interval) -> Interval:
    return Interval(math.exp(interval.value), math.exp(interval.low), math.exp(interval.high))
