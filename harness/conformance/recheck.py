"""Hold an implementation against what it cannot know before it is called.

A case's data follows from its descriptor, so its answers could be ready, or right for as long as
somebody looks.  A few cases of every column of an implementation are therefore run again with other
data, with a size that no other case has, and at the end; a case fails if these do.  What is wrong
without a known mistake is looked into in a process of its own, to name it.
"""

from __future__ import annotations

import math
import random
import re
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice, repeat
from typing import Final, TypeAlias

import numpy as np

from harness.conformance.dishonesty import copied, foreign, is_comparable, lacking, narrow
from harness.conformance.judge import judge
from harness.core.program import Program, Unsupported
from harness.engines.job import Arrays, Job, Outcome
from harness.execution.column import Column
from harness.records.check import Check, Direction
from harness.records.measurement import multiply_adds
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import SIGNIFICANT_BITS, Case
from harness.suite.expectations import Expected, expect_of
from harness.suite.mutants import Array, Data

_EVERY: Final = 32  # One in so many cases is rechecked
_EVERY_BY_ITSELF: Final = 8  # of those that are run one by one, where there is no first
_LEAST: Final = 8  # Fewer elements of an output tell nothing
_SMALL: Final = 2  # Magnitude of the factors of large integers
# Bits of large integers, by dtype: more than float16, bfloat16 and tf32 have, or float32.
_LARGE_BITS: Final = {"float32": 13, "float64": 30, "float16": 11, "bfloat16": 8}
_COARSE_BITS: Final = 10  # Where the caller has allowed tf32
_EARLIER: Final = 16  # So many outputs are remembered, to recognise one that comes back
_MOST_REMEMBERED: Final = 2**20  # Bytes of each
_MOST_PROBES: Final = 4  # Processes of their own for a column
_MOST_CALLS: Final = 1000  # Calls, and
_MORE_CALLS: Final = 3  # after the first wrong one, in
_MOST_SECONDS: Final = 5.0  # about so many seconds, for one probe
# What waits for threads that are still at work: of Python, and others.
_WAIT: Final = """
import select, threading
[each.join(0.5) for each in threading.enumerate() if each is not threading.current_thread()]
select.select([], [], [], 0.25)"""

_AT_FIRST: Final = "is right for the first"
_AT_THE_END: Final = "is right at first, and wrong at the end"

_secret = random.SystemRandom()


@dataclass(frozen=True, eq=False)
class Recheck:
    """One more run of a case, changed so that nobody knows the answer before."""

    original: Case
    case: Case
    expected: Expected
    fact: str  # What is true if this fails
    is_last: bool = False  # Whether it is run once all else is


@dataclass
class _Open:
    """A case that is run, until everything about it is known."""

    program: Program
    expected: Expected
    is_rechecked: bool
    left: int  # Checks without a verdict, of the case and of its rechecks
    own: dict[Check, Verdict] = field(default_factory=dict)
    rechecked: dict[Check, Verdict] = field(default_factory=dict)  # The first failure of each

    def verdicts(self) -> Iterator[tuple[Check, Verdict]]:
        for check, verdict in self.own.items():
            is_passed = verdict.status == Status.PASSED
            yield check, self.rechecked.get(check, verdict) if is_passed else verdict


Work: TypeAlias = tuple[Case, Program, Callable[[], Expected]]
Judged: TypeAlias = tuple[Case, Program, Check, Verdict]


