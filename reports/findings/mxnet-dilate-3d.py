"""MXNet: Deconvolution documents dilate=(d, h, w), and refuses it with three spatial axes.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-dilate-3d
Upstream: none found
"""

import mxnet as mx
import numpy as np

x, w = mx.nd.ones((1, 1, 1, 1, 2)), mx.nd.array([[[[[1, 2]]]]])
options = {"kernel": (1, 1, 2), "dilate": (1, 1, 2), "num_filter": 1, "no_bias": True}
print("expected", np.convolve([1, 1], [1, 0, 2]).tolist())
try:
    print("got     ", mx.nd.Deconvolution(x, w, **options).asnumpy()[0, 0, 0, 0].tolist())
except mx.base.MXNetError as error:
    print("raised  ", str(error).splitlines()[-1])

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected [1, 1, 2, 2]
#     raised   MXNetError: Check failed: param_.dilate.Size() == 1U (2 vs. 1) : Dilate is not supported in 3d deconvolution
