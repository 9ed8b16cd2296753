"""Conventions: everything that the rest knows about a framework, by its name.

Each framework has a folder in ``harness/frameworks``, whose ``CONVENTION`` has every fact about it,
and an environment of the same name in ``tox.ini``.  A convention imports no framework: it writes
programs, and engines run them.

Some are text only: look-ups read and write their calls, and nothing here runs them, so that they
are no columns and have no environment.

A framework may have variants, such as other kernels below the same calls.  They are run and
reported by names of their own, ``framework:variant``, and only where somebody asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from harness.convention import text
from harness.convention.arguments import Form
from harness.convention.device import NO_GPU, Cuda, Device, Math, Probe
from harness.convention.signature import Style
from harness.convention.spoken import Spoken
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.suggestion import did_you_mean, nearest
from harness.core.training import SILENT, Training

if TYPE_CHECKING:
    from harness.convention.exporter import Exporter
    from harness.convention.layers import ModelFormat

Renderer: TypeAlias = Callable[[Operator, str, bool, Device], Program | Unsupported]
LayerRenderer: TypeAlias = Callable[[Operator, str, Training], Program | Unsupported]
Speaker: TypeAlias = Callable[[Operator, str], Spoken | Unsupported]


class Example(NamedTuple):
    """An example look-up that the service offers."""

    question: str
    text: str
    file: str = ""  # What the text would be called as a file, where that says how it is read
    input: tuple[int, ...] | None = None  # The input's shape, if the call leaves something open
    style: Style = "function"
    is_asked_of_it: bool = False  # Whether the example asks only for this framework, not for all


class Interpreter(NamedTuple):
    """What executes a framework's programs, if not the Python that imports it."""

    executables: tuple[str, ...]  # Names to look for on the PATH, the best first
    worker: Path  # The file with which a worker runs programs in such an executable
    # The file with which a worker in the framework's own environment executes programs, if there is
    # no such executable.
    in_python: Path | None = None
    advice: str = ""  # What to do if there is neither

    def takes(self, executable: Path) -> bool:
        """Whether a file that the user chose is such an executable, not an environment's Python."""
        return self.in_python is None or not executable.name.startswith("python")


class Notation(NamedTuple):
    """Texts that are no code of a framework, and show its calls, such as a graph that is printed.

    Its ``calls`` names their forms as ``NOTED``.
    """

    language: str  # A module of ``harness.syntax`` reads it
    shown_by: str  # A regular expression for a text that is one