class Watch:
    """Runs and judges cases in a column; an implementation's are rechecked.

    ``cases`` are those that it will run.
    """

    def __init__(
        self, column: Column, cases: Sequence[Case], *, is_suspect: bool | None = None
    ) -> None:
        self._column = column
        self._is_promised = column.implementation is not None
        self._is_suspect = self._is_promised if is_suspect is None else is_suspect
        self._sizes = {extent for case in cases for extent in case.in_size}
        telling = [case for case in cases if self._is_suspect and _is_telling(case)]
        blocks = (telling[at : at + _EVERY] for at in range(0, len(telling), _EVERY))
        self._first = telling[0].id if telling else ""
        self._chosen = {self._first} | {min(block, key=_work).id for block in blocks}
        self._open: dict[str, _Open] = {}
        self._probes = 0
        self._names: dict[str, str] = {}
        self._earlier: dict[str, deque[Array]] = {}
        self._calls: Counter[str] = Counter()

    def run(
        self, work: Iterable[Work], direction: Direction | None = None
    ) -> Iterator[tuple[Job, Outcome, list[Judged]]]:
        """Run cases, in one direction or both; yield each outcome, and what is final with it."""
        for job, outcome in self._column.run(self._jobs(work, direction)):
            judged = self._rechecked if isinstance(job.key, Recheck) else self._judged
            yield job, outcome, list(judged(job, outcome))

    def _jobs(self, work: Iterable[Work], direction: Direction | None) -> Iterator[Job]:
        """Make the jobs of each case, those that recheck it, and those to be run at the end."""
        closing: list[Job] = []
        for case, program, expect_case in work:
            expected = expect_case()
            rechecks = [each for recheck in self._rechecks(case) for each in self._jobs_of(recheck)]
            jobs = [
                job
                for job in (*self._column.jobs(case, program, expected.data), *rechecks)
                if direction in {None, job.direction}
            ]
            left = sum(len(job.checks) for job in jobs)
            self._open[case.id] = _Open(program, expected, bool(rechecks), left)
            late = [job for job in jobs if isinstance(job.key, Recheck) and job.key.is_last]
            closing += late
            yield from (job for job in jobs if job not in late)
        yield from closing

    def _rechecks(self, case: Case) -> Iterator[Recheck]:
        """Make a case's rechecks: other data, another size, and, of the first, a later time."""
        if case.id not in self._chosen:
            return
        plain = replace(case, given={}, fill="integer")
        larger, axis = list(case.in_size), _secret.randrange(len(case.in_size))
        unseen = (n for n in count(larger[axis] + 1) if n not in self._sizes)
        larger[axis] = _secret.choice(list(islice(unseen, 8)))
        size = "x".join(map(str, larger))
        for each, large, fact in (
            (plain, "x", "is right for data seen before, and wrong for other data"),
            (
                replace(plain, in_size=tuple(larger)),
                "w",
                f"is right for sizes seen before, and wrong for an input of {size}",
            ),
            *[(plain, "w", _AT_THE_END)] * (case.id == self._first),
        ):
            data = secret_data(each, large, is_coarse=self._column.conditions.math != "ieee")
            if data is not None:
                yield Recheck(case, each, expect_of(each, data), fact, is_last=fact == _AT_THE_END)

    def _jobs_of(self, recheck: Recheck) -> list[Job]:
        program = self._column.render(recheck.case)
        if isinstance(program, Unsupported):
            return []
        jobs = self._column.jobs(recheck.case, program, recheck.expected.data)
        return [replace(job, key=recheck) for job in jobs]

    def _rechecked(self, job: Job, outcome: Outcome) -> Iterator[Judged]:
        """Note the outcome of a recheck's job; yield all of a case that is complete with it."""
        recheck: Recheck = job.key
        failures = self._open[recheck.original.id].rechecked
        for name in job.checks:
            check = Check(name)
            verdict = judge(
                recheck.case, recheck.expected, check, outcome, promised=self._is_promised
            )
            if verdict.status != Status.PASSED:
                fact = self._rechecked_fact(job, outcome, check, verdict)
                reason = f"{fact}: {verdict.reason}"
                failures.setdefault(check, replace(verdict, reason=reason))
        yield from self._settled(recheck.original, job, recheck.expected)

    def _rechecked_fact(self, job: Job, outcome: Outcome, check: Check, verdict: Verdict) -> str:
        recheck: Recheck = job.key
        case, expected, output = recheck.case, recheck.expected, check.output
        wrong = _wrong(case, expected, check, outcome, verdict)
        if verdict.status in {Status.CRASHED, Status.TIMEDOUT}:  # It says nothing about the data.
            return f"rechecked with an input of {'x'.join(map(str, case.in_size))}"
        if wrong is None:
            return recheck.fact
        known = copied(wrong, self._before(check)) or narrow(case, expected, output, wrong)
        if recheck.is_last:
            known = known or self._cause(case, job, expected, check)
        lacks = lacking(case, expected, output, wrong)
        return known or ": ".join(filter(None, (recheck.fact, lacks)))

    def _judged(self, job: Job, outcome: Outcome) -> Iterator[Judged]:
        """Judge a case's own job, and name what is wrong; yield what is final."""
        case: Case = job.key
        opened = self._open[case.id]
        says, expected = case.says.get(self._column.framework), opened.expected
        for check in map(Check, job.checks):
            verdict = judge(case, expected, check, outcome, says, promised=self._is_promised)
            opened.own[check] = self._explained(job, outcome, expected, check, verdict)
            if not opened.is_rechecked:
                yield case, opened.program, check, opened.own[check]
        yield from self._settled(case, job, expected)

    def _settled(self, case: Case, job: Job, expected: Expected) -> Iterator[Judged]:
        """Count a call; yield the verdicts of a rechecked case once there are all."""
        self._calls[job.direction] += 1
        for name in job.outputs if self._is_suspect else ():
            if name in expected.outputs and expected.outputs[name].nbytes <= _MOST_REMEMBERED:
                earlier = self._earlier.setdefault(name, deque(maxlen=_EARLIER))
                earlier.appendleft(expected.outputs[name])
        opened = self._open[case.id]
        opened.left -= len(job.checks)
        if not opened.left:
            del self._open[case.id]
            if opened.is_rechecked:
                yield from ((case, opened.program, *each) for each in opened.verdicts())

    def _before(self, check: Check) -> Iterable[Array]:
        return self._earlier.get(check.output, ())

    def _explained(
        self, job: Job, outcome: Outcome, expected: Expected, check: Check, verdict: Verdict
    ) -> Verdict:
        """Put before the reason of a failure what it gives away, unless it is a mutant's."""
        case, wrong = job.key, _wrong(job.key, expected, check, outcome, verdict)
        if wrong is None or not self._is_suspect:
            return verdict
        fact = copied(wrong, self._before(check))
        if not fact:
            lacks = lacking(case, expected, check.output, wrong)
            fact = None if lacks else narrow(case, expected, check.output, wrong)
            fact = fact or self._cause(case, job, expected, check, lacks or "")
            fact = fact or foreign(case, expected, check.output, wrong)
        return replace(verdict, reason=f"{fact}: {verdict.reason}") if fact else verdict

    def _cause(
        self, case: Case, job: Job, expected: Expected, check: Check, lacks: str = ""
    ) -> str:
        """Look for the cause of a failure in processes of its own, unless it is known by now."""
        kind = re.sub(r"\d+", "", lacks)
        if kind not in self._names and self._probes < _MOST_PROBES:
            self._probes += 1
            cause = self._probed(case, job, expected, check)
            if cause or kind:
                self._names[kind] = cause
        cause = self._names.get(kind, "")
        return f"{cause}, then {lacks}" if lacks and cause.startswith(_AT_FIRST) else cause or lacks

    def _probed(self, case: Case, job: Job, expected: Expected, check: Check) -> str:
        """Return why a job's result is wrong that is no known mistake; empty if nobody knows."""

        def is_right(outcome: Outcome) -> bool:
            verdict = judge(case, expected, check, outcome, promised=self._is_promised)
            return verdict.status == Status.PASSED

        late = replace(job, section=replace(job.section, call=job.section.call + _WAIT))
        most = min(self._calls[job.direction], _MOST_CALLS) + _MORE_CALLS
        with closing(self._fresh(chain([job, late], repeat(job, most)))) as outcomes:
            right = map(is_right, outcomes)
            if not next(right, False):
                is_late = job.arguments is None and next(right, False)
                return "returns before the result is there" if is_late else ""
            until, calls = time.monotonic() + _MOST_SECONDS, 1
            for each in right:
                if not each:
                    break
                if time.monotonic() > until:
                    return ""
                calls += 1
            else:
                return "is right in a process of its own, and not after other calls"
            is_mixed = any(islice(right, _MORE_CALLS))
        return "returns something else each time" if is_mixed else f"{_AT_FIRST} {calls} calls"

    def _fresh(self, jobs: Iterable[Job]) -> Generator[Outcome, None, None]:
        """Run jobs in a process of their own."""
        subject = self._column.implementation or self._column.framework
        with closing(Column(subject, self._column.conditions)) as column:
            column.start()
            if not column.unavailable:
                yield from (outcome for _, outcome in column.run(jobs))


