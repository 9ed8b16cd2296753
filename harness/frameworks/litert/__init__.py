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
    model_suffixes=(".tflite",),
    calls="TransposeConvOptionsT|Conv3DOptionsT",
    modules=("ai_edge_litert",),
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
