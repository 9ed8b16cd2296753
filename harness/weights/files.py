"""Files of arrays: what is read, what is written, and by what.

Each format has its official library, or a small reader and writer of ours where that spares a
framework: PyTorch's, MXNet's and ONNX's.  Names, values and types are kept; what a format cannot
store is refused.  Nothing is unpickled, and a file appears under its name only when it is complete.
What is read may be anybody's: a file has at most 16 GiB, and unfolds to at most 256 MiB and ten
times its size.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any, Final

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, open_memmap, read_array, write_array

from harness.core import archives
from harness.core.bounded import MIB, size_of
from harness.core.files import whole
from harness.weights import keras_file, onnx_file, params_file, pickle_file, reader, torch_file
from harness.weights.arrays import (
    FOREIGN,
    NUMBERS,
    Array,
    Contents,
    Layer,
    check_members,
    dtype_name,
    most_memory,
)
from harness.weights.layouts import WeightsError

_HOLDS: Final[dict[str, frozenset[str] | set[str]]] = {
    ".safetensors": (NUMBERS - {"complex128"}) | {"float16", "bool"} | set(FOREIGN),
    ".mat": NUMBERS,
    ".wxf": NUMBERS,
    ".pt": (NUMBERS | {"float16", "bool"} | set(FOREIGN)),
    ".params": params_file.HOLDS,
}
_HOLDS[".pth"] = _HOLDS[".pt"]
_UNNAMED: Final = "weight"
_LARGEST: Final = 16384 * MIB
_LEGACY_TORCH: Final = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # Its magic number, pickled


def suffix_of(path: Path) -> str:
    """Return the suffix that determines a file's format.

    >>> suffix_of(Path("net.NPZ"))
    '.npz'
    """
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise WeightsError(f"{path}: the format of a file of weights is one of {known}.")
    return suffix


def check_written(path: Path) -> None:
    """Refuse what is not written, such as a model's file."""
    suffix = suffix_of(path)
    if _FORMATS[suffix][1] is None:
        known = ", ".join(suffix for suffix, (_, writer) in _FORMATS.items() if writer)
        raise WeightsError(f"{path}: a {suffix} file is read, not written; write one of {known}.")


def format_of(path: Path) -> str:
    """Return the suffix of a file that is read; PyTorch's are known without, as many have none."""
    if path.suffix.lower() in _FORMATS or path.is_dir():
        return suffix_of(path)
    unreadable = f"{path} cannot be read"
    with _one_error(unreadable, unreadable):
        size_of(path, _LARGEST)
        with path.open("rb") as stream:
            start = stream.read(len(_LEGACY_TORCH))
        is_torch = start == _LEGACY_TORCH
        if start.startswith(b"PK\x03\x04"):
            with archives.archive(path, _LARGEST) as archive:
                is_torch = any(name.endswith("/data.pkl") for name in archive.namelist())
    return ".pt" if is_torch else suffix_of(path)


def read(path: Path) -> Contents:
    """Read a file of arrays of numbers; its suffix determines the format."""
    suffix = format_of(path)
    read_format, _ = _FORMATS[suffix]
    unreadable = f"{path} is no readable {suffix} file"
    with _one_error(f"{path} cannot be read", unreadable), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        size_of(path, _LARGEST)
        contents = read_format(path)
    for name, array in contents.arrays.items():
        if array.dtype.kind not in "biufc" and dtype_name(array) not in FOREIGN:
            raise WeightsError(_not_numbers(path, name))
    return contents


def write(path: Path, contents: Contents) -> dict[str, str]:
    """Write a file of arrays, completely or not at all.

    Returns new names by old ones, if the format does not allow the old one.
    """
    check_written(path)
    suffix = suffix_of(path)
    for name, array in contents.arrays.items():
        _check_type(path, suffix, name, array)
    renamed = _matlab_names(contents.arrays) if suffix == ".mat" else {}
    arrays = {renamed.get(name, name): array for name, array in contents.arrays.items()}
    _, writer = _FORMATS[suffix]
    assert writer is not None
    unwritten = f"{path} cannot be written"
    with whole(path) as part, _one_error(unwritten, unwritten):
        writer(part, replace(contents, arrays=arrays), path)
    return renamed


@contextmanager
def _one_error(by_system: str, by_library: str) -> Iterator[None]:
    """Raise whatever is raised inside as an error of one line."""
    try:
        yield
    except WeightsError:
        raise
    except OSError as error:
        reason = str(error.strerror or error)
        if "\n" in reason:  # HDF5 writes a paragraph where others have a word.
            reason = os.strerror(error.errno) if error.errno else reason.partition("\n")[0]
        raise WeightsError(f"{by_system}: {reason}.") from None
    except Exception as error:  # noqa: BLE001 -- a library's parser raises anything
        text = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{by_library}: {text}") from None


