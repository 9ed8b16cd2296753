"""The database: its URL, its connections, its schema, and its errors in one line each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from harness.core.errors import InputError

VERSION_TABLE: Final = "deconform_schema"
# An arbitrary number: the advisory lock held while a PostgreSQL database is migrated.
_MIGRATING: Final = 0x6465636F
_PATIENCE: Final = 30
_EXAMPLES: Final = "sqlite:///history.sqlite or postgresql://user:password@host/database"
# Options of a URL and edited rows raise these.
_DAMAGE: Final = (OverflowError, RecursionError, TypeError, ValueError)
_SCRIPTS: Final = Path(__file__).parent / "migrations"


class StoreError(InputError):
    """A history store that cannot be used."""


@dataclass(frozen=True)
class Database:
    """Where the history is kept."""

    url: URL  # Of SQLite or PostgreSQL

    @classmethod
    def of(cls, text: str | None = None) -> Database:
        """Read a URL; without one, ``DECONFORM_DATABASE`` or a file of the user's decides.

        Raises
        ------
        StoreError
            If it is no URL of a database that can be used.
        """
        chosen = text or os.environ.get("DECONFORM_DATABASE")
        default = URL.create("sqlite", database=str(_default_file()))
        return cls(_read_url(chosen) if chosen else default)

    @property
    def name(self) -> str:
        """The URL without its password, to be shown."""
        hidden = {
            key: "***" if key == "password" else value for key, value in self.url.query.items()
        }
        plain = self.url.set(drivername=self.url.get_backend_name(), query=hidden)
        return plain.render_as_string(hide_password=True)

    @cached_property
    def engine(self) -> Engine:
        """The engine; it keeps no connection open."""
        # How long to wait for a locked file or for a server, unless the URL says it.
        option = "timeout" if self.url.get_backend_name() == "sqlite" else "connect_timeout"
        try:
            engine = create_engine(
                self.url,
                poolclass=NullPool,
                connect_args={} if option in self.url.query else {option: _PATIENCE},
                hide_parameters=True,
                json_serializer=partial(json.dumps, separators=(",", ":")),
            )
        except ModuleNotFoundError as error:
            raise StoreError(
                f'{self.name} needs {error.name}: pip install "deconform[postgresql]"'
            ) from None
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def connected(self, *, writes: bool = False) -> Iterator[Connection]:
        """Open a transaction; one that writes waits for others that do."""
        with self.errors(), self.engine.execution_options(writes=writes).begin() as connection:
            yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn a driver's error into one line without the password."""
        try:
            yield
        except InputError:
            raise
        except (SQLAlchemyError, CommandError, *_DAMAGE) as error:
            message = " ".join(str(getattr(error, "orig", None) or error).split())
            raise StoreError(self._without_password(f"{self.name}: {_hint(message)}")) from None

    def _without_password(self, message: str) -> str:
        for secret in (self.url.password, self.url.query.get("password")):
            if isinstance(secret, str) and secret:
                message = message.replace(secret, "***")
        return message

    def prepare(self, *, create: bool) -> bool:
        """Bring the schema up to date, or ``create`` one; return whether there is one.

        Raises
        ------
        StoreError
            If it cannot be reached, or if a newer deconform has made it.
        """
        if self.url.get_backend_name() == "sqlite" and not self._prepare_file(create=create):
            return False
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
        with self.connected() as connection:
            options = {"version_table": VERSION_TABLE}
            current = MigrationContext.configure(connection, opts=options).get_current_revision()
        if current is not None and current not in known:
            raise StoreError(
                f"{self.name} has schema {current!r:.40}, and this deconform knows {known[0]!r} "
                "and older ones; update deconform."
            )
        if current is None and not create:
            return False
        if current != known[0]:
            self._migrate(config)
        return True

    def _prepare_file(self, *, create: bool) -> bool:
        file = Path(str(self.url.database))
        if file.exists() or not create:
            return file.exists()
        if file == _default_file():
            file.parent.mkdir(parents=True, exist_ok=True)
        if not file.parent.is_dir():
            raise StoreError(f"{self.name}: there is no folder {file.parent}.")
        return True

    def _migrate(self, config: Config) -> None:
        with self.connected(writes=True) as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:name)")
                connection.execute(lock, {"name": _MIGRATING})
            config.attributes.update(connection=connection, version_table=VERSION_TABLE)
            command.upgrade(config, "head")


def _read_url(chosen: str) -> URL:
    try:
        url = make_url(chosen)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        # Any part of it may be a password.
        shown = repr(chosen[:60]) if not set(chosen) & set("@:") else "what was given"
        raise StoreError(f"{shown} is no database's URL, such as {_EXAMPLES}.") from None
    if "@" in (url.host or ""):
        raise StoreError("write an @ in a database's password as %40.")
    if backend == "sqlite":
        if not url.database or url.database.startswith((":", "file:")):
            raise StoreError("the SQLite URL names no file; write sqlite:///history.sqlite.")
        return url
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(f"a {backend} database is not supported; give {_EXAMPLES}.")


def _default_file() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "deconform" / "history.sqlite"


def _hint(message: str) -> str:
    if "database is locked" in message:
        return "another program has locked it for too long; try again when that has ended."
    if "unable to open database file" in message or "readonly database" in message:
        return f"{message}; may you read and write the file and its folder?"
    return message


# As SQLAlchemy recommends, so that transactions begin explicitly and include DDL:
# https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # Two transactions that begin as readers and then write would deadlock.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
