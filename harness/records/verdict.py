"""Verdicts: an outcome held against what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from harness.records.status import Status


@dataclass(frozen=True)
class Verdict:
    """What is known of one check; never true or false."""

    status: Status
    reason: str | None = None
    diagnosis: str | None = None  # The mutants that a wrong output equals
    evidence: Mapping[str, Any] | None = None  # Figures
    limitation: str | None = None  # The known limitation that announced it

    def __bool__(self) -> NoReturn:
        raise TypeError("a Verdict is not true or false: look at its status.")
