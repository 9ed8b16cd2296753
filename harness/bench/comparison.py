"""Compare an old and a new benchmark report: which programs became slower or faster.

The two runs were not interleaved, so a ratio of plain times also contains changes of the machine:
its clock frequency, load and temperature.  But each program was measured in the same rounds as
others: if everything became 10 % slower, the machine did.  So a program's time is divided by that
of every other program of its case, and these ratios are compared, new to old.  The median decides;
of two middle ratios, the one nearer to 1.  This is right as long as fewer than half of the other
programs changed.  A single other program cannot show which of the two changed; then the plain times
count as well.  Alternatively, choose a baseline that is known not to have changed.

This cannot detect what slows all programs down equally (a note reports it), nor what would differ
in another pair of runs, such as the placement of memory (Kalibera & Jones, ISMM 2013): a program
near the threshold needs more than two runs.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from harness.bench.intervals import (
    THRESHOLD,
    Change,
    Interval,
    change,
    geometric_mean,
    paired_ratio,
    quotient,
    unpaired_ratio,
)
from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Header
from harness.records.report_file import Report

Key: TypeAlias = tuple[str, str, str]

# Fewest programs for which a common shift is blamed on the machine.
_MANY = 4
# Fewest other programs that show which program changed.
_FEWEST_PEERS = 2


class ComparisonError(InputError):
    """Two reports cannot be compared."""


@dataclass(frozen=True)
class Pair:
    """One program in both reports."""

    old: Measurement
    new: Measurement
    # The ratio of the times, new to old; None if they are incomparable.
    plain: Interval | None = None
    # The ratio to judge, corrected for changes of the machine; above 1 is slower.
    ratio: Interval | None = None
    change: Change = Change.INCOMPARABLE
    reason: str = ""  # Why they are incomparable


@dataclass(frozen=True)
class Single:
    """A program that has a time in one report only, and its status in the other."""

    measured: Measurement
    where: str
    status: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """How the programs of an old report changed in a new one."""

    old: Header
    new: Header
    threshold: float
    baseline: str | None
    pairs: tuple[Pair, ...]
    singles: tuple[Single, ...]

    @property
    def regressions(self) -> tuple[Pair, ...]:
        """The pairs that became slower by the threshold or more."""
        return tuple(pair for pair in self.pairs if pair.change == Change.SLOWER)

    @property
    def is_comparable(self) -> bool:
        """Whether any pair can be compared."""
        return any(pair.change != Change.INCOMPARABLE for pair in self.pairs)

    @cached_property
    def means(self) -> Mapping[str, tuple[Interval, int]]:
        """By framework: the geometric mean of the ratios, and their number."""
        ratios: dict[str, list[Interval]] = {}
        for pair in self.pairs:
            if pair.ratio and pair.ratio.is_bounded:
                ratios.setdefault(pair.new.framework, []).append(pair.ratio)
        return {name: (geometric_mean(group), len(group)) for name, group in ratios.items()}

    @property
    def notes(self) -> Iterator[str]:
        """What else differs between the reports, and may explain the changes."""
        yield from _changed_frameworks(self.old, self.new)
        yield from _changed_settings(self.old, self.new)
        yield from _changed_ceilings(self.old, self.new, self.threshold)
        plain = [pair.plain.value for pair in self.pairs if pair.plain]
        if len(plain) < _MANY:
            return
        middle = statistics.median(plain)
        if not 1 / (1 + self.threshold) < middle < 1 + self.threshold:
            yield f"times of all programs: x{middle:.3g} in the median; attributed to the machine"


def compare_reports(
    old: Report, new: Report, threshold: float = THRESHOLD, baseline: str | None = None
) -> Comparison:
    """Compare the programs that both reports measured.

    Programs measured on another machine or device, with another number of threads or other data,
    are ``INCOMPARABLE``.  The ``threshold`` is the smallest relative difference that matters; the
    ``baseline`` is a framework that did not change.  Without one, each program is compared with
    all others of its case.

    Raises
    ------
    ComparisonError
        If a report has no measurement, nothing is in both, or the baseline changed.
    """
    before, after = _measured(old, "OLD"), _measured(new, "NEW")
    if not any(key in before for key in after):
        raise ComparisonError("OLD and NEW have no measured program in common.")
    if baseline is not None:
        _check_baseline(baseline, old.header, new.header)
    machine = _other_machine(old.header, new.header)
    columns, columns_now = old.header.frameworks, new.header.frameworks
    reasons = {
        key: machine
        or _differing(columns[key[2]], columns_now[key[2]], "engine", "device", "threads")
        or _differing(before[key], one, "descriptor", "dtype", "batch")
        for key, one in after.items()
        if key in before
    }
    peers = [key for key, reason in reasons.items() if not reason]
    pairs = (
        Pair(before[key], after[key], reason=reason)
        if reason
        else _pair(key, before, after, peers, threshold, baseline)
        for key, reason in reasons.items()
        if key[2] != baseline
    )
    singles = (*_singles(before, new, "OLD"), *_singles(after, old, "NEW"))
    return Comparison(old.header, new.header, threshold, baseline, tuple(pairs), singles)


def _pair(
    key: Key,
    before: Mapping[Key, Measurement],
    after: Mapping[Key, Measurement],
    peers: Iterable[Key],
    threshold: float,
    baseline: str | None,
) -> Pair:
    """Judge a program by its peers, or by the baseline alone."""
    plain = unpaired_ratio(after[key].samples, before[key].samples)
    ratios = [
        quotient(
            paired_ratio(after[key].samples, after[peer].samples),
            paired_ratio(before[key].samples, before[peer].samples),
        )
        for peer in peers
        if peer[:2] == key[:2] and peer != key and baseline in {None, peer[2]}
    ]
    if baseline and not ratios:
        return Pair(before[key], after[key], reason=f"the baseline {baseline} has no time here")
    known = [ratio for ratio in ratios if ratio.is_bounded] or ratios
    if not baseline and len(known) < _FEWEST_PEERS:
        known.append(plain)
    ratio = _middle(known)
    return Pair(before[key], after[key], plain, ratio, change(ratio, threshold))


def _key(one: Measurement) -> Key:
    return one.case, one.direction, one.framework


def _measured(report: Report, name: str) -> dict[Key, Measurement]:
    measured = {_key(one): one for one in report.measurements if one.status == MEASURED}
    if not measured:
        raise ComparisonError(
            f"{name} holds no measured program; deconform bench -o FILE.jsonl writes some."
        )
    return measured


def _middle(ratios: Sequence[Interval]) -> Interval:
    """Return the median ratio; of two middle ones, the one nearer to 1."""
    ordered = sorted(ratios, key=lambda ratio: ratio.value)
    both = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return min(both, key=lambda ratio: abs(math.log(ratio.value)))


def _check_baseline(baseline: str, old: Header, new: Header) -> None:
    for header, name in ((old, "OLD"), (new, "NEW")):
        if not header.frameworks.get(baseline, ColumnInfo()).version:
            names = ", ".join(header.frameworks)
            raise ComparisonError(f"{name} has no baseline {baseline!r}; it has {names}.")
    versions = [header.frameworks[baseline].version for header in (old, new)]
    if versions[0] != versions[1]:
        raise ComparisonError(
            f"the baseline {baseline} is {versions[0]} in OLD and {versions[1]} in NEW; "
            "choose one that did not change, or none."
        )


def _other_machine(old: Header, new: Header) -> str:
    """Return why no times of two reports can be compared; empty if they can."""
    before, after = (header.machine.get("fingerprint", "") for header in (old, new))
    if not before or not after:
        return "a report does not say which machine it was measured on"
    if before != after:
        machines = [header.machine.get("cpu", "unknown") for header in (old, new)]
        return f"another machine: {machines[0]} ({before}), {machines[1]} ({after})"
    threads = [header.settings.get("threads") for header in (old, new)]
    return f"threads: {threads[0]}, {threads[1]}" if threads[0] != threads[1] else ""


def _differing(old: object, new: object, *names: str) -> str:
    """Return the first field that differs, with both values; empty if none does."""
    for name in names:
        # An empty text is unknown.
        before, after = (
            None if (value := getattr(one, name)) == "" else value for one in (old, new)
        )
        if before != after:
            return f"{name}: {before}, {after}"
    return ""


def _singles(measured: Mapping[Key, Measurement], other: Report, where: str) -> Iterator[Single]:
    """Yield the programs with a time here but none in the other report."""
    others = {_key(one): one for one in other.measurements}
    for key, one in measured.items():
        counterpart = others.get(key)
        if counterpart is None:
            info = other.header.frameworks.get(key[2], ColumnInfo(unavailable="not run"))
            yield Single(one, where, "absent", info.unavailable or "no such program")
        elif counterpart.status != MEASURED:
            reason = " ".join((counterpart.reason or "").split())
            yield Single(one, where, counterpart.status, reason)


def _changed_frameworks(old: Header, new: Header) -> Iterator[str]:
    for framework, info in new.frameworks.items():
        for name in ("version", "python", "numpy", "blas", "compiler"):
            before = getattr(old.frameworks.get(framework, ColumnInfo()), name)
            after = getattr(info, name)
            if before and after and before != after:
                what = framework if name == "version" else f"{framework}'s {name}"
                yield f"{what}: {before} -> {after}"


def _changed_settings(old: Header, new: Header) -> Iterator[str]:
    for name in sorted({*old.settings, *new.settings}):
        before, after = old.settings.get(name), new.settings.get(name)
        if before != after:
            yield f"setting {name}: {before} -> {after}"


def _changed_ceilings(old: Header, new: Header, tolerance: float) -> Iterator[str]:
    for name, before in old.ceilings.items():
        after = new.ceilings.get(name, before)
        if not 1 / (1 + tolerance) < after / before < 1 + tolerance:
            yield f"ceiling {name}: x{after / before:.3g}: the machine itself changed"
