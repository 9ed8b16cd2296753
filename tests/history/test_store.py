"""The history store: the same promises on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import postgresql
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from saved_runs import MACHINE, benchmark, conformance, engine, header, measurement, record
from sqlalchemy import delete, select, text

from harness import Report
from harness.core.column_info import ColumnInfo
from harness.history import database, saving, store, tables
from harness.history.database import VERSION_TABLE, Database, StoreError
from harness.history.steps import Series
from harness.records.measurement import MEASURED
from harness.records.record import Footer
from harness.records.status import Status

ALL = store.Selection()


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as started:
        yield started


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database's URL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.sqlite"
    made: str = request.getfixturevalue("server").new_database()
    return made


def rows(url: str, query: Any) -> list[dict[str, Any]]:
    with Database.of(url).connected() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def medians(series: Series) -> list[float | None]:
    return [timing.seconds for timing in series.timings]


def test_a_benchmark_is_kept_with_its_samples(url: str) -> None:
    about = {"numpy": engine("2.4", blas="openblas"), "mxnet": ColumnInfo(unavailable="build it")}
    assert store.save(benchmark(3, 0.25, frameworks=about), url, "main").run == 1
    (run,) = rows(url, select(tables.runs))
    assert run["date"].isoformat() == "2026-01-04T12:00:00+00:00"
    assert (run["kind"], run["commit"], run["branch"]) == ("benchmark", "c3", "main")
    assert (run["fingerprint"], run["machine"]) == ("f00d", MACHINE)
    assert run["settings"] == {"threads": 2, "rounds": 3}
    assert run["ceilings"] == {"copy_bytes": 1e10}
    assert {row["name"]: row["about"] for row in rows(url, select(tables.frameworks))} == {
        name: info.to_json() for name, info in about.items()
    }
    (measured,) = rows(url, select(tables.measurements))
    assert measured["samples"] == [0.25, 0.1875, 0.375]
    assert (measured["seconds"], measured["peak_bytes"]) == (0.25, None)


def test_a_conformance_run_is_kept_with_its_evidence(url: str) -> None:
    failed = record("value", Status.FAILED, diagnosis="kernel flipped", evidence={"of": [2, 4]})
    passed = record("shape", Status.PASSED)
    report = Report.of([header(0, {"numpy": engine()}), passed, failed, Footer({}, 2.0)])
    store.save(report, url)
    assert [run["kind"] for run in rows(url, select(tables.runs))] == ["conformance"]
    kept = {row["check"]: row for row in rows(url, select(tables.records))}
    assert kept["shape"]["status"] == "PASSED"
    assert kept["shape"]["evidence"] is None
    assert kept["value"]["diagnosis"] == "kernel flipped"
    assert kept["value"]["evidence"] == {"of": [2, 4]}


def test_a_report_is_saved_once(url: str) -> None:
    first = store.save(benchmark(0), url)
    again = store.save(benchmark(0), url)
    other = store.save(benchmark(1), url)
    assert (first.new, again.new, other.new) == (True, False, True)
    assert first.run == again.run != other.run
    assert again.text.startswith("already saved as run 1 of ")
    (series,) = store.opened(url).times(ALL)
    assert len(series.timings) == 2


def test_runs_come_back_by_date_not_by_when_they_were_saved(url: str) -> None:
    for day, seconds in ((5, 0.5), (1, 0.125), (3, 0.25)):
        store.save(benchmark(day, seconds), url)
    (series,) = store.opened(url).times(ALL)
    assert medians(series) == [0.125, 0.25, 0.5]
    assert [timing.run.commit for timing in series.timings] == ["c1", "c3", "c5"]
    assert series.machine == "Abacus 9, 2 cores, 8 GiB"


def test_only_what_can_be_compared_is_joined(url: str) -> None:
    others: list[dict[str, Any]] = [
        {"machine": MACHINE | {"fingerprint": "beef"}},
        {"settings": {"threads": 4, "rounds": 3}},
        {"settings": {"threads": 2, "rounds": 3, "math": "tf32"}},
        {"frameworks": {"numpy": engine(device="cuda")}},
        {"direction": "gradient"},
        {"descriptor": "ic1_oc1_k3_n1_i3"},
        {"case": "bench/b"},
    ]
    store.save(benchmark(0), url)
    for day, other in enumerate(others):
        store.save(benchmark(day, **other), url)
        store.save(benchmark(day + 100, **other), url)
    series = store.opened(url).times(ALL)
    assert sorted(len(one.timings) for one in series) == [1, *(2 for _ in others)]


def test_versions_rounds_and_a_machines_description_do_not_part_a_series(url: str) -> None:
    store.save(benchmark(0, 0.5), url)
    about = {"numpy": engine("2.0")}
    machine = MACHINE | {"memory": "16 GiB"}
    store.save(benchmark(1, 0.25, frameworks=about, machine=machine, settings={"threads": 2}), url)
    (series,) = store.opened(url).times(ALL)
    assert medians(series) == [0.5, 0.25]
    assert [timing.run.version for timing in series.timings] == ["1.0", "2.0"]
    assert series.machine == "Abacus 9, 2 cores, 16 GiB"


def test_what_could_not_be_measured_has_its_status(url: str) -> None:
    report = Report.of(
        [
            header(0, {"numpy": engine()}, settings={"threads": 1}),
            measurement(status="UNSUPPORTED", reason="no float16"),
            Footer({}, 1.0),
        ]
    )
    store.save(report, url)
    (series,) = store.opened(url).times(ALL)
    assert [(one.status, one.seconds) for one in series.timings] == [("UNSUPPORTED", None)]


def test_a_selection_is_followed(url: str) -> None:
    mxnet = {"mxnet": engine()}
    store.save(benchmark(0, case="bench/a"), url, "topic")
    store.save(benchmark(1, case="bench/b", frameworks=mxnet, framework="mxnet"), url)
    store.save(benchmark(2, case="bench/c", direction="gradient"), url)
    store.save(benchmark(3, case="bench/d", machine={"fingerprint": "beef"}), url)
    opened = store.opened(url)
    for selection, found in (
        (ALL, "abcd"),
        (store.Selection(cases=lambda name: name == "bench/b"), "b"),
        (store.Selection(cases=lambda _: False), ""),
        (store.Selection(frameworks=("mxnet", "chainer")), "b"),
        (store.Selection(direction="gradient"), "c"),
        (store.Selection(machine="be"), "d"),
        (store.Selection(machine="%"), ""),
        (store.Selection(branch="topic"), "a"),
        (store.Selection(branch=""), "bcd"),
    ):
        cases = {series.case for series in opened.times(selection)}
        assert cases == {f"bench/{name}" for name in found}, selection


def test_case_histories_join_runs_with_the_same_verdict(url: str) -> None:
    good, bad = (Status.PASSED, Status.PASSED), (Status.PASSED, Status.FAILED)
    for day, statuses in enumerate((good, good, bad, bad, bad, good)):
        store.save(conformance(day, statuses, version=f"1.{day}"), url)
    (history,) = store.opened(url).case_histories(ALL)
    assert (history.case, history.framework) == ("edge/a", "numpy")
    assert [
        (one.status, one.checks, one.first.commit, one.last.version, one.runs)
        for one in history.streaks
    ] == [
        (Status.PASSED, (), "c0", "1.1", 2),
        (Status.FAILED, ("value",), "c2", "1.4", 3),
        (Status.PASSED, (), "c5", "1.5", 1),
    ]


def test_skipped_runs_and_documented_semantics_do_not_break_a_career(url: str) -> None:
    store.save(conformance(0, (Status.PASSED,)), url)
    store.save(conformance(1, (Status.SKIPPED,)), url)
    store.save(conformance(2, (Status.FAILED,), engine="documented semantics (Octave 7)"), url)
    store.save(conformance(3, (Status.PASSED,)), url)
    histories = store.opened(url).case_histories(ALL)
    assert {one.where: [each.runs for each in one.streaks] for one in histories} == {
        "cpu": [2],
        "cpu, documented semantics": [1],
    }


HOSTILE = "x'); DROP TABLE runs; --\0 \ud800 %s :name {0}"


def test_what_no_database_can_hold_is_replaced_and_nothing_is_executed(url: str) -> None:
    evidence = {"figure": float("nan"), HOSTILE: [HOSTILE, float("inf")]}
    failed = record("value", Status.FAILED, case=HOSTILE, reason=HOSTILE, evidence=evidence)
    about = header(0, {"numpy": engine()}, commit=HOSTILE, machine={"fingerprint": HOSTILE})
    store.save(Report.of([about, failed, Footer({}, 1.0)]), url, HOSTILE)
    (history,) = store.opened(url).case_histories(
        store.Selection(branch="x'); DROP TABLE runs; --\ufffd ? %s :name {0}")
    )
    assert history.case == HOSTILE.replace("\0", "\ufffd").replace("\ud800", "?")
    (kept,) = rows(url, select(tables.records))
    assert kept["evidence"]["figure"] == "nan"
    assert len(rows(url, select(tables.runs))) == 1


def test_a_number_that_no_database_can_hold_is_an_error_and_nothing_is_kept(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        store.save(benchmark(0, multiply_adds=2**70), url)
    assert "\n" not in str(caught.value)
    assert rows(url, select(tables.runs)) == []


@pytest.mark.parametrize("started", ["yesterday", "2026-01-02T03:04:05"])
def test_a_date_without_a_time_zone_is_refused(url: str, started: str) -> None:
    report = benchmark(0)
    spoilt = replace(report, header=replace(report.header, started=started))
    with pytest.raises(StoreError, match="no date with a time zone"):
        store.save(spoilt, url)


def test_an_interrupted_run_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="interrupted"):
        store.save(replace(benchmark(0), footer=None), url)


def test_runs_are_saved_at_the_same_time_in_a_new_database(url: str) -> None:
    """All of them make the schema, add the same cases, and one report is saved by everybody."""
    at_once, each = 4, 3
    barrier = Barrier(at_once)

    def saved(worker: int) -> list[bool]:
        barrier.wait()
        days = (0, *(worker * each + number + 1 for number in range(each)))
        return [store.save(conformance(day, (Status.PASSED,) * 3), url).new for day in days]

    with ThreadPoolExecutor(at_once) as pool:
        new = list(pool.map(saved, range(at_once)))
    assert sum(first for first, *_ in new) == 1
    assert all(all(others) for _, *others in new)
    assert len(rows(url, select(tables.runs))) == at_once * each + 1
    assert len(rows(url, select(tables.records))) == 3 * (at_once * each + 1)
    assert len(rows(url, select(tables.cases))) == 1


def test_the_migrations_make_the_tables(url: str) -> None:
    store.opened(url)
    with Database.of(url).connected() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, tables.METADATA) == []


def test_opening_again_changes_nothing(url: str) -> None:
    store.save(benchmark(0), url)
    store.opened(url)
    assert len(store.opened(url, create=False).times(ALL)) == 1


def test_a_deleted_run_takes_its_measurements_with_it(url: str) -> None:
    store.save(benchmark(0), url)
    with Database.of(url).connected(writes=True) as connection:
        connection.execute(delete(tables.runs))
    assert rows(url, select(tables.measurements)) == []


def test_a_newer_schema_is_left_alone(url: str) -> None:
    store.opened(url)
    with Database.of(url).connected(writes=True) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"has schema '9999', .*; update deconform"):
        store.opened(url)


def test_where_there_is_no_history_none_is_made(url: str) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match="holds no history yet"):
            store.opened(url, create=False)


def test_another_programs_tables_are_left_alone(url: str) -> None:
    with Database.of(url).connected(writes=True) as connection:
        connection.execute(text("CREATE TABLE runs (theirs INTEGER)"))
    with pytest.raises(StoreError, match="already exists"):
        store.opened(url)
    assert rows(url, text("SELECT * FROM runs")) == []
    with pytest.raises(StoreError, match="holds no history yet"):
        store.opened(url, create=False)


@pytest.mark.slow
def test_a_wrong_password_is_not_told(server: postgresql.Server) -> None:
    with pytest.raises(StoreError) as caught:
        store.opened(server.url(password="secret7"))
    said = str(caught.value)
    assert "password authentication failed" in said
    assert "secret7" not in said
    assert "\n" not in said


def no_text(folder: Path) -> str:
    (folder / "text").write_text("no database " * 100)
    return f"sqlite:///{folder}/text"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda _: "specs/bench", "'specs/bench' is no database's URL, such as sqlite:///"),
        (lambda _: "host:secret7", "what was given is no database's URL"),
        (lambda _: "postgresql://u:secret7", "what was given is no database's URL"),
        (lambda _: "postgresql://u:x@secret7@host/d", "write an @ in a database's password as %40"),
        (lambda _: "mysql://u:secret7@host/d", "a mysql database is not supported"),
        (lambda _: "sqlite://", "the SQLite URL names no file"),
        (lambda _: "sqlite:///:memory:", "the SQLite URL names no file"),
        (lambda folder: f"sqlite:///{folder}/no/file", "there is no folder"),
        (lambda folder: f"sqlite:///{folder}", "unable to open database file; may you read"),
        (no_text, "file is not a database"),
        (lambda _: "postgresql://u:secret7@127.0.0.1:1/d", "onnection refused"),
        (lambda _: "postgresql://127.0.0.1:1/d?user=u&password=secret7", "onnection refused"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_a_password(
    given: Callable[[Path], str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreError) as caught:
        store.opened(given(tmp_path))
    assert said in str(caught.value)
    assert "secret7" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_locked_file_is_waited_for_only_so_long(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/history.sqlite?timeout=0.01"
    opened = store.opened(url)
    other = sqlite3.connect(tmp_path / "history.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another program has locked it"):
        opened.save(benchmark(0))
    other.execute("ROLLBACK")
    other.close()
    assert opened.save(benchmark(0)).new


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save two runs in a file."""
    file = tmp_path_factory.mktemp("saved") / "history.sqlite"
    opened = store.opened(f"sqlite:///{file}")
    opened.save(benchmark(0))
    opened.save(conformance(1, [Status.PASSED, Status.FAILED]))
    return file


