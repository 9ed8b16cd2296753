"""Verdicts: an outcome held against what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from harness.records.status import Status


@dataclass(frozen=True)
class Verdict:
    """What is known of one check; never true or false.

    Attributes
    ----------
    status : Status
    reason : str, optional
    diagnosis : str, optional
        The mutants that a wrong output equals.
    evidence : mapping, optional
        Figures.
    limitation : str, optional
        The known limitation that announced it.
    """

    status: Status
    reason: str | None = None
    diagnosis: str | None = None
    evidence: Mapping[str, Any] | None = None
    limitation: str | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("a Verdict is not true or false: look at its status.")
