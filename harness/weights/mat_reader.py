"""Read a ``.mat`` file in a separate process: ``python mat_reader.py FILE`` writes its arrays.

SciPy's reader is not hardened, and a damaged file can crash the process instead of raising:
https://github.com/scipy/scipy/pull/25349.  The output is one line of JSON, ``{"arrays": [names]}``
or ``{"error": text}`` or ``{"refused": name}``, and then each array as in a ``.npy`` file.  This
file is started by its path and imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import warnings
from types import SimpleNamespace
from typing import IO, Any

_ABOUT_THE_FILE = {"__header__", "__version__", "__globals__"}


def main(path: str, out: IO[bytes]) -> None:
    """Write the arrays of a file, or why it cannot be read."""
    from numpy.lib.format import write_array  # noqa: PLC0415

    arrays: dict[str, Any] = {}
    try:
        arrays = _arrays(path)
        refused = [name for name, value in arrays.items() if not _is_numbers(value)]
        about = {"refused": refused[0]} if refused else {"arrays": list(arrays)}
    except Exception as error:  # noqa: BLE001 -- whatever the reader raises is the answer
        about = {"error": str(error).partition("\n")[0] or type(error).__name__}
    out.write(json.dumps(about).encode() + b"\n")
    # NumPy would bypass the buffer of a real file, and write before its content.
    buffered = SimpleNamespace(write=out.write)
    if "arrays" in about:
        for value in arrays.values():
            write_array(buffered, value, allow_pickle=False)
    out.flush()


def _arrays(path: str) -> dict[str, Any]:
    from scipy.io import loadmat  # noqa: PLC0415

    warnings.simplefilter("ignore")
    variables = loadmat(path, appendmat=False)
    return {name: value for name, value in variables.items() if name not in _ABOUT_THE_FILE}


def _is_numbers(value: object) -> bool:
    import numpy as np  # noqa: PLC0415

    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc"


if __name__ == "__main__":
    main(sys.argv[1], sys.stdout.buffer)
