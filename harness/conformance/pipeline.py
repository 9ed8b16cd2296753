"""What happens to a case: render, run, compare, record.

Frameworks run side by side, each column in its own thread; all feed one stream of events.
A case's data and expectation are computed once, by the first column that needs them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Final

from harness.conformance.recheck import Watch, Work, is_sampled
from harness.core.program import Program, Unsupported
from harness.doors.implementation import Implementation
from harness.execution.column import Column, Conditions
from harness.records.check import Direction
from harness.records.record import Event, Footer, Header, Record, Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect
from harness.suite.fingerprint import fingerprint

PREPARED_BYTES: Final = 2**28


def execute(
    cases: Sequence[Case],
    subjects: Sequence[str | Implementation],
    conditions: Conditions | None = None,
    *,
    at_once: int = 0,
) -> Generator[Event, None, None]:
    """Run every case in every column, ``at_once`` of them at the same time; 0 means all.

    Yields
    ------
    Header, Record, Footer
        One header, once every engine has started or failed to; one record for each case, framework
        and check, in order of completion; one footer.  Closing the stream early ends the workers;
        there is no footer then.
    """
    return run_columns(cases, [Column(one, conditions) for one in subjects], at_once)


def run_columns(
    cases: Sequence[Case],
    columns: Sequence[Column],
    at_once: int = 0,
    done: Mapping[str, Collection[str]] | None = None,
) -> Generator[Event, None, None]:
    """Run every case through columns that have not started; see :func:`execute`.

    By framework, those in ``done`` are left out.
    """
    frameworks = [column.framework for column in columns]
    for what, names in (("case", [case.id for case in cases]), ("framework", frameworks)):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ValueError(f"{what} {twice[0]!r} is given twice.")
    began = time.monotonic()
    counts: Counter[Status] = Counter()
    events: queue.SimpleQueue[Record | BaseException | None] = queue.SimpleQueue()
    started = threading.Event()
    with ExitStack() as stack:  # What is entered first ends last.
        for column in columns:
            stack.callback(column.close)
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=at_once or max(len(columns), 1)))
        for column in columns:
            stack.callback(column.stop)
        stack.callback(started.set)
        shared = [_Shared(case) for case in cases]
        preparing = threading.Thread(target=_prepare, args=(shared, started))
        preparing.start()
        infos = list(pool.map(lambda column: column.start(), columns))
        started.set()
        preparing.join()
        yield Header(
            deconform=version("deconform"),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            frameworks=dict(zip(frameworks, infos, strict=True)),
            cases=len(cases),
            suite=fingerprint(cases, columns[0].conditions.limitations if columns else ()),
        )
        for column in columns:
            skipped = (done or {}).get(column.framework, ())
            left = deque(each for each in shared if each.case.id not in skipped)
            pool.submit(_run_through, column, left, events)
        shared.clear()  # From here each column lets go of a case once it has used it.
        running = len(columns)
        while running:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            if event is None:
                running -= 1
                continue
            counts[event.status] += 1
            yield event
    elapsed = round(time.monotonic() - began, 3)
    yield Footer({status: counts[status] for status in Status if counts[status]}, elapsed)


class _Shared:
    """A case and what all columns share of it, computed by the first that needs it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._lock = threading.Lock()
        self._expected: Expected | None = None

    @property
    def expected(self) -> Expected:
        with self._lock:
            if self._expected is None:
                self._expected = expect(self.case)
            return self._expected


def _prepare(shared: Iterable[_Shared], started: threading.Event) -> None:
    """Compute expectations while frameworks are imported, which takes seconds."""
    size = 0
    for each in shared:
        if started.is_set() or size > PREPARED_BYTES:
            return
        try:
            size += sum(array.nbytes for array in each.expected.data.values())
        except Exception:  # noqa: BLE001 -- raised again where the case is run
            return


def _run_through(
    column: Column, cases: deque[_Shared], events: queue.SimpleQueue[Record | BaseException | None]
) -> None:
    """Run all cases through one column."""
    try:
        for record in _records(column, cases):
            events.put(record)
        events.put(None)
    except BaseException as error:  # noqa: BLE001 -- raised again where the stream is read
        events.put(error)


def _records(column: Column, cases: deque[_Shared]) -> Iterator[Record]:
    left: deque[tuple[_Shared, Program]] = deque()
    while cases:
        shared = cases.popleft()
        case, program = shared.case, column.render(shared.case)
        refusals = column.refusals(case, program)
        for check, refusal in refusals.items():
            yield _record(column, case, program, check, refusal)
        if len(refusals) < len(case.checks):
            assert isinstance(program, Program)
            left.append((shared, program))
    if left:
        watch = Watch(column, [shared.case for shared, _ in left])
        for _, _, judged in watch.run(_work(left)):
            yield from (_record(column, *each) for each in judged)
    column.stop()


def _work(left: deque[tuple[_Shared, Program]]) -> Iterator[Work]:
    while left:
        shared, program = left.popleft()
        yield shared.case, program, partial(getattr, shared, "expected")


def records_of(
    column: Column, case: Case, direction: Direction, expected: Callable[[], Expected]
) -> Iterator[Record]:
    """Run one direction of a case in a column that has started.

    What is expected is computed only if the case is run.
    """
    program = column.render(case)
    checks = [check for check in case.checks if check.direction == direction]
    refusals = column.refusals(case, program)
    for check in checks:
        if check in refusals:
            yield _record(column, case, program, check, refusals[check])
    if refusals.keys() >= set(checks):
        return
    assert isinstance(program, Program)
    watch = Watch(column, [case] * is_sampled(case))
    for _, _, judged in watch.run([(case, program, expected)], direction):
        yield from (_record(column, *each) for each in judged)


def _record(
    column: Column, case: Case, program: Program | Unsupported, check: str, verdict: Verdict
) -> Record:
    return Record(
        **case.labels,
        framework=column.framework,
        check=check,
        support=program.support,
        **vars(column.declared(case, check, verdict)),
        reproduce=column.reproduce(case),
    )
