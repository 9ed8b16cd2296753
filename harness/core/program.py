"""Programs: the text of one operator in one framework's language.

A program's text is complete.  Given ``x``, ``w`` and ``b`` (absent without bias) in the canonical
layouts it computes ``y``; its gradient text, given ``dy`` as well, computes ``dx``, ``dw`` and
``db``.  It has sections so that a benchmark can time ``call`` alone; the text is their
concatenation, and nothing else is ever executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Support: TypeAlias = Literal["native", "rewritten", "unsupported"]


@dataclass(frozen=True)
class Section:
    """One direction of a program: conversion to the framework's layout, the call, and back."""

    to_native: str
    call: str
    from_native: str


NO_GRADIENT: Final = Section("", "", "")


@dataclass(frozen=True)
class Program:
    """The text of an operator in one framework's language.

    Attributes
    ----------
    forward, gradient : Section
        The gradient is ``NO_GRADIENT`` where there is none.
    setup : str
        Imports.
    reason : str, optional
        Why it takes more than one call: the crop, pad, split, concatenation or zero-inserted
        kernel that the text shows.
    language : str
    weights : str
        The lines of ``to_native`` that do more to the weights than change their layout, such as to
        write zeros into them: a reader of the call alone needs them too.  They take ``w``, or the
        ``w_`` of a call, in the framework's layout.
    definition : str
        The lines of ``to_native`` that define what ``call`` executes, such as a graph, if a
        framework needs it before it runs: a reader of the call alone needs them too.
    forward_only : str
        Why the framework has no gradient; empty if it has.
    training : str
        Code after the layer for initialisers and for factors of the learning rate and of L2
        regularisation, if these are not arguments of the layer.  It is for people: their own
        program defines ``lr`` and ``l2``.
    gradient_alone : bool
        Whether the gradient text omits the forward pass, which other frameworks need.
    notes : tuple of str
        What a reader should know before using the text.
    framework : str
        The column's name.
    arguments : mapping, optional
        What a program in a process of its own is sent in place of the text.
    """

    forward: Section
    gradient: Section = NO_GRADIENT
    setup: str = ""
    reason: str | None = None
    language: str = "python"
    weights: str = ""
    definition: str = ""
    forward_only: str = ""
    training: str = ""
    gradient_alone: bool = False
    notes: tuple[str, ...] = ()
    framework: str = ""
    arguments: Mapping[str, Any] | None = None

    @property
    def support(self) -> Support:
        """``native`` for one call, even with a separate bias addition, or ``rewritten``."""
        return "rewritten" if self.reason else "native"

    @property
    def text(self) -> str:
        """The whole program: ``x``, ``w``, ``b`` in, ``y`` out."""
        return self._whole(self.forward)

    @property
    def gradient_text(self) -> str:
        """The whole gradient program: ``dy`` and the inputs in, ``dx``, ``dw``, ``db`` out.

        Empty where there is none.
        """
        return self._whole(self.gradient) if self.gradient.call else ""

    @property
    def call(self) -> str:
        """What is shown of the program: the call, for arrays that already have the right layout."""
        return _joined(self.weights, self.definition, self.forward.call)

    def _whole(self, section: Section) -> str:
        return _joined(self.setup, section.to_native, section.call, section.from_native) + "\n"


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


@dataclass(frozen=True)
class Unsupported:
    """An operator that a framework cannot express, and why."""

    reason: str
    framework: str = ""
    support: Support = "unsupported"
