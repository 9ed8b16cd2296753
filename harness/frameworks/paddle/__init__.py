"""PaddlePaddle: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, late

CONVENTION: Final = Convention(
    name="paddle",
    title="PaddlePaddle",
    distribution="paddlepaddle",
    module="paddle",
    weights="IOHW",
    render=late(__name__, "render"),
    no_bfloat16=(
        "Paddle registers no kernel of conv2d_transpose and conv3d_transpose for bfloat16 on a CPU."
    ),
    modules=("paddle", "fluid"),
    calls=r"[Cc]onv[123](DT|d_t)ranspose",
    layer=late(__name__, "layer"),
    spoken=late(__name__, "spoken"),
    model_suffixes=(".pdparams",),
    remarks=(
        (
            "By position dilation comes before groups in conv2d_transpose, Conv2DTranspose and "
            "Conv3DTranspose, after it in the others, and not in every manual: give them by name."
        ),
        (
            "padding 'SAME' is the rule of a convolution of the input, not of its output: it crops "
            "by the input's size, and dilation is 1 then, silently."
        ),
        (
            "A bias of length 1 silently serves all channels, and on a CPU a dilation below 1 is "
            "accepted."
        ),
        (
            "fan_in counts the output channels of a transposed convolution; weights are "
            "XavierUniform() by default. Since PaddlePaddle 3 TruncatedNormal(std=0.02) cuts at -2 "
            "and 2, which is never: give a and b."
        ),
        (
            "paddle.static.nn.conv2d_transpose of PaddlePaddle 3 refuses every input unless "
            "FLAGS_enable_pir_api=0; Fluid's functions of PaddlePaddle 1 have the same arguments."
        ),
    ),
    environ={
        # It creates ~/.cache/paddle when it is imported; without a home, in the worker's own
        # temporary folder:
        # https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/dataset/common.py
        "HOME": "/nonexistent",
        "GLOG_minloglevel": "3",
    },
)
