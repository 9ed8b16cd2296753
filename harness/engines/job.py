"""Jobs, which engines execute, and their outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy.typing as npt

from harness.core.program import Section

# Kinds of :class:`Raised`: where a program of the user's own answers that it does not do this, and
# where our side of a door tells what an implementation must not do.
REFUSED: Final = "Refused"
MISBEHAVIOUR: Final = "Misbehaviour"


class EngineUnavailableError(Exception):
    """An engine cannot be started; the message says why and what to do."""


class EngineBrokenError(EngineUnavailableError):
    """An engine is there, and does not start."""


def direction_of(inputs: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the direction of what is computed from these."""
    return "gradient" if "dy" in inputs else "forward"


@dataclass(frozen=True)
class Job:
    """One direction of one program, its data, and the checks that use its outputs.

    ``key`` is for the caller; an engine returns it with the outcome.  A job that is known to crash
    its process may instead leave it with corrupted memory: no job follows one that ``ends_worker``
    in the same process.
    """

    key: Any
    setup: str
    section: Section
    inputs: Mapping[str, npt.NDArray[Any]]
    outputs: tuple[str, ...]
    checks: tuple[str, ...]
    ends_worker: bool = False
    most_bytes: int = 2**31  # Bytes that its outputs can have together
    expected_bytes: int = 0  # Bytes that they have if they are right; 0 where nobody knows
    # Arrays of the dtypes and shapes that they have if they are right, where somebody knows
    like: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    # What a program in a process of its own is sent in place of the sections.
    arguments: Mapping[str, Any] | None = None

    @property
    def direction(self) -> str:
        """Whether it computes ``y``, or gradients of a given ``dy``."""
        return direction_of(self.inputs)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The program's named sections, in order of execution."""
        return [
            ("setup", self.setup),
            ("to_native", self.section.to_native),
            ("call", self.section.call),
            ("from_native", self.section.from_native),
        ]


@dataclass(frozen=True)
class Held:
    """A program that is prepared once and then timed: its call, apart from everything else."""

    key: str
    sections: Sequence[tuple[str, str]]
    call: str
    inputs: Mapping[str, npt.NDArray[Any]]
    # Of a program of the user's own: the configuration, and what a call computes.
    arguments: Mapping[str, Any] | None = None
    outputs: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """Whether it computes ``y``, or gradients of a given ``dy``."""
        return direction_of(self.inputs)


@dataclass(frozen=True)
class Timing:
    """Seconds that one call took: wall-clock time, and CPU time over all cores."""

    seconds: float
    cpu_s: float


@dataclass(frozen=True)
class Arrays:
    """The program ran: its outputs, and the seconds that each section took."""

    outputs: Mapping[str, npt.NDArray[Any]]
    seconds: Mapping[str, float]
    misbehaviour: str = ""  # What an implementation did that it must not, whatever it computed


@dataclass(frozen=True)
class Raised:
    """The program raised an exception in a section of its text, or refused."""

    section: str
    kind: str
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Crashed:
    """The process died or broke the protocol before the program finished."""

    reason: str


@dataclass(frozen=True)
class TimedOut:
    """The program did not finish in time, or was not tried after so many that had not."""

    seconds: float
    in_a_row: int = 0


Failure: TypeAlias = Raised | Crashed | TimedOut
Outcome: TypeAlias = Arrays | Failure
