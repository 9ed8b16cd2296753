"""One case in one framework in full: program, numbers, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.conformance.judge import judge
from harness.core.column_info import ColumnInfo
from harness.core.program import Program, Unsupported
from harness.engines.job import Arrays, Job, Outcome, Raised
from harness.execution.column import Column, Conditions
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect


def reproduced(case: Case, framework: str, conditions: Conditions) -> tuple[str, bool]:
    """Run one case; return a description of it, and whether every check passed.

    Raises
    ------
    EngineUnavailableError
        If the framework cannot be started.
    """
    with closing(Column(framework, conditions)) as column:
        program = column.render(case)
        if isinstance(program, Unsupported):
            return f"{case.id}\n{framework}: unsupported. {program.reason}", True
        info = column.start()
        expected = expect(case)
        outcomes = list(column.run(column.jobs(case, program, expected.data)))
    verdicts = {
        check: judge(case, expected, check, outcome, case.says.get(framework))
        for job, outcome in outcomes
        for check in job.checks
    }
    lines = _lines(case, program, info, expected, outcomes, verdicts)
    return "\n".join(lines), all(v.status == Status.PASSED for v in verdicts.values())


def _lines(
    case: Case,
    program: Program,
    info: ColumnInfo,
    expected: Expected,
    outcomes: list[tuple[Job, Outcome]],
    verdicts: Mapping[str, Verdict],
) -> Iterator[str]:
    where = "" if info.device == "cpu" else f", {info.device}"
    yield f"{case.id}: {program.framework} {info.version}, {program.support}{where}"
    if program.reason:
        yield f"  {program.reason}"
    yield from ("", "# forward", program.text)
    if not case.rejected:
        yield from ("# gradients", program.gradient_text)
    for name, array in expected.data.items():
        yield _array(name, array)
    for _, outcome in outcomes:
        if isinstance(outcome, Arrays):
            for name, array in outcome.outputs.items():
                yield _array(f"got {name}", array)
                if name in expected.outputs and not np.array_equal(array, expected.outputs[name]):
                    yield _array(f"expected {name}", expected.outputs[name])
        elif isinstance(outcome, Raised):
            yield outcome.traceback
    for check, verdict in verdicts.items():
        yield f"{check:<8} {verdict.status}" + (f": {verdict.reason}" if verdict.reason else "")
        if verdict.diagnosis:
            yield f"         equals the mutant: {verdict.diagnosis}"


def _array(name: str, array: npt.NDArray[Any]) -> str:
    head = f"{name} {array.shape} {array.dtype} ="
    body = np.array2string(array, threshold=200, edgeitems=4, max_line_width=100)
    return f"{head}\n{body}\n"
