"""Models that are cut, changed or not what their names say: one error each, and soon."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import model_samples
import pytest

from harness.core.errors import InputError
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model

SAMPLES = model_samples.every()
_ALONE = ("net.npz", "net.safetensors")
_MUTANTS = 60  # Of each sample; of the slow test, 300


def answers(path: Path) -> list[LookUp | NodeError] | InputError:
    """Answer a file as whoever reads folders does."""
    try:
        every = read_model(path, path.name, ["pytorch"]) if is_model(path) else []
    except InputError as error:
        return error
    for each in every:
        assert isinstance(each, LookUp | NodeError)
    return [each for each in every if isinstance(each, LookUp | NodeError)]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_models(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SAMPLES[name])
    assert is_model(path)
    every = answers(path)
    if name in _ALONE:
        assert isinstance(every, InputError)
        assert "4 -> 6 channels, kernel 3\n" in str(every)
    else:
        assert isinstance(every, list)
        assert [look.reading.name for look in every if isinstance(look, LookUp)] == ["up"]
        assert every[0].reading.operator.out_channels == 6  # type: ignore[union-attr]


def spoiled(content: bytes, numbers: random.Random) -> bytes:
    """Change bytes and bits, cut, double or move a part."""
    changed = bytearray(content)
    for _ in range(numbers.choice((1, 1, 2, 5))):
        at = numbers.randrange(len(changed) + 1)
        length = numbers.choice((1, 2, 4, 16, 100))
        match numbers.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << numbers.randrange(8)
            case 1:
                changed[at : at + length] = numbers.randbytes(length)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length] * numbers.choice((1, 2, 20))
            case 4:
                changed[at : at + 4] = numbers.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"))
    return bytes(changed[: numbers.choice((len(changed), numbers.randrange(len(changed) + 1)))])


def give_spoiled(name: str, count: int, folder: Path) -> None:
    numbers, path = random.Random(name), folder / name
    for _ in range(count):
        path.write_bytes(spoiled(SAMPLES[name], numbers))
        answers(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_spoiled_models_are_answered_or_refused(name: str, tmp_path: Path) -> None:
    give_spoiled(name, _MUTANTS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_more_spoiled_models(name: str, tmp_path: Path) -> None:
    give_spoiled(name, 5 * _MUTANTS, tmp_path)


JSON = {
    "net.json": model_samples.KERAS,
    "net-symbol.json": model_samples.SYMBOL,
    "net.pt2": model_samples.exported_program(),
}
_OTHERS: Any = [
    None,
    -1,
    2**70,
    1.5,
    "x",
    "",
    [],
    {},
    [[]],
    True,
    "\ud800",
    "(2,",
    {"class_name": 3},
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a value of JSON: what holds it, and its key."""
    keys: Any = range(len(value)) if isinstance(value, list) else ()
    keys = list(value) if isinstance(value, dict) else keys
    for key in keys:
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize("name", JSON)
@pytest.mark.slow
def test_json_with_other_values_is_answered_or_refused(name: str, tmp_path: Path) -> None:
    numbers, path = random.Random(name), tmp_path / name
    for _ in range(_MUTANTS // 2):
        value = json.loads(json.dumps(JSON[name]))
        owner, key = numbers.choice(list(places(value)))
        owner[key] = numbers.choice(_OTHERS)
        content = json.dumps(value).encode()
        if name.endswith(".pt2"):
            content = model_samples.archive({"net/models/model.json": content})
        path.write_bytes(content)
        answers(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_another_format_wrote_is_refused(name: str, tmp_path: Path) -> None:
    for other, content in SAMPLES.items():
        path = tmp_path / name
        path.write_bytes(content)
        every = answers(path)
        is_same = other.rpartition(".")[2] == name.rpartition(".")[2]
        if isinstance(every, list) and not is_same:
            # An archive of PyTorch's is one by any of its names.
            assert not every or {name, other} <= {"net.pt2", "script.pt", "whole.pth"}


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 100, b"PK\x03\x04", b"\x80\x02", b"{"])
def test_what_is_no_model(content: bytes, tmp_path: Path) -> None:
    for name in SAMPLES:
        path = tmp_path / name
        path.write_bytes(content)
        assert not isinstance(answers(path), list) or answers(path) == []


def test_what_is_no_file(tmp_path: Path) -> None:
    for name in SAMPLES:
        assert not is_model(tmp_path / name)
        (tmp_path / name).mkdir()
        assert not is_model(tmp_path / name)
        with pytest.raises(InputError):
            read_model(tmp_path / name, name)


@pytest.mark.parametrize("name", ["net.pth", "net.h5", "net.tflite", "net.safetensors"])
def test_a_pointer_of_git_lfs_is_no_model_yet(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1cb1\nsize 9\n")
    assert (
        str(answers(path)) == f"{name} only points to the model, which Git LFS has: git lfs pull."
    )


@pytest.mark.parametrize(
    ("name", "member"), [("net.keras", "config.json"), ("net.pt2", "net/models/model.json")]
)
def test_an_archive_that_unfolds_to_too_much(name: str, member: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(member, b" " * (17 << 20))
    with pytest.raises(InputError, match="unfolds to more than 16 MiB, the most that is read"):
        read_model(path, name)


@pytest.mark.parametrize("name", ["net.keras", "net.pt2", "net.npz"])
def test_an_archive_with_a_list_of_millions(name: str, tmp_path: Path) -> None:
    content = bytearray(SAMPLES[name])
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    path = tmp_path / name
    path.write_bytes(content)
    every = answers(path)
    assert every == [] or "names more members than are read" in str(every)


@pytest.mark.parametrize("name", ["net.json", "net-symbol.json"])
def test_json_that_is_nested_without_end(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SAMPLES[name][:-1] + b', "deep": ' + b"[" * 1_000_000)
    assert "is nested too deeply" in str(answers(path))


def test_a_prototxt_that_is_nested_without_end(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("layer {" * 100_000)
    assert str(answers(path)).startswith(
        "line 1, column 280: net.prototxt: messages are nested more than 40 deep."
    )


def test_a_program_whose_code_is_nested_without_end(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    for code in (
        "(" * 100_000,
        "- " * 200_000,
        "a = " + "not " * 100_000 + "1",
        "x" + ".y" * 100_000,
    ):
        path.write_bytes(model_samples.torchscript(code))
        assert "cannot be read" in str(answers(path)) or answers(path) == []


def test_code_that_would_do_harm_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    code = "import os\nos.mkdir('made-by-code')\n" + model_samples.CODE.replace("y =", "os = y =")
    path.write_bytes(model_samples.torchscript(code))
    answers(path)
    assert [each.name for each in tmp_path.iterdir()] == ["net.pt"]


def test_what_a_node_is_called_is_shown_as_it_is(tmp_path: Path) -> None:
    symbol = json.loads(json.dumps(model_samples.SYMBOL))
    symbol["nodes"][1]["name"] = "\x1b[31mred\n"
    path = tmp_path / "net-symbol.json"
    path.write_text(json.dumps(symbol))
    (look,) = read_model(path, path.name)
    assert isinstance(look, LookUp)
    assert "\x1b" not in look.reading.name
    assert "\n" not in look.reading.name
