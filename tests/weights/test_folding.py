"""Weights that PyTorch keeps in parts: what they become, as PyTorch itself computes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import reality
from weight_samples import Array, canonical, loaded, native, saved

from harness.weights.conversion import convert_file
from harness.weights.layouts import WeightsError

# Each layer's state and, as ``whole.weight`` and ``whole.bias``, what it computes with.
LAYERS = """
import numpy as np, torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

def trained(layer, size):
    for _ in range(5):
        layer.zero_grad()
        layer(torch.randn(size)).square().mean().backward()
        with torch.no_grad():  # An optimizer would import a compiler, for a second.
            for parameter in layer.parameters():
                parameter -= 0.05 * parameter.grad
    return layer.eval()

def pruned(layer):
    return prune.random_unstructured(prune.l1_unstructured(layer, "weight", 0.3), "bias", 0.4)

torch.manual_seed(5)
square, wide, grouped = (4, 4, 3, 2), (6, 4, (3, 2)), (6, 8, 3, 2, 1, 0, 2)
made = {
    "weight_norm": (weight_norm(nn.ConvTranspose2d(*wide)), (2, 6, 5, 5)),
    "weight_norm_1d": (weight_norm(nn.ConvTranspose1d(6, 4, 16, 8, 4)), (2, 6, 5)),
    "weight_norm_dim_1": (weight_norm(nn.ConvTranspose3d(6, 4, 2), dim=1), (2, 6, 3, 3, 3)),
    "weight_norm_of_all": (weight_norm(nn.ConvTranspose2d(*wide), dim=None), (2, 6, 5, 5)),
    "weight_norm_one_channel": (weight_norm(nn.ConvTranspose2d(1, 4, 3)), (2, 1, 5, 5)),
    "weight_norm_grouped": (weight_norm(nn.ConvTranspose2d(*grouped)), (2, 6, 5, 5)),
    "new_weight_norm": (parametrizations.weight_norm(nn.ConvTranspose2d(*wide)), (2, 6, 5, 5)),
    "new_weight_norm_of_both": (
        parametrizations.weight_norm(
            parametrizations.weight_norm(nn.ConvTranspose2d(*wide)), "bias"
        ),
        (2, 6, 5, 5),
    ),
    "spectral": (spectral_norm(nn.ConvTranspose2d(*wide)), (2, 6, 5, 5)),
    "spectral_square": (spectral_norm(nn.ConvTranspose2d(*square)), (2, 4, 5, 5)),
    "spectral_square_dim_0": (spectral_norm(nn.ConvTranspose2d(*square), dim=0), (2, 4, 5, 5)),
    "spectral_1d": (spectral_norm(nn.ConvTranspose1d(4, 4, 4, 2)), (2, 4, 5)),
    "spectral_kernel": (spectral_norm(nn.ConvTranspose2d(4, 4, 4), dim=2), (2, 4, 5, 5)),
    "new_spectral": (parametrizations.spectral_norm(nn.ConvTranspose2d(*wide)), (2, 6, 5, 5)),
    "new_spectral_square_dim_0": (
        parametrizations.spectral_norm(nn.ConvTranspose3d(4, 4, 2), dim=0), (2, 4, 3, 3, 3)
    ),
    "new_spectral_grouped": (
        parametrizations.spectral_norm(nn.ConvTranspose2d(*grouped)), (2, 6, 5, 5)
    ),
    "pruned": (pruned(nn.ConvTranspose2d(*wide)), (2, 6, 5, 5)),
    "no_bias": (weight_norm(nn.ConvTranspose2d(6, 4, 3, bias=False)), (2, 6, 5, 5)),
    "plain": (nn.ConvTranspose2d(*wide), (2, 6, 5, 5)),
}
state = {}
for name, (layer, size) in made.items():
    layer = trained(layer, size)
    layer(torch.randn(size))
    state |= {f"{name}/net.{key}": value.numpy() for key, value in layer.state_dict().items()}
    for attribute in ("weight", "bias"):
        if getattr(layer, attribute) is not None:
            state[f"{name}/whole.{attribute}"] = getattr(layer, attribute).detach().numpy()
