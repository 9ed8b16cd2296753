"""Files that PyTorch saves are read as what their layers compute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from model_files import assert_computes, looked_up, saved

from harness.core.errors import InputError
from harness.lookup.models import read_model

pytestmark = pytest.mark.frameworks

MODELS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        more = {"padding": (1, 0), "output_padding": (0, 1)}
        self.up = nn.ConvTranspose2d(6, 4, (4, 3), stride=(2, 3), groups=2, **more)
        last = nn.ConvTranspose2d(4, 3, (3, 2), dilation=(2, 1), stride=(1, 2), bias=False)
        self.tail = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), last)

    def forward(self, x):
        return self.tail(self.up(x))

class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.deep = nn.ConvTranspose3d(2, 3, (1, 2, 3), stride=(2, 1, 2), padding=(0, 1, 1))
        self.line = nn.ConvTranspose1d(3, 4, 5, stride=3, padding=2)

    def forward(self, x):
        y = self.deep(x)
        return self.line(y.flatten(2))

def keep_layer(name, layer, x):
    arrays = {} if layer.bias is None else {"b": layer.bias.detach()}
    keep(name, x=x.detach(), w=layer.weight.detach(), y=layer(x).detach(), **arrays)

net, line = Net().eval(), Line().eval()
for each in (net, line):
    for weights in each.parameters():
        weights.data = torch.from_numpy(fill(*weights.shape))
x = torch.from_numpy(fill(1, 6, 5, 7))
keep_layer("up", net.up, x)
keep_layer("tail.2", net.tail[2], torch.from_numpy(fill(1, 4, 10, 22)))
deep = torch.from_numpy(fill(1, 2, 3, 4, 5))
keep_layer("deep", line.deep, deep)
keep_layer("line", line.line, torch.from_numpy(fill(1, 3, 135)))
for name, model, given in (("net", net, x), ("line", line, deep)):
    traced = torch.jit.trace(model, given)
    traced.save(f"{name}-traced.pt")
    torch.jit.freeze(traced).save(f"{name}-frozen.pt")
    torch.jit.script(model).save(f"{name}-scripted.pt")
    torch.export.save(torch.export.export(model, (given,)), f"{name}-exported.pt2")
    lowered = torch.export.export(model, (given,)).run_decompositions()
    torch.export.save(lowered, f"{name}-lowered.pt2")
    torch.save(model, f"{name}-whole.pth")
torch.save({"state": net.state_dict(), "epoch": 3}, "weights.pt")
torch.save(net.state_dict(), "old.pth", _use_new_zipfile_serialization=False)
"""
LAYERS = [("net", ["up", "tail.2"]), ("line", ["deep", "line"])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def kept(folder: Path) -> Mapping[str, Any]:
    return saved("pytorch", MODELS, folder)


@pytest.mark.parametrize(
    ("way", "suffix"),
    [
        *(("traced", "pt"), ("scripted", "pt"), ("whole", "pth")),
        *(("exported", "pt2"), ("lowered", "pt2")),
    ],
)
@pytest.mark.parametrize(
    ("model", "nodes"), [("net", ["up", "tail.2"]), ("line", ["deep", "line"])]
)
def test_every_layer(
    model: str, nodes: list[str], way: str, suffix: str, folder: Path, kept: Mapping[str, Any]
) -> None:
    looks = looked_up(folder / f"{model}-{way}.{suffix}")
    assert [look.reading.name for look in looks] == nodes
    for look in looks:
        assert look.reading.framework == "pytorch"
        assert (look.reading.input is not None) == (suffix == "pt2")
        assert_computes(look, kept, look.reading.name)


@pytest.mark.parametrize(
    ("model", "layers"), [("net", ["up", "tail.2"]), ("line", ["deep", "line"])]
)
def test_a_frozen_program_has_its_weights_among_its_constants(
    model: str, layers: list[str], folder: Path, kept: Mapping[str, Any]
) -> None:
    for look, name in zip(looked_up(folder / f"{model}-frozen.pt"), layers, strict=True):
        assert_computes(look, kept, name)


@pytest.mark.parametrize(("file", "prefix"), [("weights.pt", "state."), ("old.pth", "")])
def test_weights_alone_say_their_shapes(
    file: str, prefix: str, folder: Path, kept: Mapping[str, Any]
) -> None:
    assert kept
    with pytest.raises(InputError) as caught:
        read_model(folder / file, file)
    assert str(caught.value).splitlines()[1:-1] == [
        f"  {prefix}up.weight (6, 2, 4, 3): 6 -> 4 channels, kernel 4x3, 2 groups",
        # A convolution with as many inputs as outputs cannot be told from one.
        f"  {prefix}tail.0.weight (4, 4, 1, 1): 4 -> 4 channels, kernel 1x1",
        f"  {prefix}tail.2.weight (4, 3, 3, 2): 4 -> 3 channels, kernel 3x2",
    ]
