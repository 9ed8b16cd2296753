"""Weights between layouts: every pair of frameworks, each text executed, every file format."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import scipy.io
from numpy.typing import NDArray
from wolframclient.language import wlexpr
from wolframclient.serializers import export

from harness.cli import OK, USAGE, main
from harness.errors import InputError
from harness.weight_conversion import Conversion, convert_file
from harness.weight_files import Contents, read, write
from harness.weights import (
    WeightsError,
    bias_code,
    bias_pattern,
    code,
    convert,
    convert_bias,
    pattern,
    readings,
)

Array = NDArray[Any]
PYTHON = ("numpy", "pytorch", "tensorflow", "mxnet", "chainer")
FRAMEWORKS = (*PYTHON, "matlab", "wolfram")
KERNELS: dict[int, tuple[int, ...]] = {1: (7,), 2: (7, 2), 3: (7, 2, 3)}
SUFFIXES = (".npy", ".npz", ".safetensors", ".mat", ".wxf")


def canonical(rank: int, groups: int, dtype: str = "int32") -> Array:
    """Weights of distinct numbers with another size on every axis."""
    shape = (4 * groups, 5, *KERNELS[rank])
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def native(w: Array, framework: str, groups: int) -> Array:
    """Bring canonical weights into a framework's layout, element by element."""
    c_in, c_out, *kernel = w.shape
    each = c_in // groups
    channels_last = framework in {"tensorflow", "matlab"}
    grouped = framework == "matlab" and groups > 1
    shape = [*kernel, c_out, c_in] if channels_last else [c_in, c_out, *kernel]
    if grouped:
        shape = [*kernel, c_out, each, groups]
    out = np.empty(shape, w.dtype)
    for i, o, *k in np.ndindex(*w.shape):
        place = [*k, o, i] if channels_last else [i, o, *k]
        if grouped:
            place = [*k, o, i % each, i // each]
        out[tuple(place)] = w[(i, o, *k)]
    return out


EVERY = [
    pytest.param(a, b, rank, groups, id=f"{a}-{b}-{rank}d-g{groups}")
    for (a, b), rank, groups in product(product(FRAMEWORKS, repeat=2), (1, 2, 3), (1, 2, 3))
]


@pytest.mark.parametrize(("source", "target", "rank", "groups"), EVERY)
def test_every_pair_of_frameworks(source: str, target: str, rank: int, groups: int) -> None:
    w = canonical(rank, groups)
    before, after = native(w, source, groups), native(w, target, groups)
    np.testing.assert_array_equal(convert(before, source, target, groups), after, strict=True)


def executed(text: str, w: Array, language: str) -> Array:
    if language == "python":
        scope = {"w": w}
        exec(f"y = {text}", scope)
        return scope["y"]
    if text == "w":
        return w
    # Wolfram's documents: level k of the list becomes level n_k; Flatten joins the listed levels.
    match = re.fullmatch(r"(Transpose|Flatten)\[w, \{(.*)\}\]", text)
    assert match
    if match[1] == "Transpose":
        return np.moveaxis(w, range(w.ndim), [int(level) - 1 for level in match[2].split(",")])
    joined = [[int(n) - 1 for n in one.split(",")] for one in re.findall(r"\{(.*?)\}", match[2])]
    sizes = [int(np.prod([w.shape[axis] for axis in axes])) for axes in joined]
    return w.transpose([axis for axes in joined for axis in axes]).reshape(sizes)


@pytest.mark.parametrize(
    ("source", "target", "rank", "groups"), [each for each in EVERY if each.values[1] != "matlab"]
)
def test_code_does_what_it_says(source: str, target: str, rank: int, groups: int) -> None:
    w = canonical(rank, groups)
    text = code(source, target, rank=rank, groups=groups)
    language = "python" if target in PYTHON else target
    got = executed(text, native(w, source, groups), language)
    np.testing.assert_array_equal(got, native(w, target, groups), strict=True)


@pytest.mark.frameworks
@pytest.mark.skipif(shutil.which("octave-cli") is None, reason="apt-get install octave")
def test_matlab_code_does_what_it_says_in_octave(tmp_path: Path) -> None:
    cases = list(product(FRAMEWORKS, (1, 2, 3), (1, 2, 3), (5, 1)))
    given, script = {}, ["load given.mat"]
    for number, (source, rank, groups, c_out) in enumerate(cases):
        w = canonical(rank, groups)[:, :c_out]
        given[f"w{number}"] = native(w, source, groups)
        given[f"b{number}"] = biases(c_out * groups, source, rank, groups)
        for name, text in ((f"w{number}", code), (f"b{number}", bias_code)):
            script += [f"{name} = {text(source, 'matlab', rank=rank, groups=groups, name=name)};"]
    scipy.io.savemat(tmp_path / "given.mat", given)
    script += ["save('-v7', 'got.mat', 'w*', 'b*')"]
    (tmp_path / "script.m").write_text("\n".join(script))
    subprocess.run(["octave-cli", "--norc", "script.m"], cwd=tmp_path, check=True, timeout=60)
    got = scipy.io.loadmat(str(tmp_path / "got.mat"))
    for number, (_, rank, groups, c_out) in enumerate(cases):
        w, b = got[f"w{number}"], got[f"b{number}"]
        whole = readings(w.shape, "matlab", groups)[rank]
        expected = native(canonical(rank, groups)[:, :c_out], "matlab", groups)
        np.testing.assert_array_equal(w.reshape(whole), expected)
        expected = biases(c_out * groups, "matlab", rank, groups)
        np.testing.assert_array_equal(b.reshape(expected.shape), expected)


def biases(count: int, framework: str, rank: int, groups: int) -> Array:
    ones = (1,) * rank if framework == "matlab" and groups == 1 else ()
    return np.arange(count).reshape(*ones, count)


@pytest.mark.parametrize(("source", "target", "rank", "groups"), EVERY)
def test_biases(source: str, target: str, rank: int, groups: int) -> None:
    before, after = (biases(6, framework, rank, groups) for framework in (source, target))
    got = convert_bias(before, source, target, rank=rank, groups=groups)
    np.testing.assert_array_equal(got, after, strict=True)
    if target in PYTHON:
        scope = {"b": before}
        exec(f"y = {bias_code(source, target, rank=rank, groups=groups)}", scope)
        np.testing.assert_array_equal(scope["y"], after, strict=True)


@pytest.mark.parametrize(
    ("source", "target", "options", "weights", "bias", "text"),
    [
        ("pytorch", "tensorflow", {}, "IOHW -> HWOI", "O -> O", "w.transpose(2, 3, 1, 0)"),
        ("tensorflow", "wolfram", {}, "HWOI -> IOHW", "O -> O", "Transpose[w, {3, 4, 2, 1}]"),
        ("mxnet", "matlab", {}, "IOHW -> HWOI", "O -> 1 1 O", "permute(w, [3 4 2 1])"),
        ("mxnet", "matlab", {"rank": 1}, "IOW -> WOI", "O -> 1 O", "permute(w, [3 2 1])"),
        ("matlab", "tensorflow", {"rank": 3}, "DHWOI -> DHWOI", "1 1 1 O -> O", "w"),
        (
            "chainer",
            "matlab",
            {"groups": 2},
            "(G I) O H W -> H W O I G",
            "O -> O",
            "permute(reshape(w, [], 2, size(w, 2), size(w, 3), size(w, 4)), [4 5 3 1 2])",
        ),
        (
            "matlab",
            "pytorch",
            {"groups": 3},
            "H W O I G -> (G I) O H W",
            "O -> O",
            "w.transpose(4, 3, 2, 0, 1).reshape(-1, w.shape[2], w.shape[0], w.shape[1])",
        ),
        (
            "matlab",
            "wolfram",
            {"groups": 3},
            "H W O I G -> (G I) O H W",
            "O -> O",
            "Flatten[w, {{5, 4}, {3}, {1}, {2}}]",
        ),
    ],
)
def test_texts(
    source: str, target: str, options: dict[str, int], weights: str, bias: str, text: str
) -> None:
    assert pattern(source, target, **options) == weights
    assert bias_pattern(source, target, **options) == bias
    assert (
        code(source, target, rank=options.get("rank", 2), groups=options.get("groups", 1)) == text
    )


def test_permutation_is_a_view() -> None:
    w = canonical(2, 1)
    assert np.shares_memory(convert(w, "pytorch", "tensorflow"), w)
    assert np.shares_memory(convert(w, "pytorch", "matlab", 2), w)


@pytest.mark.parametrize(
    ("shape", "framework", "groups", "message"),
    [
        ((3, 4), "pytorch", 1, "weights of 2 axes are none of pytorch's: IOW, IOHW, IODHW."),
        ((2, 3, 4, 5, 6, 7), "tensorflow", 1, "weights of 6 axes are none of tensorflow's"),
        ((3, 4, 5), "matlab", 2, "none of matlab's with 2 groups: WOIG, HWOIG, DHWOIG."),
        ((2, 3, 4, 5, 6), "matlab", 2, "have 6 groups (HWOIG), not 2."),
        ((4, 3, 2, 2), "pytorch", 3, "have 4 input channels, which 3 groups do not divide."),
        ((4, 3, 2, 2), "pytorch", 0, "groups 0 must be at least 1."),
        ((4, 3, 2, 2), "pytroch", 1, "unknown framework 'pytroch'. Did you mean 'pytorch'?"),
    ],
)
def test_wrong_shapes(shape: tuple[int, ...], framework: str, groups: int, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        convert(np.zeros(shape), framework, "numpy", groups)


def test_bias_of_two_axes_is_refused() -> None:
    with pytest.raises(WeightsError, match=re.escape("this has the shape (2, 3).")):
        convert_bias(np.zeros((2, 3)), "pytorch", "matlab")


def saved(path: Path, arrays: Mapping[str, Array]) -> Path:
    """Write a file with the format's own library, without ours."""
    match path.suffix:
        case ".npy":
            (array,) = arrays.values()
            np.save(path, array)
        case ".npz":
            np.savez(path, allow_pickle=False, **arrays)
        case ".safetensors":
            safetensors.numpy.save_file(dict(arrays), path, metadata={"format": "pt"})
        case ".mat":
            scipy.io.savemat(path, dict(arrays))
        case ".wxf":
            export(dict(arrays), str(path), target_format="wxf")
    return path


def loaded(path: Path) -> dict[str, Array]:
    """Read a file with the format's own library."""
    match path.suffix:
        case ".npy":
            return {"weight": np.load(path)}
        case ".npz":
            return dict(np.load(path))
        case ".safetensors":
            return dict(safetensors.numpy.load_file(path))
        case ".mat":
            found = scipy.io.loadmat(str(path))
            return {name: array for name, array in found.items() if name[0] != "_"}
    from wolframclient.deserializers import binary_deserialize  # noqa: PLC0415

    return dict(binary_deserialize(path.read_bytes()))


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


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", ">f4", "int8", "uint16", "int64", "complex64", "?"]
)
def test_types_survive_or_are_refused(suffix: str, dtype: str, tmp_path: Path) -> None:
    w = (np.arange(3 * 4 * 5) % 2).reshape(3, 4, 5).astype(dtype)
    out = tmp_path / f"out{suffix}"
    contents = Contents({"weight": w})
    if suffix in {".mat", ".wxf"} and dtype in {"float16", "?"}:
        name = w.dtype.name
        with pytest.raises(WeightsError, match=f"weight is {name}, which a {suffix} file cannot"):
            write(out, contents)
        assert list(tmp_path.iterdir()) == []
        return
    write(out, contents)
    got = read(out).arrays["weight"]
    assert got.dtype.newbyteorder("=") == w.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, w)


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
    with pytest.raises(WeightsError, match=r"w is BF16, which a \.safetensors file alone can hold"):
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


