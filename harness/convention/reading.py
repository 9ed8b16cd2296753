"""The meaning of a call, and what else is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.core.operators import Operator, Sizes
from harness.core.training import SILENT, Training


@dataclass(frozen=True)
class Reading:
    """The meaning of a call."""

    form: str  # The form's name
    operator: Operator
    input: Sizes | None = None  # Canonical shape of the input, if the text or the user gives it
    training: Training = SILENT
    notes: tuple[str, ...] = ()
    framework: str = ""
    channels_last: bool = False  # Whether the text's arrays have their channels last
    # Layout of the text's weights, such as ``IHWO``, if it is not the framework's usual one.
    weights: str = ""


@dataclass(frozen=True)
class Supplied:
    """The canonical shapes of the input and the weights, if the user gives them."""

    input: Sizes | None = None
    weight: Sizes | None = None
    is_in_text: bool = False  # Whether the text itself shows the input


NOTHING: Final = Supplied()