@dataclass(frozen=True, repr=False, eq=False)
class Convention:
    """One framework: where it is installed, and how it writes an operator."""

    name: str  # The framework's name, also of its environment in ``tox.ini``
    title: str
    distribution: str  # The name to install
    module: str
    # Layout of the weights in the framework's own call, without groups; ours is ``IOHW``.
    weights: str
    render: Renderer  # Takes an operator, a dtype, ``documented`` and a device; see ``render``
    # The same, where a crop has a name such as SAME, by that name, if ``render`` does not use it.
    named: Renderer | None = None
    grouped_weights: str = ""  # The layout with groups, if they have an axis of their own
    # The layout with three spatial axes, as if they were two, if the channels stand elsewhere then.
    volume_weights: str = ""
    # Whether the bias of a layer without groups has leading axes of one element, as many as there
    # are spatial axes.
    layer_bias_has_ones: bool = False
    # What its layers call their weights and their bias where they are stored, and what stands
    # between these and the names of what they are in.
    stored_names: tuple[str, str, str] = ("weight", "bias", ".")
    # Whether its files of weights keep its layers in no order, or its loader relies on the order.
    layer_order: Literal["", "lost", "needed"] = ""
    # Write weights and a bias of another layout in the framework's own.
    permuted: Callable[[str, str, str, int], str] = text.permuted
    bias_reshaped: Callable[[str, int, int], str] = text.bias_reshaped
    # A module of ``harness.syntax`` reads it.
    language: str = "python"
    interpreter: Interpreter | None = None  # What executes its programs, if not Python
    # The same as a layer, if the framework has one: takes an operator, a dtype and the training.
    layer: LayerRenderer | None = None
    # Its words for somebody's own function of NumPy arrays; takes an operator and a dtype.
    spoken: Speaker | None = None
    # A regular expression for the names of the calls that are read, without their modules.
    calls: str = ""
    # A regular expression for a text that may hold them, where the names alone do not tell.
    calls_in: str = ""
    notations: tuple[Notation, ...] = ()  # Other texts than code that show its calls
    # Modules that its calls are imported from, and their usual aliases.
    modules: tuple[str, ...] = ()
    # Suffixes of the files that hold its models; its module ``models`` reads them.
    model_suffixes: tuple[str, ...] = ()
    # Whether a pad's flat row of widths begins with the first axis, not with the last.
    flat_pads_from_first: bool = False
    # Why it computes nothing in bfloat16 here; empty where its programs do.
    no_bfloat16: str = "Programs are not written for bfloat16."
    remarks: tuple[str, ...] = ()  # Remarks for the reference page: versions, traps, documents
    examples: tuple[Example, ...] = ()
    # Environment variables of its processes: one thread, no messages, full precision.
    environ: Mapping[str, str] = field(default_factory=dict)
    cpu: bool = True  # Whether it computes on a CPU
    cuda: Cuda | None = None  # How it computes on an NVIDIA GPU, if it can
    # By device, how to measure the device's ceilings with the framework.
    probes: Mapping[Device, Probe] = field(default_factory=dict)
    # Packages of ours that its programs import, whatever its interpreter has installed.
    packages: tuple[str, ...] = ()
    # A framework with the same call: a look-up answers for that one, and for this one only on
    # request.
    same_call_as: str = ""
    # The same framework run in another way, under names such as ``framework:variant``.  One has an
    # environment of its own where ``tox.ini`` names it ``framework-variant``.
    variants: tuple[Convention, ...] = ()
    # Whether it is only looked up: its calls are read and written, and nothing here runs them.
    is_text_only: bool = False
    # Of a text whose framework nobody names: it is taken for this one's only with one of these in
    # it, since others have calls of the same names.  Each look-up searches for them.
    named_by: tuple[str, ...] = ()
    is_canonical: bool = False  # Whether it is this project's own implementation, which comes first
    is_baseline: bool = False  # Whether published times of others are compared with its times

    @property
    def family(self) -> str:
        """The framework's name without its variant, which is also that of its folder."""
        return self.name.partition(":")[0]

    def write(
        self,
        operator: Operator,
        dtype: str,
        *,
        documented: bool = False,
        named: bool = False,
        device: Device = "cpu",
    ) -> Program | Unsupported:
        """Write an operator as a program; see :func:`render`."""
        if dtype == "bfloat16" and self.no_bfloat16:
            return Unsupported(self.no_bfloat16, self.name)
        renderer = self.named if named and self.named is not None else self.render
        program = renderer(operator, dtype, documented, self.device(device))
        return replace(program, framework=self.name)

    def device(self, asked: Device) -> Device:
        """Return the requested device, or the only one that the framework supports."""
        if asked == "cpu":
            return "cpu" if self.cpu else "cuda"
        return "cuda" if self.cuda else "cpu"

    def environment(self, device: Device, math: Math = "ieee") -> dict[str, str]:
        """Return the environment variables of its processes on a device that it supports."""
        if device == "cpu":
            return {**NO_GPU, **self.environ}
        assert self.cuda is not None
        return {**self.environ, **self.cuda.environment(math)}

    def wait(self, device: Device) -> str:
        """Return the text that waits for its programs' work on a device."""
        return self.cuda.wait if self.cuda and self.device(device) == "cuda" else ""

    def device_check(self, device: Device, math: Math = "ieee") -> str:
        """Return the text that selects a device that it supports; empty for the CPU."""
        if device == "cpu":
            return ""
        assert self.cuda is not None
        return self.cuda.check_text(math)

    @property
    def exporter(self) -> Exporter | None:
        """What writes its programs for another machine, if an interpreter runs them."""
        if self.interpreter is None:
            return None
        exporter: Exporter = import_module(f"harness.frameworks.{self.family}.export")
        return exporter

    @property
    def model_format(self) -> ModelFormat:
        """What reads its models."""
        reader: ModelFormat = import_module(f"harness.frameworks.{self.family}.models")
        return reader

    @property
    def forms(self) -> tuple[Form, ...]:
        """The calls that can be read; a look-up loads only those that its text may use."""
        if not self.calls:
            return ()
        forms: tuple[Form, ...] = import_module(f"harness.frameworks.{self.family}.calls").FORMS
        return forms

    @property
    def noted_forms(self) -> tuple[Form, ...]:
        """What the texts in its notations show."""
        forms: tuple[Form, ...] = import_module(f"harness.frameworks.{self.family}.calls").NOTED
        return forms

    @cached_property
    def forms_by_last_name(self) -> Mapping[str, Sequence[Form]]:
        """The forms by the last part of their names."""
        by_name: dict[str, list[Form]] = {}
        for form in self.forms:
            for last in dict.fromkeys(name.rpartition(".")[2] for name in form.names):
                by_name.setdefault(last, []).append(form)
        return by_name


def late(package: str, function: str) -> Callable[..., Any]:
    """Return a function of a framework's module ``render``, which is loaded when it is called.

    Each look-up loads every convention, and writes for a few.
    """

    def loaded(*arguments: object) -> Any:
        return getattr(import_module(f"{package}.render"), function)(*arguments)

    return loaded


class UnknownFrameworkError(InputError):
    """No convention has this name."""


class TextOnlyError(UnknownFrameworkError):
    """A framework that is only looked up is asked to run."""


