"""Caffe: every fact about it that a look-up needs."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, Notation, late

CONVENTION: Final = Convention(
    name="caffe",
    title="Caffe",
    distribution="caffe",
    module="caffe",
    weights="IOHW",
    render=late(__name__, "render"),
    layer=late(__name__, "layer"),
    is_text_only=True,
    named_by=("caffe", "L.Deconvolution", "convolution_param", '"Deconvolution"', "DECONVOLUTION"),
    modules=("caffe",),
    calls="Deconvolution",
    notations=(Notation("caffe_net", r"\btype\s*:\s*(['\"]Deconvolution['\"]|DECONVOLUTION\b)"),),
    model_suffixes=(".prototxt",),
    remarks=(
        (
            "A pad crops both ends alike and there is no output padding: what it cannot say is a "
            "slice of the net's output, or a layer Crop, whose size is another blob's."
        ),
        (
            "In pycaffe the settings stand in convolution_param=dict(...): unlike Convolution, "
            "Deconvolution does not find them as arguments of its own."
        ),
        (
            "A bias is there unless bias_term is false. kernel_h and kernel_w take the place of "
            "kernel_size, and dilation has no such pair."
        ),
        "As a layer a net's text is written; the numbers of w and b are in another file.",
    ),
)
