"""PyTorch's files: read as what they hold, without executing anything; refused in one sentence."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import MAGIC, Stored, View, archive, legacy, pickled, state, tensor
from spoiling import spoilt
from weight_samples import canonical

from harness.core.pickles import unpickled
from harness.weights.arrays import Contents, dtype_name
from harness.weights.files import format_of, read, write
from harness.weights.layouts import WeightsError

W = canonical(2, 1, "float32")
SAVERS = [pytest.param(archive, id="archive"), pytest.param(legacy, id="legacy")]
Saver = Callable[..., Path]


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize(
    "dtype",
    ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "c8"],
)
def test_types(save: Saver, dtype: str, tmp_path: Path) -> None:
    array = (np.arange(24) % 2 if dtype == "bool" else np.arange(24)).reshape(2, 3, 4).astype(dtype)
    got = read(save(tmp_path / "net.pt", state({"w": array, "n": np.array(7)}))).arrays
    np.testing.assert_array_equal(got["w"], array, strict=True)
    np.testing.assert_array_equal(got["n"], np.array(7), strict=True)


@pytest.mark.parametrize("save", SAVERS)
def test_bfloat16_is_kept(save: Saver, tmp_path: Path) -> None:
    bits = canonical(2, 1, "uint16")
    got = read(save(tmp_path / "net.pth", {"w": tensor(bits, "bfloat16")})).arrays["w"]
    assert dtype_name(got) == "BF16"
    np.testing.assert_array_equal(got["BF16"].view("uint16"), bits)
    write(tmp_path / "again.pt", Contents({"w": got}))
    np.testing.assert_array_equal(
        read(tmp_path / "again.pt").arrays["w"]["BF16"].view("uint16"), bits
    )


def test_big_endian(tmp_path: Path) -> None:
    path = archive(tmp_path / "net.pt", {"w": tensor(W.astype(">f4"), "float32")}, "big")
    got = read(path).arrays["w"]
    np.testing.assert_array_equal(got, W)
    write(tmp_path / "again.pt", Contents({"w": got}))
    np.testing.assert_array_equal(read(tmp_path / "again.pt").arrays["w"], W, strict=True)
    archive(path, {"w": tensor(canonical(2, 1, "uint16"), "bfloat16")}, "big")
    with pytest.raises(WeightsError, match="w is bfloat16 in big-endian order, which is not read"):
        read(path)


@pytest.mark.parametrize("save", SAVERS)
def test_views_of_one_storage(save: Saver, tmp_path: Path) -> None:
    elements = np.arange(100, dtype="float32")
    stored = Stored(elements)
    views = {
        "turned": View(stored, (3, 2), (1, 3), 5),
        "spread": View(stored, (2, 3), (40, 7), 10),
        "repeated": View(stored, (4, 3), (0, 1), 2),
        "none": View(stored, (0, 3), (3, 1)),
        "one": View(stored, (), (), 99, is_parameter=True),
    }
    got = read(save(tmp_path / "net.pt", views)).arrays
    np.testing.assert_array_equal(got["turned"], [[5, 8], [6, 9], [7, 10]])
    np.testing.assert_array_equal(got["spread"], [[10, 17, 24], [50, 57, 64]])
    np.testing.assert_array_equal(got["repeated"], [[2, 3, 4]] * 4)
    assert got["none"].shape == (0, 3)
    np.testing.assert_array_equal(got["one"], np.float32(99))


@pytest.mark.parametrize("save", SAVERS)
def test_what_stands_in_others_has_their_names(save: Saver, tmp_path: Path) -> None:
    value = {
        "generator": OrderedDict(state({"up.weight": W})),
        "optimizer": {"state": {0: {"step": 3, "mean": tensor(W + 1)}}, "groups": [{"lr": 0.1}]},
        "epoch": 3,
        "losses": {"l1": [0.5, None], "all": ()},
        "several": [tensor(W + 2), (tensor(W + 3), "x")],
    }
    contents = read(save(tmp_path / "net.pt", value))
    expected = {
        "generator.up.weight": W,
        "optimizer.state.0.mean": W + 1,
        "several.0": W + 2,
        "several.1.0": W + 3,
    }
    assert contents.arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(contents.arrays[name], array, strict=True)
    left = ("optimizer.state.0.step", "optimizer.groups", "epoch", "losses", "several.1.1")
    assert contents.left_out == left


def test_options_next_to_the_tensors_are_no_matter(tmp_path: Path) -> None:
    value = {"args": argparse.Namespace(lr=1, net=Path("x")), "w": tensor(W), "n": np.float64(2)}
    contents = read(archive(tmp_path / "net.pt", value))
    assert ([*contents.arrays], contents.left_out) == (["w"], ("args", "n"))


def test_a_tensor_alone_is_the_weights(tmp_path: Path) -> None:
    (got,) = read(archive(tmp_path / "w.pt", tensor(W))).arrays.items()
    assert got[0] == "weight"
    np.testing.assert_array_equal(got[1], W, strict=True)


@pytest.mark.parametrize("name", ["g_02500000", "model.ckpt", "best.pth.tar"])
def test_files_without_their_suffix_are_known_by_their_content(name: str, tmp_path: Path) -> None:
    for save in (archive, legacy):
        path = save(tmp_path / name, state({"w": W}))
        assert format_of(path) == ".pt"
        np.testing.assert_array_equal(read(path).arrays["w"], W)
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(WeightsError, match="File is not a zip file"):
        read(tmp_path / name)
    with pytest.raises(WeightsError, match="nothing_here cannot be read: No such file or direct"):
        read(tmp_path / "nothing_here")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="pipe cannot be read: it is a pipe or a device"):
        read(tmp_path / "pipe")
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(WeightsError, match=r"the format of a file of weights is one of \.npy"):
        read(tmp_path / name)


# Nothing is executed.


class Calls:
    """Pickled, it calls a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.what = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch TRAP",), r"\w+\.system"),
        (eval, ("open('TRAP', 'w')",), "__builtin__.eval|builtins.eval"),
        (getattr, (argparse, "ArgumentParser"), r"\w+\.getattr"),
        (re.compile, ("x",), r"re\.\w+"),
    ],
)
def test_what_would_be_executed_is_refused(
    save: Saver,
    function: Callable[..., object],
    arguments: tuple[object, ...],
    name: str,
    tmp_path: Path,
) -> None:
    trap = str(tmp_path / "trap")
    arguments = tuple(a.replace("TRAP", trap) if isinstance(a, str) else a for a in arguments)
    if function is getattr:
        arguments = ("text", "upper")
    path = save(tmp_path / "evil.pt", {"w": tensor(W), "x": Calls(function, *arguments)})
    fact = f"evil.pt cannot be read: it asks for ({name}), of which nothing was executed; save the"
    with pytest.raises(WeightsError, match=fact):
        read(path)
    assert not Path(trap).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02\x82\x01.",
        b"\x80\x05\x97.",
        b"Pos.system\n.",
    ],
)
def test_every_way_to_name_a_function_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"asks for os\.system|has a step (INST|EXT1|NEXT|PERSID)"):
        unpickled(io.BytesIO(content))