np.savez(PATH, **state)
"""
GROUPED = {"weight_norm_grouped", "new_spectral_grouped"}
# Each .mat file is read in a process of its own: one for each way to keep parts, and each rank.
IN_MATLAB_FILES = {
    *("weight_norm_1d", "weight_norm_of_all", "new_weight_norm_of_both", "spectral"),
    *("new_spectral_square_dim_0", "pruned"),
}


@pytest.mark.frameworks
def test_every_array_is_what_pytorch_computes_with(tmp_path: Path) -> None:
    path = tmp_path / "layers.npz"
    text = LAYERS.replace("PATH", repr(str(path)))
    assert reality.run("pytorch", [reality.Job(text, (), {})]) == [{}]
    layers: dict[str, dict[str, Array]] = {}
    for name, array in loaded(path).items():
        layer, _, key = name.partition("/")
        layers.setdefault(layer, {})[key] = array
    assert len(layers) == 19
    assert set(layers) > IN_MATLAB_FILES
    for layer, arrays in layers.items():
        whole = {name: arrays.pop(name) for name in list(arrays) if name.startswith("whole.")}
        for suffix in (".npz", ".safetensors", ".mat"):
            groups = 2 if layer in GROUPED else 1
            # MATLAB has no dots in names, and other brackets for vectors.
            names = {name: name.replace(".", "_") if suffix == ".mat" else name for name in arrays}
            given = {names[name]: np.ascontiguousarray(array) for name, array in arrays.items()}
            file, out = saved(tmp_path / f"given{suffix}", given), tmp_path / "out.npz"
            if suffix == ".mat" and layer not in IN_MATLAB_FILES:
                continue
            rank = whole["whole.weight"].ndim - 2
            done = convert_file(file, out, "pytorch", "tensorflow", groups=groups, rank=rank)
            got = loaded(out)
            assert {name.replace("_", ".") for name in got} == {
                name.replace("whole", "net") for name in whole
            }, layer
            expected = native(whole["whole.weight"], "tensorflow", groups)
            weight, *bias = (move.name for move in done.moves)
            np.testing.assert_allclose(got[weight], expected, rtol=3e-6, atol=1e-7, err_msg=layer)
            assert got[weight].dtype == np.float32
            for name in bias:
                np.testing.assert_allclose(
                    got[name].ravel(), whole["whole.bias"], rtol=3e-6, err_msg=layer
                )
            assert (len(done.computed) == 0) == (layer == "plain")


V = np.array([[[3.0, 4.0], [0.0, 2.0]], [[1.0, 2.0], [2.0, 4.0]]], "float32")


def test_the_arithmetic_is_written(tmp_path: Path) -> None:
    arrays = {
        "up.weight_v": V,
        "up.weight_g": np.array([29.0**0.5, 10.0], "float32").reshape(2, 1, 1),
        "up.bias": np.arange(2.0),
        "down.weight_g": np.ones((4, 1, 1)),
        "down.weight_v": np.ones((4, 3)),
    }
    given, out = saved(tmp_path / "given.npz", arrays), tmp_path / "out.npz"
    done = convert_file(given, out, "pytorch", "numpy")
    assert done.text.splitlines() == [
        "up.weight  IOW -> IOW  2x2x2 -> 2x2x2  float32",
        "up.bias    O -> O      2 -> 2  float64",
        "computed: up.weight = up.weight_g * up.weight_v / norm, over the axes 1, 2 of up.weight_v",
        "copied as they are: down.weight_g, down.weight_v",
    ]
    expected = np.stack([V[0], V[1] * 2])
    np.testing.assert_allclose(loaded(out)["up.weight"], expected, rtol=1e-6)


SPECTRAL = {
    "weight_orig": canonical(2, 1, "float32"),
    "weight_u": np.ones(5),
    "weight_v": np.ones(56),
}


def test_spectral_normalisation_is_written_with_its_number(tmp_path: Path) -> None:
    given, out = saved(tmp_path / "given.npz", SPECTRAL), tmp_path / "out.npz"
    done = convert_file(given, out, "pytorch", "numpy")
    sigma = 280 * 279 / 2
    assert done.computed == {
        "weight": "weight_orig / 39060, which is weight_u * W * weight_v, where W has the axis 1 "
        "as its rows"
    }
    got = loaded(out)["weight"]
    np.testing.assert_allclose(got, SPECTRAL["weight_orig"] / np.float32(sigma), rtol=1e-6)


UNKNOWN = "seems to be one of several arrays"


@pytest.mark.parametrize(
    ("arrays", "names", "message"),
    [
        ({"up.weight_orig": canonical(2, 1)}, [], f"up.weight_orig {UNKNOWN}"),
        ({"up.weight_v": canonical(2, 1)}, ["up.weight_v"], "remove_weight_norm"),
        (
            {"up.parametrizations.weight.0.base": canonical(2, 1), "up.bias": np.arange(5)},
            [],
            "up.parametrizations.weight.0.base seems to be one of",
        ),
        (
            {"up.weight": canonical(2, 1), "up.weight_u": np.arange(5)},
            [],
            f"up.weight_u {UNKNOWN}",
        ),
        (
            {"l/W": canonical(2, 1), "l/b": np.arange(5), "l/W_u": np.arange(5)},
            [],
            f"l/W_u {UNKNOWN}",
        ),
        ({"weight": canonical(2, 1), "bias_mask": np.arange(5)}, [], f"bias_mask {UNKNOWN}"),
        (
            {"weight_v": canonical(2, 1, "float32"), "weight_g": np.ones((2, 3, 1, 1))},
            [],
            "weight: weight_g of shape (2, 3, 1, 1) does not fit weight_v (4, 5, 7, 2).",
        ),
        (
            {"weight_orig": canonical(2, 1, "float32"), "weight_mask": np.ones(4)},
            [],
            "weight: weight_mask (4,) does not fit weight_orig.",
        ),
        (
            SPECTRAL | {"weight_v": np.ones(3)},
            [],
            "weight: weight_u (5,) and weight_v (3,) do not fit weight_orig.",
        ),
        (
            SPECTRAL | {"weight_orig": canonical(2, 1)},
            [],
            "weight: weight_orig is no array of float16, float32 or float64",
        ),
        (
            {"weight_normalization/up/kernel:0": canonical(2, 1), "weight_normalization/g:0": V},
            ["weight_normalization/up/kernel:0"],
            f"weight_normalization/up/kernel:0 {UNKNOWN}",
        ),
        (SPECTRAL, ["weight_orig"], "holds no array 'weight_orig', but weight 4x5x7x2."),
    ],
)
def test_parts_that_make_no_whole_are_refused(
    arrays: Mapping[str, Array], names: list[str], message: str, tmp_path: Path
) -> None:
    given = saved(tmp_path / "given.npz", arrays)
    with pytest.raises(WeightsError, match=re.escape(message)):
        convert_file(given, tmp_path / "out.npz", "pytorch", "tensorflow", weight_names=names)


def test_parts_in_another_layout_are_refused(tmp_path: Path) -> None:
    # Three input channels and three rows: the shapes alone would fit.
    arrays = {"weight_v": np.ones((3, 3, 4, 3)), "weight_g": np.ones((3, 1, 1, 1))}
    given = saved(tmp_path / "given.npz", arrays)
    with pytest.raises(WeightsError, match="put together in PyTorch's layout, IOHW, alone"):
        convert_file(given, tmp_path / "out.npz", "tensorflow", "pytorch")


def test_parts_of_other_layers_are_no_obstacle(tmp_path: Path) -> None:
    arrays = {"up.weight": canonical(2, 1), "up.bias": np.arange(5), "up.0.weight_u": np.arange(5)}
    arrays |= {"down.weight_orig": np.arange(4), "weight_g": np.arange(2)}
    given = saved(tmp_path / "given.npz", arrays)
    done = convert_file(given, tmp_path / "out.npz", "pytorch", "tensorflow")
    assert done.copied == ("up.0.weight_u", "down.weight_orig", "weight_g")
