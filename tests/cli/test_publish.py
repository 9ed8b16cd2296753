"""What is published is made of two whole reports, and of nothing of the machine that ran them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from made_benchmarks import header, interleaved, measurement
from saved_runs import engine, record, written
from saved_runs import header as run_header

from harness import Report
from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.cli.publication import DRAWINGS
from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.records.record import Event, Footer
from harness.records.status import Status
from harness.report.badge import badges
from harness.report.benchmark_chart import benchmark_chart, means_by_suite
from harness.report.markdown import markdown
from harness.report.side_by_side import SideBySide

NAMES = ("numpy", "pytorch", "mxnet")
SUITES = ("bench/dcgan", "bench/audio")


def conformance(reason: str = "no wheel") -> list[Event]:
    about: Mapping[str, Any] = {"numpy": engine(), "mxnet": ColumnInfo(unavailable=reason)}
    skipped = record("value", Status.SKIPPED, framework="mxnet", reason=reason)
    return [run_header(0, about), record("value", Status.PASSED), skipped, Footer({}, 2.0)]


def bench(names: Sequence[str] = NAMES) -> list[Event]:
    """Make a benchmark: pytorch takes twice, mxnet four times as long as numpy."""
    measured = [
        measurement(name, times * 2**i, case=f"{suite}/layer", suite=suite, direction=direction)
        for seed, suite in enumerate(SUITES)
        for direction in ("forward", "gradient")
        for i, (name, times) in enumerate(
            zip(
                names,
                interleaved(seed, 50, len(names), noise=0.002, drift=0.0001, swing=0.001),
                strict=True,
            )
        )
    ]
    return [header(names), *measured, Footer({}, 12.5)]


def published(folder: Path, first: Sequence[Event], second: Sequence[Event]) -> int:
    return main(
        [
            "publish",
            f"--conformance={written(folder / 'a.jsonl', first)}",
            f"--bench={written(folder / 'b.jsonl', second)}",
            f"--output={folder / 'out'}",
        ]
    )


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.slow
def test_published_is_what_the_reports_say(tmp_path: Path) -> None:
    assert published(tmp_path, conformance(), bench()) == OK
    out = tmp_path / "out"
    run = Report.read(out / "conformance.jsonl.gz")
    assert run == Report.of(conformance())
    assert Report.read(out / "bench.jsonl.gz") == Report.of(bench())
    assert (out / "conformance.md").read_text() == markdown(run)
    assert (out / "bench.svg").read_text() == benchmark_chart(Report.of(bench()), "pytorch")
    assert {file.name: file.read_text() for file in (out / "badges").iterdir()} == badges(run)
    assert {file.stem for file in (out / "drawings").iterdir()} == set(DRAWINGS)
    assert "ratio to pytorch's time" in (out / "bench.md").read_text()


def test_the_page_leads_to_files_that_are_there(tmp_path: Path) -> None:
    published(tmp_path, conformance(), bench())
    page = (tmp_path / "out" / "README.md").read_text()
    linked = re.findall(r"\]\((.*?)\)", page)
    assert {"conformance.md", "bench.md", "bench.svg", "badges/numpy.svg"} <= set(linked)
    assert set(linked) | {"README.md"} == set(content(tmp_path / "out"))
    assert "1 cases, 1 checks: nothing failed." in page
    assert "12 of 12 programs measured in 12.5 s." in page


def test_the_same_reports_give_the_same_bytes(tmp_path: Path) -> None:
    published(tmp_path, conformance(), bench())
    before = content(tmp_path / "out")
    stale = tmp_path / "out" / "badges" / "gone.svg"
    stale.write_text("<svg/>")
    published(tmp_path, conformance(), bench())
    assert content(tmp_path / "out") == before


def test_no_path_of_the_machine_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, envs = tmp_path.with_name("somebody"), tmp_path.with_name("envs")
    monkeypatch.setenv("TOX_WORK_DIR", str(envs))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    reason = (
        f"{tmp_path.with_name('mine')}/mxnet/bin/python3.11: {home}/lib/x.so and {envs}/mxnet/y.so "
        f"are not {tmp_path}/z.so; see https://example.org{home}/page"
    )
    assert published(tmp_path, conformance(reason), bench()) == OK
    run = Report.read("out/conformance.jsonl.gz")
    wanted = f"python3.11: lib/x.so and mxnet/y.so are not z.so; see https://example.org{home}/page"
    assert [one.reason for one in run.records] == [None, wanted]
    assert wanted in Path("out/conformance.md").read_text()


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (conformance()[:-1], bench(), "a.jsonl: the run was interrupted; publish one that is w"),
        (conformance(), bench()[:-1], "b.jsonl: the run was interrupted"),
        (bench(), bench(), "a.jsonl: this is not a conformance run's report."),
        (conformance(), conformance(), "b.jsonl: this is not a benchmark's report."),
        ([run_header(0, {}), Footer({}, 1.0)], bench(), "a.jsonl: this is not a conformance run"),
        (conformance(), bench(("numpy",)), "a chart needs a baseline and another framework"),
    ],
)
def test_nothing_is_written_of_what_is_not_whole(
    first: list[Event],
    second: list[Event],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert published(tmp_path, first, second) == USAGE
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_report_is_one_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["publish", f"--conformance={tmp_path}/none", f"--output={tmp_path}/out"]) == USAGE
    assert f"error: {tmp_path}/none: cannot be read" in capsys.readouterr().err


def test_a_chart_shows_the_means_of_each_suite() -> None:
    report = Report.of(bench())
    means = means_by_suite(SideBySide.of(report, "pytorch"))
    assert set(means) == {
        (direction, suite, name)
        for direction in ("forward", "gradient")
        for suite in SUITES
        for name in ("numpy", "mxnet")
    }
    for (_, _, name), mean in means.items():
        assert mean.value == pytest.approx({"numpy": 0.5, "mxnet": 2.0}[name], rel=0.01)
    assert ET.fromstring(benchmark_chart(report)).tag.endswith("svg")


def test_a_chart_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'deconform\[publish\]'"):
        benchmark_chart(Report.of(bench()))
