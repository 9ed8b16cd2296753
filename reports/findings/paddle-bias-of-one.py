"""Paddle: a bias of one element is accepted for two output channels, and added to both.

Environment: paddle
Needs: paddlepaddle, numpy
Upstream: none found
"""

import numpy as np
import paddle
import paddle.nn.functional as F

x, w = np.ones((1, 1, 2), "float32"), np.ones((1, 2, 1), "float32")
print("expected", "an error: 1 element of the bias for 2 output channels")
got = F.conv1d_transpose(
    *map(paddle.to_tensor, (x, w)), bias=paddle.to_tensor(np.array([5], "float32"))
)
print("got     ", got.numpy().tolist())

# Printed by paddlepaddle 3.3.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected an error: 1 element of the bias for 2 output channels
#     got      [[[6.0, 6.0], [6.0, 6.0]]]