def test_rank_restores_what_matlab_dropped(cut: Callable[..., Path]) -> None:
    w = np.arange(3 * 2 * 5).reshape(3, 2, 5)
    path = cut(w=w)
    message = (
        "w has the shape 3x2x5, and MATLAB drops axes of one element at the end: add --rank 1 for "
        "WOI = 3x2x5; --rank 2 for HWOI = 3x2x5x1; --rank 3 for DHWOI = 3x2x5x1x1."
    )
    with pytest.raises(WeightsError, match=re.escape(message)):
        converted(path)
    for rank, whole in {1: (3, 2, 5), 2: (3, 2, 5, 1), 3: (3, 2, 5, 1, 1)}.items():
        got, _ = converted(path, rank=rank)
        np.testing.assert_array_equal(got, convert(w.reshape(whole), "matlab", "pytorch"))
    with pytest.raises(WeightsError, match=re.escape("cannot be WOI with 1 groups")):
        converted(cut(w=w.reshape(3, 2, 5, 1)), rank=1)


def test_bias_tells_the_rank(cut: Callable[..., Path]) -> None:
    w = np.arange(3 * 5 * 5).reshape(3, 5, 5)
    got, _ = converted(cut(w=w, b=np.zeros((1, 1, 5))))
    assert got.shape == (1, 5, 3, 5)
    # A row or a column is the bias of a layer of one axis as well as a vector.
    with pytest.raises(WeightsError, match=r"add --rank 1 for .*; --rank 2 for"):
        converted(cut(w=w, b=np.zeros((1, 5))))
    got, _ = converted(cut(w=w[:, :2], b=np.zeros((1, 2))))
    assert got.shape == (5, 2, 3)
    # Another vector is no witness: nothing says that it belongs to these weights.
    with pytest.raises(WeightsError, match=r"add --rank 1 for .*; --rank 2 for"):
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
        (NPZ, {}, "the bias of weight can be any of b1 5, b2 5. Add --weight-name NAME --bias-"),
        (NPZ, {"weight_names": ["w"]}, "holds no array 'w', but weight 4x5x7x2, b1 5, b2 5."),
        (NPZ, {"bias_names": ["b"]}, "holds no array 'b', but weight 4x5x7x2"),
        (NPZ, {"bias_names": ["b1", "b2"]}, "2 names of biases for 1 of weights"),
        (NPZ, {"weight_names": ["b1"], "bias_names": ["b1"]}, "can be given once"),
        (NPZ, {"weight_names": ["b1"]}, "b1: weights of 1 axes are none of pytorch's"),
        ({"b": np.zeros(3)}, {}, "it holds none, but b 3. Add --weight-name NAME."),
        (NPZ, {"groups": 3}, "have 4 input channels, which 3 groups do not divide."),
        (
            {"up.weight": canonical(2, 2), "up.bias": np.arange(10)},
            {},
            "up.bias has 10 elements, but up.weight of shape 8x5x7x2 has 5 output channels with",
        ),
        (
            NPZ | {"scale": np.arange(3)},
            {"bias_names": ["scale"]},
            "scale of shape (3,) is no bias of weight, which has 5 output channels.",
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


def test_vectors_that_stay_as_they_are_need_no_names(tmp_path: Path) -> None:
    given = saved(tmp_path / "given.npz", NPZ)
    done = convert_file(given, tmp_path / "out.npz", "pytorch", "tensorflow")
    assert done.copied == ("b1", "b2")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("given.npz", "given.npz"), "is the file that is read; write another one."),
        (("nowhere.npz", "out.npz"), "nowhere.npz cannot be read: No such file or directory."),
        (("nowhere.npy", "out.npz"), "nowhere.npy cannot be read: No such file or directory."),
        (("nowhere.mat", "out.npz"), "nowhere.mat cannot be read: No such file or directory."),
        (("nowhere.wxf", "out.npz"), "nowhere.wxf cannot be read: No such file or directory."),
        (("nowhere.safetensors", "o.npz"), "cannot be read: No such file or directory."),
        (("given.npz", "nowhere/out.npz"), "out.npz cannot be written: No such file or directory."),
        (("given.npz", "out.npy"), "a .npy file holds one array, not weight, b1, b2"),
        (("given.npz", "out.pt"), "is one of .npy, .npz, .safetensors, .mat, .wxf."),
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


