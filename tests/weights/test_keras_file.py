"""Keras' files: both layouts, read in a process of their own; written for ``load_weights``."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from spoiling import spoilt
from weight_samples import Array, canonical

from harness.weights.arrays import Contents, Layer
from harness.weights.conversion import convert_file
from harness.weights.files import read, write
from harness.weights.layouts import WeightsError

W = canonical(2, 1, "float32").transpose(2, 3, 1, 0)
B = np.arange(5, dtype="float32")
here = pytest.mark.usefixtures("files_read_here")
CONFIG: dict[str, Any] = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": "Conv2D", "config": {"name": "first"}},
            {
                "class_name": "TimeDistributed",
                "config": {"layer": {"class_name": "Conv2DTranspose", "config": {"name": "up"}}},
            },
        ]
    },
}


def keras_2(path: Path, layers: Mapping[str, Mapping[str, Array]], group: str = "") -> Path:
    """Write what ``save_weights`` of Keras 2 does, or in a group what ``save`` does."""
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, arrays in layers.items():
            root.create_group(layer).attrs["weight_names"] = [name.encode() for name in arrays]
            for name, array in arrays.items():
                root[layer][name] = array
        if group:
            file.attrs["model_config"] = json.dumps(CONFIG)
            file["optimizer_weights/adam/iter:0"] = 3
            file["names"] = [b"text"]
    return path


LAYERS = {
    "zero": {"zero/kernel:0": W + 1, "zero/bias:0": B + 1},
    "up": {"up/kernel:0": W, "up/bias:0": B},
    "empty": {},
}


@here
@pytest.mark.parametrize("group", ["", "model_weights"])
def test_keras_2_in_the_order_of_its_layers(group: str, tmp_path: Path) -> None:
    contents = read(keras_2(tmp_path / "net.h5", LAYERS, group))
    names = ["zero/kernel:0", "zero/bias:0", "up/kernel:0", "up/bias:0"]
    assert [*contents.arrays][:4] == names
    np.testing.assert_array_equal(contents.arrays["up/kernel:0"], W, strict=True)
    if group:
        assert [*contents.arrays][4:] == ["optimizer_weights/adam/iter:0"]
        assert contents.layers == (Layer("up/kernel:0", "up/bias:0"),)
        assert contents.left_out == ("names",)
    else:
        assert contents.layers == ()


@here
def test_the_same_name_in_two_layers_is_told_apart(tmp_path: Path) -> None:
    layers = {"a": {"kernel:0": W}, "b": {"kernel:0": W + 1}}
    assert [*read(keras_2(tmp_path / "net.h5", layers)).arrays] == ["a/kernel:0", "b/kernel:0"]


def keras_3(path: Path, arrays: Mapping[str, Array]) -> Path:
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    if path.suffix == ".h5":
        path.write_bytes(stored.getvalue())
        return path
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(CONFIG))
        archive.writestr("model.weights.h5", stored.getvalue())
    return path


@here
@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_keras_3(name: str, tmp_path: Path) -> None:
    arrays = {f"layers/conv2d_{n}/vars/0": W + n for n in (1, 2, 10)}
    arrays |= {"layers/conv2d_transpose_1/vars/0": W, "layers/conv2d_transpose_1/vars/1": B}
    arrays |= {"layers/my_conv2d_transposes/vars/0": W}
    contents = read(keras_3(tmp_path / name, arrays))
    assert [*contents.arrays][:3] == [f"layers/conv2d_{n}/vars/0" for n in (1, 2, 10)]
    up = "layers/conv2d_transpose_1/vars/"
    assert contents.layers == (Layer(f"{up}0", f"{up}1"),)
    out = tmp_path / "out.safetensors"
    done = convert_file(tmp_path / name, out, "tensorflow", "pytorch")
    assert [(move.name, move.after) for move in done.moves] == [
        (f"{up}0", (4, 5, 7, 2)),
        (f"{up}1", (5,)),
    ]


@here
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_what_is_written_is_read(suffix: str, tmp_path: Path) -> None:
    names = ["up/vars/0", "up/vars/1", "a/b/vars/0"]
    arrays = dict(zip(names, [W, B, np.array(7)], strict=True))
    write(tmp_path / f"out{suffix}", Contents(arrays))
    with h5py.File(tmp_path / f"out{suffix}") as file:
        is_old = "layer_names" in file.attrs
    assert is_old == (suffix == ".h5")
    got = read(tmp_path / f"out{suffix}").arrays
    assert {*got} == {*names}
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array, strict=True)


def test_names_of_other_frameworks_are_layers_in_their_order(tmp_path: Path) -> None:
    arrays = {"z.up.weight": W, "z.up.bias": B, "a.weight": B, "weight": B}
    write(tmp_path / "out.h5", Contents(arrays))
    with h5py.File(tmp_path / "out.h5") as file:
        assert file.attrs["layer_names"].tolist() == [b"z.up", b"a", b"weight"]
        group = file["z.up"]
        assert group.attrs["weight_names"].tolist() == [b"z.up.weight", b"z.up.bias"]
        np.testing.assert_array_equal(group["z.up.weight"][()], W, strict=True)
    message = r"out\.weights\.h5: z\.up\.weight is no name that Keras gives in \.weights\.h5 files"
    with pytest.raises(WeightsError, match=message):
        write(tmp_path / "out.weights.h5", Contents(arrays))
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5"]


@here
def test_more_names_than_an_attribute_holds(tmp_path: Path) -> None:
    arrays = {f"{'layer' * 200}{number}.weight": B + number for number in range(70)}
    write(tmp_path / "out.h5", Contents(arrays))
    with h5py.File(tmp_path / "out.h5") as file:
        assert {"layer_names0", "layer_names1"} <= {*file.attrs}
    assert [*read(tmp_path / "out.h5").arrays] == [*arrays]


@here
def test_arrays_in_other_files_are_not_read(tmp_path: Path) -> None:
    secret = keras_2(tmp_path / "secret.h5", LAYERS)
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file["w"] = B
        file["far"] = h5py.ExternalLink(str(secret), "/up")
        file["soft"] = h5py.SoftLink("/w")
    assert [*read(tmp_path / "net.h5").arrays] == ["w"]
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.create_dataset("w", (4,), "f4", external=[(str(secret), 0, 16)])
    with pytest.raises(WeightsError, match="w is kept in another file, which is not read"):
        read(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "/up/up/bias:0", (5,))[:4]
        file.create_virtual_dataset("w", layout)
    with pytest.raises(WeightsError, match="w is kept in another file, which is not read"):
        read(tmp_path / "net.h5")


@here
def test_groups_inside_themselves_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.create_group("a")["w"] = B
        file["a"]["a"] = file["a"]
    assert [*read(tmp_path / "net.h5").arrays] == ["a/w"]


@here
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.h5", b"", "is no readable .h5 file"),
        ("net.h5", b"\x89HDF\r\n\x1a\n" + bytes(200), "is no readable .h5 file"),
        ("net.keras", b"no zip", "net.keras is no whole archive: File is not a zip file"),
    ],
)
def test_what_is_no_file_of_keras(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        read(tmp_path / name)


@here
def test_archive_without_weights(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(WeightsError, match=r"no item named 'model\.weights\.h5'"):
        read(tmp_path / "net.keras")


@pytest.mark.slow
def test_small_files_cannot_fill_the_memory(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net.h5", "w") as file:
        # Nothing of it is stored.
        file.create_dataset("w", (1 << 40,), "f4", chunks=(1 << 20,))
    with pytest.raises(WeightsError, match=r"more memory|allocate"):
        read(tmp_path / "net.h5")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(300 << 20))
    with pytest.raises(WeightsError, match="would unfold to 300 MiB"):
        read(tmp_path / "bomb.keras")


@pytest.mark.slow
def test_spoilt_files_are_read_or_refused(tmp_path: Path) -> None:
    whole = keras_2(tmp_path / "net.h5", LAYERS, "model_weights").read_bytes()
    refused = 0
    for content in spoilt(whole, 10):
        (tmp_path / "bad.h5").write_bytes(content)
        try:
            read(tmp_path / "bad.h5")
        except WeightsError as error:
            assert "\n" not in str(error)  # noqa: PT017 -- either will do
            refused += 1
    assert refused > 2
