"""What executes programs in other languages than Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Interpreter:
    """What executes a framework's programs, if not the Python that imports it."""

    executables: tuple[str, ...]  # Names to look for on the PATH, the best first
    worker: Path  # The file with which a worker runs programs in such an executable
    # The file with which a worker in the framework's own environment executes programs, if there is
    # no such executable.
    in_python: Path | None = None
    advice: str = ""  # What to do if there is neither

    def takes(self, executable: Path) -> bool:
        """Whether a file that the user chose is such an executable, not an environment's Python."""
        return self.in_python is None or not executable.name.startswith("python")
