"""onnx: the reference evaluator shifts the output of SAME_UPPER where the kernel is below the stride.

The output has n * s elements by the specification, one more than the full output.  SAME_UPPER has
what is odd at the end, but the reference adds it at the beginning: all values move by one.  ONNX
Runtime returns the full output.

Environment: onnxruntime
Needs: onnx, onnxruntime, numpy
Set: ORT_DISABLE_TELEMETRY=1
Upstream: none found
"""

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

text = """<ir_version: 10, opset_import: ["" : 22]>
g (float[1,1,4] x, float[1,1,1] w) => (float[N,M,L] y) { y = ConvTranspose <auto_pad = "SAME_UPPER", strides = [2]> (x, w) }"""
model = onnx.parser.parse_model(text)
feed = {"x": np.array([[[1, 2, 3, 4]]], "float32"), "w": np.array([[[10]]], "float32")}
expected = np.zeros(8)
expected[::2] = 10 * feed["x"][0, 0]
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
print("expected", expected.tolist())
print("runtime ", session.run(None, feed)[0][0, 0].tolist())
print("got     ", ReferenceEvaluator(model).run(None, feed)[0][0, 0].tolist())

# Printed by onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [10.0, 0.0, 20.0, 0.0, 30.0, 0.0, 40.0, 0.0]
#     runtime  [10.0, 0.0, 20.0, 0.0, 30.0, 0.0, 40.0]
#     got      [0.0, 10.0, 0.0, 20.0, 0.0, 30.0, 0.0, 40.0]
