"""LiteRT: a stride of 0 in TRANSPOSE_CONV ends the process with SIGFPE.

XNNPACK, the default delegate, divides by it before it is checked; LiteRT's own kernel refuses it.

Environment: litert
Needs: ai-edge-litert, numpy
Limitation: litert-xnnpack-stride-zero
Upstream: none found
"""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter


def tensor(shape, buffer, kind=schema.TensorType.FLOAT32):
    one = schema.TensorT()
    one.shape, one.buffer, one.type, one.name = shape, buffer, kind, f"t{buffer}"
    return one


def data(array):
    one = schema.BufferT()
    one.data = list(array.tobytes())
    return one


w, asked = np.ones((1, 1, 2, 1), "float32"), np.array([1, 1, 2, 1], "int32")
options = schema.TransposeConvOptionsT()
options.strideH, options.strideW, options.padding = 1, 0, schema.Padding.VALID
node, code, graph, model = (
    schema.OperatorT(),
    schema.OperatorCodeT(),
    schema.SubGraphT(),
    schema.ModelT(),
)
node.inputs, node.outputs, node.opcodeIndex = [0, 1, 2], [3], 0
node.builtinOptionsType, node.builtinOptions = schema.BuiltinOptions.TransposeConvOptions, options
code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
code.version = 1
graph.tensors = [tensor([4], 1, schema.TensorType.INT32), tensor([1, 1, 2, 1], 2)]
graph.tensors += [tensor([1, 1, 4, 1], 3), tensor([1, 1, 2, 1], 4)]
graph.inputs, graph.outputs, graph.operators = [2], [3], [node]
empty = [schema.BufferT() for _ in range(3)]
model.version, model.subgraphs, model.operatorCodes = 3, [graph], [code]
model.buffers = [empty[0], data(asked), data(w), empty[1], empty[2]]
builder = flatbuffers.Builder(1024)
builder.Finish(model.Pack(builder), b"TFL3")
print("expected", "an error: a stride of", options.strideW, flush=True)
run = Interpreter(model_content=bytes(builder.Output()))
run.allocate_tensors()
run.set_tensor(2, np.ones((1, 1, 4, 1), "float32"))
run.invoke()
print("got     ", run.get_tensor(3).tolist())

# Printed by ai-edge-litert 2.3.0, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected an error: a stride of 0
#     ended by SIGFPE
