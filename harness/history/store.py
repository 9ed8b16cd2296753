"""The history store: reports go in, times and verdicts of cases come out.

>>> save(Report.read("bench.jsonl"), "sqlite:///history.sqlite").text  # doctest: +SKIP
'saved as run 1 of sqlite:///history.sqlite'
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

from harness.core.errors import Ask, InputError, named

try:
    import alembic  # noqa: F401
    from sqlalchemy import JSON, Connection, RowMapping, Select, Table, select
    from sqlalchemy.types import TypeEngine
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    raise InputError(
        f'the history store needs {missing}: pip install "deconform[history]"'
    ) from None

from harness.core.column_info import ColumnInfo
from harness.history import saving
from harness.history.database import Database, StoreError
from harness.history.steps import SavedRun, Series, Timing
from harness.history.streaks import CaseHistory, CaseVerdict, streaks, worst
from harness.history.tables import Moment, cases, frameworks, measurements, records, runs
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report.words import describe_machine

# The settings of a benchmark that make its times incomparable; the number of rounds does not.
_DECISIVE: Final = ("threads", "math")
_PROGRAM: Final = ("case", "descriptor", "framework", "device", "direction")
_EMPTY: Final = ("seconds", "reason")  # Where they are not known
_ORDER: Final = attrgetter(
    *("fingerprint", "settings", "case", "framework", "device", "direction", "descriptor")
)


@dataclass(frozen=True)
class Saved:
    """Where a report went; ``new`` is false if it had been there before."""

    run: int
    new: bool
    database: str

    @property
    def text(self) -> str:
        """The line to print."""
        return f"{'' if self.new else 'already '}saved as run {self.run} of {self.database}"


@dataclass(frozen=True)
class Selection:
    """The part of the history that is asked for; all of it by default."""

    cases: Callable[[str], bool] | None = None  # Whether a case's id is selected
    frameworks: Sequence[str] = ()  # All of them if empty
    direction: str | None = None
    machine: str | None = None  # The beginning of its fingerprint
    branch: str | None = None


@dataclass(frozen=True)
class Store:
    """A history store whose schema exists; each method opens its own connection."""

    database: Database

    def save(self, report: Report, branch: str = "") -> Saved:
        """Add a report of a conformance run or a benchmark, unless it is there already.

        Raises
        ------
        StoreError
            If the run was interrupted, if the report holds what a database cannot, or if the
            database cannot be written.
        """
        if report.footer is None:
            raise StoreError("an interrupted run is not saved; complete it first.")
        with self.database.connected(writes=True) as connection:
            run, new = saving.add(connection, report, branch)
        return Saved(run, new, self.database.name)

    def times(self, selection: Selection) -> tuple[Series, ...]:
        """Return the series by machine, case, framework and direction, each oldest run first."""
        series: dict[Series, list[Timing]] = {}
        table = measurements.columns
        with self.database.connected() as connection:
            query = _joined(connection, measurements, selection).add_columns(
                table.direction, table.status, table.seconds
            )
            if selection.direction:
                query = query.where(table.direction == selection.direction)
            machines = _machines(connection)
            for row in _rows(connection, query.order_by(runs.c.date, runs.c.id)):
                fields = {name: row[name] for name in _PROGRAM}
                program = Series(*machines[row["run_id"]], **fields, timings=())
                timing = Timing(_run(row), row["status"], _seconds(row))
                series.setdefault(program, []).append(timing)
        whole = (replace(one, timings=tuple(timings)) for one, timings in series.items())
        return tuple(sorted(whole, key=_ORDER))

    def case_histories(self, selection: Selection) -> tuple[CaseHistory, ...]:
        """Return the verdicts over conformance runs, by case and framework."""
        table = records.columns
        verdicts: dict[tuple[str, str, str], list[CaseVerdict]] = {}
        with self.database.connected() as connection:
            query = _joined(connection, records, selection).add_columns(
                frameworks.c.engine, table.check, table.status, table.reason
            )
            ordered = query.order_by(
                cases.c.name, frameworks.c.name, runs.c.date, runs.c.id, cases.c.id, table.check
            )
            rows = _rows(connection, ordered)
            for _, group in groupby(rows, itemgetter("case", "framework", "run_id")):
                checks = list(group)
                row = checks[0]
                statuses = {
                    one["check"]: (_status(one["status"]), one["reason"] or "") for one in checks
                }
                key = (row["case"], row["framework"], _executed_by(row))
                verdicts.setdefault(key, []).append(worst(_run(row), statuses))
        every = (CaseHistory(*key, tuple(streaks(of))) for key, of in verdicts.items())
        return tuple(history for history in every if history.streaks)


def opened(url: str | None = None, *, create: bool = True) -> Store:
    """Open a store, or create one if there is none, and bring its schema up to date.

    The URL is of SQLite or PostgreSQL; by default ``DECONFORM_DATABASE``, or
    ``deconform/history.sqlite`` in the user's data folder.

    Raises
    ------
    StoreError
        If there is none, or if it cannot be used.
    """
    database = Database.of(url)
    if not database.prepare(create=create):
        raise StoreError(
            f"{database.name} holds no history yet; save a run: deconform run " + named(Ask.SAVE)
        )
    return Store(database)


def save(report: Report, url: str | None = None, branch: str = "") -> Saved:
    """Add a report to the store at a URL; see :func:`opened` and :meth:`Store.save`."""
    return opened(url).save(report, branch)


def _joined(connection: Connection, table: Table, selection: Selection) -> Select[Any]:
    """The columns that both kinds of history need, of the selected runs and cases."""
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
        every = connection.execute(select(cases.c.id, cases.c.name))
        numbers = [number for number, name in every if selection.cases(name)]
        query = query.where(cases.c.id.in_(numbers))
    if selection.frameworks:
        query = query.where(frameworks.c.name.in_(selection.frameworks))
    if selection.branch is not None:
        query = query.where(runs.c.branch == selection.branch)
    if selection.machine:
        query = query.where(runs.c.fingerprint.startswith(selection.machine, autoescape=True))
    return query


def _rows(connection: Connection, query: Select[Any]) -> Iterator[RowMapping]:
    """Yield the rows of a query, each value of its column's type: somebody may have edited them."""
    wanted = {column.name: _kind(column.type) for column in query.selected_columns}
    try:
        for row in connection.execution_options(yield_per=1000).execute(query).mappings():
            for name, value in row.items():
                if not isinstance(value, wanted[name]) and not (value is None and name in _EMPTY):
                    raise StoreError(
                        f"run {row['run_id']} was edited: its {name} is {value!r:.40}."
                    )
            yield row
    # What no value of the type can be made of, such as JSON that is none.
    except (ValueError, TypeError) as error:
        raise StoreError(f"a row of the history was edited: {error}.") from None


