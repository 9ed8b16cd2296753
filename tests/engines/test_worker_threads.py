"""A worker answers only once its other threads sleep: they would slow the next program down."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engines import worker


class Clock:
    """A clock that advances only in sleeps; each sleep triggers the next event."""

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
    clock = Clock()
    time = SimpleNamespace(sleep=clock.sleep, perf_counter=clock.read, process_time=clock.read)
    monkeypatch.setattr(worker, "time", time)
    return clock


@pytest.fixture
def threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(worker, "_THREADS", tmp_path)
    state(tmp_path, os.getpid(), "R")
    return tmp_path


def state(threads: Path, number: int, letter: str, name: bytes = b"python") -> None:
    """Write a thread's state as Linux does: ``man 5 proc_pid_stat``."""
    folder = threads / str(number)
    folder.mkdir(exist_ok=True)
    (folder / "stat").write_bytes(b"%d (%s) %s 1 2 3\n" % (number, name, letter.encode()))


def test_there_is_no_wait_if_no_other_thread_runs(threads: Path, clock: Clock) -> None:
    for number, letter in enumerate("SDTIZ"):
        state(threads, number, letter)
    worker._wait_for_idle_threads()
    assert clock.sleeps == []


def test_the_wait_ends_when_the_last_thread_sleeps(threads: Path, clock: Clock) -> None:
    for number in (1, 2):
        state(threads, number, "R")
    clock.events = [
        partial(state, threads, 2, "S"),
        partial(state, threads, 3, "S"),
        partial(state, threads, 1, "S"),
    ]
    worker._wait_for_idle_threads()
    assert len(clock.sleeps) == 3
    assert clock.events == []


def test_the_wait_for_a_busy_thread_is_bounded(
    threads: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_IDLE_LIMIT", 0.002)
    state(threads, 1, "R")
    worker._wait_for_idle_threads()
    assert clock.now == pytest.approx(0.002)


def test_a_thread_that_has_ended_is_not_waited_for(threads: Path, clock: Clock) -> None:
    (threads / "1").mkdir()  # Its stat is gone since the folder was listed.
    state(threads, 2, "R")
    clock.events = [(threads / "2" / "stat").unlink]
    worker._wait_for_idle_threads()
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
def test_a_thread_name_is_not_mistaken_for_its_state(
    letter: str, name: bytes, threads: Path, clock: Clock
) -> None:
    state(threads, 1, letter, name)
    clock.events = [partial(state, threads, 1, "S")]
    worker._wait_for_idle_threads()
    assert len(clock.sleeps) == (letter == "R")


def test_the_wait_is_fixed_if_thread_states_are_unknown(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_THREADS", tmp_path / "no such folder")
    worker._wait_for_idle_threads()
    assert clock.sleeps == [worker._IDLE_FALLBACK]


@pytest.mark.parametrize(("calls", "seconds", "total"), [(1, 0.001, 1), (2, 1, 3), (2, 0.002, 6)])
def test_several_calls_are_timed_after_a_warm_up(
    calls: int, seconds: float, total: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
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
    assert len(done) == total


def test_the_wait_comes_last_and_is_not_measured(
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
