"""The meaning of a call, and what else is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from harness.core.operators import Operator, Sizes
from harness.core.training import SILENT, Training
from harness.syntax.tree import Value


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
    # Where the call is in the text, from 1, and what the text gives its result to.
    line: int = 0
    column: int = 0
    name: str = ""
    within: tuple[int, ...] = ()  # Lines of what it calls of the text's own, to the framework's


class OpenSizes(NamedTuple):
    """Sizes to go on with where neither the text nor the user holds them."""

    in_channels: int | None = None
    out_channels: int | None = None
    kernel: Sizes | None = None


_NO_SIZES: Final = OpenSizes()


@dataclass(frozen=True)
class Supplied:
    """What the user gives: canonical shapes of the input and the weights, and values of names."""

    input: Sizes | None = None
    weight: Sizes | None = None
    is_in_text: bool = False  # Whether the text itself shows the input
    values: Mapping[str, Value] = field(default_factory=dict)
    open_sizes: OpenSizes = _NO_SIZES
    assumes_bias: bool = True  # Whether an unknown bias is taken for the framework's default


NOTHING: Final = Supplied()
