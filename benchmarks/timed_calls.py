"""Time programs one call at a time; run by a framework's own interpreter.

``python -I timed_calls.py FOLDER MODULE``: the folder holds ``programs.json`` and ``arrays.npz``,
as ``implementation.py`` writes them.  Each line that comes in is the number of a program and of
calls; the answer is the seconds of the fastest call.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Prepare each program when it is first asked for."""
    folder, module = Path(sys.argv[1]), sys.argv[2]
    importlib.import_module(module)
    arrays = np.load(folder / "arrays.npz")
    programs = json.loads((folder / "programs.json").read_text())
    answers, sys.stdout = sys.stdout, sys.stderr
    ready: dict[int, tuple[Any, dict[str, Any]]] = {}
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        number, calls = map(int, line.split())
        if number not in ready:
            ready.clear()  # One program's arrays at a time.
            ready[number] = _prepared(programs[number], arrays)
        seconds = min(_seconds(*ready[number]) for _ in range(calls))
        answers.write(f"{seconds!r}\n")
        answers.flush()


def _prepared(program: dict[str, Any], arrays: Any) -> tuple[Any, dict[str, Any]]:
    namespace = {name: arrays[key] for name, key in program["inputs"].items()}
    exec(program["setup"], namespace)  # noqa: S102 -- our renderers' text
    return compile(program["call"], "<call>", "exec"), namespace


def _seconds(code: Any, namespace: dict[str, Any]) -> float:
    began = time.perf_counter()
    exec(code, namespace)  # noqa: S102 -- our renderers' text
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
