"""Inputs of layers in Python, by the layers and the lines before them."""

from __future__ import annotations

import pytest

from harness.core.operators import Sizes
from harness.lookup.every import look_up_every
from harness.syntax.tree import SnippetError

IMPORTS = (
    "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
    "from collections import OrderedDict\nfrom tensorflow.keras import layers, Sequential, Model\n"
)
UP = "nn.ConvTranspose2d({}, 5, (4, 3), stride=(2, 1))"
X = "y = net(torch.randn(2, 6, 12, 9))"


def inputs(text: str) -> list[Sizes | None]:
    """The inputs of the layers of five channels, of which there is an answer."""
    looks = look_up_every(IMPORTS + text, to=["numpy"])
    readings = [each.reading for each in looks if not isinstance(each, SnippetError)]
    return [each.input for each in readings if each.operator.out_channels == 5]


# What stands between 6 channels of 12 x 9 and a layer, and what then comes into it.
TORCH: dict[str, Sizes] = {
    "nn.ReLU(True), nn.BatchNorm2d(6), nn.Dropout2d()": (6, 12, 9),
    "nn.Conv2d(6, 8, (5, 3), stride=(2, 1), padding=(1, 2))": (8, 5, 11),
    "nn.Conv2d(6, 8, 3, padding='same')": (8, 12, 9),
    "nn.Conv2d(6, 8, 3, 1, 'valid', dilation=(2, 3))": (8, 8, 3),
    "nn.MaxPool2d((2, 3))": (6, 6, 3),
    "nn.MaxPool2d(3, 2, 1, 2)": (6, 5, 4),
    "nn.AvgPool2d(3, stride=1)": (6, 10, 7),
    "nn.AdaptiveAvgPool2d((7, 5))": (6, 7, 5),
    "nn.Upsample(scale_factor=2.0)": (6, 24, 18),
    "nn.UpsamplingNearest2d(size=(7, 5))": (6, 7, 5),
    "nn.ZeroPad2d((1, 2, 3, 5))": (6, 20, 12),
    "nn.Conv2d(6, 24, 1), nn.PixelShuffle(2)": (6, 24, 18),
    "nn.Flatten(), nn.Linear(648, 60), nn.Unflatten(1, (5, 4, 3))": (5, 4, 3),
    "nn.Sequential(nn.Conv2d(6, 8, 3), nn.Sequential(nn.ReLU()))": (8, 10, 7),
    "nn.ConvTranspose2d(6, 7, 3, 2, 1, 1)": (7, 24, 18),
}


@pytest.mark.parametrize("between", TORCH)
def test_sizes_go_through_plain_layers_of_pytorch(between: str) -> None:
    shape = TORCH[between]
    text = f"net = nn.Sequential({between}, {UP.format(shape[0])})\n{X}"
    assert inputs(text) == [(1, *shape)]


KERAS: dict[str, Sizes] = {
    "layers.ReLU(), layers.BatchNormalization()": (6, 12, 9),
    "layers.Conv2D(8, (5, 3), strides=(2, 1))": (8, 4, 7),
    "layers.Conv2D(8, 3, strides=2, padding='same')": (8, 6, 5),
    "layers.Conv2D(8, 3, dilation_rate=(2, 3))": (8, 8, 3),
    "layers.MaxPooling2D()": (6, 6, 4),
    "layers.AveragePooling2D((2, 3), padding='same')": (6, 6, 3),
    "layers.Dense(7)": (7, 12, 9),
    "layers.UpSampling2D((2, 3))": (6, 24, 27),
    "layers.ZeroPadding2D(((1, 2), (3, 5)))": (6, 15, 17),
    "layers.Cropping2D(1)": (6, 10, 7),
    "layers.Flatten(), layers.Dense(60), layers.Reshape((4, 3, 7)), layers.ReLU()": (7, 4, 3),
    "layers.Conv2DTranspose(7, 3, strides=2, padding='same')": (7, 24, 18),
}
KERAS_UP = "layers.Conv2DTranspose(5, 3)"


@pytest.mark.parametrize("between", KERAS)
def test_sizes_go_through_plain_layers_of_keras(between: str) -> None:
    shape = (1, *KERAS[between])
    text = f"layers.Input((12, 9, 6)), {between}, {KERAS_UP}"
    assert inputs(f"net = Sequential([{text}])") == [shape]
    added = "\n".join(f"net.add({each})" for each in _split(f"{between}, {KERAS_UP}"))
    assert inputs(f"net = Sequential()\nnet.add(layers.Input((12, 9, 6)))\n{added}") == [shape]
    called = "\n".join(f"x = {each}(x)" for each in _split(f"{between}, {KERAS_UP}"))
    assert inputs(f"x = z = layers.Input(shape=(12, 9, 6))\n{called}\nm = Model(z, x)") == [shape]


