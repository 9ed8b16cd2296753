"""NumPy through this project's own ``impl``: every operator is one call."""

from __future__ import annotations

from harness.convention.device import Device
from harness.convention.spoken import Spoken
from harness.convention.text import CropSplit, arguments, lines, per_axis, tuple_of
from harness.core.operators import Operator
from harness.core.program import Program, Section


def render(operator: Operator, dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a program."""
    given = options(operator)
    bias = ", b" if operator.bias else ""
    returned = "dx, dw, db" if operator.bias else "dx, dw, _"
    return Program(
        # NumPy has no bfloat16 before this package is imported.
        setup=lines("import impl", "import ml_dtypes" if dtype == "bfloat16" else None),
        forward=Section("", f"y = impl.conv_transpose(x, w{bias}{given})", ""),
        gradient=Section("", f"{returned} = impl.conv_transpose_vjp(dy, x, w{given})", ""),
        gradient_alone=True,
    )


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``impl.conv_transpose`` after the arrays."""
    nothing = ((0, 0),) * operator.rank
    return Spoken(
        CropSplit(operator, nothing),
        {
            "stride": tuple_of(operator.stride),
            "dilation": tuple_of(operator.dilation),
            "crop": tuple_of(operator.crop),
            "groups": str(operator.groups),
        },
    )


def options(operator: Operator) -> str:
    """Write what both functions of ``impl`` are given besides their arrays."""
    return arguments(
        stride=per_axis(operator.stride, default=1),
        dilation=per_axis(operator.dilation, default=1),
        crop=_crop(operator),
        groups=str(operator.groups) if operator.groups != 1 else None,
    )


def _crop(operator: Operator) -> str | None:
    if all(begin == end for begin, end in operator.crop):
        return per_axis([begin for begin, _ in operator.crop], default=0)
    return str(operator.crop)
