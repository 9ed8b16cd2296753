"""Time correct programs side by side.

Only the ``call`` of each program is timed, by the standard library's loop, on arrays that are
already in the framework.  Frameworks take turns in rounds (A B C, B C A, ...), so that other load
on the machine affects all of them alike, and the samples of one round belong together.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from harness.bench import TIMEOUT
from harness.bench.intervals import paired_ratio
from harness.bench.roofline import ceilings
from harness.bench.validation import checked_again, remembered, verdict_on
from harness.conformance.judge import judge_failure
from harness.convention.registry import convention, framework_names
from harness.core.program import Program, Unsupported
from harness.doors.implementation import Implementation
from harness.engines.job import REFUSED, Arrays, Failure, Held, Raised, Timing
from harness.engines.process import Engine
from harness.execution.column import Column, Conditions
from harness.execution.hardware import available_cores, describe_machine
from harness.records.check import DIRECTIONS, Check
from harness.records.measurement import MEASURED, Measurement, multiply_adds, touched_bytes
from harness.records.record import Event, Footer, Header, Verdict
from harness.records.status import Status
from harness.suite.case import Case, lacking_package
from harness.suite.expectations import Expected, expect
from impl.geometry import Array

# A training step computes y, dx and dw, each with the same number of multiply-adds.
PRODUCTS: Final = {"forward": 1, "gradient": 3}
_MOST_CALLS: Final = 10_000
# Waking threads is negligible next to a call of so many seconds.
_LONG: Final = 0.05
# Fewer give no interval of 99 %: harness.bench.intervals.
LEAST_ROUNDS: Final = 10


@dataclass(frozen=True)
class Sampling:
    """How often programs are timed."""

    rounds: int = 200  # Most turns of each framework with each program
    # Relative width of every ratio to the first framework at which they stop earlier.
    precision: float = 0.02
    budget: float = 6.0  # Seconds for all turns with one program; there are always ``LEAST_ROUNDS``
    # Least length of a turn, whose calls make one sample.  On a busy machine short turns are often
    # undisturbed, long ones never.
    seconds: float = 0.002

    def is_enough(self, times: Sequence[Sequence[float]], began: float) -> bool:
        """Whether the budget is spent, or the ratios are known precisely enough.

        ``times`` are the samples so far, of each program; the first one was taken when the
        monotonic clock said ``began``.  The ratios' values do not count: stopping as soon as a
        difference shows would find one everywhere.
        """
        spreads = (paired_ratio(each, times[0]).spread for each in times[1:])
        return time.monotonic() - began > self.budget or (
            len(times) > 1 and max(spreads) <= self.precision
        )


def timed_frameworks() -> tuple[str, ...]:
    """Return the frameworks that are executed themselves, whose times are meaningful."""
    return tuple(name for name in framework_names() if convention(name).language == "python")


def benchmark(
    cases: Sequence[Case],
    frameworks: Sequence[str | Implementation],
    sampling: Sampling | None = None,
    conditions: Conditions | None = None,
) -> Generator[Event, None, None]:
    """Measure every case in every framework.

    Yields
    ------
    Header, Measurement, Footer
        The measurements of a case come together, once all of them are complete.
    """
    began = time.monotonic()
    counts: Counter[str] = Counter()
    sampling = sampling or Sampling()
    conditions = pinned(conditions or Conditions(timeout=TIMEOUT))
    columns = [_column(name, conditions) for name in frameworks]
    with ExitStack() as stack:
        for column in columns:
            stack.callback(column.close)
        yield Header(
            deconform=version("deconform"),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            frameworks={column.framework: column.start() for column in columns},
            cases=len(cases),
            machine=describe_machine(),
            settings={
                "threads": conditions.threads,
                **asdict(sampling),
                "device": conditions.device,
                "math": conditions.math,
            },
            ceilings=ceilings(
                {each.framework: each.engine for each in columns if not each.unavailable},
                conditions.device,
                conditions.threads,
            ),
        )
        for case in cases:
            for measurement in _measured(case, columns, sampling):
                counts[measurement.status] += 1
                yield measurement
    yield Footer(dict(counts), round(time.monotonic() - began, 3))


def pinned(conditions: Conditions) -> Conditions:
    """Pin programs to as many cores as they have threads."""
    return replace(conditions, cores=tuple(available_cores()[: conditions.threads]))


@dataclass(frozen=True)
class _Entry:
    """One program in one direction: its verdict, and the seconds of its first call."""

    program: Program | Unsupported
    verdict: Verdict
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_correct(self) -> bool:
        return self.verdict.status == Status.PASSED


@dataclass(eq=False)
class Turns:
    """The turns of one program that is held, and what each measured."""

    engine: Engine
    key: str
    calls: int = 1
    peak_bytes: int | None = None
    samples: list[Timing] = field(default_factory=list)
    failure: Failure | None = None
    verdict: Verdict | None = None  # What was wrong, once it was timed

    @property
    def wrong(self) -> Verdict | None:
        """Why its times mean nothing."""
        return _untimed(self.failure) if self.failure is not None else self.verdict

    @property
    def seconds(self) -> tuple[float, ...]:
        """The samples' wall-clock times."""
        return tuple(each.seconds for each in self.samples)

    def take(self) -> None:
        """Record a sample, or the failure that ends this program's turns."""
        timing = self.engine.time(self.key, self.calls)
        if isinstance(timing, Timing):
            self.samples.append(timing)
        else:
            self.failure = timing

    def look_again(self, column: Column, case: Case, program: Program, expected: Expected) -> None:
        """Find out whether what was timed still computes, with data that it has not seen."""
        if self.failure is not None:
            return
        if column.implementation is not None and self.calls > 1:
            found = remembered(self.engine, self.key, statistics.median(self.seconds))
            if isinstance(found, Verdict):
                self.verdict = found
            else:
                self.failure = found
        if self.failure is None and self.verdict is None:
            verdict = checked_again(column, case, program, self.key, expected)
            self.verdict = verdict if verdict.status != Status.PASSED else None

    def added_to(self, blank: Measurement) -> Measurement:
        """Fill in a measurement."""
        if (verdict := self.wrong) is not None:
            return replace(blank, status=str(verdict.status), reason=verdict.reason)
        return replace(
            blank,
            status=MEASURED,
            calls=self.calls,
            samples=self.seconds,
            cpus=statistics.median(each.cpu_s / each.seconds for each in self.samples),
            peak_bytes=self.peak_bytes,
        )


