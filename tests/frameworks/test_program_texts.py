"""The whole text that is written for each framework."""

# ruff: noqa: E501 -- the programs written out here have lines as long as they are

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from programs import FRAMEWORKS, program
from strategies import operators

from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Unsupported

GROUPED = Operator.of(4, 6, (3, 2), stride=(2, 3), crop=((1, 0), (0, -1)), groups=2)
SHIFTED = Operator.of(2, 3, (3,), crop=((2, -1),))
DILATED = Operator.of(2, 3, (2, 2, 3), dilation=(1, 2, 2), bias=False)
EXTENDED = Operator.of(2, 3, (3, 3), stride=(2, 1), crop=((0, 1), (-3, 2)))

ONNX = """\
import os
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
options = ort.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
"""
RUN = """\
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
y = session.run(None, {"x": x})[0]
"""

KERAS = """\
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch
"""
OPENVINO = """\
import os
import openvino as ov
import openvino.opset13 as ops
threads = int(os.environ.get("OMP_NUM_THREADS", 0))
config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
x_ = ops.parameter(x.shape, x.dtype)
"""
COMPILED = """\
model = ov.compile_model(ov.Model([y_], [x_]), "CPU", config)
y = model(x)[0]
"""

FORWARD = {
    ("numpy", GROUPED): """\
import impl
y = impl.conv_transpose(x, w, b, stride=(2, 3), crop=((1, 0), (0, -1)), groups=2)
""",
    ("pytorch", GROUPED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x)
w_ = torch.from_numpy(w)
b_ = torch.from_numpy(b)
y_ = F.conv_transpose2d(x_, w_, b_, stride=(2, 3), padding=(1, 0), output_padding=1, groups=2)
y = y_.numpy()
""",
    ("pytorch", SHIFTED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x)
w_ = torch.from_numpy(w)
b_ = torch.from_numpy(b)
y_ = F.conv_transpose1d(x_, w_)
y_ = F.pad(y_, (0, 1))
y_ = y_[:, :, 2:]
y_ = y_ + b_.reshape((-1, 1))
y = y_.numpy()
""",
    ("pytorch", DILATED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x)
w_ = torch.from_numpy(w)
y_ = F.conv_transpose3d(x_, w_, dilation=(1, 2, 2))
y = y_.numpy()
""",
    ("paddle", GROUPED): """\
import paddle
import paddle.nn.functional as F
x_ = paddle.to_tensor(x)
w_ = paddle.to_tensor(w)
b_ = paddle.to_tensor(b)
y_ = F.conv2d_transpose(x_, w_, b_, stride=(2, 3), padding=(1, 0), output_padding=1, groups=2)
y = y_.numpy()
""",
    ("paddle", SHIFTED): """\
import paddle
import paddle.nn.functional as F
x_ = paddle.to_tensor(x)
w_ = paddle.to_tensor(w)
b_ = paddle.to_tensor(b)
y_ = F.conv1d_transpose(x_, w_)
y_ = F.pad(y_, [0, 1])
y_ = y_[:, :, 2:]
y_ = y_ + b_.reshape([-1, 1])
y = y_.numpy()
""",
    ("paddle", DILATED): """\
import paddle
import paddle.nn.functional as F
x_ = paddle.to_tensor(x)
w_ = paddle.to_tensor(w)
y_ = F.conv3d_transpose(x_, w_, dilation=(1, 2, 2))
y = y_.numpy()
""",
    ("onnxruntime", GROUPED): f"""\
{ONNX}node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 0], output_padding=[0, 1], group=2)
inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
initializers = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")]
graph = helper.make_graph([node], "layer", inputs, outputs, initializers)
{RUN}""",
    ("onnxruntime", SHIFTED): f"""\
{ONNX}nodes = [
    helper.make_node("ConvTranspose", ["x", "w"], ["full"], kernel_shape=[3]),
    helper.make_node("Pad", ["full", "pads"], ["padded"]),
    helper.make_node("Add", ["padded", "b"], ["y"]),
]
pads = helper.make_tensor("pads", TensorProto.INT64, [6], [0, 0, -2, 0, 0, 1])
inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
initializers = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b.reshape(-1, 1), "b"), pads]
graph = helper.make_graph(nodes, "layer", inputs, outputs, initializers)
{RUN}""",
    ("onnxruntime", DILATED): f"""\
{ONNX}node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], kernel_shape=[2, 2, 3], dilations=[1, 2, 2])
inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
initializers = [numpy_helper.from_array(w, "w")]
graph = helper.make_graph([node], "layer", inputs, outputs, initializers)
{RUN}""",
    ("openvino", GROUPED): f"""\
{OPENVINO}w_ = w.reshape(2, -1, *w.shape[1:])
y_ = ops.group_convolution_backprop_data(x_, w_, strides=[2, 3], pads_begin=[1, 0], pads_end=[1, 0], output_padding=[1, 1])
y_ = ops.add(y_, b.reshape(1, -1, 1, 1))
{COMPILED}""",
    ("openvino", SHIFTED): f"""\
{OPENVINO}w_ = w
y_ = ops.convolution_backprop_data(x_, w_, strides=[1], pads_begin=[2], pads_end=[2], output_padding=[3])
y_ = ops.add(y_, b.reshape(1, -1, 1))
{COMPILED}""",
    ("openvino", EXTENDED): f"""\
{OPENVINO}w_ = w
y_ = ops.convolution_backprop_data(x_, w_, strides=[2, 1], pads_end=[1, 0])
y_ = ops.pad(y_, [0, 0, 0, 3], [0, 0, 0, -2], "constant")
y_ = ops.add(y_, b.reshape(1, -1, 1, 1))
{COMPILED}""",
    ("openvino", DILATED): f"""\
{OPENVINO}w_ = w
y_ = ops.convolution_backprop_data(x_, w_, strides=[1, 1, 1], dilations=[1, 2, 2])
{COMPILED}""",
    ("chainer", GROUPED): """\
