"""Models that Keras and LiteRT's converter save: read as what their layers compute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from model_files import assert_computes, looked_up, saved

pytestmark = pytest.mark.frameworks

MODELS = """
import keras, tensorflow as tf
from keras import layers as L

def channels_first(a):
    return np.moveaxis(np.asarray(a), -1, 1)

def fill_weights(layer):
    layer.set_weights([fill(*w.shape) for w in layer.get_weights()])

def keep_layer(name, layer, *in_size):
    x = fill(1, *in_size)
    w, *b = layer.get_weights()
    own = {"b": b[0]} if b else {}
    y = layer(x)
    keep(name, x=channels_first(x), w=np.moveaxis(w, (-1, -2), (0, 1)), y=channels_first(y), **own)

up1 = L.Conv2DTranspose(4, (4, 3), strides=(2, 3), padding="same", name="up1")
more = {"padding": "same", "output_padding": (1, 0)}
odd = L.Conv2DTranspose(3, (3, 3), strides=(2, 1), name="odd", **more)
up2 = L.Conv2DTranspose(2, (3, 5), strides=(1, 6), padding="valid", use_bias=False, name="up2")
inner = keras.Sequential([L.Input((24, 15, 3)), L.ReLU(), up2], name="inner")
start = keras.Input((6, 5, 5), name="z")
model = keras.Model(start, inner(odd(up1(start))))
td = L.Conv2DTranspose(3, 3, dilation_rate=1, strides=2, name="td_conv")
up3 = L.Conv3DTranspose(2, (2, 3, 1), strides=(2, 1, 2), name="up3", padding="same")
times = keras.Sequential([L.Input((2, 3, 4, 3)), L.TimeDistributed(td, name="td"), up3])
line = keras.Sequential([L.Input((7, 4)), L.Conv1DTranspose(3, 4, strides=3, name="up4")])
for each in (up1, odd, up2, td, up3, line.layers[0]):
    fill_weights(each)
keep_layer("up1", up1, 6, 5, 5)
keep_layer("odd", odd, 12, 15, 4)
keep_layer("up2", up2, 24, 15, 3)
keep_layer("td_conv", td, 3, 4, 3)
keep_layer("up3", up3, 2, 7, 9, 3)
keep_layer("up4", line.layers[0], 7, 4)
for name, each in (("model", model), ("times", times), ("line", line)):
    each.save(f"{name}.keras")
    each.save(f"{name}.h5")
    with open(f"{name}.json", "w") as file:
        file.write(each.to_json())
model.save_weights("model.weights.h5")

def convert(name, function, x, w, b=None):
    # What LiteRT's own interpreter computes is kept.
    made = tf.function(function, input_signature=[tf.TensorSpec(x.shape)])
    concrete = made.get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], made).convert()
    with open(f"{name}.tflite", "wb") as file:
        file.write(content)
    runner = tf.lite.Interpreter(model_content=content)
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], x)
    runner.invoke()
    y = runner.get_tensor(runner.get_output_details()[0]["index"])
    own = {} if b is None else {"b": b}
    w = np.moveaxis(w, (-1, -2), (0, 1))
    keep(name, x=channels_first(x), w=w, y=channels_first(y), **own)

w = fill(4, 3, 3, 2)
for padding, size in (("SAME", [1, 7, 14, 3]), ("VALID", [1, 11, 17, 3])):
    conv = lambda x: tf.nn.conv2d_transpose(x, w, size, strides=(2, 3), padding=padding)
    convert(padding.lower(), conv, fill(1, 4, 5, 2), w)
biased = lambda x: tf.nn.bias_add(tf.nn.conv2d_transpose(x, w, [1, 8, 15, 3], (2, 3)), fill(3))
convert("biased", biased, fill(1, 4, 5, 2), w, fill(3))
w3 = fill(2, 3, 2, 4, 3)
deep = lambda x: tf.nn.conv3d_transpose(x, w3, [1, 4, 9, 6, 4], strides=(2, 3, 1))
convert("deep", deep, fill(1, 2, 3, 6, 3), w3)
any_batch = keras.Model(start, up1(start))
with open("up1.tflite", "wb") as file:
    file.write(tf.lite.TFLiteConverter.from_keras_model(any_batch).convert())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def kept(folder: Path) -> Mapping[str, Any]:
    return saved("tensorflow", MODELS, folder)


@pytest.mark.parametrize("suffix", ["keras", "h5", "json"])
@pytest.mark.parametrize(
    ("model", "nodes"),
    [
        ("model", ["up1", "odd", "inner/up2"]),
        ("times", ["td/td_conv", "up3"]),
        ("line", ["up4"]),
    ],
)
def test_every_layer_of_a_keras_model(
    model: str, nodes: list[str], suffix: str, folder: Path, kept: Mapping[str, Any]
) -> None:
    looks = looked_up(folder / f"{model}.{suffix}")
    assert [look.reading.name for look in looks] == nodes
    for look in looks:
        assert look.reading.framework == "tensorflow"
        assert_computes(look, kept, look.reading.name.rpartition("/")[2])


@pytest.mark.parametrize("name", ["up1", "same", "valid", "biased", "deep"])
def test_every_operator_of_litert(name: str, folder: Path, kept: Mapping[str, Any]) -> None:
    (look,) = looked_up(folder / f"{name}.tflite")
    assert look.translations[0].weights.before == {"deep": "DHWOI"}.get(name, "OHWI")
    assert_computes(look, kept, name)
