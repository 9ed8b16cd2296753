"""Badges: what a run said of a framework, in a small picture that nothing breaks out of."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from saved_runs import engine, header, record, written

from harness import Report
from harness.cli.exit_statuses import BAD, OK
from harness.cli.main import main
from harness.core.column_info import ColumnInfo
from harness.records.record import Event, Footer
from harness.records.report_file import ReportError
from harness.records.status import Status
from harness.report.badge import GREEN, GREY, RED, badge, badges

SVG = "{http://www.w3.org/2000/svg}"
OCTAVE = engine("GNU Octave 7.3.0", engine="documented semantics (GNU Octave 7.3.0)")


def run(about: dict[str, Any], *statuses: Status, whole: bool = True) -> Report:
    (name, *_) = about
    records = [record(f"check-{i}", one, framework=name) for i, one in enumerate(statuses)]
    events: list[Event] = [header(0, about), *records]
    return Report.of([*events, Footer({}, 1.0)] if whole else events)


def said(drawn: str) -> tuple[str, str, str]:
    """Give a badge's label, its text and its colour."""
    root = ET.fromstring(drawn)
    label, text = root.iter(f"{SVG}text")
    _, right = root.findall(f"{SVG}path")
    return label.text or "", text.text or "", right.get("fill", "")


@pytest.mark.parametrize(
    ("about", "statuses", "wanted"),
    [
        (
            engine("2.21.0"),
            [Status.PASSED] * 3 + [Status.KNOWN],
            ("x 2.21", "3 passed, 1 known", GREEN),
        ),
        (engine("2.13.0+cpu"), [Status.PASSED], ("x 2.13", "1 passed", GREEN)),
        (
            engine("1.9.1"),
            [Status.FAILED, Status.ERRORED, Status.PASSED],
            ("x 1.9", "2 bad, 1 passed", RED),
        ),
        (
            OCTAVE,
            [Status.PASSED],
            ("x: documented semantics (GNU Octave 7.3.0)", "1 passed", GREEN),
        ),
        (ColumnInfo(unavailable="none"), [Status.SKIPPED], ("x", "not run", GREY)),
        (engine("dev"), [], ("x", "no checks", GREY)),
        (engine("1.0"), [Status.UNSUPPORTED], ("x 1.0", "1 unsupported", GREY)),
    ],
)
def test_a_badge_says_what_became_of_a_framework(
    about: dict[str, str], statuses: list[Status], wanted: tuple[str, str, str]
) -> None:
    (drawn,) = badges(run({"x": about}, *statuses)).values()
    assert said(drawn) == wanted


def test_a_badge_of_an_interrupted_run_is_not_green() -> None:
    (drawn,) = badges(run({"x": engine()}, Status.PASSED, whole=False)).values()
    assert said(drawn) == ("x 1.0", "interrupted: 1 passed", RED)


@given(st.text(), st.text())
def test_any_text_makes_a_badge_that_is_as_wide_as_its_words(label: str, text: str) -> None:
    root = ET.fromstring(badge(label, text, GREEN))
    assert {node.tag for node in root.iter()} <= {
        SVG + tag for tag in ("svg", "title", "path", "g", "text")
    }
    widths = [int(node.get("textLength", "")) for node in root.iter(f"{SVG}text")]
    assert int(root.get("width", "")) == sum(widths) + 24
    assert all("\n" not in (node.text or "") for node in root.iter(f"{SVG}text"))


def test_a_long_text_is_cut() -> None:
    label, _, _ = said(badge("x" * 1000, "fine", GREEN))
    assert label == "x" * 80 + "..."


@pytest.mark.parametrize("colour", ["green", '#fff" onload="x', "#12345g", "#2e8540\n"])
def test_a_colour_is_a_colour(colour: str) -> None:
    with pytest.raises(ValueError, match="is not a colour"):
        badge("a", "b", colour)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a b", "\N{SNOWMAN}", "x\n"])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(ReportError, match="can name no file"):
        badges(run({name: engine()}, Status.PASSED))


def test_the_file_of_a_variant_has_a_name_that_any_system_takes() -> None:
    files = badges(run({"mxnet:other": engine()}, Status.PASSED))
    assert [*files] == ["mxnet-other.svg"]
    assert "mxnet:other" in files["mxnet-other.svg"]


def test_report_writes_one_for_each_framework(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    for statuses, status in (([Status.PASSED], OK), ([Status.FAILED], BAD)):
        report = run({"numpy": engine(), "mxnet": ColumnInfo(unavailable="none")}, *statuses)
        written(path, report)
        out = tmp_path / "badges"
        assert main(["report", str(path), "--badges", str(out)]) == status
        assert {file.name: file.read_text() for file in out.iterdir()} == badges(report)
        assert set(badges(report)) == {"numpy.svg", "mxnet.svg"}
