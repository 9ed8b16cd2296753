"""onnx: the reference evaluator's ConvTranspose fails with more than one group.

Environment: onnxruntime
Needs: onnx, numpy
Upstream: none found
"""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

text = """<ir_version: 10, opset_import: ["" : 22]>
g (float[1,4,4] x, float[4,2,3] w) => (float[N,M,L] y) { y = ConvTranspose <group = 2, strides = [2]> (x, w) }"""
x = np.arange(1, 17, dtype="float32").reshape(1, 4, 4)
w = np.arange(1, 25, dtype="float32").reshape(4, 2, 3)
expected = np.zeros((4, 9))
for c, i, o in np.ndindex(4, 4, 2):
    expected[2 * (c // 2) + o, 2 * i : 2 * i + 3] += x[0, c, i] * w[c, o]
print("expected", expected.tolist())
try:
    print(
        "got     ",
        ReferenceEvaluator(onnx.parser.parse_model(text))
        .run(None, {"x": x, "w": w})[0][0]
        .tolist(),
    )
except ValueError as error:
    print("raised  ", error)

# Printed by onnx 1.23.2, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[36.0, 42.0, 92.0, 52.0, 112.0, 62.0, 132.0, 72.0, 84.0], [54.0, 60.0, 134.0, 76.0, 166.0, 92.0, 198.0, 108.0, 120.0], [364.0, 386.0, 804.0, 420.0, 872.0, 454.0, 940.0, 488.0, 516.0], [430.0, 452.0, 942.0, 492.0, 1022.0, 532.0, 1102.0, 572.0, 600.0]]
#     raised   could not broadcast input array from shape (2,9) into shape (1,9)
