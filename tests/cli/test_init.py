"""What ``deconform init`` leaves works at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.doors.implementation import load_implementation
from harness.doors.scaffold import kinds, write_scaffold


@pytest.mark.parametrize("kind", kinds())
def test_an_example_is_an_implementation_by_the_name_of_its_folder(
    tmp_path: Path, kind: str
) -> None:
    done = write_scaffold(kind, tmp_path / "deep" / "my.kernel-2")
    implementation = load_implementation(done.implementation)
    assert (implementation.name, implementation.folder) == ("my.kernel-2", done.folder)
    assert {file.relative_to(done.folder) for file in done.folder.rglob("*")} == set(done.files)
    assert not [file for file in done.files if "NAME" in (done.folder / file).read_text()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["command", "onnx", "python"])
def test_an_example_passes_all_that_it_claims(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", kind, str(tmp_path / "mine")]) == OK
    *_, line = capsys.readouterr().out.splitlines()
    assert line == f"now:  deconform run -f {tmp_path / 'mine' / 'mine.yaml'}"
    suites = ["specs/edge", "specs/rejects", "specs/documents/chainer.yaml"]
    assert main(["run", *suites, "-f", str(tmp_path / "mine" / "mine.yaml")]) == OK
    out = capsys.readouterr().out
    assert "nothing failed" in out
    assert ("claimed, 0 not claimed" in out) == (kind != "onnx")  # It has no gradients.


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("taken", "something is there already: name a new folder."),
        ("taken/file", "something is there already: name a new folder."),
        ("a b", "the folder's name is the column's: name must be letters"),
        ("numpy", "no framework's name, found 'numpy'"),
    ],
)
def test_nothing_is_overwritten(
    tmp_path: Path, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    assert main(["init", "python", str(tmp_path / name)]) == USAGE
    assert reason in capsys.readouterr().err
    assert [file.name for file in tmp_path.rglob("*")] == ["taken", "file"]
    assert (tmp_path / "taken" / "file").read_text() == "mine"


def test_an_empty_folder_is_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    assert main(["init", "python", "."]) == OK
    assert load_implementation("mine.yaml").name == "mine"


@pytest.mark.slow
def test_the_example_in_c_is_built_where_it_can_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["init", "c", str(tmp_path / "mine")]) == OK
    assert f"now:  deconform run -f {tmp_path}/mine/mine.yaml" in capsys.readouterr().out
    assert (tmp_path / "mine" / "libmine.so").is_file()
    monkeypatch.setenv("CC", "false")
    assert main(["init", "c", str(tmp_path / "other")]) == OK
    assert f"now:  make -C {tmp_path}/other && " in capsys.readouterr().out
