"""Files of weights: what is written is what is read, and what is wrong is one error."""

from __future__ import annotations

import os
import re
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from examples import slow
from weight_samples import SUFFIXES, canonical, loaded, saved
from wolframclient.language import wlexpr
from wolframclient.serializers import export

from harness.weights.arrays import Contents
from harness.weights.files import read, write
from harness.weights.layouts import WeightsError


@pytest.mark.usefixtures("files_read_here")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", ">f4", "int8", "uint16", "int64", "complex64", "?"]
)
def test_types_survive_or_are_refused(suffix: str, dtype: str, tmp_path: Path) -> None:
    w = (np.arange(3 * 4 * 5) % 2).reshape(3, 4, 5).astype(dtype)
    out = tmp_path / f"out{suffix}"
    contents = Contents({"weight": w})
    if suffix in {".mat", ".wxf"} and dtype in {"float16", "?"}:
        name = w.dtype.name
        with pytest.raises(WeightsError, match=f"weight is {name}, which a {suffix} file cannot"):
            write(out, contents)
        assert list(tmp_path.iterdir()) == []
        return
    write(out, contents)
    got = read(out).arrays["weight"]
    assert got.dtype.newbyteorder("=") == w.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, w)


@pytest.mark.parametrize(
    ("module", "suffix"),
    [
        ("scipy", ".mat"),
        ("safetensors", ".safetensors"),
        ("wolframclient.deserializers", ".wxf"),
    ],
)
def test_missing_library_is_named_with_its_command(
    module: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / f"given{suffix}", {"w": canonical(2, 1)})
    monkeypatch.setitem(sys.modules, module, None)
    library = module.partition(".")[0]
    message = f"{suffix} files need {library}, which is not installed: pip install 'deconform[weig"
    with pytest.raises(WeightsError, match=re.escape(message)):
        read(path)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("unpickled",))

    trap = np.array([Trap()], dtype=object)
    np.savez(tmp_path / "trap.npz", weight=canonical(2, 1), trap=trap)
    with pytest.raises(WeightsError, match="'trap' is a pickled Python object, which is never"):
        read(tmp_path / "trap.npz")
    np.save(tmp_path / "trap.npy", trap)
    with pytest.raises(WeightsError, match=r"no readable \.npy file"):
        read(tmp_path / "trap.npy")


def test_member_of_an_archive_that_is_no_array(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.npz", "w") as archive:
        archive.writestr("readme.txt", "no array")
    with pytest.raises(WeightsError, match=r"'readme\.txt' is no array of numbers"):
        read(tmp_path / "some.npz")


def test_archive_with_any_name(tmp_path: Path) -> None:
    write(tmp_path / "out.npz", Contents({"file": np.arange(3), "a/b": np.arange(2)}))
    assert set(loaded(tmp_path / "out.npz")) == {"file", "a/b"}


def test_hdf5_files_of_matlab_are_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "new.mat"
    for start in (b"MATLAB 7.3 MAT-file" + b" " * 600, b" " * 512 + b"\x89HDF\r\n\x1a\n"):
        path.write_bytes(start)
        with pytest.raises(WeightsError, match=re.escape("save('w.mat', 'w', '-v7')")):
            read(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (wlexpr("Graph"), "'weight' is no array of numbers"),
        slow({"w": wlexpr("Pi")}, "'w' is no array of numbers"),
        slow([[1, 2], [3]], "weight is a list of lists of unequal lengths."),
        slow(["a", "b"], "'weight' is no array of numbers"),
    ],
)
def test_wolfram_expressions_that_are_no_arrays(value: Any, message: str, tmp_path: Path) -> None:
    export(value, str(tmp_path / "some.wxf"), target_format="wxf")
    with pytest.raises(WeightsError, match=re.escape(message)):
        read(tmp_path / "some.wxf")


def test_wolfram_lists_are_arrays(tmp_path: Path) -> None:
    w = canonical(1, 1, "float64")
    export(w.tolist(), str(tmp_path / "list.wxf"), target_format="wxf")
    np.testing.assert_array_equal(read(tmp_path / "list.wxf").arrays["weight"], w, strict=True)


# Each damaged .mat file costs a process.
@pytest.mark.parametrize(
    "suffix",
    [pytest.param(s, marks=pytest.mark.slow) if s == ".mat" else s for s in SUFFIXES],
)
def test_damaged_files_are_one_error(
    suffix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if suffix == ".wxf":
        request.getfixturevalue("files_read_here")
    path = saved(tmp_path / f"whole{suffix}", {"w": np.arange(6.0).reshape(1, 2, 3)})
    whole = path.read_bytes()
    step = max(1, len(whole) // 60)
    flipped = (whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole)))
    cut = [whole[:length] for length in range(0, len(whole), step)]
    samples = [*cut, *flipped, b"\0" * 200, b"8:" + b"f\1" * 9999]
    if suffix == ".mat":
        samples = samples[::20]
    refused = 0
    for number, damaged in enumerate(samples):
        bad = tmp_path / f"bad{number}{suffix}"
        bad.write_bytes(damaged)
        try:
            read(bad)
        except WeightsError:
            refused += 1
    assert refused >= len(samples) // 12


