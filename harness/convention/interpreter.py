"""Programs in other languages than Python: their interpreters, and their export."""

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
    """What executes a framework's programs, if not the Python that imports it.

    Attributes
    ----------
    executables : tuple of str
        Names to look for on the PATH, the best first.
    worker : Path
        The file with which a worker runs programs in such an executable.
    in_python : Path, optional
        The file with which a worker in the framework's own environment executes programs, if there
        is no such executable.
    advice : str
        What to do if there is neither.
    """

    executables: tuple[str, ...]
    worker: Path
    in_python: Path | None = None
    advice: str = ""

    def takes(self, executable: Path) -> bool:
        """Whether a file that the user chose is such an executable, not an environment's Python."""
        return self.in_python is None or not executable.name.startswith("python")


class Exporter(Protocol):
    """Writes programs for a run on another machine, and reads its answers."""

    def write_job(
        self, folder: Path, number: int, sections: Sequence[tuple[str, str]], inputs: Arrays
    ) -> None:
        """Write one program's text and arrays."""

    def write_script(self, folder: Path, jobs: Sequence[Mapping[str, Any]]) -> str:
        """Write the script that runs all programs; return its command line."""

    def read_about(self, text: str) -> tuple[str, str]:
        """Return the version and the engine that ran the script."""

    def read_answer(
        self, answer: bytes, job: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read one answer: a message like a worker's, and arrays."""
