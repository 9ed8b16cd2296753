"""``deconform bench``: files, an interruption and going on after it, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fakes
import pytest

from harness.bench.rounds import Sampling, benchmark
from harness.cli import bench_plan
from harness.cli.main import main
from harness.execution.column import Conditions
from harness.records.measurement import MEASURED, Measurement
from harness.records.report_file import Report
from harness.suite.case import Case

pytestmark = pytest.mark.usefixtures("small_probes")
SPEC = """\
suite: small
cases:
  - {name: one, input: [1, 2, 4], out_channels: 2, kernel: 3, stride: 2}
  - {name: two, input: [1, 2, 5], out_channels: 2, kernel: 3, stride: 2}
  - {name: three, input: [1, 2, 6], out_channels: 2, kernel: 3, stride: 2}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return path


def bench(*arguments: object) -> int:
    return main(["bench", *map(str, arguments)])


def quickly(folder: Path) -> list[object]:
    python = f"numpy={fakes.interpreter(folder, 'correct')}"
    return ["-f", "numpy", "--python", python, "--rounds", 2, "--seconds", "0.000001"]


def test_table_and_files(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        name: tmp_path / f"report.{name}" for name in ("csv", "md", "json", "jsonl", "database")
    }
    status = bench(
        spec, *quickly(tmp_path), "-o", files["jsonl"], "--csv", files["csv"],
        "--markdown", files["md"], "--pytest-benchmark", files["json"],
        "--save", f"sqlite:///{files['database']}",
    )  # fmt: skip
    assert status == 0
    assert "6 of 6 programs measured" in capsys.readouterr().out
    assert all(file.stat().st_size for file in files.values())
    report = Report.read(files["jsonl"])
    assert report.footer is not None
    assert {one.status for one in report.measurements} == {MEASURED}
    assert report.header.settings["specs"] == [str(spec)]


def interrupted_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come after so many measurements."""

    def cut(
        cases: Sequence[Case],
        frameworks: Sequence[str],
        sampling: Sampling,
        conditions: Conditions,
    ) -> Iterator[Any]:
        seen = 0
        for event in benchmark(cases, frameworks, sampling, conditions):
            yield event
            seen += isinstance(event, Measurement)
            if seen == count:
                raise KeyboardInterrupt

    monkeypatch.setattr(bench_plan, "benchmark", cut)


@pytest.mark.slow
def test_interrupted_run_is_completed_by_resume(
    spec: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "report.jsonl"
    with monkeypatch.context() as patch:
        interrupted_after(3, patch)
        assert bench(spec, *quickly(tmp_path), "-o", output) == 130
    assert f"deconform bench --resume {output}" in capsys.readouterr().out
    begun = Report.read(output)
    assert begun.footer is None
    assert len(begun.measurements) == 3
    python = quickly(tmp_path)[2:4]
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        assert bench("--resume", output, *python) == 130
    assert bench("--resume", output, *python) == 0
    whole = Report.read(output)
    assert whole.footer is not None
    assert whole.footer.counts == {MEASURED: 6}
    assert [one.case for one in whole.measurements[::2]] == [
        "small/one",
        "small/two",
        "small/three",
    ]
    assert whole.header == begun.header
    assert whole.measurements[:2] == begun.measurements[:2]
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("selections", "recorded", "measured"),
    [
        (["one", "*/th*"], ["one", "*/th*"], ["small/one", "small/three"]),
        (["*/o?e"], "*/o?e", ["small/one"]),  # as reports have it that knew but one selection
    ],
)
@pytest.mark.slow
def test_resume_measures_what_was_selected(
    selections: list[str],
    recorded: list[str] | str,
    measured: list[str],
    spec: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "report.jsonl"
    options = [option for selection in selections for option in ("-k", selection)]
    assert bench(spec, *quickly(tmp_path), *options, "-o", output) == 0
    assert f"select {' '.join(selections)}" in capsys.readouterr().out
    header, *_ = output.read_text().splitlines()
    fields = json.loads(header)
    assert fields["settings"]["select"] == selections
    fields["settings"]["select"] = recorded
    output.write_text(json.dumps(fields) + "\n")
    assert bench("--resume", output, *quickly(tmp_path)[2:4]) == 0
    assert [one.case for one in Report.read(output).measurements[::2]] == measured


@pytest.mark.slow
def test_resume_refuses_what_does_not_fit(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "report.jsonl"
    assert bench(spec, *quickly(tmp_path), "-o", output) == 0
    assert bench("--resume", output) == 2
    assert "came to its end" in capsys.readouterr().err
    lines = output.read_text().splitlines(keepends=True)
    output.write_text("".join(lines[:3]).replace('"fingerprint":"', '"fingerprint":"0'))
    assert bench("--resume", output, *quickly(tmp_path)[2:4]) == 2
    assert "it was begun with machine 0" in capsys.readouterr().err
    assert bench("--resume", output, "-f", "numpy") == 2
    assert "says itself what is to be measured" in capsys.readouterr().err


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A suite, and the report of its benchmark, which is made once, with small probes."""
    folder = tmp_path_factory.getbasetemp() / "whole"
    if not folder.exists():
        folder.mkdir()
        (folder / "small.yaml").write_text(SPEC)
        assert bench(folder / "small.yaml", *quickly(folder), "-o", folder / "report.jsonl") == 0
    return folder / "small.yaml", (folder / "report.jsonl").read_text().splitlines(keepends=True)


