"""Whole models from every framework's own files to every other's: the same outputs, exactly.

Each framework saves a model with what it has for that, and loads ours with its own loader.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reality
from weight_samples import Array, loaded, native

import impl
from harness.weights.arrays import Contents, dtype_of
from harness.weights.conversion import convert_file
from harness.weights.files import read, write

pytestmark = pytest.mark.frameworks
DEFINITIONS = Path(__file__).parents[2] / "harness/frameworks/matlab/driver/definitions"
GROUPS = {"plain": 1, "grouped": 2}
NUMBERS = np.random.default_rng(1)


def integers(*shape: int) -> Array:
    return NUMBERS.integers(-4, 5, shape).astype("float32")


def directions() -> Array:
    """Return integers whose length over all axes but the first is an integer, too."""
    v = integers(4, 6, 3, 2).reshape(4, -1)
    v[:, 0] = 1 + (np.square(v[:, 1:-1]).sum(1)) % 2  # The sum of all squares but one is odd,
    v[:, 0] = np.where(np.square(v[:, :-1]).sum(1) % 2, v[:, 0], v[:, 0] + 1)
    v[:, -1] = (np.square(v[:, :-1]).sum(1) - 1) / 2  # and that one makes it a square.
    return v.reshape(4, 6, 3, 2)


V = directions()
X = integers(2, 4, 3, 2)
ARRAYS = {
    name: {
        "x": X,
        "v": V,
        "g": 2 * np.sqrt(np.square(V).sum((1, 2, 3), keepdims=True)),
        "w1": 2 * V,
        "b1": integers(6),
        "w2": integers(6, 4 // groups, 2, 3),
        "b2": integers(4),
    }
    for name, groups in GROUPS.items()
}


def expected(name: str) -> Array:
    given = {each: array.astype("float64") for each, array in ARRAYS[name].items()}
    between = impl.conv_transpose(given["x"], given["w1"], given["b1"], stride=2)
    return impl.conv_transpose(between, given["w2"], given["b2"], groups=GROUPS[name])


# The models, as people write them.  ``G`` is the number of groups of the second layer.
MODELS = {
    "pytorch": """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up1 = nn.ConvTranspose2d(4, 6, (3, 2), stride=2)
        self.up2 = nn.ConvTranspose2d(6, 4, (2, 3), groups=G)
    def forward(self, x):
        return self.up2(self.up1(x))
net = Net()
def output():
    with torch.no_grad():
        return net(torch.from_numpy(x)).numpy()
""",
    "tensorflow": """
import keras
net = keras.Sequential([
    keras.Input((3, 2, 4)),
    keras.layers.Conv2DTranspose(6, (3, 2), strides=2, name="up1"),
    keras.layers.Conv2DTranspose(4, (2, 3), name="up2"),
])
def output():
    return net(x.transpose(0, 2, 3, 1)).numpy().transpose(0, 3, 1, 2)
""",
    "mxnet": """
import mxnet as mx
from mxnet.gluon import nn
class Net(nn.Block):
    def __init__(self):
        super().__init__()
        self.up1 = nn.Conv2DTranspose(6, (3, 2), strides=(2, 2), in_channels=4)
        self.up2 = nn.Conv2DTranspose(4, (2, 3), groups=G, in_channels=6)
    def forward(self, x):
        return self.up2(self.up1(x))
net = Net()
def output():
    return net(mx.nd.array(x)).asnumpy()
""",
    "paddle": """
import paddle
from paddle import nn
class Net(nn.Layer):
    def __init__(self):
        super().__init__()
        self.up1 = nn.Conv2DTranspose(4, 6, (3, 2), stride=2)
        self.up2 = nn.Conv2DTranspose(6, 4, (2, 3), groups=G)
    def forward(self, x):
        return self.up2(self.up1(x))
net = Net()
def output():
    return net(paddle.to_tensor(x)).numpy()
""",
    "chainer": """
