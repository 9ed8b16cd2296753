"""Files of arrays, each format by its official library: ``.npy .npz .safetensors .mat .wxf``.

Names, values and types are kept; what a format cannot store is refused.  Nothing is unpickled, and
a file appears under its name only when it is complete.  What is read may be anybody's: a file has
at most 16 GiB, and unfolds to at most 256 MiB and ten times its size.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any, Final, TypeAlias

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, open_memmap, read_array, write_array
from numpy.typing import NDArray

from harness.core.bounded import MIB, size_of
from harness.core.files import whole
from harness.weights import reader
from harness.weights.layouts import WeightsError

Array: TypeAlias = NDArray[Any]

_NUMBERS: Final = frozenset(
    {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    | {"float32", "float64", "complex64", "complex128"}
)
# Types that NumPy lacks are kept as bytes, in a field with the type's name.
_FOREIGN: Final = {"BF16": ("bfloat16", 2), "F8_E4M3": ("float8_e4m3fn", 1)}
_HOLDS: Final = {
    ".safetensors": (_NUMBERS - {"complex128"}) | {"float16", "bool"} | set(_FOREIGN),
    ".mat": _NUMBERS,
    ".wxf": _NUMBERS,
}
_UNNAMED: Final = "weight"
_LARGEST: Final = 16384 * MIB
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Contents:
    """The contents of a file of arrays."""

    arrays: Mapping[str, Array]  # Arrays by name; an array without a name is ``weight``
    # Axes of one element may be missing at the end of a shape, because MATLAB drops them.
    is_cut: bool = False
    # Text stored with the arrays, if the format has it.
    metadata: Mapping[str, str] = field(default_factory=dict)


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


def dtype_name(array: Array) -> str:
    """Return the name of the type of an array's elements.

    >>> dtype_name(np.zeros(2, ">f4"))
    'float32'
    """
    return array.dtype.names[0] if array.dtype.names else array.dtype.name


def read(path: Path) -> Contents:
    """Read a file of arrays of numbers; its suffix determines the format."""
    suffix = suffix_of(path)
    read_format, _ = _FORMATS[suffix]
    unreadable = f"{path} is no readable {suffix} file"
    with _one_error(f"{path} cannot be read", unreadable), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        size_of(path, _LARGEST)
        contents = read_format(path)
    for name, array in contents.arrays.items():
        if array.dtype.kind not in "biufc" and dtype_name(array) not in _FOREIGN:
            raise WeightsError(_not_numbers(path, name))
    return contents


def write(path: Path, contents: Contents) -> dict[str, str]:
    """Write a file of arrays, completely or not at all.

    Returns new names by old ones, if the format does not allow the old one.
    """
    suffix = suffix_of(path)
    for name, array in contents.arrays.items():
        _check_type(path, suffix, name, array)
    renamed = _matlab_names(contents.arrays) if suffix == ".mat" else {}
    arrays = {renamed.get(name, name): array for name, array in contents.arrays.items()}
    _, writer = _FORMATS[suffix]
    unwritten = f"{path} cannot be written"
    with whole(path) as part, _one_error(unwritten, unwritten):
        writer(part, replace(contents, arrays=arrays))
    return renamed


@contextmanager
def _one_error(by_system: str, by_library: str) -> Iterator[None]:
    """Raise whatever is raised inside as an error of one line."""
    try:
        yield
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"{by_system}: {error.strerror or error}.") from None
    except Exception as error:  # noqa: BLE001 -- a library's parser raises anything
        text = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{by_library}: {text}") from None


def _check_type(path: Path, suffix: str, name: str, array: Array) -> None:
    dtype = dtype_name(array)
    if dtype in _FOREIGN and suffix != ".safetensors":
        raise WeightsError(
            f"{path}: {name} is {dtype}, which a .safetensors file alone can hold; "
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


def _write_npy(path: Path, contents: Contents) -> None:
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
        _check_members(path, members)
        return Contents(dict(_member(path, archive, member) for member in members))


def _check_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what is far larger than the archive; no more is read of a member than it declares."""
    unfolded, most = sum(member.file_size for member in members), _most_memory(path)
    if unfolded > most:
        raise WeightsError(
            f"{path} would unfold to {unfolded // MIB} MiB; with its size it may have "
            f"{most // MIB} MiB."
        )
    # One block of other methods may unfold to anything.
    if other := [m for m in members if m.compress_type not in _METHODS]:
        raise WeightsError(f"{path}: {other[0].filename!r} is compressed as NumPy never does it.")


