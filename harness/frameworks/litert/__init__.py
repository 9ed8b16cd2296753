"""LiteRT, which was TensorFlow Lite: every fact about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.registry import Convention
from harness.frameworks.litert.render import render, render_with_xnnpack

_BUILTIN: Final = Convention(
    name="litert",
    title="LiteRT",
    distribution="ai-edge-litert",
    module="ai_edge_litert.interpreter",
    weights="OHWI",
    volume_weights="HWOI",
    render=render,
    no_bfloat16="",  # render says it
    model_suffixes=(".tflite",),
    calls="TransposeConvOptionsT|Conv3DOptionsT",
    modules=("ai_edge_litert",),
    remarks=(
        (
            "A program builds its model with the classes of LiteRT's own schema, as converters "
            "do. A layer of a .tflite file is read as one of these operators."
        ),
        (
            "The input output_shape chooses the crop: with VALID nothing is cropped at the "
            "beginning, with SAME half of the whole, rounded down. All other sizes are refused by "
            "the builtin kernels, which programs ask for."
        ),
        (
            "XNNPACK, the default delegate, takes any output_shape with VALID and silently returns "
            "the natural size; a stride of 0 ends the process. -f litert:xnnpack runs it."
        ),
        "TRANSPOSE_CONV has no dilations and weights OHWI, CONV_3D_TRANSPOSE has them and DHWOI.",
        "A single axis is the width of a TRANSPOSE_CONV of one row: x_, w_ and y_ have it too.",
        "Only float32 is written; LiteRT also computes quantised TRANSPOSE_CONV.",
    ),
)

CONVENTION: Final = replace(
    _BUILTIN,
    variants=(
        replace(
            _BUILTIN,
            name="litert:xnnpack",
            title="LiteRT with its default delegate, XNNPACK",
            render=render_with_xnnpack,
        ),
    ),
)
