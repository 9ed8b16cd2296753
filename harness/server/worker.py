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
from harness.lookup import listing
from harness.lookup.every import worded
from harness.server import view
from harness.server.asked import Asked, look_up
from harness.server.limits import MAX_ANSWER
from harness.server.wording import FIELDS, in_json, on_page
from harness.syntax.tree import SnippetError

_MEMORY: Final = 2**29
_LONGEST_SECONDS: Final = 60
# A look-up that has taken so much of a processor's time has a low priority from then on: a tenth of
# what others get, so that a file is still answered in time on a busy machine.
_POLITE_SECONDS: Final = 0.03
_LOW_PRIORITY: Final = 10


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a question: with the API's text, or the page's part below the form.

    >>> answer({"text": "nn.ConvTranspose2d(1, 2, kernel=3)"})["error"]["about"]["column"]
    26
    """
    asked = Asked.of(question)
    try:
        every, document = look_up(asked)
        if len(every) == 1 and isinstance(every[0], SnippetError):
            raise every[0]
        if asked.for_page:
            return view.answered(every, document, asked)
        answers = [worded(each, in_json) for each in every]
        objects = [listing.in_json(each, document) for each in answers]
        return {"body": json.dumps(listing.all_in_json(objects))}
    except InputError as error:
        return {"error": _error(error)} | view.kept(asked)
    except MemoryError:
        fact = "the look-up needs more memory than it may have. Send a part of the text."
        return {"error": _error(InputError(fact))}


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
        "names": view.asked_names(error.mentions),
    }


def answer_line(line: bytes) -> bytes:
    """Answer a question as a line of JSON with another one."""
    answered = json.dumps(answer(json.loads(line))).encode()
    if len(answered) < MAX_ANSWER:
        return answered
    fact = (
        f"the answers take more than {MAX_ANSWER >> 20} MiB. Ask for one framework, or send a "
        "part of the text."
    )
    return json.dumps({"error": _error(InputError(fact))}).encode()


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
    os.setpriority(os.PRIO_PROCESS, 0, _LOW_PRIORITY)


def main() -> None:
    """Load all that a look-up needs, and fork."""
    for each in (example for name in framework_names() for example in convention(name).examples):
        answer({"text": each.text, "for_page": True})
    fork_server(answer_line)


if __name__ == "__main__":
    main()
