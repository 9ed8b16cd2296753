"""MXNet's ``.params``: what is written is what is read; what is spoilt is one error."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from checkpoints import FLAGS, params
from spoiling import spoilt
from weight_samples import canonical, saved

from harness.weights.arrays import Contents
from harness.weights.conversion import convert_file
from harness.weights.files import read, write
from harness.weights.layouts import WeightsError

W = canonical(2, 1, "float32")


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("dtype", FLAGS)
def test_every_version_and_type(version: int, dtype: str, tmp_path: Path) -> None:
    arrays = {"arg:up_weight": (W % 2).astype(dtype), "aux:mean": np.arange(2).astype(dtype)}
    got = read(params(tmp_path / "net.params", arrays, version)).arrays
    assert [*got] == [*arrays]
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array, strict=True)


def test_what_is_written_is_what_mxnet_writes(tmp_path: Path) -> None:
    arrays = {"up.weight": W.transpose(3, 0, 2, 1), "ü": np.arange(3, dtype=">i8")}
    write(tmp_path / "net.params", Contents(arrays))
    whole = {name: np.ascontiguousarray(a, a.dtype.newbyteorder("<")) for name, a in arrays.items()}
    expected = params(tmp_path / "expected.params", whole)
    assert (tmp_path / "net.params").read_bytes() == expected.read_bytes()


def test_a_number_without_axes_gets_one(tmp_path: Path) -> None:
    saved(tmp_path / "net.npz", {"up.weight": W, "steps": np.array(7)})
    done = convert_file(tmp_path / "net.npz", tmp_path / "net.params", "pytorch", "mxnet")
    assert done.notes[-1] == "with one axis, as a .params file has none without: steps."
    got = read(tmp_path / "net.params").arrays["steps"]
    np.testing.assert_array_equal(got, np.array([7]), strict=True)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros(3, "complex64"),
            r"w is complex64, which a \.params file cannot hold; convert it",
        ),
        (np.zeros(3, "uint16"), r"w is uint16, which a \.params file cannot hold"),
        (np.zeros(3, [("BF16", "V2")]), r"w is BF16, which \.safetensors and \.pt files alone"),
    ],
)
def test_what_it_cannot_hold(array: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=message):
        write(tmp_path / "net.params", Contents({"w": array}))
    assert list(tmp_path.iterdir()) == []


START = struct.pack("<QQQ", 0x112, 0, 1)
V2, V3 = 0xF993FAC9, 0xF993FACA


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin as"),
        (bytes(100), "does not begin as"),
        (struct.pack("<QQQ", 0x112, 0, 1 << 60), "it says to hold 1152921504606846976 arrays"),
        (START, "it ends 4 bytes too early"),
        (START + struct.pack("<Iii", V2, 1, 2), r"a sparse array \(storage type 1\)"),
        (START + struct.pack("<Iii", V2, 0, 0), "an array without a shape"),
        (START + struct.pack("<Iii", V3, 0, -1), "an array without a shape"),
        (START + struct.pack("<Iii", V2, 0, 1000), "1000 axes"),
        (START + struct.pack("<I", 1000), "1000 axes"),
        (START + struct.pack("<Iii2qiii", V2, 0, 2, 1 << 40, 1 << 40, 1, 0, 0), "bytes too early"),
        (START + struct.pack("<Iii2qiii", V2, 0, 2, -1, 4, 1, 0, 0), r"shape \(-1, 4\) and type 0"),
        (START + struct.pack("<Iiiqiii", V2, 0, 1, 1, 1, 0, 99), r"shape \(1,\) and type 99"),
        (START + struct.pack("<IiiqiiiB", V2, 0, 1, 1, 1, 0, 3, 7), "bytes too early"),
        (START + struct.pack("<IiiqiiiBQ", V2, 0, 1, 1, 1, 0, 3, 7, 2), "bytes too early"),
        (START + struct.pack("<IiiqiiiBQQ", V2, 0, 1, 1, 1, 0, 3, 7, 1, 1 << 50), "a name of"),
        (
            START + struct.pack("<IiiqiiiBQQBB", V2, 0, 1, 1, 1, 0, 3, 7, 1, 1, 97, 0),
            "1 bytes follow",
        ),
    ],
)
def test_damaged_files(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.params").write_bytes(content)
    with pytest.raises(WeightsError, match=f"net.params is no readable .params file: .*{message}"):
        read(tmp_path / "net.params")


def test_names_that_are_missing_or_twice(tmp_path: Path) -> None:
    whole = params(tmp_path / "net.params", {"a": W[0, 0, 0], "b": W[0, 0, 1]}).read_bytes()
    (tmp_path / "net.params").write_bytes(whole[:-26] + bytes(8))
    assert [*read(tmp_path / "net.params").arrays] == ["0", "1"]
    (tmp_path / "net.params").write_bytes(whole[:-1] + b"a")
    with pytest.raises(WeightsError, match="2 arrays and 1 different names"):
        read(tmp_path / "net.params")


def test_spoilt_files_are_read_or_refused(tmp_path: Path) -> None:
    arrays = {"up.weight": W[:1, :1], "up.bias": np.arange(5)}
    whole = params(tmp_path / "net.params", arrays).read_bytes()
    refused = 0
    for content in spoilt(whole, 300):
        (tmp_path / "bad.params").write_bytes(content)
        try:
            read(tmp_path / "bad.params")
        except WeightsError as error:
            assert "\n" not in str(error)  # noqa: PT017 -- either will do
            refused += 1
    assert refused > 150
