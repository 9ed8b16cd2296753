"""ONNX Runtime: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, Notation
from harness.frameworks.onnxruntime.render import render

# A node's text with its attributes, or without some in a model's text; a node in protobuf's.
_NODES: Final = (
    r"\bonnx::ConvTranspose\b|\bConvTranspose\s*[<\[]\s*\w+\s*(?::\s*\w+\s*)?="
    r"|\bConvTranspose\s*\((?:\s*%|[^()]*\)\s*<\s*\w)|\bopset_import\s*:\s*\[(?s:.*)\bConvTranspose\s*\("
    r"|\bop_type\s*:\s*\"ConvTranspose\""
)

CONVENTION: Final = Convention(
    name="onnxruntime",
    title="ONNX Runtime",
    distribution="onnxruntime",
    module="onnxruntime",
    weights="IOHW",
    render=render,
    modules=("onnx", "onnxruntime"),
    model_suffixes=(".onnx",),
    calls="make_node",
    calls_in=r"make_node\s*\(\s*(op_type\s*=\s*)?['\"]ConvTranspose\b",
    notations=(Notation("onnx", _NODES),),
    environ={"ORT_DISABLE_TELEMETRY": "1"},  # On Linux too it writes to HOME without it
)
