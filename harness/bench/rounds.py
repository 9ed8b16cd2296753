"""Time the programs that a conformance run has found correct, side by side.

Of each program the ``call`` alone is timed, by the standard library's own loop, on arrays that are
in the framework already.  Frameworks take turns in rounds (A B C, B C A, ...), so that what else
the machine does meets all of them alike, and the samples of one round belong together.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

import impl
from harness.bench.ceilings import ceilings
from harness.bench.intervals import paired_ratio
from harness.conformance.judge import failed, judge
from harness.conformance.pipeline import engine_of, jobs_of
from harness.convention.device import Device, Math
from harness.convention.registry import Convention, convention, framework_names, render
from harness.core.program import Program, Unsupported
from harness.engines import (
    Arrays,
    Crashed,
    Engine,
    EngineUnavailableError,
    Held,
    Job,
    Outcome,
    Raised,
    TimedOut,
    Timing,
)
from harness.execution.machine import available_cores, machine
from harness.records.check import DIRECTIONS, Check
from harness.records.measurement import (
    MEASURED,
    Measurement,
    multiply_adds,
    touched_bytes,
)
from harness.records.record import Footer, Header
from harness.records.status import Status
from harness.records.verdict import Verdict
from harness.suite.case import Case
from harness.suite.expectations import Expected
from harness.suite.limitations import Limitation
from harness.suite.mutants import options
from impl.geometry import Array

Event: TypeAlias = Header | Measurement | Footer
# A training step makes y, dx and dw, each with as many multiply-adds.
_PRODUCTS: Final = {"forward": 1, "gradient": 3}
_MOST_CALLS: Final = 10_000
# Seconds of a call beside which waking threads is nothing.
_LONG: Final = 0.05
# With fewer there is no interval of 99 %: harness.bench.intervals.
LEAST_ROUNDS: Final = 10


@dataclass(frozen=True)
class BenchmarkSettings:
    """How it is measured.

    Attributes
    ----------
    threads : int
        How many threads each framework may use.
    rounds : int
        How often frameworks take turns with each program at most.
    precision : float
        They stop before when every ratio to the first is known so well, as a part of it.
    budget : float
        Seconds for all turns with one program, ``LEAST_ROUNDS`` of which there are in any case.
    seconds : float
        How long a turn lasts at least: as many calls make one sample.  Short ones often come
        through between what else a busy machine does; long ones never.
    pythons, timeout, limitations, device, math
        As a conformance run has them.
    """

    threads: int = 1
    rounds: int = 200
    precision: float = 0.02
    budget: float = 6.0
    seconds: float = 0.002
    pythons: Mapping[str, Path] = field(default_factory=dict)
    timeout: float = 300.0
    limitations: tuple[Limitation, ...] = ()
    device: Device = "cpu"
    math: Math = "ieee"

    def is_enough(self, times: Sequence[Sequence[float]], began: float) -> bool:
        """Whether the budget is spent or the ratios are known: how well, not what they are.

        To stop as soon as a difference shows would find one everywhere.

        Parameters
        ----------
        times : sequence of sequences of float
            The samples so far, of each program.
        began : float
            When the first was taken, by ``time.monotonic``.
        """
        spreads = (paired_ratio(each, times[0]).spread for each in times[1:])
        return time.monotonic() - began > self.budget or (
            len(times) > 1 and max(spreads) <= self.precision
        )

    def recorded(self) -> dict[str, object]:
        """What a report's header says of them."""
        names = ("threads", "rounds", "precision", "budget", "seconds", "device", "math")
        return {name: getattr(self, name) for name in names}


def timed_frameworks() -> tuple[str, ...]:
    """Name the frameworks whose times say something: those that are executed themselves."""
    return tuple(name for name in framework_names() if convention(name).language == "python")


def benchmark(
    cases: Sequence[Case],
    frameworks: Sequence[str],
    settings: BenchmarkSettings,
) -> Iterator[Event]:
    """Measure every case in every framework.

    Yields
    ------
    Header, Measurement, Footer
        A case's measurements come together, when all of them have been made.
    """
    began = time.monotonic()
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        bench = _Bench(settings)
        stack.enter_context(closing(bench))
        started = {name: bench.start(name) for name in frameworks}
        yield Header(
            deconform=version("deconform"),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            frameworks=started,
            cases=len(cases),
            machine=machine(),
            settings=settings.recorded(),
            ceilings=bench.ceilings(),
        )
        for case in cases:
            for measurement in bench.measure(case, frameworks):
                counts[measurement.status] += 1
                yield measurement
    yield Footer(dict(counts), round(time.monotonic() - began, 3))


