"""NumPy (impl): all that is known of it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention
from harness.frameworks.numpy.render import render

CONVENTION: Final = Convention(
    name="numpy",
    title="NumPy (impl)",
    distribution="deconform",
    module="impl",
    weights="IOHW",
    render=render,
)
