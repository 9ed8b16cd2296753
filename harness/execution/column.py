"""One framework in one run: what executes it or why nothing does, and what is known of it.

Whatever runs a framework goes through its column, so that all agree on what is skipped, what is
unsupported, and which failures are known.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Final

from harness.convention.device import ANOTHER_INTERPRETER, Device, Math
from harness.convention.registry import that_is_run
from harness.core.column_info import ColumnInfo
from harness.core.errors import Ask, Mention, Words, named, without_a_face, worded
from harness.core.program import Program, Unsupported
from harness.doors.implementation import Implementation
from harness.doors.rendering import convention_of, setup_of
from harness.engines.job import EngineBrokenError, EngineUnavailableError, Job, Outcome
from harness.engines.process import Engine
from harness.engines.worker import file_version
from harness.execution import TIMEOUT
from harness.execution.environments import Launch, launch
from harness.execution.hardware import memory_share
from harness.execution.implementations import launch_door
from harness.records.check import Check
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import Case, lacking_package
from harness.suite.limitations import Limitation, of_device
from harness.suite.mutants import Data

# Outputs may have so many bytes, and eight times those of the data: a wrong shape is a verdict.
_LEAST_BYTES: Final = 2**26
_LIKE: Final = {"y": "dy", "dx": "x", "dw": "w", "db": "b"}  # What has the shape of an output


@dataclass(frozen=True)
class Conditions:
    """The conditions under which programs run."""

    # Interpreters chosen by the user, by framework.
    pythons: Mapping[str, Path] = field(default_factory=dict)
    timeout: float = TIMEOUT  # Seconds that one program may take
    limitations: tuple[Limitation, ...] = ()
    device: Device = "cpu"  # Where frameworks compute; one that has no choice computes where it can
    math: Math = "ieee"  # How they multiply float32 on a GPU
    threads: int = 1  # How many threads each of them may use
    cores: tuple[int, ...] = ()  # The cores that they are held to; all where there are none
    # Bytes that a worker may use, with all that it starts; 0: a share of the machine's.
    memory: int = 0
    words: Words = without_a_face  # How a reason names the inputs that would help


class Column:
    """One framework, or one implementation, in one run."""

    def __init__(self, subject: str | Implementation, conditions: Conditions | None = None) -> None:
        self.implementation = subject if isinstance(subject, Implementation) else None
        self.convention = (
            convention_of(subject) if isinstance(subject, Implementation) else that_is_run(subject)
        )
        self.framework = self.convention.name
        self.conditions = conditions or Conditions()
        # Why it is not executed: start finds that out, or a caller that knows a reason sets it.
        self.unavailable = ""
        self._is_broken = False  # It is there, and does not start
        self._engine: Engine | None = None

    def start(self) -> ColumnInfo:
        """Start the engine; return what the header of a report says of it."""
        try:
            if not self.unavailable:
                self._engine = self._found()
                return self._described(self._engine.start())
        except EngineUnavailableError as error:
            self._is_broken = isinstance(error, EngineBrokenError)
            reason: str = error.args[0]
            if reason.endswith(ANOTHER_INTERPRETER):
                reason += " with " + named(Ask.INTERPRETER, f"{self.framework}=PATH")
            self.unavailable = worded(reason, self.conditions.words)
        return ColumnInfo(unavailable=self.unavailable)

    def _described(self, info: ColumnInfo) -> ColumnInfo:
        """Add what an engine does not know: how an implementation is reached, and its file."""
        door, program = "", None
        if self.implementation is not None:
            door, program = self.implementation.door, self.implementation.program
        # Of a library or a model's command the worker knows but our own module that calls it.
        version = info.version if door == "command" or program is None else ""
        version = version or (file_version(program) if program else "")
        return replace(info, door=door, version=version or "unknown")

    @property
    def engine(self) -> Engine:
        """What executes its programs; raises ``EngineUnavailableError`` if nothing does."""
        if self.unavailable or self._engine is None:
            raise EngineUnavailableError(self.unavailable or "it was not started")
        return self._engine

    def stop(self) -> None:
        """End its worker; what is running comes to its end."""
        if self._engine is not None:
            self._engine.stop()

    def close(self) -> None:
        """Let go of the engine, once nothing runs any more."""
        if self._engine is not None:
            self._engine.close()

    def render(self, case: Case) -> Program | Unsupported:
        """Write a case as the framework's program."""
        device = self.conditions.device
        return self.convention.write(
            case.operator,
            case.dtype,
            documented=case.documented,
            named=case.named,
            device=device,
        )

    def refusals(self, case: Case, program: Program | Unsupported) -> dict[Check, Verdict]:
        """Say which checks of a case are not run, and why."""
        verdicts = ((check, self._refusal(case, program, check)) for check in case.checks)
        return {check: verdict for check, verdict in verdicts if verdict is not None}

    def _refusal(self, case: Case, program: Program | Unsupported, check: Check) -> Verdict | None:
        if self.unavailable:
            status = Status.ERRORED if self._is_broken else Status.SKIPPED
            return Verdict(status, self.unavailable)
        claims = self.implementation.claims if self.implementation else None
        if claims and (lacking := claims.lacks(case, check)):
            return Verdict(Status.UNSUPPORTED, f"not claimed: {lacking}", unclaimed=lacking)
        if isinstance(program, Unsupported):
            return Verdict(Status.UNSUPPORTED, program.reason)
        if program.forward_only and check.direction == "gradient":
            return Verdict(Status.UNSUPPORTED, program.forward_only)
        if lacking := lacking_package(case.dtype):
            return Verdict(Status.SKIPPED, lacking)
        return None

    def jobs(self, case: Case, program: Program, data: Data) -> Iterator[Job]:
        """Make the jobs of one case: its forward program, and its gradient program."""
        refused = self.refusals(case, program)
        left = [check for check in case.checks if check not in refused]
        for direction, group in groupby(left, lambda check: check.direction):
            checks = tuple(group)
            section = program.forward if direction == "forward" else program.gradient
            outputs = tuple(dict.fromkeys(check.output for check in checks))
            like = {name: data[_LIKE[name]] for name in outputs} if "dy" in data else {}
            yield Job(
                case,
                program.setup,
                section,
                {n: array for n, array in data.items() if n != "dy" or direction == "gradient"},
                outputs,
                checks,
                ends_worker=any(self._may_crash(case, check) for check in checks),
                most_bytes=_LEAST_BYTES + 8 * sum(array.nbytes for array in data.values()),
                expected_bytes=sum(array.nbytes for array in like.values()),
                like=like,
                arguments=program.arguments,
            )

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Execute jobs in order; yield each, whole or in parts by check, with its outcome."""
        return self.engine.run(jobs)

    def declared(self, case: Case, check: str, verdict: Verdict) -> Verdict:
        """Hold a verdict against the known limitations.

        One that is declared and reproduces is KNOWN; one that passes is FIXED.
        """
        limitation = next(self._limitations(case, check), None)
        if limitation is None:
            return verdict
        if verdict.status == limitation.status:
            reason = f"{limitation.reason} [{verdict.reason}]"
            return replace(verdict, status=Status.KNOWN, reason=reason, limitation=limitation.id)
        if verdict.status == Status.PASSED and not limitation.depends_on:
            reason = (
                f"limitation {limitation.id!r} ({limitation.file}:{limitation.line}) does not "
                "reproduce here any more: take this case off it, or remove it."
            )
            return replace(verdict, status=Status.FIXED, reason=reason, limitation=limitation.id)
        return verdict

    def reproduce(self, case: Case) -> str:
        """Write the command that runs one case again."""
        subject = self.implementation.file if self.implementation else self.framework
        command = shlex.join(("deconform", "reproduce", case.reproducible, "-f", subject))
        for ask in (Ask.DEVICE, Ask.MATH):
            value = getattr(self.conditions, ask)
            if value != getattr(Conditions, ask):
                command += " " + self.conditions.words(Mention(ask, value))
        return command

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of the framework's processes, besides those of threads."""
        device = self.convention.device(self.conditions.device)
        return self.convention.environment(device, self.conditions.math)

    @cached_property
    def launched(self) -> Launch:
        """How what executes the framework starts; raises ``EngineUnavailableError``."""
        if self.implementation:
            return launch_door(self.implementation)
        return launch(self.convention, self.conditions.pythons, self.conditions.device)

    def _found(self) -> Engine:
        """Find what executes the framework, not started yet."""
        conditions, launched = self.conditions, self.launched
        device = self.convention.device(conditions.device)
        device_check = self.convention.device_check(device, conditions.math)
        return Engine(
            launched.program or [str(launched.python)],
            launched.module,
            self.convention.distribution,
            is_program=bool(launched.program),
            language=launched.language,
            environ=self.environ,
            timeout=conditions.timeout,
            advice=launched.advice,
            packages=launched.packages,
            path=launched.path,
            setup=setup_of(self.implementation) if self.implementation else "",
            folder=launched.folder,
            device=device if launched.program and device_check else device_check,
            threads=conditions.threads,
            cores=conditions.cores,
            memory=conditions.memory or memory_share(),
        )

    @property
    def known(self) -> tuple[Limitation, ...]:
        """What is declared of frameworks, and of the implementation in its own file."""
        own = self.implementation.known if self.implementation else ()
        return (*self.conditions.limitations, *own)

    def _limitations(self, case: Case, check: str) -> Iterator[Limitation]:
        """Find what is declared of a check on the device that the framework computes on."""
        for limitation in self._known_here:
            if limitation.concerns(case.id, self.framework, check):
                yield limitation

    @cached_property
    def _known_here(self) -> tuple[Limitation, ...]:
        """What is known of this framework on its device, for each check of each case."""
        device = self.convention.device(self.conditions.device)
        return tuple(of_device(self.known, self.framework, device))

    def _may_crash(self, case: Case, check: Check) -> bool:
        return any(one.status == Status.CRASHED for one in self._limitations(case, check))
