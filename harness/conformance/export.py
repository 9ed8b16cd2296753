"""Export programs to a machine that deconform cannot reach, and import their results.

``export`` writes a folder with one script, which runs the programs of a suite on another machine
and writes one file; ``imported`` reads that file, and a column of it is judged and recorded like
any other.  Data and expectations are computed again here: a result can be wrong, but it cannot
change what is expected.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from harness.convention.exporter import Exporter
from harness.convention.registry import convention, framework_names
from harness.core.bounded import MIB, read_bytes
from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.core.files import contents, whole_folder
from harness.core.program import Unsupported
from harness.engines.job import Arrays, Crashed, Job, Outcome, Raised
from harness.execution.column import Column, Conditions
from harness.suite.case import Case
from harness.suite.expectations import expect

MAGIC: Final = b"deconform-result 1\n"
MANIFEST: Final = "manifest.json"
RESULT: Final = "deconform-result"


class ExportError(InputError):
    """A folder cannot be written to, or a result cannot be used."""


@dataclass(frozen=True)
class Exported:
    """What was written, and the command to run on the other machine."""

    folder: Path
    jobs: int
    unsupported: int
    command: str


@dataclass(frozen=True)
class Imported:
    """A result: the framework, what ran it, its cases, and each job's outcome."""

    framework: str
    info: ColumnInfo
    cases: Mapping[str, str]
    outcomes: Mapping[tuple[str, str], Outcome]


class ImportedColumn(Column):
    """A framework whose programs ran elsewhere: their outcomes take the place of an engine."""

    def __init__(self, result: Imported, conditions: Conditions) -> None:
        super().__init__(result.framework, conditions)
        self._result = result

    def start(self) -> ColumnInfo:
        """Return what ran the programs."""
        return self._result.info

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its recorded outcome; without one, the run had ended before it."""
        missing = Crashed("the run elsewhere ended before it reached this program")
        for job in jobs:
            yield job, self._result.outcomes.get(_key(job.key.id, job.outputs), missing)


def _key(case_id: str, outputs: Sequence[str]) -> tuple[str, str]:
    return case_id, ",".join(outputs)


def exportable() -> tuple[str, ...]:
    """Frameworks whose programs can be run elsewhere.

    >>> "numpy" in exportable()
    False
    """
    return tuple(name for name in framework_names() if convention(name).exporter)


def export(cases: Sequence[Case], framework: str, folder: Path) -> Exported:
    """Write the programs and data of cases, and one script that runs them, into an empty folder.

    Raises
    ------
    ExportError
        If the framework's programs need no export, or the folder is in use.
    """
    if (language := convention(framework).exporter) is None:
        raise ExportError(
            f"{framework} is run here (deconform run -f {framework}); what can be exported: "
            f"{', '.join(exportable())}."
        )
    if folder.is_dir() and contents(folder):
        raise ExportError(f"{folder} is not empty: give a new folder, so that no results mix.")
    column = Column(framework)
    jobs: list[dict[str, Any]] = []
    unsupported = 0
    with whole_folder(folder) as part:
        for case in cases:
            program = column.render(case)
            if isinstance(program, Unsupported):
                unsupported += 1
                continue
            for job in column.jobs(case, program, expect(case).data):
                language.write_job(part, len(jobs) + 1, job.sections, job.inputs)
                jobs.append(_described(case, job))
        manifest = {
            "deconform": version("deconform"),
            "framework": framework,
            "cases": {case.id: case.descriptor for case in cases},
            "jobs": jobs,
        }
        (part / MANIFEST).write_text(json.dumps(manifest), encoding="ascii")
        script = language.write_script(part, jobs)
    command = f"cd {shlex.quote(str(folder))} && {script}"
    return Exported(folder, len(jobs), unsupported, command)


def _described(case: Case, job: Job) -> dict[str, Any]:
    return {
        "case": case.id,
        "outputs": list(job.outputs),
        "sections": [[name, len(text.encode())] for name, text in job.sections],
        "inputs": {
            name: {"dtype": str(array.dtype), "shape": list(array.shape)}
            for name, array in job.inputs.items()
        },
    }


def imported(path: Path) -> Imported:
    """Read the file that a script of :func:`export` wrote.

    Raises
    ------
    ExportError
        If the file is no such result, or ends too early to name its framework.
    """
    try:
        file = path / RESULT if path.is_dir() else path
        content = read_bytes(file, 256 * MIB)
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}.") from None
    if not content.startswith(MAGIC):
        raise ExportError(f"{file} is not the result of a script that deconform exported.")
    try:
        chunks = _chunks(content[len(MAGIC) :])
        manifest = json.loads(next(chunks))
        if (language := convention(manifest["framework"]).exporter) is None:
            raise LookupError(manifest["framework"])
        product, engine = language.read_about(next(chunks).decode())
        jobs: Sequence[Mapping[str, Any]] = manifest["jobs"]
        outcomes = {
            _key(job["case"], job["outputs"]): _outcome(language, answer, job)
            for job, answer in zip(jobs, chunks, strict=False)
        }
        cases = dict(manifest["cases"])
    except (InputError, LookupError, ValueError, TypeError, AttributeError, StopIteration) as error:
        raise ExportError(f"{file} is damaged, or ends too early ({error!r}).") from None
    except RecursionError:
        raise ExportError(f"{file} is damaged: its manifest is nested too deeply.") from None
    info = ColumnInfo(version=product, engine=engine, device="elsewhere")
    return Imported(manifest["framework"], info, cases, outcomes)


def _chunks(content: bytes) -> Iterator[bytes]:
    """Split a file of chunks, each after a line with its length; drop an incomplete last one."""
    start = 0
    while (newline := content.find(b"\n", start)) >= 0:
        if (length := int(content[start:newline])) < 0:
            raise ValueError(f"a length of {length}")
        if (end := newline + 1 + length) > len(content):
            return
        yield content[newline + 1 : end]
        start = end


def _outcome(language: Exporter, answer: bytes, job: Mapping[str, Any]) -> Outcome:
    message, arrays = language.read_answer(answer, job)
    if message["op"] == "raised":
        return Raised(message["section"], message["type"], message["message"], message["traceback"])
    if missing := [name for name in job["outputs"] if name not in arrays]:
        raise ValueError(f"{missing[0]} is missing")
    return Arrays(arrays, message["seconds"])


def check_known(result: Imported, cases: Sequence[Case]) -> list[Case]:
    """Return the cases of a result, which must not have changed since the export.

    Raises
    ------
    ExportError
        If a case has changed, or is not in the specs.
    """
    chosen = [case for case in cases if case.id in result.cases]
    for case in chosen:
        if case.descriptor != result.cases[case.id]:
            raise ExportError(
                f"case {case.id!r} was {result.cases[case.id]} when it was exported, and is "
                f"{case.descriptor} now: export it again."
            )
    if missing := result.cases.keys() - {case.id for case in chosen}:
        raise ExportError(
            f"the result has {len(missing)} cases that are not in these specs, such as "
            f"{min(missing)!r}: give the specs that were exported."
        )
    return chosen
