"""Paddle: a kernel without elements is accepted.

Environment: paddle
Needs: paddlepaddle, numpy
Limitation: paddle-kernel-zero
Upstream: none found
"""

import numpy as np
import paddle
import paddle.nn.functional as F

x, w = np.ones((1, 1, 3), "float32"), np.ones((1, 1, 0), "float32")
print("expected", "an error: a kernel of 0 elements")
print("got     ", F.conv1d_transpose(paddle.to_tensor(x), paddle.to_tensor(w)).numpy().tolist())

# Printed by paddlepaddle 3.3.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected an error: a kernel of 0 elements
#     got      [[[0.0, 0.0]]]
