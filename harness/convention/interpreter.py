"""Programs in another language than Python: what executes them, and how they are run elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Interpreter:
    """What executes a framework's programs, where that is not the Python that it is imported in.

    Attributes
    ----------
    executables : tuple of str
        What is looked for on the PATH, the best first.
    worker : Path
        The file that tells a worker how such an executable is given programs.
    in_python : Path, optional
        The file that tells a worker in the framework's own environment how to execute programs
        there, where there is no such executable.
    advice : str
        What to do where there is none, either.
    """

    executables: tuple[str, ...]
    worker: Path
    in_python: Path | None = None
    advice: str = ""

    def takes(self, executable: Path) -> bool:
        """Whether a file that somebody chose is such an executable, not an environment's Python."""
        return self.in_python is None or not executable.name.startswith("python")


class Exporter(Protocol):
    """How programs are written for a run on another machine, and its answers read."""

    def write_job(
        self, folder: Path, number: int, sections: Sequence[tuple[str, str]], inputs: Arrays
    ) -> None:
        """Write one program's text and arrays."""

    def write_script(self, folder: Path, jobs: Sequence[Mapping[str, Any]]) -> str:
        """Write what runs them all; return the command line for it."""

    def read_about(self, text: str) -> tuple[str, str]:
        """Read what ran it: version and engine."""

    def read_answer(
        self, answer: bytes, job: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read one answer: a message as a worker's, and arrays."""
