"""Forms: the calls that a convention reads, their parameters, and what a call means.

A form's table of parameters is used three times: to bind what people wrote, to ask for what they
left open, and to write the reference page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from harness.core.operators import Operator, Sizes
from harness.core.training import SILENT, Training

if TYPE_CHECKING:
    from harness.convention.arguments import Arguments

Style: TypeAlias = Literal["function", "layer"]
REQUIRED: Final = object()


@dataclass(frozen=True)
class Parameter:
    """One parameter of a form.

    Attributes
    ----------
    name : str
    meaning : str
        In canonical terms.
    default : value
        As the framework has it; ``REQUIRED`` without one.
    pitfall : str
        What people get wrong about it.
    aliases : tuple of str
        Other names that the framework takes, now or in the past.
    ignored : bool
        It says nothing about the operator; ``meaning`` becomes a note where it is given.
    keyword : bool
        Cannot be given by position.
    """

    name: str
    meaning: str
    default: object = REQUIRED
    pitfall: str = ""
    aliases: tuple[str, ...] = ()
    ignored: bool = False
    keyword: bool = False


@dataclass(frozen=True)
class Form:
    """One function or layer of a framework.

    Attributes
    ----------
    name : str
        As its document has it, with the module: ``torch.nn.ConvTranspose2d``.
    aliases : tuple of str
        Other dotted names; the last part of each name is what is looked for.
    style : {"function", "layer"}
    rank : int or None
        Number of spatial axes; ``None`` where the arguments decide.
    parameters : tuple of Parameter
        In the order of the signature.
    read : callable
        What bound arguments mean.
    source : str
        The document.
    named_pairs : bool
        After the positional arguments, names as strings and values take turns.
    """

    name: str
    aliases: tuple[str, ...]
    style: Style
    rank: int | None
    parameters: tuple[Parameter, ...]
    read: Callable[[Arguments], Reading]
    source: str
    named_pairs: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every dotted name."""
        return (self.name, *self.aliases)

    def parameter(self, name: str) -> Parameter | None:
        """Find a parameter by any of its names."""
        found = (p for p in self.parameters if name == p.name or name in p.aliases)
        return next(found, None)


@dataclass(frozen=True)
class Reading:
    """What a call means.

    Attributes
    ----------
    form : str
        The form's name.
    operator : Operator
    input : tuple of int, optional
        Canonical shape of the input, where the text or the user says it.
    training : Training
    notes : tuple of str
    framework : str
    channels_last : bool
        Whether the text's arrays have their channels last.
    weights : str
        Layout of the text's weights, as ``IHWO``, where it is not the framework's usual one.
    """

    form: str
    operator: Operator
    input: Sizes | None = None
    training: Training = SILENT
    notes: tuple[str, ...] = ()
    framework: str = ""
    channels_last: bool = False
    weights: str = ""


@dataclass(frozen=True)
class Supplied:
    """What the user says beside the text: canonical shapes of the input and the weights."""

    input: Sizes | None = None
    weight: Sizes | None = None


NOTHING: Final = Supplied()


@dataclass(frozen=True)
class Context:
    """What the text around a call does to its weights.

    Attributes
    ----------
    groups : int
        Into how many groups it splits them, calling once for each.
    steps : tuple of int, optional
        The dilation whose zeros it writes into the kernel.
    """

    groups: int = 1
    steps: Sizes | None = None


NOWHERE: Final = Context()
