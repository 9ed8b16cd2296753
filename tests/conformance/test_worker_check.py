"""A program is held against the protocol: each way to be wrong is found, and named."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from wrong_workers import TEMPLATE, WRONG, write_worker

from harness.cli.exit_statuses import BAD, INTERRUPTED, OK, USAGE
from harness.cli.main import main
from harness.conformance.worker_check import Mark, _difference, check_worker
from harness.doors.implementation import load_implementation

PYTHON = [sys.executable, "-I", "-S"]


@pytest.mark.slow
def test_an_honest_worker_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-worker", "--", *PYTHON, str(TEMPLATE)]) == OK
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[:-2]} == {"ok", "refused"}
    assert lines[-1].startswith("checks: 29 ok, 3 refused.")


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found_and_named(tmp_path: Path, wrong: str) -> None:
    change, subject, came = WRONG[wrong]
    write_worker(tmp_path, change)
    file = tmp_path / "mine.yaml"
    words = ", ".join([*PYTHON, "worker.py"])
    file.write_text(f"name: mine\ncommand: [{words}]\nclaims: {{gradients: true}}\n")
    with closing(check_worker(load_implementation(file), 2.0)) as findings:
        first = next(finding for finding in findings if finding.mark == Mark.WRONG)
    assert first.subject == subject
    assert came in first.came
    assert len(first.came) <= 500
    assert "\n" not in first.came
    assert first.expected
    assert (first.sent == "") == (subject == "all")


@pytest.mark.slow
def test_a_finding_has_three_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, *_ = WRONG["another shape"]
    file = write_worker(tmp_path, change)
    assert main(["check-worker", "--timeout", "5", *PYTHON, str(file)]) == BAD
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("WRONG    run")
    assert lines[at + 1].startswith('           sent:     {"op": "run", "direction": "forward", ')
    assert lines[at + 1].endswith(
        "with x (1, 4, 4, 4) float32, w (4, 6, 2, 2) float32, b (6,) float32"
    )
    assert lines[at + 2] == "           came:     y has shape (6, 5, 5)"
    assert lines[at + 3] == "           expected: result with y (1, 6, 5, 5) float32"
    assert lines[-1].startswith("checks: 20 ok, 3 refused, 9 WRONG.")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "name the program: deconform check-worker ./worker"),
        (["--"], "name the program"),
        (["./no-such-worker"], "there is no file"),
        (["no-such-worker"], "there is no such program on PATH"),
        (["--timeout", "-1", "true"], "--timeout -1: it must be a number of seconds"),
        (["--timeout", "nan", "true"], "--timeout nan: it must be"),
        (["missing.yaml"], "missing.yaml:1: cannot be read"),
    ],
)
def test_bad_usage(words: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-worker", *words]) == USAGE
    assert reason in capsys.readouterr().err


def test_a_file_must_have_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\npython: kernels:conv_transpose\n")
    assert main(["check-worker", str(tmp_path / "mine.yaml")]) == USAGE
    assert "it has a 'python', not a 'command'" in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_not_claimed_is_not_asked_for(tmp_path: Path) -> None:
    write_worker(tmp_path)
    claims = "{axes: [2], dtypes: [float32], groups: false, gradients: false}"
    words = ", ".join([*PYTHON, "worker.py"])
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\ncommand: [{words}]\nclaims: {claims}\n")
    findings = {finding.subject: finding for finding in check_worker(load_implementation(file))}
    assert not [finding for finding in findings.values() if finding.mark == Mark.WRONG]
    assert findings["run, float64"].came == "not claimed: dtypes: float64"
    assert findings["run, gradient"].came == "not claimed: gradients"
    assert findings["run, no bias"].mark == findings["4 requests at once"].mark == Mark.OK


@pytest.mark.slow
@pytest.mark.usefixtures("can_be_interrupted")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    mark = tmp_path / "mark"
    write_worker(tmp_path, f"open({str(mark)!r}, 'w').write(str(os.getpid())); signal.pause()")
    command = [sys.executable, "-m", "harness", "check-worker", "--timeout", "60"]
    with subprocess.Popen(
        [*command, *PYTHON, str(tmp_path / "worker.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (mark.exists() and mark.read_text()):
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (out, err) == ("", "interrupted\n")
    assert process.returncode == (INTERRUPTED if number == signal.SIGINT else 143)
    assert not Path(f"/proc/{mark.read_text()}").exists()


def test_how_an_array_differs_is_explained() -> None:
    want = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert _difference("y", want.copy(), want) is None
    assert "is big-endian" in str(_difference("y", want.byteswap(), want))
    transposed = np.asfortranarray(want).ravel(order="K").reshape(2, 3)
    assert "is in Fortran's order" in str(_difference("y", transposed, want))
    assert _difference("y", want + 1, want) == (
        "y has 6 wrong elements of 6; first y[0, 0] is 1, expected 0"
    )
