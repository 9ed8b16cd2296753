"""A case's way: load, render, run, compare, record.

Frameworks run side by side, each column in a thread of its own that feeds one stream of events.
A case's data and expectation are made once, by whichever column comes to it first.
"""

from __future__ import annotations

import queue
import shlex
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Final

from harness.conformance.judge import judge
from harness.convention.device import Device, Math
from harness.convention.registry import Convention, convention, render
from harness.core.program import Program, Unsupported
from harness.engines import Engine, EngineUnavailableError, Job, Outcome, RecordedEngine
from harness.execution.environments import launch
from harness.records.record import Event, Footer, Header, Record
from harness.records.status import Status
from harness.records.verdict import Verdict
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect
from harness.suite.limitations import Limitation
from harness.suite.mutants import Data

PREPARED_BYTES: Final = 2**28


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes
    ----------
    pythons : mapping
        Interpreters chosen by the user, by framework.
    timeout : float
        Seconds that one program may take.
    at_once : int
        How many frameworks run at the same time; all where it is 0.
    limitations : tuple of Limitation
    recorded : mapping
        By framework, what was run elsewhere; it takes the place of an engine.
    device : {"cpu", "cuda"}
        Where frameworks compute; one that has no choice computes where it can.
    math : {"ieee", "tf32"}
        How they multiply float32 on a GPU.
    """

    pythons: Mapping[str, Path] = field(default_factory=dict)
    timeout: float = 60.0
    at_once: int = 0
    limitations: tuple[Limitation, ...] = ()
    recorded: Mapping[str, RecordedEngine] = field(default_factory=dict)
    device: Device = "cpu"
    math: Math = "ieee"


def execute(
    cases: Sequence[Case], frameworks: Sequence[str], settings: Settings | None = None
) -> Iterator[Event]:
    """Run every case in every framework.

    Yields
    ------
    Header, Record, Footer
        One header, when all engines have started or said why not; one record for every case,
        framework and check, in the order of completion; one footer.  A stream that is closed early
        ends its workers and has no footer.
    """
    settings = settings or Settings()
    for what, names in (("case", [case.id for case in cases]), ("framework", frameworks)):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ValueError(f"{what} {twice[0]!r} is given twice.")
    run = _Run(cases, frameworks, settings)
    began = time.monotonic()
    counts: Counter[Status] = Counter()
    at_once = settings.at_once or max(len(frameworks), 1)
    with closing(run), ThreadPoolExecutor(max_workers=at_once) as pool:
        try:
            preparing = threading.Thread(target=run.prepare)
            preparing.start()
            started = dict(zip(frameworks, pool.map(run.start, frameworks), strict=True))
            run.started.set()
            preparing.join()
            yield Header(
                deconform=version("deconform"),
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                frameworks=started,
                cases=len(cases),
            )
            for framework in frameworks:
                pool.submit(run.column, framework)
            running = len(frameworks)
            while running:
                event = run.events.get()
                if isinstance(event, BaseException):
                    raise event
                if event is None:
                    running -= 1
                    continue
                counts[event.status] += 1
                yield event
        finally:
            run.stop()
    elapsed = round(time.monotonic() - began, 3)
    yield Footer({status: counts[status] for status in Status if counts[status]}, elapsed)


def engine_of(
    convention: Convention,
    pythons: Mapping[str, Path],
    timeout: float = 60.0,
    device: Device = "cpu",
    math: Math = "ieee",
    threads: int = 1,
    cores: Sequence[int] = (),
) -> Engine:
    """Find what executes a framework's programs, not started yet.

    Raises
    ------
    EngineUnavailableError
        With the reason and, where there is one, the command that helps.
    """
    found = launch(convention, pythons, device)
    used = convention.device(device)
    return Engine(
        [str(found.python)],
        found.module,
        convention.distribution,
        language=found.language,
        environ=convention.environment(used, math),
        timeout=timeout,
        advice=found.advice,
        packages=found.packages,
        device=convention.device_check(used, math),
        threads=threads,
        cores=cores,
    )


def jobs_of(case: Case, program: Program, data: Data) -> Iterator[Job]:
    """Make the jobs of one case: its forward program, and its gradient program."""
    for direction, group in groupby(case.checks, lambda check: check.direction):
        checks = tuple(group)
        outputs = tuple(dict.fromkeys(check.output for check in checks))
        section = program.forward if direction == "forward" else program.gradient
        inputs = {n: array for n, array in data.items() if n != "dy" or direction == "gradient"}
        yield Job(case, program.setup, section, inputs, outputs, checks)


class _Run:
    """What the columns of one run share."""

    def __init__(
        self, cases: Sequence[Case], frameworks: Sequence[str], settings: Settings
    ) -> None:
        self.events: queue.SimpleQueue[Record | BaseException | None] = queue.SimpleQueue()
        self._cases = cases
        self._settings = settings
        self._expectations = _Expectations(users=len(frameworks))
        self._engines: dict[str, Engine | RecordedEngine] = {}
        self._unavailable: dict[str, str] = {}
        self._stopped = threading.Event()
        self.started = threading.Event()

    def prepare(self) -> None:
        """Make expectations while frameworks are imported, which takes seconds."""
        size = 0
        for case in self._cases:
            if self.started.is_set() or size > PREPARED_BYTES:
                return
            try:
                expected = self._expectations.of(case)
            except Exception:  # noqa: BLE001 -- raised again where the case is run
                return
            size += sum(array.nbytes for array in expected.data.values())

    def start(self, framework: str) -> dict[str, str]:
        """Start a framework's engine; give its part of the header."""
        settings = self._settings
        try:
            engine = settings.recorded.get(framework) or engine_of(
                convention(framework),
                settings.pythons,
                settings.timeout,
                settings.device,
                settings.math,
            )
            self._engines[framework] = engine
            return engine.start().header_fields()
        except EngineUnavailableError as error:
            self._unavailable[framework] = str(error)
            return {"unavailable": str(error)}

    def stop(self) -> None:
        """End all workers; columns that are still running come to their end."""
        self.started.set()
        self._stopped.set()
        for engine in list(self._engines.values()):
            engine.stop()

    def close(self) -> None:
        """Let go of the engines, once nothing runs any more."""
        for engine in self._engines.values():
            engine.close()

    def column(self, framework: str) -> None:
        """Run all cases in one framework."""
        try:
            for record in self._column(framework):
                self.events.put(record)
            self.events.put(None)
        except BaseException as error:  # noqa: BLE001 -- raised again where the stream is read
            self.events.put(error)

    def _column(self, framework: str) -> Iterator[Record]:
        programs = {
            case.id: render(
                case.operator,
                framework,
                case.dtype,
                documented=case.documented,
                device=self._settings.device,
            )
            for case in self._cases
        }
        for case in self._cases:
            program = programs[case.id]
            if framework in self._unavailable:
                verdict = Verdict(Status.SKIPPED, self._unavailable[framework])
            elif isinstance(program, Unsupported):
                verdict = Verdict(Status.UNSUPPORTED, program.reason)
            else:
                continue
            self._expectations.release(case)
            for check in case.checks:
                yield self._record(case, framework, program, check, verdict)
        if framework not in self._unavailable:
            for job, outcome in self._engines[framework].run(self._jobs(framework, programs)):
                yield from self._judged(job, framework, programs, outcome)
            self._engines[framework].stop()

    def _jobs(self, framework: str, programs: Mapping[str, Program | Unsupported]) -> Iterator[Job]:
        for case in self._cases:
            program = programs[case.id]
            if isinstance(program, Unsupported) or self._stopped.is_set():
                continue
            for job in jobs_of(case, program, self._expectations.of(case).data):
                yield replace(job, ends_worker=self._may_crash(job, framework))

    def _may_crash(self, job: Job, framework: str) -> bool:
        return any(
            limitation.status == Status.CRASHED
            and limitation.concerns(job.key.id, framework, check)
            for limitation in self._limitations(framework)
            for check in job.checks
        )

    def _limitations(self, framework: str) -> Iterator[Limitation]:
        """Give what is declared of frameworks on the device of this one's column."""
        device = convention(framework).device(self._settings.device)
        return (each for each in self._settings.limitations if each.device in {"any", device})

    def _reproduce(self, case: Case, framework: str) -> str:
        settings = self._settings
        command = f"deconform reproduce {shlex.quote(case.reproducible)} -f {framework}"
        device = "" if settings.device == "cpu" else f" --device {settings.device}"
        return command + device + ("" if settings.math == "ieee" else f" --math {settings.math}")

    def _judged(
        self,
        job: Job,
        framework: str,
        programs: Mapping[str, Program | Unsupported],
        outcome: Outcome,
    ) -> Iterator[Record]:
        case: Case = job.key
        expected = self._expectations.of(case)
        for check in job.checks:
            verdict = judge(case, expected, check, outcome, case.says.get(framework))
            yield self._record(case, framework, programs[case.id], check, verdict)
        if job.checks[-1] == case.checks[-1]:
            self._expectations.release(case)

    def _record(
        self,
        case: Case,
        framework: str,
        program: Program | Unsupported,
        check: str,
        verdict: Verdict,
    ) -> Record:
        record = Record(
            case=case.id,
            suite=case.suite,
            descriptor=case.descriptor,
            framework=framework,
            check=check,
            support=program.support,
            status=verdict.status,
            reason=verdict.reason,
            diagnosis=verdict.diagnosis,
            evidence=verdict.evidence,
            file=case.file,
            line=case.line,
            reproduce=self._reproduce(case, framework),
        )
        for limitation in self._limitations(framework):
            if limitation.concerns(case.id, framework, check):
                return _limited(record, limitation)
        return record


