"""MXNet: an empty output is computed, and its gradients are not.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-empty-output
Upstream: none found
"""

import mxnet as mx
import numpy as np

x, w = mx.nd.ones((1, 1, 1, 1)), mx.nd.ones((1, 1, 2, 2))
x.attach_grad()
print("expected", (1, 1, 0, 0), np.zeros((1, 1, 1, 1)).tolist())
try:
    with mx.autograd.record():
        y = mx.nd.Deconvolution(x, w, kernel=(2, 2), pad=(1, 1), num_filter=1, no_bias=True)
    print("got     ", y.shape, end=" ")
    y.backward()
    print(x.grad.asnumpy().tolist())
except mx.base.MXNetError as error:
    print("\nraised  ", str(error).splitlines()[-1])

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected (1, 1, 0, 0) [[[[0.0]]]]
#     got      (1, 1, 0, 0)
#     raised   MXNetError: Check failed: delay_alloc:
