"""JAX: every fact about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from harness.convention.registry import Convention, late
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import Training

# Compiling is most of what a case costs, and no case's shapes are those of another.
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deconform/jax"


def _layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    from harness.frameworks.jax.layer import layer  # noqa: PLC0415 -- few look-ups write one

    return layer(operator, dtype, training)


CONVENTION: Final = Convention(
    name="jax",
    title="JAX",
    distribution="jax",
    module="jax",
    weights="HWOI",
    grouped_weights="hwI(GO)",
    stored_names=("kernel", "bias", "/"),
    layer_order="lost",
    render=late(__name__, "render"),
    no_bfloat16="",
    layer=_layer,
    named=late(__name__, "render_named"),
    spoken=late(__name__, "spoken"),
    modules=("jax", "lax", "flax", "linen", "nnx", "haiku", "hk", "equinox", "eqx"),
    calls=(
        r"Conv([123]|N)DTranspose|ConvTranspose([123]d)?|conv_transpose|conv_general_dilated"
        "|conv_with_general_padding"
    ),
    # Others have layers of the same names, and texts of theirs are read without what is read here.
    calls_in=(
        r"\b(jax|lax|flax|linen|nnx|haiku|hk|equinox|eqx)\b|\bConvTranspose\s*\("
        "|transpose_kernel|[lr]hs_dilation"
    ),
    remarks=(
        (
            "Padding means four things: with use_consistent_padding=True it is the crop; without, "
            "numbers are laid around the dilated input, dilation * (kernel - 1) - crop, and "
            "'SAME' and 'VALID' are those of the convolution whose transpose this is."
        ),
        (
            "Without transpose_kernel=True the kernel is not flipped, and its axes are HWIO: "
            "flip what comes from another framework."
        ),
        "float64 silently becomes float32 unless jax_enable_x64 is set.",
        (
            "What JAX compiles is kept in deconform/jax in the cache folder (XDG_CACHE_HOME, or "
            "~/.cache), some 20 kB for a case, and may be deleted at any time. When it was empty, "
            "the 949 cases of a run took 232 seconds of processor time."
        ),
    ),
    environ={
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        "JAX_COMPILATION_CACHE_DIR": str(_CACHE),
        # By default it keeps only what took a second.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    },
)
