"""MXNet: with one output channel and a multiple of 16 input channels the gradient for x raises.

The forward pass is right.  On a processor without AVX-512 8 input channels are enough.

Environment: mxnet
Needs: mxnet, numpy
Limitation: mxnet-one-output-channel-gradient
Depends on: the kernels that oneDNN chooses for the processor
Upstream: none found
"""

import mxnet as mx
import numpy as np

x, w = mx.nd.ones((1, 16, 4, 5)), mx.nd.ones((16, 1, 3, 3))
x.attach_grad()
with mx.autograd.record():
    y = mx.nd.Deconvolution(x, w, kernel=(3, 3), stride=(2, 2), num_filter=1, no_bias=True)
print("expected", np.full((4, 5), 9.0).tolist(), "for each input channel")
y.backward()
try:
    print("got     ", x.grad.asnumpy()[0, 0].tolist(), "for each input channel")
except mx.base.MXNetError as error:
    print("raised  ", str(error).splitlines()[-1])

# Printed by mxnet 1.9.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected [[9.0, 9.0, 9.0, 9.0, 9.0], [9.0, 9.0, 9.0, 9.0, 9.0], [9.0, 9.0, 9.0, 9.0, 9.0], [9.0, 9.0, 9.0, 9.0, 9.0]] for each input channel
#     raised   MXNetError: could not create a primitive descriptor for a reorder primitive
