"""``deconform diff`` separates what newly fails, what is fixed, and other changes."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from saved_runs import benchmark, engine, header, record, written

from harness import Report
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.conformance.difference import Difference, DifferenceError, difference
from harness.core.column_info import ColumnInfo
from harness.records.record import Event, Footer, Record
from harness.records.status import Status
from harness.report.difference import difference_markdown, print_difference, verdict

FRAMEWORKS = {"numpy": engine(), "mxnet": engine("1.9")}
BAD_STATUSES = [status for status in Status if status.is_bad]
GOOD_STATUSES = frozenset(Status) - {*BAD_STATUSES}


def run(*records: Record, **fields: Any) -> Report:
    about: Mapping[str, Any] = {"frameworks": FRAMEWORKS, "commit": "c"} | fields
    events: list[Event] = [header(0, **about), *records, Footer({}, 1.0)]
    return Report.of(events)


def changed(old: Status, new: Status) -> Difference:
    return difference(run(record("value", old)), run(record("value", new)))


def kinds(found: Difference) -> set[str]:
    """Say of which kinds there are any changes."""
    return {
        kind for kind in ("failing", "fixed", "others", "gone", "added") if getattr(found, kind)
    }


@pytest.mark.parametrize("new", sorted(BAD_STATUSES))
@pytest.mark.parametrize("old", sorted(GOOD_STATUSES))
def test_bad_what_was_not_fails_newly(old: Status, new: Status) -> None:
    found = changed(old, new)
    assert [(c.old and c.old.status, c.new.status) for c in found.failing] == [(old, new)]
    assert kinds(found) == {"failing"}
    assert not found.still_bad


@pytest.mark.parametrize("old", [*sorted(BAD_STATUSES), Status.KNOWN])
def test_passed_what_was_bad_or_known_is_fixed(old: Status) -> None:
    found = changed(old, Status.PASSED)
    assert [change.new.status for change in found.fixed] == [Status.PASSED]
    assert kinds(found) == {"fixed"}


@pytest.mark.parametrize(
    ("old", "new", "still"),
    [
        (Status.FAILED, Status.ERRORED, 1),
        (Status.FAILED, Status.SKIPPED, 0),
        (Status.FAILED, Status.KNOWN, 0),
        (Status.PASSED, Status.KNOWN, 0),
        (Status.PASSED, Status.SKIPPED, 0),
        (Status.UNSUPPORTED, Status.PASSED, 0),
    ],
)
def test_all_else_is_neither(old: Status, new: Status, still: int) -> None:
    found = changed(old, new)
    assert [change.new.status for change in found.others] == [new]
    assert kinds(found) == {"others"}
    assert found.still_bad == still


@pytest.mark.parametrize("status", sorted(Status))
def test_what_stays_is_counted(status: Status) -> None:
    found = changed(status, status)
    assert found.same == {status: 1}
    assert found.still_bad == (status in BAD_STATUSES)
    assert not kinds(found)


def test_a_check_in_one_report_only_is_gone_or_added_or_fails_newly() -> None:
    both = record("shape", Status.PASSED)
    old = run(both, record("value", Status.FAILED, "edge/old"))
    new = run(
        both,
        record("value", Status.PASSED, "edge/new"),
        record("shape", Status.FAILED, "edge/new"),
    )
    found = difference(old, new)
    assert [one.case for one in found.gone] == ["edge/old"]
    assert [one.check for one in found.added] == ["value"]
    assert [(change.old, change.new.check) for change in found.failing] == [(None, "shape")]


@pytest.mark.parametrize(
    ("old", "new", "notes"),
    [
        ({"numpy": engine()}, {"numpy": engine()}, []),
        ({"numpy": engine("1.0")}, {"numpy": engine("2.0")}, ["numpy: 1.0 -> 2.0"]),
        (
            {"numpy": engine(numpy="2.3")},
            {"numpy": engine(numpy="2.4", device="cuda")},
            ["numpy: device cpu -> cuda", "numpy: NumPy 2.3 -> 2.4"],
        ),
        (
            {"numpy": engine(), "mxnet": engine("1.9")},
            {"numpy": engine(), "mxnet": ColumnInfo(unavailable="no environment")},
            ["mxnet: run -> not run (no environment)"],
        ),
        (
            {"numpy": engine(), "mxnet": ColumnInfo(unavailable="no environment")},
            {"numpy": engine(), "mxnet": ColumnInfo(unavailable="no wheel")},
            [],
        ),
        (
            {"numpy": engine()},
            {"numpy": engine(), "jax": engine()},
            ["jax: not run (not in the report) -> run"],
        ),
    ],
)
def test_engines_that_changed_are_noted(
    old: dict[str, Any], new: dict[str, Any], notes: list[str]
) -> None:
    one = record("value", Status.PASSED)
    found = difference(run(one, frameworks=old), run(one, frameworks=new))
    assert list(found.notes) == notes


def test_a_case_that_is_another_one_now_is_noted() -> None:
    one = record("value", Status.PASSED)
    found = difference(run(one), run(replace(one, descriptor="ic2_oc2_k2_n1_i3"), commit="d"))
    assert list(found.notes) == [
        "commit: c -> d",
        "1 cases are not what they were, such as edge/a",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (run(), run(record("value", Status.PASSED)), "OLD holds no conformance record"),
        (run(record("value", Status.PASSED)), run(), "NEW holds no conformance record"),
        (benchmark(0), run(record("value", Status.PASSED)), "OLD holds no conformance record"),
        (
            run(record("value", Status.PASSED)),
            run(record("shape", Status.PASSED)),
            "OLD and NEW have no check in common",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(old: Report, new: Report, message: str) -> None:
    with pytest.raises(DifferenceError, match=message):
        difference(old, new)


# Faces

BEFORE = run(
    record("shape", Status.PASSED),
    record("value", Status.PASSED),
    record("grad_x", Status.PASSED),
    record("value", Status.FAILED, "edge/b"),
    *(record("value", Status.PASSED, f"edge/c{i}", framework="mxnet") for i in range(5)),
    record("value", Status.PASSED, "edge/d"),
)
AFTER = run(
    record("shape", Status.PASSED),
    *(
        record(
            check,
            Status.FAILED,
            reason="2 of 4 differ",
            diagnosis="kernel flipped",
            file="specs/a.yaml",
            line=7,
            reproduce="deconform reproduce ic1_oc1_k2_n1_i3 -f numpy",
        )
        for check in ("value", "grad_x")
    ),
    record("value", Status.PASSED, "edge/b"),
    *(record("value", Status.SKIPPED, f"edge/c{i}", framework="mxnet") for i in range(5)),
    commit="d",
)


def shown(found: Difference) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_difference(found, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_console_says_what_fails_and_how_to_see_it() -> None:
    assert (
        shown(difference(BEFORE, AFTER))
        == """\
