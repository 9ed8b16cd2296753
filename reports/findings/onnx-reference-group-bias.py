"""onnx: the reference evaluator adds the first group's bias to every group.

With one output channel in each group ConvTranspose is computed, and silently wrong.

Environment: onnxruntime
Needs: onnx, numpy
Upstream: none found
"""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

text = """<ir_version: 10, opset_import: ["" : 22]>
g (float[1,2,1,2] x, float[2,1,1,2] w, float[2] b) => (float[N,M,H,W] y) { y = ConvTranspose <group = 2> (x, w, b) }"""
x, w = np.array([[1, 2], [3, 4]], "float32"), np.array([[1, 10], [5, 7]], "float32")
b = np.array([100, 200], "float32")
expected = [np.convolve(x[group], w[group]) + b[group] for group in range(2)]
feed = {"x": x.reshape(1, 2, 1, 2), "w": w.reshape(2, 1, 1, 2), "b": b}
got = ReferenceEvaluator(onnx.parser.parse_model(text)).run(None, feed)[0]
print("expected", np.array(expected).tolist())
print("got     ", got[0, :, 0].tolist())

# Printed by onnx 1.23.2, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[101.0, 112.0, 120.0], [215.0, 241.0, 228.0]]
#     got      [[101.0, 112.0, 120.0], [115.0, 141.0, 128.0]]
