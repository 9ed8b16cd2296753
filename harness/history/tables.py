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

runs: Final = Table(
    "runs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("date", Moment, nullable=False),
    Column("commit", String, nullable=False),
    Column("branch", String, nullable=False),
    Column("deconform", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("machine", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("ceilings", JSON, nullable=False),
    Column("cases", BigInteger, nullable=False),
    Column("elapsed_s", Float, nullable=False),
    Index("runs_by_date", "date"),
)

frameworks: Final = Table(
    "frameworks",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("engine", String, nullable=False),
    Column("device", String, nullable=False),
    Column("about", JSON, nullable=False),
    UniqueConstraint("run_id", "name", name="frameworks_of_a_run"),
)

cases: Final = Table(
    "cases",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("descriptor", String, nullable=False),
    Column("suite", String, nullable=False),
    UniqueConstraint("name", "descriptor", name="cases_by_name"),
)


def _of_case_and_framework() -> tuple[Column[Any], Column[Any]]:
    """The key's first columns; history asks by case."""
    return (
        Column("case_id", ForeignKey("cases.id"), primary_key=True),
        Column("framework_id", ForeignKey("frameworks.id", ondelete="CASCADE"), primary_key=True),
    )


measurements: Final = Table(
    "measurements",
    METADATA,
    *_of_case_and_framework(),
    Column("direction", String, primary_key=True),
    Column("support", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("dtype", String, nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("multiply_adds", BigInteger, nullable=False),
    Column("nbytes", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("seconds", Float),
    Column("samples", JSON, nullable=False),
    Column("first_s", Float, nullable=False),
    Column("to_native_s", Float, nullable=False),
    Column("from_native_s", Float, nullable=False),
    Column("peak_bytes", BigInteger),
    Index("measurements_by_framework", "framework_id"),
)

records: Final = Table(
    "records",
    METADATA,
    *_of_case_and_framework(),
    Column("check", String, primary_key=True),
    Column("support", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("diagnosis", String),
    Column("limitation", String),
    Column("evidence", JSON),
    Index("records_by_framework", "framework_id"),
)
