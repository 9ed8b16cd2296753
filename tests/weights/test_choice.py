"""Which arrays are transposed convolutions: by pattern, by the model's source, by groups."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import archive, state
from weight_samples import Array, canonical, loaded, native, saved

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.weights.arrays import Contents
from harness.weights.choice import SourceLayer
from harness.weights.conversion import convert_file
from harness.weights.files import write
from harness.weights.layouts import WeightsError

W = canonical(2, 1, "float32")  # 4 x 5 x 7 x 2
B = np.arange(5, dtype="float32")
NET = {
    "ups.0.weight": W,
    "ups.0.bias": B,
    "ups.1.weight_g": np.ones((8, 1, 1), "float32"),
    "ups.1.weight_v": canonical(1, 2, "float32"),
    "ups.1.bias": np.arange(10, dtype="float32"),
    "conv.weight": W + 1,
    "norm.weight": B,
}


def converted(
    tmp_path: Path, arrays: dict[str, Array] = NET, to: str = "tensorflow", **options: Any
) -> dict[str, Array]:
    out = tmp_path / "out.npz"
    convert_file(saved(tmp_path / "net.npz", arrays), out, "pytorch", to, **options)
    return loaded(out)


@pytest.mark.parametrize("pattern", ["ups.*", "ups.*.weight", "ups.[01]", "ups.?.weight"])
def test_patterns_of_layers_and_weights(pattern: str, tmp_path: Path) -> None:
    got = converted(tmp_path, patterns=[pattern], groups=[("*.1", 2)])
    np.testing.assert_array_equal(got["ups.0.weight"], native(W, "tensorflow", 1), strict=True)
    v = NET["ups.1.weight_v"].astype("float64")
    w = v / np.sqrt(np.square(v).sum((1, 2), keepdims=True))
    expected = native(w.astype("float32"), "tensorflow", 2)
    np.testing.assert_array_equal(got["ups.1.weight"], expected, strict=True)
    # What is computed stands where its parts did, and each bias after its weights.
    names = ["ups.0.weight", "ups.0.bias", "ups.1.weight", "ups.1.bias", "conv.weight"]
    assert [*got] == [*names, "norm.weight"]
    for name in names[3:]:
        np.testing.assert_array_equal(got[name], NET[name], strict=True)


def test_several_patterns_and_the_rest_left_out(tmp_path: Path) -> None:
    got = converted(tmp_path, patterns=["conv", "ups.0", "*0*"], rest="drop")
    assert [*got] == ["ups.0.weight", "ups.0.bias", "conv.weight"]


def test_biases_before_their_weights_change_places(tmp_path: Path) -> None:
    arrays = {"a.bias": B, "x": B, "a.weight": W}
    assert [*converted(tmp_path, arrays)] == ["a.weight", "a.bias", "x"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"patterns": ["ups.*", "down*"]},
            "net.npz holds no array of three axes or more whose name is like 'down*'; it holds "
            "ups.0.weight 4x5x7x2, conv.weight 4x5x7x2, ups.1.weight 8x5x7.",
        ),
        (
            {},
            "conv.weight 4x5x7x2, ups.1.weight 8x5x7. Add weight name NAME, or layers 'ups.*'.",
        ),
        ({"patterns": ["norm*"]}, "whose name is like 'norm*'"),
        ({"patterns": ["ups.*"], "groups": 3}, "input channels, which 3 groups do not divide"),
        ({"patterns": ["ups.1"]}, "ups.1.bias of shape (10,) is no bias of ups.1.weight"),
        ({"patterns": ["ups.0"], "bias_names": ["norm.weight"]}, "names of biases go with names"),
        ({"key": "ups.2"}, "net.npz holds nothing under 'ups.2', but ups, conv, norm."),
        (
            {"patterns": ["ups.0"], "groups": [("up0", 2)]},
            "net.npz: groups are given for 'up0', like none of ups.0.",
        ),
        ({"patterns": ["ups.0"], "groups": 0}, "groups 0 must be at least 1"),
    ],
)
def test_wrong_choices(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=re.escape(message)):
        converted(tmp_path, **options)


def test_one_of_several_state_dictionaries(tmp_path: Path) -> None:
    value = {"generator": state({"up.weight": W}), "critic": state({"down.weight": W}), "epoch": 3}
    out = tmp_path / "out.pt"
    path = archive(tmp_path / "net.pth", value)
    convert_file(path, out, "pytorch", "tensorflow", key="generator")
    again = tmp_path / "again.npz"
    convert_file(out, again, "tensorflow", "pytorch")
    np.testing.assert_array_equal(loaded(again)["up.weight"], W, strict=True)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("chainer", ["dec/ups/0/W", "dec/ups/0/b"]),
        ("tensorflow", ["dec/ups/0/kernel", "dec/ups/0/bias"]),
        ("mxnet", ["dec.ups.0.weight", "dec.ups.0.bias"]),
        ("paddle", ["dec.ups.0.weight", "dec.ups.0.bias"]),
    ],
)
def test_names_that_the_target_looks_for(target: str, names: list[str], tmp_path: Path) -> None:
    arrays = {"dec.ups.0.weight": W, "dec.ups.0.bias": B, "x": B}
    assert [*converted(tmp_path, arrays, target, renames=True)] == [*names, "x"]
    # And back, from any framework's names to any other's.
    back = tmp_path / "back.npz"
    out = tmp_path / "out.npz"
    convert_file(out, back, target, "pytorch", renames=True)
    got = loaded(back)
    assert [*got] == [*arrays]
    np.testing.assert_array_equal(got["dec.ups.0.weight"], W, strict=True)


def test_names_that_are_taken(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match="two arrays would have the name up/kernel in tensorflow"
    ):
        converted(tmp_path, {"up.weight": W, "up/kernel": B}, renames=True)


def test_layers_whose_order_is_lost_are_sorted_by_their_names(tmp_path: Path) -> None:
    both = {"weight": W, "bias": B}
    names = ["up10", "up2", "b", "up2.up"]
    arrays = {f"{name}.{word}": both[word] for name in names for word in both}
    arrays["a.norm"] = B
    given, out = saved(tmp_path / "net.safetensors", arrays), tmp_path / "out.npz"
    done = convert_file(given, out, "pytorch", "tensorflow", patterns=["*"])
    order = ["b", "up2", "up2.up", "up10"]
    stored = [f"{name}.{word}" for name in order for word in ("weight", "bias")]
    assert [*loaded(out)] == [*stored, "a.norm"]
    fact = "loaded by their order: of their names, as the file keeps none: b, up2, up2.up, up10."
    assert done.notes[-1] == fact
    # A file that keeps the order of its arrays keeps that of its layers.
    given = saved(tmp_path / "net.npz", arrays)
    done = convert_file(given, out, "pytorch", "tensorflow", patterns=["*"])
    assert [*loaded(out)] == [*arrays]
    assert done.notes[-1] == "loaded by their order: up10, up2, b, up2.up."


# By the source of the model.

SOURCE = """
class Up(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.up = nn.ConvTranspose2d(i, 5, (7, 2), bias=True)
        self.conv = nn.Conv2d(i, i, 3)
class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.up1 = Up(4)
        self.up2 = Up(8)
        self.tail = nn.Sequential(nn.Conv2d(4, 5, (7, 2)), nn.ReLU(),
                                  nn.ConvTranspose2d(8, 10, (7, 2), groups=2, bias=False))
"""
STATE = {
    "up1.up.weight": W,
    "up1.up.bias": B,
    "up1.conv.weight": W + 1,
    "up2.up.weight": canonical(2, 2, "float32"),
    "up2.up.bias": B + 1,
    "up2.conv.weight": W + 2,
    "tail.0.weight": W + 3,
    "tail.0.bias": B + 2,
    "tail.2.weight": canonical(2, 2, "float32") + 1,
}


def run(tmp_path: Path, *more: str, arrays: dict[str, Array] = STATE, source: str = SOURCE) -> int:
    (tmp_path / "net.py").write_text(source)
    given, out = saved(tmp_path / "net.npz", arrays), tmp_path / "out.npz"
    options = ["--from", "pytorch", "--to", "matlab", "--source", str(tmp_path / "net.py")]
    return main(["weights", str(given), str(out), *options, *more])


@pytest.mark.parametrize("prefix", ["", "module.", "state_dict.generator."])
def test_layers_of_a_source(
    prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {prefix + name: array for name, array in STATE.items()}
    assert run(tmp_path, "--json", arrays=arrays) == OK
    done = json.loads(capsys.readouterr().out)
    by_name = {each["name"].removeprefix(prefix): each for each in done["converted"]}
    assert {name: (each["groups"], each["after"]) for name, each in by_name.items()} == {
        "up1.up.weight": (1, [7, 2, 5, 4]),
        "up1.up.bias": (1, [1, 1, 5]),
        "up2.up.weight": (1, [7, 2, 5, 8]),
        "up2.up.bias": (1, [1, 1, 5]),
        "tail.2.weight": (2, [7, 2, 5, 4, 2]),
    }
    assert [name.removeprefix(prefix) for name in done["copied"]] == [
        "up1.conv.weight",
        "up2.conv.weight",
        "tail.0.weight",
        "tail.0.bias",
    ]
    # The source knows that this one has no bias.
    assert [note[:13] for note in done["notes"]] == ["not converted"]
    got = loaded(tmp_path / "out.npz")[f"{prefix}tail.2.weight"]
    np.testing.assert_array_equal(got, native(STATE["tail.2.weight"], "matlab", 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tail.2.weight": None}, "net.py:13 ConvTranspose2d: the file holds no weights of this"),
        ({"up1.up.bias": None}, "up1.up.weight: net.py:5 ConvTranspose2d has a bias, but the file"),
        ({"tail.2.bias": B}, "net.py:13 ConvTranspose2d has no bias, but the file holds tail.2.bi"),
        ({"up1.up.weight": W[:, :4]}, "up1.up.weight of shape 4x4x7x2 does not fit the layer of t"),
        ({"up1.up.weight": W[:, :, :6]}, "does not fit the layer of this name in"),
        ({"up1.up.weight": W[:, :, :, 0]}, "does not fit the layer of this name in"),
    ],
)
def test_files_that_contradict_the_source(
    changes: dict[str, Array | None],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arrays = {**STATE, **changes}
    given = {name: array for name, array in arrays.items() if array is not None}
    status = run(tmp_path, arrays=given)
    captured = capsys.readouterr()
    text = (captured.out + captured.err).replace(f"{tmp_path}/", "")
    assert message in text
    assert status == (OK if "no weights" in message else USAGE)


def test_another_models_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, arrays={"a.weight": W}) == USAGE
    captured = capsys.readouterr().err
    assert (
        "holds no arrays of the names in the source (up1.up, up2.up, tail.2); it holds a.weight"
        in captured
    )
    assert "Use --layers PATTERN." in captured


AMBIGUOUS = """
class Net(nn.Module):
    def __init__(self, n):
        layers = []
        for i in n:
            layers += [nn.Conv2d(4, 4, 3), nn.ConvTranspose2d(4, 4, 3)]
        self.net = nn.Sequential(*layers)
"""


def test_what_may_be_another_layer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {f"net.{n}.weight": np.zeros((4, 4, 3, 3)) for n in range(4)}
    assert run(tmp_path, arrays=arrays, source=AMBIGUOUS) == USAGE
    fact = "net.0.weight may be the layer of net.py:6 ConvTranspose2d or of net.py:6 Conv2d: "
    assert fact + "choose with --layers PATTERN." in capsys.readouterr().err.replace(
        f"{tmp_path}/", ""
    )


GROUPS_OPEN = """
class Net(nn.Module):
    def __init__(self, g):
        self.up = nn.ConvTranspose2d(8, 10, (7, 2), groups=g, bias=False)
"""


def test_groups_that_the_source_leaves_open_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {"up.weight": canonical(2, 2, "float32")}
    assert run(tmp_path, arrays=arrays, source=GROUPS_OPEN) == USAGE
    assert "leaves its number of groups open: add --groups 'up=N'." in capsys.readouterr().err
    assert run(tmp_path, "--groups", "up=2", arrays=arrays, source=GROUPS_OPEN) == OK
    assert loaded(tmp_path / "out.npz")["up.weight"].shape == (7, 2, 5, 4, 2)


def test_a_source_without_layers_is_one_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, source="x = 1\n") == USAGE
    assert run(tmp_path, source="class A(\n") == USAGE
    text = capsys.readouterr().err
    assert text.count(f"error: {tmp_path}/net.py: ") == text.count("error: ") == 2


@pytest.mark.parametrize("text", ["x", "up=x", "up=0", "0", "up="])
def test_groups_that_are_no_numbers(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, "--groups", text)
    assert caught.value.code == USAGE
    assert re.search(r"is not such as 4 or up3=4|is not a positive number", capsys.readouterr().err)


def test_layers_are_chosen_in_one_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, "--layers", "up*")
    assert caught.value.code == USAGE
    assert "not allowed with argument" in capsys.readouterr().err


def test_a_layer_of_two_generators_is_converted_in_both(tmp_path: Path) -> None:
    arrays = {"g.up.weight": W, "ema.up.weight": W + 1, "deep.in.g.x.weight": W}
    layers = [SourceLayer("up", "net.py:1", "G", 2, groups=1)]
    write(tmp_path / "net.npz", Contents(arrays))
    done = convert_file(
        tmp_path / "net.npz", tmp_path / "o.npz", "pytorch", "matlab", layers=layers
    )
    assert [move.name for move in done.moves] == ["g.up.weight", "ema.up.weight"]