def _split(layers: str) -> list[str]:
    return [f"layers.{each.strip(', ')}" for each in layers.split("layers.")[1:]]


def _module(init: str, forward: str) -> str:
    init, forward = (text.replace("\n", "\n    ") for text in (init, forward))
    return (
        f"class G(nn.Module):\n  def __init__(self):\n    super().__init__()\n    {init}\n"
        f"  def forward(self, z):\n    {forward}\n    return x"
    )


LINES: dict[str, list[Sizes | None]] = {
    _module(
        f"self.fc = nn.Linear(9, 96)\nself.up = {UP.format(8)}\nself.bn = nn.BatchNorm2d(8)",
        "x = self.fc(z).view(-1, 8, 4, 3)\nx = F.relu(self.bn(x))\nx = self.up(x)",
    ): [(1, 8, 4, 3)],
    _module(
        f"self.net = nn.Sequential({UP.format(8)}, nn.ReLU(), {UP.format(5)})",
        "x = torch.reshape(z, (z.shape[0], 8, 4, 3))\nx = self.net(x)",
    ): [(1, 8, 4, 3), (1, 5, 10, 5)],
    _module(
        f"self.up = {UP.format(8)}",
        "x = z.view(-1, 8, 4, 3)\nx = F.interpolate(x, scale_factor=2)\n"
        "x = F.max_pool2d(x, 2, stride=1)\nx = self.up(x)",
    ): [(1, 8, 7, 5)],
    f"net = nn.Sequential(OrderedDict([('a', nn.Conv2d(6, 8, 3)), ('b', {UP.format(8)})]))\n{X}": [
        (1, 8, 10, 7)
    ],
    f"net = nn.Sequential(*[nn.Conv2d(6, 8, 3), nn.ReLU()], {UP.format(8)})\n{X}": [(1, 8, 10, 7)],
    # What is not understood cuts the chain.
    f"net = nn.Sequential(*more, {UP.format(6)})\n{X}": [None],
    f"net = nn.Sequential(*[more(i) for i in range(n)], nn.ReLU(), {UP.format(6)})\n{X}": [None],
    f"net = nn.Sequential(Mine(6), {UP.format(6)})\n{X}": [None],
    f"class ReLU(nn.Module):\n  pass\nnet = nn.Sequential(ReLU(), {UP.format(6)})\n{X}": [None],
    f"from mine import Conv2d\nnet = nn.Sequential(Conv2d(6, 8, 3), {UP.format(8)})\n{X}": [None],
    f"net = nn.Sequential(nn.Conv2d(6, 8, k), {UP.format(8)})\n{X}": [None],
    f"net = nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), {UP.format(6)})\n{X}": [None],
    f"net = nn.Sequential(nn.MaxPool2d(99), {UP.format(6)})\n{X}": [None],
    _module(
        f"self.up = {UP.format(8)}",
        "x = z.view(-1, 8, 4, 3)\nx = torch.cat([x, x], 2)\nx = self.up(x)",
    ): [None],
    _module(
        f"self.up = {UP.format(8)}",
        "x = z.view(-1, 8, 4, 3)\nif z.a:\n  x = F.max_pool2d(x, 2)\nx = self.up(x)",
    ): [None],
    # Other channels: something between was not seen.
    f"net = nn.Sequential(nn.ReLU(), {UP.format(9)})\n{X}": [None],
    f"net = Sequential()\nnet.add(layers.Input((12, 9, 6)))\nmine(net)\nnet.add({KERAS_UP})": [],
    "x = f(x)\nx = g(x)\n" + f"x = {UP.format(6)}(x)": [None],
}


@pytest.mark.parametrize("text", LINES)
def test_lines_are_followed_as_far_as_they_are_understood(text: str) -> None:
    found = inputs(text)
    assert [each for each in found if each is not None] == [x for x in LINES[text] if x is not None]


@pytest.mark.slow
def test_work_is_bounded() -> None:
    layers = ", ".join(["nn.ReLU()"] * 3_000)
    assert inputs(f"net = nn.Sequential({layers}, {UP.format(6)})\n{X}") in (
        [None],
        [(1, 6, 12, 9)],
    )
    lines = "x = F.relu(x)\n" * 500
    assert inputs(f"x = torch.randn(2, 6, 12, 9)\n{lines}y = {UP.format(6)}(x)") == [None]
    nested = "nn.Sequential(" * 25 + UP.format(6) + ")" * 25
    assert inputs(f"net = {nested}\n{X}") == [(2, 6, 12, 9)]
