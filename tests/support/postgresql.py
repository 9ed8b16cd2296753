"""A PostgreSQL server for the tests, on a loopback port and in a temporary folder."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PASSWORD = "geheim+2"
# The data need not survive the tests, let alone a power cut.
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=''", "fsync=off")


@dataclass
class Server:
    port: int
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://tester:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        import psycopg  # noqa: PLC0415 -- an extra

        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


def program(name: str) -> str | None:
    """Find a program of the server; Debian keeps them off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or next(map(str, reversed(debian)), None)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server; skip the test if PostgreSQL is not installed."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is missing; as root: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    user = _user()
    data, secret, log = folder / "data", folder / "secret", folder / "log"
    secret.write_text(PASSWORD)
    for path in (folder, secret):
        shutil.chown(path, user)
    try:
        options = ("-U", "tester", "--auth=scram-sha-256", "--pwfile", str(secret), "--no-sync")
        _run([initdb, "-D", str(data), *options, "--locale=C", "--encoding=UTF8"], user)
        port = _free_port()
        settings = " ".join(["-p", str(port), *(f"-c {setting}" for setting in SETTINGS)])
        _run([pg_ctl, "-D", str(data), "-l", str(log), "-w", "-o", settings, "start"], user)
        try:
            yield Server(port)
        finally:
            _run([pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str:
    """Choose a user to run as: PostgreSQL refuses to run as root."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(command: list[str], user: str) -> None:
    account = pwd.getpwnam(user)
    as_user = {} if os.getuid() else {"user": user, "group": account.pw_gid, "extra_groups": []}
    # The server keeps its standard output open, so a pipe would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, cwd="/", **as_user, check=False
        )  # type: ignore[call-overload]
        output.seek(0)
        assert done.returncode == 0, output.read().decode(errors="replace")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