import chainer, chainer.links as L
class Net(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.up1 = L.Deconvolution2D(4, 6, (3, 2), stride=2)
            self.up2 = L.Deconvolution2D(6, 4, (2, 3), groups=G)
    def forward(self, x):
        return self.up2(self.up1(x))
net = Net()
def output():
    return net(x).array
""",
}
SAVE = {
    "pytorch": """
from torch.nn.utils import parametrizations, weight_norm
t = torch.from_numpy
with torch.no_grad():
    net.up1.weight.copy_(t(w1)); net.up1.bias.copy_(t(b1))
    net.up2.weight.copy_(t(w2)); net.up2.bias.copy_(t(b2))
    y = output()
    weight_norm(net.up1)
    net.up1.weight_v.copy_(t(v)); net.up1.weight_g.copy_(t(g))
    torch.save({"generator": net.state_dict(), "epoch": 3}, "PATH/NAME.pt")
    torch.save({"generator": net.state_dict()}, "PATH/NAME-old.pth",
               _use_new_zipfile_serialization=False)
    again = Net()
    again.load_state_dict({k: torch.zeros(p.shape) for k, p in again.state_dict().items()})
    parametrizations.weight_norm(again.up1)
    state = {**net.state_dict()}
    state["up1.parametrizations.weight.original0"] = state.pop("up1.weight_g")
    state["up1.parametrizations.weight.original1"] = state.pop("up1.weight_v")
    again.load_state_dict(state)
    torch.save(again.state_dict(), "PATH/NAME-new")
""",
    "tensorflow": """
net.set_weights([w1.transpose(2, 3, 1, 0), b1, w2.transpose(2, 3, 1, 0), b2])
y = output()
net.save("PATH/NAME.h5")
net.save("PATH/NAME.keras")
net.save_weights("PATH/NAME.weights.h5")
""",
    "mxnet": """
net.initialize()
net.up1.weight.set_data(mx.nd.array(w1)); net.up1.bias.set_data(mx.nd.array(b1))
net.up2.weight.set_data(mx.nd.array(w2)); net.up2.bias.set_data(mx.nd.array(b2))
y = output()
net.save_parameters("PATH/NAME.params")
""",
    "chainer": """
net.up1.W.array[...], net.up1.b.array[...] = w1, b1
net.up2.W.array[...], net.up2.b.array[...] = w2, b2
y = output()
chainer.serializers.save_npz("PATH/NAME.npz", net)
""",
}
# The lines that docs/weights.md shows; each leaves the output.
LOAD = {
    ("pytorch", ".pt"): """
net.load_state_dict(torch.load("FILE", weights_only=True), strict=True)
y = output()
""",
    ("tensorflow", ".h5"): """
net.load_weights("FILE")
y = output()
""",
    ("tensorflow", ".npz"): """
stored = np.load("FILE")
net.set_weights([stored[name] for name in stored.files])
y = output()
""",
    ("mxnet", ".params"): """
net.load_parameters("FILE")
y = output()
""",
    ("paddle", ".npz"): """
stored = np.load("FILE")
net.set_state_dict({name: stored[name] for name in stored.files})
y = output()
""",
    ("chainer", ".npz"): """
chainer.serializers.load_npz("FILE", net)
y = output()
""",
}
TARGETS = (*LOAD, ("matlab", ".mat"), ("wolfram", ".wxf"))
# What of each framework's files is read, and how: the key, and the pattern where none is told.
SOURCES = {
    "pytorch": [(".pt", "generator", "up?"), ("-old.pth", "generator", "up?"), ("-new", "", "up?")],
    "tensorflow": [(".h5", "sequential", "")],
    "mxnet": [(".params", "", "up?")],
    "chainer": [(".npz", "", "up?")],
}


def job(framework: str, name: str, text: str, folder: Path, file: Path | None = None) -> Any:
    text = f"G = {GROUPS[name]}\nimport numpy as np\n{MODELS[framework]}{text}"
    text = text.replace("PATH", str(folder)).replace("NAME", name).replace("FILE", str(file))
    arrays = {each: array.tolist() for each, array in ARRAYS[name].items()}
    return reality.Job(text, ("y",), arrays)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that each framework saved."""
    folder = tmp_path_factory.mktemp("models")
    for framework, text in SAVE.items():
        names = [name for name in GROUPS if GROUPS[name] == 1 or framework != "tensorflow"]
        answers = reality.run(framework, [job(framework, n, text, folder) for n in names])
        for name, answer in zip(names, answers, strict=True):
            assert "y" in answer, answer
            np.testing.assert_array_equal(answer["y"], expected(name), err_msg=framework)
    return folder


def pairs(name: str) -> list[tuple[str, str, str, str, str, str]]:
    return [
        (source, suffix, key, pattern, target, new)
        for source, files in SOURCES.items()
        for suffix, key, pattern in files
        for target, new in TARGETS
        if GROUPS[name] == 1 or "tensorflow" not in {source, target}
    ]


def converted(folder: Path, name: str) -> dict[tuple[str, str], list[Path]]:
    """Convert every file for every target."""
    files: dict[tuple[str, str], list[Path]] = {}
    for source, suffix, key, pattern, target, new in pairs(name):
        out = folder / f"{name}-{source}{suffix.replace('.', '-')}-{target}{new}"
        done = convert_file(
            folder / f"{name}{suffix}",
            out,
            source,
            target,
            key=key,
            patterns=[pattern] if pattern else [],
            groups=[("*up2*", GROUPS[name])],
            rest="drop",
            renames=True,
        )
        assert len(done.moves) == 4
        assert len(done.computed) == (source == "pytorch")
        files.setdefault((target, new), []).append(out)
    return files


@pytest.mark.parametrize("name", GROUPS)
def test_every_framework_computes_the_same_with_what_was_converted(name: str, folder: Path) -> None:
    files = converted(folder, name)
    for (target, suffix), text in LOAD.items():
        outs = files.get((target, suffix), [])
        for out, answer in zip(
            outs,
            reality.run(target, [job(target, name, text, folder, out) for out in outs]),
            strict=True,
        ):
            assert "y" in answer, (out, answer)
            np.testing.assert_array_equal(answer["y"], expected(name), err_msg=str(out))
    for out in files["wolfram", ".wxf"]:
        check_arrays(loaded(out), name, "wolfram")
    for out in files["matlab", ".mat"]:
        check_in_octave(out, name)


def test_the_lines_that_load_a_file_are_those_of_the_document() -> None:
    document = Path(__file__).parents[2].joinpath("docs/weights.md").read_text(encoding="utf-8")
    for text in (*LOAD.values(), ONE_BY_ONE):
        for line in text.split("\n"):
            call = line.partition("(")[0].partition(".")[2]
            assert call.rstrip(":") in document


def check_arrays(got: Mapping[str, Array], name: str, framework: str) -> None:
    assert [*got] == ["up1.weight", "up1.bias", "up2.weight", "up2.bias"]
    for number in ("1", "2"):
        groups = GROUPS[name] if number == "2" else 1
        w = native(ARRAYS[name][f"w{number}"], framework, groups)
        np.testing.assert_array_equal(got[f"up{number}.weight"], w)
        np.testing.assert_array_equal(got[f"up{number}.bias"], ARRAYS[name][f"b{number}"])


OCTAVE = """
addpath('DEFINITIONS'); load('FILE');
x = dlarray(permute(reshape([VALUES], [2 3 4 2]), [2 1 3 4]), 'SSCB');
y = dltranspconv(x, up1_weight, up1_bias, 'Stride', 2);
y = dltranspconv(y, up2_weight, up2_bias);
printf('%d ', permute(extractdata(y), [2 1 3 4]));
"""


def check_in_octave(out: Path, name: str) -> None:
    octave = shutil.which("octave-cli")
    assert octave, "there is no octave: apt-get install octave"
    text = OCTAVE.replace("DEFINITIONS", str(DEFINITIONS)).replace("FILE", str(out))
    text = text.replace("VALUES", " ".join(map(str, X.ravel())))
    command = [octave, "--norc", "--quiet", "--eval", text]
    answer = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    got = np.array([float(number) for number in answer.stdout.split()])
    np.testing.assert_array_equal(got.reshape(expected(name).shape), expected(name), err_msg=out)


def test_keras_3s_own_layout(folder: Path) -> None:
    for file in ("plain.keras", "plain.weights.h5"):
        contents = read(folder / file)
        assert len(contents.layers) == 2, [*contents.arrays]
        for layer, number in zip(contents.layers, "12", strict=True):
            w = native(ARRAYS["plain"][f"w{number}"], "tensorflow", 1)
            np.testing.assert_array_equal(contents.arrays[layer.weight], w, strict=True)
            assert layer.bias is not None
            np.testing.assert_array_equal(
                contents.arrays[layer.bias], ARRAYS["plain"][f"b{number}"], strict=True
            )
    # What Keras 3 named is written under the same names, and loaded by them.
    out = folder / "again.weights.h5"
    convert_file(folder / "plain.weights.h5", out, "tensorflow", "tensorflow")
    text = LOAD["tensorflow", ".h5"]
    (answer,) = reality.run("tensorflow", [job("tensorflow", "plain", text, folder, out)])
    assert "y" in answer, answer
    np.testing.assert_array_equal(answer["y"], expected("plain"))


ONE_BY_ONE = """
stored = np.load("FILE")
for name in ("up1", "up2"):
    net.get_layer(name).set_weights([stored[f"{name}.weight"], stored[f"{name}.bias"]])
y = output()
"""


def test_layers_of_keras_one_by_one(folder: Path) -> None:
    given, out = folder / "plain.pt", folder / "single.npz"
    convert_file(given, out, "pytorch", "tensorflow", key="generator", patterns=["up?"])
    (answer,) = reality.run("tensorflow", [job("tensorflow", "plain", ONE_BY_ONE, folder, out)])
    assert "y" in answer, answer
    np.testing.assert_array_equal(answer["y"], expected("plain"))


TYPES = """
import torch
state = torch.load("FILE", weights_only=True)
names = [*state]
y = [[str(tensor.dtype) == f"torch.{name}", tensor.float().sum().item()] if tensor.dtype not in
     (torch.complex64, torch.complex128) else [True, tensor.real.sum().item()]
     for name, tensor in state.items()]
torch.save({**state, "view": torch.arange(12.).view(3, 4).t()[1:]}, "FILE")
"""


def test_every_type_of_tensor(tmp_path: Path) -> None:
    names = ["float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "bool"]
    names += ["uint16", "uint32", "uint64", "complex64", "complex128"]
    arrays: dict[str, Array] = {name: np.array([[1, 0, 1]], name) for name in names}
    ones = np.array([0x3F80, 0, 0x3F80], "uint16").view(dtype_of("bfloat16"))
    arrays["bfloat16"] = ones
    arrays["float8_e4m3fn"] = np.array([0x38, 0, 0x38], "uint8").view(dtype_of("float8_e4m3fn"))
    write(tmp_path / "all.pt", Contents(arrays))
    text = TYPES.replace("FILE", str(tmp_path / "all.pt"))
    (answer,) = reality.run("pytorch", [reality.Job(text, ("y",), {})])
    assert answer == {"y": [[True, 2.0]] * len(arrays)}
    got = dict(read(tmp_path / "all.pt").arrays)
    np.testing.assert_array_equal(got.pop("view"), np.arange(12.0).reshape(3, 4).T[1:])
    assert [*got] == [*arrays]
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array, strict=True)
