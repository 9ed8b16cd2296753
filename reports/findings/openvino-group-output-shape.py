"""OpenVINO: GroupConvolutionBackpropData with output_shape ignores pads_begin.

With auto_pad explicit the grouped operator computes as if pads_begin were 0.  ConvolutionBackpropData
honours it, and so does the grouped one without output_shape.

Environment: openvino
Needs: openvino, numpy
Set: CI=true
Upstream: none found
"""

import numpy as np
import openvino as ov
import openvino.opset13 as op

x = np.arange(1, 9, dtype="float32").reshape(1, 2, 4)
w = np.arange(1, 7, dtype="float32").reshape(2, 1, 1, 3)
expected = np.zeros((2, 9))
for group, i in np.ndindex(2, 4):
    expected[group, 2 * i : 2 * i + 3] += x[0, group, i] * w[group, 0, 0]
parameter = op.parameter(x.shape, np.float32)
node = op.group_convolution_backprop_data(
    parameter, op.constant(w), [2], op.constant(np.array([8])), [1], [0], auto_pad="explicit"
)
got = ov.compile_model(ov.Model([node], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(
    x
)[0]
print("expected", expected[:, 1:].tolist())
print("got     ", got[0].tolist())

# Printed by openvino 2026.4.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[2.0, 5.0, 4.0, 9.0, 6.0, 13.0, 8.0, 12.0], [25.0, 54.0, 30.0, 64.0, 35.0, 74.0, 40.0, 48.0]]
#     got      [[1.0, 2.0, 5.0, 4.0, 9.0, 6.0, 13.0, 8.0], [20.0, 25.0, 54.0, 30.0, 64.0, 35.0, 74.0, 40.0]]
