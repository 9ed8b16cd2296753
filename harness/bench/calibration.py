"""Test on this machine whether a benchmark's figures can be trusted.

Three measurements: the overhead of the timing loop over a bare one; comparisons of a program with
itself, which should find no difference; comparisons with a planted slow-down, which should find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from harness.bench.intervals import Change, Interval, change, paired_ratio
from harness.bench.rounds import Sampling, Turns, held, pinned, take_turns
from harness.convention.registry import canonical, render
from harness.core.program import Program
from harness.engines.job import Held
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
    # Several calls, so that both are preceded by one that wakes threads and fills caches.
    ours, bare = Turns(engine, "forward", 2 * _CALLS), Turns(engine, "repeated", 2)
    for _ in range(sampling.rounds):
        ours.take()
        bare.take()
    ratio = paired_ratio(_seconds(ours), [each / _CALLS for each in _seconds(bare)])
    shown = f"{ratio.value - 1:+.2%}, between {ratio.low - 1:+.2%} and {ratio.high - 1:+.2%}"
    kept = abs(ratio.value - 1) <= _OVERHEAD
    return Promise(f"the loop adds less than {_OVERHEAD:.0%} to a bare one", shown, kept)


def _compared(one: Engine, other: Engine, sampling: Sampling) -> Interval:
    """Let two engines take turns; return the ratio of the second's time to the first's."""
    turns = [Turns(engine, "repeated") for engine in (one, other)]
    take_turns(turns, sampling)
    return paired_ratio(_seconds(turns[1]), _seconds(turns[0]))


def _judged(kind: str, changes: list[Change]) -> Promise:
    least = _OF_A_HUNDRED[kind]
    if kind == "no difference":
        right = sum(each not in {Change.FASTER, Change.SLOWER} for each in changes)
        text = f"a program against itself: no difference in {least} of 100"
    else:
        right = sum(each == Change.SLOWER for each in changes)
        text = f"a program against one that is 10 % slower: found in {least} of 100"
    return Promise(text, f"{right} of {len(changes)}", right * 100 >= least * len(changes))


def _seconds(turns: Turns) -> Sequence[float]:
    if turns.failure is not None:
        raise RuntimeError(f"the worker that is timed ended: {turns.failure}")
    return turns.seconds
