"""Rows become series of times, and careers of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, Table, select

from harness.history.changes import Career, CaseVerdict, Run, Series, Timing, stretches, worst
from harness.history.database import StoreError
from harness.history.tables import cases, frameworks, measurements, records, runs
from harness.records.status import Status
from harness.report.words import is_documented

# What of a benchmark's settings makes times another thing; rounds, say, do not.
_DECISIVE: Final = ("threads", "math")


@dataclass(frozen=True)
class Selection:
    """What of the history is asked for; all of it, without a word.

    Attributes
    ----------
    cases : callable, optional
        Whether a case's id is meant.
    frameworks : sequence of str
        All of them where it is empty.
    direction, branch : str, optional
    machine : str, optional
        How its fingerprint begins.
    """

    cases: Callable[[str], bool] | None = None
    frameworks: Sequence[str] = ()
    direction: str | None = None
    machine: str | None = None
    branch: str | None = None


@dataclass(frozen=True)
class _Machine:
    fingerprint: str
    description: str
    settings: str


def times(connection: Connection, selection: Selection) -> tuple[Series, ...]:
    """Give the series by machine, case, framework and direction; the oldest run is the first."""
    table = measurements.columns
    query = _joined(connection, measurements, selection).add_columns(
        table.direction, table.status, table.seconds
    )
    if selection.direction:
        query = query.where(table.direction == selection.direction)
    machines = _machines(connection)
    found: dict[Series, list[Timing]] = {}
    for row in connection.execute(query.order_by(runs.c.date, runs.c.id)).mappings():
        timing = Timing(_run(row), row["status"], row["seconds"])
        found.setdefault(_series(row, machines[row["run_id"]]), []).append(timing)
    whole = (replace(series, timings=tuple(timings)) for series, timings in found.items())
    return tuple(sorted(whole, key=_order))


def careers(connection: Connection, selection: Selection) -> tuple[Career, ...]:
    """Give what became of the cases, by case and framework."""
    table = records.columns
    query = _joined(connection, records, selection).add_columns(
        frameworks.c.engine, table.check, table.status, table.reason
    )
    ordered = query.order_by(
        cases.c.name, frameworks.c.name, runs.c.date, runs.c.id, cases.c.id, table.check
    )
    found: dict[tuple[str, str, str], list[CaseVerdict]] = {}
    rows = connection.execution_options(yield_per=1000).execute(ordered).mappings()
    for _, group in groupby(rows, itemgetter("case", "framework", "run_id")):
        checks = list(group)
        row = checks[0]
        statuses = {one["check"]: (_status(one["status"]), one["reason"] or "") for one in checks}
        key = (row["case"], row["framework"], _executed_by(row))
        found.setdefault(key, []).append(worst(_run(row), statuses))
    every = (Career(*key, tuple(stretches(verdicts))) for key, verdicts in found.items())
    return tuple(career for career in every if career.stretches)


def _joined(connection: Connection, table: Table, selection: Selection) -> Select[Any]:
    """What both histories ask for, and of which runs and cases."""
    query = (
        select(
            runs.c.id.label("run_id"),
            runs.c.date,
            runs.c.commit,
            runs.c.branch,
            frameworks.c.name.label("framework"),
            frameworks.c.version,
            frameworks.c.device,
            cases.c.name.label("case"),
            cases.c.descriptor,
        )
        .select_from(table)
        .join(cases, table.c.case_id == cases.c.id)
        .join(frameworks, table.c.framework_id == frameworks.c.id)
        .join(runs, frameworks.c.run_id == runs.c.id)
    )
    if selection.cases is not None:
        numbers = [
            number
            for number, name in connection.execute(select(cases.c.id, cases.c.name))
            if selection.cases(name)
        ]
        query = query.where(cases.c.id.in_(numbers))
    if selection.frameworks:
        query = query.where(frameworks.c.name.in_(selection.frameworks))
    if selection.branch is not None:
        query = query.where(runs.c.branch == selection.branch)
    if selection.machine:
        query = query.where(runs.c.fingerprint.startswith(selection.machine, autoescape=True))
    return query


def _machines(connection: Connection) -> dict[int, _Machine]:
    """What the runs were measured on; a fingerprint's newest run describes it for all."""
    query = select(runs.c.id, runs.c.fingerprint, runs.c.machine, runs.c.settings)
    every = connection.execute(query.order_by(runs.c.date, runs.c.id)).all()
    names = {fingerprint: _describe(machine) for _, fingerprint, machine, _ in every}
    return {
        number: _Machine(fingerprint, names[fingerprint], _say(settings))
        for number, fingerprint, _, settings in every
    }


def _describe(machine: Mapping[str, str]) -> str:
    """Say what a machine is, as far as its runs say it."""
    cores = machine.get("cores")
    words = (machine.get("cpu"), f"{cores} cores" if cores else "", machine.get("memory"))
    return ", ".join(word for word in words if word)


def _say(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {settings[name]}" for name in _DECISIVE if name in settings)


def _series(row: RowMapping, machine: _Machine) -> Series:
    return Series(
        fingerprint=machine.fingerprint,
        machine=machine.description,
        settings=machine.settings,
        case=row["case"],
        descriptor=row["descriptor"],
        framework=row["framework"],
        device=row["device"],
        direction=row["direction"],
        timings=(),
    )


def _order(series: Series) -> tuple[str, ...]:
    return (
        series.fingerprint,
        series.settings,
        series.case,
        series.framework,
        series.device,
        series.direction,
        series.descriptor,
    )


def _run(row: RowMapping) -> Run:
    return Run(row["date"], row["commit"], row["branch"], row["version"])


def _executed_by(row: RowMapping) -> str:
    """What keeps two histories of a framework apart: the device, and whether it is the product."""
    documented = "documented semantics" if is_documented({"engine": row["engine"]}) else ""
    return ", ".join(word for word in (row["device"], documented) if word)


def _status(text: str) -> Status:
    if text not in Status.__members__:
        raise StoreError(f"a run was saved with a status {text!r:.40}, unknown to this deconform.")
    return Status(text)
