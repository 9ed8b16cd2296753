"""Calls of ``impl`` in both directions, by its parts too; arrays that must be the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from strategies import keywords

from harness.suite.case import Case
from impl import direct, fast
from impl.geometry import Array, Geometry
from impl.phases import Problem

Data: TypeAlias = Mapping[str, Array]
Outputs: TypeAlias = tuple[Array, Array, Array, Array]  # y, dx, dw, db
ALGORITHMS: tuple[fast.Algorithm | None, ...] = ("scatter", "gather", None)


def outputs(module: Any, data: Data, options: Mapping[str, Any]) -> Outputs:
    """Call the two functions of a module."""
    y = module.conv_transpose(data["x"], data["w"], data.get("b"), **options)
    return (y, *module.conv_transpose_vjp(data["dy"], data["x"], data["w"], **options))


def by_algorithm(
    algorithm: fast.Algorithm | None, data: Data, options: Mapping[str, Any]
) -> Outputs:
    """Call one algorithm of :mod:`impl.fast`."""
    x, w = data["x"], data["w"]
    geometry = Geometry.of(x, w, **options)
    y = fast.conv_transpose_by(algorithm, geometry, x, w, data.get("b"))
    return (y, *fast.conv_transpose_vjp_by(algorithm, geometry, data["dy"], x, w))


def posed(case: Case, data: Data) -> Problem:
    geometry = Geometry.of(data["x"], data["w"], **keywords(case.operator))
    return Problem.of(geometry, data["x"], data["w"], data.get("b"), data["x"].dtype)


def by_loops(case: Case, data: Data) -> Array:
    """Compute a case with the compiled loops."""
    problem = posed(case, data)
    geometry = problem.phases.geometry
    y = np.full((len(data["x"]), geometry.out_channels, *geometry.out_size), 99, data["x"].dtype)
    direct.direct(problem, y)
    return y


def assert_same(got: Iterable[Array], expected: Iterable[Array]) -> None:
    """Compare arrays one by one: shapes, dtypes and elements."""
    for one, other in zip(got, expected, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_array_equal(one, other)
