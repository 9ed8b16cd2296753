"""MATLAB: all that is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.convention.registry import Convention, Example, Interpreter
from harness.frameworks.matlab.render import bias_reshaped, layer, permuted, render, spoken

_DECODER: Final = """\
numFilters = 32;
layers = [
    imageInputLayer([16 16 64])
    transposedConv2dLayer(4, numFilters, 'Stride', 2, 'Cropping', 'same', 'Name', 'up1')
    reluLayer
    transposedConv2dLayer(2, 3, 'Stride', 2, 'Name', 'up2')];
"""

CONVENTION: Final = Convention(
    name="matlab",
    title="MATLAB",
    distribution="Deep Learning Toolbox",
    module="dltranspconv",
    weights="HWOI",
    render=render,
    no_bfloat16="",  # render says it
    # https://www.mathworks.com/help/deeplearning/ref/dlarray.dltranspconv.html
    grouped_weights="HWOIG",
    # A layer keeps 1-by-n, 1-by-1-by-n or 1-by-1-by-1-by-n; dltranspconv, which alone has groups,
    # takes a vector.
    layer_bias_has_ones=True,
    permuted=permuted,
    bias_reshaped=bias_reshaped,
    language="matlab",
    interpreter=Interpreter(
        ("matlab", "octave"),
        Path(__file__).with_name("execute.py"),
        advice="without MATLAB, GNU Octave serves as well: apt-get install octave",
    ),
    layer=layer,
    spoken=spoken,
    calls=r"transposedConv[123]dLayer|dltranspconv",
    examples=(
        Example(
            "What is this PyTorch layer in MATLAB?",
            "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)",
            style="layer",
            is_asked_of_it=True,
        ),
        Example(
            "This MATLAB layer everywhere",
            "transposedConv2dLayer(4, 32, 'Stride', 2, 'Cropping', 'same', 'NumChannels', 64)",
            style="layer",
        ),
        Example("A file of MATLAB", _DECODER, "decoder.m", style="layer"),
    ),
    remarks=(
        (
            "That filters are not flipped is assumed: the documents do not say, and MathWorks' "
            "exporter to Keras only reorders them."
        ),
        (
            "BiasL2Factor is 0 by default: where an L2 factor is given, the bias of the layer does "
            "not decay unless its own is given too; elsewhere it does."
        ),
        (
            "Properties set after the layer are read with it; setLearnRateFactor and setL2Factor "
            "are not, and a note names them."
        ),
    ),
)
