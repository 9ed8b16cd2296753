"""Plug-ins as people write them: a framework's own function behind the canonical signature.

Each is one module's text for that framework's interpreter, and what it claims.
"""

from __future__ import annotations

from typing import Final

_CROP: Final = '''
import numpy as np

def cropped(full, b, crop):
    """Cut the full output, or extend it by zeros, and add the bias."""
    full = np.pad(full, [(0, 0)] * 2 + [(max(0, -p), max(0, -q)) for p, q in crop])
    kept = tuple(slice(max(0, p), n - max(0, q)) for n, (p, q) in zip(full.shape[2:], crop))
    full = full[(slice(None), slice(None)) + kept]
    return full if b is None else full + b.reshape((-1,) + (1,) * len(crop))
'''

PLUGINS: Final = {
    "pytorch": (
        """
import torch
import torch.nn.functional as F

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    x, w, b = (None if each is None else torch.from_numpy(each) for each in (x, w, b))
    call = getattr(F, "conv_transpose%dd" % len(stride))
    full = call(x, w, None, stride, 0, 0, groups, dilation)
    sides = [side for pair in reversed(crop) for side in pair]
    y = F.pad(F.pad(full, [max(0, -side) for side in sides]), [min(0, -side) for side in sides])
    return y if b is None else y + b.reshape((-1,) + (1,) * len(crop))
""",
        "",
    ),
    "tensorflow": (
        """
import tensorflow as tf

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    n, _, *sizes = x.shape
    sizes = [(i - 1) * s + k for i, s, k in zip(sizes, stride, w.shape[2:])]
    full = tf.nn.conv2d_transpose(
        np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (3, 2)), (n, *sizes, w.shape[1]),
        stride, "VALID",
    )
    return cropped(np.moveaxis(full.numpy(), -1, 1), b, crop)
""",
        "claims: {axes: [2], groups: false, dilation: false}",
    ),
    "mxnet": (
        """
import mxnet as mx

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    full = mx.nd.Deconvolution(
        mx.nd.array(x, dtype=x.dtype), mx.nd.array(w, dtype=w.dtype),
        kernel=w.shape[2:], stride=stride, dilate=dilation,
        num_filter=w.shape[1] * groups, num_group=groups, no_bias=True,
    )
    return cropped(full.asnumpy(), b, crop)
""",
        "claims: {axes: [1, 2], dilation: false, dtypes: [float32]}",
    ),
    "paddle": (
        """
import paddle
import paddle.nn.functional as F

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    function = getattr(F, "conv%dd_transpose" % (x.ndim - 2))
    x_, w_ = map(paddle.to_tensor, (x, w))
    full = function(x_, w_, stride=list(stride), dilation=list(dilation), groups=groups)
    return cropped(full.numpy(), b, crop)
""",
        "claims: {dtypes: [float32, float64]}",
    ),
    "chainer": (
        """
import chainer.functions as F

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    full = F.deconvolution_nd(x, w, None, stride, 0, None, dilation, groups)
    return cropped(full.array, b, crop)
""",
        "",
    ),
}


def module(framework: str) -> str:
    """Return the text of a framework's plug-in."""
    return _CROP + PLUGINS[framework][0]


# The cases that a framework's own function refuses.
REFUSED: Final = {"mxnet": {"edge/sizes/batch-0"}}
