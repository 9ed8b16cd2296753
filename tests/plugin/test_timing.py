"""Benchmarks by pytest-benchmark's fixture, of programs that another process runs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import fakes
import pytest
from pytest_runs import SPEC, node_ids, outcomes, run, write

from harness.records.measurement import multiply_adds, touched_bytes
from harness.suite.case import case_from_descriptor

# Each runs pytest, and processes that are timed.
pytestmark = pytest.mark.slow

ONLY = ("--benchmark-only", "--benchmark-max-time=0.01", "--benchmark-min-rounds=3")


def timed(
    pytester: pytest.Pytester, behaviour: str, *args: object
) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
    """Time the programs in a fake interpreter; return the benchmarks as they are saved."""
    result = time_with(pytester, behaviour, "--benchmark-json=out.json", *args)
    return result, json.loads((pytester.path / "out.json").read_text())["benchmarks"]


def time_with(pytester: pytest.Pytester, behaviour: str, *args: object) -> pytest.RunResult:
    write(pytester, "mine.deconform.yaml", SPEC)
    python = f"--deconform-python=numpy={fakes.interpreter(pytester.path / 'fake', behaviour)}"
    return run(pytester, "mine.deconform.yaml", python, *ONLY, *args)


def test_each_case_is_timed_in_both_directions(pytester: pytest.Pytester) -> None:
    result, saved = timed(pytester, "correct")
    assert outcomes(result) == {"passed": 4}
    assert [one["group"] for one in saved] == [
        f"mine/{case} {direction}"
        for case in ("decoder", "grouped")
        for direction in ("forward", "gradient")
    ]
    first = saved[0]
    assert first["name"] == "decoder[numpy-forward]"
    assert first["fullname"] == "mine.deconform.yaml::decoder[numpy-forward]"
    assert first["params"] == {
        "case": "mine/decoder",
        "direction": "forward",
        "framework": "numpy",
    }
    case = case_from_descriptor("ic2_oc3_k3_s2_b_n1_i5")
    shape = (case.batch, case.in_size)
    work = multiply_adds(case.operator, *shape)
    assert first["extra_info"]["flop"] == 2 * work
    assert first["extra_info"]["bytes"] == touched_bytes(case.operator, *shape, case.dtype)
    assert saved[1]["extra_info"]["flop"] == 6 * work
    assert first["stats"]["rounds"] >= 3


def test_the_times_are_those_of_the_process_that_computes(pytester: pytest.Pytester) -> None:
    """A process that claims a second for each call is believed: no clock of ours runs."""
    result, saved = timed(pytester, "takes_a_second")
    assert outcomes(result) == {"passed": 4}
    assert {one["stats"][name] for one in saved for name in ("min", "max", "mean")} == {1.0}


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("flips_kernel", "equals the mutant: kernel flipped"),
        ("dies_when_held", "CRASHED: *SIGKILL*"),
        ("dies_when_timed", "CRASHED: *SIGKILL*"),
    ],
)
def test_what_is_wrong_is_not_timed(pytester: pytest.Pytester, behaviour: str, words: str) -> None:
    result = time_with(pytester, behaviour)
    assert outcomes(result) == {"failed": 4}
    result.stdout.fnmatch_lines([words])
    assert "Traceback" not in result.stdout.str()


def test_what_is_wrong_once_it_was_timed_is_not_saved(pytester: pytest.Pytester) -> None:
    result, saved = timed(pytester, "wrong_once_timed")
    assert outcomes(result) == {"failed": 4}
    assert saved == []


def test_frameworks_that_others_execute_and_illegal_cases_are_not_collected(
    pytester: pytest.Pytester,
) -> None:
    write(pytester, "mine.deconform.yaml", SPEC + ILLEGAL)
    result = run(
        pytester, "mine.deconform.yaml", "--collect-only", "-q", *ONLY, frameworks="numpy matlab"
    )
    assert [one.partition("::")[2] for one in node_ids(result)] == [
        f"{case}[numpy-{direction}]"
        for case in ("decoder", "grouped")
        for direction in ("forward", "gradient")
    ]


ILLEGAL = """\
  - {name: illegal, input: [1, 2, 5], out_channels: 3, kernel: 3, stride: 0, rejected: true}
"""


def test_pytest_benchmark_compares_what_was_saved(pytester: pytest.Pytester) -> None:
    timed(pytester, "correct")
    (pytester.path / "out.json").rename(pytester.path / "old.json")
    timed(pytester, "correct")
    compare = [sys.executable, "-m", "pytest_benchmark", "compare", "old.json", "out.json"]
    printed = subprocess.run(compare, capture_output=True, text=True, check=True).stdout
    assert "benchmark 'mine/decoder gradient': 2 tests" in printed
    assert printed.count("decoder[numpy-gradient]") == 2


def test_fixtures_of_a_module_are_found(pytester: pytest.Pytester) -> None:
    """An adopter's conftest may have fixtures that every test uses."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(autouse=True, scope="module")
        def everywhere():
            yield
        """
    )
    result, _ = timed(pytester, "correct")
    assert outcomes(result) == {"passed": 4}


def test_disabled_benchmarks_run_once(pytester: pytest.Pytester) -> None:
    """As pytest-benchmark does to all in several processes: then the cases are judged."""
    write(pytester, "mine.deconform.yaml", SPEC)
    result = run(pytester, "mine.deconform.yaml", "--benchmark-disable")
    assert outcomes(result) == {"passed": 4}
