"""Engines execute programs: they know text, arrays and processes, and no convention."""

from harness.engines.job import (
    Arrays,
    Crashed,
    EngineInfo,
    EngineUnavailableError,
    Job,
    Outcome,
    Raised,
    TimedOut,
)
from harness.engines.process import Engine

__all__ = [
    "Arrays",
    "Crashed",
    "Engine",
    "EngineInfo",
    "EngineUnavailableError",
    "Job",
    "Outcome",
    "Raised",
    "TimedOut",
]
