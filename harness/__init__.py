"""deconform: say a transposed convolution in every framework, and prove it.

``parse`` reads a framework's call, ``translate`` writes a program, ``load_cases`` reads suites,
``run`` executes them in the real frameworks, ``Report`` reads what a run wrote.  They are imported
when first used, so that a look-up does not wait for what only a run needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import load_cases, parse, run, translate
    from harness.report import Report

__all__ = ["Report", "load_cases", "parse", "run", "translate"]


def __getattr__(name: str) -> Any:
    if name == "Report":
        from harness.report import Report  # noqa: PLC0415 -- see the module's docstring

        return Report
    if name in __all__:
        from harness import api  # noqa: PLC0415

        return getattr(api, name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
