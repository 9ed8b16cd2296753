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
from harness.engines.recorded import RecordedEngine, key_of

__all__ = [
    "Arrays",
    "Crashed",
    "Engine",
    "EngineInfo",
    "EngineUnavailableError",
    "Job",
    "Outcome",
    "Raised",
    "RecordedEngine",
    "TimedOut",
    "key_of",
]
