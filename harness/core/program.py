"""Programs: the text of one operator in one framework's language.

A program's text is whole.  Given ``x``, ``w`` and ``b`` (absent without bias) in the canonical
layouts it leaves ``y``; its gradient text, given ``dy`` as well, leaves ``dx``, ``dw`` and ``db``.
The sections exist so that a benchmark can time ``call`` alone; the text is their concatenation and
the only thing that is ever executed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Support: TypeAlias = Literal["native", "rewritten", "unsupported"]


@dataclass(frozen=True)
class Section:
    """One direction of a program: into the framework's layout, the call, and back."""

    to_native: str
    call: str
    from_native: str


@dataclass(frozen=True)
class Program:
    """The text of an operator in one framework's language.

    Attributes
    ----------
    forward, gradient : Section
    setup : str
        Imports.
    reason : str, optional
        Why it takes more than one call: the crop, pad, split, concatenation or zero-inserted
        kernel that the text shows.
    language : str
    training : str
        What the framework writes behind the layer for initialisers and for factors of learning
        rate and L2 regularisation, where they are no arguments of the layer's own: text for
        people, whose own program says what ``lr`` and ``l2`` are.
    gradient_alone : bool
        Whether the gradient text leaves out the forward pass, which others cannot do without.
    notes : tuple of str
        What a reader should know before using the text.
    framework : str
        Whose program it is, by the registry that has it written.
    """

    forward: Section
    gradient: Section
    setup: str = ""
    reason: str | None = None
    language: str = "python"
    training: str = ""
    gradient_alone: bool = False
    notes: tuple[str, ...] = ()
    framework: str = ""

    @property
    def support(self) -> Support:
        """``native`` for one call (a separate bias addition counts in), or ``rewritten``."""
        return "rewritten" if self.reason else "native"

    @property
    def text(self) -> str:
        """The whole program: ``x``, ``w``, ``b`` in, ``y`` out."""
        return self._whole(self.forward)

    @property
    def gradient_text(self) -> str:
        """The whole gradient program: ``dy`` and the inputs in, ``dx``, ``dw``, ``db`` out."""
        return self._whole(self.gradient)

    @property
    def call(self) -> str:
        """The call alone, for people who have their arrays in place."""
        return self.forward.call

    def _whole(self, section: Section) -> str:
        parts = (self.setup, section.to_native, section.call, section.from_native)
        return "\n".join(part for part in parts if part) + "\n"


@dataclass(frozen=True)
class Unsupported:
    """What a framework cannot say, and why."""

    reason: str
    framework: str = ""
    support: Support = "unsupported"
