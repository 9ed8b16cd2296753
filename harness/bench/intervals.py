"""Statistics of times: intervals of medians and of ratios, and what a ratio lets one say.

Times on a shared machine have outliers upward, drift, and resemble the times just before them.
What is used here supposes no more than that a median exists, and draws no random numbers: the
same samples give the same answer.

- A program's time is the *median* of its samples; its interval lies between two of the ordered
  samples, as the sign test finds them (Campbell & Gardner, BMJ 296, 1988; Hettmansperger &
  Sheather, Statistics & Probability Letters 4, 1986, for what lies between two samples).
- Two programs measured in turns are compared *round by round*: the median of the rounds' ratios.
  What slows both down at the same time cancels out (blocking: Box, Hunter & Hunter, Statistics for
  Experimenters).  Ratios are reckoned with by their logarithms, so that A / B and
  B / A say the same.  Ratios with an interval are what Kalibera & Jones ask for ("Rigorous
  Benchmarking in Reasonable Time", ISMM 2013; "Quantifying Performance Changes with Effect Size
  Confidence Intervals", https://arxiv.org/abs/2007.10899).  Chen & Revels ("Robust Benchmarking
  in Noisy Environments", https://arxiv.org/abs/1608.04295) show why no mean will do; their minimum
  needs a noise that only ever adds, which a clock frequency that changes does not.
- Where neighbours are alike, n rounds tell less than n: the interval is widened by the
  *autocorrelation* of the samples' sides of the median (Bayley & Hammersley, Supplement to the
  Journal of the Royal Statistical Society 8, 1946; the arcsine law for the sides is Sheppard's).
- Two runs that were not interleaved are compared by the ratio of their medians, each with its
  interval, put together as Zou & Donner do (Statistics in Medicine 27, 2008; for medians Bonett &
  Price, Journal of Educational and Behavioral Statistics 45, 2020).
- A difference counts where it is certain *and* matters: its interval lies on one side of 1, and
  the ratio itself is beyond a threshold.  Programs are the same where the whole interval lies
  within the threshold (two one-sided tests: Schuirmann, Journal of Pharmacokinetics and
  Biopharmaceutics 15, 1987).  All else is unclear, and more rounds would tell.

A bootstrap was not taken: of a median it finds little but these order statistics again, and its
correction for skewness (BCa) needs a derivative that a median has not (Efron & Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 11: the jackknife fails at the median).
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
    """What became of a time; ``INCOMPARABLE`` where the conditions differ."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"
    INCOMPARABLE = "incomparable"


@dataclass(frozen=True)
class Interval:
    """An estimate, and between what the true value lies with the confidence that was asked for.

    ``low`` is 0 and ``high`` infinite where there are too few samples for any interval.
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
        """How far the farther end is from the estimate, as a part of it.

        >>> Interval(2.0, 1.9, 2.2).spread
        0.1
        """
        return round(max(self.high - self.value, self.value - self.low) / self.value, 12)


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Estimate the median of positive samples in the order in which they were taken.

    >>> found = median_interval([1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0], 0.95)
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (5.0, 2.06, 7.94)

    Raises
    ------
    ValueError
        If there is no sample, or one that is not positive.
    """
    if not samples or min(samples) <= 0:
        raise ValueError("a median needs samples, all of them positive")
    found = _median(samples, confidence)
    return Interval(found.value, max(found.low, 0.0), found.high)


def paired_ratio(
    numerator: Sequence[float], denominator: Sequence[float], confidence: float = CONFIDENCE
) -> Interval:
    """Estimate the ratio of two programs' times that were measured in the same rounds.

    Samples of the same index belong together; what one has more of than the other is left out.

    >>> paired_ratio([2.0, 6.0, 4.0], [1.0, 3.0, 2.0]).value
    2.0
    """
    pairs = zip(numerator, denominator, strict=False)
    return _exponential(_median([math.log(a) - math.log(b) for a, b in pairs], confidence))


def unpaired_ratio(
    numerator: Sequence[float], denominator: Sequence[float], confidence: float = CONFIDENCE
) -> Interval:
    """Estimate the ratio of two programs' times that were measured apart from each other.

    The interval covers the noise inside each of the runs.  It cannot know what differed *between*
    them: the load of the machine, its temperature, where memory happened to lie.
    """
    return quotient(
        median_interval(numerator, confidence), median_interval(denominator, confidence)
    )


def quotient(numerator: Interval, denominator: Interval) -> Interval:
    """Divide two independent estimates.

    >>> found = quotient(Interval(6.0, 6.0, 6.0), Interval(3.0, 2.0, 4.0))
    >>> round(found.value, 9), round(found.low, 9), round(found.high, 9)
    (2.0, 1.5, 3.0)
    """
    a, b = _logarithmic(numerator), _logarithmic(denominator)
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return _exponential(Interval(value, low, high))


def geometric_mean(ratios: Iterable[Interval]) -> Interval:
    """Give the mean of independent ratios: the only one that does not depend on the denominator.

    See Fleming & Wallace, "How not to lie with statistics", CACM 29, 1986.  The interval covers
    the noise of the measurements; of other cases than these it says nothing.

    >>> geometric_mean([Interval(2.0, 2.0, 2.0), Interval(8.0, 8.0, 8.0)]).value
    4.0
    """
    logs = [_logarithmic(ratio) for ratio in ratios]
    value = statistics.fmean(log.value for log in logs)
    low = value - math.hypot(*(log.value - log.low for log in logs)) / len(logs)
    high = value + math.hypot(*(log.high - log.value for log in logs)) / len(logs)
    return _exponential(Interval(value, low, high))


def change(ratio: Interval, threshold: float = THRESHOLD) -> Change:
    """Say what a ratio of new to old times lets one say.

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
    """Say how many independent samples tell as much about the median as these do.

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
    """The correlation of neighbours, from the sides of the median that they are on; 0 to 1."""
    count = len(samples)
    middle = statistics.median(samples)
    sides = [int(sample > middle) - int(sample < middle) for sample in samples]
    varied = sum(side * side for side in sides)
    if count < 5 or not varied:
        return 0.0
    found = sum(a * b for a, b in pairwise(sides)) / varied
    # Taken about their own median, samples look less alike than they are: Marriott & Pope,
    # Biometrika 41, 1954.
    unbiased = min(max((count * found + 1) / (count - 4), 0.0), 1.0)
    return math.sin(math.pi / 2 * unbiased)


def _median(samples: Sequence[float], confidence: float) -> Interval:
    """The median and its interval: a number of ranks to either side."""
    ordered = sorted(samples)
    count = len(ordered)
    middle = statistics.median(ordered)
    normal = statistics.NormalDist().inv_cdf((1 + confidence) / 2)
    # As many ranks for the whole as for the effective rounds: the part of the samples is the same.
    reach = normal / 2 * count / math.sqrt(effective_rounds(samples))
    first = (count - 1) / 2 - reach
    if first < 0:
        return Interval(middle, -math.inf, math.inf)
    return Interval(middle, _ranked(ordered, first), _ranked(ordered, count - 1 - first))


def _ranked(ordered: Sequence[float], rank: float) -> float:
    """The sample of a rank from 0, or what lies between two."""
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def _logarithmic(interval: Interval) -> Interval:
    low = math.log(interval.low) if interval.low else -math.inf
    return Interval(math.log(interval.value), low, math.log(interval.high))


def _exponential(interval: Interval) -> Interval:
    return Interval(math.exp(interval.value), math.exp(interval.low), math.exp(interval.high))