def test_what_a_pickle_may_name_is_not_imported() -> None:
    made = unpickled(io.BytesIO(b"ctorch.nothing\nof_the_kind\n(I1\nI2\ntR."))
    assert (made.by.name, made.arguments) == ("torch.nothing.of_the_kind", (1, 2))


def nested(count: int) -> bytes:
    return b"\x80\x02" + b"(" * count + b"K\x01" + b"t" * count + b"."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "pickle exhausted before seeing STOP"),
        (b"\x80\x02}X\xff\xff\xff\x7fw", "expected 2147483647 bytes|more than 64 MiB"),
        (b"\x80\x02\x8d" + b"\xff" * 7 + b"\x7f", "more than 64 MiB"),
        (b"\x80\x02}q\x00h\x07.", "its pickle is damaged"),
        (
            b"\x80\x02}(X\x01\x00\x00\x00wK\x01X\x01\x00\x00\x00wK\x02u.",
            "two entries of the name w",
        ),
        (b"\x80\x02(K\x01.", "ends in the middle"),
        (b"\x80\x02t.", "its pickle is damaged"),
        (b"\x80\x02K\x01)R.", "calls what is no name"),
        (b"I" + b"9" * 5000 + b"\n.", "Exceeds the limit"),
    ],
)
def test_damaged_pickles(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpickled(io.BytesIO(content))


@pytest.mark.slow
def test_deep_pickles_and_those_inside_themselves_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(unpickled(io.BytesIO(nested(100_000))), tuple)
    monkeypatch.setattr("harness.weights.torch_file._MOST_VISITS", 10_000)
    # A dictionary that holds itself, and one that is 2**40 when all is written out.
    itself = b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."
    shared = b"\x80\x02}q\x000" + b"".join(
        b"}q%c(U\x01ah%cU\x01bh%cu0" % (n + 1, n, n) for n in range(25)
    )
    for content in (itself, shared + b"h\x19."):
        path = tmp_path / "deep.pt"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("net/data.pkl", content)
        with pytest.raises(WeightsError, match="it holds more than 10000 values, or 30 in"):
            read(path)


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View(Stored(W.ravel()), (4, 71), (71, 1)), "w ends at its storage's element 283"),
        (View(Stored(W.ravel()), (4,), (1,), 277), "element 280, which has 280 elements"),
        (View(Stored(W.ravel()), (4,), (-1,), 10), r"the shape \(4,\) and the strides \(-1,\)"),
        (View(Stored(W.ravel()), (4,), (1,), -1), "the strides"),
        (View(Stored(W.ravel()), (-4,), (1,)), "the strides"),
        (View(Stored(W.ravel()), (4, 2), (1,)), "the strides"),
        (
            View(Stored(W.ravel()), (10**6, 10**6), (0, 0)),
            "its tensors would take more than 256 Mi",
        ),
        (View(Stored(W.ravel()), (10**30,), (0,)), "its tensors would take more than 256 MiB"),
        (View(Stored(W.ravel(), claims=10**15), (4,), (1,)), "is not the one|^$"),
        (View(Stored(W.ravel()), (1,) * 40, (1,) * 40), "the strides"),
        (
            View(Stored(W.ravel()), (4,), (1,), 0, False, ({"conj": True},)),
            "a conjugate or negative",
        ),
        (View(Stored(W.ravel()), ("4",), (1,)), "shape is not of integers"),  # type: ignore[arg-type]
    ],
)
def test_views_of_what_is_not_there(save: Saver, view: View, message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "net.pt", {"w": view})
    if save is archive and view.storage.claims:
        assert read(path).arrays["w"].shape == (4,)  # Of the storage no more is used than is there.
        return
    with pytest.raises(WeightsError, match=message):
        read(path)


