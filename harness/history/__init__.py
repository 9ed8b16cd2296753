"""The history store: runs in a database, SQLite by default, PostgreSQL for a team.

>>> from harness import history as store  # doctest: +SKIP
>>> store.save(Report.read("bench.jsonl"), "sqlite:///history.sqlite").text  # doctest: +SKIP
'saved as run 1 of sqlite:///history.sqlite'
"""

from __future__ import annotations

from harness.core.errors import InputError

try:
    import alembic  # noqa: F401
    import sqlalchemy  # noqa: F401
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    raise InputError(
        f'the history store needs {missing}: pip install "deconform[history]"'
    ) from None

from harness.history.database import StoreError
from harness.history.reading import Selection
from harness.history.runs import Saved, Store, opened, save

__all__ = ["Saved", "Selection", "Store", "StoreError", "opened", "save"]
