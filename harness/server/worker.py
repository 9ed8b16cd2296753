"""The process that look-ups run in: one JSON line in, one JSON line out, until the input ends."""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

from harness.core.errors import InputError
from harness.lookup.answer import in_words, look_up, size_line
from harness.server.wording import FIELDS, in_json, on_page

_MEMORY: Final = 2**30


def answer(query: Mapping[str, Any]) -> dict[str, Any]:
    """Look a call up; return the object of the API and what a page adds to it.

    >>> answer({"text": "nn.ConvTranspose2d(1, 2, kernel=3)"})["error"]["about"]["column"]
    26
    """
    shapes = {name: tuple(query[name]) if name in query else None for name in ("input", "weight")}
    try:
        result = look_up(
            query["text"],
            query.get("from"),
            tuple(query.get("to", ())),
            style=query.get("style", "function"),
            **shapes,
        )
    except InputError as error:
        return {"error": _error(error)}
    answered, page = (result.worded(words).to_json() for words in (in_json, on_page))
    return {
        "look_up": answered,
        "page": page if page != answered else None,
        "words": in_words(result.reading.operator),
        "size": size_line(result),
        "example": result.example,
    }


def _error(error: InputError) -> dict[str, Any]:
    place = error.place
    return {
        "message": error.worded(in_json),
        "about": {
            "line": place and place.line,
            "column": place and place.column,
            "asks": FIELDS[error.asks] if error.asks else None,
            "example": error.example,
        },
        "page": error.worded(on_page),
        "fields": list(dict.fromkeys(FIELDS[mention.ask] for mention in error.mentions)),
    }


def serve(lines: Iterable[bytes], out: IO[bytes]) -> None:
    """Answer queries, one after the other."""
    for line in lines:
        out.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
        out.flush()


def main() -> None:
    """Report that everything is loaded, and serve."""
    # Ctrl-C reaches all processes of a terminal: the service ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    serve([b'{"text": "nn.ConvTranspose2d(1, 1, 2)"}'], sys.stdout.buffer)
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