@cache
def framework_names() -> tuple[str, ...]:
    """Return the names of all frameworks that are run, the canonical implementation first.

    >>> framework_names()[:3]
    ('numpy', 'chainer', 'cupy')
    """
    run = [name for name in _folders() if not convention(name).is_text_only]
    return tuple(sorted(run, key=lambda name: (not convention(name).is_canonical, name)))


@cache
def text_only_names() -> tuple[str, ...]:
    """Return the names of what is only looked up."""
    return tuple(sorted(_folders() - {*framework_names()}))


def known_names() -> tuple[str, ...]:
    """Return the names of all that a look-up knows, what is only looked up last."""
    return (*framework_names(), *text_only_names())


@cache
def _folders() -> frozenset[str]:
    frameworks = import_module("harness.frameworks").__path__
    return frozenset(module.name for module in iter_modules(frameworks) if module.ispkg)


def is_framework(name: str) -> bool:
    """Whether a name is that of a framework that is run, or of a variant.

    >>> is_framework("numpy"), is_framework("numpy:other")
    (True, False)
    """
    try:
        that_is_run(name)
    except UnknownFrameworkError:
        return False
    return True


def that_is_run(framework: str) -> Convention:
    """Return the convention of a framework that is run.

    Raises
    ------
    UnknownFrameworkError
        If there is none, or it is only looked up.
    """
    its_own = convention(framework)
    if its_own.is_text_only:
        raise TextOnlyError(
            f"{its_own.name} is text only: look-ups read and write its calls, and nothing here "
            "runs them. deconform translate writes it; an implementation's file can run it, as "
            "docs/implementations.md shows."
        )
    return its_own


def distinct_conventions() -> list[Convention]:
    """Return the conventions of the frameworks that are run and whose call is their own."""
    return [each for each in map(convention, framework_names()) if not each.same_call_as]


def readable_conventions() -> list[Convention]:
    """Return the conventions whose calls a text may hold, those that are only looked up last."""
    return [*distinct_conventions(), *map(convention, text_only_names())]


def canonical() -> Convention:
    """Return the convention of this project's own implementation."""
    return convention(framework_names()[0])


@cache
def convention(framework: str) -> Convention:
    """Return the convention of a framework, or of its variant ``framework:variant``.

    Raises
    ------
    UnknownFrameworkError
        If there is none.
    """
    family, colon, _ = framework.partition(":")
    if family not in _folders():
        near = _known_as(family) or nearest(family, known_names())
        only = f"; as text only: {', '.join(text_only_names())}" if text_only_names() else ""
        raise UnknownFrameworkError(
            f"unknown framework {framework!r}.{did_you_mean(near)} "
            f"Known: {', '.join(framework_names())}{only}."
        )
    its_own = import_module(f"harness.frameworks.{family}").CONVENTION
    assert isinstance(its_own, Convention)
    assert its_own.name == family, f"{its_own.name!r} is in the folder of {family!r}"
    return _variant(its_own, framework) if colon else its_own


def _variant(of: Convention, name: str) -> Convention:
    variants = {each.name: each for each in of.variants}
    if name in variants:
        return variants[name]
    near = did_you_mean(nearest(name, [*variants]))
    known = f"Its variants: {', '.join(variants)}." if variants else "It has no variants."
    raise UnknownFrameworkError(f"unknown variant {name!r} of {of.title}.{near} {known}")


def _known_as(name: str) -> list[str]:
    """Find the frameworks that have a module, a distribution or a program of this name."""
    root = re.split(r"\W", name.lower())[0]
    every = map(convention, known_names())
    return [
        each.name
        for each in every
        if root in {*each.modules, each.distribution, each.title.lower()}
        or (each.interpreter and root in map(str.lower, each.interpreter.executables))
    ]


def render(
    operator: Operator,
    framework: str,
    dtype: str = "float32",
    *,
    documented: bool = False,
    named: bool = False,
    style: Style = "function",
    training: Training = SILENT,
    device: Device = "cpu",
) -> Program | Unsupported:
    """Write ``operator`` as a program of ``framework``: a function, or a layer with its training.

    A framework that has only one of the styles, or of the devices, returns that.  ``documented``
    writes the call that the framework's documentation promises where a known defect makes another
    text the right advice, which is how defects are tested; a call that it does not promise is
    never written, so that all else is as advised.  ``named`` writes a crop by the framework's name
    for it, such as SAME, or by the output's size, where it has one.
    """
    writer = convention(framework)
    if style == "layer" and writer.layer is not None:
        training = training if operator.bias else training.without_bias()
        if dtype == "bfloat16" and writer.no_bfloat16:
            return Unsupported(writer.no_bfloat16, framework)
        return replace(writer.layer(operator, dtype, training), framework=framework)
    return writer.write(operator, dtype, documented=documented, named=named, device=device)
