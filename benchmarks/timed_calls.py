"""Time programs one call at a time; run by a framework's own interpreter.

``python -I timed_calls.py MODULE``: each line that comes in is a JSON object with a program's
``setup`` and ``call``, the ``.npz`` file of its arrays, the names of its ``inputs`` and the number
of ``calls``; the answer is the seconds of the fastest call.
"""

import importlib
import json
import sys
import time
from typing import Any

import numpy as np


def main() -> None:
    """Answer line by line; a program stays ready until another one is asked for."""
    importlib.import_module(sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr
    print("ready", file=answers, flush=True)
    ready: dict[str, Any] = {}
    for line in sys.stdin:
        program = json.loads(line)
        if program["call"] != ready.get("call"):
            ready.clear()
            ready.update(call=program["call"], namespace=_prepared(program))
        code = compile(program["call"], "<call>", "exec")
        seconds = min(_seconds(code, ready["namespace"]) for _ in range(program["calls"]))
        print(repr(seconds), file=answers, flush=True)


def _prepared(program: dict[str, Any]) -> dict[str, Any]:
    with np.load(program["arrays"]) as arrays:
        namespace: dict[str, Any] = {name: arrays[name] for name in program["inputs"]}
    exec(program["setup"], namespace)  # noqa: S102 -- our renderers' text
    return namespace


def _seconds(code: Any, namespace: dict[str, Any]) -> float:
    began = time.perf_counter()
    exec(code, namespace)  # noqa: S102 -- our renderers' text
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
