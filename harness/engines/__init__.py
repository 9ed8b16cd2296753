"""Engines execute programs: they know text, arrays and processes, but no convention."""

from harness.engines.job import (
    Arrays,
    Crashed,
    EngineInfo,
    EngineUnavailableError,
    Failure,
    Held,
    Job,
    Outcome,
    Raised,
    TimedOut,
    Timing,
)
from harness.engines.process import Engine
from harness.engines.recorded import RecordedEngine, key_of

__all__ = [
    "Arrays",
    "Crashed",
    "Engine",
    "EngineInfo",
    "EngineUnavailableError",
    "Failure",
    "Held",
    "Job",
    "Outcome",
    "Raised",
    "RecordedEngine",
    "TimedOut",
    "Timing",
    "key_of",
]
