"""A benchmark's table, Markdown, CSV and pytest-benchmark JSON: right figures, nothing made up."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_benchmarks import header, measurement, report
from rich.console import Console
from saved_runs import written

from harness import Report
from harness.bench.roofline import rates, share
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.records.measurement import Measurement
from harness.records.record import Footer
from harness.report.benchmark import benchmark_markdown, print_benchmark
from harness.report.measurement_csv import COLUMNS, measurement_csv
from harness.report.pytest_benchmark import pytest_benchmark
from harness.report.side_by_side import SideBySide

ROUNDS = 20


def samples(seconds: float) -> list[float]:
    """Give times whose median is exact, and whose ratios to others' are, too."""
    spread = np.random.default_rng(0).permutation(np.linspace(-0.01, 0.01, ROUNDS + 1))
    return [float(seconds * (1 + part)) for part in spread]


def benchmark() -> Report:
    """Make a report of two cases; pytorch takes half of numpy's time, mxnet fails at one."""
    gradient: dict[str, Any] = {"direction": "gradient", "multiply_adds": 1_500_000}
    second: dict[str, Any] = {"case": "made/two"}
    reason = "no 3-D deconvolution"
    made = [
        measurement("numpy", samples(0.001)),
        measurement("pytorch", samples(0.0005)),
        measurement("mxnet", samples(0.002)),
        measurement("numpy", samples(0.003), **gradient),
        measurement("pytorch", samples(0.0015), **gradient),
        measurement("mxnet", samples(0.012), **gradient),
        measurement("numpy", samples(0.1), **second),
        measurement("pytorch", samples(0.2), **second),
        measurement("mxnet", status="UNSUPPORTED", reason=reason, **second),
        measurement("numpy", samples(0.3), **gradient, **second),
        measurement("pytorch", status="CRASHED", reason="signal 11", **gradient, **second),
        measurement("mxnet", status="UNSUPPORTED", reason=reason, **gradient, **second),
    ]
    about = header(("numpy", "pytorch", "mxnet", "cupy"))
    frameworks = dict(about.frameworks) | {"cupy": ColumnInfo(unavailable="no GPU is here")}
    return report(made, replace(about, frameworks=frameworks))


def shown(
    made: Report, width: int = 120, baseline: str | None = None, *, detail: bool = False
) -> str:
    stream = io.StringIO()
    print_benchmark(made, Console(file=stream, width=width), baseline, detail=detail)
    return stream.getvalue()


def test_times_stand_side_by_side_with_interval_and_ratio() -> None:
    lines = shown(benchmark()).splitlines()
    (at,) = (i for i, line in enumerate(lines) if line == "made/one")
    assert lines[at - 1].split() == ["numpy", "pytorch", "mxnet"]
    words = lines[at + 1].split()
    assert words[0] == "forward"
    assert words[1:4] == ["1.00", "ms", "±0.6%"]
    assert words[4:9] == ["500", "us", "±0.6%", "x0.500", "±0.0%"]
    assert words[9:] == ["2.00", "ms", "±0.6%", "x2.00", "±0.0%"]


def test_what_has_no_time_has_its_status_and_reason() -> None:
    text = shown(benchmark())
    assert "gradient   300 ms ±0.6%" in text
    assert "UNSUPPORTED mxnet: no 3-D deconvolution (made/two)" in text
    assert "CRASHED pytorch: signal 11 (made/two)" in text
    assert "cupy - (no GPU is here)" in text
    assert text.endswith("9 of 12 programs measured in 12.5 s; 1 went wrong.\n")


def test_means_are_geometric_and_say_of_how_many() -> None:
    means = SideBySide.of(benchmark()).means
    assert {key: (round(mean.value, 9), count) for key, (mean, count) in means.items()} == {
        ("forward", "pytorch"): (1.0, 2),  # of 0.5 and 2
        ("forward", "mxnet"): (2.0, 1),
        ("gradient", "pytorch"): (0.5, 1),
        ("gradient", "mxnet"): (4.0, 1),
    }


def test_ratio_is_of_the_same_rounds() -> None:
    """The machine became three times slower on the way: the medians' ratio would be another."""
    drift = np.linspace(1, 3, 21)
    numpy = drift * np.where(np.arange(21) < 11, 1, 1.5)
    made = report([measurement("numpy", numpy), measurement("pytorch", drift * 2)])
    (row,) = SideBySide.of(made).rows
    assert row.ratios["pytorch"].value == pytest.approx(2)


def test_baseline_can_be_chosen() -> None:
    table = SideBySide.of(benchmark(), "mxnet")
    assert table.rows[0].ratios["numpy"].value == pytest.approx(0.5)
    assert table.rows[2].ratios == {}
    with pytest.raises(InputError, match=r"baseline 'cupy' was not measured .*: numpy, pytorch, m"):
        SideBySide.of(benchmark(), "cupy")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("detail", [False, True])