def _wrong(
    case: Case, expected: Expected, check: Check, outcome: Outcome, verdict: Verdict
) -> Array | None:
    """Return an output that is wrong in its elements only, in a way that no mutant is."""
    if verdict.status != Status.FAILED or verdict.diagnosis or not isinstance(outcome, Arrays):
        return None
    if outcome.misbehaviour or check in {Check.SHAPE, Check.REFUSAL}:
        return None
    got: Array = outcome.outputs[check.output]
    return got if is_comparable(case, expected, check.output, got) else None


def is_sampled(case: Case) -> bool:
    """Whether a case that is run by itself is among those that are rechecked."""
    return zlib.crc32(case.id.encode()) % _EVERY_BY_ITSELF == 0


def _is_telling(case: Case) -> bool:
    """Whether a case can be rechecked, and its output has enough elements to tell something."""
    return not case.rejected and math.prod(case.out_shape) >= _LEAST and bool(_largest(case))


def _work(case: Case) -> int:
    return multiply_adds(case.operator, case.batch, case.in_size) + math.prod(case.out_shape)


def secret_data(case: Case, large: str, *, is_coarse: bool = False) -> Data | None:
    """Make integers that nobody can know before, with every sum exact.

    Those of ``large``, which is ``x`` or ``w``, have more significant bits than narrower formats
    hold, or as many as the number of terms allows, unless those formats are allowed.
    ``None`` if there are no such integers.
    """
    most = _largest(case, is_coarse=is_coarse)
    if not most:
        return None
    generator = np.random.PCG64(_secret.getrandbits(128))
    data = {}
    for name, shape in case.shapes.items():
        magnitude = most if name == large else _SMALL
        bits = generator.random_raw(math.prod(shape)).reshape(shape)
        sign = np.where(bits & np.uint64(1), 1, -1)
        size = 1 + ((bits >> np.uint64(33)) % np.uint64(magnitude)).astype(np.int64)
        data[name] = (sign * size).astype(case.dtype)
    return data


def _largest(case: Case, *, is_coarse: bool = False) -> int:
    """Return the largest magnitude of the large integers; 0 if no sum would be exact."""
    limit = int(2 ** SIGNIFICANT_BITS[case.dtype]) - _SMALL
    outputs = math.prod(case.out_shape) if case.operator.bias else 0
    if _SMALL * outputs > limit:
        return 0
    bits = _COARSE_BITS if is_coarse else _LARGE_BITS[case.dtype]
    return min(limit // (_SMALL * case.terms), (1 << bits) - 1)