@pytest.fixture
def two_runs(saved: Path, tmp_path: Path) -> Path:
    """Return a file that holds two runs, which a test may edit."""
    return Path(shutil.copy(saved, tmp_path))


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("runs", "\"commit\" = x'ff'", r"run 1 was edited: its commit is b'\\xff'\."),
        ("runs", "date = 'yesterday'", r"a row of the history was edited: .*yesterday"),
        ("runs", "date = 7", r"a row of the history was edited: "),
        ("runs", "machine = '[1]'", r"run 1 was edited: its machine is \[1\]\."),
        ("runs", "settings = '{'", r"a row of the history was edited: "),
        ("runs", "fingerprint = x'00'", r"run 1 was edited: its fingerprint is "),
        ("frameworks", "version = x'00'", r"run 1 was edited: its version is "),
        ("frameworks", "engine = x'00'", r"run 2 was edited: its engine is "),
        ("cases", "name = x'00' WHERE id = 1", r"run 1 was edited: its case is "),
        ("measurements", "seconds = 'soon'", r"run 1 was edited: its seconds is 'soon'"),
        ("measurements", "seconds = 0", r"run 1 was edited: it has a time of 0\.0 s"),
        ("measurements", "seconds = -1", r"run 1 was edited: it has a time of -1\.0 s"),
        ("measurements", "seconds = 9e999", r"run 1 was edited: it has a time of inf s"),
        ("records", "status = 'SPLENDID'", r"a status 'SPLENDID', unknown to this deconform"),
        ("records", "reason = x'00'", r"run 2 was edited: its reason is "),
    ],
)
def test_rows_that_somebody_edited_are_one_error(
    table: str, change: str, message: str, two_runs: Path
) -> None:
    opened = store.opened(f"sqlite:///{two_runs}")
    with closing(sqlite3.connect(two_runs)) as connection:
        connection.execute(f'UPDATE "{table}" SET {change}')
        connection.commit()
    with pytest.raises(StoreError, match=message):
        _ = opened.times(store.Selection()), opened.case_histories(store.Selection())


