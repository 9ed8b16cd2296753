"""Chainer: a padding that leaves an output of size 0 is refused.

Environment: chainer
Needs: chainer, numpy
Limitation: chainer-empty-output
Upstream: none found
"""

import chainer.functions as F
import numpy as np

x, w = np.ones((1, 1, 1, 1), "float32"), np.ones((1, 1, 2, 2), "float32")
print("expected", w[0, 0, 1:-1, 1:-1].tolist(), "of shape", (1, 1, 0, 0))
try:
    print("got     ", F.deconvolution_2d(x, w, pad=1).array.shape)
except AssertionError as error:
    print("raised  ", type(error).__name__, error)

# Printed by chainer 7.8.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected [] of shape (1, 1, 0, 0)
#     raised RuntimeError: Height in the output must be positive.
