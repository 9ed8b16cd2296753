"""MXNet: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.device import ANOTHER_INTERPRETER, Cuda
from harness.convention.registry import Convention, Example, late

# MXNet does not report a GPU's name.
_CHECK: Final = f"""\
import mxnet as mx
if not mx.runtime.Features().is_enabled("CUDA"):
    raise RuntimeError(
        "mxnet " + mx.__version__ + " is built without CUDA; {ANOTHER_INTERPRETER}"
    )
(mx.nd.ones((1,), ctx=mx.gpu()) + 1).asnumpy()
name = 'GPU 0'"""

_SYMBOL: Final = """\
{"nodes": [
  {"op": "null", "name": "data", "attrs": {"__shape__": "(1, 64, 16, 16)"}, "inputs": []},
  {"op": "Deconvolution", "name": "up1", "inputs": [[0, 0, 0]], "attrs": {
    "kernel": "(4, 4)", "stride": "(2, 2)", "pad": "(1, 1)", "num_filter": "32"}},
  {"op": "Deconvolution", "name": "up2", "inputs": [[1, 0, 0]], "attrs": {
    "kernel": "(2, 2)", "stride": "(2, 2)", "num_filter": "16", "no_bias": "True"}}
]}
"""

CONVENTION: Final = Convention(
    name="mxnet",
    title="MXNet",
    distribution="mxnet",
    module="mxnet",
    weights="IOHW",
    render=late(__name__, "render"),
    no_bfloat16=(
        "MXNet casts arrays to bfloat16, and then its Deconvolution raises on a CPU: could not "
        "create a primitive descriptor iterator."
    ),
    modules=("mxnet", "mx", "gluon"),
    flat_pads_from_first=True,
    layer=late(__name__, "layer"),
    spoken=late(__name__, "spoken"),
    calls=r"[Dd]econvolution|Conv[123]DTranspose",
    model_suffixes=(".json",),
    examples=(Example("A model's file: a symbol", _SYMBOL, "net-symbol.json", style="layer"),),
    remarks=(
        (
            "mx.np has no deconvolution; mx.npx.deconvolution is the same operator, whose no_bias "
            "becomes False by default in MXNet 2."
        ),
        (
            "With target_shape the odd element of the crop goes from the beginning; with stride 1 "
            "an odd crop is refused."
        ),
        (
            "MXNet 1.9.1 on a CPU: stride > 1 with dilate > 1 is silently wrong in float64; three "
            "spatial axes have no float64; in float32 (oneDNN) target_shape does not replace pad."
        ),
        (
            "Xavier's 'in' counts the output channels of a transposed convolution, and 'out' the "
            "input channels; weights are Uniform(0.07) by default."
        ),
    ),
    environ={"MXNET_CPU_WORKER_NTHREADS": "1", "MXNET_SUBGRAPH_VERBOSE": "0"},
    cuda=Cuda(_CHECK),
)
