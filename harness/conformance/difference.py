"""Compare an old and a new conformance report: what fails now, what no longer does, what is gone.

A check is newly failing if its record is bad in NEW, and was not bad or not there in OLD.  It is
fixed if it passes in NEW and was bad, or a known limitation, in OLD.  Any other change, such as a
check that is no longer run, is neither a failure nor a fix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.records.record import Header, Record
from harness.records.report_file import Report
from harness.records.status import Status, count_bad

Key: TypeAlias = tuple[str, str, str]

# What may explain a difference, with the word that introduces it.
_ENGINE: Final = (
    *(("version", ""), ("engine", "engine "), ("device", "device ")),
    *(("python", "Python "), ("numpy", "NumPy ")),
)
_ABSENT: Final = ColumnInfo(unavailable="not in the report")


class DifferenceError(InputError):
    """Two reports have no check in common."""


@dataclass(frozen=True)
class Transition:
    """A check whose status differs between the reports, or that is bad and only in NEW."""

    old: Record | None
    new: Record

    @property
    def kind(self) -> str:
        """``failing``, ``fixed``, ``added`` or ``other``; ``same`` where nothing changed."""
        was, now = self.old.status if self.old else None, self.new.status
        if was == now:
            return "same"
        if now.is_bad:
            return "other" if was and was.is_bad else "failing"
        if was is None:
            return "added"
        is_fixed = now == Status.PASSED and (was.is_bad or was == Status.KNOWN)
        return "fixed" if is_fixed else "other"


@dataclass(frozen=True)
class Difference:
    """How the checks of an old report changed in a new one."""

    old: Header
    new: Header
    failing: tuple[Transition, ...]  # Bad in NEW, and not in OLD
    fixed: tuple[Transition, ...]  # Passed in NEW; bad, or a known limitation, in OLD
    others: tuple[Transition, ...]  # All other changes of status
    # In OLD alone; in NEW alone, and not bad.
    gone: tuple[Record, ...]
    added: tuple[Record, ...]
    same: Mapping[Status, int]  # How many checks kept which status
    redefined: tuple[str, ...]  # Cases that have another descriptor in NEW

    @property
    def still_bad(self) -> int:
        """How many checks are bad in both, whether or not in the same way."""
        return count_bad(self.same) + sum(change.new.status.is_bad for change in self.others)

    @property
    def notes(self) -> Iterator[str]:
        """What else differs between the reports, and may explain the changes."""
        yield from _engines(self.old, self.new)
        for name in ("deconform", "commit"):
            before, after = getattr(self.old, name), getattr(self.new, name)
            if before != after:
                yield f"{name}: {before or 'unknown'} -> {after or 'unknown'}"
        if self.redefined:
            first = ", ".join(self.redefined[:3])
            yield f"{len(self.redefined)} cases are not what they were, such as {first}"


def difference(old: Report, new: Report) -> Difference:
    """Compare two conformance reports.

    Raises
    ------
    DifferenceError
        If a report has no record, or no check is in both.

    Examples
    --------
    >>> info = ColumnInfo(version="1", engine="python", python="3.11", device="cpu")
    >>> header = Header("0.1.0", "2026-01-02T03:04:05+00:00", {"numpy": info}, cases=1)
    >>> def report(status):
    ...     one = Record("a/b", "a", "ic1_oc1_k1_n1_i1", "numpy", "value", "native", status)
    ...     return Report.of([header, one])
    >>> found = difference(report(Status.PASSED), report(Status.FAILED))
    >>> [change.new.case for change in found.failing]
    ['a/b']
    """
    before, after = _records(old, "OLD"), _records(new, "NEW")
    if not before.keys() & after.keys():
        raise DifferenceError("OLD and NEW have no check in common.")
    both = [(before[key], record) for key, record in after.items() if key in before]
    changes = [Transition(before.get(key), record) for key, record in after.items()]
    kinds = {
        kind: tuple(change for change in changes if change.kind == kind)
        for kind in ("failing", "fixed", "other", "added")
    }
    return Difference(
        old.header,
        new.header,
        kinds["failing"],
        kinds["fixed"],
        kinds["other"],
        tuple(record for key, record in before.items() if key not in after),
        tuple(change.new for change in kinds["added"]),
        Counter(after.status for before, after in both if before.status == after.status),
        tuple(dict.fromkeys(a.case for b, a in both if a.descriptor != b.descriptor)),
    )


def _records(report: Report, name: str) -> dict[Key, Record]:
    if not report.records:
        raise DifferenceError(
            f"{name} holds no conformance record; deconform run -o FILE.jsonl writes some."
        )
    return {(one.case, one.framework, one.check): one for one in report.records}


def _engines(old: Header, new: Header) -> Iterator[str]:
    """Yield the engines that differ, or that ran in one report only."""
    for framework in dict.fromkeys((*old.frameworks, *new.frameworks)):
        before = old.frameworks.get(framework, _ABSENT)
        after = new.frameworks.get(framework, _ABSENT)
        if before.unavailable and after.unavailable:
            continue
        if before.unavailable:
            yield f"{framework}: not run ({before.unavailable}) -> run"
        elif after.unavailable:
            yield f"{framework}: run -> not run ({after.unavailable})"
        else:
            for name, word in _ENGINE:
                ends = [getattr(info, name) or "unknown" for info in (before, after)]
                if ends[0] != ends[1]:
                    yield f"{framework}: {word}{' -> '.join(ends)}"