newly failing: PASSED -> FAILED numpy edge/a: value, grad_x
  2 of 4 differ
  equals the mutant: kernel flipped
  specs/a.yaml:7
  deconform reproduce ic1_oc1_k2_n1_i3 -f numpy

newly fixed
  FAILED -> PASSED numpy edge/b: value

other changes
  mxnet: 5 PASSED -> SKIPPED (edge/c0, edge/c1, edge/c2, and 2 more)

gone
  numpy: 1 PASSED (edge/d)

what else changed
  commit: c -> d

2 newly failing, 1 newly fixed, 5 otherwise changed, 1 gone, 1 as before.
"""
    )


def test_markdown_shows_the_same_and_folds_what_is_not_bad() -> None:
    text = difference_markdown(difference(BEFORE, AFTER))
    outside, *folded = text.split("<details>")
    assert outside.startswith("### Conformance: 2 checks newly fail\n\n2 newly failing, 1 newly")
    assert (
        "| edge/a: value, grad_x | numpy | PASSED | **FAILED** | 2 of 4 differ | kernel flipped "
        "| `deconform reproduce ic1_oc1_k2_n1_i3 -f numpy` |"
    ) in outside
    assert "| edge/b: value | numpy | FAILED | **PASSED** |" in folded[0]
    assert (
        "| changed | mxnet: 5 PASSED -> SKIPPED (edge/c0, edge/c1, edge/c2, and 2 more) |"
        in (folded[1])
    )
    assert "| gone | numpy: 1 PASSED (edge/d) |" in folded[1]


def test_nothing_new_is_said_in_a_line() -> None:
    same = difference(BEFORE, BEFORE)
    assert shown(same) == "10 as before; 1 still bad.\n"
    assert difference_markdown(same) == (
        "### Conformance: nothing newly fails\n\n10 as before; 1 still bad.\n"
    )


def test_hostile_text_is_no_markup() -> None:
    hostile = "]]><script>\n::error:: | [x](http://y) `"
    bad = record("value", Status.FAILED, hostile, reason=hostile, reproduce=hostile)
    found = difference(run(replace(bad, status=Status.PASSED)), run(bad))
    text = difference_markdown(found)
    assert "<script" not in re.sub(r"`` .*? ``", "", text)
    assert "](" not in re.sub(r"`` .*? ``", "", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [8, 8, 8]
    assert verdict(found) in shown(found)


# The command


def diff(*arguments: str | Path) -> int:
    return main(["diff", *map(str, arguments)])


def test_exit_status_says_whether_anything_fails_newly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = written(tmp_path / "old", BEFORE), written(tmp_path / "new", AFTER)
    assert diff(old, new) == BAD
    assert "newly failing: PASSED -> FAILED numpy edge/a" in capsys.readouterr().out
    assert diff(old, old) == OK


def test_markdown_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = written(tmp_path / "old", BEFORE), written(tmp_path / "new", AFTER)
    wanted = difference_markdown(difference(BEFORE, AFTER))
    assert diff(old, new, "--markdown", "-") == BAD
    assert capsys.readouterr().out == wanted
    assert diff(old, new, "--markdown", tmp_path / "a.md") == BAD
    assert (tmp_path / "a.md").read_text() == wanted


def test_an_interrupted_run_is_compared_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written(tmp_path / "old", BEFORE)
    new = written(tmp_path / "new", replace(BEFORE, footer=None))
    assert diff(old, new) == OK
    assert capsys.readouterr().err == (
        f"warning: {new}: the run was interrupted, not all is there.\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "cannot be read"), ("{}\n", "new:1: not a line of a report"), ("", "is empty")],
)
def test_bad_input_is_one_error(
    text: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "new").write_text(text)
    old = written(tmp_path / "old", BEFORE)
    assert diff(old, tmp_path / "new") == USAGE
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
