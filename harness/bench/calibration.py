"""Test on this machine whether a benchmark's figures can be trusted.

Three measurements: the overhead of the timing loop over a bare one; comparisons of a program with
itself, which should find no difference; comparisons with a planted slow-down, which should find it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from harness.bench.intervals import Change, Interval, change, paired_ratio
from harness.bench.rounds import LEAST_ROUNDS, Sampling, held, pinned
from harness.convention.registry import canonical, render
from harness.core.program import Program
from harness.engines.job import Held, Timing
from harness.engines.process import Engine
from harness.execution.column import Column, Conditions
from harness.suite.case import case_from_descriptor

# A small layer: a tenth of a millisecond or so.
_LAYER: Final = "ic16_oc8_k4x4_s2x2_c1.1x1.1_b_n1_i16x16"
# Repeat the call 10 times; 11 times is the planted 10 % slow-down.
_CALLS: Final = 10
_OVERHEAD: Final = 0.02
_OF_A_HUNDRED: Final = {"no difference": 99, "slow-down": 95}


@dataclass(frozen=True)
class Promise:
    """What a benchmark promises, how it turned out here, and whether it is kept."""

    text: str
    outcome: str
    is_kept: bool


def self_check(
    sampling: Sampling,
    conditions: Conditions,
    runs: int = 100,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Promise]:
    """Test the timing loop and the verdicts on this machine, by ``runs`` comparisons of each kind.

    ``tick`` is called after each of ``2 * runs + 1`` steps.
    """
    with ExitStack() as stack:
        columns = [Column(canonical().name, pinned(conditions)) for _ in range(2)]
        for column in columns:
            stack.callback(column.close)
            column.start()
        one, other = (column.engine for column in columns)
        yield _overhead(one, sampling)
        tick()
        for kind, more in (("no difference", 0), ("slow-down", 1)):
            one.hold(_repeated(_CALLS))
            other.hold(_repeated(_CALLS + more))
            changes = []
            for _ in range(runs):
                changes.append(change(_compared(one, other, sampling)))
                tick()
            yield _judged(kind, changes)


def _program() -> Held:
    case = case_from_descriptor(_LAYER)
    program = render(case.operator, canonical().name, case.dtype)
    assert isinstance(program, Program)
    return held(program, "forward", case.data())


def _repeated(calls: int) -> Held:
    """A program whose call is several calls, in a bare loop."""
    once = _program()
    return replace(once, key="repeated", call=f"for _ in range({calls}):\n    {once.call}")


def _overhead(engine: Engine, sampling: Sampling) -> Promise:
    """Compare the timing loop with a bare one around the same call."""
    engine.hold(_program())
    engine.hold(_repeated(_CALLS))
    ours, bare = [], []
    for _ in range(sampling.rounds):
        # Several calls, so that both are preceded by one that wakes threads and fills caches.
        ours.append(_seconds(engine.time("forward", 2 * _CALLS)))
        bare.append(_seconds(engine.time("repeated", 2)) / _CALLS)
    ratio = paired_ratio(ours, bare)
    shown = f"{ratio.value - 1:+.2%}, between {ratio.low - 1:+.2%} and {ratio.high - 1:+.2%}"
    kept = abs(ratio.value - 1) <= _OVERHEAD
    return Promise(f"the loop adds less than {_OVERHEAD:.0%} to a bare one", shown, kept)


def _compared(one: Engine, other: Engine, sampling: Sampling) -> Interval:
    """Let two engines take turns; return the ratio of the second's time to the first's."""
    times: tuple[list[float], list[float]] = ([], [])
    began = time.monotonic()
    for turn in range(sampling.rounds):
        if turn >= LEAST_ROUNDS and sampling.is_enough(times, began):
            break
        for place in (0, 1) if turn % 2 else (1, 0):
            times[place].append(_seconds((one, other)[place].time("repeated", 1)))
    return paired_ratio(times[1], times[0])


def _judged(kind: str, changes: list[Change]) -> Promise:
    least = _OF_A_HUNDRED[kind]
    if kind == "no difference":
        right = sum(each not in {Change.FASTER, Change.SLOWER} for each in changes)
        text = f"a program against itself: no difference in {least} of 100"
    else:
        right = sum(each == Change.SLOWER for each in changes)
        text = f"a program against one that is 10 % slower: found in {least} of 100"
    return Promise(text, f"{right} of {len(changes)}", right * 100 >= least * len(changes))


def _seconds(timing: object) -> float:
    if isinstance(timing, Timing):
        return timing.seconds
    raise RuntimeError(f"the worker that is timed ended: {timing}")
