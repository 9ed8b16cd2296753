"""TensorFlow: the gradient for an empty batch has the shape of the output, not of the input.

Environment: tensorflow
Needs: tensorflow-cpu, numpy
Set: TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=1
Limitation: tensorflow-empty-batch-gradient
Upstream: none found
"""

import numpy as np
import tensorflow as tf

x, w = tf.zeros((0, 3, 4, 2)), tf.ones((2, 2, 5, 2))
with tf.GradientTape() as tape:
    tape.watch(x)
    y = tf.nn.conv2d_transpose(x, w, (0, 6, 8, 5), 2, "VALID")
print("expected", np.zeros(x.shape).shape)
print("got     ", tuple(tape.gradient(y, x).shape))

# Printed by tensorflow-cpu 2.21.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected (0, 3, 4, 2)
#     got      (0, 6, 8, 5)
