"""Answers to queries: from the workers, or from those given lately."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from harness.server.query import Query
from harness.server.refusals import RefusedError
from harness.server.workers import Workers

_KEPT: Final = 1024
_LONGEST_KEPT: Final = 2**16


@dataclass(frozen=True)
class Answer:
    """What a worker says to a query that could be read.

    Attributes
    ----------
    found : dict
        What ``translate --json`` prints.
    words, size, example : str
        The operator for people, the rule of its output's size, and a case to run.
    """

    found: dict[str, Any]
    words: str
    size: str
    example: str


class Answers:
    """Ask the workers, but nothing twice that was asked lately."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._lately: OrderedDict[Query, bytes] = OrderedDict()

    async def to(self, query: Query) -> Answer:
        """Answer a query; raise :class:`RefusedError` where its text cannot be read."""
        line = self._lately.get(query)
        if line is None:
            line = await self._workers.ask(query.line())
            self._keep(query, line)
        else:
            self._lately.move_to_end(query)
        said = json.loads(line)
        if "error" in said:
            raise RefusedError(**said["error"])
        return Answer(**said)

    def _keep(self, query: Query, line: bytes) -> None:
        if len(line) <= _LONGEST_KEPT:
            self._lately[query] = line
            if len(self._lately) > _KEPT:
                self._lately.popitem(last=False)
