"""onnx: the reference evaluator raises for an output_shape below the full output.

Without auto_pad, the document has output_shape decide what is padded, an odd element of it at the
beginning.  The reference pads nothing then.  With auto_pad="SAME_UPPER" it computes the size.

Environment: onnxruntime
Needs: onnx, onnxruntime, numpy
Set: ORT_DISABLE_TELEMETRY=1
Upstream: none found
Limitation: onnx-reference-output-shape
"""

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

text = """<ir_version: 10, opset_import: ["" : 22]>
g (float[1,1,4] x, float[1,1,4] w) => (float[N,M,L] y) { y = ConvTranspose <output_shape = [7], strides = [2]> (x, w) }"""
model = onnx.parser.parse_model(text)
feed = {
    "x": np.array([[[1, 2, 3, 4]]], "float32"),
    "w": np.array([[[1, 10, 100, 1000]]], "float32"),
}
full = np.zeros(10)
for i in range(4):
    full[2 * i : 2 * i + 4] += feed["x"][0, 0, i] * feed["w"][0, 0]
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
print("expected", full[2:9].tolist())
print("runtime ", session.run(None, feed)[0][0, 0].tolist())
print("got     ", ReferenceEvaluator(model).run(None, feed)[0][0, 0].tolist())

# Printed by onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [102.0, 1020.0, 203.0, 2030.0, 304.0, 3040.0, 400.0]
#     runtime  [102.0, 1020.0, 203.0, 2030.0, 304.0, 3040.0, 400.0]
#     raised ValueError: Given n_input_plane=4, X.shape=(4, 4), output_shape=[7], kernel_shape=(4,), dilations=[1], pads=[[0 0]], strides=[2], expected size of input's dimension 2 to match the calculated number of sliding blocks [np.int64(2)] = 2, but got input.size(2)=4.
