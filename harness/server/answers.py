"""Answers to questions, from the workers or from memory."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from harness.server.asked import Asked
from harness.server.refusals import RefusedError
from harness.server.workers import Workers

_CACHED: Final = 1024
_LONGEST_CACHED: Final = 2**16


@dataclass(frozen=True)
class Answer:
    """A worker's answer to a question that could be read."""

    body: str = ""  # What ``deconform translate`` prints as JSON
    html: str = ""  # The page's part below the form
    title: str = ""
    kept: dict[str, str] | None = None  # Text and name of an uploaded file, to be typed in


class Answers:
    """Ask the workers, and remember the latest answers."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()

    async def to(self, asked: Asked, client: str = "") -> Answer:
        """Answer a client's question; raise :class:`RefusedError` where it cannot be."""
        question = json.dumps(asked.to_json()).encode() + b"\n"
        key = blake2b(question).digest()  # The question itself may have megabytes.
        line = self._cache.get(key)
        if line is None:
            line = await self._workers.ask(question, client)
        if len(line) <= _LONGEST_CACHED:
            self._cache[key] = line
            self._cache.move_to_end(key)
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RefusedError(**answer["error"], kept=answer.get("kept"))
        return Answer(**answer)
