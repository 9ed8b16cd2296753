"""A small model of each format, as bytes that its framework would write."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def archive(members: Mapping[str, str | bytes]) -> bytes:
    """Return an archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, member in members.items():
            opened.writestr(name, member)
    return content.getvalue()


def onnx_model() -> bytes:
    """A ConvTranspose of 4 to 6 channels, kernel 3, stride 2, pads 1 and 0."""
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", strides=[2], pads=[1, 0])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4, 5))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 6, 10))],
        [numpy_helper.from_array(np.ones((4, 6, 3), np.float32), "w")],
    )
    whole: bytes = helper.make_model(graph, ir_version=8).SerializeToString()
    return whole


def tflite_model(
    output_shape: Sequence[int] = (1, 9, 17, 6),
    weights: Sequence[int] = (6, 3, 4, 4),
    x: Sequence[int] = (1, 4, 5, 4),
    padding: int = 1,
    custom: str = "",
) -> bytes:
    """A TRANSPOSE_CONV with strides 2 and 3, VALID where padding is 1; with a name of its own."""
    import flatbuffers  # noqa: PLC0415 -- a test that needs it is left out without it

    builder: Any = flatbuffers.Builder(1024)

    def ints(values: Sequence[int]) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependInt32(value)
        return int(builder.EndVector())

    def many(offsets: Sequence[int]) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    def table(**fields: tuple[str, int]) -> int:
        """Write a table; a field is called ``_`` and its place, with its kind and value."""
        builder.StartObject(10)
        for name, (kind, value) in fields.items():
            getattr(builder, f"Prepend{kind}Slot")(int(name[1:]), value, 0)
        return int(builder.EndObject())

    def bytes_of(values: Sequence[int]) -> int:
        return int(builder.CreateByteVector(np.array(values, "<i4").tobytes()))

    at = "UOffsetTRelative"
    empty = table()
    held = table(_0=(at, bytes_of(output_shape)))
    buffers = many([empty, held])

    def tensor(name: str, shape: Sequence[int], kind: int = 0, buffer: int = 0) -> int:
        shown, sizes = builder.CreateString(name), ints(shape)
        fields = {"_0": (at, sizes), "_1": ("Int8", kind), "_2": ("Uint32", buffer)}
        return table(**fields, _3=(at, shown))

    tensors = many(
        [
            tensor("size", [len(output_shape)], kind=2, buffer=1),
            tensor("w", weights),
            tensor("x", x),
            tensor("up", output_shape),
        ]
    )
    options = table(_0=("Int8", padding), _1=("Int32", 3), _2=("Int32", 2))
    given, made = ints([0, 1, 2]), ints([3])
    operator = table(_1=(at, given), _2=(at, made), _3=("Uint8", 49), _4=(at, options))
    graph = table(_0=(at, tensors), _3=(at, many([operator])))
    own = builder.CreateString(custom)
    kind = 32 if custom else 67
    code = table(_0=("Int8", kind), _1=(at, own), _3=("Int32", kind))
    codes, graphs = many([code]), many([graph])
    model = table(_0=("Int32", 3), _1=(at, codes), _2=(at, graphs), _4=(at, buffers))
    builder.Finish(model, b"TFL3")
    return bytes(builder.Output())


KERAS: Any = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "Conv2D", "config": {"name": "conv", "filters": 4}},
            {
                "class_name": "Conv2DTranspose",
                "config": {"name": "up", "filters": 6, "kernel_size": [3, 4], "strides": [2, 3]},
            },
        ]
    },
}
SYMBOL: Any = {
    "nodes": [
        {"op": "null", "name": "data", "attrs": {"__shape__": "(1, 4, 5)"}, "inputs": []},
        {
            "op": "Deconvolution",
            "name": "up",
            "attrs": {"kernel": "(3,)", "stride": "(2,)", "pad": "(1,)", "num_filter": "6"},
            "inputs": [[0, 0, 0]],
        },
    ]
}
PROTOTXT = """\
input: "data" input_shape { dim: 1 dim: 4 dim: 5 dim: 6 }
layer {
  name: "up" type: "Deconvolution" bottom: "data" top: "up"  # twice as large
  convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 bias_term: false }
}
"""


