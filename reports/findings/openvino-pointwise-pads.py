"""OpenVINO: ConvolutionBackpropData with a kernel of 1 and strides of 1 ignores its pads.

Where pads_begin and output_padding shift the output without changing its size, it comes out as if
there were none.  With any stride above 1, or a kernel of 2, they are honoured.

Environment: openvino
Needs: openvino, numpy
Set: CI=true
Upstream: none found
Limitation: openvino-pointwise-pads
"""

import numpy as np
import openvino as ov
import openvino.opset13 as op

x = np.arange(1, 8, dtype="float32").reshape(1, 1, 7)
w = np.full((1, 1, 1), 3, "float32")
expected = np.concatenate([3 * x[0, 0, 2:], np.zeros(2)])
parameter = op.parameter(x.shape, np.float32)
node = op.convolution_backprop_data(
    parameter, op.constant(w), [1], pads_begin=[2], pads_end=[2], output_padding=[4]
)
got = ov.compile_model(ov.Model([node], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(
    x
)[0]
print("expected", expected.tolist())
print("got     ", got[0, 0].tolist())

# Printed by openvino 2026.4.1, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [9.0, 12.0, 15.0, 18.0, 21.0, 0.0, 0.0]
#     got      [3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0]
