"""Alembic reads this when the store is opened; ``database.py`` gives the connection.

A new migration is a file in ``versions/``; a test compares what they make with ``tables.py``.
"""

from __future__ import annotations

from alembic import context

from harness.history.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
