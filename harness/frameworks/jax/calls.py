"""The calls that are read of JAX and of libraries over it: ``jax.lax``, Flax, Haiku, Equinox."""

from __future__ import annotations

from typing import Final

from harness.frameworks.jax import equinox_layers, flax_layers, haiku_layers, lax_functions

FORMS: Final = (
    *lax_functions.FORMS,
    *flax_layers.FORMS,
    *haiku_layers.FORMS,
    *equinox_layers.FORMS,
)
