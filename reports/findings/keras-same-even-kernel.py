"""Keras: padding="same" with output_padding=0 and an even kernel is one short, or an error.

With an odd kernel the output has (n - 1) * s + 1 elements, with an even one one less: by the
formula of PyTorch's padding=k // 2, which is "same" for odd kernels only.  The backends jax and
torch return that; tensorflow refuses it.

Environment: keras
Needs: keras, torch, numpy
Set: KERAS_BACKEND=torch
Upstream: https://github.com/tensorflow/tensorflow/issues/50168 (when Keras was a part of TensorFlow)
"""

import keras
import numpy as np

x = np.arange(1, 5, dtype="float32").reshape(1, 4, 1)
for kernel in ([1, 10, 100], [1, 10]):
    w = np.array(kernel, "float32").reshape(-1, 1, 1)
    y = keras.ops.conv_transpose(x, w, strides=1, padding="same", output_padding=0)
    full = np.convolve(x[0, :, 0], kernel)
    print("expected", full[(len(kernel) - 1) // 2 :][:4].tolist())
    print("got     ", keras.ops.convert_to_numpy(y)[0, :, 0].tolist())

# Printed by keras 3.15.1, torch 2.13.0+cpu, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [12.0, 123.0, 234.0, 340.0]
#     got      [12.0, 123.0, 234.0, 340.0]
#     expected [1.0, 12.0, 23.0, 34.0]
#     got      [12.0, 23.0, 34.0]