def test_without_a_url_the_environment_or_the_users_folder_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DECONFORM_DATABASE", raising=False)
    store.save(benchmark(0))
    assert (tmp_path / "data/deconform/history.sqlite").is_file()
    monkeypatch.setenv("DECONFORM_DATABASE", f"sqlite:///{tmp_path}/chosen.sqlite")
    store.save(benchmark(0))
    assert (tmp_path / "chosen.sqlite").is_file()
    assert MEASURED in {row["status"] for row in rows("", select(tables.measurements))}


def test_only_the_store_needs_the_extra() -> None:
    """``run`` names a commit, and a dashboard shows steps, without a database library."""
    hidden = "import sys; sys.modules |= {'sqlalchemy': None, 'alembic': None}; "
    code = "from harness.history import revision, steps, streaks; "
    code += "import harness.history.store"
    done = subprocess.run(
        [sys.executable, "-c", hidden + code], capture_output=True, text=True, check=False
    )
    last = done.stderr.splitlines()[-1]
    assert 'the history store needs alembic: pip install "deconform[history]"' in last
    assert "harness/history/store.py" in done.stderr


@pytest.mark.slow
def test_a_back_end_that_is_ended_inside_a_save_leaves_no_part_of_it(
    server: postgresql.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_database()
    store.save(benchmark(0), url)
    add = saving._add_cases

    def ended(connection: Any, *arguments: Any) -> Any:
        (back_end,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
        with psycopg.connect(server.url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [back_end])
        return add(connection, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(saving, "_add_cases", ended)
        with pytest.raises(StoreError) as error:
            store.save(conformance(1, (Status.PASSED,)), url)
    assert "terminating connection" in str(error.value)
    assert "\n" not in str(error.value)
    assert postgresql.PASSWORD not in str(error.value)
    assert len(rows(url, select(tables.runs))) == len(rows(url, select(tables.frameworks))) == 1
    assert store.save(conformance(1, (Status.PASSED,)), url).new
    assert len(rows(url, select(tables.records))) == 1


NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sa.Column("host", sa.String, nullable=False, server_default="unknown"))
    op.create_index("runs_by_host", "runs", ["host"])
"""


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the migration that the next deconform brings, which is to be used from now on."""
    scripts = tmp_path / "migrations"
    shutil.copytree(database._SCRIPTS, scripts)
    monkeypatch.setattr(database, "_SCRIPTS", scripts)
    return scripts / "versions" / "v0002_host.py"


def test_an_older_schema_is_brought_up_to_date_with_all_that_it_holds(
    url: str, newer: Path
) -> None:
    store.save(benchmark(0), url)
    store.save(conformance(1, (Status.PASSED, Status.FAILED)), url)
    before = rows(url, select(tables.runs)), rows(url, select(tables.records))
    newer.write_text(NEXT)
    assert store.opened(url, create=False).times(ALL)
    assert (rows(url, select(tables.runs)), rows(url, select(tables.records))) == before
    assert [row["host"] for row in rows(url, text("SELECT host FROM runs"))] == ["unknown"] * 2
    assert store.save(benchmark(2), url).new
    assert len(store.opened(url).times(ALL)[0].timings) == 2


def test_a_migration_that_fails_changes_nothing(url: str, newer: Path) -> None:
    store.save(benchmark(0), url)
    newer.write_text(NEXT + '    op.execute("SELECT * FROM nowhere")\n')
    for _ in range(2):
        with pytest.raises(StoreError, match="nowhere") as error:
            store.opened(url)
        assert "\n" not in str(error.value)
    newer.unlink()
    assert len(store.opened(url).times(ALL)) == 1
    with pytest.raises(StoreError, match="host"):
        rows(url, text("SELECT host FROM runs"))


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from harness.history import database, store
database._SCRIPTS = Path(sys.argv[2])
opened = database.Database.of(sys.argv[1])
def kill(*arguments):
    if "INDEX runs_by_host" in arguments[2]:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(opened.engine, "before_cursor_execute", kill)
opened.prepare(create=False)
"""


@pytest.mark.slow
def test_a_migration_whose_process_is_killed_changes_nothing(url: str, newer: Path) -> None:
    store.save(benchmark(0), url)
    newer.write_text(NEXT)
    command = [sys.executable, "-c", KILLED, url, str(newer.parents[1])]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with pytest.raises(StoreError, match="host"):
        rows(url, text("SELECT host FROM runs"))
    assert len(store.opened(url).times(ALL)) == 1
    assert [row["host"] for row in rows(url, text("SELECT host FROM runs"))] == ["unknown"]


@pytest.mark.parametrize(
    "option", ["timeout=x", "cached_statements=x", "detect_types=x", "uri=x", "check_same_thread=9"]
)
def test_an_option_of_the_url_that_is_wrong_is_one_line(option: str, tmp_path: Path) -> None:
    with suppress(StoreError):
        store.save(benchmark(0), f"sqlite:///{tmp_path}/history.sqlite?{option}")


@pytest.mark.parametrize("value", ["[" * 3000, "{", "NaN", "\0"])
def test_an_edited_row_is_one_line_or_nothing(value: str, two_runs: Path) -> None:
    url = f"sqlite:///{two_runs}"
    with closing(sqlite3.connect(two_runs)) as edited, edited:
        edited.execute("UPDATE runs SET settings = ?", [value])
    with pytest.raises(StoreError) as error:
        store.opened(url).times(ALL)
    assert "\n" not in str(error.value)
