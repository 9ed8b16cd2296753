"""ONNX Runtime: ConvTranspose refuses pads that leave an output of size 0.

An input of size 0 is taken, and other operators return empty tensors.

Environment: onnxruntime
Needs: onnx, onnxruntime, numpy
Set: ORT_DISABLE_TELEMETRY=1
Limitation: onnxruntime-empty-output
Upstream: none found
"""

import numpy as np
import onnx
import onnxruntime

text = """<ir_version: 10, opset_import: ["" : 22]>
g (float[1,1,2] x, float[1,1,2] w) => (float[N,M,L] y) { y = ConvTranspose <pads = [1, 2]> (x, w) }"""
model = onnx.parser.parse_model(text).SerializeToString()
feed = {"x": np.ones((1, 1, 2), "float32"), "w": np.ones((1, 1, 2), "float32")}
print("expected", np.convolve([1, 1], [1, 1])[1:-2].tolist(), "of shape [1, 1, 0]")
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
try:
    print("got     ", session.run(None, feed)[0].tolist())
except Exception as error:
    print("raised  ", error)

# Printed by onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [] of shape [1, 1, 0]
#     raised   [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running ConvTranspose node. Name:'' Status Message: Computed output dimension is <= 0 for dim 0. Input shape: {2}
