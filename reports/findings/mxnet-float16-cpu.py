"""MXNet: float16 is accepted and cannot be computed on a CPU, which has no matrix product for it.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-float16-cpu
Upstream: none found
"""

import mxnet as mx
import numpy as np

x, w = mx.nd.ones((1, 1, 2), dtype="float16"), mx.nd.ones((1, 1, 2), dtype="float16")
print("expected", np.convolve([1.0, 1.0], [1.0, 1.0]).tolist())
try:
    y = mx.nd.Deconvolution(x, w, kernel=(2,), num_filter=1, no_bias=True)
    print("got     ", y.asnumpy()[0, 0].tolist())
except mx.base.MXNetError as error:
    print("raised  ", str(error).splitlines()[-1])

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected [1.0, 2.0, 1.0]
#     raised   MXNetError: FP16 gemm on cpu not implemented!