def _check_type(path: Path, suffix: str, name: str, array: Array) -> None:
    dtype = dtype_name(array)
    if dtype in FOREIGN and dtype not in _HOLDS.get(suffix, ()):
        raise WeightsError(
            f"{path}: {name} is {dtype}, which .safetensors and .pt files alone can hold; "
            "convert it to float32 first."
        )
    if dtype not in _HOLDS.get(suffix, {dtype}):
        raise WeightsError(
            f"{path}: {name} is {dtype}, which a {suffix} file cannot hold; "
            "convert it to float32 first, or write another format."
        )


def _not_numbers(path: Path, name: str) -> str:
    advice = "save the arrays of numbers alone."
    if path.suffix.lower() == ".mat":
        advice = (
            "save its arrays alone, such as w = extractdata(weights); save('w.mat', 'w', '-v7')."
        )
    return f"{path}: {name!r} is no array of numbers, which cannot be copied; {advice}"


def _library(name: str, suffix: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise WeightsError(
            f"{suffix} files need {name.partition('.')[0]}, which is not installed: "
            "pip install 'deconform[weights]'"
        ) from None


def _read_npy(path: Path) -> Contents:
    return Contents({_UNNAMED: open_memmap(path, mode="r")})


def _write_npy(path: Path, contents: Contents, _: Path) -> None:
    if len(contents.arrays) != 1:
        names = ", ".join(contents.arrays)
        raise WeightsError(f"a .npy file holds one array, not {names}; write a .npz file.")
    (array,) = contents.arrays.values()
    with path.open("xb") as stream:
        # To a real file NumPy writes permuted arrays element by element, which is 3 times slower.
        pipe: Any = SimpleNamespace(write=stream.write)
        write_array(pipe, array, allow_pickle=False)


def _read_npz(path: Path) -> Contents:
    # Not by np.load, which looks for a member among all of them, each time.
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_members(path, members)
        return Contents(dict(_member(path, archive, member) for member in members))


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[str, Array]:
    name = member.filename.removesuffix(".npy")
    try:
        with archive.open(member) as stream:
            if not stream.read(len(MAGIC_PREFIX)).startswith(MAGIC_PREFIX):
                raise WeightsError(_not_numbers(path, name))
            stream.seek(0)
            return name, read_array(stream, allow_pickle=False)
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise WeightsError(
            f"{path}: {name!r} is a pickled Python object, which is never loaded; "
            "save arrays of numbers."
        ) from None


def _write_npz(path: Path, contents: Contents, _: Path) -> None:
    # numpy.savez takes names as keyword arguments, so it cannot write an array named "file".
    with zipfile.ZipFile(path, "x") as archive:
        for name, array in contents.arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                write_array(stream, array, allow_pickle=False)


def _read_safetensors(path: Path) -> Contents:
    library = _library("safetensors", ".safetensors")
    with library.safe_open(path, framework="np") as stored:
        names = list(stored.keys())
        types = {name: stored.get_slice(name).get_dtype() for name in names}
        foreign = [name for name in names if types[name] in FOREIGN]
        arrays = {name: stored.get_tensor(name) for name in names if name not in foreign}
        metadata = dict(stored.metadata() or {})
    if foreign:
        arrays |= _foreign(library, path, foreign)
    return Contents({n: arrays[n] for n in names}, metadata=metadata, is_ordered=False)


def _foreign(library: ModuleType, path: Path, names: list[str]) -> dict[str, Array]:
    """Read arrays of types that NumPy lacks, as bytes."""
    stored = dict(library.deserialize(path.read_bytes()))
    arrays: dict[str, Array] = {}
    for name in names:
        about = stored[name]
        dtype = np.dtype([(about["dtype"], f"V{FOREIGN[about['dtype']][1]}")])
        arrays[name] = np.frombuffer(about["data"], dtype).reshape(about["shape"])
    return arrays


def _write_safetensors(path: Path, contents: Contents, _: Path) -> None:
    library = _library("safetensors", ".safetensors")
    arrays = {
        # The format is little-endian and row-major.
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in contents.arrays.items()
    }
    specs = {
        name: library.TensorSpec(
            dtype=FOREIGN.get(dtype_name(array), (array.dtype.name,))[0],
            shape=contents.arrays[name].shape,
            data_ptr=array.ctypes.data,
            data_len=array.nbytes,
        )
        for name, array in arrays.items()
    }
    library.serialize_file(specs, path, metadata=dict(contents.metadata) or None)


def _read_mat(path: Path) -> Contents:
    _library("scipy", ".mat")
    with path.open("rb") as stream:
        start = stream.read(1024)
    # HDF5 has its signature at the start, or after a user block.
    if start.startswith(b"MATLAB 7.3") or b"\x89HDF\r\n\x1a\n" in (start[:8], start[512:520]):
        raise WeightsError(
            f"{path} is a MATLAB v7.3 (HDF5) file, which is not read; "
            "save it again with save('w.mat', 'w', '-v7')."
        )
    return replace(_read_apart(path), is_cut=True)


def _read_apart(path: Path) -> Contents:
    """Read a file in a process that may crash, and has limits of memory and time."""
    memory, seconds = most_memory(path), 2 + path.stat().st_size // MIB
    # -P: the script's folder has modules named like the standard library's.
    command = [sys.executable, "-P", reader.__file__, str(path), str(memory), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        if line := process.stdout.readline():
            return _received(path, json.loads(line), process.stdout)
    late = process.returncode == -signal.SIGPROF
    fact = f"it takes more than {seconds} s of processor time" if late else "its reader crashed"
    raise WeightsError(f"{path} is no readable {path.suffix.lower()} file: {fact}.")


def _received(path: Path, about: Mapping[str, Any], stream: IO[bytes]) -> Contents:
    """Read the arrays that the reader writes after its line."""
    if "error" in about:
        raise WeightsError(f"{path} is no readable {path.suffix.lower()} file: {about['error']}")
    if "refused" in about:
        raise WeightsError(_not_numbers(path, about["refused"]))
    # NumPy would try to seek in a pipe, because it has a file's type.
    pipe: Any = SimpleNamespace(read=stream.read)
    arrays = {name: read_array(pipe, allow_pickle=False) for name in about["arrays"]}
    layers = tuple(Layer(weight, bias) for weight, bias in about.get("layers", ()))
    return Contents(
        arrays,
        layers=layers,
        left_out=tuple(about.get("left_out", ())),
        is_ordered=about.get("is_ordered", True),
    )


def _write_mat(path: Path, contents: Contents, _: Path) -> None:
    library = _library("scipy.io", ".mat")
    with path.open("xb") as stream:
        library.savemat(stream, dict(contents.arrays), oned_as="column")


def _matlab_names(names: Mapping[str, object]) -> dict[str, str]:
    """Return valid MATLAB names in place of invalid ones, as ``makeValidName`` does."""
    valid = {name: re.sub(r"\W", "_", name, flags=re.ASCII) for name in names}
    valid = {name: new if new[:1].isalpha() else f"x{new}" for name, new in valid.items()}
    taken: dict[str, str] = {}
    for name, new in valid.items():
        if new in taken:
            raise WeightsError(
                f"{taken[new]} and {name} would both be {new} in MATLAB; write another format."
            )
        taken[new] = name
    return {name: new for name, new in valid.items() if name != new}


def _read_wxf(path: Path) -> Contents:
    _library("wolframclient.deserializers", ".wxf")
    return _read_apart(path)


def _write_wxf(path: Path, contents: Contents, _: Path) -> None:
    library = _library("wolframclient.serializers", ".wxf")
    arrays = {
        name: array.astype(array.dtype.newbyteorder("="), copy=False)
        for name, array in contents.arrays.items()
    }
    with path.open("xb") as stream:
        library.export(arrays, stream, target_format="wxf")


def _read_keras(path: Path) -> Contents:
    _library("h5py", path.suffix.lower())
    if path.suffix.lower() == ".keras":
        with archives.archive(path, _LARGEST) as archive:
            check_members(path, archive.infolist())
    return replace(_read_apart(path), letters="HWOI")


def _write_keras(part: Path, contents: Contents, path: Path) -> None:
    keras_file.write(_library("h5py", ".h5"), part, contents, path)


def _write_torch(part: Path, contents: Contents, _: Path) -> None:
    torch_file.write(part, contents)


def _write_params(part: Path, contents: Contents, _: Path) -> None:
    params_file.write(part, contents)


_Reader = Callable[[Path], Contents]
_Writer = Callable[[Path, Contents, Path], None]  # Where to write, what, and the name at the end
_FORMATS: Final[dict[str, tuple[_Reader, _Writer | None]]] = {
    ".npy": (_read_npy, _write_npy),
    ".npz": (_read_npz, _write_npz),
    ".safetensors": (_read_safetensors, _write_safetensors),
    ".mat": (_read_mat, _write_mat),
    ".wxf": (_read_wxf, _write_wxf),
    ".pt": (torch_file.read, _write_torch),
    ".pth": (torch_file.read, _write_torch),
    ".h5": (_read_keras, _write_keras),
    ".params": (params_file.read, _write_params),
    ".pdparams": (pickle_file.read, None),
    ".keras": (_read_keras, None),
    ".onnx": (onnx_file.read, None),
}
