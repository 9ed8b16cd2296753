"""Paddle: there is no transposed convolution in float16 on a CPU.

Environment: paddle
Needs: paddlepaddle, numpy
Limitation: paddle-float16-cpu
Upstream: none found
"""

import numpy as np
import paddle
import paddle.nn.functional as F

x, w = np.ones((1, 1, 2), "float16"), np.ones((1, 1, 2), "float16")
print("expected", np.convolve(x[0, 0], w[0, 0]).tolist())
try:
    print("got     ", F.conv1d_transpose(*map(paddle.to_tensor, (x, w))).numpy().tolist())
except RuntimeError as error:
    print("raised  ", next(line for line in str(error).splitlines() if "kernel" in line)[:120])

# Printed by paddlepaddle 3.3.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [1.0, 2.0, 1.0]
#     raised   (NotFound) The kernel with key (CPU, Undefined(AnyLayout), float16) of kernel `conv2d_transpose` is not registered. Sele
