"""Read what an HDF5 file of Keras says of its model, in a process of its own with limits.

HDF5's library is not hardened: a damaged file can crash it or fill the memory.  ``python
hdf5_reader.py FILE BYTES SECONDS`` writes one line of JSON: ``{"config": text or null, "shapes":
{name: shape}}`` or ``{"error": text}``.  This file is started by its path and imports nothing of
ours.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

_MOST_ARRAYS = 100_000
_MOST_TEXT = 16 << 20
_DEEPEST = 40


def main(path: str, memory: int, seconds: int) -> None:
    """Write what a file holds, or why it cannot be read."""
    try:
        import h5py  # noqa: PLC0415 -- it may be missing, and is imported before the limits
    except ImportError:
        print('{"error": "missing"}')  # noqa: T201
        return
    statm = Path("/proc/self/statm")
    if statm.exists():
        # The libraries alone map gigabytes where there are many cores.
        mapped = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        # No links to other files, no filters from elsewhere: only names and shapes are asked for.
        with h5py.File(path, "r", locking=False) as file:
            config = file.attrs.get("model_config")
            text = config.decode(errors="replace") if isinstance(config, bytes) else config
            answer = {"config": text and str(text)[: _MOST_TEXT + 1], "shapes": _shapes(file)}
    except Exception as error:  # noqa: BLE001 -- a library's parser raises anything
        answer = {"error": str(error).partition("\n")[0][:500] or type(error).__name__}
    print(json.dumps(answer))  # noqa: T201


def _shapes(file: Any) -> dict[str, list[int]]:
    """Return the shapes of all arrays by their paths, without following links to other files."""
    shapes: dict[str, list[int]] = {}
    left = [(file, "", 0)]
    while left and len(shapes) < _MOST_ARRAYS:
        group, path, depth = left.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if type(link).__name__ != "HardLink":
                continue
            each = group[name]
            if hasattr(each, "shape"):
                shapes[f"{path}{name}"] = [int(size) for size in each.shape or ()]
            elif depth < _DEEPEST:
                left.append((each, f"{path}{name}/", depth + 1))
    return shapes


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
