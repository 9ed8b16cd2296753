"""A benchmark report as rows and columns: programs side by side, and their ratios to a baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from harness.bench.intervals import Interval, geometric_mean, median_interval, paired_ratio
from harness.core.errors import InputError
from harness.records.measurement import MEASURED, Measurement
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report import quantities

_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Row:
    """One case in one direction, by framework."""

    case: str
    direction: str
    measurements: Mapping[str, Measurement]
    times: Mapping[str, Interval]
    ratios: Mapping[str, Interval]

    def cell(self, framework: str) -> tuple[str, Interval | None]:
        """Return a framework's time, or why it has none, and its ratio to the baseline."""
        one = self.measurements.get(framework)
        if one is None or one.status != MEASURED:
            return one.status if one else "-", None
        return quantities.time(self.times[framework]), self.ratios.get(framework)


@dataclass(frozen=True)
class SideBySide:
    """The programs of a report, side by side."""

    frameworks: tuple[str, ...]  # Those with a program that was not skipped, in the header's order
    baseline: str  # The framework that ratios refer to: below 1 is less time
    rows: tuple[Row, ...]  # ``ratios`` compare samples of the same rounds, if both were measured

    @classmethod
    def of(cls, report: Report, baseline: str | None = None) -> SideBySide:
        """Lay a report out; the baseline is the first framework that was measured.

        Raises
        ------
        InputError
            If there is no such baseline in the report.
        """
        measured = Counter(one.framework for one in report.measurements if one.status == MEASURED)
        active = {one.framework for one in report.measurements if one.status != Status.SKIPPED}
        frameworks = tuple(name for name in report.frameworks if name in active)
        if baseline is None:
            baseline = next((name for name in frameworks if measured[name]), "")
        elif not measured[baseline]:
            names = ", ".join(name for name in frameworks if measured[name]) or "none"
            raise InputError(
                f"baseline {baseline!r} was not measured in this report; measured: {names}."
            )
        return cls(frameworks, baseline, tuple(_rows(report, baseline)))

    @cached_property
    def means(self) -> Mapping[tuple[str, str], tuple[Interval, int]]:
        """By direction and framework: the geometric mean of the ratios, and their number."""
        return self.means_by(lambda row, framework: (row.direction, framework))

    def means_by(self, key: Callable[[Row, str], _Key]) -> dict[_Key, tuple[Interval, int]]:
        """Return the geometric means of the ratios by a key of row and framework."""
        ratios: dict[_Key, list[Interval]] = {}
        for row in self.rows:
            for framework, ratio in row.ratios.items():
                if ratio.is_bounded:
                    ratios.setdefault(key(row, framework), []).append(ratio)
        return {name: (geometric_mean(group), len(group)) for name, group in ratios.items()}


def _rows(report: Report, baseline: str) -> Iterator[Row]:
    by_program: dict[tuple[str, str], dict[str, Measurement]] = {}
    for one in report.measurements:
        by_program.setdefault((one.case, one.direction), {})[one.framework] = one
    for (case, direction), measurements in by_program.items():
        samples = {
            name: one.samples for name, one in measurements.items() if one.status == MEASURED
        }
        times = {name: median_interval(each) for name, each in samples.items()}
        divisor = samples.pop(baseline, None)
        ratios = {name: paired_ratio(each, divisor) for name, each in samples.items() if divisor}
        yield Row(case, direction, measurements, times, ratios)
