"""What was right before it was timed has to be right afterwards, and to have computed meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import dishonest
import pytest

from harness.bench.rounds import Sampling, benchmark
from harness.doors.implementation import load_implementation
from harness.execution.column import Conditions
from harness.records.measurement import MEASURED, Measurement
from harness.suite.case import case_from_descriptor

# Each starts a process and times what it computes.
pytestmark = [pytest.mark.usefixtures("small_probes"), pytest.mark.slow]

# With so many taps that looking an answer up takes a small part of the time.
CASE = case_from_descriptor("ic2_oc2_k5x5x5_b_n1_i3x3x3")
Time: TypeAlias = Callable[[str], Measurement]


@pytest.fixture
def measured(tmp_path: Path) -> Time:
    shutil.copy(dishonest.__file__, tmp_path)

    def measured(function: str) -> Measurement:
        file = tmp_path / "mine.yaml"
        target = function if ":" in function else f"dishonest:{function}"
        file.write_text(f"name: mine\npython: {target}\n")
        sampling = Sampling(rounds=2, seconds=1e-9)
        events = benchmark([CASE], [load_implementation(file)], sampling, Conditions(timeout=60))
        return next(event for event in events if isinstance(event, Measurement))

    return measured


@pytest.mark.parametrize("function", ["honest", "lazy"])
def test_what_is_honest_is_measured(measured: Time, function: str) -> None:
    one = measured(function)
    assert (one.status, one.reason) == (MEASURED, None)
    # What is computed when it is read takes its time too.
    assert min(one.samples) > 1e-4


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("remembered", "returns a remembered answer"),
        ("by_place", "returns a remembered answer"),
        ("by_content", "remembers answers: with data that it has not seen a call takes "),
        ("right_for_long", "is wrong once it was timed: y: "),
        ("patches_later", "patches the clock: time.perf_counter"),
        ("takes_over", "replaces deconform's own take_time"),
    ],
)
def test_what_cheats_is_not_measured(measured: Time, function: str, expected: str) -> None:
    one = measured(function)
    assert one.status == "FAILED"
    assert (one.reason or "").startswith(expected)
    assert not one.samples


@pytest.mark.parametrize("function", ["honest", "by_place"])
def test_inputs_in_another_layout_change_too(measured: Time, tmp_path: Path, function: str) -> None:
    (tmp_path / "words.py").write_text(
        "import dishonest\n"
        "answers = {}\n"
        "def honest(x, w, b, *, Stride, DilationFactor, Cropping):\n"
        "    ours = (each.transpose(4, 3, 0, 1, 2) for each in (x, w))\n"
        "    options = {'stride': Stride, 'dilation': DilationFactor, 'groups': 1}\n"
        "    y = dishonest.honest(*ours, b, crop=tuple(zip(*Cropping)), **options)\n"
        "    return y.transpose(2, 3, 4, 1, 0)\n"
        "def by_place(x, w, b, **words):\n"
        "    if x.ctypes.data not in answers:\n"
        "        answers[x.ctypes.data] = honest(x, w, b, **words)\n"
        "    return answers[x.ctypes.data].copy()\n"
    )
    one = measured(f"words:{function}\nspeaks: matlab")
    assert one.reason == {"by_place": "returns a remembered answer"}.get(function)
