"""A transposed convolution in plain Python, as a program that deconform can test.

It reads requests from standard input and answers on standard output; docs/protocol.md of deconform
describes them.  Replace `forward` and `gradient` by what you want to have tested.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import time
from collections.abc import Iterator
from itertools import product
from operator import add, mul
from typing import Any, NamedTuple

LETTERS = {"float16": "e", "float32": "f", "float64": "d"}  # As `struct` calls them


class Array(NamedTuple):
    """Numbers in C order, and their shape."""

    shape: list[int]
    values: list[float]


class Refused(Exception):
    """What this program does not do."""


def meetings(arguments: dict[str, Any], x: list[int], w: list[int], y: list[int]) -> Iterator[Any]:
    """Yield which elements of x meet which of w in which of y, for three shapes: rows at a time."""
    axes = len(x) - 2
    ones = [1] * (3 - axes)  # Fewer axes are three of which some have one element.
    stride, dilation = ones + arguments["stride"], ones + arguments["dilation"]
    begin = [0] * (3 - axes) + [pair[0] for pair in arguments["crop"]]
    (d, h, row), (kd, kh, kw), (od, oh, out) = (ones + each[2:] for each in (x, w, y))
    inputs, outputs = x[1] // arguments["groups"], w[1]  # Channels of one group
    for n, ci, co, a, b, c, i, j in product(*map(range, (x[0], x[1], w[1], kd, kh, kw, d, h))):
        p = i * stride[0] + a * dilation[0] - begin[0]
        q = j * stride[1] + b * dilation[1] - begin[1]
        shift, step = c * dilation[2] - begin[2], stride[2]
        first = max(0, -(shift // step))  # The first and the last element of the row that are kept
        last = min(row, (out - 1 - shift) // step + 1)
        if 0 <= p < od and 0 <= q < oh and first < last:
            start = ((n * x[1] + ci) * d + i) * h * row + j * row
            channel = n * y[1] + ci // inputs * outputs + co
            to = (channel * od + p) * oh * out + q * out + shift
            yield (
                slice(start + first, start + last),
                (((ci * w[1] + co) * kd + a) * kh + b) * kw + c,
                slice(to + first * step, to + (last - 1) * step + 1, step),
            )


def forward(arguments: dict[str, Any], x: Array, w: Array, b: Array | None) -> Array:
    """Add each element of x, times the kernel, to y."""
    shape = out_shape(arguments, x.shape, w.shape)
    if b and b.shape != shape[1:2]:
        raise Refused(f"b has shape {b.shape}, where y has {shape[1]} channels")
    size = math.prod(shape[2:])
    bias = b.values if b else [0.0] * shape[1]
    y = [value for _ in range(shape[0]) for value in bias for _ in range(size)]
    for xs, wi, ys in meetings(arguments, x.shape, w.shape, shape):
        factor = w.values[wi]
        y[ys] = map(add, y[ys], [factor * each for each in x.values[xs]])
    return Array(shape, y)


def gradient(arguments: dict[str, Any], dy: Array, x: Array, w: Array) -> tuple[Array, ...]:
    """Return the gradients of sum(y * dy) by x, w and b."""
    dx, dw = [0.0] * len(x.values), [0.0] * len(w.values)
    for xs, wi, ys in meetings(arguments, x.shape, w.shape, dy.shape):
        factor, given = w.values[wi], dy.values[ys]
        dx[xs] = map(add, dx[xs], [factor * each for each in given])
        dw[wi] += sum(map(mul, x.values[xs], given))
    size, channels = math.prod(dy.shape[2:]), dy.shape[1]
    db = [0.0] * channels
    for i in range(dy.shape[0] * channels):
        db[i % channels] += sum(dy.values[i * size : (i + 1) * size])
    return Array(x.shape, dx), Array(w.shape, dw), Array([channels], db)


def out_shape(arguments: dict[str, Any], x: list[int], w: list[int]) -> list[int]:
    """Return the shape of y; refuse what has none."""
    stride, dilation, groups = (arguments[name] for name in ("stride", "dilation", "groups"))
    if min(*stride, *dilation, *w[2:], groups) < 1 or x[1] != w[0] or x[1] % groups:
        raise Refused(f"{arguments} with x {x} and w {w} is no transposed convolution")
    axes = zip(x[2:], w[2:], stride, dilation, arguments["crop"])
    size = [(n - 1) * s + d * (k - 1) + 1 - begin - end for n, k, s, d, (begin, end) in axes]
    if min(size) < 0:
        raise Refused(f"y would have the negative size {size}")
    return [x[0], w[1] * groups, *size]


def compute(message: dict[str, Any], arrays: dict[str, Array]) -> dict[str, Array]:
    """Compute what a `run` asks for."""
    arguments, x, w = message["arguments"], arrays["x"], arrays["w"]
    if message["direction"] == "forward":
        return {"y": forward(arguments, x, w, arrays.get("b"))}
    out_shape(arguments, x.shape, w.shape)
    return dict(zip(("dx", "dw", "db"), gradient(arguments, arrays["dy"], x, w)))


def main() -> None:
    """Answer requests until there are no more."""
    while line := sys.stdin.buffer.readline():
        message = json.loads(line)
        arrays, dtype = {}, "float32"
        for each in message["arrays"]:
            dtype, blob = each["dtype"], sys.stdin.buffer.read(each["nbytes"])
            values = struct.unpack(f"<{math.prod(each['shape'])}{LETTERS[dtype]}", blob)
            arrays[each["name"]] = Array(each["shape"], list(values))
        outputs: dict[str, Array] = {}
        began = time.perf_counter()
        try:
            if message["op"] == "start":
                answer: dict[str, Any] = {"op": "started", "version": "1.0"}
            elif message["op"] == "run":
                outputs = compute(message, arrays)
                answer = {"op": "result", "seconds": {"call": time.perf_counter() - began}}
            else:  # `hold`, `time` and `drop` are for benchmarks.
                raise Refused(f"it has no {message['op']}")
        except Refused as reason:
            answer = {"op": "refused", "message": str(reason)}
        except Exception as error:
            answer = {"op": "raised", "type": type(error).__name__, "message": str(error)}
        write({**answer, "id": message["id"]}, outputs, dtype)


def write(answer: dict[str, Any], outputs: dict[str, Array], dtype: str) -> None:
    """Write one line of JSON, then the bytes of the arrays that it lists."""
    letter = LETTERS[dtype]
    blobs = [struct.pack(f"<{len(each.values)}{letter}", *each.values) for each in outputs.values()]
    answer["arrays"] = [
        {"name": name, "dtype": dtype, "shape": each.shape, "nbytes": len(blob)}
        for (name, each), blob in zip(outputs.items(), blobs)
    ]
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + b"".join(blobs))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
