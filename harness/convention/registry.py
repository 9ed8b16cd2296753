"""What a framework is to the rest: its convention, found by its name.

Each framework has a folder of its own in ``harness/frameworks``, whose ``CONVENTION`` holds every
fact about it, and one environment of the same name in ``tox.ini``.  A convention imports no
framework: it writes programs, engines run them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeAlias

from harness.convention import layouts
from harness.convention.device import NO_GPU, Cuda, Device, Math, Probe
from harness.convention.forms import Form
from harness.convention.interpreter import Exporter, Interpreter
from harness.convention.signature import Style
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import SILENT, Training

Renderer: TypeAlias = Callable[[Operator, str, bool, Device], Program | Unsupported]
LayerRenderer: TypeAlias = Callable[[Operator, str, Training], Program | Unsupported]


@dataclass(frozen=True)
class Example:
    """A look-up that the service offers to try.

    Attributes
    ----------
    question : str
    text : str
        A call.
    input : tuple of int, optional
        The input's shape, where the call leaves something open.
    style : {"function", "layer"}
    is_asked_of_it : bool
        Whether the answer for this framework alone is asked for, not all.
    """

    question: str
    text: str
    input: tuple[int, ...] | None = None
    style: Style = "function"
    is_asked_of_it: bool = False


@dataclass(frozen=True)
class Convention:
    """One framework: where it lives and how it writes an operator.

    Attributes
    ----------
    name : str
        The framework's name everywhere, and of its environment in ``tox.ini``.
    title : str
        What people call it.
    language : str
        What its programs are written in: a module of ``harness.syntax`` reads it.
    interpreter : Interpreter, optional
        What executes its programs, where that is not Python.
    exporter : callable, optional
        Returns what writes its programs for a run on another machine; imported when it is needed.
    distribution, module : str
        What is installed and what is imported.
    weights : str
        Layout of the weights in the framework's own call, groups aside; ours is ``IOHW``.
    grouped_weights : str
        The layout with groups, where they have an axis of their own.
    layer_bias_has_ones : bool
        Whether a layer without groups keeps its bias with as many axes of one element in front as
        there are spatial axes.
    permuted, bias_reshaped : callable
        Write weights and a bias of another layout in the framework's own; see
        ``harness.convention.layouts``.
    render : callable
        ``(operator, dtype, documented, device) -> Program | Unsupported``; see
        ``conventions.render``.
    layer : callable, optional
        ``(operator, dtype, training) -> Program | Unsupported``: the same as a layer of a network,
        where the framework has one.
    calls : str
        A regular expression for the names of the calls that are read, without their modules.
    modules : tuple of str
        What its calls are imported from: modules, and the names that people give them.
    flat_pads_from_first : bool
        Whether a pad's flat row of widths begins with the first axis, not with the last.
    remarks : tuple of str
        What the reference page says about the framework: versions, traps, documents.
    examples : tuple of Example
    environ : mapping
        Environment variables of its processes: one thread, no chatter, full precision.
    cpu : bool
        Whether it computes on a CPU.
    cuda : Cuda, optional
        How it computes on an NVIDIA GPU, where it can.
    probes : mapping
        How what a device can do at most is measured with the framework, by the device.
    packages : tuple of str
        Packages of ours that its programs import, whatever its interpreter has installed.
    same_call_as : str
        The framework whose call this is, too: a look-up answers with that one, and with this one
        only where it is asked for.
    is_canonical : bool
        Whether it is this project's own implementation, which comes first.
    is_baseline : bool
        Whether others' published times are held against its.
    """

    name: str
    title: str
    distribution: str
    module: str
    weights: str
    render: Renderer
    grouped_weights: str = ""
    layer_bias_has_ones: bool = False
    permuted: Callable[[str, str, str, int], str] = layouts.permuted
    bias_reshaped: Callable[[str, int, int], str] = layouts.bias_reshaped
    language: str = "python"
    interpreter: Interpreter | None = None
    exporter: Callable[[], Exporter] | None = None
    layer: LayerRenderer | None = None
    calls: str = ""
    modules: tuple[str, ...] = ()
    flat_pads_from_first: bool = False
    remarks: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    cpu: bool = True
    cuda: Cuda | None = None
    probes: Mapping[Device, Probe] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    same_call_as: str = ""
    is_canonical: bool = False
    is_baseline: bool = False

    def device(self, asked: Device) -> Device:
        """Where it computes: where it is asked to, unless it can do so elsewhere only."""
        if asked == "cpu":
            return "cpu" if self.cpu else "cuda"
        return "cuda" if self.cuda else "cpu"

    def environment(self, device: Device, math: Math = "ieee") -> dict[str, str]:
        """Give the environment variables of its processes on a device that it computes on."""
        if device == "cpu":
            return {**NO_GPU, **self.environ}
        assert self.cuda is not None
        return {**self.environ, **self.cuda.environment(math)}

    def wait(self, device: Device) -> str:
        """Give the text that waits for what its programs have begun on a device."""
        return self.cuda.wait if self.cuda and self.device(device) == "cuda" else ""

    def device_check(self, device: Device, math: Math = "ieee") -> str:
        """Give the text that finds a device that it computes on; the CPU needs no looking for."""
        if device == "cpu":
            return ""
        assert self.cuda is not None
        return self.cuda.check_text(math)

    @property
    def forms(self) -> tuple[Form, ...]:
        """The calls that are read; a look-up loads those of the frameworks that its text names."""
        if not self.calls:
            return ()
        found: tuple[Form, ...] = import_module(f"harness.frameworks.{self.name}.calls").FORMS
        return found

    def forms_by_table(self) -> list[Form]:
        """The forms, those with one table of parameters next to each other."""
        tables = [id(form.parameters) for form in self.forms]
        return sorted(
            self.forms, key=lambda form: (tables.index(id(form.parameters)), form.rank or 0)
        )


class UnknownFrameworkError(InputError):
    """A framework's name that no convention has."""


@cache
def framework_names() -> tuple[str, ...]:
    """Every framework with a convention, the canonical implementation first.

    >>> framework_names()[:3]
    ('numpy', 'chainer', 'cupy')
    """
    return tuple(sorted(_folders(), key=lambda name: (not convention(name).is_canonical, name)))


@cache
def _folders() -> frozenset[str]:
    frameworks = import_module("harness.frameworks").__path__
    return frozenset(module.name for module in iter_modules(frameworks) if module.ispkg)


def canonical() -> Convention:
    """Return the convention of this project's own implementation."""
    return convention(framework_names()[0])


@cache
def convention(framework: str) -> Convention:
    """Return the convention of ``framework``; raise :class:`UnknownFrameworkError` without one."""
    if framework not in _folders():
        near = difflib.get_close_matches(framework, framework_names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownFrameworkError(
            f"unknown framework {framework!r}.{hint} Known: {', '.join(framework_names())}."
        )
    found = import_module(f"harness.frameworks.{framework}").CONVENTION
    assert isinstance(found, Convention)
    assert found.name == framework, f"{found.name!r} is in the folder of {framework!r}"
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
    writer = convention(framework)
    program = (
        writer.layer(operator, dtype, training if operator.bias else training.without_bias())
        if style == "layer" and writer.layer is not None
        else writer.render(operator, dtype, documented, writer.device(device))
    )
    return replace(program, framework=framework)
