"""Run an ONNX model of one transposed convolution: put your own runtime here.

``run`` is given the model's path and its inputs x, w and b (absent without bias) by name.  With
ONNX Runtime in the place of what follows, it is

    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, inputs)

A command is given the model as a file, x.npy and input_0.pb (and so on for w and b) in the folder
{inputs}, and leaves y.npy or output_0.pb in the folder {outputs}.

This example needs NumPy only.  The models have a ConvTranspose; where its attributes cannot say how
large the output is, also Pad, Slice, Reshape and Add.
"""

from pathlib import Path

import numpy as np


def run(model, inputs):
    """Return the outputs of a model."""
    graph = fields(fields(Path(model).read_bytes())[7][0])
    values = dict(inputs)
    for data in graph.get(5, []):
        name, array = read_constant(data)
        values[name] = array
    for data in graph[1]:
        node = fields(data)
        arguments = [values[name.decode()] for name in node[1]]
        attributes = dict(map(read_attribute, node.get(5, [])))
        values[node[2][0].decode()] = OPERATORS[node[4][0]](*arguments, **attributes)
    return [values[fields(data)[1][0].decode()] for data in graph[12]]


def conv_transpose(
    x, w, b=None, *, kernel_shape, strides, dilations, pads, output_padding=None, group=1
):
    """Scatter the input through the kernel, tap by tap, then crop."""
    if min(*kernel_shape, *strides, *dilations, group) < 1 or x.shape[1] % group:
        raise ValueError("kernel, strides, dilations and group must be positive, and group divide")
    (batch, channels, *in_size), rank = x.shape, len(kernel_shape)
    axes = zip(in_size, kernel_shape, strides, dilations, output_padding or [0] * rank)
    full = [(n - 1) * s + d * (k - 1) + 1 + extra for n, k, s, d, extra in axes]
    ends = [size - end for size, end in zip(full, pads[rank:])]
    if any(end < begin for begin, end in zip(pads, ends)):
        raise ValueError(f"pads {pads} leave nothing of {full}")
    y = np.zeros((batch, group, w.shape[1], *full), x.dtype)
    x = x.reshape(batch, group, channels // group, *in_size)
    w = w.reshape(group, channels // group, *w.shape[1:])
    for tap in np.ndindex(*kernel_shape):
        steps = zip(tap, in_size, strides, dilations)
        target = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, s, d in steps]
        y[(..., *target)] += np.einsum("ngi...,gio->ngo...", x, w[(..., *tap)])
    y = y.reshape(batch, group * w.shape[2], *full)[(..., *map(slice, pads, ends))]
    return y if b is None else y + b.reshape(-1, *[1] * rank)


def slice_(data, starts, ends, axes):
    """Cut along some axes."""
    slices = [slice(None)] * data.ndim
    for start, end, axis in zip(starts, ends, axes):
        slices[axis] = slice(start, end)
    return data[tuple(slices)]


OPERATORS = {
    b"ConvTranspose": conv_transpose,
    b"Pad": lambda data, pads: np.pad(data, pads.reshape(2, -1).T),
    b"Slice": slice_,
    b"Reshape": lambda data, shape: data.reshape(shape),
    b"Add": lambda a, b: a + b,
}


def read_constant(data):
    """Read a TensorProto: its name and its array."""
    tensor = fields(data)
    dtype = {1: "<f4", 7: "<i8", 10: "<f2", 11: "<f8"}[tensor[2][0]]
    return tensor[8][0].decode(), np.frombuffer(tensor[9][0], dtype).reshape(tensor[1])


def read_attribute(data):
    """Read an AttributeProto: its name, and an integer or several."""
    attribute = fields(data)
    return attribute[1][0].decode(), attribute[8] if 8 in attribute else attribute[3][0]


def fields(data):
    """Read a message in protocol buffers' encoding: the values of its fields by number."""
    values, place = {}, 0
    while place < len(data):
        key, place = read_integer(data, place)
        value, place = read_integer(data, place)
        if key & 7 == 2:  # As many bytes; else it is the integer itself.
            value, place = data[place : place + value], place + value
        values.setdefault(key >> 3, []).append(value)
    return values


def read_integer(data, place):
    """Read an integer, seven bits a byte: its value, and what comes after it."""
    value = shift = 0
    while True:
        value |= (data[place] & 127) << shift
        if data[place] < 128:
            return value - (value >> 63 << 64), place + 1
        place, shift = place + 1, shift + 7
