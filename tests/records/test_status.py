"""The table of statuses and that of checks, and that everything reads them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import another_status
import pytest
import spec_schema
from dashboards import conformance, record

from harness import pages
from harness.cli.exit_statuses import BAD, OK
from harness.cli.main import main
from harness.records.check import DIRECTIONS, Check, in_order
from harness.records.status import Status, count_bad, worst
from harness.report.junit import junit

# Of a case's checks the worst speaks for all: what is known less about is worse.
FROM_BEST_TO_WORST = (
    *("SKIPPED", "PASSED", "UNSUPPORTED", "KNOWN", "FIXED", "MISTRUSTED"),
    *("FAILED", "ERRORED", "TIMEDOUT", "CRASHED"),
)


def test_there_is_one_order_from_best_to_worst() -> None:
    assert tuple(sorted(Status, key=lambda one: one.severity)) == FROM_BEST_TO_WORST
    assert len({one.severity for one in Status}) == len(Status)
    assert worst(Status) == Status.CRASHED
    assert worst([Status.SKIPPED, Status.PASSED]) == Status.PASSED


def test_what_makes_a_run_fail() -> None:
    bad = {"FAILED", "ERRORED", "CRASHED", "TIMEDOUT", "MISTRUSTED", "FIXED"}
    assert {one for one in Status if one.is_bad} == bad
    assert count_bad(dict.fromkeys(Status, 2)) == 2 * len(bad)
    assert {one for one in Status if one.is_declarable} < bad


def test_no_two_statuses_look_alike() -> None:
    for column in ("letter", "meaning"):
        values = [getattr(one, column) for one in Status]
        assert len(set(values)) == len(values)
        assert all(values)
    assert all(len(one.letter) == 1 for one in Status)


def test_pages_have_a_rule_for_each_class() -> None:
    style = (pages.FOLDER / "style.css").read_text(encoding="utf-8")
    for one in Status:
        assert re.search(rf"\.s-{one.css_class}\b[^{{]*{{", style), one
        # A mark without a class of its own is grey, as what was not run is.
        assert one.css_class == "none" or f".mark.{one.css_class} {{" in style, one


@pytest.mark.parametrize("status", Status)
def test_junit_counts_what_it_says_of_each_test(status: Status) -> None:
    """MISTRUSTED and FIXED are failures: nothing broke, yet the check did not pass."""
    expected = {
        **dict.fromkeys(("FAILED", "MISTRUSTED", "FIXED"), "failure"),
        **dict.fromkeys(("ERRORED", "CRASHED", "TIMEDOUT"), "error"),
        **dict.fromkeys(("KNOWN", "UNSUPPORTED", "SKIPPED"), "skipped"),
    }.get(status)
    made = conformance(
        [
            record("a/b", "ic1_oc1_k1_n1_i1", "numpy", "shape"),
            record("a/b", "ic1_oc1_k1_n1_i1", "numpy", "value", status=status, reason="why"),
        ]
    )
    suite = ET.fromstring(junit(made))[0]
    counts = {name: suite.get(f"{name}s" if name != "skipped" else name) for name in TAGS}
    assert counts == {name: str(int(name == expected)) for name in TAGS}
    assert [child.tag for child in suite[1]] == [expected] * (expected is not None)


TAGS = ("failure", "error", "skipped")


@pytest.mark.parametrize("status", Status)
def test_a_look_up_that_is_checked_fails_where_a_run_would(
    status: Status, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = record("a/b", "ic4_oc6_k3x3_b_n1_i8x8", "numpy", "value", status=status)
    monkeypatch.setattr("harness.run", lambda *_: iter([found]))
    text = "nn.ConvTranspose2d(4, 6, 3)"
    assert main(["translate", text, "--to", "numpy", "--check"]) == (BAD if status.is_bad else OK)
    assert f"numpy       {status} value" in capsys.readouterr().out


@pytest.fixture(scope="module")
def tainted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What every reader makes of a status that is one more line in the table."""
    folder = tmp_path_factory.mktemp("dashboard")
    script = another_status.__file__
    assert script is not None
    done = subprocess.run(
        [sys.executable, script, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(spec_schema.__file__).parent)},
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers, folder


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        ("console", ["Q tainted", "Q 1", "TAINTED numpy grid/a: value", "PASSED -> TAINTED"]),
        ("junit", ['errors="1"', '<error message="TAINTED: why">']),
        ("markdown", ["Q TAINTED", "Q 1", "| TAINTED |"]),
        ("sarif", ['"TAINTED/value"', "value: ran on bad memory"]),
        ("summary", ["1 checks are bad", "| TAINTED |"]),
        ("annotations", ["::error ", "TAINTED numpy grid/a: value"]),
        ("badges", ["1 bad, 1 passed"]),
        ("declarable", ['"TAINTED"']),
    ],
)
def test_a_status_is_one_line_of_the_table(
    tainted: tuple[dict[str, Any], Path], reader: str, words: list[str]
) -> None:
    answers, _ = tainted
    for word in words:
        assert word in str(answers[reader])


def test_a_new_status_is_judged_as_its_line_says(tainted: tuple[dict[str, Any], Path]) -> None:
    answers, folder = tainted
    assert not answers["ok"]
    assert answers["read again"]
    assert answers["worst of a case"] == "TAINTED"
    mark = '<span class="mark bad">Q tainted</span>'
    (page,) = (folder / "cases").iterdir()
    assert mark in page.read_text(encoding="utf-8")
    assert '<option value="TAINTED">' in (folder / "conformance.html").read_text()


def test_checks_are_in_one_order() -> None:
    assert list(Check) == ["shape", "value", "grad_x", "grad_w", "grad_b", "refusal"]
    assert in_order(reversed(list(Check))) == list(Check)
    assert {check.direction for check in Check} == set(DIRECTIONS)
    assert [check.output for check in Check] == ["y", "y", "dx", "dw", "db", "y"]
