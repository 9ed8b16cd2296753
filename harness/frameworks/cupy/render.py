"""CuPy through this project's own ``impl``: NumPy's call, on arrays of a GPU."""

from __future__ import annotations

from harness.convention.device import Device
from harness.convention.text import lines
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.frameworks.numpy.render import options


def render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a program."""
    given = options(operator)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    names = ", ".join(f"{name}_" for name in inputs)
    returned = "dx_, dw_, db_" if operator.bias else "dx_, dw_, _"
    there = [f"{name}_ = cupy.asarray({name})" for name in inputs]
    return Program(
        setup="import cupy\nimport impl",
        forward=Section(
            lines(*there), f"y_ = impl.conv_transpose({names}{given})", "y = cupy.asnumpy(y_)"
        ),
        gradient=Section(
            lines(*there[:2], "dy_ = cupy.asarray(dy)"),
            f"{returned} = impl.conv_transpose_vjp(dy_, x_, w_{given})",
            lines(*(f"d{name} = cupy.asnumpy(d{name}_)" for name in inputs)),
        ),
        gradient_alone=True,
    )
