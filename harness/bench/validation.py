"""Look again at what was timed: its outputs on other data, and what an answer costs to remember.

A program is right before it is timed.  An implementation may still be right for as long as it is
not timed, or remember what it computed for the data that it is timed with.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from harness.conformance.dishonesty import copied, is_comparable, narrow
from harness.conformance.judge import judge
from harness.conformance.recheck import secret_data
from harness.core.program import Program
from harness.engines.job import Arrays, Failure, Job, Outcome, Timing
from harness.engines.process import Engine
from harness.execution.column import Column
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect_of
from impl.geometry import Array

# With other data each time, this many times the seconds of a call that was timed, and so many
# seconds more, are more than waking a sleeping thread takes.
_TIMES, _MORE, _TRIES = 5.0, 2e-4, 7
_secret = random.SystemRandom()


def verdict_on(
    case: Case, column: Column, expected: Expected, job: Job, outcome: Outcome
) -> Verdict:
    """Return the worst verdict on a job's checks.

    What passes is timed, whatever is declared of it: only a failure may be a known one.
    """
    verdicts = []
    for check in job.checks:
        verdict = judge(case, expected, check, outcome, promised=column.implementation is not None)
        is_passed = verdict.status == Status.PASSED
        verdicts.append(verdict if is_passed else column.declared(case, check, verdict))
    return max(verdicts, key=lambda verdict: verdict.status.severity)


def checked_again(
    column: Column, case: Case, program: Program, direction: str, timed: Expected
) -> Verdict:
    """Run one direction of a program that was timed with data that it has not seen.

    An implementation is also given the data that was timed with a few elements changed.
    """
    verdict = Verdict(Status.PASSED)
    for changed, expected in _unseen(case, timed, column):
        jobs = column.jobs(changed, program, expected.data)
        of_direction = [job for job in jobs if job.direction == direction]
        for job, outcome in column.run(of_direction):
            found = verdict_on(changed, column, expected, job, outcome)
            if found.status != Status.PASSED:
                fact = _fact(changed, expected, timed, outcome)
                return replace(found, reason=f"{fact}: {found.reason}")
    return verdict


def _unseen(case: Case, timed: Expected, column: Column) -> Iterator[tuple[Case, Expected]]:
    """Make data that nobody has seen: integers, or random numbers where sums would not be exact."""
    is_implementation = column.implementation is not None
    is_coarse = column.conditions.math != "ieee" or not is_implementation
    other = replace(case, given={}, fill="integer")
    data = secret_data(other, "x", is_coarse=is_coarse) if case.fill != "random" else None
    if data is None:
        other = replace(other, fill="random")
        generator = np.random.default_rng(_secret.getrandbits(128))
        shapes = case.shapes.items()
        data = {name: generator.uniform(-1, 1, shape).astype(case.dtype) for name, shape in shapes}
    yield other, expect_of(other, data, fast=True)
    if is_implementation:
        plain = replace(case, given={})
        yield plain, expect_of(plain, _altered(timed.data), fast=True)


def _altered(data: Mapping[str, Array]) -> dict[str, Array]:
    """Change the sign of one element of each array."""
    altered = {name: array.copy() for name, array in data.items()}
    for array in altered.values():
        if array.size:
            array.flat[_secret.randrange(array.size)] *= -1
    return altered


def _fact(case: Case, expected: Expected, timed: Expected, outcome: Outcome) -> str:
    outputs = outcome.outputs if isinstance(outcome, Arrays) else {}
    for name, got in outputs.items():
        if not is_comparable(case, expected, name, got):
            continue
        if copied(got, [timed.outputs[name].astype(case.dtype)]):
            return "returns a remembered answer"
        if fact := narrow(case, expected, name, got):
            return fact
    return "is wrong once it was timed"


def remembered(engine: Engine, key: str, seconds: float) -> Verdict | Failure | None:
    """Hold a call's time against calls with data that is other each time, as a guard makes it.

    Who computes takes as long; who looks an answer up does not.
    """
    least = float("inf")
    for _ in range(_TRIES):
        timing = engine.time(key, 1)
        if not isinstance(timing, Timing):
            return timing
        least = min(least, timing.seconds)
    if least <= _TIMES * seconds + _MORE:
        return None
    reason = f"remembers answers: with data that it has not seen a call takes {least / seconds:.3g}"
    return Verdict(Status.FAILED, f"{reason} times as long")