@dataclass(frozen=True)
class _Entry:
    """One program in one direction: what it is, what became of it, and its first call."""

    program: Program | Unsupported
    verdict: Verdict
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_correct(self) -> bool:
        return self.verdict.status == Status.PASSED


@dataclass
class _Times:
    """What is measured of a program while frameworks take turns."""

    calls: int = 1
    peak_bytes: int | None = None
    samples: list[Timing] = field(default_factory=list)
    failure: Raised | Crashed | TimedOut | None = None

    @property
    def seconds(self) -> tuple[float, ...]:
        """The samples on the clock."""
        return tuple(each.seconds for each in self.samples)

    def add(self, found: Timing | Raised | Crashed | TimedOut) -> None:
        """Take a sample; after a failure nothing is what it was."""
        if isinstance(found, Timing):
            self.samples.append(found)
        else:
            self.failure = found

    def added_to(self, blank: Measurement) -> Measurement:
        """Fill in a measurement."""
        if self.failure is not None:
            verdict = failed(self.failure)
            return replace(blank, status=str(verdict.status), reason=verdict.reason)
        return replace(
            blank,
            status=MEASURED,
            calls=self.calls,
            samples=self.seconds,
            cpus=statistics.median(each.cpu_s / each.seconds for each in self.samples),
            peak_bytes=self.peak_bytes,
        )


class _Bench:
    """The engines of one benchmark."""

    def __init__(self, settings: BenchmarkSettings) -> None:
        self._settings = settings
        self._engines: dict[str, Engine] = {}
        self._unavailable: dict[str, str] = {}

    def start(self, framework: str) -> dict[str, str]:
        """Start a framework's engine; give its part of the header."""
        settings = self._settings
        try:
            spoken = _timed_by_itself(convention(framework))
            engine = engine_of(
                spoken,
                settings.pythons,
                settings.timeout,
                settings.device,
                settings.math,
                threads=settings.threads,
                cores=available_cores()[: settings.threads],
            )
            info = engine.start()
        except EngineUnavailableError as error:
            self._unavailable[framework] = str(error)
            return {"unavailable": str(error)}
        self._engines[framework] = engine
        return info.header_fields()

    def ceilings(self) -> dict[str, float]:
        """Measure what this machine can do, where a framework is here to tell."""
        return ceilings(self._engines, self._settings.device, self._settings.threads)

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()

    def measure(self, case: Case, frameworks: Sequence[str]) -> Iterator[Measurement]:
        """Execute a case everywhere, then time what was correct."""
        expected = _expected(case)
        entries = {name: self._executed(case, name, expected) for name in frameworks}
        for direction in DIRECTIONS:
            of_direction = {name: found[direction] for name, found in entries.items()}
            ready = {
                name: entry.program
                for name, entry in of_direction.items()
                if entry.is_correct and isinstance(entry.program, Program)
            }
            timed = self._timed(ready, direction, expected.data)
            for name, entry in of_direction.items():
                blank = _blank(case, name, direction, entry)
                yield timed[name].added_to(blank) if name in timed else blank

    def _executed(self, case: Case, framework: str, expected: Expected) -> dict[str, _Entry]:
        """Hold what a framework's two programs give against what is expected."""
        program = render(
            case.operator,
            framework,
            case.dtype,
            documented=case.documented,
            device=self._settings.device,
        )
        if framework in self._unavailable:
            verdict = Verdict(Status.SKIPPED, self._unavailable[framework])
            return dict.fromkeys(DIRECTIONS, _Entry(program, verdict))
        if isinstance(program, Unsupported):
            verdict = Verdict(Status.UNSUPPORTED, program.reason)
            return dict.fromkeys(DIRECTIONS, _Entry(program, verdict))
        found: dict[str, _Entry] = {}
        jobs = jobs_of(case, program, expected.data)
        for job, outcome in self._engines[framework].run(jobs):
            direction = Check(job.checks[0]).direction
            entry = self._judged(case, framework, expected, program, job, outcome)
            if direction not in found or found[direction].is_correct:
                found[direction] = entry
        return found

    def _judged(
        self,
        case: Case,
        framework: str,
        expected: Expected,
        program: Program,
        job: Job,
        outcome: Outcome,
    ) -> _Entry:
        verdict = Verdict(Status.PASSED)
        for check in job.checks:
            verdict = judge(case, expected, check, outcome)
            if verdict.status != Status.PASSED:
                verdict = self._known(case, framework, check, verdict)
                break
        return _Entry(program, verdict, outcome.seconds if isinstance(outcome, Arrays) else {})

    def _known(self, case: Case, framework: str, check: str, verdict: Verdict) -> Verdict:
        """A failure that is declared needs no looking into; it is not timed either."""
        for limitation in self._settings.limitations:
            if limitation.status == verdict.status and limitation.concerns(
                case.id, framework, check
            ):
                return Verdict(Status.KNOWN, f"{limitation.reason} [{verdict.reason}]")
        return verdict

    def _timed(
        self, programs: Mapping[str, Program], direction: str, data: Mapping[str, Array]
    ) -> dict[str, _Times]:
        """Let frameworks take turns; give what was measured of each."""
        engines = {name: self._engines[name] for name in programs}
        with ExitStack() as stack:
            found = {}
            for name, program in programs.items():
                stack.callback(engines[name].drop, direction)
                wait = convention(name).wait(self._settings.device)
                found[name] = self._ready(engines[name], held(program, direction, data, wait))
            order = random.Random(len(found))  # noqa: S311 -- an order that repeats, no secret
            began = time.monotonic()
            for count in range(self._settings.rounds):
                times = [each.seconds for each in found.values() if each.failure is None]
                if count >= LEAST_ROUNDS and self._settings.is_enough(times, began):
                    break
                for name in order.sample(list(found), len(found)):
                    if found[name].failure is None:
                        found[name].add(engines[name].time(direction, found[name].calls))
        return found

    def _ready(self, engine: Engine, program: Held) -> _Times:
        """Make a program ready, and see how many calls fill a turn."""
        times = _Times()
        peak = engine.hold(program)
        if not isinstance(peak, int | None):
            times.failure = peak
            return times
        times.peak_bytes = peak
        times.add(engine.time(program.key, 1))
        if times.samples and times.samples.pop().seconds < _LONG:
            # It also woke threads: before several calls come others that are not timed.
            times.add(engine.time(program.key, 2))
            if times.samples:
                calls = round(self._settings.seconds / times.samples.pop().seconds)
                times.calls = max(2, min(_MOST_CALLS, calls))
        return times


