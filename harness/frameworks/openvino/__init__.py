"""OpenVINO: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, Notation, late

CONVENTION: Final = Convention(
    name="openvino",
    title="OpenVINO",
    distribution="openvino",
    module="openvino",
    weights="IOHW",
    grouped_weights="GIOHW",
    render=late(__name__, "render"),
    no_bfloat16="",
    named=late(__name__, "render_named"),
    modules=("openvino",),
    spoken=late(__name__, "spoken"),
    calls=r"(group_)?convolution_backprop_data",
    model_suffixes=(".xml",),
    notations=(
        Notation("openvino_ir", r"<layer\b[^<>]*\btype=[\"'](Group)?ConvolutionBackpropData[\"']"),
    ),
    remarks=(
        "It reads no environment variable for its threads: INFERENCE_NUM_THREADS is an option.",
        (
            "INFERENCE_PRECISION_HINT follows the processor, bfloat16 where it has that: 'f32' is "
            "exact."
        ),
        "float64 is computed in float32, silently; it is unsupported here.",
        (
            "A kernel of 1 with strides of 1 and pads that leave the input's size computes as if "
            "there were no pads, silently (2026.4.1)."
        ),
        "openvino.runtime, from which older code imports the operation sets, is gone since 2026.",
    ),
    # Without it the import writes an identifier below HOME and counts uses:
    # https://github.com/openvinotoolkit/telemetry
    environ={"CI": "true"},
)
