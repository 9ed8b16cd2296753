"""Wolfram Language: all that is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.convention.registry import Convention, Example, Interpreter
from harness.frameworks.wolfram.render import (
    ASSUMED_WEIGHTS,
    bias_reshaped,
    layer,
    permuted,
    render,
)

_NET: Final = """\
net = NetChain[{
  DeconvolutionLayer[32, {4, 4}, "Stride" -> 2, PaddingSize -> 1],
  Ramp,
  DeconvolutionLayer[3, {2, 2}, "Stride" -> 2]
}, "Input" -> {64, 16, 16}]
"""

CONVENTION: Final = Convention(
    name="wolfram",
    title="Wolfram Language",
    distribution="Mathics3",
    module="mathics",
    weights="IOHW",
    render=render,
    no_bfloat16="",  # render says it
    permuted=permuted,
    bias_reshaped=bias_reshaped,
    language="wolfram",
    interpreter=Interpreter(
        ("wolframscript",),
        Path(__file__).with_name("kernel.py"),
        in_python=Path(__file__).with_name("mathics.py"),
    ),
    layer=layer,
    calls="DeconvolutionLayer",
    examples=(
        Example(
            "This layer of the Wolfram Language everywhere",
            'DeconvolutionLayer[32, {4, 4}, "Stride" -> 2, PaddingSize -> 1]',
            input=(1, 64, 16, 16),
            style="layer",
        ),
        Example("A net of the Wolfram Language", _NET, "net.wl", style="layer"),
    ),
    remarks=(
        ASSUMED_WEIGHTS,
        "PaddingSize -> {1, 2} is 1 at both ends of one axis and 2 of the other; not begin, end.",
        'PaddingSize -> "Same": which end loses an odd number is not documented; never written.',
        "A layer refuses an output without elements, and knows no empty batch.",
    ),
)
