"""Times over saved runs, and the lasting changes in them.

Three published methods detect them; none assumes normal noise:

- PELT (Killick, Fearnhead and Eckley 2012, https://doi.org/10.1080/01621459.2012.737745), by the
  library ruptures, cuts a series where the *ranks* of its times change (Lung-Yut-Fong, Levy-Leduc
  and Cappe 2015, https://arxiv.org/abs/1107.1971): an outlier is only one high rank.
- A cut must gain more than all but ``ALARMS`` of random orders of the same runs do, so that noise
  of any distribution raises no more false alarms; this is the permutation test of E-divisive
  (Matteson and James 2014, https://arxiv.org/abs/1306.4933).
- The place of a change is a confidence set by likelihood ratio (Siegmund 1988,
  https://doi.org/10.2307/1403360) around medians, that is for Laplace noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.report.quantities import seconds as in_seconds

# With fewer runs even a perfect step occurs too often by chance; see _penalty.
FEWEST: Final = 12
# A change lasts if it has this many runs on either side.
LASTING: Final = 3
ALARMS: Final = 0.003
# Smaller changes do not matter, even if the noise is smaller still.
SMALLEST: Final = 0.01
_ORDERS: Final = 10000
# In 1 of 100 cases the true place is less likely than the best by more than this (two-sided).
_NATS: Final = -math.log(1 - math.sqrt(0.99))

_Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class SavedRun:
    """A saved run of one framework."""

    date: datetime
    # Empty if unknown.
    commit: str
    branch: str
    version: str  # The framework's


@dataclass(frozen=True)
class Timing:
    """One run's measurement; ``seconds`` is the median, or ``None`` if it has another status."""

    run: SavedRun
    status: str
    seconds: float | None


@dataclass(frozen=True)
class Step:
    """A lasting change."""

    # Indexes of measured runs: the change came after the first, no later than the second.
    before: int
    after: int
    # The medians of the times on either side.
    old: float
    new: float

    @property
    def ratio(self) -> float:
        """The new time divided by the old one."""
        return self.new / self.old

    @property
    def change(self) -> str:
        """How much the time grew or shrank.

        >>> Step(3, 4, 1.0, 1.12).change, Step(3, 4, 1.0, 0.9).change
        ('12 % slower', '10 % faster')
        """
        percent = abs(self.ratio - 1) * 100
        digits = 0 if percent >= 9.95 else 1
        return f"{percent:.{digits}f} % {'slower' if self.ratio > 1 else 'faster'}"


