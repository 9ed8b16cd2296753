"""Nodes as people write them, read as ONNX Runtime computes them: both refuse, or both agree."""

from __future__ import annotations

import random

import pytest
from reality import WrittenCall, disagreements

from harness.lookup.reading import read

pytestmark = pytest.mark.frameworks

SETUP = "from onnx import TensorProto, helper"
# Every opset in turn: what the attributes mean has not changed since the first.
FINISH = """
import onnxruntime
onnxruntime.set_default_logger_severity(4)
of = helper.make_tensor_value_info
arrays = {name: {"x": x, "w": w, "b": b}[name] for name in node.input}
inputs = [of(name, TensorProto.FLOAT, array.shape) for name, array in arrays.items()]
graph = helper.make_graph([node], "g", inputs, [of("y", TensorProto.FLOAT, None)])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model.SerializeToString(), options)
y = session.run(None, arrays)[0]
"""


def written(generator: random.Random) -> WrittenCall:
    rank = generator.choice((1, 2, 2, 3))
    groups = generator.choice((1, 1, 2))
    kernel, stride, dilation, size = (
        [generator.randint(1, most) for _ in range(rank)] for most in (4, 3, 2, 5)
    )
    attributes: dict[str, object] = {"strides": stride, "dilations": dilation, "group": groups}
    if generator.random() < 0.5:
        attributes["kernel_shape"] = kernel
    if generator.random() < 0.5:
        attributes["pads"] = [generator.randint(-1, 3) % 4 for _ in range(2 * rank)]
    if generator.random() < 0.4:
        attributes["output_padding"] = [generator.randint(0, 2) for _ in range(rank)]
    if generator.random() < 0.4:
        words = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]
        attributes["auto_pad"] = generator.choice(words)
    full = [
        (n - 1) * s + d * (k - 1) + 1
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    ]
    if generator.random() < 0.3:
        attributes["output_shape"] = [generator.randint(max(1, f - 3), f + 2) for f in full]
    if generator.random() < 0.05:
        attributes["strides"] = [*stride, 1]
    shown = "".join(f", {name}={value!r}" for name, value in attributes.items())
    bias = ', "b"' if generator.random() < 0.5 else ""
    text = f'node = helper.make_node("ConvTranspose", ["x", "w"{bias}], ["y"]{shown})'
    return WrittenCall(text, (2, 4, *size), (4, 6 // groups, *kernel), groups)


@pytest.mark.parametrize("opset", [1, 11, 22])
def test_nodes_mean_what_onnx_runtime_computes(opset: int) -> None:
    generator = random.Random(opset)
    calls = [written(generator) for _ in range(400)]
    finish = FINISH.replace("OPSET", str(opset))
    wrong = disagreements("onnxruntime", SETUP, calls, least=60, finish=finish)
    assert [each for each in wrong if not is_empty_output(*each)] == []


def is_empty_output(call: WrittenCall, _: str, reason: str) -> bool:
    """Whether it is the limitation onnxruntime-empty-output."""
    operator = read(call.text, "onnxruntime", call.input, call.weight).operator
    return "output dimension is <= 0" in reason and 0 in operator.out_size(call.input[2:])