def test_tables_fit_the_terminal(width: int, *, detail: bool) -> None:
    made = benchmark()
    if detail and width < 80:
        return
    body = shown(made, width, detail=detail).partition("\nnumpy 2.0")[0].splitlines()[3:]
    assert max(map(len, body)) <= width


def test_narrow_terminal_shows_every_column() -> None:
    names = [f"framework-{i}" for i in range(9)]
    made = report([measurement(name, samples(0.001 * (i + 1))) for i, name in enumerate(names)])
    text = shown(made, 60)
    for i, name in enumerate(names):
        assert name in text
        assert f"{i + 1}.00 ms" in text
    assert max(map(len, text.partition("\nframework-0 2.0")[0].splitlines()[3:])) <= 60


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize("footer", [None, Footer({}, 1.0)])
def test_one_measurement_alone_is_shown(footer: Footer | None, *, detail: bool) -> None:
    one = replace(report([measurement("numpy", [0.5])]), footer=footer)
    assert "500 ms" in shown(one, detail=detail)


def test_detail_has_rates_and_the_share_of_the_ceiling() -> None:
    lines = shown(benchmark(), 80, detail=True).splitlines()
    at = lines.index("made/one, forward")
    assert lines[at + 1] == "  ic2_oc3_k4_n8_i5, float32, 8 a call"
    words = lines[at + 3].split()
    # 8 images, a million operations and a million bytes in a millisecond.
    assert words == ["numpy", "1.00", "ms", "±0.6%", "8000", "1.00", "1.00", "50%", "compute"]
    assert lines[at + 4].split(None, 1)[1] == (
        "call 500 ms; in 2.00 ms, out 1.00 ms; peak 3.00 MB; 21 x 4 calls"
    )


@pytest.mark.parametrize(
    ("ceilings", "expected"),
    [
        ({"gemm_flops:float32": 2e9, "copy_bytes": 4e9}, (0.5, "compute")),
        ({"gemm_flops:float32": 2e10, "copy_bytes": 4e9}, (0.25, "memory")),
        ({"gemm_flops:float32": 5e8, "copy_bytes": 4e9}, (2.0, "compute")),
        ({"gemm_flops:float64": 2e9, "copy_bytes": 4e9}, None),
        ({"gemm_flops:float32": 2e9}, None),
        ({}, None),
    ],
)
def test_roofline(ceilings: dict[str, float], expected: tuple[float, str] | None) -> None:
    found = share(measurement("numpy", [0.001]), ceilings)
    assert (found and (found.part, found.bound)) == expected


def test_rates() -> None:
    found = rates(measurement("numpy", [0.25]))
    assert (found.images, found.operations, found.nbytes) == (32, 4e6, 4e6)


def test_few_rounds_have_no_interval() -> None:
    text = shown(report([measurement("numpy", [0.001] * 3), measurement("mxnet", [0.002] * 3)]))
    assert "1.00 ms ±?" in text
    assert "x2.00 ±?" in text


def test_report_without_any_time_has_reasons() -> None:
    text = shown(report([measurement("numpy", status="FAILED", reason="wrong")]))
    assert "FAILED numpy: wrong (made/one)" in text
    assert "0 of 1 programs measured" in text


def test_interrupted_benchmark_says_so() -> None:
    text = shown(replace(benchmark(), footer=None))
    assert text.endswith("the run was interrupted: this is not all of it.\n")


def test_markdown_has_the_same_figures() -> None:
    text = benchmark_markdown(benchmark())
    assert "| case | direction | numpy | pytorch | mxnet |" in text
    assert (
        "| made/one | forward | 1.00 ms ±0.6% | 500 us ±0.6% (x0.500 ±0.0%) "
        "| 2.00 ms ±0.6% (x2.00 ±0.0%) |"
    ) in text
    assert "| made/two | gradient | 300 ms ±0.6% | CRASHED | UNSUPPORTED |" in text
    assert (
        "| made/one | forward | numpy | 1.00 ms ±0.6% | 8000 | 1.00 | 1.00 | 50% compute |" in text
    )
    assert "- CRASHED pytorch: signal 11 (made/two)" in text


def test_csv_is_tidy() -> None:
    made = benchmark()
    rows = list(csv.DictReader(io.StringIO(measurement_csv(made))))
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == len(made.measurements)
    first, crashed = rows[0], rows[10]
    assert (first["case"], first["framework"], first["version"]) == ("made/one", "numpy", "2.0")
    assert (first["samples"], first["calls"], first["machine"]) == ("21", "4", "ab12")
    figures = ("median_s", "images_per_s", "gflop_per_s", "gb_per_s", "ceiling_share", "first_s")
    assert [float(first[name]) for name in figures] == pytest.approx([0.001, 8000, 1, 1, 0.5, 0.5])
    assert float(first["low_s"]) < 0.001 < float(first["high_s"])
    assert (crashed["status"], crashed["reason"]) == ("CRASHED", "signal 11")
    assert crashed["median_s"] == crashed["low_s"] == crashed["ceiling_share"] == ""


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30))
@example([1.0000000000000002e-06, 1e-06])
def test_stats_are_those_of_pytest_benchmark(times: list[float]) -> None:
    stats = import_module("pytest_benchmark.stats").Stats()
    for time in times:
        stats.update(time)
    made = json.loads(pytest_benchmark(report([measurement("numpy", times)])))
    found = made["benchmarks"][0]["stats"]
    assert found.pop("data") == times
    assert found.pop("iterations") == 4
    assert found == stats.as_dict()