def _kind(of: TypeEngine[Any]) -> tuple[type, ...]:
    """What the values of a column are, in the rows that are read."""
    if isinstance(of, JSON):
        return (dict,)
    if isinstance(of, Moment):
        return (datetime,)
    return (float, int) if of.python_type is float else (of.python_type,)


def _machines(connection: Connection) -> dict[int, tuple[str, str, str]]:
    """Each run's fingerprint, machine and settings; a fingerprint's newest run describes it."""
    query = select(runs.c.id.label("run_id"), runs.c.fingerprint, runs.c.machine, runs.c.settings)
    columns = ("run_id", "fingerprint", "machine", "settings")
    rows = _rows(connection, query.order_by(runs.c.date, runs.c.id))
    every = [tuple(row[name] for name in columns) for row in rows]
    parts = ("cpu", "cores", "memory")
    names, machines = {}, {}
    for _, fingerprint, machine, _ in every:
        known = {name: str(value) for name, value in machine.items()}
        names[fingerprint] = describe_machine(known, *parts)
    for number, fingerprint, _, settings in every:
        decisive = ", ".join(f"{name} {settings[name]}" for name in _DECISIVE if name in settings)
        machines[number] = fingerprint, names[fingerprint], decisive
    return machines


def _seconds(row: RowMapping) -> float | None:
    seconds: float | None = row["seconds"]
    if seconds is not None and not 0 < seconds <= sys.float_info.max:
        raise StoreError(f"run {row['run_id']} was edited: it has a time of {seconds} s.")
    return seconds


def _run(row: RowMapping) -> SavedRun:
    return SavedRun(row["date"], row["commit"], row["branch"], row["version"])


def _executed_by(row: RowMapping) -> str:
    """The device, and whether it is the product: these keep a framework's histories apart."""
    documented = "documented semantics" if ColumnInfo(engine=row["engine"]).is_documented else ""
    return ", ".join(word for word in (row["device"], documented) if word)


def _status(text: str) -> Status:
    if text not in Status.__members__:
        raise StoreError(f"a run was saved with a status {text!r:.40}, unknown to this deconform.")
    return Status(text)
