"""A report becomes rows.

Values are bound, never part of a statement.  A report may come from anywhere: what a database
cannot hold (a NUL, half a surrogate pair, NaN in JSON) is replaced.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from harness.history.database import StoreError
from harness.history.tables import cases, frameworks, measurements, records, runs
from harness.records.measurement import Measurement
from harness.records.record import Record, to_json
from harness.records.report_file import Report

_INSERT: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_Row = dict[str, Any]
# The others are bound to fields of the same name; files and lines can be found in the commit.
_OTHERS: Final = frozenset({"case_id", "framework_id", "seconds"})


def add(connection: Connection, report: Report, branch: str) -> tuple[int, bool]:
    """Add a report that is not there yet; return its run's number, and whether it was new."""
    row = _run(report, branch)
    new = _insert_new(connection, row)
    number = connection.execute(select(runs.c.id).where(runs.c.digest == row["digest"]))
    run = int(number.scalar_one())
    if new:
        ids = _add_frameworks(connection, report, run)
        known = _add_cases(connection, (*report.records, *report.measurements))
        for table, results in ((measurements, report.measurements), (records, report.records)):
            fields = [each.name for each in table.columns if each.name not in _OTHERS]
            if rows := [_row(one, fields, known, ids) for one in results]:
                connection.execute(table.insert(), rows)
    return run, new


def digest(report: Report) -> str:
    """Hash the contents of a report, however its file is written."""
    hashed = hashlib.sha256()
    for event in (report.header, *report.records, *report.measurements, report.footer):
        if event is not None:
            line = json.dumps(to_json(event), sort_keys=True, default=list)
            hashed.update(line.encode() + b"\n")
    return hashed.hexdigest()


def _run(report: Report, branch: str) -> _Row:
    header = report.header
    try:
        date = datetime.fromisoformat(header.started)
    except ValueError:
        date = None
    if date is None or date.tzinfo is None:
        raise StoreError(f"the report started at {header.started!r:.60}: no date with a time zone.")
    same = ("commit", "deconform", "machine", "settings", "ceilings", "cases")
    row = {
        "digest": digest(report),
        "kind": "benchmark" if report.measurements or header.settings else "conformance",
        "date": date,
        "branch": branch,
        "fingerprint": header.machine.get("fingerprint", ""),
        "elapsed_s": report.footer.elapsed_s if report.footer else 0.0,
    }
    return _storable(row | {name: getattr(header, name) for name in same})


def _insert_new(connection: Connection, row: _Row) -> bool:
    """Insert a run; return whether its digest was new."""
    try:
        with connection.begin_nested():
            connection.execute(runs.insert(), row)
    except IntegrityError:
        return False
    return True


def _add_frameworks(connection: Connection, report: Report, run: int) -> dict[str, int]:
    rows = []
    for name, info in report.header.frameworks.items():
        kept = {field: getattr(info, field) for field in ("version", "engine", "device")}
        rows.append(_storable({"run_id": run, "name": name, **kept, "about": info.to_json()}))
    if rows:
        connection.execute(frameworks.insert(), rows)
    query = select(frameworks.c.name, frameworks.c.id).where(frameworks.c.run_id == run)
    return {row.name: row.id for row in connection.execute(query)}


def _add_cases(
    connection: Connection, results: Iterable[Record | Measurement]
) -> dict[tuple[str, str], int]:
    """Number all cases; new ones are added."""
    suites = {(_text(one.case), _text(one.descriptor)): _text(one.suite) for one in results}
    known = _known_cases(connection)
    # Sorted, so that two writers who add the same cases cannot deadlock.
    missing = [
        {"name": name, "descriptor": descriptor, "suite": suite}
        for (name, descriptor), suite in sorted(suites.items())
        if (name, descriptor) not in known
    ]
    if not missing:
        return known
    insert = _INSERT[connection.dialect.name](cases)
    ours_or_another = insert.on_conflict_do_nothing(index_elements=["name", "descriptor"])
    connection.execute(ours_or_another, missing)
    return _known_cases(connection)


def _known_cases(connection: Connection) -> dict[tuple[str, str], int]:
    query = select(cases.c.name, cases.c.descriptor, cases.c.id)
    return {(name, descriptor): number for name, descriptor, number in connection.execute(query)}


def _row(
    one: Record | Measurement,
    fields: Iterable[str],
    known: Mapping[tuple[str, str], int],
    ids: Mapping[str, int],
) -> _Row:
    row = _storable({field: getattr(one, field) for field in fields})
    row["case_id"] = known[_text(one.case), _text(one.descriptor)]
    row["framework_id"] = ids[_text(one.framework)]
    if isinstance(one, Measurement):
        row["seconds"] = one.seconds if one.samples else None
    return row


def _text(value: str) -> str:
    """Replace characters that PostgreSQL or SQLite cannot store."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _storable(row: Mapping[str, Any]) -> _Row:
    return {_text(key): _storable_value(value) for key, value in row.items()}


def _storable_value(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return _storable(value)
    if isinstance(value, (list, tuple)):
        return [_storable_value(each) for each in value]
    return value
