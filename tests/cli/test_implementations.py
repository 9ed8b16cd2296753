"""An implementation under test, from its file to the end of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

import harness
from harness.cli.main import main
from harness.records.report_file import Report
from harness.records.status import Status

# What a person might write: right without dilation, and it flips the kernel where there are groups.
KERNELS: Final = """\
import itertools
import numpy as np


def conv_transpose(x, w, b, stride, dilation, crop, groups):
    if max(dilation) > 1:
        raise NotImplementedError("dilation")
    if groups > 1:
        w = w[(..., *[slice(None, None, -1)] * (w.ndim - 2))]
    n, c_in, *size = x.shape
    kernel = w.shape[2:]
    full = [(i - 1) * s + k for i, s, k in zip(size, stride, kernel)]
    y = np.zeros((n, groups, w.shape[1], *full), x.dtype)
    parts = x.reshape(n, groups, c_in // groups, *size)
    taps = w.reshape(groups, c_in // groups, *w.shape[1:])
    for at in itertools.product(*map(range, kernel)):
        place = tuple(slice(a, a + (i - 1) * s + 1, s) for a, i, s in zip(at, size, stride))
        y[(..., *place)] += np.einsum("ngi...,gio->ngo...", parts, taps[(..., *at)])
    y = y.reshape(n, -1, *full)
    if b is not None:
        y += b.reshape(-1, *[1] * len(kernel))
    ends = tuple(slice(begin, f - end) for (begin, end), f in zip(crop, full))
    return y[(..., *ends)]
"""
SUITE: Final = """\
suite: some
cases:
  - {name: plain, input: [2, 4, 5, 6], out_channels: 6, kernel: [3, 2], stride: 2, crop: [1, 0]}
  - {name: grouped, input: [1, 4, 5, 6], out_channels: 6, kernel: [3, 2], groups: 2}
  - {name: dilated, input: [1, 4, 5], out_channels: 6, kernel: 3, dilation: 2}
  - {name: illegal, input: [1, 4, 5], out_channels: 6, kernel: 3, stride: 0, rejected: true}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels.py").write_text(KERNELS)
    (tmp_path / "some.yaml").write_text(SUITE)
    write(tmp_path)
    return tmp_path


def write(folder: Path, *lines: str) -> None:
    text = "\n".join(("name: mine", "python: kernels:conv_transpose", *lines))
    (folder / "mine.yaml").write_text(text)


def statuses(report: Path) -> dict[str, set[Status]]:
    found: dict[str, set[Status]] = {}
    for record in Report.read(report).records:
        found.setdefault(record.case.partition("/")[2], set()).add(record.status)
    return found


def test_what_is_claimed_and_refused_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "some.yaml", "-f", "mine.yaml", "-o", "r.jsonl"]) == 1
    assert statuses(folder / "r.jsonl") == {
        "plain": {Status.PASSED, Status.UNSUPPORTED},  # There are no gradients
        "grouped": {Status.PASSED, Status.FAILED, Status.UNSUPPORTED},  # Its shape is right
        "dilated": {Status.FAILED, Status.UNSUPPORTED},
        "illegal": {Status.UNSUPPORTED},
    }
    shown = capsys.readouterr().out
    assert "mine: of 16 checks 6 claimed, 10 not claimed, 3 passed" in shown
    assert "claimed, and refused: NotImplementedError: dilation" in shown
    assert "equals the mutant: kernel flipped" in shown
    assert "deconform reproduce ic4_oc6_k3_d2_b_n1_i5 -f mine.yaml" in shown


@pytest.mark.slow
def test_what_is_not_claimed_is_unsupported_and_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "claims: {dilation: false, groups: false}")
    assert main(["run", "some.yaml", "-f", "mine.yaml", "-o", "r.jsonl"]) == 0
    assert "mine: of 16 checks 2 claimed, 14 not claimed, 2 passed" in capsys.readouterr().out
    dilated = [one for one in Report.read("r.jsonl").records if one.case == "some/dilated"]
    assert {one.unclaimed for one in dilated} == {"dilation"}
    assert {one.reason for one in dilated} == {"not claimed: dilation"}


