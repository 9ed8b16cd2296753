"""The names and parameters of calls.

A table of parameters serves three purposes: binding the arguments of a call, asking for missing
values, and writing the reference page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Style: TypeAlias = Literal["function", "layer"]
Role: TypeAlias = Literal["in_channels", "out_channels", "kernel"]
REQUIRED: Final = object()


@dataclass(frozen=True, repr=False, eq=False)
class Parameter:
    """One parameter of a form."""

    name: str
    meaning: str  # In canonical terms
    default: object = REQUIRED  # The framework's default; ``REQUIRED`` without one
    pitfall: str = ""  # What people get wrong about it
    aliases: tuple[str, ...] = ()  # Other names that the framework takes, now or in the past
    # It does not affect the operator; ``meaning`` becomes a note if it is given.
    ignored: bool = False
    keyword: bool = False  # Cannot be given by position
    # Where the text does not hold its value, the default is taken, with a note.
    assumable: bool = False
    # Which of the operator's sizes it is, if any: what an input's or weights' shape can fill in.
    role: Role | None = None


def naming(what: str, name: str = "name", *, keyword: bool = False) -> Parameter:
    """Describe the parameter that names a layer, an operation or a symbol."""
    meaning = f"the {what}'s name: give it where the answer has one"
    return Parameter(name, meaning, None, keyword=keyword, ignored=True)


@dataclass(frozen=True, repr=False, eq=False)
class Signature:
    """How one function or layer of a framework is called."""

    name: str  # As documented, with the module: ``torch.nn.ConvTranspose2d``
    aliases: tuple[str, ...]  # Other dotted names; the last part of each name is what is looked for
    style: Style
    rank: int | None  # Number of spatial axes; ``None`` if it depends on the arguments
    parameters: tuple[Parameter, ...]  # In the order of the signature
    source: str  # The document
    # After the positional arguments, names as strings and values take turns.
    named_pairs: bool = field(default=False, kw_only=True)
    # What to say of names that people look for here, and that are elsewhere.
    hints: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    # Whether it is a method, and the array is what it is a method of: any name may stand before it.
    is_method: bool = field(default=False, kw_only=True)
    # What the first argument is, where the function makes other things too: others are no calls.
    makes: str = field(default="", kw_only=True)
    # A parameter without which the function makes other things: calls that do not give it are none.
    needs: str = field(default="", kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Every dotted name."""
        return (self.name, *self.aliases)

    def parameter(self, name: str) -> Parameter | None:
        """Find a parameter by any of its names."""
        matches = (p for p in self.parameters if name == p.name or name in p.aliases)
        return next(matches, None)
