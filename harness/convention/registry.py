"""How each framework spells an operator: one file a framework, pure text.

A convention imports no framework: it writes programs, engines run them.  A new framework is one
file here, found by its name, and one environment of that name in ``tox.ini``.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from harness import frameworks
from harness.convention.convention import Convention
from harness.convention.device import CUPY_WAIT, Device, Math
from harness.convention.forms import Style
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import SILENT, Training

__all__ = [
    "CUPY_WAIT",
    "Convention",
    "Device",
    "Math",
    "UnknownFrameworkError",
    "convention",
    "framework_names",
    "render",
]


class UnknownFrameworkError(InputError):
    """A framework's name that no convention has."""


@cache
def framework_names() -> tuple[str, ...]:
    """Every framework with a convention, the canonical implementation first.

    >>> framework_names()
    ('numpy', 'chainer', 'cupy', 'matlab', 'mxnet', 'pytorch', 'tensorflow', 'wolfram')
    """
    names = (module.name for module in iter_modules(frameworks.__path__) if module.ispkg)
    return tuple(sorted(names, key=lambda name: (name != "numpy", name)))


@cache
def convention(framework: str) -> Convention:
    """Return the convention of ``framework``; raise :class:`UnknownFrameworkError` without one."""
    if framework not in framework_names():
        near = difflib.get_close_matches(framework, framework_names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownFrameworkError(
            f"unknown framework {framework!r}.{hint} Known: {', '.join(framework_names())}."
        )
    found = import_module(f"harness.frameworks.{framework}.render").CONVENTION
    assert isinstance(found, Convention)
    return found


def render(
    operator: Operator,
    framework: str,
    dtype: str = "float32",
    *,
    documented: bool = False,
    style: Style = "function",
    training: Training = SILENT,
    device: Device = "cpu",
) -> Program | Unsupported:
    """Write ``operator`` as a program of ``framework``.

    Parameters
    ----------
    operator : Operator
    framework : str
    dtype : {"float16", "float32", "float64"}
        Some frameworks need another text for another type.
    documented : bool
        Write what the framework's documentation promises, even where a known defect makes
        another text the right advice: this is how defects are put to the test.
    style : {"function", "layer"}
        What is executed by default, or what people put in a network; a framework that has only
        one of them answers with that.
    training : Training
        What a layer says about its training.
    device : {"cpu", "cuda"}
        Where the arrays of an executed program are; one that computes elsewhere only is written for
        there, and a layer is text for people, who have their own arrays.
    """
    spoken = convention(framework)
    if style == "layer" and spoken.layer is not None:
        return spoken.layer(operator, dtype, training if operator.bias else training.without_bias())
    return spoken.render(operator, dtype, documented, spoken.device(device))