def test_archives_that_torch_does_not_write(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    for names, message in [
        (["net/other"], "is an archive, but none that torch.save writes"),
        (["a/data.pkl", "b/data.pkl"], "is an archive, but none that torch.save writes"),
        (["a/data.pkl", "a/constants.pkl"], "is a TorchScript program, which is not read"),
    ]:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, pickle.dumps({}, protocol=2))
        with pytest.raises(WeightsError, match=message):
            read(path)
    archive(path, {"epoch": 3})
    with pytest.raises(
        WeightsError, match=r"holds no tensors; save the tensors alone: torch\.save"
    ):
        read(path)
    path.write_bytes(pickle.dumps(3, protocol=2))
    with pytest.raises(WeightsError, match=r"is a pickle, but none that torch.save writes"):
        read(path)
    archive(path, {"a": {"b": tensor(W)}, "a.b": tensor(W)})
    with pytest.raises(WeightsError, match=r"two tensors of the name a\.b"):
        read(path)


@pytest.mark.slow
def test_an_archive_that_unfolds_to_far_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    content, _ = pickled(state({"w": W}))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("net/data.pkl", content)
        with file.open("net/data/0", "w") as member:
            for _ in range(300):
                member.write(bytes(1 << 20))
    with pytest.raises(
        WeightsError, match=r"bomb.pt would unfold to 300 MiB; with its size it may"
    ):
        read(path)


@pytest.mark.parametrize("save", SAVERS)
def test_spoilt_files_are_read_or_refused(save: Saver, tmp_path: Path) -> None:
    value = {"net": state({"up.weight": W, "up.bias": np.arange(5)}), "epoch": 3}
    whole = save(tmp_path / "net.pt", value).read_bytes()
    refused = 0
    for content in spoilt(whole, 300):
        (tmp_path / "bad.pt").write_bytes(content)
        try:
            read(tmp_path / "bad.pt")
        except WeightsError as error:
            assert "\n" not in str(error)  # noqa: PT017 -- either will do
            refused += 1
    assert refused > 50


def test_magic_of_old_files() -> None:
    assert unpickled(io.BytesIO(pickle.dumps(MAGIC, protocol=2))) == MAGIC
    assert re.fullmatch(r"0x[0-9a-f]{20}", hex(MAGIC))
