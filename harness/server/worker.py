"""The processes that look-ups run in, each a copy of one that has loaded everything."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn

from harness.convention.registry import convention, framework_names
from harness.core.errors import InputError
from harness.core.named_number import in_names
from harness.lookup.answer import in_words, size_line
from harness.lookup.every import look_up_one
from harness.lookup.listing import in_json as answer_in_json
from harness.lookup.reading import supply
from harness.server.wording import FIELDS, in_json, on_page

_MEMORY: Final = 2**29
_LONGEST_SECONDS: Final = 60
# A look-up that has taken so much of a processor's time has the least priority from then on.
_POLITE_SECONDS: Final = 0.03
_LEAST_PRIORITY: Final = 19


def answer(query: Mapping[str, Any]) -> dict[str, Any]:
    """Look a call up; return the object of the API and what a page adds to it.

    >>> answer({"text": "nn.ConvTranspose2d(1, 2, kernel=3)"})["error"]["about"]["column"]
    26
    """
    try:
        result = look_up_one(
            query["text"],
            query.get("from"),
            tuple(query.get("to", ())),
            supplied=supply(query.get("input"), query.get("weight")),
            style=query.get("style", "function"),
        )
    except InputError as error:
        return {"error": _error(error)}
    answered, page = (answer_in_json(result.worded(words)) for words in (in_json, on_page))
    return {
        "look_up": answered,
        "page": page if page != answered else None,
        "words": in_names(in_words(result.reading.operator)),
        "size": in_names(size_line(result)),
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


def fork_server(answered: Callable[[bytes], bytes]) -> None:
    """Fork a process for each connection that comes over the standard input, until that ends.

    It answers the lines of its connection, after one with its number.
    """
    # Ctrl-C reaches all processes of a terminal: the service ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    gc.freeze()
    with socket.socket(fileno=sys.stdin.fileno()) as control:
        while True:
            _, descriptors, *_ = socket.recv_fds(control, 1, 1)
            if not descriptors:
                return
            with socket.socket(fileno=descriptors[0]) as connection, suppress(OSError):
                if not os.fork():
                    control.close()
                    _answer_all(connection, answered)


def _answer_all(connection: socket.socket, answered: Callable[[bytes], bytes]) -> NoReturn:
    try:
        with connection.makefile("rwb") as stream:
            stream.write(b"%d\n" % os.getpid())
            stream.flush()
            signal.signal(signal.SIGVTALRM, _let_others_go_first)
            for line in stream:
                signal.setitimer(signal.ITIMER_VIRTUAL, _POLITE_SECONDS)
                # Whoever asked may have been killed, and then nobody else ends this.
                signal.alarm(_LONGEST_SECONDS)
                stream.write(answered(line) + b"\n")
                stream.flush()
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                signal.alarm(0)
    except ConnectionError:
        pass  # Whoever asked has gone.
    except Exception:  # noqa: BLE001 -- whatever it is, it must not end up in the server's loop
        traceback.print_exc()
    finally:
        os._exit(0)


def _let_others_go_first(*_: object) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, _LEAST_PRIORITY)


def main() -> None:
    """Load all that a look-up needs, and fork."""
    for each in (example for name in framework_names() for example in convention(name).examples):
        answer({"text": each.text})
    fork_server(lambda line: json.dumps(answer(json.loads(line))).encode())


if __name__ == "__main__":
    main()
