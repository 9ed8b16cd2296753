"""What a call means, and what is known of it besides its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.core.operators import Operator, Sizes
from harness.core.training import SILENT, Training


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