@pytest.mark.parametrize(
    ("module", "suffix"),
    [
        ("scipy", ".mat"),
        ("safetensors", ".safetensors"),
        ("wolframclient.deserializers", ".wxf"),
    ],
)
def test_missing_library_is_named_with_its_command(
    module: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / f"given{suffix}", {"w": canonical(2, 1)})
    monkeypatch.setitem(sys.modules, module, None)
    library = module.partition(".")[0]
    message = f"{suffix} files need {library}, which is not installed: pip install 'deconform[weig"
    with pytest.raises(WeightsError, match=re.escape(message)):
        read(path)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("unpickled",))

    trap = np.array([Trap()], dtype=object)
    np.savez(tmp_path / "trap.npz", weight=canonical(2, 1), trap=trap)
    with pytest.raises(WeightsError, match="'trap' is a pickled Python object, which is never"):
        read(tmp_path / "trap.npz")
    np.save(tmp_path / "trap.npy", trap)
    with pytest.raises(WeightsError, match=r"no readable \.npy file"):
        read(tmp_path / "trap.npy")


def test_member_of_an_archive_that_is_no_array(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.npz", "w") as archive:
        archive.writestr("readme.txt", "no array")
    with pytest.raises(WeightsError, match=r"'readme\.txt' is no array of numbers"):
        read(tmp_path / "some.npz")


def test_archive_with_any_name(tmp_path: Path) -> None:
    write(tmp_path / "out.npz", Contents({"file": np.arange(3), "a/b": np.arange(2)}))
    assert set(loaded(tmp_path / "out.npz")) == {"file", "a/b"}


def test_hdf5_files_of_matlab_are_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "new.mat"
    for start in (b"MATLAB 7.3 MAT-file" + b" " * 600, b" " * 512 + b"\x89HDF\r\n\x1a\n"):
        path.write_bytes(start)
        with pytest.raises(WeightsError, match=re.escape("save('w.mat', 'w', '-v7')")):
            read(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (wlexpr("Graph"), "'weight' is no array of numbers"),
        ({"w": wlexpr("Pi")}, "'w' is no array of numbers"),
        ([[1, 2], [3]], "weight is a list of lists of unequal lengths."),
        (["a", "b"], "'weight' is no array of numbers"),
    ],
)
def test_wolfram_expressions_that_are_no_arrays(value: Any, message: str, tmp_path: Path) -> None:
    export(value, str(tmp_path / "some.wxf"), target_format="wxf")
    with pytest.raises(WeightsError, match=re.escape(message)):
        read(tmp_path / "some.wxf")