@pytest.fixture
def begun(whole: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """The report of a run that was killed after its first case."""
    output = tmp_path / "begun.jsonl"
    output.write_text("".join(whole[1][:3]))
    return output


def changed(report: Path, where: int, **fields: Any) -> None:
    """Change fields of a line of a report, those of its settings where it has them there."""
    lines = report.read_text().splitlines()
    line = json.loads(lines[where])
    for name, value in fields.items():
        (line["settings"] if name in line.get("settings", {}) else line)[name] = value
    lines[where] = json.dumps(line)
    report.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rounds", 0),
        ("rounds", -1),
        ("rounds", 2.5),
        ("rounds", True),
        ("rounds", 10**9),
        ("threads", 0),
        ("threads", 10**6),
        ("threads", "1"),
        ("budget", float("nan")),
        ("budget", float("inf")),
        ("budget", -1.0),
        ("budget", None),
        ("seconds", 0.0),
        ("seconds", "0.002"),
        ("precision", float("nan")),
        ("device", "gpu"),
        ("device", ["cpu"]),
        ("math", 5),
        ("specs", "small.yaml"),
        ("specs", [5]),
        ("specs", []),
    ],
)
def test_resume_believes_no_setting_that_cannot_be(
    begun: Path, tmp_path: Path, name: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(begun, 0, **{name: value})
    before = begun.read_text()
    assert bench("--resume", begun, *quickly(tmp_path)[2:4]) == 2
    assert f"for {name}: it cannot be resumed." in capsys.readouterr().err
    assert begun.read_text() == before


@pytest.mark.parametrize("settings", [{"dtype": 5}, {"dtype": "int8"}, {"select": 5}])
def test_resume_believes_no_choice_that_cannot_be(
    begun: Path, tmp_path: Path, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    header = json.loads(begun.read_text().splitlines()[0])
    changed(begun, 0, settings=header["settings"] | settings)
    assert bench("--resume", begun, *quickly(tmp_path)[2:4]) == 2
    assert "it cannot be resumed." in capsys.readouterr().err


def test_resume_shows_nothing_of_a_file_that_a_report_names(
    begun: Path, tmp_path: Path, whole: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password: hunter2\n")
    changed(begun, 0, specs=[str(secret)])
    assert bench("--resume", begun, *quickly(tmp_path)[2:4]) == 2
    error = capsys.readouterr().err
    assert "hunter2" not in error
    assert "password" not in error
    assert f"name it yourself: deconform bench SPEC --resume {begun}" in error
    assert bench(whole[0], "--resume", begun, *quickly(tmp_path)[2:4]) == 0
    assert len(Report.read(begun).measurements) == 6


@pytest.mark.parametrize(
    ("where", "fields", "words"),
    [
        (0, {"suite": "0" * 12}, "begun with suite"),
        (0, {"cases": 7}, "begun with cases 7, not 3"),
        (0, {"deconform": "0.0.1"}, "begun with deconform 0.0.1"),
        (0, {"commit": "0" * 40}, "begun with commit 0"),
        (1, {"case": "small/else"}, "its case 'small/else' is not one of this suite"),
        (1, {"descriptor": "ic1_oc1_k1_n1_i1"}, "its case 'small/one' is not one of this suite"),
    ],
)
def test_resume_is_of_the_same_run(
    begun: Path,
    tmp_path: Path,
    where: int,
    fields: dict[str, Any],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed(begun, where, **fields)
    assert bench("--resume", begun, *quickly(tmp_path)[2:4]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--baseline", "pytorch", "-f", "numpy"], "add -f pytorch"),
        (["-f", "matlab"], "nothing can be measured: matlab: "),
        (["--threads", "0"], "not a positive number"),
        (["-f", "numpi"], "numpi"),
        (["-k", "nothing"], "no case matches -k 'nothing'"),
        (["-k", "one", "-k", "tow"], "no case matches -k 'tow'"),
        (["--math", "tf32", "-f", "numpy"], "add --device cuda"),
        (["--resume", "missing.jsonl"], "missing.jsonl"),
    ],
)
def test_wrong_usage(
    arguments: list[str], words: str, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = bench(*([] if "--resume" in arguments else [spec]), *arguments)
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 1
    assert status == 2
    assert words in capsys.readouterr().err
