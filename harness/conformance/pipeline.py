"""What happens to a case: render, run, compare, record.

Frameworks run side by side, each column in its own thread; all feed one stream of events.
A case's data and expectation are computed once, by the first column that needs them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from harness.conformance.judge import judge
from harness.core.program import Program, Unsupported
from harness.engines.job import Job, Outcome
from harness.engines.recorded import RecordedEngine
from harness.execution.column import Column, Conditions
from harness.records.record import Event, Footer, Header, Record, Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect

PREPARED_BYTES: Final = 2**28


def execute(
    cases: Sequence[Case],
    frameworks: Sequence[str],
    conditions: Conditions | None = None,
    *,
    at_once: int = 0,
    recorded: Mapping[str, RecordedEngine] | None = None,
) -> Iterator[Event]:
    """Run every case in every framework, ``at_once`` of them at the same time; 0 means all.

    ``recorded`` are the results of a run elsewhere by framework, used in place of an engine.

    Yields
    ------
    Header, Record, Footer
        One header, once every engine has started or failed to; one record for each case, framework
        and check, in order of completion; one footer.  Closing the stream early ends the workers;
        there is no footer then.
    """
    for what, names in (("case", [case.id for case in cases]), ("framework", frameworks)):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ValueError(f"{what} {twice[0]!r} is given twice.")
    engines = recorded or {}
    columns = [Column(name, conditions, engines.get(name)) for name in frameworks]
    run = _Columns(cases, columns)
    began = time.monotonic()
    counts: Counter[Status] = Counter()
    workers = at_once or max(len(columns), 1)
    with closing(run), ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            preparing = threading.Thread(target=run.prepare)
            preparing.start()
            infos = list(pool.map(Column.start, columns))
            run.started.set()
            preparing.join()
            yield Header(
                deconform=version("deconform"),
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                frameworks=dict(zip(frameworks, infos, strict=True)),
                cases=len(cases),
            )
            for column in columns:
                pool.submit(run.through, column)
            running = len(columns)
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


class _Columns:
    """The columns of one run, and what they share."""

    def __init__(self, cases: Sequence[Case], columns: Sequence[Column]) -> None:
        self.events: queue.SimpleQueue[Record | BaseException | None] = queue.SimpleQueue()
        self._cases = cases
        self._columns = columns
        self._expectations = _Expectations(users=len(columns))
        self._stopped = threading.Event()
        self.started = threading.Event()

    def prepare(self) -> None:
        """Compute expectations while frameworks are imported, which takes seconds."""
        size = 0
        for case in self._cases:
            if self.started.is_set() or size > PREPARED_BYTES:
                return
            try:
                expected = self._expectations.of(case)
            except Exception:  # noqa: BLE001 -- raised again where the case is run
                return
            size += sum(array.nbytes for array in expected.data.values())

    def stop(self) -> None:
        """End all workers, so that columns that are still running finish."""
        self.started.set()
        self._stopped.set()
        for column in self._columns:
            column.stop()

    def close(self) -> None:
        """Release the engines, once nothing runs any more."""
        for column in self._columns:
            column.close()

    def through(self, column: Column) -> None:
        """Run all cases through one column."""
        try:
            for record in self._records(column):
                self.events.put(record)
            self.events.put(None)
        except BaseException as error:  # noqa: BLE001 -- raised again where the stream is read
            self.events.put(error)

    def _records(self, column: Column) -> Iterator[Record]:
        programs: dict[str, Program] = {}
        for case in self._cases:
            program = column.render(case)
            refusal = column.refuse(program)
            if refusal is None:
                assert isinstance(program, Program)
                programs[case.id] = program
                continue
            self._expectations.release(case)
            for check in case.checks:
                yield _record(column, case, program, check, refusal)
        if programs:
            for job, outcome in column.run(self._jobs(column, programs)):
                yield from self._judged(column, programs[job.key.id], job, outcome)
        column.stop()

    def _jobs(self, column: Column, programs: Mapping[str, Program]) -> Iterator[Job]:
        for case in self._cases:
            if case.id in programs and not self._stopped.is_set():
                yield from column.jobs(case, programs[case.id], self._expectations.of(case).data)

    def _judged(
        self, column: Column, program: Program, job: Job, outcome: Outcome
    ) -> Iterator[Record]:
        case: Case = job.key
        expected = self._expectations.of(case)
        for check in job.checks:
            verdict = judge(case, expected, check, outcome, case.says.get(column.framework))
            yield _record(column, case, program, check, verdict)
        if job.checks[-1] == case.checks[-1]:
            self._expectations.release(case)


def _record(
    column: Column, case: Case, program: Program | Unsupported, check: str, verdict: Verdict
) -> Record:
    return Record(
        case=case.id,
        suite=case.suite,
        descriptor=case.descriptor,
        framework=column.framework,
        check=check,
        support=program.support,
        **vars(column.declared(case, check, verdict)),
        file=case.file,
        line=case.line,
        reproduce=column.reproduce(case),
    )


class _Expectations:
    """Each case's data and expectation: computed once, dropped when every column has used it."""

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