def _limited(record: Record, limitation: Limitation) -> Record:
    """A declared limitation that reproduces is KNOWN; one that does not is FIXED."""
    if record.status == limitation.status:
        reason = f"{limitation.reason} [{record.reason}]"
        return replace(record, status=Status.KNOWN, reason=reason, limitation=limitation.id)
    if record.status == Status.PASSED and not limitation.depends_on:
        reason = (
            f"limitation {limitation.id!r} ({limitation.file}:{limitation.line}) does not "
            "reproduce here any more: take this case off it, or remove it."
        )
        return replace(record, status=Status.FIXED, reason=reason, limitation=limitation.id)
    return record


class _Expectations:
    """Each case's data and expectation, made once and dropped when every column is through."""

    def __init__(self, users: int) -> None:
        self._users = users
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}

    def of(self, case: Case) -> Expected:
        with self._lock:
            slot = self._slots.setdefault(case.id, _Slot(self._users))
        with slot.lock:
            if slot.expected is None:
                slot.expected = expect(case)
            return slot.expected

    def release(self, case: Case) -> None:
        with self._lock:
            slot = self._slots.setdefault(case.id, _Slot(self._users))
            slot.users -= 1
            if slot.users <= 0:
                del self._slots[case.id]


@dataclass
class _Slot:
    users: int
    expected: Expected | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