@pytest.mark.slow
def test_crash_of_the_reader_is_one_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "crash.mat", {"w": np.arange(6.0).reshape(1, 2, 3)})
    data = bytearray(path.read_bytes())
    assert data[184] == 9  # The type of the elements: double.
    data[184] = 200
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"crash\.mat is no readable \.mat file: "):
        read(path)


def test_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out.npz"
    out.write_text("before")
    monkeypatch.setattr("harness.weights.files.write_array", fail)
    with pytest.raises(WeightsError, match="No space left on device"):
        write(out, Contents({"w": canonical(1, 1)}))
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


# Limits.


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pipe_is_refused_at_once(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"pipe{suffix}"
    os.mkfifo(path)
    with pytest.raises(WeightsError, match="cannot be read: it is a pipe or a device, not a file"):
        read(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_larger_than_any_of_weights_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"large{suffix}"
    with path.open("wb") as stream:
        stream.truncate((16 << 30) + 1)  # Sparse
    with pytest.raises(WeightsError, match="it is larger than 16384 MiB, the most that is read"):
        read(path)


ZEROS = bytes(1 << 20)


@pytest.mark.slow
def test_an_archive_that_unfolds_to_far_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(300):
            archive.writestr(f"{number}.npy", ZEROS)
    size = path.stat().st_size
    fact = f"would unfold to 300 MiB; with its size it may have {256 + 10 * size // (1 << 20)} MiB"
    with pytest.raises(WeightsError, match=fact):
        read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_which_a_block_unfolds_to_anything_are_refused(
    method: int, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "some.npz", "w", method) as archive:
        archive.writestr("w.npy", ZEROS)
    with pytest.raises(WeightsError, match=r"'w\.npy' is compressed as NumPy never does it"):
        read(tmp_path / "some.npz")


@pytest.mark.slow
def test_an_archive_holds_no_more_than_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "lie.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(300):
            archive.writestr(f"{number}.npy", ZEROS)
    honest, lie = (1 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(honest, lie))
    with pytest.raises(WeightsError, match=r"is no readable \.npz file|is no array of numbers"):
        read(path)


def header(shape: str) -> bytes:
    """Return the start of a ``.npy`` file."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "shape", ["(10**18,)", "(1000000000000000,)", "(-1,)", "(" * 300 + ")" * 300]
)
def test_a_header_that_lies_about_the_shape_is_one_error(shape: str, tmp_path: Path) -> None:
    (tmp_path / "w.npy").write_bytes(header(shape) + bytes(64))
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.write(tmp_path / "w.npy", "w.npy")
    for path in (tmp_path / "w.npy", tmp_path / "w.npz"):
        with pytest.raises(WeightsError, match="is no readable"):
            read(path)


def wxf(content: bytes) -> bytes:
    return b"8C:" + zlib.compress(content, 9)


@pytest.mark.slow
def test_a_small_file_cannot_fill_the_memory(tmp_path: Path) -> None:
    # A list of a million million small integers, as far as it says, and 400 MB of them.
    path = tmp_path / "bomb.mat"
    scipy.io.savemat(path, {"w": np.zeros(50 << 20)}, do_compression=True)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(WeightsError, match="it needs more memory than a file of its size may"):
        read(path)


@pytest.mark.slow
def test_a_small_file_cannot_take_long(tmp_path: Path) -> None:
    path = tmp_path / "long.wxf"
    path.write_bytes(wxf(b"f" + b"\xff\xff\xff\x7f" + b"s\x04List" + b"C\x01" * (20 << 20)))
    assert path.stat().st_size < 1 << 18
    message = "it takes more than 2 s of processor time|it needs more memory than"
    with pytest.raises(WeightsError, match=message):
        read(path)


@pytest.mark.slow
def test_deep_files_are_one_error(tmp_path: Path) -> None:
    (tmp_path / "deep.wxf").write_bytes(wxf(b"f\x01s\x04List" * 100_000 + b"C\x01"))
    with pytest.raises(WeightsError, match=r"is no readable \.wxf file: maximum recursion depth"):
        read(tmp_path / "deep.wxf")
    deep = {"w": np.zeros((1, 1))}
    for _ in range(300):
        deep = {"w": deep}  # type: ignore[dict-item]
    scipy.io.savemat(tmp_path / "deep.mat", deep)
    with pytest.raises(WeightsError, match="'w' is no array of numbers"):
        read(tmp_path / "deep.mat")
