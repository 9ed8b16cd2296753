"""MXNet: num_group=0 ends the process with SIGFPE.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-groups-zero
Upstream: https://github.com/apache/mxnet/issues/19921 (of Conv1D)
"""

import mxnet as mx

x, w = mx.nd.ones((1, 2, 3)), mx.nd.ones((2, 1, 2))
print("expected", "an error: 0 groups", flush=True)
y = mx.nd.Deconvolution(x, w, kernel=(2,), num_filter=1, num_group=0, no_bias=True)
print("got     ", y.asnumpy().tolist())

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected an error: 0 groups
#     ended by SIGFPE
