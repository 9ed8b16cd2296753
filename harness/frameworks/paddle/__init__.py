"""PaddlePaddle: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention
from harness.frameworks.paddle.render import layer, render, spoken

CONVENTION: Final = Convention(
    name="paddle",
    title="PaddlePaddle",
    distribution="paddlepaddle",
    module="paddle",
    weights="IOHW",
    render=render,
    modules=("paddle",),
    layer=layer,
    spoken=spoken,
    environ={
        # It creates ~/.cache/paddle when it is imported; without a home, in the worker's own
        # temporary folder:
        # https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/python/paddle/dataset/common.py
        "HOME": "/nonexistent",
        "GLOG_minloglevel": "3",
    },
)
