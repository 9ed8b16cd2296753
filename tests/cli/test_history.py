"""``deconform run --save``, ``deconform report --save`` and ``deconform history``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from examples import slow
from saved_runs import BEGAN, MACHINE, benchmark, conformance, engine

from harness import Report
from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.history import revision, store
from harness.records.status import Status

SPEC = """\
suite: made
cases:
  - name: one
    input: [1, 2, 3]
    out_channels: 2
    kernel: 2
"""
IDENTITY = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
IDENTITY |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
SLOWER = [0.010, 0.011, 0.010, 0.012, 0.011, 0.010, 0.020, 0.022, 0.020, 0.024, 0.022, 0.020]


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DECONFORM_DATABASE", "sqlite:///history.sqlite")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("DECONFORM_COMMIT", "GITHUB_SHA", "GITHUB_HEAD_REF", "GITHUB_REF_NAME"):
        monkeypatch.delenv(name, raising=False)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["history", *arguments]) == OK
    return capsys.readouterr().out


def save_slower() -> None:
    for day, seconds in enumerate(SLOWER):
        about = {"numpy": engine("1.0" if day < 6 else "1.1")}
        store.save(benchmark(day, seconds, frameworks=about))


@pytest.mark.slow
def test_a_run_is_saved_with_its_commit_and_its_file_is_known_already(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECONFORM_COMMIT", "abc123")
    Path("made.yaml").write_text(SPEC)
    assert main(["run", "made.yaml", "-f", "numpy", "-o", "run.jsonl", "--save"]) == OK
    assert "\nsaved as run 1 of sqlite:///history.sqlite\n" in capsys.readouterr().out
    assert Report.read("run.jsonl").header.commit == "abc123"
    assert main(["report", "run.jsonl", "--save"]) == OK
    assert "\nalready saved as run 1 of sqlite:///history.sqlite\n" in capsys.readouterr().out
    told = shown(capsys, "made/one")
    assert "made/one  numpy\n    PASSED since 20" in told
    assert "(commit abc123, " in told


def test_a_wrong_database_is_said_before_anything_is_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("made.yaml").write_text(SPEC)
    assert main(["run", "--save", "made.yaml", "-f", "numpy"]) == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: 'made.yaml' is no database's URL, such as sqlite:///")


@pytest.mark.slow
def test_the_trend_of_a_case_has_each_run_and_the_step(capsys: pytest.CaptureFixture[str]) -> None:
    save_slower()
    assert shown(capsys, "bench/a").splitlines() == [
        "machine f00d (Abacus 9, 2 cores, 8 GiB), threads 2",
        "  bench/a  numpy  forward  ic1_oc1_k2_n1_i3",
        *(
            f"    2026-01-{day + 1:02} 12:00  {f'c{day}':<16}  {'1.0' if day < 6 else '1.1':<10}  "
            f"{seconds * 1000:>6.1f} ms  {seconds / 0.01:.3f}{'  <- step' * (day == 6)}"
            for day, seconds in enumerate(SLOWER)
        ),
        "    ▁▁▁▂▁▁▆▇▆█▇▆",
        "    commit c5..c6: 100 % slower (10.5 ms -> 21.0 ms); numpy 1.0 -> 1.1",
        "",
    ]


def test_without_a_case_each_series_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    save_slower()
    store.save(benchmark(0, 0.5, machine=MACHINE | {"fingerprint": "beef"}))
    assert shown(capsys).splitlines() == [
        "machine beef (Abacus 9, 2 cores, 8 GiB), threads 2",
        "  bench/a  numpy  forward  ▁  500 ms, 1.00 of the first, 1 run",
        "",
        "machine f00d (Abacus 9, 2 cores, 8 GiB), threads 2",
        "  bench/a  numpy  forward  ▁▁▁▂▁▁▆▇▆█▇▆  20.0 ms, 2.20 of the first, 12 runs",
        "    commit c5..c6: 100 % slower (10.5 ms -> 21.0 ms); numpy 1.0 -> 1.1",
        "",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("bench/b",),
        ("x*",),
        ("-f", "mxnet"),
        ("--direction", "gradient"),
        ("--machine", "beef"),
        ("--branch", "topic"),
    ],
)
def test_what_nobody_saved_is_said(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    store.save(benchmark(0))
    assert main(["history", *arguments]) == USAGE
    said = "error: no run in sqlite:///history.sqlite holds what is asked for.\n"
    assert capsys.readouterr() == ("", said)


def test_conformance_says_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    for day, status in enumerate((Status.PASSED, Status.PASSED, Status.FAILED)):
        store.save(conformance(day, (Status.PASSED, status)))
    expected = [
        "conformance",
        "  edge/a  numpy",
        "    FAILED since 2026-01-03 12:00 (commit c2, 1.0): value: it differs",
        "    PASSED since 2026-01-01 12:00 (commit c0, 1.0), "
        "last 2026-01-02 12:00 (commit c1, 1.0), 2 runs",
    ]
    assert shown(capsys, "edge/*").splitlines() == expected
    assert shown(capsys).splitlines() == expected


def test_what_never_changed_is_counted_only(capsys: pytest.CaptureFixture[str]) -> None:
    store.save(conformance(0, (Status.PASSED,)))
    assert shown(capsys).splitlines() == [
        "conformance",
        "  1 of 1 cases and frameworks were always the same",
    ]


def test_no_control_sequence_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    store.save(benchmark(0, case="\x1b[2Jbench"))
    assert "\\x1b[2Jbench  numpy" in shown(capsys)


def test_json_has_the_points_the_steps_and_the_stretches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_slower()
    store.save(conformance(0, (Status.PASSED,)))
    told = json.loads(shown(capsys, "--json"))
    (series,) = told["times"]
    assert [timing["seconds"] for timing in series["timings"]] == SLOWER
    assert series["timings"][0]["run"]["date"] == BEGAN.isoformat()
    (step,) = series["steps"]
    assert (step["after_commit"], step["until_commit"]) == ("c5", "c6")
    assert step["ratio"] == pytest.approx(2)
    (career,) = told["conformance"]
    assert career["stretches"][0]["status"] == "PASSED"


@pytest.mark.parametrize("missing", ["sqlalchemy", slow("alembic")])
def test_a_missing_library_is_named_with_its_extra(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from harness.cli.main import main; sys.exit(main(['history']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert done.stderr == (
        f'error: the history store needs {missing}: pip install "deconform[history]"\n'
    )


def test_a_missing_driver_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert main(["history", "--database", "postgresql://u:secret7@host/d"]) == USAGE
    assert capsys.readouterr().err == (
        'error: postgresql://u:***@host/d needs psycopg: pip install "deconform[postgresql]"\n'
    )


def test_git_says_commit_and_branch_and_whether_files_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "commit.gpgsign=false", *arguments]
        environ = os.environ | IDENTITY
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert (revision.commit(), revision.branch()) == ("", "")
    monkeypatch.setenv("GITHUB_SHA", "from-github")
    monkeypatch.setenv("GITHUB_REF_NAME", "its-branch")
    assert (revision.commit(), revision.branch()) == ("from-github", "its-branch")
    git("init", "--initial-branch", "topic")
    Path("file").write_text("1")
    git("add", "file")
    git("commit", "--message", "one")
    git("tag", "v1")
    whole = git("rev-parse", "HEAD")
    assert (revision.commit(), revision.branch()) == (whole, "topic")
    Path("file").write_text("2")
    assert revision.commit() == f"{whole}-dirty"
    git("checkout", "--detach")
    assert revision.branch() == "its-branch"
    monkeypatch.setenv("DECONFORM_COMMIT", "stated")
    assert revision.commit() == "stated"
