"""The statuses, in one table: what may become of a check, and how each is shown everywhere."""

# ruff: noqa: E501 -- a table's rows are one line each
from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Self


class Row(StrEnum):
    """A member of a table: its value, and the columns that its class annotates."""

    def __new__(cls, value: str, *columns: Any) -> Self:
        """Make the member of a row."""
        member = str.__new__(cls, value)
        member._value_ = value
        vars(member).update(zip(cls.__annotations__, columns, strict=True))
        return member


class Status(Row):
    """What became of one check; counts are listed in the order of the rows.

    >>> max(Status.PASSED, Status.CRASHED, key=lambda status: status.severity)
    <Status.CRASHED: 'CRASHED'>
    """

    severity: int  # The status of several checks is the one with the greatest
    is_bad: bool  # Whether a run with it fails
    is_declarable: bool  # Whether a known limitation may announce it
    letter: str  # In a cell of a matrix
    colour: str  # On a terminal
    css_class: str  # On a page
    junit: str  # The element of JUnit XML; none for a test that passed
    meaning: str  # What a check with it did

    # fmt: off
    # value, severity, is_bad, is_declarable, letter, colour, css_class, junit, meaning
    PASSED      = "PASSED",      1, False, False, "✓", "green",        "good",   "",        "computes what the definition says"
    KNOWN       = "KNOWN",       3, False, False, "K", "cyan",         "known",  "skipped", "goes wrong as a known limitation says"
    UNSUPPORTED = "UNSUPPORTED", 2, False, False, "U", "blue",         "none",   "skipped", "cannot be expressed in this framework"
    SKIPPED     = "SKIPPED",     0, False, False, "S", "bright_black", "none",   "skipped", "was not run"
    FAILED      = "FAILED",      6, True,  True,  "F", "bold red",     "bad",    "failure", "does not compute what the definition says"
    ERRORED     = "ERRORED",     7, True,  True,  "E", "bold red",     "bad",    "error",   "raised an error"
    CRASHED     = "CRASHED",     9, True,  True,  "C", "bold red",     "bad",    "error",   "ended the framework's process"
    TIMEDOUT    = "TIMEDOUT",    8, True,  True,  "T", "bold red",     "bad",    "error",   "did not end in time"
    MISTRUSTED  = "MISTRUSTED",  5, True,  False, "M", "bold red",     "bad",    "failure", "agrees, but the case proves little"
    FIXED       = "FIXED",       4, True,  False, "X", "bold red",     "change", "failure", "agrees, although it is declared a known limitation"
    # fmt: on


def worst(statuses: Iterable[Status]) -> Status:
    """Return the status that speaks for several checks."""
    return max(statuses, key=lambda status: status.severity)


def count_bad(counts: Mapping[Status, int]) -> int:
    """Count the checks that make a run fail."""
    return sum(count for status, count in counts.items() if status.is_bad)
