"""ONNX Runtime, and ONNX's own reference implementation: every fact about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.registry import Convention, Example, Notation
from harness.frameworks.onnxruntime.render import Runner, renderer, spoken

# ONNX Runtime reads no environment variable for its threads; 0 is its default.
_SETTINGS: Final = """\
options = ort.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))"""
_RUNTIME: Final = Runner(
    "import os\nimport onnxruntime as ort",
    _SETTINGS,
    "session = ort.InferenceSession(model.SerializeToString(), options, "
    'providers=["CPUExecutionProvider"])',
    "ONNX Runtime runs models that are trained: it has no gradients.",
    # What it says is "Could not find an implementation for ConvTranspose(22) node".
    # https://github.com/microsoft/onnxruntime/blob/main/docs/OperatorKernels.md
    {"float64": "ONNX Runtime has no ConvTranspose of float64 on a CPU."},
)
_UNOPTIMIZED: Final = _RUNTIME._replace(
    settings=f"{_SETTINGS}\n"
    "options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL",
)
_REFERENCE: Final = Runner(
    "from onnx.reference import ReferenceEvaluator",
    "",
    "session = ReferenceEvaluator(model)",
    "ONNX's reference implementation runs models: it has no gradients.",
    {},
    # It is numpy.pad, which refuses them.
    takes_negative_pads=False,
    no_groups="ONNX's reference implementation of ConvTranspose is wrong for more than one group: "
    "it raises, or adds the first group's bias to all.",
)

# A node's text with its attributes, or without some in a model's text; a node in protobuf's.
_NODES: Final = (
    r"\bonnx::ConvTranspose\b|\bConvTranspose\s*[<\[]\s*\w+\s*(?::\s*\w+\s*)?="
    r"|\bConvTranspose\s*\((?:\s*%|[^()]*\)\s*<\s*\w)"
    r"|\A(?s:(?=.*?\bopset_import\s*:\s*\[).*?)\bConvTranspose\s*\("
    r"|\bop_type\s*:\s*\"ConvTranspose\""
)

_ONNX_RUNTIME: Final = Convention(
    name="onnxruntime",
    title="ONNX Runtime",
    distribution="onnxruntime",
    module="onnxruntime",
    weights="IOHW",
    render=renderer(_RUNTIME),
    no_bfloat16=(
        "ONNX has ConvTranspose of bfloat16 from opset 22 on, and ONNX Runtime says on a CPU: "
        "Could not find an implementation."
    ),
    named=renderer(_RUNTIME, named=True),
    modules=("onnx", "onnxruntime"),
    spoken=spoken,
    model_suffixes=(".onnx",),
    calls="make_node",
    calls_in=r"make_node\s*\(\s*(op_type\s*=\s*)?['\"]ConvTranspose\b",
    notations=(Notation("onnx", _NODES),),
    examples=(
        Example(
            "A node as PyTorch's exporter prints it",
            "%y : Float(1, 32, 16, 16) = onnx::ConvTranspose[dilations=[1, 1], group=1, "
            "kernel_shape=[4, 4], pads=[1, 1, 1, 1], strides=[2, 2]](%x, %w, %b)",
            input=(1, 64, 8, 8),
        ),
    ),
    remarks=(
        (
            "The whole program builds the model and its session; the call that is timed is "
            "session.run alone, with the weights in the model, as exporters leave them."
        ),
        (
            "auto_pad SAME_UPPER and SAME_LOWER give input * strides only where the kernel is as "
            "long as the stride: nothing is extended to it. onnx.reference extends, wrongly."
        ),
        (
            "With output_shape, pads are computed and those that are given are ignored; an odd "
            "element of the crop is taken from the beginning, unless auto_pad is SAME_UPPER."
        ),
        (
            "Variants: onnxruntime:unoptimized runs the graph as it is written, and "
            "onnxruntime:reference runs it in onnx.reference, without groups."
        ),
    ),
    environ={"ORT_DISABLE_TELEMETRY": "1"},  # On Linux too it writes to HOME without it
)
CONVENTION: Final = replace(
    _ONNX_RUNTIME,
    variants=(
        replace(
            _ONNX_RUNTIME,
            name="onnxruntime:unoptimized",
            title="ONNX Runtime, unoptimized",
            render=renderer(_UNOPTIMIZED),
            named=renderer(_UNOPTIMIZED, named=True),
        ),
        replace(
            _ONNX_RUNTIME,
            name="onnxruntime:reference",
            title="ONNX's reference",
            distribution="onnx",
            module="onnx.reference",
            render=renderer(_REFERENCE),
            no_bfloat16="",
            named=renderer(_REFERENCE, named=True),
        ),
    ),
)