def _untimed(failure: Failure) -> Verdict:
    """Judge why there are no times: a program may compute, and yet refuse to be timed."""
    if isinstance(failure, Raised) and failure.kind == REFUSED:
        return Verdict(Status.SKIPPED, f"it is not timed: {failure.message}")
    return judge_failure(failure)


def _column(framework: str | Implementation, conditions: Conditions) -> Column:
    """Make a column; refuse one that another program executes, whose times mean nothing."""
    column = Column(framework, conditions)
    if column.convention.language != "python":
        column.unavailable = (
            f"{column.convention.title} is not executed itself here: "
            "only Python frameworks are timed"
        )
    return column


def _measured(case: Case, columns: Sequence[Column], sampling: Sampling) -> Iterator[Measurement]:
    """Run a case in every column, then time the correct programs."""
    # Without the package that has its dtype, nothing of a case is run.
    is_lacking = lacking_package(case.dtype)
    expected = Expected({}, {}, {}, None) if is_lacking else expect(case, fast=True)
    entries = [(column, _executed(case, column, expected)) for column in columns]
    for direction in DIRECTIONS:
        ready = {
            column: entry.program
            for column, by_direction in entries
            if (entry := by_direction[direction]).is_correct and isinstance(entry.program, Program)
        }
        timed = _timed(case, ready, direction, expected, sampling)
        for column, by_direction in entries:
            blank = _blank(case, column.framework, direction, by_direction[direction])
            yield timed[column].added_to(blank) if column in timed else blank