def _most_memory(path: Path) -> int:
    return 256 * MIB + 10 * path.stat().st_size


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


def _write_npz(path: Path, contents: Contents) -> None:
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
        foreign = [name for name in names if types[name] in _FOREIGN]
        arrays = {name: stored.get_tensor(name) for name in names if name not in foreign}
        metadata = dict(stored.metadata() or {})
    if foreign:
        arrays |= _foreign(library, path, foreign)
    return Contents({name: arrays[name] for name in names}, metadata=metadata)


def _foreign(library: ModuleType, path: Path, names: list[str]) -> dict[str, Array]:
    """Read arrays of types that NumPy lacks, as bytes."""
    stored = dict(library.deserialize(path.read_bytes()))
    arrays: dict[str, Array] = {}
    for name in names:
        about = stored[name]
        dtype = np.dtype([(about["dtype"], f"V{_FOREIGN[about['dtype']][1]}")])
        arrays[name] = np.frombuffer(about["data"], dtype).reshape(about["shape"])
    return arrays


def _write_safetensors(path: Path, contents: Contents) -> None:
    library = _library("safetensors", ".safetensors")
    arrays = {
        # The format is little-endian and row-major.
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in contents.arrays.items()
    }
    specs = {
        name: library.TensorSpec(
            dtype=_FOREIGN.get(dtype_name(array), (array.dtype.name,))[0],
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
    return Contents(_read_apart(path), is_cut=True)


def _read_apart(path: Path) -> dict[str, Array]:
    """Read a file in a process that may crash, and has limits of memory and time."""
    memory, seconds = _most_memory(path), 2 + path.stat().st_size // MIB
    # -P: the script's folder has modules named like the standard library's.
    command = [sys.executable, "-P", reader.__file__, str(path), str(memory), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        if line := process.stdout.readline():
            return _received(path, json.loads(line), process.stdout)
    late = process.returncode == -signal.SIGPROF
    fact = f"it takes more than {seconds} s of processor time" if late else "its reader crashed"
    raise WeightsError(f"{path} is no readable {path.suffix.lower()} file: {fact}.")


def _received(path: Path, about: Mapping[str, Any], stream: IO[bytes]) -> dict[str, Array]:
    """Read the arrays that the reader writes after its line."""
    if "error" in about:
        raise WeightsError(f"{path} is no readable {path.suffix.lower()} file: {about['error']}")
    if "refused" in about:
        raise WeightsError(_not_numbers(path, about["refused"]))
    # NumPy would try to seek in a pipe, because it has a file's type.
    pipe: Any = SimpleNamespace(read=stream.read)
    return {name: read_array(pipe, allow_pickle=False) for name in about["arrays"]}


def _write_mat(path: Path, contents: Contents) -> None:
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
    return Contents(_read_apart(path))


def _write_wxf(path: Path, contents: Contents) -> None:
    library = _library("wolframclient.serializers", ".wxf")
    arrays = {
        name: array.astype(array.dtype.newbyteorder("="), copy=False)
        for name, array in contents.arrays.items()
    }
    with path.open("xb") as stream:
        library.export(arrays, stream, target_format="wxf")


_Reader = Callable[[Path], Contents]
_Writer = Callable[[Path, Contents], None]
_FORMATS: Final[dict[str, tuple[_Reader, _Writer]]] = {
    ".npy": (_read_npy, _write_npy),
    ".npz": (_read_npz, _write_npz),
    ".safetensors": (_read_safetensors, _write_safetensors),
    ".mat": (_read_mat, _write_mat),
    ".wxf": (_read_wxf, _write_wxf),
}
