"""Answers to queries, from the workers or from memory."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from harness.server.refusals import RefusedError
from harness.server.schema import Query
from harness.server.workers import Workers

_CACHED: Final = 1024
_LONGEST_CACHED: Final = 2**16


@dataclass(frozen=True)
class Answer:
    """A worker's answer to a query that could be read."""

    look_up: dict[str, Any]  # What ``deconform translate`` prints as JSON
    page: dict[str, Any] | None  # The same in the words of the page, where they are others
    # The operator for people, the rule of its output's size, and a case to run.
    words: str
    size: str
    example: str


class Answers:
    """Ask the workers, and remember the latest answers."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._cache: OrderedDict[Query, bytes] = OrderedDict()

    async def to(self, query: Query, client: str = "") -> Answer:
        """Answer a client's query; raise :class:`RefusedError` where its text cannot be read."""
        line = self._cache.get(query)
        if line is None:
            question = json.dumps(msgspec.to_builtins(query))
            line = await self._workers.ask(question.encode() + b"\n", client)
        if len(line) <= _LONGEST_CACHED:
            self._cache[query] = line
            self._cache.move_to_end(query)
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedError(**answer["error"])
        return Answer(**answer)
