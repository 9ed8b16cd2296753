"""The command line: exit statuses, and one clear error for bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from subprocess import PIPE

import fakes
import pytest
from examples import slow

from harness import Report
from harness.cli import output
from harness.cli.exit_statuses import BAD, INTERRUPTED, OK, TERMINATED, USAGE, ended_by_sigterm
from harness.cli.main import main
from harness.records.record import Event, Footer, Header
from harness.records.report_stream import report_stream

SPEC = """\
suite: made
cases:
  - name: one
    input: [2, 2, 3, 4]
    out_channels: 3
    kernel: [3, 2]
    stride: 2
    crop: [[1, 0], [0, 2]]
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "made.yaml"
    path.write_text(SPEC)
    return str(path)


def fake(tmp_path: Path, behaviour: str) -> str:
    return f"--python=numpy={fakes.interpreter(tmp_path, behaviour)}"


def test_a_second_writer_of_a_report_is_told_before_anything_runs(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    with report_stream(out) as write:
        for event in (Header("0.1.0", "2026-01-02T03:04:05+00:00", {}, cases=0), Footer({}, 1.0)):
            assert main(["run", spec, "-f", "numpy", "-o", str(out)]) == USAGE
            write(event)
    assert capsys.readouterr().err == (
        f"error: {out} is being written by another process; wait until it has ended.\n" * 2
    )
    assert Report.read(out).footer == Footer({}, 1.0)


@pytest.mark.slow
def test_a_run_that_is_interrupted_leaves_the_old_report(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    command = ["run", spec, "-f", "numpy", "-o", str(out)]
    assert main(command) == OK
    old = out.read_text()

    def cut(events: Iterator[Event], *_: object) -> Iterator[Event]:
        yield from islice(events, 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "followed", cut)
    assert main(command) == INTERRUPTED
    assert out.read_text() == old
    assert f"{out} is as it was; this run is in {out}.part." in capsys.readouterr().out
    assert len(Report.read(f"{out}.part").records) == 2


def test_run_writes_report_junit_and_markdown(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reports" / "run.jsonl"
    options = ["-o", str(out), "--junit", f"{out}.xml", "--markdown", f"{out}.md"]
    assert main(["run", spec, "-f", "numpy", *options]) == OK
    report = Report.read(out)
    assert [record.check for record in report.records] == [
        "shape",
        "value",
        "grad_x",
        "grad_w",
        "grad_b",
    ]
    assert Path(f"{out}.xml").read_text().startswith("<?xml")
    assert "| made | ✓ 5 |" in Path(f"{out}.md").read_text()
    assert "1 cases, 5 checks" in capsys.readouterr().out


def test_run_takes_the_cases_that_any_selection_means(tmp_path: Path) -> None:
    suite, out = tmp_path / "sizes.yaml", tmp_path / "run.jsonl"
    one = "{{name: {}, input: [1, 1, 2], out_channels: 1, kernel: 2}}"
    lines = [f"  - {one.format(name)}" for name in ("small", "large", "odd")]
    suite.write_text("\n".join(["suite: sizes", "cases:", *lines]))
    options = ["-f", "numpy", fake(tmp_path, "correct"), "-o", str(out)]
    assert main(["run", str(suite), *options, "-k", "odd", "-k", "sizes/s*"]) == OK
    chosen = dict.fromkeys(record.case for record in Report.read(out).records)
    assert list(chosen) == ["sizes/small", "sizes/odd"]


def test_a_suite_without_cases_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = tmp_path / "empty.yaml"
    suite.write_text("suite: empty\ncases: []\n")
    assert main(["run", str(suite)]) == USAGE
    assert capsys.readouterr().err == f"error: {suite}: there is no case.\n"


def test_run_with_a_wrong_framework_exits_1_and_names_the_mutant(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", spec, "-f", "numpy", fake(tmp_path, "flips_kernel")]) == BAD
    out = capsys.readouterr().out
    assert "equals the mutant: kernel flipped" in out
    assert "deconform reproduce ic2_oc3_k3x2_s2x2_c1.0x0.2_b_n2_i3x4 -f numpy" in out


@pytest.mark.slow
def test_what_is_not_there_is_no_failure_unless_required(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path / "no environments"))
    command = ["run", spec, "-f", "numpy", "-f", "pytorch", fake(tmp_path, "correct")]
    assert main(command) == OK
    assert main([*command, "--require", "pytorch"]) == BAD
    assert "pytorch is required, but was not run" in capsys.readouterr().out
    assert main(["run", spec, "-f", "numpy", "--require", "pytorch"]) == BAD
    assert main([*command, "--require", "numpy"]) == OK


@pytest.mark.parametrize("behaviour", ["cannot_import", slow("dies_on_import")])
def test_what_is_there_and_cannot_start_fails_the_run(
    spec: str, tmp_path: Path, behaviour: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    command = ["run", spec, "-f", "numpy", fake(tmp_path, behaviour), "-o", str(out)]
    assert main(command) == BAD
    assert {record.status for record in Report.read(out).records} == {"ERRORED"}
    assert "numpy did not start: " in capsys.readouterr().out
    assert main([*command, "--require=numpy"]) == BAD
    assert "numpy is required, but was not run" in capsys.readouterr().out


def test_a_run_in_which_nothing_ran_fails(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path / "no environments"))
    assert main(["run", spec, "-f", "pytorch"]) == BAD
    assert ": nothing was run." in capsys.readouterr().out


def test_a_run_in_which_nothing_can_be_expressed_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = "{name: one, input: [1, 1, 2, 2, 2], out_channels: 2, kernel: 2, dtype: float64}"
    (tmp_path / "deep.yaml").write_text(f"suite: deep\ncases:\n  - {case}\n")
    works = f"--python=mxnet={fakes.interpreter(tmp_path, 'correct')}"
    assert main(["run", str(tmp_path / "deep.yaml"), "-f", "mxnet", works]) == BAD
    assert ": nothing was run." in capsys.readouterr().out


@pytest.mark.parametrize(("least", "status"), [(5, OK), (6, BAD)])
def test_a_run_that_shrank_fails(
    spec: str, tmp_path: Path, least: int, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", spec, "-f", "numpy", fake(tmp_path, "correct")]
    assert main([*command, "--min-checks", str(least)]) == status
    short = "5 checks were run, where at least 6 are to be." in capsys.readouterr().out
    assert short == (status == BAD)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no bound")
def test_memory_that_is_not_allowed_costs_the_record_that_says_so(
    spec: str, tmp_path: Path
) -> None:
    out = tmp_path / "run.jsonl"
    greedy = fake(tmp_path, "eats_memory")
    assert main(["run", spec, "-f", "numpy", greedy, "--memory", "1G", "-o", str(out)]) == BAD
    for record in Report.read(out).records:
        assert record.status == "ERRORED"
        assert "MemoryError:  (a worker may use 1024 MiB)" in (record.reason or "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: there is no such spec file or folder."),
        (["run", "-f", "pytroch"], "unknown framework 'pytroch'. Did you mean 'pytorch'?"),
        (["run", "-k", "no-such-case"], "no case matches -k 'no-such-case'."),
        (["run", "-k", "edge/", "-k", "edgy/", "-f", "numpy"], "no case matches -k 'edgy/'."),
        (["run", "--python", "mxnet"], "--python mxnet: expected NAME=PATH"),
        (["run", "--require", "jaks"], "unknown framework 'jaks'"),
        (["report", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
        (["reproduce", "rubbish", "-f", "numpy"], "descriptor word 'rubbish' is unknown"),
        (["reproduce", "ic1_oc1_k3", "-f", "numpy"], "an input of 0 axes and a kernel of 1"),
        (["reproduce", "no/such", "-f", "numpy"], "the default suite has no case 'no/such'."),
        (["reproduce", "ic1_oc1_k-1_n1_i3", "-f", "numpy"], "w cannot have the shape [1, 1, -1]."),
        (
            ["reproduce", "ic1_oc1_k1_random_n1_i999999999999", "-f", "numpy"],
            "x has shape [1, 1, 999999999999], 999999999999 elements; 268435456 are allowed.",
        ),
        (["envs", "pytroch"], "unknown framework 'pytroch'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.out == ""


def test_bad_spec_names_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(SPEC.replace("[[1, 0], [0, 2]]", "9"))
    assert main(["run", str(path)]) == USAGE
    assert capsys.readouterr().err == (
        f"error: {path}:3: case 'one': output height would be -11.\n"
        "  full height 7 = (3-1)*2 + 1*(3-1) + 1; crop (9, 9) removes 18.\n"
        "  Reduce crop or enlarge the input.\n"
    )


def test_unwritable_output_is_said_before_the_run(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", spec, "-f", "numpy", "-o", f"{spec}/x.jsonl"]) == USAGE
    assert "cannot be written" in capsys.readouterr().err
    del tmp_path


def test_usage_errors_exit_2() -> None:
    for arguments in (
        [],
        ["fly"],
        ["run", "-j", "0"],
        ["run", "--timeout", "soon"],
        ["run", "--timeout", "-1"],
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == USAGE


def test_reproduce_shows_program_numbers_and_verdicts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    descriptor = "ic1_oc1_k2_s2_b_n1_i2"
    assert main(["reproduce", descriptor, "-f", "numpy"]) == OK
    out = capsys.readouterr().out
    assert "y = impl.conv_transpose(x, w, b, stride=2)" in out
    assert "got y (1, 1, 4) float32 =" in out
    assert "value    PASSED" in out
    wrong = fake(tmp_path, "always_wrong")
    assert main(["reproduce", descriptor, "-f", "numpy", wrong]) == BAD
    out = capsys.readouterr().out
    assert "expected y (1, 1, 4) float32 =" in out
    assert "value    FAILED: y: 4 of 4 elements differ" in out


def test_envs_says_what_runs_where_nothing_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["envs", "numpy"]) == OK
    assert "numpy: no environment is needed; it runs in " in capsys.readouterr().out


def test_reproduce_without_the_framework_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["reproduce", "ic1_oc1_k2_n1_i2", "-f", "mxnet", "--python", f"mxnet={tmp_path}/no"]
    assert main(arguments) == USAGE
    assert "mxnet cannot be run" in capsys.readouterr().err


def test_report_shows_a_file_again(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    main(["run", spec, "-f", "numpy", "-o", str(out)])
    capsys.readouterr()
    assert main(["report", str(out), "--markdown", str(tmp_path / "run.md")]) == OK
    assert "made   ✓ 5" in capsys.readouterr().out
    assert (tmp_path / "run.md").is_file()


def test_doctor_says_what_is_missing_and_how_to_get_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # Octave takes half a second to start.
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path))
    assert main(["doctor"]) == OK
    out = capsys.readouterr().out
    assert "-- pytorch      no environment; build it with: deconform envs pytorch" in out
    assert "ok numpy" in out


def started(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, and wait until the first framework is on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        stdout=PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("numpy: ")
    return process


def runs(program: Path) -> bool:
    return not subprocess.run(["pgrep", "-f", str(program)], stdout=PIPE, check=False).returncode


ENDINGS = [(signal.SIGINT, INTERRUPTED), slow(signal.SIGTERM, TERMINATED)]


@pytest.mark.usefixtures("can_be_interrupted")
@pytest.mark.parametrize(("number", "status"), ENDINGS)
@pytest.mark.slow
def test_a_signal_leaves_a_report_without_footer_and_no_worker(
    number: signal.Signals, status: int, spec: str, tmp_path: Path
) -> None:
    out, worker = tmp_path / "run.jsonl", fakes.interpreter(tmp_path, "hangs_always")
    process = started(["run", spec, "-f", "numpy", "-o", str(out), f"--python=numpy={worker}"])
    assert runs(worker)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == status
    assert "interrupted" in said
    assert "Traceback" not in said
    assert Report.read(out).footer is None
    assert not runs(worker)


def test_sigterm_is_as_it_was_when_a_command_is_over_and_as_its_user_chose() -> None:
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    with ended_by_sigterm():
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ended_by_sigterm():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.mark.slow
def test_json_lines_are_complete_while_the_run_goes_on(spec: str, tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    assert main(["run", spec, "-f", "numpy", "-o", str(out)]) == OK
    assert [json.loads(line)["kind"] for line in out.read_text().splitlines()] == [
        "header",
        *["record"] * 5,
        "footer",
    ]
