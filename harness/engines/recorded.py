"""An engine that replays a run that happened elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.core.column_info import ColumnInfo
from harness.engines.job import Crashed, Job, Outcome

Key = tuple[str, str]


class RecordedEngine:
    """Return the outcomes of a run elsewhere by :func:`key_of`, as if the programs ran here."""

    def __init__(self, info: ColumnInfo, outcomes: Mapping[Key, Outcome]) -> None:
        self._info = info
        self._outcomes = outcomes

    def start(self) -> ColumnInfo:
        """Return the engine that ran the programs."""
        return self._info

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its recorded outcome; without one, the run had ended before it."""
        missing = Crashed("the run elsewhere ended before it reached this program")
        for job in jobs:
            yield job, self._outcomes.get(key_of(job.key.id, job.outputs), missing)

    def stop(self) -> None:
        """Do nothing: there is no process."""

    def close(self) -> None:
        """Do nothing."""


def key_of(case_id: str, outputs: Sequence[str]) -> Key:
    """Return the key of a job's outcome: its case and the names of its outputs."""
    return case_id, ",".join(outputs)
