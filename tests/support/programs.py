"""The frameworks and their programs, for tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.convention.registry import convention, framework_names, render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import Training

FRAMEWORKS = framework_names()
PYTHON = tuple(name for name in FRAMEWORKS if convention(name).language == "python")
DTYPES = st.sampled_from(["float32", "float64", "float16"])


def program(operator: Operator, framework: str, dtype: str = "float32", **options: Any) -> Program:
    """Write a program; the options are those of ``render``."""
    rendered = render(operator, framework, dtype, **options)
    assert isinstance(rendered, Program)
    return rendered


def layer(framework: str, operator: Operator, training: Training) -> Program:
    """Write a layer with what is said of its training."""
    return program(operator, framework, style="layer", training=training)
