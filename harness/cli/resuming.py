"""Going on with an interrupted run: what it has is kept, if the rest would be of the same run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from harness.cli.options import UsageError
from harness.records.record import Event, Footer, Header
from harness.records.report_file import Report
from harness.records.report_stream import interrupted
from harness.suite.case import Case

# Closed by whoever stops listening: what runs then ends at once, and in its own thread.
Events: TypeAlias = Generator[Event, None, None]
_MOST_HEADER: Final = 2**24  # Bytes
_BEGINNING: Final = b'{"kind":"header"'
_SAME: Final = ("deconform", "commit", "suite", "cases")


def begun(path: Path, cases: Sequence[Case]) -> Report | None:
    """Read what an interrupted run of these cases has; ``None`` if it has not even a header.

    A case of which a framework has no record, or not all, is left for the rest of the run.
    """
    file = interrupted(path)
    if not file.exists():
        return None
    if not file.is_file():
        raise UsageError(f"{path}: it is no file, so there is no run in it to go on with.")
    with file.open("rb") as stream:
        first = stream.readline(_MOST_HEADER)
    if not first.endswith(b"\n") and _BEGINNING.startswith(first[: len(_BEGINNING)]):
        return None
    report = Report.read(file)
    if report.measurements or report.header.settings:
        raise UsageError(f"{path}: this is a benchmark's report.")
    whole = {case.id: Counter(case.checks) for case in cases}
    present: dict[tuple[str, str], Counter[str]] = {}
    for record in report.records:
        present.setdefault((record.case, record.framework), Counter())[record.check] += 1
    kept = (
        one for one in report.records if present[one.case, one.framework] == whole.get(one.case)
    )
    return replace(report, records=tuple(kept))


def continued(events: Events, before: Report, path: Path) -> Events:
    """Yield what an interrupted run has, then the rest of it; they make one report.

    Raises
    ------
    UsageError
        If the rest is of another suite, version, engine or machine, with what differs.
    """
    counts: Counter[str] = Counter()
    with closing(events):
        for event in events:
            if isinstance(event, Header):
                _check_same(before.header, event, path)
                yield before.header
                for one in before.records or before.measurements:
                    counts[one.status] += 1
                    yield one
            elif isinstance(event, Footer):
                yield replace(event, counts=dict(sorted(counts.items())))
            else:
                counts[event.status] += 1
                yield event


def _check_same(old: Header, new: Header, path: Path) -> None:
    """Refuse what would be another run, with what it was and what it is."""
    compared = [
        *((name, getattr(old, name), getattr(new, name)) for name in _SAME),
        ("machine", old.machine.get("fingerprint"), new.machine.get("fingerprint")),
        ("frameworks", ", ".join(sorted(old.frameworks)), ", ".join(sorted(new.frameworks))),
    ]
    for name in old.frameworks.keys() & new.frameworks:
        compared += [(name, old.frameworks[name].to_json(), new.frameworks[name].to_json())]
    for what, then, now in compared:
        if then != now:
            raise UsageError(
                f"{path}: it was begun with {what} {then or 'unknown'}, not {now or 'unknown'}."
            )
