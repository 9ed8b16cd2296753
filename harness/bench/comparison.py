"""Two benchmark reports, an old and a new one: which programs became slower or faster.

The two runs were not interleaved, so a ratio of plain times holds also what happened to the machine
in between: its clock frequency, its neighbours, its temperature.  But each program was measured in
the same rounds as others, and those tell: where everything became slower by a tenth, the machine
did.  So a program is judged by the ratio of its times to those of each other program of its case,
new to old; and of these ratios by the median, or of two in the middle by the one nearer to 1.  That
is right as long as fewer than half of the others have changed themselves.  One other alone
cannot tell which of the two has changed: the plain times are then held against it.  A baseline
that is known not to have changed may be chosen instead.

What cannot be seen so: what became slower for all programs alike (a note says so), and what would
come out differently in a further pair of runs, such as where memory happens to lie (Kalibera &
Jones, ISMM 2013): a program near the threshold needs more than two runs.
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
from harness.core.errors import InputError
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Header
from harness.records.report_file import Report

Key: TypeAlias = tuple[str, str, str]

# From how many programs on a shift of all of them is told from one of some.
_MANY = 4
# So many others tell which program has changed.
_TELLING = 2


class ComparisonError(InputError):
    """Two reports of which nothing can be compared."""


@dataclass(frozen=True)
class Pair:
    """One program in both reports.

    Attributes
    ----------
    old, new : Measurement
    plain : Interval, optional
        The ratio of the times, new to old; None where they are incomparable.
    ratio : Interval, optional
        What is judged: the ratio without what happened to the machine; above 1 is slower.
    change : Change
    reason : str
        Why they are incomparable.
    """

    old: Measurement
    new: Measurement
    plain: Interval | None
    ratio: Interval | None
    change: Change
    reason: str = ""

    @property
    def key(self) -> Key:
        """Case, direction and framework."""
        return _key(self.new)


@dataclass(frozen=True)
class Single:
    """A program that has a time in one report only, and what became of it in the other."""

    measured: Measurement
    where: str
    status: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """What became of the programs of an old report in a new one."""

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
        """By framework: the geometric mean of the ratios, and of how many."""
        ratios: dict[str, list[Interval]] = {}
        for pair in self.pairs:
            if pair.ratio and pair.ratio.is_bounded:
                ratios.setdefault(pair.new.framework, []).append(pair.ratio)
        return {name: (geometric_mean(found), len(found)) for name, found in ratios.items()}

    @property
    def notes(self) -> Iterator[str]:
        """What else differs between the reports, and may be the reason."""
        yield from _changed_frameworks(self.old, self.new)
        yield from _changed_settings(self.old, self.new)
        yield from _changed_ceilings(self.old, self.new, self.threshold)
        plain = [pair.plain.value for pair in self.pairs if pair.plain]
        if len(plain) < _MANY:
            return
        middle = statistics.median(plain)
        if not 1 / (1 + self.threshold) < middle < 1 + self.threshold:
            yield f"times of all programs: x{middle:.3g} in the median; taken for the machine's"


def compare_reports(
    old: Report, new: Report, threshold: float = THRESHOLD, baseline: str | None = None
) -> Comparison:
    """Compare the programs that both reports measured.

    Parameters
    ----------
    old, new : Report
        Benchmarks.
    threshold : float
        From what part on a difference matters.
    baseline : str, optional
        A framework that did not change.  Without one, each program is held against all others of
        its case.

    Returns
    -------
    Comparison
        ``INCOMPARABLE`` is what was measured on another machine, with another number of threads, on
        another device, or with other data.

    Raises
    ------
    ComparisonError
        If a report holds no measurement, nothing is in both, or the baseline is not the same.
    """
    before, after = _measured(old, "OLD"), _measured(new, "NEW")
    if not any(key in before for key in after):
        raise ComparisonError("OLD and NEW have no measured program in common.")
    if baseline is not None:
        _check_baseline(baseline, old.header, new.header)
    reasons = _reasons(old.header, new.header, before, after)
    peers = [key for key, reason in reasons.items() if not reason]
    pairs = (
        Pair(before[key], after[key], None, None, Change.INCOMPARABLE, reason)
        if reason
        else _pair(key, before, after, peers, threshold, baseline)
        for key, reason in reasons.items()
        if key[2] != baseline
    )
    singles = (*_singles(before, new, "OLD"), *_singles(after, old, "NEW"))
    return Comparison(old.header, new.header, threshold, baseline, tuple(pairs), singles)


def _reasons(
    old: Header,
    new: Header,
    before: Mapping[Key, Measurement],
    after: Mapping[Key, Measurement],
) -> dict[Key, str]:
    """Why programs that are in both reports cannot be compared; empty where they can."""
    machine = _other_machine(old, new)
    return {
        key: machine or _other_engine(old, new, key[2]) or _other_data(before[key], one)
        for key, one in after.items()
        if key in before
    }


def _pair(
    key: Key,
    before: Mapping[Key, Measurement],
    after: Mapping[Key, Measurement],
    peers: Iterable[Key],
    threshold: float,
    baseline: str | None,
) -> Pair:
    """Judge a program by those beside it, or by the baseline alone."""
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
        reason = f"the baseline {baseline} has no time here"
        return Pair(before[key], after[key], None, None, Change.INCOMPARABLE, reason)
    known = [ratio for ratio in ratios if ratio.is_bounded] or ratios
    if not baseline and len(known) < _TELLING:
        known.append(plain)
    ratio = _middle(known)
    return Pair(before[key], after[key], plain, ratio, change(ratio, threshold))


def _key(one: Measurement) -> Key:
    return one.case, one.direction, one.framework


def _measured(report: Report, name: str) -> dict[Key, Measurement]:
    found = {_key(one): one for one in report.measurements if one.status == MEASURED}
    if not found:
        raise ComparisonError(
            f"{name} holds no measured program; deconform bench -o FILE.jsonl writes some."
        )
    return found


def _middle(ratios: Sequence[Interval]) -> Interval:
    """The median ratio; of two in the middle, the one nearer to 1."""
    ordered = sorted(ratios, key=lambda ratio: ratio.value)
    both = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return min(both, key=lambda ratio: abs(math.log(ratio.value)))


def _check_baseline(baseline: str, old: Header, new: Header) -> None:
    for header, name in ((old, "OLD"), (new, "NEW")):
        if "version" not in header.frameworks.get(baseline, {}):
            there = ", ".join(header.frameworks)
            raise ComparisonError(f"{name} has no baseline {baseline!r}; it has {there}.")
    versions = [header.frameworks[baseline]["version"] for header in (old, new)]
    if versions[0] != versions[1]:
        raise ComparisonError(
            f"the baseline {baseline} is {versions[0]} in OLD and {versions[1]} in NEW; "
            "choose one that did not change, or none."
        )


def _other_machine(old: Header, new: Header) -> str:
    """Why no times of two reports can be compared; empty where they can."""
    before, after = (header.machine.get("fingerprint", "") for header in (old, new))
    if not before or not after:
        return "a report does not say which machine it was measured on"
    if before != after:
        machines = [header.machine.get("cpu", "unknown") for header in (old, new)]
        return f"another machine: {machines[0]} ({before}), {machines[1]} ({after})"
    threads = [header.settings.get("threads") for header in (old, new)]
    return f"threads: {threads[0]}, {threads[1]}" if threads[0] != threads[1] else ""


def _other_engine(old: Header, new: Header, framework: str) -> str:
    before, after = old.frameworks[framework], new.frameworks[framework]
    for name in ("engine", "device", "threads"):
        if before.get(name) != after.get(name):
            return f"{name}: {before.get(name)}, {after.get(name)}"
    return ""


def _other_data(old: Measurement, new: Measurement) -> str:
    for name in ("descriptor", "dtype", "batch"):
        if getattr(old, name) != getattr(new, name):
            return f"{name}: {getattr(old, name)}, {getattr(new, name)}"
    return ""


def _singles(measured: Mapping[Key, Measurement], other: Report, where: str) -> Iterator[Single]:
    """Programs with a time here, and none in the other report."""
    there = {_key(one): one for one in other.measurements}
    for key, one in measured.items():
        found = there.get(key)
        if found is None:
            about = other.header.frameworks.get(key[2], {"unavailable": "not run"})
            yield Single(one, where, "absent", about.get("unavailable", "no such program"))
        elif found.status != MEASURED:
            yield Single(one, where, found.status, " ".join((found.reason or "").split()))


def _changed_frameworks(old: Header, new: Header) -> Iterator[str]:
    for framework, about in new.frameworks.items():
        before = old.frameworks.get(framework, {})
        for name in ("version", "python", "numpy", "blas", "compiler"):
            if name in before and name in about and before[name] != about[name]:
                what = framework if name == "version" else f"{framework}'s {name}"
                yield f"{what}: {before[name]} -> {about[name]}"


def _changed_settings(old: Header, new: Header) -> Iterator[str]:
    for name in sorted({*old.settings, *new.settings}):
        before, after = old.settings.get(name), new.settings.get(name)
        if before != after:
            yield f"setting {name}: {before} -> {after}"


def _changed_ceilings(old: Header, new: Header, tolerance: float) -> Iterator[str]:
    for name, before in old.ceilings.items():
        after = new.ceilings.get(name, before)
        if not 1 / (1 + tolerance) < after / before < 1 + tolerance:
            yield f"ceiling {name}: x{after / before:.3g}: the machine itself was not as before"
