"""A call that a convention reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.convention.arguments import Arguments
from harness.convention.reading import Reading
from harness.convention.signature import Signature


@dataclass(frozen=True)
class Form(Signature):
    """One function or layer of a framework."""

    read: Callable[[Arguments], Reading]  # What bound arguments mean