def held(program: Program, direction: str, data: Mapping[str, Array], wait: str = "") -> Held:
    """Take a program apart: what is done once, and the call that is timed.

    A call is over when its result is there: ``wait`` is the text that waits for a GPU.

    A gradient is what a training step costs, so the forward pass belongs to it: where the gradient
    text leaves it out, the forward call comes before.
    """
    inputs = {name: array for name, array in data.items() if direction != "forward" or name != "dy"}
    if direction == "forward":
        sections, calls = [program.forward], [program.forward.call]
    elif program.gradient_alone:
        sections = [program.forward, program.gradient]
        calls = [program.forward.call, program.gradient.call]
    else:
        sections, calls = [program.gradient], [program.gradient.call]
    texts = [("setup", program.setup), *(("to_native", each.to_native) for each in sections)]
    return Held(direction, texts, "\n".join([*calls, wait]), inputs)


def _timed_by_itself(spoken: Convention) -> Convention:
    """Refuse a column that another program computes: its times would not be the framework's."""
    if spoken.language == "python":
        return spoken
    raise EngineUnavailableError(
        f"{spoken.title} is not executed itself here: only Python frameworks are timed"
    )


def _expected(case: Case) -> Expected:
    """Give what programs are held against: by ``impl``, since the definition takes minutes here.

    ``impl`` is held against the definition by conformance runs and tests.
    """
    data = case.data()
    if case.fill != "random":
        return Expected(data, _computed(case, data), {}, None)
    wide = {name: array.astype(np.float64) for name, array in data.items()}
    magnitudes = {name: np.abs(array) for name, array in wide.items()}
    return Expected(data, _computed(case, wide), _computed(case, magnitudes), None)


def _computed(case: Case, data: Mapping[str, Array]) -> dict[str, Array]:
    given = options(case.operator)
    y = impl.conv_transpose(data["x"], data["w"], data.get("b"), **given)
    dx, dw, db = impl.conv_transpose_vjp(data["dy"], data["x"], data["w"], **given)
    return {"y": y, "dx": dx, "dw": dw, "db": db}


def _blank(case: Case, framework: str, direction: str, entry: _Entry) -> Measurement:
    """A measurement without times, as a program that was not correct has it."""
    operator, shape = case.operator, (case.batch, case.in_size)
    products = _PRODUCTS[direction]
    return Measurement(
        case=case.id,
        suite=case.suite,
        descriptor=case.descriptor,
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
        file=case.file,
        line=case.line,
    )
