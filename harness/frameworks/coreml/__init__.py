"""Core ML: every fact about its model intermediate language (MIL) that a look-up needs."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, late

CONVENTION: Final = Convention(
    name="coreml",
    title="Core ML",
    distribution="coremltools",
    module="coremltools",
    weights="IOHW",
    render=late(__name__, "render"),
    is_text_only=True,
    named_by=("coremltools", "mb.conv_transpose"),
    modules=("coremltools",),
    calls="conv_transpose",
    flat_pads_from_first=True,
    remarks=(
        (
            "pad is (begin, end) of each axis in turn, and counts only with pad_type 'custom': "
            "without it, or with 'valid', nothing is cropped."
        ),
        (
            "There is no output padding. Models that are converted from PyTorch are padded before "
            "the operation, or cropped after it, in its place."
        ),
        "A bias and weights are constants of the program; there is no float64.",
        (
            "coremltools builds programs everywhere and predicts on macOS only. These programs "
            "were built with 9.0, and the shapes that it infers are right; nobody has run them."
        ),
    ),
)
