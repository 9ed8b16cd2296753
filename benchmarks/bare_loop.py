"""Execute programs in a bare loop and print the seconds, on the wall and of the processor.

``python -I bare_loop.py FOLDER MODULE``, in a framework's own interpreter: the folder contains the
``programs.json`` and ``arrays.npz`` that ``overhead.py`` writes.  This imports nothing of
deconform: it is the baseline for deconform's runs.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType


def main() -> None:
    """Compile every text, wait for a line, then time one pass over all of them.

    What is no part of the baseline: the start, which does what a worker's does, the arrays and
    the code, which are there before, and the programs that are only to warm up.
    """
    folder, name = Path(sys.argv[1]), sys.argv[2]
    module = importlib.import_module(name)
    getattr(module, "compiled_by", str)()  # It imports numba, at a worker's start too.
    with np.load(folder / "arrays.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    programs = [
        (compile(program["text"], "<program>", "exec"), program["inputs"], program["is_timed"])
        for program in json.loads((folder / "programs.json").read_text())
    ]
    _run([program[:2] for program in programs if not program[2]], arrays)
    timed = [program[:2] for program in programs if program[2]]
    print("ready", flush=True)
    sys.stdin.readline()
    began, began_cpu = time.perf_counter(), time.process_time()
    _run(timed, arrays)
    print(time.perf_counter() - began, time.process_time() - began_cpu)


def _run(programs: Sequence[tuple[CodeType, Mapping[str, str]]], arrays: Mapping[str, Any]) -> None:
    for code, inputs in programs:
        namespace = {name: arrays[key] for name, key in inputs.items()}
        with suppress(Exception):  # Refused programs take time too.
            exec(code, namespace)  # noqa: S102 -- our renderers' text


if __name__ == "__main__":
    main()