import chainer
import chainer.functions as F
x_ = chainer.Variable(x)
w_ = chainer.Variable(w)
b_ = chainer.Variable(b)
y_ = F.deconvolution_2d(x_, w_, b_, stride=(2, 3), pad=(1, 0), outsize=((x_.shape[2] - 1) * 2 + 2, (x_.shape[3] - 1) * 3 + 3), groups=2)
y = y_.array
""",
    ("chainer", SHIFTED): """\
import chainer
import chainer.functions as F
x_ = chainer.Variable(x)
w_ = chainer.Variable(w)
b_ = chainer.Variable(b)
y_ = F.deconvolution_1d(x_, w_)
y_ = F.pad(y_, ((0, 0), (0, 0), (0, 1)), 'constant')
y_ = y_[:, :, 2:]
y_ = F.bias(y_, b_)
y = y_.array
""",
    ("mxnet", GROUPED): """\
import mxnet as mx
x_ = mx.nd.array(x, dtype=x.dtype)
w_ = mx.nd.array(w, dtype=w.dtype)
b_ = mx.nd.array(b, dtype=b.dtype)
y_ = mx.nd.Deconvolution(x_, w_, b_, kernel=(3, 2), stride=(2, 3), pad=(1, 0), adj=(1, 1), num_filter=6, num_group=2, no_bias=False)
y_.wait_to_read()
y = y_.asnumpy()
""",
    ("mxnet", SHIFTED): """\
import mxnet as mx
x_ = mx.nd.array(x, dtype=x.dtype)
w_ = mx.nd.array(w, dtype=w.dtype)
b_ = mx.nd.array(b, dtype=b.dtype)
y_ = mx.nd.Deconvolution(x_, w_, kernel=(3,), num_filter=3, no_bias=True)
y_ = mx.nd.pad(y_.expand_dims(2), mode='constant', pad_width=(0, 0, 0, 0, 0, 0, 0, 1)).squeeze(axis=2)
y_ = y_[:, :, 2:]
y_ = mx.nd.broadcast_add(y_, b_.reshape((1, -1, 1)))
y_.wait_to_read()
y = y_.asnumpy()
""",
    ("mxnet", DILATED): """\
