"""Conformance over saved runs: since when each case passes or fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from harness.history.steps import SavedRun
from harness.records.check import in_order
from harness.records.status import Status
from harness.records.status import worst as worst_of


@dataclass(frozen=True)
class CaseVerdict:
    """A case in a framework in one run: the worst status of its checks."""

    run: SavedRun
    status: Status
    checks: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Streak:
    """Runs in a row with the same verdict."""

    status: Status
    checks: tuple[str, ...]
    reason: str
    first: SavedRun
    last: SavedRun
    runs: int


@dataclass(frozen=True)
class CaseHistory:
    """How a case fared in a framework, oldest streak first; ``where`` says what executed it."""

    case: str
    framework: str
    where: str
    streaks: tuple[Streak, ...]


def worst(run: SavedRun, statuses: Mapping[str, tuple[Status, str]]) -> CaseVerdict:
    """Fold a case's checks, each with its status and reason, into one verdict."""
    status = worst_of(status for status, _ in statuses.values())
    if status == Status.PASSED:
        return CaseVerdict(run, status)
    alike = {check: reason for check, (other, reason) in statuses.items() if other == status}
    return CaseVerdict(run, status, tuple(in_order(alike)), next(iter(alike.values())))


def streaks(verdicts: Iterable[CaseVerdict]) -> Iterator[Streak]:
    """Join runs in a row with the same verdict; skipped runs are left out."""
    ran = (verdict for verdict in verdicts if verdict.status != Status.SKIPPED)
    for (status, checks), group in groupby(ran, lambda one: (one.status, one.checks)):
        runs = list(group)
        yield Streak(status, checks, runs[-1].reason, runs[0].run, runs[-1].run, len(runs))
