"""ONNX Runtime: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention
from harness.frameworks.onnxruntime.render import render

CONVENTION: Final = Convention(
    name="onnxruntime",
    title="ONNX Runtime",
    distribution="onnxruntime",
    module="onnxruntime",
    weights="IOHW",
    render=render,
    environ={"ORT_DISABLE_TELEMETRY": "1"},  # On Linux too it writes to HOME without it
)
