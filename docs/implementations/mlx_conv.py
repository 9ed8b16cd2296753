"""MLX 0.32 on a CPU: ``mx.conv_transpose{1,2,3}d``, called as PyTorch's functions are."""

import mlx.core as mx
import numpy as np

__version__ = mx.__version__  # What reports say


def conv_transpose(x, w, b, *options):
    y = called(*map(mx.array, (x, w)), None if b is None else mx.array(b), *options)
    return np.array(y)


def conv_transpose_vjp(dy, x, w, stride, padding, output_padding, groups, dilation):
    arrays = [*map(mx.array, (x, w)), mx.zeros(w.shape[1] * groups, mx.array(w).dtype)]

    def function(x, w, b):
        return called(x, w, b, stride, padding, output_padding, groups, dilation)

    _, gradients = mx.vjp(function, arrays, [mx.array(dy)])
    return [np.array(each) for each in gradients]


def called(x, w, b, stride, padding, output_padding, groups, dilation):
    """Bring NCHW to NHWC, and (in, out / groups, k) to (out, k, in / groups)."""
    rank = len(stride)
    function = {1: mx.conv_transpose1d, 2: mx.conv_transpose2d, 3: mx.conv_transpose3d}[rank]
    words = stride, padding, dilation, output_padding
    if rank == 1:
        words = [each for (each,) in words]
    spatial = range(3, 3 + rank)
    w = w.reshape(groups, -1, *w.shape[1:]).transpose(0, 2, *spatial, 1).flatten(0, 1)
    y = function(mx.moveaxis(x, 1, -1), w, *words, groups)
    return mx.moveaxis(y if b is None else y + b, -1, 1)