def _executed(case: Case, column: Column, expected: Expected) -> dict[str, _Entry]:
    """Run both programs of a case once, and judge them."""
    program = column.render(case)
    entries: dict[str, _Entry] = {}
    for check, refusal in column.refusals(case, program).items():
        entries.setdefault(check.direction, _Entry(program, refusal))
    if len(entries) == len(DIRECTIONS) or not isinstance(program, Program):
        return entries
    for job, outcome in column.run(column.jobs(case, program, expected.data)):
        verdict = verdict_on(case, column, expected, job, outcome)
        entry = _Entry(program, verdict, outcome.seconds if isinstance(outcome, Arrays) else {})
        direction = Check(job.checks[0]).direction
        # A job may come back in parts, by check: no part hides what went wrong in another.
        entries[direction] = max(
            entries.get(direction, entry), entry, key=lambda each: each.verdict.status.severity
        )
    return entries


def _timed(
    case: Case,
    programs: Mapping[Column, Program],
    direction: str,
    expected: Expected,
    sampling: Sampling,
) -> dict[Column, Turns]:
    """Let frameworks take turns, and look at their outputs again; return the measurements."""
    with ExitStack() as stack:
        turns = {}
        for column, program in programs.items():
            stack.callback(column.engine.drop, direction)
            wait = column.convention.wait(column.conditions.device)
            whole = held(program, direction, expected.data, wait)
            turns[column] = prepared(column.engine, whole, sampling.seconds)
        take_turns(list(turns.values()), sampling)
        for column, program in programs.items():
            turns[column].look_again(column, case, program, expected)
    return turns


def take_turns(programs: Sequence[Turns], sampling: Sampling) -> None:
    """Time programs in rounds, each round in another order, until that is enough."""
    order = random.Random(len(programs))  # noqa: S311 -- an order that repeats, no secret
    began = time.monotonic()
    for count in range(sampling.rounds):
        left = [each for each in programs if each.failure is None]
        samples = [each.seconds for each in left]
        if count >= LEAST_ROUNDS and sampling.is_enough(samples, began):
            break
        for each in order.sample(left, len(left)):
            each.take()


def prepared(engine: Engine, program: Held, seconds: float) -> Turns:
    """Prepare a program, and find how many calls fill a turn of so many seconds."""
    turns = Turns(engine, program.key)
    peak = engine.hold(program)
    if not isinstance(peak, int | None):
        turns.failure = peak
        return turns
    turns.peak_bytes = peak
    turns.take()
    if turns.samples and turns.samples.pop().seconds < _LONG:
        # It also woke threads: before several calls the worker makes others, untimed.
        turns.calls = 2
        turns.take()
        if turns.samples:
            calls = round(seconds / turns.samples.pop().seconds)
            turns.calls = max(2, min(_MOST_CALLS, calls))
    return turns


def held(program: Program, direction: str, data: Mapping[str, Array], wait: str = "") -> Held:
    """Split a program into what is done once, and the call that is timed.

    A call ends when its result is there: ``wait`` is the text that waits for a GPU.

    The gradient is timed as a training step, which includes the forward pass: if the gradient text
    omits it, the forward call precedes it.
    """
    inputs = {name: array for name, array in data.items() if direction != "forward" or name != "dy"}
    sections = [program.forward] * (direction == "forward" or program.gradient_alone)
    sections += [program.gradient] * (direction != "forward")
    texts = [("setup", program.setup), *(("to_native", each.to_native) for each in sections)]
    call = "\n".join([*(each.call for each in sections), wait])
    gradients = ("dx", "dw", *(["db"] if "b" in data else [])) if direction != "forward" else ()
    return Held(direction, texts, call, inputs, program.arguments, ("y", *gradients))


def _blank(case: Case, framework: str, direction: str, entry: _Entry) -> Measurement:
    """Make a measurement without times, as for a program that is not correct."""
    operator, shape = case.operator, (case.batch, case.in_size)
    products = PRODUCTS[direction]
    return Measurement(
        **case.labels,
        framework=framework,
        direction=direction,
        support=entry.program.support,
        status=str(entry.verdict.status),
        dtype=case.dtype,
        batch=case.batch,
        multiply_adds=products * multiply_adds(operator, *shape),
        nbytes=products * touched_bytes(operator, *shape, case.dtype),
        reason=entry.verdict.reason,
        first_s=entry.seconds.get("call", 0.0),
        to_native_s=entry.seconds.get("to_native", 0.0),
        from_native_s=entry.seconds.get("from_native", 0.0),
    )