@dataclass(frozen=True)
class Series:
    """The times of one program, on one machine and with the same settings, oldest first.

    Only times with equal ``machine`` and ``settings`` (``threads 4``) are comparable.
    """

    fingerprint: str
    machine: str
    settings: str
    case: str
    descriptor: str
    framework: str
    device: str
    direction: str
    timings: tuple[Timing, ...]

    @cached_property
    def measured(self) -> tuple[tuple[SavedRun, float], ...]:
        """The runs that have a time."""
        return tuple(
            (timing.run, timing.seconds) for timing in self.timings if timing.seconds is not None
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The lasting changes, oldest first."""
        return steps([seconds for _, seconds in self.measured])

    def describe(self, step: Step) -> str:
        """Describe a step by its commits, and by the framework's versions if they differ."""
        old, new = self.measured[step.before][0], self.measured[step.after][0]
        times = f"{in_seconds(step.old)} -> {in_seconds(step.new)}"
        text = f"{_between(old, new)}: {step.change} ({times})"
        if old.version != new.version:
            text += f"; {self.framework} {old.version} -> {new.version}"
        return text


def steps(seconds: Sequence[float]) -> tuple[Step, ...]:
    """Find the lasting changes in a series of times, one for each run, oldest first.

    >>> noise = (0.00, 0.02, -0.01, 0.01, 0.03, -0.02)
    >>> [(s.before, s.after, s.change) for s in steps([b + e for b in (1.0, 1.2) for e in noise])]
    [(5, 6, '20 % slower')]
    """
    logs = np.log(np.asarray(seconds, np.float64))
    cuts = _cuts(logs)
    bounds = [0, *cuts, len(logs)]
    changes = []
    for begin, cut, end in zip(bounds, cuts, bounds[2:], strict=False):
        old, new = float(np.median(logs[begin:cut])), float(np.median(logs[cut:end]))
        if abs(new - old) >= math.log1p(SMALLEST):
            first, last = _where(logs[begin:end], old, new)
            changes.append(Step(begin + first - 1, begin + last, math.exp(old), math.exp(new)))
    return tuple(changes)


def _cuts(values: _Numbers) -> list[int]:
    """Cut where the ranks change, and each piece again: a large change hides a small one."""
    count = len(values)
    if count < FEWEST:
        return []
    cuts: list[int] = []
    # The last boundary is the end.
    pieces = [0, *_pelt(_ranks(values), _penalty(count))]
    if len(pieces) > 2:
        for begin, end in pairwise(pieces):
            cuts += [begin + cut for cut in _cuts(values[begin:end])]
            cuts += [end] * (end < count)
    return cuts


def _pelt(ranks: _Numbers, penalty: float) -> list[int]:
    try:
        from ruptures import KernelCPD  # noqa: PLC0415 -- an extra, and SciPy with it
    except ModuleNotFoundError as error:
        raise InputError(
            f'finding steps needs {error.name}: pip install "deconform[history]"'
        ) from None
    method = KernelCPD(kernel="linear", min_size=LASTING).fit(ranks[:, None])
    return [int(cut) for cut in method.predict(pen=penalty)]


def _ranks(values: _Numbers) -> _Numbers:
    """Rank from 1; equal values share the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[which], np.float64)


@cache
def _penalty(count: int) -> float:
    """The gain of a cut that at most ``ALARMS`` of random orders exceed."""
    ranks = np.arange(count) - (count - 1) / 2
    orders = np.random.default_rng(0).permuted(np.tile(ranks, (_ORDERS, 1)), axis=1)
    cut = np.arange(LASTING, count - LASTING + 1)
    gains = np.cumsum(orders, axis=1)[:, cut - 1] ** 2 * (count / (cut * (count - cut)))
    best = np.sort(gains.max(axis=1))
    # Equality is not enough, however it is rounded.
    return float(best[-1 - math.floor(ALARMS * _ORDERS)]) * (1 + 1e-9)


def _where(values: _Numbers, old: float, new: float) -> tuple[int, int]:
    """The first and the last likely place of the change from one level to the other."""
    as_old, as_new = np.abs(values - old), np.abs(values - new)
    # The scale of Laplace noise: outliers would inflate a mean.
    scale = float(np.median(np.minimum(as_old, as_new))) / math.log(2)
    cost = (np.cumsum(as_old - as_new) + as_new.sum())[:-1]
    likely = np.flatnonzero(cost <= cost.min() + _NATS * scale)
    return int(likely[0]) + 1, int(likely[-1]) + 1


def _between(old: SavedRun, new: SavedRun) -> str:
    if old.commit != new.commit and old.commit and new.commit:
        return f"commit {short(old.commit)}..{short(new.commit)}"
    dates = f"between {old.date:%Y-%m-%d %H:%M} and {new.date:%Y-%m-%d %H:%M}"
    # With one commit something else changed: the machine, or what is installed.
    is_one = old.commit and old.commit == new.commit
    return f"commit {short(old.commit)} itself, {dates}" if is_one else dates


def short(commit: str) -> str:
    """Abbreviate a commit.

    >>> short("0123456789abcdef0123456789abcdef01234567-dirty")
    '0123456789-dirty'
    """
    name, dash, mark = commit.partition("-")
    return f"{name[:10]}{dash}{mark}"
