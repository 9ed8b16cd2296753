"""Random data through every way of the fast implementation: within the rule for dot products."""

from __future__ import annotations

from hypothesis import given, settings
from strategies import cases, keywords

from harness.case import Case
from harness.compare import Status, expect, judge
from harness.engines.job import Arrays
from impl import fast
from impl.geometry import Geometry

OF_Y = ("shape", "value")
OF_GRADIENTS = ("grad_x", "grad_w", "grad_b")


def ways(case: Case, *, forward: bool) -> list[fast.Way]:
    compiled: list[fast.Way] = ["direct"] if forward and case.dtype != "float16" else []
    return ["scatter", "gather", *compiled]


@settings(max_examples=300, deadline=None)
@given(cases(fills=["random"]))
def test_every_way_keeps_to_the_rule(case: Case) -> None:
    expected = expect(case)
    x, w, b, dy = map(expected.data.get, ("x", "w", "b", "dy"))
    assert x is not None
    assert w is not None
    assert dy is not None
    geometry = Geometry.of(x, w, **keywords(case.operator))
    for way in ways(case, forward=True):
        y = Arrays({"y": fast.conv_transpose_by(way, geometry, x, w, b)}, {})
        for check in OF_Y:
            assert judge(case, expected, check, y).status is Status.PASSED
    for way in ways(case, forward=False):
        made = fast.conv_transpose_vjp_by(way, geometry, dy, x, w)
        gradients = Arrays(dict(zip(("dx", "dw", "db"), made, strict=True)), {})
        for check in OF_GRADIENTS[: 2 + case.operator.bias]:
            assert judge(case, expected, check, gradients).status is Status.PASSED