@pytest.mark.slow
def test_known_failures_are_written_read_and_do_not_rot(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "some.yaml", "-f", "mine.yaml", "--update-known", "known.yaml"]) == 1
    assert main(["run", "some.yaml", "-f", "mine.yaml", "--known", "known.yaml"]) == 0
    write(folder, "known: known.yaml")
    assert main(["run", "some.yaml", "-f", "mine.yaml", "-o", "r.jsonl"]) == 0
    assert Status.KNOWN in statuses(folder / "r.jsonl")["dilated"]
    (folder / "kernels.py").write_text(KERNELS.replace("if groups > 1", "if groups > 9"))
    capsys.readouterr()
    assert main(["run", "some.yaml", "-f", "mine.yaml", "--update-known", "known.yaml"]) == 1
    assert "does not reproduce here any more" in capsys.readouterr().out
    assert main(["run", "some.yaml", "-f", "mine.yaml"]) == 0


def test_an_entry_that_matches_no_case_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "known.yaml").write_text("limitations:\n- {id: a, cases: [edge/nothing], reason: r}")
    write(folder, "known: known.yaml")
    assert main(["run", "-f", "mine.yaml"]) == 2
    assert "known.yaml:2: limitation 'a' matches no case" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "-f", "mine.yaml", "-f", "./mine.yaml"], "its name 'mine' is given twice"),
        (["run", "-f", "numpy", "--update-known", "k"], "one implementation is needed, -f FILE"),
        (["run", "--known", "k.yaml"], "--known: one implementation is needed, -f FILE"),
        (["run", "-f", "mine.yaml", "--known", "k.yaml"], "k.yaml:1: cannot be read"),
        (["run", "-f", "none.yaml"], "none.yaml:1: cannot be read"),
        (["run", "-f", "mine.yaml", "--require", "yours"], "unknown framework 'yours'"),
        (["bench", "-f", "mine.yaml", "--baseline", "numpy"], "numpy is not measured"),
    ],
)
def test_what_cannot_be_asked_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert folder == Path.cwd()
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        ("raise RuntimeError('no such device')", "RuntimeError: no such device"),
        ("import not_there", "No module named 'not_there'"),
        ("def another(): ...", "cannot import name 'conv_transpose' from"),
    ],
)
def test_one_that_does_not_start_is_an_error_with_its_words(
    folder: Path, capsys: pytest.CaptureFixture[str], kernels: str, words: str
) -> None:
    (folder / "kernels.py").write_text(kernels)
    assert main(["run", "some.yaml", "-f", "mine.yaml"]) == 1
    shown = capsys.readouterr().out
    assert "mine did not start: " in shown
    assert words in shown


@pytest.mark.slow
def test_it_is_reproduced_by_its_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder == Path.cwd()
    assert main(["reproduce", "ic4_oc6_k3x2_g2_b_n1_i5x6", "-f", "mine.yaml"]) == 1
    shown = capsys.readouterr().out
    assert "from kernels import conv_transpose\ny = conv_transpose(x, w, b, stride=(1, 1)" in shown
    assert "equals the mutant: kernel flipped" in shown
    assert "grad_x   UNSUPPORTED: not claimed: gradients" in shown


@pytest.mark.slow
def test_it_is_a_column_of_the_public_functions(folder: Path) -> None:
    cases = list(harness.load_cases(folder / "some.yaml", "plain"))
    records = list(harness.run(cases, ["mine.yaml"]))
    assert [one.status for one in records if not one.unclaimed] == [Status.PASSED] * 2


@pytest.mark.slow
def test_it_is_timed_saved_compared_and_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = f"sqlite:///{folder}/h.db"
    run = ["some.yaml", "-f", "mine.yaml", "--save", database]
    timed = ["--rounds", "1", "-k", "plain", "-o", "b.jsonl"]
    assert main(["bench", *run, *timed]) == 0
    (forward, gradient) = Report.read("b.jsonl").measurements
    assert (forward.status, gradient.reason) == ("MEASURED", "not claimed: gradients")
    assert main(["run", *run, "-o", "r.jsonl", "--markdown", "r.md"]) == 1
    assert main(["report", "r.jsonl", "b.jsonl", "--html", "pages"]) == 1
    assert main(["report", "r.jsonl", "--badge", "b.svg"]) == 1
    assert "mine" in Path("pages/conformance.html").read_text()
    assert main(["diff", "r.jsonl", "r.jsonl"]) == 0
    capsys.readouterr()
    assert main(["history", "-f", "mine.yaml", "--database", database, "--json"]) == 0
    history: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert "mine" in json.dumps(history)
