"""A worker answers only when its other threads sleep: they would slow down who is timed next."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engines import worker


class Clock:
    """Time that goes by in sleeps alone, each of which lets one more thing happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.events: list[Callable[[], None]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        if self.events:
            self.events.pop(0)()

    def read(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    time = SimpleNamespace(sleep=made.sleep, perf_counter=made.read, process_time=made.read)
    monkeypatch.setattr(worker, "time", time)
    return made


@pytest.fixture
def threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(worker, "_THREADS", tmp_path)
    state(tmp_path, os.getpid(), "R")
    return tmp_path


def state(threads: Path, number: int, letter: str, name: bytes = b"python") -> None:
    """Write what Linux says of a thread: ``man 5 proc_pid_stat``."""
    folder = threads / str(number)
    folder.mkdir(exist_ok=True)
    (folder / "stat").write_bytes(b"%d (%s) %s 1 2 3\n" % (number, name, letter.encode()))


def test_nothing_is_waited_for_where_the_one_that_asks_runs_alone(
    threads: Path, clock: Clock
) -> None:
    for number, letter in enumerate("SDTIZ"):
        state(threads, number, letter)
    worker._fall_asleep()
    assert clock.sleeps == []


def test_the_last_thread_to_fall_asleep_is_waited_for(threads: Path, clock: Clock) -> None:
    for number in (1, 2):
        state(threads, number, "R")
    clock.events = [
        partial(state, threads, 2, "S"),
        partial(state, threads, 3, "S"),
        partial(state, threads, 1, "S"),
    ]
    worker._fall_asleep()
    assert len(clock.sleeps) == 3
    assert clock.events == []


def test_a_thread_that_never_sleeps_is_given_up(
    threads: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_ASLEEP_SURELY", 0.002)
    state(threads, 1, "R")
    worker._fall_asleep()
    assert clock.now == pytest.approx(0.002)


def test_a_thread_that_has_ended_is_not_waited_for(threads: Path, clock: Clock) -> None:
    (threads / "1").mkdir()  # Its stat has gone since the folder was listed.
    state(threads, 2, "R")
    clock.events = [(threads / "2" / "stat").unlink]
    worker._fall_asleep()
    assert len(clock.sleeps) == 1


@pytest.mark.parametrize(
    ("letter", "name"),
    [
        ("R", b"a name"),
        ("R", b"S (x) S 1"),
        ("R", b"cut within \xc3"),
        ("S", b"a R name"),
        ("S", b"R (x) R 1"),
        ("S", b") R"),
    ],
)
def test_what_a_thread_does_is_read_after_its_name(
    letter: str, name: bytes, threads: Path, clock: Clock
) -> None:
    state(threads, 1, letter, name)
    clock.events = [partial(state, threads, 1, "S")]
    worker._fall_asleep()
    assert len(clock.sleeps) == (letter == "R")


def test_some_time_is_waited_where_nobody_tells(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_THREADS", tmp_path / "no such folder")
    worker._fall_asleep()
    assert clock.sleeps == [worker._ASLEEP_PERHAPS]


@pytest.mark.parametrize(("calls", "seconds", "made"), [(1, 0.001, 1), (2, 1, 3), (2, 0.002, 6)])
def test_several_calls_are_timed_after_some_milliseconds_of_others(
    calls: int, seconds: float, made: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_held", {})
    monkeypatch.setattr(worker, "_WARM_UP", 0.007)
    done: list[float] = []

    def call() -> None:
        done.append(clock.now)
        clock.now += seconds

    worker.hold("key", [], "call()", {"call": call})
    done.clear()
    worker.take_time("key", calls)
    assert len(done) == made


def test_a_turn_ends_with_the_wait_which_is_not_measured(
    threads: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_held", {})
    done: list[str] = []

    def call() -> None:
        done.append("call")
        clock.now += 1
        state(threads, 1, "R")

    def fall_asleep() -> None:
        done.append("asleep")
        state(threads, 1, "S")

    worker.hold("key", [], "call()", {"call": call})
    done.clear()
    clock.events = [fall_asleep]
    answer = worker.take_time("key", 3)
    assert done == ["call"] * 4 + ["asleep"]
    assert answer["cpu_s"] == 3
