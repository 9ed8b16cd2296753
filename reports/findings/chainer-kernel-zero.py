"""Chainer: a kernel without elements is accepted, and gives zeros.

Environment: chainer
Needs: chainer, numpy
Limitation: chainer-kernel-zero
Upstream: none found
"""

import chainer.functions as F
import numpy as np

x, w = np.ones((1, 1, 3, 3), "float32"), np.ones((1, 1, 0, 0), "float32")
print("expected", "an error: a kernel of 0 elements")
print("got     ", F.deconvolution_2d(x, w).array.tolist())

# Printed by chainer 7.8.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected an error: a kernel of 0 elements
#     got      [[[[0.0, 0.0], [0.0, 0.0]]]]
