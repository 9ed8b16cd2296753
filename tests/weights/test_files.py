"""Files of weights: what is written is what is read, and what is wrong is one error."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from weight_samples import SUFFIXES, canonical, loaded, saved
from wolframclient.language import wlexpr
from wolframclient.serializers import export

from harness.weights.files import Contents, read, write
from harness.weights.layouts import WeightsError


@pytest.mark.usefixtures("mat_files_read_here")
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
        ({"w": wlexpr("Pi")}, "'w' is no array of numbers"),
        ([[1, 2], [3]], "weight is a list of lists of unequal lengths."),
        (["a", "b"], "'weight' is no array of numbers"),
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
def test_damaged_files_are_one_error(suffix: str, tmp_path: Path) -> None:
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
