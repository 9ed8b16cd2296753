"""tinygrad 0.14: ``Tensor.conv_transpose2d``, which takes any number of axes."""

import os
import shutil
from importlib.metadata import version

# Read once, by the import: its CPU device compiles with clang, or it interprets kernels, slowly.
os.environ.setdefault("DEV", "CPU" if shutil.which("clang") else "PYTHON")

from tinygrad import Tensor

__version__ = version("tinygrad")  # What reports say


def conv_transpose(x, w, b, **options):
    bias = None if b is None else Tensor(b)
    return called(Tensor(x), Tensor(w), bias, **options).numpy()


def conv_transpose_vjp(dy, x, w, *, groups, **options):
    leaves = [Tensor(x), Tensor(w), Tensor.zeros(w.shape[1] * groups, dtype=Tensor(w).dtype)]
    y = called(*leaves, groups=groups, **options)
    return [each.numpy() for each in y.gradient(*leaves, gradient=Tensor(dy))]


def called(x, w, b, *, stride, dilation, crop, groups):
    # From the last axis to the first, as (left, right, top, bottom).
    padding = tuple(side for pair in reversed(crop) for side in pair)
    options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    return x.conv_transpose2d(w, b, **options)
