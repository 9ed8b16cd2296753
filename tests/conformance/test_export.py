"""Programs run on another machine: the folder that goes there and the file that comes back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import load_cases
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.conformance.export import (
    RESULT,
    ExportError,
    check_known,
    export,
    exportable,
    imported,
)
from harness.convention.registry import convention
from harness.execution.environments import launch
from harness.records.report_file import Report
from harness.suite.case import Case

OCTAVE = ["octave", "--no-gui", "--quiet", "deconform_export.m"]
# Mathics3 with our definitions, in the place of a kernel that has the layer.
MATHICS = """
import gc, os, sys
from runpy import run_path
gc.disable()  # It would look at a million objects again and again.
session = run_path(sys.argv[1])["Session"]()
for folder in sys.argv[2:]:
    os.chdir(folder)
    for query in session.parsed(open("deconform_export.wl").read()):
        query.evaluate(session._session.evaluation)
"""
FRAMEWORKS = ("matlab", "wolfram")

SPEC = """\
suite: away
cases:
  - {name: two, input: [2, 2, 1, 1], out_channels: 4, kernel: [2, 1], stride: [3, 1], groups: 2}
  - {name: one, input: [1, 2, 2], out_channels: 2, kernel: 2, stride: 3, bias: false}
  - {name: half, input: [1, 1, 3], out_channels: 1, kernel: 2, dtype: float16}
  - {name: refused, input: [1, 2, 3], out_channels: 1, kernel: 2, stride: 0, rejected: true}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "away.yaml"
    path.write_text(SPEC)
    return path


def cases(spec: Path, select: str | None = None) -> Sequence[Case]:
    return list(load_cases(spec, select))


def licence_holder(framework: str, *folders: Path) -> None:
    """Run what was exported, where MATLAB or Wolfram would."""
    if framework == "matlab":
        for folder in folders:
            subprocess.run(OCTAVE, cwd=folder, check=True, capture_output=True)
    else:  # One process, since its start takes longer than all it does.
        mathics = launch(convention("wolfram"))
        command = [str(mathics.python), "-c", MATHICS, str(mathics.language), *map(str, folders)]
        subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True)
class Away:
    """What came back from elsewhere: a whole suite, and one program that was spoilt on its way."""

    framework: str
    spec: Path
    whole: Path
    spoilt: Path


@pytest.fixture(scope="module", params=FRAMEWORKS)
def away(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Away:
    folder = tmp_path_factory.mktemp("with blank")
    found = Away(request.param, folder / "away.yaml", folder / "whole", folder / "spoilt")
    found.spec.write_text(SPEC)
    export(cases(found.spec), found.framework, found.whole)
    export(cases(found.spec, "one"), found.framework, found.spoilt)
    program = found.spoilt / "jobs" / ("1/request" if found.framework == "matlab" else "1.wl")
    written = program.read_bytes()
    spoilt = written.replace(b"'Stride', 3", b"'Stride', 2").replace(b"-> 3", b"-> 2")
    assert spoilt != written
    program.write_bytes(spoilt)
    licence_holder(found.framework, found.whole, found.spoilt)
    return found


@pytest.mark.frameworks
def test_what_ran_elsewhere_is_judged_and_says_what_ran_it(away: Away, tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"
    assert main(["import", str(away.whole / RESULT), str(away.spec), "-o", str(file)]) == OK
    report = Report.read(file)
    statuses = {(r.case, r.check): r.status for r in report.records}
    assert statuses["away/two", "grad_b"] == "PASSED"
    assert statuses["away/one", "value"] == "PASSED"
    assert statuses["away/half", "value"] == "UNSUPPORTED"
    assert statuses["away/refused", "refusal"] == "PASSED"
    about = report.header.frameworks[away.framework]
    assert about.engine.startswith("documented semantics (")
    assert about.device == "elsewhere"


@pytest.mark.frameworks
def test_a_wrong_number_that_came_back_is_found(away: Away, tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"
    assert main(["import", str(away.spoilt), str(away.spec), "-o", str(file)]) == BAD
    failed = {r.check for r in Report.read(file).records if r.status == "FAILED"}
    assert failed == {"shape", "value"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_was_exported_is_said(
    framework: str, spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "with blank"
    assert main(["export", "--to", framework, "-o", str(folder), str(spec)]) == OK
    said = capsys.readouterr().out
    assert f"5 programs in {folder}; unsupported cases: 1" in said
    assert f"deconform import '{folder}/{RESULT}' {spec}" in said


@pytest.mark.frameworks
def test_a_result_that_was_cut_off_has_what_it_has(away: Away, tmp_path: Path) -> None:
    (tmp_path / RESULT).write_bytes((away.spoilt / RESULT).read_bytes()[:-20])
    assert main(["import", str(tmp_path), str(away.spec), "-o", str(tmp_path / "r.jsonl")]) == BAD
    records = Report.read(tmp_path / "r.jsonl").records
    crashed = [record for record in records if record.status == "CRASHED"]
    assert {record.check for record in crashed} == {"grad_x", "grad_w"}
    assert {record.reason for record in crashed} == {
        "the run elsewhere ended before it reached this program"
    }


def test_the_folder_is_self_contained(spec: Path, tmp_path: Path) -> None:
    done = export(cases(spec), "matlab", tmp_path / "away")
    assert (done.jobs, done.unsupported) == (5, 1)
    names = {path.name for path in (tmp_path / "away").iterdir()}
    assert {
        "deconform_export.m",
        "deconform_run.m",
        "definitions",
        "jobs",
        "manifest.json",
    } <= names
    script = (tmp_path / "away" / "deconform_export.m").read_text()
    assert str(tmp_path) not in script


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "pytorch"], "pytorch is run here (deconform run -f pytorch)"),
        (["--to", "torch"], "unknown framework 'torch'"),
    ],
)
def test_what_needs_no_export_is_said(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *arguments, "-o", str(tmp_path / "o"), "-k", "edge/sizes"]) == USAGE
    assert message in capsys.readouterr().err


