"""LiteRT, which was TensorFlow Lite: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention
from harness.frameworks.litert.render import render

CONVENTION: Final = Convention(
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
