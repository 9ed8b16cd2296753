"""Paddle: a padding that removes more than there is gives a tensor of a negative size.

Environment: paddle
Needs: paddlepaddle, numpy
Upstream: none found
"""

import numpy as np
import paddle
import paddle.nn.functional as F

x, w = np.ones((1, 1, 2, 2), "float32"), np.ones((1, 2, 3, 3), "float32")
print("expected", "an error: the output would have", (2 - 1) * 1 + 3 - 2 * 5, "rows")
got = F.conv2d_transpose(paddle.to_tensor(x), paddle.to_tensor(w), padding=5)
print("got     ", "a tensor of shape", got.shape)

# Printed by paddlepaddle 3.3.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected an error: the output would have -6 rows
#     got      a tensor of shape paddle.Size([1, 2, -6, -6])
