"""``deconform run --resume``: a run goes on whatever ended it, and ends like an undisturbed one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import fakes
import pytest

from harness import Report
from harness.cli import output
from harness.cli.exit_statuses import BAD, INTERRUPTED, OK, USAGE
from harness.cli.main import main
from harness.records.record import Event

pytestmark = pytest.mark.slow

SPEC = """\
suite: small
cases:
  - {name: one, input: [1, 2, 4], out_channels: 2, kernel: 3, stride: 2}
  - {name: two, input: [1, 2, 5], out_channels: 2, kernel: 3, stride: 2, bias: false}
  - {name: refused, input: [1, 2, 5], out_channels: 2, kernel: 3, stride: 0, rejected: true}
"""
CHECKS = 5 + 4 + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "small.yaml").write_text(SPEC)
    fakes.interpreter(folder, "correct")
    return folder


def command_of(folder: Path, report: Path, *frameworks: str) -> list[str]:
    chosen = [
        word
        for name in frameworks
        for word in ("-f", name, f"--python={name}={folder / 'correct'}")
    ]
    return ["run", str(folder / "small.yaml"), *chosen, "-o", str(report)]


@pytest.fixture
def command(folder: Path, tmp_path: Path) -> list[str]:
    """Two columns; the interpreter of one has no such framework, and every check a record."""
    return command_of(folder, tmp_path / "r", "numpy", "chainer")


@pytest.fixture(scope="module")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a run that nothing disturbed."""
    report = tmp_path_factory.mktemp("whole") / "r"
    assert main(command_of(folder, report, "numpy", "chainer")) == BAD
    return report.read_text()


def content(text: str) -> Any:
    """All that must be the same: not the times, not the order."""
    header, *records, footer = map(json.loads, text.splitlines())
    return header | {"started": ""}, sorted(map(repr, records)), footer["counts"]


def cut_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(events: Iterator[Event], *_: object) -> Iterator[Event]:
        yield from islice(events, count)
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "followed", cut)


def test_an_interrupted_run_ends_like_an_undisturbed_one(
    command: list[str],
    undisturbed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "r"
    for count in (1, 8, 14, 2 * CHECKS + 1):
        with monkeypatch.context() as patch:
            cut_after(count, patch)
            assert main([*command, "--resume"]) == INTERRUPTED
        assert "to go on: the same command with --resume" in capsys.readouterr().out
        assert Report.read(report).footer is None
        assert set(report.read_text().splitlines()[1:]) <= set(undisturbed.splitlines())
    assert main([*command, "--resume"]) == BAD
    assert content(report.read_text()) == content(undisturbed)
    assert [file.name for file in tmp_path.iterdir()] == ["r"]


@pytest.mark.parametrize("size", [0, 10, 0.3, 0.9, 0.99, 1])
def test_a_killed_run_goes_on_wherever_its_file_ends(
    command: list[str], undisturbed: str, tmp_path: Path, size: float
) -> None:
    report = tmp_path / "r"
    report.write_text(undisturbed[: int(size * len(undisturbed)) if size <= 1 else int(size)])
    assert main([*command, "--resume"]) == BAD
    assert content(report.read_text()) == content(undisturbed)


def test_what_is_complete_is_not_run_again(
    command: list[str], undisturbed: str, tmp_path: Path
) -> None:
    report = tmp_path / "r"
    lines = undisturbed.splitlines(keepends=True)
    kept = [line.replace("PASSED", "FAILED") for line in lines[:-1] if '"numpy"' in line]
    report.write_text("".join(kept))
    assert main([*command, "--resume"]) == BAD
    records = Report.read(report).records
    assert {str(one.status) for one in records if one.framework == "numpy"} == {"FAILED"}
    assert len(records) == 2 * CHECKS


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"deconform": "0.0.1"}, "begun with deconform 0.0.1, not "),
        ({"commit": "0" * 40}, f"begun with commit {'0' * 40}, not "),
        ({"suite": "0" * 12}, f"begun with suite {'0' * 12}, not "),
        ({"suite": ""}, "begun with suite unknown, not "),
        ({"version": "1.0"}, "begun with numpy {'version': '1.0'"),
        ({"device": "NVIDIA H100"}, "begun with numpy {'version': "),
        ({"settings": {"threads": 1}}, "this is a benchmark's report"),
    ],
)
def test_another_run_is_refused_with_what_differs(
    command: list[str],
    undisturbed: str,
    tmp_path: Path,
    changed: dict[str, Any],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "r"
    header, *records = undisturbed.splitlines(keepends=True)
    fields = json.loads(header)
    for name, value in changed.items():
        (fields["frameworks"]["numpy"] if name in {"version", "device"} else fields)[name] = value
    report.write_text("".join([json.dumps(fields) + "\n", *records[:3]]))
    before = report.read_text()
    assert main([*command, "--resume"]) == USAGE
    assert words in capsys.readouterr().err
    assert report.read_text() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kernel: 3", "kernel: 2"),
        ("bias: false", "bias: false, w: [[[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [1, 2, 3]]]"),
        ("rejected: true", "rejected: true, says: {numpy: stride}"),
        ("name: two", "name: three"),
        ("cases:", "cases:\n  - {name: new, input: [1, 1, 2], out_channels: 1, kernel: 2}"),
    ],
)
def test_another_suite_is_refused(
    command: list[str],
    undisturbed: str,
    tmp_path: Path,
    old: str,
    new: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report, spec = tmp_path / "r", tmp_path / "changed.yaml"
    report.write_text("".join(undisturbed.splitlines(keepends=True)[:-1]))
    spec.write_text(SPEC.replace(old, new))
    assert main(["run", str(spec), *command[2:], "--resume"]) == USAGE
    assert f"{report}: it was begun with suite " in capsys.readouterr().err


def test_other_frameworks_are_refused(
    folder: Path, undisturbed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r").write_text(undisturbed)
    assert main([*command_of(folder, tmp_path / "r", "numpy"), "--resume"]) == USAGE
    assert "begun with frameworks chainer, numpy, not numpy." in capsys.readouterr().err


def test_resume_needs_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(folder / "small.yaml"), "--resume"]) == USAGE
    assert "name the interrupted run's report with -o" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a diary\n", "a diary", "\0" * 1000, '{"kind":"record"'])
def test_a_file_that_is_no_report_is_refused(
    command: list[str], tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r").write_text(text)
    assert main([*command, "--resume"]) == USAGE
    assert "not a line of a report" in capsys.readouterr().err
    assert (tmp_path / "r").read_text() == text


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(
    command: list[str], tmp_path: Path, make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "r")
    assert main([*command, "--resume"]) == USAGE
    assert "it is no file" in capsys.readouterr().err


def test_without_a_report_a_run_begins(folder: Path, tmp_path: Path) -> None:
    assert main([*command_of(folder, tmp_path / "r", "numpy"), "--resume"]) == OK
    assert len(Report.read(tmp_path / "r").records) == CHECKS
