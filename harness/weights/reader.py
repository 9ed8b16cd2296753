"""Read a file in a process of its own, with limits of memory and time: .mat .wxf .h5 .keras.

The libraries are not hardened: a damaged file can crash SciPy instead of raising,
https://github.com/scipy/scipy/pull/25349, and a small one can fill the memory.  ``python reader.py
FILE BYTES SECONDS`` writes one line of JSON, ``{"arrays": [names]}`` or ``{"error": text}`` or
``{"refused": name}``, and then each array as in a ``.npy`` file.  Of a Keras model the line also
has ``layers``, its transposed convolutions with the names of their weights and bias,
``left_out``, and ``is_ordered``.  This file is started by its path and imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import re
import resource
import signal
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

_ABOUT_THE_FILE = {"__header__", "__version__", "__globals__"}


def main(path: Path, out: IO[bytes], limit: Callable[[], None]) -> None:
    """Write the arrays of a file, or why it cannot be read; set the limits once all is imported."""
    from numpy.lib.format import write_array  # noqa: PLC0415

    arrays: dict[str, Any] = {}
    about: dict[str, Any] = {}
    try:
        read = _READERS[path.suffix.lower()]()
        limit()
        arrays = read(path)
        refused = [name for name, value in arrays.items() if not _is_numbers(value)]
        about = {"refused": refused[0]} if refused else {"arrays": list(arrays)}
        if isinstance(arrays, _Model):
            about |= vars(arrays)
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


class _Model(dict[str, Any]):
    """The arrays of a Keras model, in the order of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[tuple[str, str | None]] = []
        self.left_out: list[str] = []
        self.is_ordered = False


def _keras() -> Callable[[Path], dict[str, Any]]:
    import h5py  # noqa: PLC0415

    def read(path: Path) -> dict[str, Any]:
        source: Any = path
        if path.suffix.lower() == ".keras":
            with zipfile.ZipFile(path) as archive:
                source = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(source, "r") as file:
            return _model(h5py, file)

    return read


def _model(h5py: Any, file: Any) -> _Model:
    """Read the arrays of Keras 2's layout, or Keras 3's, or of any file of arrays."""
    stored: dict[str, Any] = {}

    def visit(name: str, value: Any) -> None:
        # Links to other files are not visited.
        if isinstance(value, h5py.Dataset):
            if value.external or value.is_virtual:
                raise ValueError(f"{name} is kept in another file, which is not read.")
            stored[name] = value

    file.visititems(visit)
    root = file.get("model_weights", file)
    named = dict(_named(root))
    prefix = root.name.strip("/")
    rest = sorted(stored, key=_natural)
    model = _Model()
    model.is_ordered = bool(named)
    short = {n: f"{prefix}/{p}".strip("/") for n, p in named.items()}
    wanted = [*short.items(), *((name, name) for name in rest if name not in short.values())]
    for name, place in wanted:
        value = stored[place]
        if value.dtype.kind in "biufc":
            model[name] = value[()] if value.ndim else _scalar(value[()])
        else:
            model.left_out.append(name)
    model.layers = list(_layers(file, model))
    return model


def _scalar(value: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.array(value)


def _natural(name: str) -> list[tuple[str, int]]:
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d{0,9})", name)]


def _named(root: Any) -> Iterator[tuple[str, str]]:
    """Yield the names of Keras 2's arrays, in the order of the layers, and where each stands."""
    places = [
        (name, f"{layer}/{name}")
        for layer in _texts(root, "layer_names")
        for name in _texts(root[layer], "weight_names")
    ]
    names = [name for name, _ in places]
    for name, place in places:
        yield (name if names.count(name) == 1 else place), place


def _texts(group: Any, name: str) -> list[str]:
    """Return a list of names, which Keras cuts into several if it is long."""
    chunks = [name] if name in group.attrs else []
    while chunks[:1] != [name] and f"{name}{len(chunks)}" in group.attrs:
        chunks.append(f"{name}{len(chunks)}")
    values = [value for chunk in chunks for value in group.attrs[chunk]]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


_TRANSPOSED = re.compile(r"Conv[123]DTranspose")
# Keras 3 names the layers of a list by their classes: layers/conv2d_transpose_1/vars/0.
_IN_A_LIST = re.compile(r"(?:.*/)?conv[123]d_transpose(?:_\d+)?/vars/0")


def _layers(
    file: Any, arrays: Sequence[str] | Mapping[str, Any]
) -> Iterator[tuple[str, str | None]]:
    """Yield the names of the weights and the bias of each transposed convolution."""
    names = set()
    if "model_config" in file.attrs:
        names = set(_transposed(json.loads(file.attrs["model_config"])))
    for name in arrays:
        *layer, last = name.split("/")
        if layer and layer[-1] in names and last.startswith("kernel"):
            bias = "/".join((*layer, last.replace("kernel", "bias")))
        elif _IN_A_LIST.fullmatch(name):
            bias = f"{name[:-1]}1"
        else:
            continue
        yield name, bias if bias in arrays else None


def _transposed(config: Any) -> Iterator[str]:
    """Yield the names of a model's transposed convolutions, whatever stands in what."""
    if isinstance(config, list):
        for each in config:
            yield from _transposed(each)
    elif isinstance(config, dict):
        inner = config.get("config")
        if _TRANSPOSED.fullmatch(str(config.get("class_name"))) and isinstance(inner, dict):
            yield str(inner.get("name"))
        for each in config.values():
            yield from _transposed(each)


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


_READERS = {".mat": _mat, ".wxf": _wxf, ".h5": _keras, ".keras": _keras}

if __name__ == "__main__":
    file, allowed, time = sys.argv[1:]
    main(Path(file), sys.stdout.buffer, lambda: limited(int(allowed), int(time)))
