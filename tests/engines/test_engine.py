"""An engine, with workers that do what a test says in the place of processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import repeat
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.core.program import Section
from harness.engines import process
from harness.engines.channel import Frame, WorkerEndedError
from harness.engines.job import (
    Arrays,
    Crashed,
    EngineBrokenError,
    EngineUnavailableError,
    Held,
    Job,
    Raised,
    TimedOut,
    Timing,
)
from harness.engines.process import MOST_IN_A_ROW, Engine

STARTED = {"op": "started", "version": "1", "python": "3", "numpy": "2", "device": "cpu"}
RESULT = {"op": "result", "seconds": {}}
RAISED = {"op": "raised", "section": "call", "type": "ValueError", "message": "no", "traceback": ""}


class Worker:
    """A worker that answers from a list; an exception in it is raised, and ends the worker."""

    starts: ClassVar[Iterator[Any]]
    answers: ClassVar[Iterator[Any]]
    started: ClassVar[int]
    has_gpu: ClassVar[bool]
    waiting: ClassVar[list[int]]

    def __init__(self, *_arguments: Any, has_gpu: bool, **_: Any) -> None:
        Worker.has_gpu = has_gpu
        Worker.started += 1
        self._requests: list[str] = []

    def send(self, message: Any, _arrays: Any, _room: int = 0) -> None:
        self._requests.append(message["op"])

    def receive(self, _timeout: float, _most_bytes: int = 0) -> Frame:
        Worker.waiting.append(len(self._requests))
        if self._requests.pop(0) == "start":
            answer = next(self.starts, STARTED)
        else:
            answer = next(self.answers, RESULT)
        if isinstance(answer, Exception):
            raise answer
        return answer, {"y": np.zeros(1)} if answer is RESULT else {}

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(process, "Channel", Worker)
    Worker.started, Worker.starts, Worker.waiting = 0, iter(()), []
    return Engine(["python"], "numpy", "numpy", timeout=2.0, memory=2**30)


def outcomes(engine: Engine, count: int, *answers: Any) -> list[tuple[Any, Sequence[str], Any]]:
    Worker.answers = iter(answers)
    section = Section("", "y = x", "")
    jobs = [Job(key, "", section, {}, ("y",), ("shape", "value")) for key in range(count)]
    return [(job.key, job.checks, outcome) for job, outcome in engine.run(jobs)]


def test_a_lost_worker_costs_the_check_in_flight(engine: Engine) -> None:
    (first, rest, second) = outcomes(engine, 2, WorkerEndedError("died"))
    assert first == (0, ("shape",), Crashed("died"))
    assert rest[:2] == (0, ("value",))
    assert second[:2] == (1, ("shape", "value"))
    assert all(isinstance(outcome, Arrays) for _, _, outcome in (rest, second))


@pytest.mark.parametrize(
    ("mebibytes", "ends_worker", "expected"),
    [(0, False, 32), (5, False, 13), (30, False, 3), (100, False, 2), (1, True, 1)],
)
def test_a_worker_has_its_next_request_before_it_answers(
    engine: Engine, mebibytes: int, ends_worker: bool, expected: int
) -> None:
    """However large it is, unless no request may follow."""
    assert most_waiting(engine, mebibytes, ends_worker=ends_worker) == expected


@pytest.mark.parametrize(("mebibytes", "expected"), [(0, 32), (1, 8), (5, 2), (100, 2)], ids=str)
def test_a_program_of_the_users_own_has_fewer(
    monkeypatch: pytest.MonkeyPatch, mebibytes: int, expected: int
) -> None:
    monkeypatch.setattr(process, "Channel", Worker)
    Worker.starts, Worker.waiting = iter(()), []
    engine = Engine([sys.executable], is_program=True, timeout=2.0)
    assert most_waiting(engine, mebibytes) == expected


def most_waiting(engine: Engine, mebibytes: int, *, ends_worker: bool = False) -> int:
    """Run jobs of that size; return how many requests were under way at most."""
    section, data = Section("", "y = x", ""), {"x": np.zeros(mebibytes << 20, "i1")}
    jobs = [Job(n, "", section, data, ("y",), (), ends_worker=ends_worker) for n in range(40)]
    Worker.answers = iter(())
    assert [job.key for job, _ in engine.run(jobs)] == [*range(40)]
    return max(Worker.waiting)


def test_after_many_time_outs_in_a_row_nothing_more_is_tried(engine: Engine) -> None:
    late = [TimeoutError()] * MOST_IN_A_ROW
    results = outcomes(engine, MOST_IN_A_ROW, *late)
    assert len(results) == 2 * MOST_IN_A_ROW
    tried = [outcome for _, _, outcome in results if outcome == TimedOut(2.0)]
    assert len(tried) == MOST_IN_A_ROW
    assert {outcome for _, _, outcome in results[MOST_IN_A_ROW:]} == {TimedOut(2.0, MOST_IN_A_ROW)}
    assert Worker.started == MOST_IN_A_ROW
    held = Held("forward", [], "pass", {})
    assert engine.hold(held) == engine.time("forward", 1) == TimedOut(2.0, MOST_IN_A_ROW)
    assert Worker.started == MOST_IN_A_ROW


def test_an_answer_between_time_outs_starts_the_count_again(engine: Engine) -> None:
    late = [TimeoutError()] * (MOST_IN_A_ROW - 1)
    results = outcomes(engine, 20, *late, RAISED, *late)
    assert not [outcome for _, _, outcome in results if getattr(outcome, "in_a_row", 0)]


def test_a_clock_that_stands_still_is_noticed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    Worker.answers = repeat({"op": "timed", "seconds": 1e-9, "cpu_s": 0.0})
    clock = iter([0.0, 1.0, 1.0, 4.0])
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert isinstance(engine.time("forward", 9), Timing)
    told = "patches the clock: it tells 1e-09 s of the 3 s that passed"
    assert engine.time("forward", 9) == Raised("call", "Misbehaviour", told)


def test_a_start_without_an_answer_is_a_time_out_too(engine: Engine) -> None:
    Worker.starts = repeat(TimeoutError("no answer in 2 s"))
    with pytest.raises(EngineBrokenError, match="no answer in 2 s"):
        engine.start()
    assert len(outcomes(engine, 4)) == 8
    assert Worker.started == MOST_IN_A_ROW


def test_a_process_that_ends_while_it_starts_is_started_once_more(engine: Engine) -> None:
    Worker.starts = iter([WorkerEndedError("SIGKILL")])
    assert engine.start().version == "1"
    assert Worker.started == 2
    assert not Worker.has_gpu
    Worker.starts = repeat(WorkerEndedError("SIGILL"))
    with pytest.raises(EngineBrokenError, match="SIGILL"):
        engine.start()
    assert Worker.started == 4


def test_after_many_starts_that_fail_nothing_more_is_tried(engine: Engine) -> None:
    Worker.starts = iter([STARTED, *[RAISED | {"section": "setup"}] * 99])
    results = outcomes(engine, 20, WorkerEndedError("died"))
    assert len(results) == 40
    assert all(isinstance(outcome, Crashed) for _, _, outcome in results)
    assert "could not be started again: python: ValueError: no" in results[-1][2].reason
    assert Worker.started == 1 + MOST_IN_A_ROW


@pytest.mark.parametrize("section", ["device", "setup"])
def test_a_lack_of_a_device_or_a_module_is_no_reason_to_start_again(
    engine: Engine, section: str
) -> None:
    engine._has_gpu = True
    Worker.starts = repeat(RAISED | {"section": section})
    with pytest.raises(EngineUnavailableError) as error:
        engine.start()
    assert isinstance(error.value, EngineBrokenError) == (section == "setup")
    assert Worker.has_gpu
    assert Worker.started == 1


def test_a_device_that_nobody_asked_for_cannot_be_missing(engine: Engine) -> None:
    Worker.starts = repeat(RAISED | {"section": "device"})
    with pytest.raises(EngineBrokenError):
        engine.start()


@pytest.mark.parametrize("lie", [{"seconds": 2.1, "cpu_s": 0}, {"seconds": 1, "cpu_s": 1e5}])
def test_a_time_that_nobody_waited_for_is_a_lie(engine: Engine, lie: dict[str, float]) -> None:
    Worker.answers = iter([{"op": "timed", "seconds": 2, "cpu_s": 4}, {"op": "timed", **lie}])
    assert engine.time("forward", 4) == Timing(0.5, 1.0)
    assert isinstance(engine.time("forward", 1), Crashed)


BOUND = " (a worker may use 1024 MiB)"


@pytest.mark.parametrize(
    ("kind", "message", "bound"),
    [
        ("MemoryError", "no room", BOUND),
        ("RuntimeError", "DefaultCPUAllocator: can't allocate memory", BOUND),
        ("XlaRuntimeError", "Out of memory", BOUND),
        ("RuntimeError", "no such layer", ""),
    ],
)
def test_a_lack_of_memory_names_the_bound(
    engine: Engine, kind: str, message: str, bound: str
) -> None:
    ((_, _, outcome),) = outcomes(engine, 1, RAISED | {"type": kind, "message": message})
    assert outcome == Raised("call", kind, message + bound)
    (_, _, crash), *_ = outcomes(engine, 1, WorkerEndedError(f"{kind}: {message}"))
    assert crash == Crashed(f"{kind}: {message}{bound}")


def test_messages_have_a_bound(engine: Engine) -> None:
    ((_, _, outcome),) = outcomes(engine, 1, dict.fromkeys(RAISED, "x" * 10**6))
    assert outcome == Raised(*["x" * 4000] * 4)
