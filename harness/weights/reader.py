"""Read a ``.mat`` or ``.wxf`` file in a process of its own, with limits of memory and time.

The libraries are not hardened: a damaged file can crash SciPy instead of raising,
https://github.com/scipy/scipy/pull/25349, and a small one can fill the memory.  ``python reader.py
FILE BYTES SECONDS`` writes one line of JSON, ``{"arrays": [names]}`` or ``{"error": text}`` or
``{"refused": name}``, and then each array as in a ``.npy`` file.  This file is started by its path
and imports nothing of ours.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

_ABOUT_THE_FILE = {"__header__", "__version__", "__globals__"}


def main(path: Path, out: IO[bytes], limit: Callable[[], None]) -> None:
    """Write the arrays of a file, or why it cannot be read; set the limits once all is imported."""
    from numpy.lib.format import write_array  # noqa: PLC0415

    arrays: dict[str, Any] = {}
    try:
        read = _READERS[path.suffix.lower()]()
        limit()
        arrays = read(path)
        refused = [name for name, value in arrays.items() if not _is_numbers(value)]
        about = {"refused": refused[0]} if refused else {"arrays": list(arrays)}
    except MemoryError:
        about = {"error": "it needs more memory than a file of its size may."}
    except Exception as error:  # noqa: BLE001 -- whatever the reader raises is the answer
        about = {"error": str(error).partition("\n")[0] or type(error).__name__}
    out.write(json.dumps(about).encode() + b"\n")
    # NumPy would bypass the buffer of a real file, and write before its content.
    buffered = SimpleNamespace(write=out.write)
    if "arrays" in about:
        for value in arrays.values():
            write_array(buffered, value, allow_pickle=False)
    out.flush()


def limited(memory: int, seconds: int) -> None:
    """Limit the processor time from now on, and the memory beyond what is mapped already."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    statm = Path("/proc/self/statm")
    if statm.exists():
        mapped = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, resource.RLIM_INFINITY))


def _mat() -> Callable[[Path], dict[str, Any]]:
    from scipy.io import loadmat  # noqa: PLC0415

    def read(path: Path) -> dict[str, Any]:
        warnings.simplefilter("ignore")
        variables = loadmat(str(path), appendmat=False)
        return {name: value for name, value in variables.items() if name not in _ABOUT_THE_FILE}

    return read


def _wxf() -> Callable[[Path], dict[str, Any]]:
    from wolframclient.deserializers import binary_deserialize  # noqa: PLC0415

    def read(path: Path) -> dict[str, Any]:
        value = binary_deserialize(path.read_bytes())
        named = value if isinstance(value, Mapping) else {"weight": value}
        return {str(name): _array(str(name), each) for name, each in named.items()}

    return read


def _array(name: str, value: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    if not isinstance(value, (tuple, list)):
        return value
    try:
        return np.array(value)
    except ValueError:
        raise ValueError(f"{name} is a list of lists of unequal lengths.") from None


def _is_numbers(value: object) -> bool:
    import numpy as np  # noqa: PLC0415

    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc"


_READERS = {".mat": _mat, ".wxf": _wxf}

if __name__ == "__main__":
    file, allowed, time = sys.argv[1:]
    main(Path(file), sys.stdout.buffer, lambda: limited(int(allowed), int(time)))
