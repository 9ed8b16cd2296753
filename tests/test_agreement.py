"""Both implementations, fast and CUDA's, within the bounds that frameworks are held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from examples import examples
from host_kernels import device, needs_compiler
from hypothesis import given
from strategies import cases, keywords

import impl
from harness.conformance.judge import judge
from harness.engines import Arrays
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect
from impl import cuda
from impl.geometry import Array, Geometry

Outputs: TypeAlias = dict[str, Array]


def fast(case: Case, data: Outputs) -> Outputs:
    given = keywords(case.operator)
    y = impl.conv_transpose(data["x"], data["w"], data.get("b"), **given)
    return {"y": y} | gradients(impl.conv_transpose_vjp(data["dy"], data["x"], data["w"], **given))


def on_host(case: Case, data: Outputs) -> Outputs:
    geometry = Geometry.of(data["x"], data["w"], **keywords(case.operator))
    y = cuda.forward(device, geometry, data["x"], data["w"], data.get("b"), "ieee")
    back = cuda.backward(device, geometry, data["dy"], data["x"], data["w"], "ieee")
    return {"y": y} | gradients(back)


def gradients(found: tuple[Array, Array, Array]) -> Outputs:
    return dict(zip(("dx", "dw", "db"), found, strict=True))


IMPLEMENTATIONS = [fast, pytest.param(on_host, marks=needs_compiler)]


def verdicts(case: Case, expected: Expected, outputs: Outputs) -> set[Status]:
    outcome = Arrays(outputs, {})
    return {judge(case, expected, check, outcome).status for check in case.checks}


@pytest.mark.parametrize("compute", IMPLEMENTATIONS)
@examples(5)
@given(case=cases(fills=["random"]))
def test_random_data_is_within_the_bounds(
    compute: Callable[[Case, Outputs], Outputs], case: Case
) -> None:
    expected = expect(case)
    assert verdicts(case, expected, compute(case, dict(expected.data))) == {Status.PASSED}
