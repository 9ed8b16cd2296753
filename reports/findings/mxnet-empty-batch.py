"""MXNet: a batch of 0 is refused.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-empty-batch
Upstream: none found
"""

import mxnet as mx
import numpy as np

x, w = mx.nd.array(np.ones((0, 1, 2))), mx.nd.ones((1, 1, 2))
print("expected", "an output of shape", (0, 1, 3))
try:
    y = mx.nd.Deconvolution(x, w, kernel=(2,), num_filter=1, no_bias=True)
    print("got     ", y.asnumpy().shape)
except mx.base.MXNetError as error:
    print("raised  ", str(error).splitlines()[-1])

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected an output of shape (0, 1, 3)
#     raised   MXNetError: could not construct a memory descriptor using a format tag
