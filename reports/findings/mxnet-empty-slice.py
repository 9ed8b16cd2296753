"""MXNet: a slice of an array that is empty is refused.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-empty-slice
Upstream: none found
"""

import mxnet as mx
import numpy as np

x = np.ones((2, 3), "float32")
print("expected", "an array of shape", x[:, 3:].shape)
try:
    print("got     ", mx.nd.array(x)[:, 3:].asnumpy().shape)
except (mx.base.MXNetError, ValueError) as error:
    print("raised  ", str(error).splitlines()[-1])

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected an array of shape (2, 0)
#     raised   MXNetError: Check failed: src_idx < dshape_len (1 vs. 1) :
