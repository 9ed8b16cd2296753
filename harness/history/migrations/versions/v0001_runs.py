"""Runs, their frameworks and cases, measurements and records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String, nullable=False, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.Column("branch", sa.String, nullable=False),
        sa.Column("deconform", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("machine", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("ceilings", sa.JSON, nullable=False),
        sa.Column("cases", sa.BigInteger, nullable=False),
        sa.Column("elapsed_s", sa.Float, nullable=False),
        sa.Index("runs_by_date", "date"),
    )
    op.create_table(
        "frameworks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "run_id", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("about", sa.JSON, nullable=False),
        sa.UniqueConstraint("run_id", "name", name="frameworks_of_a_run"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("descriptor", sa.String, nullable=False),
        sa.Column("suite", sa.String, nullable=False),
        sa.UniqueConstraint("name", "descriptor", name="cases_by_name"),
    )
    _make_measurements()
    _make_records()


def _make_measurements() -> None:
    op.create_table(
        "measurements",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column(
            "framework_id",
            sa.Integer,
            sa.ForeignKey("frameworks.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("direction", sa.String, primary_key=True),
        sa.Column("support", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("dtype", sa.String, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("multiply_adds", sa.BigInteger, nullable=False),
        sa.Column("nbytes", sa.BigInteger, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("samples", sa.JSON, nullable=False),
        sa.Column("first_s", sa.Float, nullable=False),
        sa.Column("to_native_s", sa.Float, nullable=False),
        sa.Column("from_native_s", sa.Float, nullable=False),
        sa.Column("peak_bytes", sa.BigInteger),
        sa.Index("measurements_by_framework", "framework_id"),
    )


def _make_records() -> None:
    op.create_table(
        "records",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column(
            "framework_id",
            sa.Integer,
            sa.ForeignKey("frameworks.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("check", sa.String, primary_key=True),
        sa.Column("support", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("diagnosis", sa.String),
        sa.Column("limitation", sa.String),
        sa.Column("evidence", sa.JSON),
        sa.Index("records_by_framework", "framework_id"),
    )