def test_a_format_whose_library_is_missing_is_refused_before_anything_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.report.formats.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "no-such.yaml", "--pytest-benchmark", "out.json"])
    assert ended.value.code == USAGE
    complaint = 'pytest-benchmark is missing: pip install "deconform[pytest-benchmark]"'
    assert f"argument --pytest-benchmark: {complaint}" in capsys.readouterr().err


@pytest.fixture
def compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Call the real command."""

    def compare(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["pytest-benchmark", "compare", *arguments])
        import_module("pytest_benchmark.cli").main()
        shown = capsys.readouterr()
        assert "Failed to load" not in shown.err + shown.out
        return shown.out

    return compare


def test_pytest_benchmark_puts_frameworks_side_by_side(
    tmp_path: Path, compare: Callable[..., str]
) -> None:
    (tmp_path / "one.json").write_text(pytest_benchmark(benchmark()))
    text = compare("one.json", "--columns=median,rounds,iterations")
    groups = text.split(" benchmark ")[1:]
    heads = [group.split(" tests ")[0] for group in groups]
    assert heads == [
        "'made/one forward': 3",
        "'made/one gradient': 3",
        "'made/two forward': 2",
        "'made/two gradient': 1",
    ]
    names = ("pytorch", "numpy", "mxnet")
    rows = [line.split() for line in groups[0].splitlines() if line.startswith(names)]
    assert [row[0] for row in rows] == ["pytorch", "numpy", "mxnet"]
    assert [row[-2:] for row in rows] == [["21", "4"]] * 3
    medians = [float(row[1].replace(",", "")) for row in rows]
    assert medians == pytest.approx([500.0, 1000.0, 2000.0])


def test_pytest_benchmark_compares_two_of_ours(tmp_path: Path, compare: Callable[..., str]) -> None:
    slow = [replace(one, samples=tuple(2 * s for s in one.samples)) for one in measured()]
    (tmp_path / "old.json").write_text(pytest_benchmark(report(measured())))
    (tmp_path / "new.json").write_text(pytest_benchmark(report(slow)))
    text = compare("old.json", "new.json", "--group-by=fullname")
    assert text.count("2 tests") == len(slow)
    assert "(2.00)" in text


def measured() -> list[Measurement]:
    return [one for one in benchmark().measurements if one.samples]


def test_pytest_benchmark_json_holds_machine_commit_and_what_its_fields_lack() -> None:
    made = json.loads(pytest_benchmark(benchmark()))
    assert made["machine_info"]["cpu"] == {"brand_raw": "Fast 9000", "flags": []}
    assert made["commit_info"]["id"] == "0123abc"
    first = made["benchmarks"][0]
    assert first["fullname"] == "made/one[forward-numpy]"
    assert first["extra_info"]["gflop_per_s"] == pytest.approx(1)
    names = [one["fullname"] for one in made["benchmarks"]]
    assert len(set(names)) == len(names) == 9


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(written(tmp_path / "bench.jsonl", benchmark()))


def test_report_command_prints_and_writes(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forms = {"csv": "out.csv", "pytest-benchmark": "out.json", "markdown": "out.md"}
    options = [word for name, out in forms.items() for word in (f"--{name}", str(tmp_path / out))]
    assert main(["report", file, "--baseline", "pytorch", *options]) == BAD  # one crashed
    assert "x: ratio to pytorch's time" in capsys.readouterr().out
    assert (tmp_path / "out.csv").read_text() == measurement_csv(benchmark())
    assert (tmp_path / "out.json").read_text() == pytest_benchmark(benchmark())
    assert (tmp_path / "out.md").read_text() == benchmark_markdown(benchmark(), "pytorch")
    assert main(["report", file, "--detail"]) == BAD
    assert "50% compute" in capsys.readouterr().out


def test_report_command_is_ok_where_nothing_went_wrong(tmp_path: Path) -> None:
    made = report([measurement("numpy", samples(0.1)), measurement("mxnet", status="UNSUPPORTED")])
    assert main(["report", str(written(tmp_path / "bench.jsonl", made))]) == OK


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--junit", "x.xml"], "--junit: the report of a benchmark has no such format."),
        (["--baseline", "torch"], "baseline 'torch' was not measured in this report"),
    ],
)
def test_what_a_benchmark_has_not_is_refused(
    options: list[str], message: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", file, *options]) == USAGE
    assert message in capsys.readouterr().err
