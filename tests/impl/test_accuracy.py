"""Random data through every algorithm of impl.fast stays within the rule for dot products."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from loops import by_loops
from strategies import cases, keywords

from harness.conformance.judge import judge
from harness.engines.job import Arrays
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import expect
from impl import fast
from impl.geometry import Geometry

ALGORITHMS: tuple[fast.Algorithm | None, ...] = ("scatter", "gather", None)


def assert_passed(verdict: Verdict) -> None:
    assert verdict.status is Status.PASSED, verdict


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@examples(2)
@given(case=cases(fills=["random"]))
def test_every_algorithm_keeps_to_the_rule(algorithm: fast.Algorithm | None, case: Case) -> None:
    expected = expect(case)
    data = dict(expected.data)
    geometry = Geometry.of(data["x"], data["w"], **keywords(case.operator))
    y = fast.conv_transpose_by(algorithm, geometry, data["x"], data["w"], data.get("b"))
    dx, dw, db = fast.conv_transpose_vjp_by(algorithm, geometry, data["dy"], data["x"], data["w"])
    outputs = Arrays({"y": y, "dx": dx, "dw": dw, "db": db}, {})
    for check in case.checks:
        assert_passed(judge(case, expected, check, outputs))


@examples(2)
@given(cases(fills=["random"], dtypes=["float32", "float64"]))
def test_compiled_loops_keep_to_the_rule(case: Case) -> None:
    expected = expect(case)
    if expected.outputs["y"].size and expected.data["x"].size:
        outputs = Arrays({"y": by_loops(case, dict(expected.data))}, {})
        assert_passed(judge(case, expected, "value", outputs))
