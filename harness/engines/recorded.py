"""An engine whose programs have been run already, elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.engines.job import Crashed, EngineInfo, Job, Outcome

Key = tuple[str, str]


class RecordedEngine:
    """Give the outcomes of a run elsewhere, as if the programs were run here.

    Parameters
    ----------
    info : EngineInfo
        What ran them.
    outcomes : mapping
        By :func:`key_of` a job.
    """

    def __init__(self, info: EngineInfo, outcomes: Mapping[Key, Outcome]) -> None:
        self._info = info
        self._outcomes = outcomes

    def start(self) -> EngineInfo:
        """Say what ran them."""
        return self._info

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its outcome there; one without did not get so far."""
        ended = Crashed("the run elsewhere ended before it came to this program")
        for job in jobs:
            yield job, self._outcomes.get(key_of(job.key.id, job.outputs), ended)

    def stop(self) -> None:
        """Do nothing: there is no process."""

    def close(self) -> None:
        """Do nothing."""


def key_of(case_id: str, outputs: Sequence[str]) -> Key:
    """Name a job so that it is found again: its case, and which outputs it is to leave."""
    return case_id, ",".join(outputs)
