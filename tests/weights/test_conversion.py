"""Files of weights between layouts and formats: which arrays, which names, which ranks."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from weight_samples import SUFFIXES, Array, canonical, loaded, native, saved

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.weights.conversion import Conversion, convert_file
from harness.weights.files import read
from harness.weights.layouts import LayoutChange, WeightsError


@pytest.mark.usefixtures("files_read_here")
@pytest.mark.parametrize(("first", "second"), [*product(SUFFIXES, SUFFIXES)])
def test_every_pair_of_formats(first: str, second: str, tmp_path: Path) -> None:
    w, b = canonical(2, 1, "float32"), np.arange(5, dtype="float32")
    arrays = {"weight": w} if ".npy" in {first, second} else {"weight": w, "bias": b}
    given = saved(tmp_path / f"given{first}", arrays)
    out = tmp_path / f"out{second}"
    # MATLAB may have dropped an axis.
    convert_file(given, out, "pytorch", "tensorflow", rank=2)
    got = loaded(out)
    np.testing.assert_array_equal(got["weight"], native(w, "tensorflow", 1), strict=True)
    assert got.keys() == arrays.keys()
    if "bias" in arrays:
        np.testing.assert_array_equal(got["bias"].ravel(), b, strict=True)
    back = tmp_path / f"back{first}"
    convert_file(out, back, "tensorflow", "pytorch", rank=2)
    np.testing.assert_array_equal(loaded(back)["weight"], w, strict=True)


def bfloat16(path: Path, bits: Array) -> Path:
    spec = safetensors.TensorSpec(
        dtype="bfloat16", shape=bits.shape, data_ptr=bits.ctypes.data, data_len=bits.nbytes
    )
    safetensors.serialize_file({"w": spec}, path, metadata={"format": "pt"})
    return path


def test_bfloat16_is_carried_from_safetensors_to_safetensors(tmp_path: Path) -> None:
    bits = canonical(2, 1, "uint16")
    given, out = bfloat16(tmp_path / "given.safetensors", bits), tmp_path / "out.safetensors"
    convert_file(given, out, "pytorch", "tensorflow")
    (name, about), *more = safetensors.deserialize(out.read_bytes())
    assert (name, about["dtype"], more) == ("w", "BF16", [])
    got = np.frombuffer(about["data"], "uint16").reshape(about["shape"])
    np.testing.assert_array_equal(got, native(bits, "tensorflow", 1))
    with safetensors.safe_open(out, framework="np") as stored:
        assert stored.metadata() == {"format": "pt"}
    with pytest.raises(WeightsError, match=r"w is BF16, which \.safetensors and \.pt files alone"):
        convert_file(given, tmp_path / "out.npz", "pytorch", "tensorflow")


# What MATLAB leaves of weights whose last axes have one element: HWOI with one input channel.
@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., Path]:
    def make(**arrays: Array) -> Path:
        return saved(tmp_path / "cut.mat", arrays)

    return make


def converted(path: Path, target: str = "pytorch", **options: Any) -> tuple[Array, Conversion]:
    out = path.with_name("whole.npz")
    done = convert_file(path, out, "matlab", target, **options)
    return loaded(out)[done.moves[0].name], done


@pytest.mark.usefixtures("files_read_here")
def test_rank_restores_what_matlab_dropped(cut: Callable[..., Path]) -> None:
    w = np.arange(3 * 2 * 5).reshape(3, 2, 5)
    path = cut(w=w)
    message = (
        "w has the shape 3x2x5, and MATLAB drops axes of one element at the end: add rank 1 for "
        "WOI = 3x2x5; rank 2 for HWOI = 3x2x5x1; rank 3 for DHWOI = 3x2x5x1x1."
    )
    with pytest.raises(WeightsError, match=re.escape(message)):
        converted(path)
    for rank, whole in {1: (3, 2, 5), 2: (3, 2, 5, 1), 3: (3, 2, 5, 1, 1)}.items():
        got, _ = converted(path, rank=rank)
        change = LayoutChange("matlab", "pytorch", rank)
        np.testing.assert_array_equal(got, change.converted(w.reshape(whole)))
    with pytest.raises(WeightsError, match=re.escape("cannot be WOI with 1 groups")):
        converted(cut(w=w.reshape(3, 2, 5, 1)), rank=1)


@pytest.mark.usefixtures("files_read_here")
def test_bias_tells_the_rank(cut: Callable[..., Path]) -> None:
    w = np.arange(3 * 5 * 5).reshape(3, 5, 5)
    got, _ = converted(cut(w=w, b=np.zeros((1, 1, 5))))
    assert got.shape == (1, 5, 3, 5)
    # A row or a column is the bias of a layer of one axis as well as a vector.
    with pytest.raises(WeightsError, match=r"add rank 1 for .*; rank 2 for"):
        converted(cut(w=w, b=np.zeros((1, 5))))
    got, _ = converted(cut(w=w[:, :2], b=np.zeros((1, 2))))
    assert got.shape == (5, 2, 3)
    # Another vector is no witness: nothing says that it belongs to these weights.
    with pytest.raises(WeightsError, match=r"add rank 1 for .*; rank 2 for"):
        converted(cut(w=w[:, :2], scale=np.zeros((1, 2))))


def test_shape_that_ends_in_one_or_has_groups_is_whole(cut: Callable[..., Path]) -> None:
    got, _ = converted(cut(w=np.zeros((3, 2, 5, 1))))
    assert got.shape == (1, 5, 3, 2)
    got, _ = converted(cut(w=np.zeros((3, 2, 5, 4, 2))), groups=2)
    assert got.shape == (8, 5, 3, 2)


@pytest.mark.frameworks
@pytest.mark.skipif(shutil.which("octave-cli") is None, reason="apt-get install octave")
def test_file_that_octave_wrote(tmp_path: Path) -> None:
    w, b = canonical(2, 1, "float32")[:1], np.arange(5, dtype="float32")
    path = saved(tmp_path / "given.mat", {"w": native(w, "matlab", 1), "b": b.reshape(1, 1, 5)})
    script = "load given.mat; save('-v7', 'again.mat', 'w', 'b'); c = {1}; save('-v7', 'cell.mat')"
    subprocess.run(["octave-cli", "--norc", "--eval", script], cwd=tmp_path, check=True, timeout=60)
    assert read(path.with_name("again.mat")).arrays["w"].shape == (7, 2, 5)
    got, done = converted(path.with_name("again.mat"))
    np.testing.assert_array_equal(got, w, strict=True)
    assert [move.pattern for move in done.moves] == ["HWOI -> IOHW", "1 1 O -> O"]
    with pytest.raises(WeightsError, match="'c' is no array of numbers, which cannot be copied"):
        converted(path.with_name("cell.mat"))


def test_other_arrays_are_copied_and_names_become_matlabs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {
        "up.weight": canonical(2, 1, "float32")[:1],
        "up.bias": np.arange(5, dtype="float32"),
        "0.scale": np.arange(5, dtype="float64"),
        "steps": np.array(7),
    }
    given, out = saved(tmp_path / "given.npz", arrays), tmp_path / "out.mat"
    assert main(["weights", str(given), str(out), "--from", "pytorch", "--to", "matlab"]) == OK
    assert capsys.readouterr().out == (
        "up.weight  IOHW -> HWOI  1x5x7x2 -> 7x2x5x1  float32\n"
        "up.bias    O -> 1 1 O    5 -> 1x1x5  float32\n"
        "copied as they are: 0.scale, steps\n"
        "renamed: up.weight -> up_weight\n"
        "renamed: up.bias -> up_bias\n"
        "renamed: 0.scale -> x0_scale\n"
        "up.weight: MATLAB drops the axes of one element at the end; they count there.\n"
        f"wrote {out}\n"
    )
    got = loaded(out)
    assert {name: array.shape for name, array in got.items()} == {
        "up_weight": (7, 2, 5, 1),
        "up_bias": (1, 1, 5),
        "x0_scale": (5, 1),
        "steps": (1, 1),
    }
    np.testing.assert_array_equal(got["x0_scale"].ravel(), arrays["0.scale"], strict=True)


def test_of_many_arrays_an_error_names_some(tmp_path: Path) -> None:
    arrays = {f"l{number}.weight": canonical(1, 1) for number in range(1000)}
    given = saved(tmp_path / "given.npz", arrays | {"x" * 500: canonical(1, 1)})
    with pytest.raises(WeightsError, match=r"l11\.weight 4x5x7, 989 more\. Add") as caught:
        convert_file(given, tmp_path / "out.npz", "pytorch", "matlab")
    assert len(str(caught.value)) < 1000


def test_several_weights_with_their_biases(tmp_path: Path) -> None:
    arrays = {"a.weight": canonical(2, 1), "b.weight": canonical(3, 1)}
    arrays |= {"a.bias": np.arange(5), "b.bias": np.arange(5) + 5, "scale": np.arange(5)}
    given, out = saved(tmp_path / "given.npz", arrays), tmp_path / "out.npz"
    with pytest.raises(WeightsError, match=r"it holds a\.weight 4x5x7x2, b\.weight 4x5x7x2x3\. Ad"):
        convert_file(given, out, "pytorch", "matlab")
    names = ["b.weight", "a.weight"]
    done = convert_file(given, out, "pytorch", "matlab", weight_names=names)
    assert done.copied == ("scale",)
    got = loaded(out)
    assert got["a.bias"].shape == (1, 1, 5)
    assert got["b.bias"].shape == (1, 1, 1, 5)
    np.testing.assert_array_equal(got["b.weight"], native(arrays["b.weight"], "matlab", 1))
    done = convert_file(
        given, out, "pytorch", "matlab", weight_names=names[:1], bias_names=["scale"]
    )
    assert done.copied == ("a.weight", "a.bias", "b.bias")
    np.testing.assert_array_equal(loaded(out)["a.weight"], arrays["a.weight"])


NPZ = {"weight": canonical(2, 1), "b1": np.arange(5), "b2": np.arange(5)}


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (NPZ, {"weight_names": ["w"]}, "holds no array 'w', but weight 4x5x7x2, b1 5, b2 5."),
        (NPZ, {"bias_names": ["b"]}, "holds no array 'b', but weight 4x5x7x2"),
        (NPZ, {"bias_names": ["b1", "b2"]}, "2 names of biases for 1 of weights"),
        (NPZ, {"weight_names": ["b1"], "bias_names": ["b1"]}, "can be given once"),
        (NPZ, {"weight_names": ["b1"]}, "b1: weights of 1 axes are none of pytorch's"),
        ({"b": np.zeros(3)}, {}, "it holds none, but b 3. Add weight name NAME."),
        (NPZ, {"groups": 3}, "have 4 input channels, which 3 groups do not divide."),
        (
            {"up.weight": canonical(2, 2), "up.bias": np.arange(10)},
            {},
            "up.bias of shape (10,) is no bias of up.weight, which has 5 output channels with ",
        ),
        (
            NPZ | {"scale": np.arange(3)},
            {"bias_names": ["scale"]},
            "scale of shape (3,) is no bias of weight, which has 5 output channels with groups 1: "
            "give the right groups, or the right bias name, - where there is none.",
        ),
        ({"a.b": np.zeros(3), "a_b": canonical(1, 1)}, {}, "would both be a_b in MATLAB"),
    ],
)
def test_wrong_names(
    arrays: Mapping[str, Array], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    given = saved(tmp_path / "given.npz", arrays)
    with pytest.raises(WeightsError, match=re.escape(message)):
        convert_file(given, tmp_path / "out.mat", "pytorch", "matlab", **options)
    assert list(tmp_path.iterdir()) == [given]


@pytest.mark.parametrize(
    ("arrays", "weights"),
    [
        (NPZ, []),
        ({"up.weight": canonical(2, 1), "bn.bias": np.arange(5)}, []),
        (
            {"up2.weight": canonical(2, 1), "dw.weight": canonical(1, 1), "dw.bias": np.arange(5)},
            ["up2.weight"],
        ),
        ({"0.weight": canonical(2, 1), "1.weight": np.arange(5), "1.bias": np.arange(5)}, []),
        ({"up.weight": canonical(2, 1), "up.0.bias": np.arange(5), "bias": np.arange(5)}, []),
    ],
)
def test_a_vector_of_another_layer_is_no_bias(
    arrays: Mapping[str, Array], weights: list[str], tmp_path: Path
) -> None:
    given, out = saved(tmp_path / "given.npz", arrays), tmp_path / "out.npz"
    done = convert_file(given, out, "pytorch", "matlab", weight_names=weights)
    (move,) = done.moves
    assert set(done.copied) == arrays.keys() - {move.name}
    fitting = ", ".join(name for name in done.copied if arrays[name].shape == (5,))
    note = f"{move.name}: converted without a bias, though {fitting} would fit."
    assert done.notes[0] == note
    for name in done.copied:
        np.testing.assert_array_equal(loaded(out)[name], arrays[name], strict=True)


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        ("up.weight", "up.bias"),
        ("weight", "bias"),
        ("w", "b"),
        ("W", "b"),
        ("net/up/kernel", "net/up/bias"),
        ("up/kernel:0", "up/bias:0"),
        ("up_Weights", "up_Bias"),
        ("deconv0_weight", "deconv0_bias"),
        ("upWeight", "upBias"),
        ("w1", "b1"),
        ("g/deconv/weights", "g/deconv/biases"),
    ],
)
def test_the_bias_of_the_same_layer_is_found(weight: str, bias: str, tmp_path: Path) -> None:
    arrays = {weight: canonical(2, 1), "norm.bias": np.arange(5) + 1, bias: np.arange(5)}
    given = saved(tmp_path / "given.npz", arrays)
    done = convert_file(given, tmp_path / "out.npz", "pytorch", "matlab")
    assert [move.name for move in done.moves] == [weight, bias]


def test_one_layer_of_several_can_have_no_bias(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {"a.weight": canonical(2, 1), "b.weight": canonical(3, 1)}
    arrays |= {"a.bias": np.arange(5), "b.bias": np.arange(5)}
    given, out = saved(tmp_path / "given.npz", arrays), tmp_path / "out.npz"
    names = ["--weight-name", "a.weight", "--weight-name", "b.weight"]
    names += ["--bias-name", "-", "--bias-name", "b.bias"]
    asked = ["weights", str(given), str(out), "--from", "pytorch", "--to", "matlab", *names]
    assert main(asked) == OK
    assert capsys.readouterr().out == (
        "a.weight  IOHW -> HWOI    4x5x7x2 -> 7x2x5x4  int32\n"
        "b.weight  IODHW -> DHWOI  4x5x7x2x3 -> 7x2x3x5x4  int32\n"
        "b.bias    O -> 1 1 1 O    5 -> 1x1x1x5  int64\n"
        "copied as they are: a.bias\n"
        "a.weight: converted without a bias, though a.bias would fit.\n"
        f"wrote {out}\n"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("given.npz", "given.npz"), "is the file that is read; write another one."),
        (("nowhere.npz", "out.npz"), "nowhere.npz cannot be read: No such file or directory."),
        (("nowhere.npy", "out.npz"), "nowhere.npy cannot be read: No such file or directory."),
        (("nowhere.mat", "out.npz"), "nowhere.mat cannot be read: No such file or directory."),
        (("nowhere.wxf", "out.npz"), "nowhere.wxf cannot be read: No such file or directory."),
        (("nowhere.safetensors", "o.npz"), "cannot be read: No such file or directory."),
        (
            ("given.npz", "given.npz/out.npz"),
            "out.npz cannot be written: a file is where its folder",
        ),
        (("given.npz", "out.npy"), "a .npy file holds one array, not weight, b1, b2"),
        (("given.npz", "out.bin"), "is one of .npy, .npz, .safetensors, .mat, .wxf, .pt, .pth, "),
        (("given.npz", "out.onnx"), "a .onnx file is read, not written; write one of .npy, .npz"),
    ],
)
def test_wrong_files_are_one_line_and_exit_2(
    names: tuple[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(tmp_path / "given.npz", NPZ)
    paths = [str(tmp_path / name) for name in names]
    assert main(["weights", *paths, "--from", "pytorch", "--to", "tensorflow"]) == USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["given.npz"]
