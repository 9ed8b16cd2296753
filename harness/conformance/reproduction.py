"""One case in one framework in full: program, numbers, verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.conformance.judge import any_bits
from harness.conformance.recheck import Watch
from harness.core.program import Unsupported
from harness.doors.implementation import Implementation
from harness.engines.job import Arrays, Outcome, Raised
from harness.execution.column import Column, Conditions
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect


def reproduced(
    case: Case, subject: str | Implementation, conditions: Conditions
) -> tuple[str, bool]:
    """Run one case; return a description of it, and whether every check passed.

    Raises
    ------
    EngineUnavailableError
        If the framework cannot be started.
    """
    with closing(Column(subject, conditions)) as column:
        program = column.render(case)
        if isinstance(program, Unsupported):
            return f"{case.id}\n{column.framework}: unsupported. {program.reason}", True
        info = column.start()
        expected = expect(case)
        ran = list(Watch(column, [case]).run([(case, program, lambda: expected)]))
    where = "" if info.device == "cpu" else f", {info.device}"
    lines = [f"{case.id}: {program.framework} {info.version}, {program.support}{where}"]
    lines += [f"  {program.reason}"] if program.reason else []
    variables = " ".join(f"{name}={value}" for name, value in column.environ.items())
    lines += [f"  run with {variables}", "", "# forward", program.text]
    has_gradients = not case.rejected and program.gradient.call
    lines += ["# gradients", program.gradient_text] if has_gradients else []
    lines += [_array(name, array) for name, array in expected.data.items()]
    own = [outcome for job, outcome, _ in ran if job.key is case]
    lines += [line for outcome in own for line in _outcome(outcome, expected)]
    lines += [
        f"{check:<8} {verdict.status}: {verdict.reason}"
        for check, verdict in column.refusals(case, program).items()
    ]
    is_passed = True
    for _, _, check, verdict in (each for _, _, judged in ran for each in judged):
        is_passed = is_passed and verdict.status == Status.PASSED
        lines.append(f"{check:<8} {verdict.status}")
        lines[-1] += f": {verdict.reason}" if verdict.reason else ""
        if verdict.diagnosis:
            lines.append(f"         equals the mutant: {verdict.diagnosis}")
    return "\n".join(lines), is_passed


def _outcome(outcome: Outcome, expected: Expected) -> Iterator[str]:
    if isinstance(outcome, Raised):
        yield outcome.traceback
    for name, array in outcome.outputs.items() if isinstance(outcome, Arrays) else ():
        yield _array(f"got {name}", array)
        if name in expected.outputs and not _is_equal(array, expected.outputs[name]):
            yield _array(f"expected {name}", expected.outputs[name])


_is_equal = any_bits()(np.array_equal)


@any_bits()
def _array(name: str, array: npt.NDArray[Any]) -> str:
    head = f"{name} {array.shape} {array.dtype} ="
    body = np.array2string(array, threshold=200, edgeitems=4, max_line_width=100)
    return f"{head}\n{body}\n"
