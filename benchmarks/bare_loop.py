"""Execute programs in a bare loop and print the seconds, in a framework's own interpreter.

``python -I bare_loop.py FOLDER MODULE``: the folder contains the ``programs.json`` and
``arrays.npz`` that ``overhead.py`` writes.  This imports nothing of deconform: it is the baseline
for deconform's runs.
"""

import importlib
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np


def main() -> None:
    """Compile every text, wait for a line, then time one pass over all of them."""
    folder, module = Path(sys.argv[1]), sys.argv[2]
    importlib.import_module(module)
    with np.load(folder / "arrays.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    programs = [
        (compile(program["text"], "<program>", "exec"), program["inputs"])
        for program in json.loads((folder / "programs.json").read_text())
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for code, inputs in programs:
        namespace = {name: arrays[key] for name, key in inputs.items()}
        with suppress(Exception):  # Refused programs take time too.
            exec(code, namespace)  # noqa: S102 -- our renderers' text
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
