"""What writes programs for a run on another machine: a type, which nobody imports to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


class Exporter(Protocol):
    """Writes programs for a run on another machine, and reads its answers."""

    def write_job(
        self, folder: Path, number: int, sections: Sequence[tuple[str, str]], inputs: Arrays
    ) -> None:
        """Write one program's text and arrays."""

    def write_script(self, folder: Path, jobs: Sequence[Mapping[str, Any]]) -> str:
        """Write the script that runs all programs; return its command line in that folder."""

    def read_about(self, text: str) -> tuple[str, str]:
        """Return the version and the engine that ran the script."""

    def read_answer(
        self, answer: bytes, job: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read one answer: a message like a worker's, and arrays."""
