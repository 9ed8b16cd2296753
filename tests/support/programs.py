"""The frameworks and their programs, for tests."""

from __future__ import annotations

from hypothesis import strategies as st

from harness.convention.registry import convention, framework_names, render
from harness.core.operators import Operator
from harness.core.program import Program

FRAMEWORKS = framework_names()
PYTHON = tuple(name for name in FRAMEWORKS if convention(name).language == "python")
DTYPES = st.sampled_from(["float32", "float64", "float16"])


def program(
    operator: Operator, framework: str, dtype: str = "float32", *, documented: bool = False
) -> Program:
    rendered = render(operator, framework, dtype, documented=documented)
    assert isinstance(rendered, Program)
    return rendered
