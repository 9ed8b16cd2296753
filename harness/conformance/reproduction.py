"""One case in one framework in full: program, numbers, verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

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
from harness.suite.mutants import Data

_MOST_SHOWN: Final = 200  # Elements of an array


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
    lines.append(f"  run with {variables}")
    is_python = program.language == "python" and program.arguments is None
    lines += [f"  by {column.launched.python}", ""] if is_python else [""]
    is_small = all(array.size <= _MOST_SHOWN for array in expected.data.values())
    if is_python:
        inputs = _written(expected.data) if is_small else _made(case, expected.data)
        lines += ["# inputs", *filter(None, [column.launched.imports]), *inputs, ""]
    lines += ["# forward", program.text]
    has_gradients = not case.rejected and program.gradient.call
    lines += ["# gradients", program.gradient_text] if has_gradients else []
    if not (is_python and is_small):
        lines += [_array(*each) for each in expected.data.items()]
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


# As programs are given it: in the type of the package ml_dtypes or, without, as bits.
_OF_BFLOAT16: Final = """\
try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = "uint16"
def of_bfloat16(numbers):
    bits = np.array(numbers, "float32").view("uint32") >> 16
    return bits.astype("uint16").view(bfloat16)"""


def _written(data: Data) -> Iterator[str]:
    """Write small arrays as Python: with them, all up to the outputs is a program to be pasted."""
    yield "import numpy as np"
    is_bfloat16 = any(str(array.dtype) == "bfloat16" for array in data.values())
    if is_bfloat16:
        yield _OF_BFLOAT16
    for name, array in data.items():
        start, end = f"{name} = np.array(", f", {str(array.dtype)!r})"
        if is_bfloat16:
            start, end = f"{name} = of_bfloat16(", ")"
        numbers = np.array2string(array, separator=", ", prefix=start, floatmode="unique")
        shape = "" if array.size else f".reshape({array.shape})"
        yield f"{start}{numbers}{end}{shape}"


def _made(case: Case, data: Data) -> Iterator[str]:
    """Write how large arrays are made."""
    named = case.reproducible
    yield "# Made by deconform, so its package has to be installed where this is pasted."
    if "/" in named:
        yield "from harness import load_cases"
        yield f"(case,) = (case for case in load_cases(select={named!r}) if case.id == {named!r})"
    else:
        yield "from harness.suite.case import case_from_descriptor"
        yield f"case = case_from_descriptor({named!r})"
    yield f"{', '.join(data)} = case.data().values()"


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
    body = np.array2string(array, threshold=_MOST_SHOWN, edgeitems=4, max_line_width=100)
    return f"{head}\n{body}\n"
