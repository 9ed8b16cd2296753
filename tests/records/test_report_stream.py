"""A report while its run goes on: where it is, and what a run that ends early leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from examples import slow
from saved_runs import engine, header, record, written

from harness.core.files import WriteError
from harness.records.record import Event, Footer
from harness.records.report_file import Report
from harness.records.report_stream import interrupted, report_stream
from harness.records.status import Status

RECORDS = [record(check, Status.PASSED) for check in ("shape", "value", "grad_x")]
HEADER = header(0, {"numpy": engine()})
RUN: list[Event] = [HEADER, *RECORDS, Footer({}, 2.0)]
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_report_stream import RUN
from harness.records.report_stream import report_stream
with report_stream(Path(sys.argv[1]), int(sys.argv[4])) as write:
    for event in RUN[: int(sys.argv[2])]:
        write(event)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def write(path: Path, events: Sequence[Event], repeated: int = 0) -> None:
    with report_stream(path, repeated) as append:
        for event in events:
            append(event)


def killed(path: Path, count: int, repeated: int = 0) -> None:
    """Let a process be killed after it has written some events."""
    support = os.pathsep.join(["tests/support", "tests/records"])
    command = [sys.executable, "-c", KILLED, str(path), f"{count}", "tests/support", f"{repeated}"]
    environ = os.environ | {"PYTHONPATH": support}
    assert subprocess.run(command, env=environ, check=False).returncode == -signal.SIGKILL


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir() if not each.name.endswith(".lock")}


def test_each_event_is_in_the_file_before_anybody_hears_of_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.jsonl"
    with report_stream(path) as append:
        for number, event in enumerate(RUN, 1):
            append(event)
            assert path.read_text().count("\n") == number
    assert Report.read(path).footer
    assert names(path.parent) == {"run.jsonl"}


@pytest.mark.parametrize("count", [slow(1), 2, slow(4)])
@pytest.mark.slow
def test_a_killed_run_leaves_what_it_wrote(tmp_path: Path, count: int) -> None:
    path = tmp_path / "run.jsonl"
    killed(path, count)
    assert interrupted(path) == path
    left = Report.read(path)
    assert (len(left.records), left.footer) == (count - 1, None)


@pytest.mark.parametrize("count", [slow(0), 1, slow(4)])
def test_the_old_report_stays_until_the_new_one_is_whole(tmp_path: Path, count: int) -> None:
    path = written(tmp_path / "run.jsonl", [HEADER, RECORDS[0], Footer({}, 1.0)])
    old = path.read_text()
    write(path, RUN[:count])
    assert path.read_text() == old
    assert names(tmp_path) == ({"run.jsonl", "run.jsonl.part"} if count else {"run.jsonl"})
    killed(path, count)
    assert path.read_text() == old
    write(path, RUN)
    assert Report.read(path).records == tuple(RECORDS)
    assert names(tmp_path) == {"run.jsonl"}


def test_a_run_that_ends_before_its_header_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", [])
    assert names(tmp_path) == set()


@pytest.mark.slow
@pytest.mark.parametrize("beside", [False, True])
def test_a_resumed_run_never_has_less_than_the_interrupted_one(
    tmp_path: Path, *, beside: bool
) -> None:
    path = tmp_path / "run.jsonl"
    if beside:
        written(path, [HEADER, Footer({}, 1.0)])
    killed(path, 3)
    place = interrupted(path)
    assert place == (tmp_path / "run.jsonl.part" if beside else path)
    for count, least in ((1, 2), (2, 2), (4, 3)):
        killed(path, count, repeated=3)
        assert interrupted(path) == place
        assert len(Report.read(place).records) == least
    write(path, RUN, repeated=3)
    assert Report.read(path).footer
    assert names(tmp_path) == {"run.jsonl"}


def test_a_resumed_run_that_is_refused_leaves_the_interrupted_one(tmp_path: Path) -> None:
    path = written(tmp_path / "run.jsonl", RUN[:3])
    write(path, RUN[:1], repeated=3)
    assert len(Report.read(path).records) == 2
    assert names(tmp_path) == {"run.jsonl"}


def test_two_runs_cannot_write_one_report(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with report_stream(path) as append:
        append(HEADER)
        with pytest.raises(WriteError, match=r"run.jsonl is being written by another process"):
            write(path, RUN)
        for event in RUN[1:]:
            append(event)
    assert Report.read(path).footer


def test_a_full_device_is_one_line() -> None:
    with pytest.raises(
        WriteError, match=r"^/dev/full cannot be written: No space left on device\.$"
    ):
        write(Path("/dev/full"), RUN)
