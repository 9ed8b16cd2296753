"""What a case's page shows beside its verdicts: its programs, and a picture of its geometry."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from harness.convention.device import Device
from harness.convention.registry import convention, framework_names, render
from harness.core.operators import Operator, OperatorError, Sizes
from harness.core.program import Program, Unsupported
from harness.drawing import draw_svg
from harness.suite.case import Case

# Nobody reads more, and a hostile report could ask for any number of groups.
_MOST_GROUPS: Final = 4096


def title(framework: str) -> str:
    """Give a framework's own name; one that no convention has keeps what the report calls it."""
    return convention(framework).title if framework in framework_names() else framework


def programs(
    case: Case, frameworks: Iterable[str], device: Device = "cpu"
) -> dict[str, dict[str, Any]]:
    """Write a case in each framework, as it was run and as people put it in a network.

    Parameters
    ----------
    case : Case
    frameworks : iterable of str
        Names that no convention has are left out.
    device : {"cpu", "cuda"}

    Returns
    -------
    dict
        By framework: ``support`` and ``reason``; of a program also ``layer``, ``forward``,
        ``gradient`` and ``notes``.
    """
    if case.operator.groups > _MOST_GROUPS:
        return {}
    known = [name for name in frameworks if name in framework_names()]
    return {
        name: _program(case.operator, name, case.dtype, device, case.documented, case.rejected)
        for name in known
    }


@cache
def _program(
    operator: Operator, framework: str, dtype: str, device: Device, documented: bool, rejected: bool
) -> dict[str, Any]:
    made = render(operator, framework, dtype, documented=documented, device=device)
    if isinstance(made, Unsupported):
        return {"support": made.support, "reason": made.reason}
    layer = render(operator, framework, dtype, documented=documented, style="layer")
    return {
        "support": made.support,
        "reason": made.reason,
        "layer": layer.call if isinstance(layer, Program) else made.call,
        "forward": made.text,
        "gradient": None if rejected else made.gradient_text,
        "notes": list(made.notes),
    }


def picture(case: Case) -> str | None:
    """Draw a case's geometry; None of one that the definition forbids."""
    if case.rejected:
        return None
    operator = case.operator
    plain = Operator(
        1, 1, operator.kernel, operator.stride, operator.dilation, operator.crop, bias=False
    )
    try:
        return _drawn(plain, case.in_size)
    except OperatorError:
        return None


@cache
def _drawn(operator: Operator, in_size: Sizes) -> str:
    """Channels, groups and bias change nothing about it: many cases share a picture."""
    return draw_svg(operator, in_size)
