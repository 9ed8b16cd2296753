"""MATLAB: all that is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.convention.interpreter import Exporter, Interpreter
from harness.convention.registry import Convention
from harness.frameworks.matlab.render import layer, render


def _exporter() -> Exporter:
    from harness.frameworks.matlab import export  # noqa: PLC0415 -- imports NumPy

    return export


CONVENTION: Final = Convention(
    name="matlab",
    title="MATLAB",
    distribution="Deep Learning Toolbox",
    module="dltranspconv",
    weights="HWOI",
    render=render,
    language="matlab",
    interpreter=Interpreter(
        ("matlab", "octave"),
        Path(__file__).with_name("execute.py"),
        advice="without MATLAB, GNU Octave serves as well: apt-get install octave",
    ),
    exporter=_exporter,
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
