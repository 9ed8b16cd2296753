"""OpenVINO: float64 is computed in float32, and returned as float64.

Integers above 2 ** 24 are rounded; nothing says so.

Environment: openvino
Needs: openvino, numpy
Set: CI=true
Upstream: none found
"""

import numpy as np
import openvino as ov
import openvino.opset13 as op

x, w = np.array([[[1.0, 2.0]]]), np.array([[[16777217.0]]])
parameter = op.parameter(x.shape, np.float64)
node = op.convolution_backprop_data(parameter, op.constant(w), strides=[1])
got = ov.compile_model(ov.Model([node], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(
    x
)[0]
print("expected", x.dtype, np.convolve(x[0, 0], w[0, 0]).tolist())
print("got     ", got.dtype, got[0, 0].tolist())

# Printed by openvino 2026.4.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected float64 [16777217.0, 33554434.0]
#     got      float64 [16777216.0, 33554432.0]