import mxnet as mx
import numpy as np
w_dilated = np.zeros(w.shape[:2] + (2, 3, 5), w.dtype)
w_dilated[:, :, :, ::2, ::2] = w
w_ = mx.nd.array(w_dilated, dtype=w_dilated.dtype)
x_ = mx.nd.array(x, dtype=x.dtype)
y_ = mx.nd.Deconvolution(x_, w_, kernel=(2, 3, 5), num_filter=3, no_bias=True)
y_.wait_to_read()
y = y_.asnumpy()
""",
    ("matlab", GROUPED): """\
x_ = dlarray(permute(x, [3 4 2 1]), 'SSCB');
w_ = permute(reshape(w, [], 2, 3, 3, 2), [4 5 3 1 2]);
padded = zeros([3 3 3 2 2], 'like', w_);
padded(1:3, 1:2, :, :, :) = w_;
w_ = dlarray(padded);
b_ = dlarray(b);
y_ = dltranspconv(x_, w_, b_, 'Stride', [2 3], 'Cropping', [1 0; 0 0]);
y = permute(extractdata(y_), [4 3 1 2]);
""",
    ("matlab", SHIFTED): """\
x_ = dlarray(permute(x, [3 2 1]), 'SCB');
w_ = permute(w, [3 2 1]);
padded = zeros([4 3 2], 'like', w_);
padded(1:3, :, :) = w_;
w_ = dlarray(padded);
b_ = dlarray(b);
y_ = dltranspconv(x_, w_, b_, 'Cropping', [2; 0]);
y = permute(extractdata(y_), [3 2 1]);
""",
    ("matlab", DILATED): """\
x_ = dlarray(permute(x, [3 4 5 2 1]), 'SSSCB');
w_ = dlarray(permute(w, [3 4 5 2 1]));
y_ = dltranspconv(x_, w_, 0, 'DilationFactor', [1 2 2]);
y = permute(extractdata(y_), [5 4 1 2 3]);
""",
    ("litert", GROUPED): """\
