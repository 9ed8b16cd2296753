"""Apache TVM: every fact about it that a look-up needs."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, late

CONVENTION: Final = Convention(
    name="tvm",
    title="Apache TVM",
    distribution="apache-tvm",
    module="tvm",
    weights="IOHW",
    render=late(__name__, "render"),
    is_text_only=True,
    named_by=("tvm", "relax.", "relay.", "topi.", "R.nn.conv"),
    modules=("tvm",),
    calls=(
        r"conv[123]d_transpose|(group_)?conv1d_transpose_ncw|(group_)?conv2d_transpose_nchw|"
        "conv3d_transpose_ncdhw"
    ),
    flat_pads_from_first=True,
    remarks=(
        (
            "Four paddings of two axes are (top, left, bottom, right): all beginnings, then all "
            "ends. One for each axis crops both ends."
        ),
        (
            "output_padding must be less than the stride, whatever the dilation is. A negative "
            "padding extends; no document says so, and 0.27 computes it."
        ),
        (
            "Relay, which is gone since 0.20, has dilation before groups and output_padding near "
            "the end; before 0.8 its kernel_layout was 'OIHW' by default, with the same meaning as "
            "'IOHW' now. TOPI takes no dilation."
        ),
    ),
)
