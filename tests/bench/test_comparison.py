"""``deconform compare``: what became slower is named, and what only the machine did is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from made_benchmarks import ENGINE, MACHINE, header, interleaved, measurement, report
from saved_runs import written

from harness import Report
from harness.bench.comparison import Comparison, ComparisonError, compare_reports
from harness.bench.intervals import Change
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.core.column_info import ColumnInfo
from harness.records.measurement import Measurement

NAMES = ("numpy", "pytorch", "tensorflow", "mxnet")
ROUNDS = 50
SCALES = (0.5, 1.0, 2.0, 3.0)


def benchmark(
    seed: int, slowed: dict[str, float] | None = None, names: tuple[str, ...] = NAMES, **about: Any
) -> Report:
    """Make a report of a quiet machine: programs of different speed, some slowed by a factor."""
    times = interleaved(seed, ROUNDS, len(names), noise=0.002, drift=0.0001, swing=0.001)
    return of_times(times, slowed or {}, names, **about)


def noisy(seed: int, slowed: dict[str, float]) -> Report:
    """Make a report of a busy machine."""
    return of_times(interleaved(seed, ROUNDS, len(NAMES)), slowed, NAMES)


def of_times(
    times: npt.NDArray[np.float64], slowed: dict[str, float], names: tuple[str, ...], **about: Any
) -> Report:
    return report(
        [
            measurement(name, row * scale * slowed.get(name, 1))
            for name, row, scale in zip(names, times, SCALES, strict=False)
        ],
        header(names, **about),
    )


def changes(comparison: Comparison) -> dict[str, Change]:
    return {pair.new.framework: pair.change for pair in comparison.pairs}


def test_slowed_program_is_found_and_the_others_are_not_blamed() -> None:
    runs = 60
    found = [
        changes(compare_reports(noisy(2 * seed, {}), noisy(2 * seed + 1, {"mxnet": 1.15})))
        for seed in range(runs)
    ]
    assert sum(one["mxnet"] == Change.SLOWER for one in found) >= 0.95 * runs
    others = [one[name] for one in found for name in NAMES if name != "mxnet"]
    assert sum(other in {Change.SLOWER, Change.FASTER} for other in others) <= len(others) / 100


@pytest.mark.parametrize("machine", [0.8, 1.0, 1.25])
def test_nothing_changed_whatever_the_machine_did(machine: float) -> None:
    runs = 60
    shifted = dict.fromkeys(NAMES, machine)
    found = [
        change
        for seed in range(runs)
        for change in changes(
            compare_reports(noisy(2 * seed, {}), noisy(2 * seed + 1, shifted))
        ).values()
    ]
    assert sum(change in {Change.SLOWER, Change.FASTER} for change in found) <= len(found) / 100


def test_what_all_programs_did_is_noted() -> None:
    made = compare_reports(benchmark(0), benchmark(0, dict.fromkeys(NAMES, 1.25)))
    assert set(changes(made).values()) == {Change.SAME}
    (note,) = made.notes
    assert note.startswith("times of all programs: x1.25 in the median")
    assert list(compare_reports(benchmark(0), benchmark(0)).notes) == []


@pytest.mark.parametrize(("name", "slowed"), [("numpy", 1.2), ("pytorch", 0.8)])
def test_of_two_programs_the_one_that_changed_is_named(name: str, slowed: float) -> None:
    pair = ("numpy", "pytorch")
    made = compare_reports(benchmark(1, None, pair), benchmark(1, {name: slowed}, pair))
    expected = Change.SLOWER if slowed > 1 else Change.FASTER
    assert changes(made) == dict.fromkeys(pair, Change.SAME) | {name: expected}


def test_single_program_is_held_against_the_clock() -> None:
    times = np.linspace(1.0, 1.01, 40)
    np.random.default_rng(0).shuffle(times)
    old, slow = (report([measurement("numpy", times * by)]) for by in (1.0, 1.1))
    assert changes(compare_reports(old, slow)) == {"numpy": Change.SLOWER}
    assert changes(compare_reports(slow, old)) == {"numpy": Change.FASTER}
    assert changes(compare_reports(old, old)) == {"numpy": Change.SAME}


def test_baseline_alone_divides() -> None:
    """Three of four became slower alike: who trusts the fourth says so."""
    slowed = dict.fromkeys(NAMES[1:], 1.2)
    old, new = benchmark(3), benchmark(3, slowed)
    assert compare_reports(old, new).regressions == ()
    made = compare_reports(old, new, baseline="numpy")
    assert changes(made) == dict.fromkeys(NAMES[1:], Change.SLOWER)
    assert [pair.ratio.value for pair in made.pairs if pair.ratio] == [pytest.approx(1.2)] * 3


def test_threshold_says_what_matters() -> None:
    old, new = benchmark(4), benchmark(4, {"numpy": 1.1})
    assert changes(compare_reports(old, new, 0.05))["numpy"] == Change.SLOWER
    assert changes(compare_reports(old, new, 0.30))["numpy"] == Change.SAME


def changed(made: Report, **fields: Any) -> Report:
    """Give the first program of a report other fields."""
    first, *rest = made.measurements
    return replace(made, measurements=(replace(first, **fields), *rest))


def engine(**fields: str) -> dict[str, Any]:
    return {"frameworks": dict.fromkeys(NAMES, ENGINE) | {"numpy": replace(ENGINE, **fields)}}


@pytest.mark.parametrize(
    ("new", "which", "reason"),
    [
        (benchmark(1, machine=MACHINE | {"fingerprint": "ff"}), NAMES, "another machine: Fast"),
        (benchmark(1, machine={}), NAMES, "a report does not say which machine"),
        (benchmark(1, settings={"threads": 4}), NAMES, "threads: 2, 4"),
        (benchmark(1, **engine(device="cuda")), ("numpy",), "device: cpu, cuda"),
        (benchmark(1, **engine(threads="1")), ("numpy",), "threads: None, 1"),
        (benchmark(1, **engine(engine="documented semantics")), ("numpy",), "engine: python, doc"),
        (changed(benchmark(1), dtype="float64"), ("numpy",), "dtype: float32, float64"),
        (changed(benchmark(1), batch=1), ("numpy",), "batch: 8, 1"),
        (changed(benchmark(1), descriptor="ic1_oc1_k1"), ("numpy",), "descriptor: ic2"),
    ],
)
def test_incomparable_has_a_reason_and_no_ratio(
    new: Report, which: tuple[str, ...], reason: str
) -> None:
    made = compare_reports(benchmark(0), new)
    for pair in made.pairs:
        if pair.new.framework in which:
            assert (pair.change, pair.ratio, pair.plain) == (Change.INCOMPARABLE, None, None)
            assert pair.reason.startswith(reason)
        else:
            assert pair.change != Change.INCOMPARABLE
    assert made.is_comparable == (which != NAMES)


def test_another_version_is_compared_and_named() -> None:
    made = compare_reports(benchmark(0), benchmark(0, **engine(version="2.1", blas="MKL")))
    assert Change.INCOMPARABLE not in changes(made).values()
    assert list(made.notes) == ["numpy: 2.0 -> 2.1"]


def test_changed_ceilings_and_settings_are_named() -> None:
    settings = {"threads": 2, "rounds": 40}
    new = benchmark(0, settings=settings, ceilings={"copy_bytes": 2e9, "gemm_flops:float32": 2e9})
    assert list(compare_reports(benchmark(0), new).notes) == [
        "setting rounds: None -> 40",
        "ceiling copy_bytes: x0.5: the machine itself changed",
    ]


def other(one: Measurement, **fields: Any) -> Measurement:
    return replace(one, **fields)


def test_programs_of_one_report_are_listed_with_the_reason() -> None:
    old = benchmark(0)
    numpy, pytorch, tensorflow, _ = old.measurements
    crashed = other(pytorch, samples=(), status="CRASHED", reason="signal 11")
    about = header((*NAMES, "chainer"))
    frameworks = dict(about.frameworks) | {"mxnet": ColumnInfo(unavailable="no environment")}
    new = report(
        [numpy, crashed, tensorflow, other(numpy, case="made/new")],
        replace(about, frameworks=frameworks),
    )
    made = compare_reports(old, new)
    assert [(s.measured.framework, s.where, s.status, s.reason) for s in made.singles] == [
        ("pytorch", "OLD", "CRASHED", "signal 11"),
        ("mxnet", "OLD", "absent", "no environment"),
        ("numpy", "NEW", "absent", "no such program"),
    ]
    assert set(changes(made)) == {"numpy", "tensorflow"}


@pytest.mark.parametrize(
    ("new", "baseline", "message"),
    [
        (report([measurement("numpy", status="FAILED")]), None, "NEW holds no measured program"),
        (report([measurement("numpy", [1.0], "other/case")]), None, "no measured program in comm"),
        (benchmark(1), "torch", "OLD has no baseline 'torch'; it has numpy, pytorch"),
        (benchmark(1, **engine(version="3.0")), "numpy", "numpy is 2.0 in OLD and 3.0 in NEW"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    new: Report, baseline: str | None, message: str
) -> None:
    with pytest.raises(ComparisonError, match=re.escape(message)):
        compare_reports(benchmark(0), new, baseline=baseline)


def test_program_without_its_baseline_is_incomparable() -> None:
    old = benchmark(0)
    more = other(old.measurements[1], case="made/two")
    both = replace(old, measurements=(*old.measurements, more))
    last = compare_reports(both, both, baseline="numpy").pairs[-1]
    assert (last.change, last.reason) == (
        Change.INCOMPARABLE,
        "the baseline numpy has no time here",
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    made = {
        "old": benchmark(0),
        "same": benchmark(1),
        "slow": benchmark(1, {"mxnet": 1.52}),
        "fast": benchmark(1, {"mxnet": 0.5}),
        "elsewhere": benchmark(1, machine=MACHINE | {"fingerprint": "ff"}),
        "interrupted": replace(benchmark(1), footer=None),
        "conformance": report([], header(NAMES)),
    }
    return {name: str(written(tmp_path / f"{name}.jsonl", one)) for name, one in made.items()}


@pytest.mark.parametrize(
    ("new", "options", "status", "said"),
    [
        ("same", [], OK, "4 programs: 4 same (threshold 5%)."),
        ("slow", [], BAD, "slower: made/one, forward, mxnet: x1.5"),
        ("slow", ["--threshold", "60%"], OK, "(threshold 60%)"),
        ("slow", ["--threshold", "0.6"], OK, "(threshold 60%)"),
        ("slow", ["--baseline", "numpy"], BAD, "of each program's time to numpy's"),
        ("fast", [], OK, "4 programs: 1 faster, 3 same"),
        ("elsewhere", [], USAGE, "Nothing can be compared: another machine: Fast 9000 (ab12)"),
        ("interrupted", [], OK, "4 programs: 4 same"),
    ],
)
def test_exit_status_and_end(
    new: str,
    options: list[str],
    status: int,
    said: str,
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["compare", files["old"], files[new], *options]) == status
    captured = capsys.readouterr()
    assert said in captured.out
    assert ("the run was interrupted" in captured.err) == (new == "interrupted")


def test_bad_input_is_exit_2(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", files["old"], files["conformance"]]) == USAGE
    assert main(["compare", files["old"], "nowhere.jsonl"]) == USAGE
    assert main(["compare", files["old"], files["same"], "--baseline", "torch"]) == USAGE
    errors = capsys.readouterr().err.splitlines()
    assert [line[:6] for line in errors] == ["error:"] * 3


@pytest.mark.parametrize("threshold", ["5", "0", "0%", "-5%", "100%", "nan", "much"])
def test_threshold_is_a_part(threshold: str, files: dict[str, str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", files["old"], files["same"], f"--threshold={threshold}"])
    assert caught.value.code == USAGE


def test_lines_fit_a_terminal(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", files["old"], files["slow"]])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = (line for line in lines if line.startswith("  mxnet") and "slower" in line)
    assert re.fullmatch(
        r"  mxnet +[\d.]+ ms +[\d.]+ ms +1\.\d{3}  \[1\.\d{3}, 1\.\d{3}\] +slower", row
    )


def test_markdown_shows_what_changed_and_folds_the_rest(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "comment.md"
    assert main(["compare", files["old"], files["slow"], "--markdown", str(path)]) == BAD
    capsys.readouterr()
    assert main(["compare", files["old"], files["slow"], "--markdown", "-"]) == BAD
    assert capsys.readouterr().out == path.read_text()
    outside, inside = path.read_text().split("<details>")
    assert outside.startswith("### Benchmark: 1 became slower\n")
    assert "| made/one | forward | mxnet |" in outside
    assert "| made/one | forward | numpy |" not in outside
    assert all(f"| made/one | forward | {name} |" in inside for name in NAMES)
    assert inside.endswith("</details>\n")


def test_markdown_of_no_change_says_so(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", files["old"], files["same"], "--markdown", "-"]) == OK
    assert capsys.readouterr().out.startswith("### Benchmark: no program became slower\n")