import ai_edge_litert.interpreter as litert
import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import os
x_ = np.moveaxis(x, 1, -1)
w_ = np.moveaxis(w, (0, 1), (-1, 0))
output_shape = (x_.shape[0], (x_.shape[1] - 1) * 2 + 3, (x_.shape[2] - 1) * 3 + 2, 3)
options = schema.TransposeConvOptionsT(padding=schema.Padding.VALID, strideH=2, strideW=3)
operators = [
    schema.OperatorT(opcodeIndex=1, inputs=[3, 0], outputs=list(range(4, 6)), builtinOptionsType=schema.BuiltinOptions.SplitOptions, builtinOptions=schema.SplitOptionsT(numSplits=2)),
    *(schema.OperatorT(inputs=[2, 8 + i, 4 + i], outputs=[6 + i], builtinOptionsType=schema.BuiltinOptions.TransposeConvOptions, builtinOptions=options) for i in range(2)),
    schema.OperatorT(opcodeIndex=2, inputs=list(range(6, 8)), outputs=[1], builtinOptionsType=schema.BuiltinOptions.ConcatenationOptions, builtinOptions=schema.ConcatenationOptionsT(axis=3)),
]
constants = [np.array(output_shape, 'int32'), np.array(-1, 'int32'), *np.split(w_, 2, axis=-1)]
buffers = [schema.BufferT(), *(schema.BufferT(data=array.ravel().view('uint8')) for array in constants)]
tensors = [
    schema.TensorT(shape=x_.shape),
    schema.TensorT(shape=output_shape[:-1] + (6,)),
    schema.TensorT(shape=[4], type=schema.TensorType.INT32, buffer=1),
    schema.TensorT(shape=[], type=schema.TensorType.INT32, buffer=2),
    *(schema.TensorT(shape=x_.shape[:-1] + (x_.shape[-1] // 2,)) for i in range(2)),
    *(schema.TensorT(shape=output_shape) for i in range(2)),
    *(schema.TensorT(shape=array.shape, buffer=3 + i) for i, array in enumerate(constants[2:])),
]
codes = [schema.OperatorCodeT(67, version=3, builtinCode=schema.BuiltinOperator.TRANSPOSE_CONV), schema.OperatorCodeT(49, builtinCode=schema.BuiltinOperator.SPLIT), schema.OperatorCodeT(2, builtinCode=schema.BuiltinOperator.CONCATENATION)]
graph = schema.SubGraphT(tensors, inputs=[0], outputs=[1], operators=operators)
model = schema.ModelT(3, codes, [graph], buffers=buffers)
builder = flatbuffers.Builder()
builder.Finish(model.Pack(builder), b'TFL3')
interpreter = litert.Interpreter(
    model_content=bytes(builder.Output()),
    num_threads=int(os.environ.get('OMP_NUM_THREADS', 1)),
    experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
)
interpreter.allocate_tensors()
interpreter.set_tensor(0, x_)
interpreter.invoke()
y_ = interpreter.get_tensor(1)
y_ = np.pad(y_, [(0, 0), (0, 0), (0, 1), (0, 0)])
y_ = y_[:, 1:, :, :]
y_ = y_ + b.reshape((1, -1))
y = np.moveaxis(y_, -1, 1)
""",
    ("litert", SHIFTED): """\
import ai_edge_litert.interpreter as litert
import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import os
x_ = np.moveaxis(x, 1, -1)[:, None]
w_ = np.moveaxis(w, (0, 1), (-1, 0))[:, None]
output_shape = (x_.shape[0], 1, (x_.shape[2] - 1) * 1 + 3, 3)
options = schema.TransposeConvOptionsT(padding=schema.Padding.VALID, strideH=1, strideW=1)
operators = [schema.OperatorT(inputs=[2, 3, 0], outputs=[1], builtinOptionsType=schema.BuiltinOptions.TransposeConvOptions, builtinOptions=options)]
constants = [np.array(output_shape, 'int32'), w_]
buffers = [schema.BufferT(), *(schema.BufferT(data=array.ravel().view('uint8')) for array in constants)]
tensors = [
    schema.TensorT(shape=x_.shape),
    schema.TensorT(shape=output_shape),
    schema.TensorT(shape=[4], type=schema.TensorType.INT32, buffer=1),
    *(schema.TensorT(shape=array.shape, buffer=2 + i) for i, array in enumerate(constants[1:])),
]
codes = [schema.OperatorCodeT(67, version=3, builtinCode=schema.BuiltinOperator.TRANSPOSE_CONV)]
graph = schema.SubGraphT(tensors, inputs=[0], outputs=[1], operators=operators)
model = schema.ModelT(3, codes, [graph], buffers=buffers)
builder = flatbuffers.Builder()
builder.Finish(model.Pack(builder), b'TFL3')
interpreter = litert.Interpreter(
    model_content=bytes(builder.Output()),
    num_threads=int(os.environ.get('OMP_NUM_THREADS', 1)),
    experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
)
interpreter.allocate_tensors()
interpreter.set_tensor(0, x_)
interpreter.invoke()
y_ = np.squeeze(interpreter.get_tensor(1), 1)
y_ = np.pad(y_, [(0, 0), (0, 1), (0, 0)])
y_ = y_[:, 2:, :]
y_ = y_ + b.reshape((1, -1))
y = np.moveaxis(y_, -1, 1)
""",
    ("litert", DILATED): """\
import ai_edge_litert.interpreter as litert
import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import os
x_ = np.moveaxis(x, 1, -1)
w_ = np.moveaxis(w, (0, 1), (-1, -2))
output_shape = (x_.shape[0], (x_.shape[1] - 1) * 1 + 2, (x_.shape[2] - 1) * 1 + 3, (x_.shape[3] - 1) * 1 + 5, 3)
options = schema.Conv3DOptionsT(padding=schema.Padding.VALID, strideD=1, strideH=1, strideW=1, dilationHFactor=2, dilationWFactor=2)
operators = [schema.OperatorT(inputs=[2, 3, 0], outputs=[1], builtinOptionsType=schema.BuiltinOptions.Conv3DOptions, builtinOptions=options)]
constants = [np.array(output_shape, 'int32'), w_]
buffers = [schema.BufferT(), *(schema.BufferT(data=array.ravel().view('uint8')) for array in constants)]
tensors = [
    schema.TensorT(shape=x_.shape),
    schema.TensorT(shape=output_shape),
    schema.TensorT(shape=[5], type=schema.TensorType.INT32, buffer=1),
    *(schema.TensorT(shape=array.shape, buffer=2 + i) for i, array in enumerate(constants[1:])),
]
codes = [schema.OperatorCodeT(127, version=1, builtinCode=schema.BuiltinOperator.CONV_3D_TRANSPOSE)]
graph = schema.SubGraphT(tensors, inputs=[0], outputs=[1], operators=operators)
model = schema.ModelT(3, codes, [graph], buffers=buffers)
builder = flatbuffers.Builder()
builder.Finish(model.Pack(builder), b'TFL3')
interpreter = litert.Interpreter(
    model_content=bytes(builder.Output()),
    num_threads=int(os.environ.get('OMP_NUM_THREADS', 1)),
    experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
)
interpreter.allocate_tensors()
interpreter.set_tensor(0, x_)
interpreter.invoke()
y_ = interpreter.get_tensor(1)
y = np.moveaxis(y_, -1, 1)
""",
    ("keras", GROUPED): f"""\
{KERAS}x_ = keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1))
w_ = keras.ops.convert_to_tensor(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = keras.ops.convert_to_tensor(b)
x_groups = keras.ops.split(x_, 2, axis=-1)
w_groups = keras.ops.split(w_, 2, axis=-1)
y_ = keras.ops.concatenate([
    keras.ops.conv_transpose(x_group, w_group, strides=(2, 3), output_padding=0)
    for x_group, w_group in zip(x_groups, w_groups)
], axis=-1)
y_ = keras.ops.pad(y_, [(0, 0), (0, 0), (0, 1), (0, 0)])
y_ = y_[:, 1:, :, :]
y_ = y_ + keras.ops.reshape(b_, (1, 1, 1, -1))
y = np.moveaxis(keras.ops.convert_to_numpy(y_), -1, 1)
""",
    ("keras", DILATED): f"""\
{KERAS}x_ = keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1))
w_ = keras.ops.convert_to_tensor(np.moveaxis(w, (0, 1), (-1, -2)))
y_ = keras.ops.conv_transpose(x_, w_, dilation_rate=(1, 2, 2))
y = np.moveaxis(keras.ops.convert_to_numpy(y_), -1, 1)
""",
    ("tensorflow", GROUPED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = tf.constant(b)
x_groups = tf.split(x_, 2, axis=-1)
w_groups = tf.split(w_, 2, axis=-1)
y_ = tf.concat([
    tf.nn.conv2d_transpose(x_group, w_group, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 2 + 2, (x_.shape[2] - 1) * 3 + 3, 3), strides=(2, 3), padding=[[0, 0], [1, 0], [0, 0], [0, 0]])
    for x_group, w_group in zip(x_groups, w_groups)
], axis=-1)
y_ = tf.nn.bias_add(y_, b_)
y = np.moveaxis(y_.numpy(), -1, 1)
""",
    ("tensorflow", SHIFTED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = tf.constant(b)
y_ = tf.nn.conv1d_transpose(x_, w_, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 1 + 3, 3), strides=1, padding='VALID')
y_ = tf.pad(y_, [(0, 0), (0, 1), (0, 0)])
y_ = y_[:, 2:, :]
y_ = tf.nn.bias_add(y_, b_)
y = np.moveaxis(y_.numpy(), -1, 1)
""",
    ("tensorflow", DILATED): """\
