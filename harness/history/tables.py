"""The tables; ``migrations/`` makes them.

A run has a row for each framework, and these have the measurements or records.  Cases have a table
of their own because a run of the default suite has some ten thousand records.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine


class Moment(TypeDecorator[datetime]):
    """A point in time: SQLite keeps no time zone, so UTC goes in and comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn it into UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return it in UTC."""
        del dialect
        if not isinstance(value, datetime):
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


METADATA: Final = MetaData()


def _key() -> Column[Any]:
    return Column("id", Integer, primary_key=True)


def _filled(kind: type[TypeEngine[Any]], names: str) -> list[Column[Any]]:
    """Columns of one type that are never null."""
    return [Column(name, kind, nullable=False) for name in names.split()]


def _of_case_and_framework() -> tuple[Column[Any], Column[Any]]:
    """The key's first columns; history asks by case."""
    return (
        Column("case_id", ForeignKey("cases.id"), primary_key=True),
        Column("framework_id", ForeignKey("frameworks.id", ondelete="CASCADE"), primary_key=True),
    )


runs: Final = Table(
    "runs",
    METADATA,
    _key(),
    Column("digest", String, nullable=False, unique=True),
    *_filled(String, "kind commit branch deconform fingerprint"),
    Column("date", Moment, nullable=False),
    *_filled(JSON, "machine settings ceilings"),
    *_filled(BigInteger, "cases"),
    *_filled(Float, "elapsed_s"),
    Index("runs_by_date", "date"),
)
frameworks: Final = Table(
    "frameworks",
    METADATA,
    _key(),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    *_filled(String, "name version engine device"),
    *_filled(JSON, "about"),
    UniqueConstraint("run_id", "name", name="frameworks_of_a_run"),
)
cases: Final = Table(
    "cases",
    METADATA,
    _key(),
    *_filled(String, "name descriptor suite"),
    UniqueConstraint("name", "descriptor", name="cases_by_name"),
)
measurements: Final = Table(
    "measurements",
    METADATA,
    *_of_case_and_framework(),
    Column("direction", String, primary_key=True),
    *_filled(String, "support status dtype"),
    Column("reason", String),
    *_filled(BigInteger, "batch multiply_adds nbytes calls"),
    Column("seconds", Float),
    *_filled(JSON, "samples"),
    *_filled(Float, "first_s to_native_s from_native_s"),
    Column("peak_bytes", BigInteger),
    Index("measurements_by_framework", "framework_id"),
)
records: Final = Table(
    "records",
    METADATA,
    *_of_case_and_framework(),
    Column("check", String, primary_key=True),
    *_filled(String, "support status"),
    *(Column(name, String) for name in ("reason", "diagnosis", "limitation")),
    Column("evidence", JSON),
    Index("records_by_framework", "framework_id"),
)
