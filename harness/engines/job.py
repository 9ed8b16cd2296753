"""What goes into an engine and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy.typing as npt

from harness.core.program import Section


class EngineUnavailableError(Exception):
    """An engine that cannot be started; the message says why and what would help."""


@dataclass(frozen=True)
class EngineInfo:
    """What executes a column of a report: on which cores, where it is held to any."""

    version: str
    engine: str
    python: str
    numpy: str
    device: str
    blas: str = ""
    compiler: str = ""
    threads: str = ""
    cores: str = ""

    def told(self) -> dict[str, str]:
        """What a report's header says of it: always the first five, of the others what is known."""
        always = ("version", "engine", "python", "numpy", "device")
        return {name: value for name, value in asdict(self).items() if value or name in always}


@dataclass(frozen=True)
class Job:
    """One direction of one program with its data, and the checks that its outputs serve.

    ``key`` is the caller's; an engine gives it back with the outcome.  What is known to kill its
    process may also leave it with damaged memory: after a job that ``ends_worker`` none follows in
    the same process.
    """

    key: Any
    setup: str
    section: Section
    inputs: Mapping[str, npt.NDArray[Any]]
    outputs: tuple[str, ...]
    checks: tuple[str, ...]
    ends_worker: bool = False

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The text, in the order of execution."""
        return [
            ("setup", self.setup),
            ("to_native", self.section.to_native),
            ("call", self.section.call),
            ("from_native", self.section.from_native),
        ]


@dataclass(frozen=True)
class Held:
    """A program that is made ready once and then timed: its call is apart from all the rest."""

    key: str
    sections: Sequence[tuple[str, str]]
    call: str
    inputs: Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Timing:
    """Seconds that one call took, on the clock and of all processors together."""

    seconds: float
    cpu_s: float


@dataclass(frozen=True)
class Arrays:
    """The program ran; its outputs and the seconds that each section took."""

    outputs: Mapping[str, npt.NDArray[Any]]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Raised:
    """The program raised an exception, in which section of the text."""

    section: str
    kind: str
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Crashed:
    """The process ended, or answered nonsense, before the program was done."""

    reason: str


@dataclass(frozen=True)
class TimedOut:
    """The program did not end in time."""

    seconds: float


Outcome: TypeAlias = Arrays | Raised | Crashed | TimedOut