import os
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
y_ = tf.nn.conv3d_transpose(x_, w_, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 1 + 2, (x_.shape[2] - 1) * 1 + 3, (x_.shape[3] - 1) * 1 + 5, 3), strides=1, padding='VALID', dilations=(1, 2, 2))
y = np.moveaxis(y_.numpy(), -1, 1)
""",
}

GRADIENT = {
    ("numpy", GROUPED): """\
import impl
dx, dw, db = impl.conv_transpose_vjp(dy, x, w, stride=(2, 3), crop=((1, 0), (0, -1)), groups=2)
""",
    ("numpy", DILATED): """\
import impl
dx, dw, _ = impl.conv_transpose_vjp(dy, x, w, dilation=(1, 2, 2))
""",
    ("pytorch", GROUPED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x).requires_grad_()
w_ = torch.from_numpy(w).requires_grad_()
b_ = torch.from_numpy(b).requires_grad_()
dy_ = torch.from_numpy(dy)
y_ = F.conv_transpose2d(x_, w_, b_, stride=(2, 3), padding=(1, 0), output_padding=1, groups=2)
dx_, dw_, db_ = torch.autograd.grad(y_, (x_, w_, b_), dy_)
dx = dx_.numpy()
dw = dw_.numpy()
db = db_.numpy()
""",
    ("chainer", DILATED): """\
import chainer
import chainer.functions as F
x_ = chainer.Variable(x)
w_ = chainer.Variable(w)
dy_ = chainer.Variable(dy)
y_ = F.deconvolution_3d(x_, w_, dilate=(1, 2, 2))
dx_, dw_ = chainer.grad([y_], [x_, w_], [dy_])
dx = dx_.array
dw = dw_.array
""",
    ("mxnet", DILATED): """\
import mxnet as mx
import numpy as np
w_dilated = np.zeros(w.shape[:2] + (2, 3, 5), w.dtype)
w_dilated[:, :, :, ::2, ::2] = w
w_ = mx.nd.array(w_dilated, dtype=w_dilated.dtype)
x_ = mx.nd.array(x, dtype=x.dtype)
dy_ = mx.nd.array(dy, dtype=dy.dtype)
x_.attach_grad()
w_.attach_grad()
with mx.autograd.record():
    y_ = mx.nd.Deconvolution(x_, w_, kernel=(2, 3, 5), num_filter=3, no_bias=True)
y_.backward(dy_)
mx.nd.waitall()
dx = x_.grad.asnumpy()
dw = w_.grad.asnumpy()[:, :, :, ::2, ::2]
""",
    ("matlab", GROUPED): """\
x_ = dlarray(permute(x, [3 4 2 1]), 'SSCB');
w_ = permute(reshape(w, [], 2, 3, 3, 2), [4 5 3 1 2]);
padded = zeros([3 3 3 2 2], 'like', w_);
padded(1:3, 1:2, :, :, :) = w_;
w_ = dlarray(padded);
b_ = dlarray(b);
dy_ = dlarray(permute(dy, [3 4 2 1]), 'SSCB');
loss = @(x, w, b) sum(dltranspconv(x, w, b, 'Stride', [2 3], 'Cropping', [1 0; 0 0]) .* dy_, 'all');
[dx_, dw_, db_] = dlfeval(@(x, w, b) dlgradient(loss(x, w, b), x, w, b), x_, w_, b_);
dx = permute(extractdata(dx_), [4 3 1 2]);
dw_ = extractdata(dw_);
dw = reshape(permute(dw_(1:3, 1:2, :, :, :), [4 5 3 1 2]), 4, 3, 3, 2);
db = extractdata(db_);
""",
    ("matlab", DILATED): """\
x_ = dlarray(permute(x, [3 4 5 2 1]), 'SSSCB');
w_ = dlarray(permute(w, [3 4 5 2 1]));
dy_ = dlarray(permute(dy, [3 4 5 2 1]), 'SSSCB');
loss = @(x, w) sum(dltranspconv(x, w, 0, 'DilationFactor', [1 2 2]) .* dy_, 'all');
[dx_, dw_] = dlfeval(@(x, w) dlgradient(loss(x, w), x, w), x_, w_);
dx = permute(extractdata(dx_), [5 4 1 2 3]);
dw = permute(extractdata(dw_), [5 4 1 2 3]);
""",
    ("keras", SHIFTED): f"""\
{KERAS}x_ = keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1)).requires_grad_()
w_ = keras.ops.convert_to_tensor(np.moveaxis(w, (0, 1), (-1, -2))).requires_grad_()
b_ = keras.ops.convert_to_tensor(b).requires_grad_()
dy_ = keras.ops.convert_to_tensor(np.moveaxis(dy, 1, -1))
y_ = keras.ops.conv_transpose(x_, w_)
y_ = keras.ops.pad(y_, [(0, 0), (0, 1), (0, 0)])
y_ = y_[:, 2:, :]
y_ = y_ + keras.ops.reshape(b_, (1, 1, -1))
dx_, dw_, db_ = torch.autograd.grad(y_, (x_, w_, b_), dy_)
dx = np.moveaxis(keras.ops.convert_to_numpy(dx_), -1, 1)
dw = np.moveaxis(keras.ops.convert_to_numpy(dw_), (-1, -2), (0, 1))
db = keras.ops.convert_to_numpy(db_)
""",
    ("tensorflow", SHIFTED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = tf.constant(b)
dy_ = tf.constant(np.moveaxis(dy, 1, -1))
with tf.GradientTape() as tape:
    tape.watch((x_, w_, b_))
    y_ = tf.nn.conv1d_transpose(x_, w_, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 1 + 3, 3), strides=1, padding='VALID')
    y_ = tf.pad(y_, [(0, 0), (0, 1), (0, 0)])
    y_ = y_[:, 2:, :]
    y_ = tf.nn.bias_add(y_, b_)