def test_cases_that_any_selection_means_are_exported(spec: Path, tmp_path: Path) -> None:
    both, folder = ["-k", "one", "-k", "*/two"], tmp_path / "o"
    assert main(["export", str(spec), "--to", "matlab", "-o", str(folder), *both]) == OK
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["cases"]) == {"away/one", "away/two"}


def test_a_folder_in_use_is_not_touched(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    assert main(["export", "--to", "matlab", "-o", str(tmp_path / "mine"), str(spec)]) == USAGE
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7", "is not the result of a script that deconform exported"),
        (b"deconform-result 1\n", "is damaged, or ends too early"),
        (b"deconform-result 1\n5\n[1]\n\n", "is damaged, or ends too early"),
        (b"deconform-result 1\nx\n", "is damaged, or ends too early"),
        (b"deconform-result 1\n2\n{}4\na\nb\n", "is damaged, or ends too early"),
        (b"deconform-result 1\n-5\n", "is damaged, or ends too early .*a length of -5"),
        (b"deconform-result 1\n" + b"9" * 5000 + b"\n", "is damaged, or ends too early"),
    ],
)
def test_another_file_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / RESULT).write_bytes(content)
    with pytest.raises(ExportError, match=message):
        imported(tmp_path)


def result_of(cases: Sequence[Case], path: Path, *answers: bytes) -> Path:
    """A result of MATLAB's; one with no answers is what an interrupted script leaves."""
    known = {case.id: case.descriptor for case in cases}
    shapes = {"x": {"dtype": "float32", "shape": [1, 2, 2]}}
    gradients = {"case": min(known), "outputs": ["dx", "dw"], "sections": [], "inputs": shapes}
    manifest = {"framework": "matlab", "cases": known, "jobs": [gradients]}
    chunks = [json.dumps(manifest).encode(), b"1.0\nMATLAB\n", *answers]
    body = b"".join(b"%d\n%s" % (len(chunk), chunk) for chunk in chunks)
    path.write_bytes(b"deconform-result 1\n" + body)
    return path


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        (b"result\n\ndx single 1 2 2\n\n" + bytes(16), "dw is missing"),
        (b"result\n\ndx single 99 99 99\n\n" + bytes(24), "buffer is smaller than requested"),
        (b"result\n\ndx single -1 -1 9999999999999\n\n" + bytes(24), "buffer|count|reshape"),
        (b"result\n\ndx object 1\n\n" + bytes(24), "cannot create an OBJECT array"),
        (b"result\n\ndx egg 1\n\n" + bytes(24), "not understood"),
        (b"raised", "not enough values"),
    ],
)
def test_an_answer_that_lies_about_its_arrays_is_refused(
    answer: bytes, fact: str, spec: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=f"is damaged, or ends too early .*({fact})"):
        imported(result_of(cases(spec), tmp_path / "r", answer))


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / RESULT)
    with pytest.raises(ExportError, match="cannot be read: it is a pipe or a device, not a file"):
        imported(tmp_path)


def test_cases_that_have_changed_since_are_refused(spec: Path, tmp_path: Path) -> None:
    found = imported(result_of(cases(spec), tmp_path / "r"))
    spec.write_text(SPEC.replace("kernel: 2, stride: 3", "kernel: 2, stride: 2"))
    with pytest.raises(ExportError, match=r"'away/one' was ic2_oc2_k2_s3_n1_i2"):
        check_known(found, cases(spec))


def test_specs_without_the_exported_cases_are_refused(spec: Path, tmp_path: Path) -> None:
    found = imported(result_of(cases(spec), tmp_path / "r"))
    with pytest.raises(ExportError, match="4 cases that are not in these specs"):
        check_known(found, list(load_cases(select="edge/sizes")))


def test_a_missing_result_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "nowhere/deconform-result"]) == USAGE
    assert "nowhere/deconform-result cannot be read" in capsys.readouterr().err


def test_every_language_that_is_not_python_can_be_exported() -> None:
    assert set(exportable()) >= set(FRAMEWORKS)
