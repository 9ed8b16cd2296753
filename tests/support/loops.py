"""Compute cases with the compiled loops of ``impl``."""

from __future__ import annotations

import numpy as np
from strategies import keywords

from harness.suite.case import Case
from impl import direct
from impl.geometry import Array, Geometry
from impl.phases import Problem


def posed(case: Case, data: dict[str, Array]) -> Problem:
    geometry = Geometry.of(data["x"], data["w"], **keywords(case.operator))
    return Problem.of(geometry, data["x"], data["w"], data.get("b"), data["x"].dtype)


def by_loops(case: Case, data: dict[str, Array]) -> Array:
    problem = posed(case, data)
    geometry = problem.phases.geometry
    y = np.full((len(data["x"]), geometry.out_channels, *geometry.out_size), 99, data["x"].dtype)
    direct.direct(problem, y)
    return y
