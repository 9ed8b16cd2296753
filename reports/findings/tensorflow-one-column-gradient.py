"""TensorFlow: the gradient of conv2d_transpose is silently wrong for one column of one channel.

float32, batch 2, a stride on the columns only: oneDNN's forward convolution, which computes this
gradient, gives wrong numbers.  With TF_ENABLE_ONEDNN_OPTS=0 they are right.

Environment: tensorflow
Needs: tensorflow-cpu, numpy
Set: TF_ENABLE_ONEDNN_OPTS=1 TF_CPP_MIN_LOG_LEVEL=3
Limitation: tensorflow-one-column-gradient
Depends on: the kernel that oneDNN chooses for the processor
Varies: what oneDNN reads next to the data
Upstream: none found
"""

import numpy as np
import tensorflow as tf

dy = np.arange(1, 9, dtype="float32").reshape(2, 2, 2, 1)
w = np.arange(1, 7, dtype="float32").reshape(3, 2, 1, 1)
crop = [[0, 0], [2, 1], [0, 0], [0, 0]]
full = np.pad(dy[..., 0], crop[:3])
expected = [[(full[n, i : i + 3] * w[..., 0, 0]).sum() for i in range(3)] for n in range(2)]
got = tf.nn.conv2d(dy, w, (1, 3), crop).numpy()
print("expected", np.array(expected).tolist())
print("got     ", got[..., 0, 0].tolist())

# Printed by tensorflow-cpu 2.21.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[17.0, 50.0, 30.0], [61.0, 122.0, 70.0]]
#     got      [[17.0, 30.0, 0.0], [61.0, 70.0, 0.0]]
