"""Random data through every implementation stays within the bounds that frameworks are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import pytest
from calls import ALGORITHMS, Data, Outputs, by_algorithm, by_loops, outputs
from examples import examples
from host_kernels import needs_compiler, on_host
from hypothesis import given
from strategies import cases, keywords

import impl
from harness.conformance.judge import judge
from harness.engines.job import Arrays
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import expect

Compute: TypeAlias = Callable[[Data, Mapping[str, Any]], Outputs]
IMPLEMENTATIONS = {
    "impl": partial(outputs, impl),
    **{str(algorithm): partial(by_algorithm, algorithm) for algorithm in ALGORITHMS},
    "cuda": pytest.param(on_host, marks=needs_compiler),
}


def assert_passed(verdict: Verdict) -> None:
    assert verdict.status is Status.PASSED, verdict


@pytest.mark.parametrize("compute", IMPLEMENTATIONS.values(), ids=IMPLEMENTATIONS)
@examples(3)
@given(case=cases(fills=["random"]))
def test_every_implementation_keeps_to_the_rule(compute: Compute, case: Case) -> None:
    expected = expect(case)
    results = compute(expected.data, keywords(case.operator))
    outcome = Arrays(dict(zip(("y", "dx", "dw", "db"), results, strict=True)), {})
    for check in case.checks:
        assert_passed(judge(case, expected, check, outcome))


@pytest.mark.parametrize("compute", [*IMPLEMENTATIONS.values()][:-1], ids=[*IMPLEMENTATIONS][:-1])
@given(case=cases(fills=["random"], dtypes=["bfloat16"]))
def test_so_does_each_in_bfloat16(compute: Compute, case: Case) -> None:
    pytest.importorskip("ml_dtypes")
    expected = expect(case)
    results = compute(expected.data, keywords(case.operator))
    assert {str(each.dtype) for each in results} == {"bfloat16"}
    outcome = Arrays(dict(zip(("y", "dx", "dw", "db"), results, strict=True)), {})
    for check in case.checks:
        assert_passed(judge(case, expected, check, outcome))


@pytest.mark.slow  # Quick tests do without numba.
@examples(2)
@given(cases(fills=["random"], dtypes=["float32", "float64"]))
def test_compiled_loops_keep_to_the_rule(case: Case) -> None:
    expected = expect(case)
    if expected.outputs["y"].size and expected.data["x"].size:
        outcome = Arrays({"y": by_loops(case, expected.data)}, {})
        assert_passed(judge(case, expected, "value", outcome))
