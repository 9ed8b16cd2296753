"""TensorRT: every fact about its Python interface that a look-up needs."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, late

CONVENTION: Final = Convention(
    name="tensorrt",
    title="TensorRT",
    distribution="tensorrt",
    module="tensorrt",
    weights="IOHW",
    render=late(__name__, "render"),
    is_text_only=True,
    named_by=("add_deconvolution",),
    modules=("tensorrt",),
    calls="add_deconvolution(_nd)?",
    remarks=(
        (
            "All but channels and kernel is set on the layer that the call returns: stride_nd, "
            "dilation_nd, num_groups, and the crop as pre_padding and post_padding, as padding_nd "
            "of both, or by padding_mode, which comes before them."
        ),
        (
            "There is no output padding: a post_padding that is smaller than pre_padding takes its "
            "place. Neither may be negative, so that zeros are written around the kernel there."
        ),
        (
            "SAME_UPPER and SAME_LOWER crop dilation * (kernel - 1) + 1 - stride in all, and "
            "nothing where that is negative: the output is not input * stride then."
        ),
        "A kernel has two or three axes; there is no float64. Nobody has run these programs.",
    ),
)
