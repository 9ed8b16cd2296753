"""MATLAB: all that is known of it."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention
from harness.frameworks.matlab.render import layer, render

CONVENTION: Final = Convention(
    name="matlab",
    title="MATLAB",
    distribution="Deep Learning Toolbox",
    module="dltranspconv",
    weights="HWOI",
    render=render,
    language="matlab",
    layer=layer,
    calls=r"transposedConv[123]dLayer|dltranspconv",
    remarks=(
        (
            "BiasL2Factor is 0 by default: where an L2 factor is given, the bias of the layer does "
            "not decay unless it is said, and elsewhere does."
        ),
        "Properties set behind the layer, setLearnRateFactor and setL2Factor are read with it.",
    ),
)
