"""Runs, their frameworks and cases, measurements and records."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None


def _columns(kind: type[TypeEngine[Any]], names: str, **options: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, **{"nullable": False, **options}) for name in names.split()]


def _row_of(table: str, column: str, **options: Any) -> sa.Column[Any]:
    removed = None if table == "cases" else "CASCADE"
    key = sa.ForeignKey(f"{table}.id", ondelete=removed)
    return sa.Column(column, sa.Integer, key, nullable=False, **options)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        *_columns(sa.Integer, "id", primary_key=True),
        *_columns(sa.String, "digest", unique=True),
        *_columns(sa.String, "kind commit branch deconform fingerprint"),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        *_columns(sa.JSON, "machine settings ceilings"),
        *_columns(sa.BigInteger, "cases"),
        *_columns(sa.Float, "elapsed_s"),
        sa.Index("runs_by_date", "date"),
    )
    op.create_table(
        "frameworks",
        *_columns(sa.Integer, "id", primary_key=True),
        _row_of("runs", "run_id"),
        *_columns(sa.String, "name version engine device"),
        *_columns(sa.JSON, "about"),
        sa.UniqueConstraint("run_id", "name", name="frameworks_of_a_run"),
    )
    op.create_table(
        "cases",
        *_columns(sa.Integer, "id", primary_key=True),
        *_columns(sa.String, "name descriptor suite"),
        sa.UniqueConstraint("name", "descriptor", name="cases_by_name"),
    )
    op.create_table(
        "measurements",
        _row_of("cases", "case_id", primary_key=True),
        _row_of("frameworks", "framework_id", primary_key=True),
        *_columns(sa.String, "direction", primary_key=True),
        *_columns(sa.String, "support status dtype"),
        *_columns(sa.String, "reason", nullable=True),
        *_columns(sa.BigInteger, "batch multiply_adds nbytes calls"),
        *_columns(sa.Float, "seconds", nullable=True),
        *_columns(sa.JSON, "samples"),
        *_columns(sa.Float, "first_s to_native_s from_native_s"),
        *_columns(sa.BigInteger, "peak_bytes", nullable=True),
        sa.Index("measurements_by_framework", "framework_id"),
    )
    op.create_table(
        "records",
        _row_of("cases", "case_id", primary_key=True),
        _row_of("frameworks", "framework_id", primary_key=True),
        *_columns(sa.String, "check", primary_key=True),
        *_columns(sa.String, "support status"),
        *_columns(sa.String, "reason diagnosis limitation", nullable=True),
        *_columns(sa.JSON, "evidence", nullable=True),
        sa.Index("records_by_framework", "framework_id"),
    )