def test_wolfram_lists_are_arrays(tmp_path: Path) -> None:
    w = canonical(1, 1, "float64")
    export(w.tolist(), str(tmp_path / "list.wxf"), target_format="wxf")
    np.testing.assert_array_equal(read(tmp_path / "list.wxf").arrays["weight"], w, strict=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_are_one_error(suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"whole{suffix}", {"w": np.arange(6.0).reshape(1, 2, 3)})
    whole = path.read_bytes()
    step = max(1, len(whole) // 60)
    flipped = (whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole)))
    cut = [whole[:length] for length in range(0, len(whole), step)]
    samples = [*cut, *flipped, b"\0" * 200, b"8:" + b"f\1" * 9999]
    if suffix == ".mat":  # Each costs a process.
        samples = samples[::20]
    refused = 0
    for number, damaged in enumerate(samples):
        bad = tmp_path / f"bad{number}{suffix}"
        bad.write_bytes(damaged)
        try:
            read(bad)
        except WeightsError:
            refused += 1
    assert refused >= len(samples) // 12


def test_crash_of_the_reader_is_one_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "crash.mat", {"w": np.arange(6.0).reshape(1, 2, 3)})
    data = bytearray(path.read_bytes())
    assert data[184] == 9  # The type of the elements: double.
    data[184] = 200
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"crash\.mat is no readable \.mat file: "):
        read(path)


def test_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out.npz"
    out.write_text("before")
    monkeypatch.setattr("numpy.lib.format.write_array", fail)
    with pytest.raises(WeightsError, match="No space left on device"):
        write(out, Contents({"w": canonical(1, 1)}))
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]