dx_, dw_, db_ = tape.gradient(y_, (x_, w_, b_), output_gradients=dy_)
dx = np.moveaxis(dx_.numpy(), -1, 1)
dw = np.moveaxis(dw_.numpy(), (-1, -2), (0, 1))
db = db_.numpy()
""",
}


def _id(value: Any) -> str | None:
    return value.descriptor if isinstance(value, Operator) else None


@pytest.mark.parametrize(
    ("framework", "operator", "text"),
    [(*key, text) for key, text in FORWARD.items()],
    ids=lambda value: _id(value) or (value if len(value) < 20 else ""),
)
def test_the_forward_program_is_this(framework: str, operator: Operator, text: str) -> None:
    assert program(operator, framework).text == text


@pytest.mark.parametrize(
    ("framework", "operator", "text"),
    [(*key, text) for key, text in GRADIENT.items()],
    ids=lambda value: _id(value) or (value if len(value) < 20 else ""),
)
def test_the_gradient_program_is_this(framework: str, operator: Operator, text: str) -> None:
    assert program(operator, framework).gradient_text == text


@given(operators())
def test_a_text_is_its_sections_and_the_call_is_one_of_them(operator: Operator) -> None:
    for framework in FRAMEWORKS:
        written = render(operator, framework)
        if isinstance(written, Unsupported):
            continue
        sections = (written.setup, *vars(written.forward).values())
        assert written.text == "\n".join(filter(None, sections)) + "\n"
        shown = (written.weights, written.definition, written.forward.call)
        assert written.call == "\n".join(filter(None, shown))
        assert written.weights in written.forward.to_native
        assert written.definition in written.forward.to_native
        assert written.forward.call in written.text