def exported_program(**settings: Any) -> Any:
    """A program of torch.export with one conv_transpose1d."""
    given = {"stride": {"as_ints": [2]}, "padding": {"as_ints": [1]}, **settings}
    tensors = {"input": "x", "weight": "w"}
    inputs = [{"name": n, "arg": {"as_tensor": {"name": t}}} for n, t in tensors.items()]
    inputs += [{"name": name, "arg": each} for name, each in given.items()]
    shapes = {"x": [1, 4, 5], "w": [4, 6, 3]}
    node = {
        "target": "torch.ops.aten.conv_transpose1d.default",
        "inputs": inputs,
        "outputs": [{"as_tensor": {"name": "y"}}],
        "metadata": {"nn_module_stack": "L__self__,,Net;L__self__up,up,torch.nn.ConvTranspose1d"},
    }
    values = {n: {"sizes": [{"as_int": size} for size in s]} for n, s in shapes.items()}
    return {"graph_module": {"graph": {"nodes": [node], "tensor_values": values}}}


# Pickles, step by step, of what would need PyTorch to be imported.


def text(value: str) -> bytes:
    content = value.encode()
    return b"X" + len(content).to_bytes(4, "little") + content


def sizes(*numbers: int) -> bytes:
    return b"(" + b"".join(b"K" + bytes([number]) for number in numbers) + b"t"


def tensor(*shape: int) -> bytes:
    """What makes a tensor of a shape."""
    storage = (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x01tQ"
    )
    view = storage + b"K\x00" + sizes(*shape) + sizes(*shape) + b"\x89}t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + view + b"R"


def made(kind: str, **state: bytes) -> bytes:
    """What makes an object of a class with these attributes."""
    module, _, name = kind.rpartition(".")
    items = b"".join(text(key) + value for key, value in state.items())
    return f"c{module}\n{name}\n".encode() + b")\x81}(" + items + b"ub"


def pickled(content: bytes) -> bytes:
    return b"\x80\x02" + content + b"."


CODE = """\
class Up(Module):
  __parameters__ = ["weight", ]
  weight : Tensor
  bias : NoneType
  def forward(self: __torch__.Up,
    x: Tensor) -> Tensor:
    weight = self.weight
    y = torch._convolution(x, weight, None, [2], [1], [1], True, [0], 1, False, False, True, True)
    return y
"""


def torchscript(code: str = CODE) -> bytes:
    """A program with one transposed convolution, in a module called ``up``."""
    up = made("__torch__.Up", weight=tensor(4, 6, 3), bias=b"N")
    return archive(
        {
            "net/data.pkl": pickled(made("__torch__.Net", up=up)),
            "net/code/__torch__.py": code,
            "net/constants.pkl": pickled(b")"),
        }
    )


def whole_module() -> bytes:
    """A module that was saved whole, by a PyTorch before 1.6."""
    settings = {"stride": sizes(2), "padding": sizes(1), "output_padding": sizes(0)}
    layer = made(
        "torch.nn.modules.conv.ConvTranspose1d",
        **settings,
        kernel_size=sizes(3),
        in_channels=b"K\x04",
        out_channels=b"K\x06",
        transposed=b"\x88",
        _parameters=b"}(" + text("weight") + tensor(4, 6, 3) + text("bias") + b"Nu",
    )
    net = made("__main__.Net", _modules=b"}(" + text("up") + layer + b"u")
    magic = b"\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")
    return b"".join(map(pickled, (magic, b"K\x01", b"}", net)))


def arrays(**shapes: Sequence[int]) -> bytes:
    """Arrays as Chainer saves them."""
    content = io.BytesIO()
    named: Any = {name: np.zeros(shape) for name, shape in shapes.items()}
    np.savez(content, **named)
    return content.getvalue()


def safetensors(shapes: Mapping[str, Sequence[int]]) -> bytes:
    head = json.dumps({n: {"dtype": "F32", "shape": list(s)} for n, s in shapes.items()}).encode()
    return len(head).to_bytes(8, "little") + head


def every() -> dict[str, bytes]:
    """A file of each format by its name; each but the last two has a layer called ``up``."""
    return {
        "net.onnx": onnx_model(),
        "net.tflite": tflite_model(),
        "net.keras": archive({"config.json": json.dumps(KERAS)}),
        "net.json": json.dumps(KERAS).encode(),
        "net-symbol.json": json.dumps(SYMBOL).encode(),
        "net.prototxt": PROTOTXT.encode(),
        "net.pt2": archive({"net/models/model.json": json.dumps(exported_program())}),
        "script.pt": torchscript(),
        "whole.pth": whole_module(),
        "net.npz": arrays(**{"up/W": (4, 6, 3), "up/b": (6,)}),
        "net.safetensors": safetensors({"up.weight": (4, 6, 3)}),
    }
