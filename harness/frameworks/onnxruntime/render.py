"""ONNX Runtime: a graph of ONNX's ``ConvTranspose``, in an inference session.

https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.named_number import Named
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported

# ConvTranspose has had these attributes since opset 1; the newest change, of its types, is 22's.
_VERSIONS: Final = 'opset_imports=[helper.make_opsetid("", 22)], ir_version=10'
# "Could not find an implementation for ConvTranspose(22)" is what it says of others.
# https://github.com/microsoft/onnxruntime/blob/main/docs/OperatorKernels.md
_TYPES: Final = {"float32": "TensorProto.FLOAT", "float16": "TensorProto.FLOAT16"}
_LIMITS: Final = (
    "pads are not negative, and output_padding extends at the end only, by less than the stride"
)
_FORWARD_ONLY: Final = "ONNX Runtime runs models that are trained: it has no gradients."
# ONNX Runtime reads no environment variable for its threads; 0 is its default.
_SETUP: Final = """\
import os
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
options = ort.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))"""


def render(
    operator: Operator, dtype: str, documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program."""
    if dtype not in _TYPES:
        return Unsupported(f"ONNX Runtime has no ConvTranspose of {dtype} on a CPU.")
    split, kind = split_crop(operator, native=documented), _TYPES[dtype]
    nodes = _nodes(split)
    if len(nodes) == 1:
        definition, made = f"node = {nodes[0]}", "[node]"
    else:
        listed = [f"    {node}," for node in nodes]
        definition, made = text.lines("nodes = [", *listed, "]", _pads(split)), "nodes"
    return Program(
        setup=_SETUP,
        reason=split.reason(_LIMITS),
        forward=Section(
            text.lines(definition, *_session(split, made, kind)),
            'y = session.run(None, {"x": x})[0]',
            "",
        ),
        definition=definition,
        forward_only=_FORWARD_ONLY,
    )


def _session(split: text.CropSplit, nodes: str, kind: str) -> list[str]:
    bias = f"b.reshape({', '.join(['-1', *'1' * len(split.rest)])})" if split.late_bias else "b"
    held = [
        'numpy_helper.from_array(w, "w")',
        *([f'numpy_helper.from_array({bias}, "b")'] if split.operator.bias else []),
        *(["pads"] if split.has_rest else []),
    ]
    return [
        f'inputs = [helper.make_tensor_value_info("x", {kind}, x.shape)]',
        f'outputs = [helper.make_tensor_value_info("y", {kind}, None)]',
        f"initializers = [{', '.join(held)}]",
        f'graph = helper.make_graph({nodes}, "layer", inputs, outputs, initializers)',
        f"model = helper.make_model(graph, {_VERSIONS})",
        "session = ort.InferenceSession(model.SerializeToString(), options, "
        'providers=["CPUExecutionProvider"])',
    ]


def split_crop(operator: Operator, *, native: bool = False) -> text.CropSplit:
    """Put the crop of each axis in the attributes if they can say it, else in a node after them.

    >>> split = split_crop(Operator.of(1, 1, (3, 3), stride=2, crop=((2, -1), (-1, 1))))
    >>> split.pad, split.back, split.rest
    ((2, 0, 0, 0), (1, 0), ((0, 0), (-1, 1)))
    """
    begins, ends, back, rest = [], [], [], []
    for (begin, end), stride in zip(operator.crop, operator.stride, strict=True):
        # output_padding must be less than the stride: https://github.com/onnx/onnx/issues/8035
        is_native = native or (begin >= 0 and -end < max(stride, 1))
        rest.append((0, 0) if is_native else (begin, end))
        if not is_native:
            begin = end = 0  # noqa: PLW2901 -- what is left for the attributes
        # In names the end is that of PyTorch's two numbers, which are ONNX's too.
        taken = begin if isinstance(end, Named) and 0 <= begin - end < stride else max(end, 0)
        begins.append(begin)
        ends.append(taken)
        back.append(taken - end)
    return text.CropSplit(operator, tuple(rest), (*begins, *ends), tuple(back))


def _nodes(split: text.CropSplit) -> list[str]:
    """Write the nodes from ``x`` to ``y``."""
    steps = [("ConvTranspose", ["w", "b"] if split.own_bias else ["w"], _attributes(split))]
    if split.has_rest:
        steps.append(("Pad", ["pads"], ""))
    if split.late_bias:
        steps.append(("Add", ["b"], ""))
    values = ["x", *("full", "padded")[: len(steps) - 1], "y"]
    return [
        f'helper.make_node("{kind}", {_names([before, *more])}, {_names([after])}{attributes})'
        for (kind, more, attributes), before, after in zip(
            steps, values[:-1], values[1:], strict=True
        )
    ]


def _names(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _pads(split: text.CropSplit) -> str:
    """Write what a node ``Pad`` adds; what is negative it removes."""
    begins, ends = zip(*((-begin, -end) for begin, end in split.rest), strict=True)
    pads = [0, 0, *begins, 0, 0, *ends]
    return f'pads = helper.make_tensor("pads", TensorProto.INT64, [{len(pads)}], {pads})'


def _attributes(split: text.CropSplit) -> str:
    operator = split.operator
    return text.arguments(
        kernel_shape=str([*operator.kernel]),
        strides=_unless_all(operator.stride, 1),
        dilations=_unless_all(operator.dilation, 1),
        pads=_unless_all(split.pad, 0),
        output_padding=_unless_all(split.back, 0),
        group=str(operator.groups) if operator.groups != 1 else None,
    )


def _unless_all(values: Sequence[int], default: int) -> str | None:
    """Write one number for each axis, unless all are what ONNX takes without the attribute."""
    is_default = all(value == default and not isinstance(value, Named) for value in values)
    return None if is_default else str([*values])
