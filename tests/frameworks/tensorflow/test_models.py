"""Configurations of Keras's models, of all ages, are read as the layers' own calls."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.frameworks.tensorflow import hdf5_reader
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model


def layer(kind: str, name: str, /, **config: Any) -> Any:
    return {"class_name": kind, "config": {"name": name, **config}}


UP = {
    "filters": 6,
    "kernel_size": [4, 3],
    "strides": [2, 1],
    "padding": "same",
    "output_padding": None,
    "data_format": "channels_last",
    "dilation_rate": [1, 1],
    "groups": 1,
    "activation": "linear",
    "use_bias": False,
    "dtype": "float32",
    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
    "bias_initializer": {"class_name": "Zeros", "config": {}},
    **dict.fromkeys(("kernel_regularizer", "bias_regularizer", "kernel_constraint")),
    "trainable": True,
}
OPERATOR = Operator.of(5, 6, (4, 3), stride=(2, 1), crop=((1, 1), (1, 1)), bias=False)


def up(name: str = "up", **config: Any) -> Any:
    return layer("Conv2DTranspose", name, **UP | config)


def sequential(*layers: Any, name: str = "sequential") -> Any:
    return layer("Sequential", name, layers=list(layers))


def read(folder: Path, config: Any) -> list[Any]:
    path = folder / "model.json"
    path.write_text(json.dumps(config))
    assert is_model(path)
    return read_model(path, "model.json", ["pytorch"])


@pytest.mark.parametrize(
    "before",
    [
        [layer("InputLayer", "in", batch_input_shape=[None, 8, 8, 5])],
        [layer("Conv2D", "conv", filters=5), layer("LeakyReLU", "relu")],
        [layer("Reshape", "r", target_shape=[4, 4, 5]), layer("UpSampling2D", "u")],
    ],
)
def test_channels_are_those_of_the_layers_before(before: list[Any], tmp_path: Path) -> None:
    (look,) = read(tmp_path, sequential(*before, up()))
    assert isinstance(look, LookUp)
    assert (look.reading.name, look.reading.operator) == ("up", OPERATOR)
    assert (look.reading.notes, look.reading.framework) == ((), "tensorflow")
    assert look.translations[0].weights.before == "HWOI"


def test_channels_that_no_layer_shows_stay_a_name(tmp_path: Path) -> None:
    (look,) = read(tmp_path, sequential(layer("Add", "add"), up()))
    assert look.names == ("in_channels",)


def test_a_functional_model_of_keras_2_follows_its_nodes(tmp_path: Path) -> None:
    layers = [
        layer("Conv2D", "a", filters=5) | {"inbound_nodes": []},
        layer("Conv2D", "b", filters=9) | {"inbound_nodes": [[["a", 0, 0, {}]]]},
        up() | {"inbound_nodes": [[["a", 0, 0, {}]]]},
    ]
    (look,) = read(tmp_path, layer("Model", "model", layers=layers))
    assert look.reading.operator == OPERATOR


def test_models_and_wrappers_inside(tmp_path: Path) -> None:
    inner = sequential(up("first", input_dim=5), name="inner")
    wrapped = layer("TimeDistributed", "td", layer=up("second", batch_input_shape=[2, 7, 7, 5]))
    every = read(tmp_path, sequential(inner, wrapped))
    assert [look.reading.name for look in every] == ["inner/first", "td/second"]
    assert {look.reading.operator for look in every} == {OPERATOR}
    assert [look.reading.input for look in every] == [None, (2, 5, 7, 7)]


def test_the_oldest_sequential_and_tensorflow_js(tmp_path: Path) -> None:
    old = {"class_name": "Sequential", "config": [up(batch_input_shape=[None, 8, 8, 5])]}
    for config in (
        old,
        {"format": "layers-model", "modelTopology": {"model_config": old}},
        {"modelTopology": old, "weightsManifest": []},
    ):
        (look,) = read(tmp_path, config)
        assert (look.reading.operator, look.reading.input) == (OPERATOR, (1, 5, 8, 8))


def test_what_of_a_layer_is_no_default_is_noted(tmp_path: Path) -> None:
    drawn = {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.02, "seed": None}}
    config: Any = {"activation": "tanh", "kernel_initializer": drawn, "novel": 3, "input_dim": 5}
    (look,) = read(tmp_path, sequential(up(**config)))
    assert look.reading.training.weights.scale == pytest.approx(0.0004)
    assert [note[:18] for note in look.reading.notes] == [
        *("novel: a setting t", "activation 'tanh' ", "The text says how "),
    ]


def test_what_is_no_layer_of_keras_is_refused(tmp_path: Path) -> None:
    own = layer("Block", "block", units=3) | {"registered_name": "Own>Block", "module": None}
    config = sequential(
        layer("SNConv2DTranspose", "sn"), own, up("old", nb_filter=6), up("bad", input_dim=5)
    )
    config["config"]["layers"][-1]["config"] |= {"strides": [2, 2], "dilation_rate": [2, 1]}
    every = read(tmp_path, config)
    assert all(isinstance(each, NodeError) for each in every)
    assert [str(each).partition(",")[0][:66] for each in every] == [
        "sn: SNConv2DTranspose is no layer of Keras's that is known here: l",
        "block: Block is a class of its project",
        "old: it is saved by Keras 1",
        "bad: Keras refuses strides [2",
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"registered_name": "Own>Conv2DTranspose", "module": None},
        {"registered_name": None, "module": "own.layers"},
    ],
)
def test_a_class_of_the_project_may_have_the_name_of_a_layer(
    said: dict[str, Any], tmp_path: Path
) -> None:
    (refused,) = read(tmp_path, sequential(up(input_dim=5) | said))
    assert str(refused).startswith("up: Conv2DTranspose is no layer of Keras's that is known here")
    plain = {"registered_name": "Conv2DTranspose", "module": "keras.layers"}
    (look,) = read(tmp_path, sequential(up(input_dim=5) | plain))
    assert look.reading.operator == OPERATOR


def kept(folder: Path, *arrays: str, config: Any = None) -> Path:
    path = folder / "model.h5"
    with h5py.File(path, "w") as file:
        for name in arrays:
            file[name] = np.zeros((4, 3, 6, 5), np.float32)
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
        file.attrs["layer_names"] = ["up"]
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
    return path


def test_hdf5_has_channels_in_its_weights(tmp_path: Path) -> None:
    path = kept(tmp_path, "model_weights/up/up/kernel:0", config=sequential(up()))
    assert is_model(path)
    (look,) = read_model(path, "model.h5")
    assert isinstance(look, LookUp)
    assert look.reading.operator == OPERATOR


def test_hdf5_of_weights_alone_is_one_error(tmp_path: Path) -> None:
    path = kept(tmp_path, "up/kernel:0", "layers/conv/vars/0")
    with pytest.raises(InputError) as caught:
        read_model(path, "model.h5")
    said = str(caught.value)
    assert said.startswith("model.h5 holds arrays alone: stride, padding and the like of its lay")
    assert "  up/kernel:0 (4, 3, 6, 5): 5 -> 6 channels, kernel 4x3\n" in said
    assert said.endswith("add weight 5,6,4,3 where it leaves sizes open.")


def test_hdf5_that_is_damaged_is_one_error(tmp_path: Path) -> None:
    path = kept(tmp_path, "up/kernel:0")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"model\.h5 is no whole HDF5 file: Unable to"):
        read_model(path, "model.h5")


def test_hdf5_that_its_library_crashes_over_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "crashing.py"
    crashing.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(hdf5_reader, "__file__", str(crashing))
    with pytest.raises(InputError, match="HDF5's library crashed over it"):
        read_model(kept(tmp_path, "a"), "model.h5")


def test_data_in_hdf5_are_no_model(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((2, 2))
    assert not is_model(path)


def test_an_archive_that_unfolds_to_too_much(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * (17 << 20))
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match=r"config\.json unfolds to more than 16 MiB"):
        read_model(path, "model.keras")


def test_an_archive_without_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
    with pytest.raises(InputError, match=r"there is no config\.json in the archive\."):
        read_model(path, "model.keras")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"model\.keras is no whole archive: File is not a zip"):
        read_model(path, "model.keras")


def test_layers_in_layers_end(tmp_path: Path) -> None:
    config = up()
    for _ in range(60):
        config = layer("TimeDistributed", "td", layer=config)
    with pytest.raises(InputError, match="or 40 in layers"):
        read(tmp_path, config)
