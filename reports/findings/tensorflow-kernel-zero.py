"""TensorFlow: a kernel without elements is accepted, and gives zeros.

Environment: tensorflow
Needs: tensorflow-cpu, numpy
Set: TF_CPP_MIN_LOG_LEVEL=3
Limitation: tensorflow-kernel-zero
Upstream: none found
"""

import numpy as np
import tensorflow as tf

x, w = np.ones((1, 3, 3, 1), "float32"), np.ones((0, 0, 1, 1), "float32")
print("expected", "an error: a kernel of 0 elements")
print("got     ", tf.nn.conv2d_transpose(x, w, (1, 2, 2, 1), 1, "VALID").numpy().tolist())

# Printed by tensorflow-cpu 2.21.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected an error: a kernel of 0 elements
#     got      [[[[0.0], [0.0]], [[0.0], [0.0]]]]
