"""Cases as benchmarks, by the ``benchmark`` fixture of pytest-benchmark or pytest-codspeed.

A program runs in its framework's process, which measures it.  The fixture's clock shows the seconds
that were measured there, so nothing of what it computes holds the way to that process and back.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final, Self

import pytest

from harness.bench.rounds import PRODUCTS, Sampling, Turns, held, prepared
from harness.core.program import Program
from harness.plugin.items import CaseTest, SpecFile
from harness.plugin.settling import CaseFailed
from harness.records.check import Direction
from harness.records.measurement import multiply_adds, touched_bytes
from harness.records.status import Status
from harness.suite.case import Case

# A suite has thousands of benchmarks: more rounds than these are for who asks for them.
_MOST_ROUNDS: Final = 20


class TimedFile(SpecFile, pytest.Module):
    """A file of cases to time: a module, as fixtures look for one."""

    obj = None

    def tests(self, case: Case, column: str, direction: Direction) -> Iterator[pytest.Item]:
        """Yield one benchmark; of what is illegal there is none."""
        if not case.rejected:
            yield TimedTest.of(self, case, column, direction, callobj=_timed)


def _timed(benchmark: Any, request: pytest.FixtureRequest) -> None:
    request.node.time(benchmark)


class TimedTest(CaseTest, pytest.Function):
    """One direction of one case in one column, timed if it is right."""

    clock: Clock

    @classmethod
    def of(
        cls, parent: SpecFile, case: Case, column: str, direction: Direction, **keywords: Any
    ) -> Self:
        """Make a benchmark, with the clock of the process that is timed."""
        test = super().of(parent, case, column, direction, **keywords)
        test.clock = Clock()
        options: dict[str, Any] = {"group": f"{case.id} {direction}"}
        if not test.running.is_codspeed:
            options["timer"] = test.clock.worker_seconds
        test.add_marker(pytest.mark.benchmark(**options))
        # What is wrong or skipped is not timed.
        test.add_marker(pytest.mark.filterwarnings("ignore:Benchmark fixture was not used at all"))
        return test

    @staticmethod
    def group(_case: Case, direction: Direction) -> str:
        """Name what is timed."""
        return direction

    def runtest(self) -> None:
        """Call the function with its fixtures."""
        pytest.Function.runtest(self)

    def time(self, benchmark: Any) -> None:
        """Time the program with a fixture, unless it is wrong or not run."""
        if self.running.is_codspeed and not self._has_codspeed_a_clock():
            pytest.skip("pytest-codspeed looks at its own process, and programs run in others")
        self.settle()
        column, case, direction = self.running.column(self.column), self.case, self.direction
        program, expected = column.render(case), self.running.expected(case)
        assert isinstance(program, Program)
        wait = column.convention.wait(column.conditions.device)
        whole = held(program, direction, expected.data, wait)
        turns = prepared(column.engine, whole, Sampling().seconds)
        try:
            rounds = self._rounds(turns)
            benchmark.param = f"{direction}-{self.column}"
            benchmark.params = {"case": case.id, "direction": direction, "framework": self.column}
            benchmark.extra_info |= self._extra_info(turns, program.support)
            with self.clock.in_place_of_codspeeds() if self.running.is_codspeed else nullcontext():
                benchmark.pedantic(self._turn, args=(turns,), rounds=rounds)
            turns.look_again(column, case, program, expected)
            benchmark.has_error = turns.wrong is not None  # Its times are not saved.
            _raise_if_wrong(turns)
            turns.look_again(column, case, program, expected)
            _require(turns)
        finally:
            column.engine.drop(direction)

    def _has_codspeed_a_clock(self) -> bool:
        plugin: Any = self.config.pluginmanager.get_plugin("codspeed_plugin")
        return bool(plugin.instrument.instrument == "walltime")

    def _turn(self, turns: Turns) -> None:
        """Let the process time one turn; the clock moves on by one call of it."""
        if turns.wrong is None:
            turns.take()
        _raise_if_wrong(turns)
        self.clock.seconds += turns.samples[-1].seconds

    def _rounds(self, turns: Turns) -> int:
        """Fit rounds into pytest-benchmark's time for one benchmark, and warm up."""
        began = time.monotonic()
        self._turn(turns)
        most = float(self.config.getoption("benchmark_max_time", 1.0))
        fitting = int(most / max(time.monotonic() - began, 1e-3))
        least: int = self.config.getoption("benchmark_min_rounds", 5)
        return max(least, min(fitting, _MOST_ROUNDS))

    def _extra_info(self, turns: Turns, support: str) -> dict[str, Any]:
        case, products = self.case, PRODUCTS[self.direction]
        shape = (case.batch, case.in_size)
        return {
            "descriptor": case.descriptor,
            "dtype": case.dtype,
            "support": support,
            "flop": 2 * products * multiply_adds(case.operator, *shape),
            "bytes": products * touched_bytes(case.operator, *shape, case.dtype),
            "calls": turns.calls,  # In a round, whose time is that of one of them
            "peak_bytes": turns.peak_bytes,
        }


def _require(turns: Turns) -> None:
    if (verdict := turns.wrong) is not None:
        raise CaseFailed(f"{verdict.status}: {verdict.reason}")


def _raise_if_wrong(turns: Turns) -> None:
    if (verdict := turns.wrong) is None:
        return
    if verdict.status == Status.SKIPPED:
        pytest.skip(verdict.reason or verdict.status)
    raise CaseFailed(f"{verdict.status}: {verdict.reason}")


class Clock:
    """A clock that shows the seconds that a framework's process has measured."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def worker_seconds(self) -> float:
        """Return the time that it shows."""
        return self.seconds

    @contextmanager
    def in_place_of_codspeeds(self) -> Iterator[None]:
        """Let pytest-codspeed, which cannot be given a clock, read this one."""
        walltime = sys.modules["pytest_codspeed.instruments.walltime"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walltime, "perf_counter_ns", lambda: round(self.seconds * 1e9))
            yield
