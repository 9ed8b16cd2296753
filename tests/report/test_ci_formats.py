"""What continuous integration reads: JUnit, SARIF, GitHub's summary and its annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from saved_runs import benchmark, engine, header, record, written

from harness import Report
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.core.column_info import ColumnInfo
from harness.records.record import Event, Footer, Record
from harness.records.status import Status
from harness.report import sarif as sarif_document
from harness.report.annotations import github_annotations
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.sarif import sarif
from harness.report.summary import MOST_BYTES, summary

BAD_ONES = (
    record("value", Status.FAILED, file="specs/edge/a.yaml", line=7, reason="y: 2 of 4 differ"),
    record("grad_x", Status.FAILED, file="specs/edge/a.yaml", line=7, reason="y: 2 of 4 differ"),
    record("shape", Status.CRASHED, "edge/b", file="specs/edge/a.yaml", line=9, reason="signal 11"),
)
GOOD_ONES = (record("shape", Status.PASSED), record("value", Status.KNOWN, "edge/c"))
HOSTILE = "a,b:c%0A::error::x\r\n]]><script>alert(1)</script> | `x` [y](http://z) \x00\ud800"


def run(*records: Record, whole: bool = True) -> Report:
    about = {"numpy": engine(), "mxnet": ColumnInfo(unavailable="no environment <b>")}
    events: list[Event] = [header(0, about), *records]
    return Report.of([*events, Footer({}, 2.0)] if whole else events)


def hostile(status: Status) -> Record:
    """Make a record that holds what breaks out of every format, wherever text is free."""
    return replace(
        record("value", status, file=f"specs/{HOSTILE}.yaml", line=3),
        case=f"edge/{HOSTILE}",
        suite=HOSTILE,
        reason=HOSTILE,
        diagnosis=HOSTILE,
        reproduce=f"deconform reproduce '{HOSTILE}' -f numpy",
    )


# SARIF


def results(report: Report) -> list[Any]:
    (only,) = json.loads(sarif(report))["runs"]
    found: list[Any] = only["results"]
    return found


def test_sarif_has_a_result_at_the_line_of_the_spec_for_each_bad_record() -> None:
    found = results(run(*GOOD_ONES, *BAD_ONES))
    assert [
        (
            one["ruleId"],
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for one in found
    ] == [
        ("FAILED/value", "specs/edge/a.yaml", 7),
        ("FAILED/grad_x", "specs/edge/a.yaml", 7),
        ("CRASHED/shape", "specs/edge/a.yaml", 9),
    ]
    assert found[0]["message"]["text"].startswith("FAILED numpy edge/a: value\ny: 2 of 4 differ")
    assert len({one["partialFingerprints"]["deconform/v1"] for one in found}) == 3


@pytest.mark.parametrize("records", [(), BAD_ONES, (hostile(Status.ERRORED),)])
def test_sarif_has_what_the_standard_requires(records: tuple[Record, ...]) -> None:
    """https://docs.oasis-open.org/sarif/sarif/v2.1.0/, sections 3.13, 3.14, 3.19, 3.27, 3.49."""
    log = json.loads(sarif(run(*records)))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (only,) = log["runs"]
    driver = only["tool"]["driver"]
    assert driver["name"] == "deconform"
    identifiers = [rule["id"] for rule in driver["rules"]]
    assert len(set(identifiers)) == len(identifiers)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    assert only["invocations"] == [{"executionSuccessful": True}]
    for one in only["results"]:
        assert identifiers[one["ruleIndex"]] == one["ruleId"]
        assert one["level"] in {"none", "note", "warning", "error"}
        assert one["message"]["text"]
        place = one["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"[\w./%-]+", place["artifactLocation"]["uri"], re.ASCII)
        assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        assert place["region"]["startLine"] >= 1


def test_sarif_of_an_interrupted_run_says_so() -> None:
    (only,) = json.loads(sarif(run(whole=False)))["runs"]
    (invocation,) = only["invocations"]
    assert not invocation["executionSuccessful"]
    (told,) = invocation["toolExecutionNotifications"]
    assert "interrupted" in told["message"]["text"]


def test_sarif_places_files_elsewhere_by_their_uri_and_none_nowhere() -> None:
    away = replace(BAD_ONES[0], file="/elsewhere/my specs.yaml", line=0)
    unplaced = replace(BAD_ONES[1], file="")
    first, second = results(run(away, unplaced))
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///elsewhere/my%20specs.yaml"}
    assert place["region"] == {"startLine": 1}
    assert "locations" not in second


def test_sarif_holds_no_more_than_github_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif_document._MOST == 25_000
    # 25,003 records take seconds, and show no more than 8 do.
    monkeypatch.setattr(sarif_document, "_MOST", 5)
    many = (replace(BAD_ONES[0], case=f"edge/{i}") for i in range(8))
    (only,) = json.loads(sarif(run(*many)))["runs"]
    assert [result["properties"]["case"] for result in only["results"]] == [
        f"edge/{i}" for i in range(5)
    ]
    (told,) = only["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("3 more records are bad")


# Annotations


def test_annotations_stand_at_the_lines_of_the_spec() -> None:
    assert github_annotations(run(*GOOD_ONES, *BAD_ONES)) == (
        "::error file=specs/edge/a.yaml,line=7,title=edge/a::"
        "FAILED numpy edge/a: value, grad_x%0A  y: 2 of 4 differ%0A  \n"
        "::error file=specs/edge/a.yaml,line=9,title=edge/b::"
        "CRASHED numpy edge/b: shape%0A  signal 11%0A  \n"
    )


def test_annotations_of_many_lines_end_with_how_many_more() -> None:
    many = [replace(BAD_ONES[0], case=f"edge/{i}", line=i) for i in range(1, 31)]
    lines = github_annotations(run(*many)).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error::21 more lines of specs have something bad; see the report."
    assert len(github_annotations(run(*many[:10])).splitlines()) == 10
    assert "more lines" not in github_annotations(run(*many[:10]))


def test_annotations_are_one_command_a_line_whatever_stands_in_them() -> None:
    (line,) = github_annotations(run(hostile(Status.FAILED))).splitlines()
    properties, _, message = line.removeprefix("::error ").partition("::")
    assert [part.partition("=")[0] for part in properties.split(",")] == ["file", "line", "title"]
    assert "a%2Cb%3Ac%250A%3A%3Aerror%3A%3Ax%0D%0A" in properties
    assert "a,b:c%250A::error::x%0D%0A" in message


def test_a_case_without_a_file_is_annotated_without_a_place() -> None:
    text = github_annotations(run(replace(BAD_ONES[0], file="", line=0)))
    assert text.startswith("::error title=edge/a::FAILED numpy edge/a: value%0A")


# The summary


def test_summary_counts_by_framework_and_folds_what_is_bad() -> None:
    text = summary(run(*GOOD_ONES, *BAD_ONES))
    head, _, folded = text.partition("<details>\n<summary>What went wrong</summary>")
    assert head.startswith("### Conformance: 3 checks are bad\n")
    assert "| numpy | 1.0 | Python 3.11, cpu | 1 | 1 |  |  | **3** |" in head
    assert "| mxnet | - | no environment &lt;b> |  |  |  |  |  |" in head
    assert "<summary>1 suites</summary>\n\n| suite | numpy |\n" in head
    assert "| edge/a: value, grad_x | numpy | FAILED | y: 2 of 4 differ |" in folded
    assert "y: 2 of 4 differ" not in head


def test_summary_of_a_good_run_has_nothing_to_unfold_but_the_suites() -> None:
    text = summary(run(*GOOD_ONES))
    assert text.startswith("### Conformance: nothing failed\n")
    assert text.count("<details>") == 1
    assert "commit `c0`" in text


def test_summary_of_an_interrupted_run_says_so() -> None:
    assert "nothing failed, but the run was interrupted" in summary(run(*GOOD_ONES, whole=False))


@pytest.mark.parametrize("most", [500, 1000, 2000, 30_000, MOST_BYTES])
def test_summary_is_never_larger_than_what_github_takes(most: int) -> None:
    long = "\N{SNOWMAN}" * 5000
    records = [replace(BAD_ONES[0], case=f"edge/{i}", reason=long) for i in range(2000)]
    text = summary(run(*records), most)
    assert len(text.encode()) <= most
    assert re.search(r"\n\d+ more do not fit here; the report has them all\.\n", text)
    assert text.count("<details>") == text.count("</details>")
    told = re.search(r"\n(\d+) more do not fit", text)
    assert told
    assert int(told[1]) + text.count("| edge/") == 2000


# All of them


def test_hostile_text_leaves_junit_one_test() -> None:
    root = ET.fromstring(junit(run(hostile(Status.FAILED))))
    (test,) = root.findall("testsuite[@name='numpy']/testcase")
    assert (test.get("name") or "").startswith("edge/a,b:c%0A::error::x\r\n]]><script>")
    assert [child.tag for child in test] == ["failure"]


@pytest.mark.parametrize("form", [summary, markdown])
def test_hostile_text_is_no_markup(form: Callable[[Report], str]) -> None:
    text = form(run(hostile(Status.FAILED)))
    without_code = re.sub(r"(`+) .*? \1", "", text)
    assert "<script" not in without_code
    assert "](http" not in without_code


def test_hostile_text_keeps_a_summarys_table_in_shape() -> None:
    text = summary(run(hostile(Status.FAILED)))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
    assert rows == [9, 9, 9, 9, 3, 3, 3, 3, 7, 7, 7]


# The command line


def test_report_writes_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = run(*GOOD_ONES, *BAD_ONES)
    path = written(tmp_path / "run.jsonl", report)
    out = tmp_path / "out"
    chosen = ["--sarif", f"{out}/a.sarif", "--summary", f"{out}/a.md", "--annotations"]
    assert main(["report", str(path), *chosen]) == BAD
    assert (out / "a.sarif").read_text() == sarif(report)
    assert (out / "a.md").read_text() == summary(report)
    assert github_annotations(report) in capsys.readouterr().out


def test_summary_goes_after_what_the_job_has_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    path = written(tmp_path / "run.jsonl", run(*GOOD_ONES))
    assert main(["report", "--summary", "--", str(path)]) == OK
    assert main(["report", str(path), "--summary"]) == OK
    assert job.read_text() == 2 * summary(run(*GOOD_ONES))
    job.write_text("x" * (MOST_BYTES - 100))
    assert main(["report", str(path), "--summary"]) == OK
    assert job.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--summary"], "--summary: GITHUB_STEP_SUMMARY is not set; name a file."),
        (["--sarif", "/dev/null/a"], "/dev/null/a cannot be written: "),
        (["again", "--sarif", "a"], "take one report at a time"),
        (["again", "--badges", "a"], "take one report at a time"),
    ],
)
def test_what_cannot_be_written_is_said(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    path = str(written(tmp_path / "run.jsonl", run(*GOOD_ONES)))
    assert main(["report", path, *(path if one == "again" else one for one in arguments)]) == USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--sarif=a", "--summary=a", "--annotations", "--badges=a"])
def test_a_benchmark_has_none_of_them(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "bench.jsonl", benchmark(0))
    assert main(["report", str(path), option]) == USAGE
    name = option.partition("=")[0]
    assert (
        f"error: {name}: the report of a benchmark has no such format." in capsys.readouterr().err
    )
