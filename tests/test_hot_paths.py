"""What everything else waits for: run once here, and timed by ``tox run -e hot-paths``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import harness
import impl
from harness.conformance.judge import judge
from harness.convention.registry import framework_names, render
from harness.core.program import Program
from harness.engines.job import Arrays
from harness.engines.process import Engine
from harness.execution import TIMEOUT
from harness.execution.column import Column
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor
from harness.suite.expectations import expect
from harness.suite.specs import load_cases
from impl import reference

Timed = Callable[..., Any]
CASE = case_from_descriptor("ic32_oc16_k4x4_s2x2_c1.1x1.1_b_n1_i16x16")
SNIPPET = "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine([sys.executable], "impl", "deconform", timeout=TIMEOUT)
    engine.start()
    yield engine
    engine.close()


def test_parse(benchmark: Timed) -> None:
    assert benchmark(harness.parse, SNIPPET).kernel == (4, 4)


def test_render_everywhere(benchmark: Timed) -> None:
    def everywhere() -> list[object]:
        return [render(CASE.operator, name, CASE.dtype) for name in framework_names()]

    assert all(isinstance(program, Program) for program in benchmark(everywhere))


def test_load_a_suite(benchmark: Timed) -> None:
    def loaded() -> list[Case]:
        return list(load_cases("specs/models"))

    assert benchmark(loaded)


def test_make_data(benchmark: Timed) -> None:
    assert set(benchmark(CASE.data)) == {"x", "w", "b", "dy"}


def test_judge(benchmark: Timed) -> None:
    expected = expect(CASE)
    outcome = Arrays(expected.outputs, {})
    assert benchmark(judge, CASE, expected, "value", outcome).status == Status.PASSED


def test_round_trip_to_a_worker(benchmark: Timed, engine: Engine) -> None:
    program = render(CASE.operator, "numpy", CASE.dtype)
    assert isinstance(program, Program)
    forward = next(Column("numpy").jobs(CASE, program, CASE.data()))

    def there_and_back() -> object:
        return next(engine.run([forward]))[1]

    assert isinstance(benchmark(there_and_back), Arrays)


@pytest.mark.parametrize("compute", [impl, reference], ids=["impl", "reference"])
def test_forward(benchmark: Timed, compute: Any) -> None:
    data = CASE.data()
    y = benchmark(compute.conv_transpose, data["x"], data["w"], data["b"], stride=2, crop=1)
    assert y.shape == (1, 16, 32, 32)


@pytest.mark.parametrize("compute", [impl, reference], ids=["impl", "reference"])
def test_gradients(benchmark: Timed, compute: Any) -> None:
    data = CASE.data()
    dx, dw, db = benchmark(
        compute.conv_transpose_vjp, data["dy"], data["x"], data["w"], stride=2, crop=1
    )
    assert (dx.shape, dw.shape, db.shape) == (data["x"].shape, data["w"].shape, (16,))
    assert np.array_equal(db, data["dy"].sum((0, 2, 3)))
