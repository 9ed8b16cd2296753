"""The table of output formats, and the texts that commands write."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path

import made_benchmarks
import pytest
import saved_runs
from made_benchmarks import measurement
from saved_runs import engine, header, record, written

from harness.cli.exit_statuses import BAD, OK
from harness.cli.main import main
from harness.cli.output import write_text
from harness.records.record import Event, Footer
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report.formats import FORMATS, Format, kind_of

# Half of a pair that makes one character in UTF-16; no encoding has it alone.
HALF_A_PAIR = "\ud83d"


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: f"{one.kind}: {one.name}")
def test_every_format_has_a_writer(one: Format) -> None:
    module, function = one.writer.split(".")
    writer = getattr(import_module(f"harness.report.{module}"), function)
    assert ("baseline" in signature(writer).parameters) == one.has_baseline


def test_a_format_is_named_once_for_each_kind_of_report() -> None:
    assert len({(one.kind, one.name) for one in FORMATS}) == len(FORMATS)


def test_a_report_is_of_one_kind() -> None:
    assert kind_of(made_benchmarks.report([measurement("numpy")])) == "benchmark"


@pytest.mark.parametrize("folder", ["", "new/", "new/and/deep/"])
def test_a_text_is_written_whatever_it_holds(folder: str, tmp_path: Path) -> None:
    write_text(f"{tmp_path}/{folder}a.md", f"reason: {HALF_A_PAIR}")
    assert (tmp_path / folder / "a.md").read_text() == "reason: ?"


def test_draw_makes_the_folder(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.svg"
    assert main(["draw", "ic1_oc1_k2", "-o", str(target)]) == 0
    assert target.read_text().startswith("<svg")


def a_benchmark(folder: Path) -> str:
    one = measurement("numpy", [1e-3, 2e-3] * 20, case=f"made/{HALF_A_PAIR}")
    report = made_benchmarks.report([one])
    return str(written(folder / "old.jsonl", report))


def a_conformance_run(folder: Path, status: Status, reason: str) -> str:
    one, about = record("value", status, reason=reason), header(0, {"numpy": engine()})
    return str(written(folder / f"{status}.jsonl", (about, one, Footer({}))))


def test_compare_makes_the_folder_and_writes_half_a_pair(tmp_path: Path) -> None:
    target, report = tmp_path / "new" / "comment.md", a_benchmark(tmp_path)
    assert main(["compare", report, report, "--markdown", str(target)]) == OK
    assert "made/?" in target.read_text()


def test_diff_makes_the_folder_and_writes_half_a_pair(tmp_path: Path) -> None:
    target = tmp_path / "new" / "comment.md"
    old = a_conformance_run(tmp_path, Status.PASSED, "")
    new = a_conformance_run(tmp_path, Status.FAILED, f"it says {HALF_A_PAIR}")
    assert main(["diff", old, new, "--markdown", str(target)]) == BAD
    assert "it says ?" in target.read_text()


HOSTILE = f"<img src=x>\n[a](javascript:1)|`{HALF_A_PAIR}\x1b\0"


def hostile(one: Format) -> Report:
    """Return a report of a format's kind, with such a text wherever there may be one."""
    about = engine(HOSTILE, engine=HOSTILE, device=HOSTILE, python=HOSTILE)
    texts = {"suite": HOSTILE, "descriptor": HOSTILE, "reason": HOSTILE, "file": HOSTILE}
    facts = {"commit": HOSTILE, "machine": {"cpu": HOSTILE, "os": HOSTILE}}
    if one.kind == "benchmark":
        start = header(0, {"numpy": about}, settings={HOSTILE: HOSTILE}, **facts)
        timed = saved_runs.measurement(HOSTILE, samples=(1e-3, 2e-3), **texts)
        events: list[Event] = [
            timed,
            replace(timed, direction="gradient", status="FAILED", samples=()),
        ]
    else:
        start = header(0, {"numpy": about}, **facts)
        bad = record("value", Status.FAILED, HOSTILE, diagnosis=HOSTILE, **texts)
        events = [bad, replace(bad, check="shape", status=Status.KNOWN, limitation=HOSTILE)]
    start = replace(start, deconform=HOSTILE, started=HOSTILE)
    return Report.of([start, *events, Footer({}, 1.0)])


@pytest.mark.parametrize(
    "one", [each for each in FORMATS if each.name != "badges"], ids=lambda one: one.writer
)
def test_no_text_of_a_report_breaks_a_format_or_becomes_markup(one: Format) -> None:
    text: str = one.written(hostile(one))
    assert text.encode(errors="replace")
    if one.name in {"markdown", "summary"}:
        outside_code = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", text)
        assert "<img" not in outside_code
        assert "](javascript" not in outside_code
