"""tinygrad: every fact about it that a look-up needs."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, late

CONVENTION: Final = Convention(
    name="tinygrad",
    title="tinygrad",
    distribution="tinygrad",
    module="tinygrad",
    weights="IOHW",
    render=late(__name__, "render"),
    layer=late(__name__, "layer"),
    is_text_only=True,
    named_by=("tinygrad",),
    modules=("tinygrad",),
    calls="conv_transpose2d|ConvTranspose[12]d",
    remarks=(
        (
            "padding in pairs is (left, right, top, bottom), from the last axis to the first; with "
            "one number for each axis it is from the first to the last."
        ),
        (
            "Both sides of every axis may be cropped or extended by any amount, so that every "
            "operator is one call. Version 0.14 refuses an output of size 0, and a crop that "
            "reaches past the full output into what a negative one adds at the other end."
        ),
        (
            "nn.ConvTranspose2d has dilation before groups and bias last, not in PyTorch's order, "
            "and takes a kernel of one or three axes too."
        ),
    ),
)
