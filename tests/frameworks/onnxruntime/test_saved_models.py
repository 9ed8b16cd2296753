"""ONNX models: each ConvTranspose is read as what ONNX Runtime computes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import impl
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model


def array(*shape: int) -> Any:
    """Small integers in an order that tells every axis and side apart."""
    size = int(np.prod(shape))
    return (np.arange(size) * 7 % 11 - 4).reshape(shape).astype(np.float32)


def model(
    w: Any,
    b: Any = None,
    shape: Sequence[int | str | None] = (1, 4, 5),
    opset: int = 22,
    before: Sequence[Any] = (),
    held: Sequence[Any] = (),
    **attributes: Any,
) -> Any:
    """A model of one ConvTranspose, its weights an initializer or made by the nodes before."""
    inputs = ["x", "w"] if b is None else ["x", "w", "b"]
    node = helper.make_node("ConvTranspose", inputs, ["y"], name="up/1", **attributes)
    arrays = {"w": w} if b is None else {"w": w, "b": b}
    made = {name for each in before for name in each.output}
    graph = helper.make_graph(
        [*before, node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [*held, *(numpy_helper.from_array(a, n) for n, a in arrays.items() if n not in made)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def looks(folder: Path, proto: Any) -> list[Any]:
    path = folder / "net.onnx"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    assert is_model(path)
    return read_model(path, "net.onnx", ["pytorch"])


def computed(proto: Any, x: Any) -> Any:
    onnxruntime: Any = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def expected(operator: Operator, x: Any, w: Any, b: Any = None) -> Any:
    return impl.conv_transpose(
        x,
        w,
        b,
        stride=operator.stride,
        dilation=operator.dilation,
        crop=operator.crop,
        groups=operator.groups,
    )


SETTINGS: list[dict[str, Any]] = [
    {},
    {"strides": [2, 3], "pads": [1, 0, 0, 2], "output_padding": [1, 2]},
    {"strides": [2, 1], "dilations": [1, 2], "group": 2},
    {"strides": [2, 2], "kernel_shape": [4, 3], "pads": [1, 1, 2, 0], "group": 4},
    {"strides": [3, 2], "output_shape": [14, 12]},
    {"strides": [3, 2], "output_shape": [15, 11], "auto_pad": "SAME_UPPER"},
    {"strides": [3, 2], "output_shape": [15, 12], "auto_pad": "SAME_LOWER"},
    {"strides": [3, 2], "output_shape": [16, 14], "output_padding": [1, 1]},
    {"strides": [3, 2], "output_shape": [13, 11], "pads": [0, 1, 2, 0]},
    *(
        {"auto_pad": auto_pad, "strides": strides, "dilations": dilations, "output_padding": more}
        for auto_pad, strides, dilations, more in itertools.product(
            ("SAME_UPPER", "SAME_LOWER", "VALID"),
            ([1, 2], [3, 5]),
            ([1, 1], [2, 1]),
            ([0, 0], [0, 1]),
        )
    ),
]


@pytest.mark.parametrize("attributes", SETTINGS, ids=str)
@pytest.mark.parametrize("has_bias", [False, True])
def test_the_operator_is_what_onnx_runtime_computes(
    attributes: dict[str, Any], has_bias: bool, tmp_path: Path
) -> None:
    groups = attributes.get("group", 1)
    x, w = array(2, 4, 5, 6), array(4, 6 // groups if groups != 4 else 2, 4, 3)
    b = array(w.shape[1] * groups) if has_bias else None
    proto = model(w, b, (2, 4, 5, 6), **attributes)
    (look,) = looks(tmp_path, proto)
    assert isinstance(look, LookUp), look
    assert (look.reading.name, look.reading.framework) == ("up/1", "onnxruntime")
    assert look.reading.operator.bias is has_bias
    got = computed(proto, x)
    assert look.output == got.shape
    assert np.array_equal(expected(look.reading.operator, x, w, b), got)


@pytest.mark.parametrize("opset", [1, 11, 22])
def test_every_version_is_read_alike(opset: int, tmp_path: Path) -> None:
    proto = model(array(4, 6, 3), opset=opset, strides=[2], output_shape=[10])
    (look,) = looks(tmp_path, proto)
    assert look.descriptor == "ic4_oc6_k3_s2_c1.0_n1_i5"


def test_version_1_states_batch_and_channels_too(tmp_path: Path) -> None:
    (look,) = looks(tmp_path, model(array(4, 6, 3), strides=[2], output_shape=[1, 6, 10]))
    assert look.reading.operator.crop == ((1, 0),)


def test_a_batch_of_any_size_and_an_unknown_size(tmp_path: Path) -> None:
    (look,) = looks(tmp_path, model(array(4, 6, 3), shape=("n", 4, 5)))
    assert look.reading.input == (1, 4, 5)
    (look,) = looks(tmp_path, model(array(4, 6, 3), shape=(1, 4, "width")))
    assert look.reading.input is None


def test_weights_that_are_quantised_or_turned(tmp_path: Path) -> None:
    quantised = helper.make_node("DequantizeLinear", ["q", "scale"], ["t"])
    turned = helper.make_node("Transpose", ["t"], ["w"], perm=[3, 2, 0, 1], name="turn")
    held = [numpy_helper.from_array(np.ones((3, 5, 6, 4), np.int8), "q")]
    held.append(numpy_helper.from_array(np.array(0.5, np.float32), "scale"))
    proto = model(None, before=[quantised, turned], held=held, shape=(1, 4, 7, 7))
    (look,) = looks(tmp_path, proto)
    assert look.reading.operator == Operator.of(4, 6, (3, 5), bias=False)
    assert [note.partition(":")[0] for note in look.reading.notes] == [
        "The weights are computed in the model (Transpose turn)",
        "The weights are quantised (DequantizeLinear)",
    ]


def test_weights_of_a_constant(tmp_path: Path) -> None:
    value = numpy_helper.from_array(array(4, 6, 3))
    constant = helper.make_node("Constant", [], ["w"], value=value)
    (look,) = looks(tmp_path, model(None, before=[constant]))
    assert (look.descriptor, look.reading.notes) == ("ic4_oc6_k3_n1_i5", ())


def test_weights_that_are_computed_leave_what_is_not_known_a_name(tmp_path: Path) -> None:
    tiled = helper.make_node("Tile", ["v", "n"], ["w"])
    (look,) = looks(tmp_path, model(None, before=[tiled], kernel_shape=[3], strides=[2]))
    assert (look.names, look.reading.operator.in_channels) == (("out_channels",), 4)


def test_weights_in_another_file_are_not_needed(tmp_path: Path) -> None:
    proto = model(array(4, 6, 3))
    (tensor,) = proto.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    (look,) = looks(tmp_path, proto)
    assert look.descriptor == "ic4_oc6_k3_n1_i5"


def test_nodes_of_subgraphs_and_functions(tmp_path: Path) -> None:
    inner = helper.make_node("ConvTranspose", ["x", "w"], ["z"], strides=[2])
    then = helper.make_graph([inner], "then", [], [])
    branch = helper.make_node("If", ["c"], ["r"], then_branch=then, else_branch=then)
    proto = model(array(4, 6, 3), before=[branch])
    up = helper.make_node("ConvTranspose", ["a", "k"], ["u"], kernel_shape=[5])
    proto.functions.append(
        helper.make_function("own", "Up", ["a", "k"], ["u"], [up], [helper.make_opsetid("", 22)])
    )
    every = looks(tmp_path, proto)
    assert [look.reading.name for look in every] == ["z", "z", "up/1", "u"]
    assert [look.reading.operator.stride for look in every[:3]] == [(2,), (2,), (1,)]
    assert every[3].names == ("in_channels", "out_channels")


def test_what_is_like_one_is_refused_by_name(tmp_path: Path) -> None:
    before = [
        helper.make_node("QLinearConvTranspose", ["x"], ["q"], domain="com.microsoft"),
        helper.make_node("Col2Im", ["x", "s", "k"], ["c"]),
        helper.make_node("ConvTranspose", ["x", "w"], ["p"], domain="other"),
    ]
    *refused, look = looks(tmp_path, model(array(4, 6, 3), before=before))
    assert isinstance(look, LookUp)
    assert [str(each)[:53] for each in refused] == [
        "q: QLinearConvTranspose of com.microsoft is not read:",
        "c: Col2Im adds up blocks that overlap, which after a ",
        "p: ConvTranspose of other is not read: ONNX's own ope",
    ]


@pytest.mark.parametrize(
    ("attributes", "fact"),
    [
        ({"pads": [1, -1]}, "pads [1, -1] must not be negative."),
        ({"pads": [1]}, "pads [1] has 1 numbers; for 1 spatial axes ONNX takes 2"),
        ({"pads": [1, 0], "auto_pad": "VALID"}, "pads (1, 0) and auto_pad VALID exclude"),
        ({"output_padding": [2], "strides": [2]}, "output_padding [2] must be less than the"),
        ({"strides": [2, 2]}, "strides [2, 2] has 2 numbers; there are 1 spatial axes"),
        ({"strides": [0]}, "strides [0] must be at least 1 on every axis."),
        ({"kernel_shape": [4]}, "kernel is (4) in the text and (3) in the text's weights"),
        ({"auto_pad": "SAME"}, "auto_pad must be 'NOTSET' or 'VALID' or 'SAME_UPPER' or"),
        ({"output_shape": [9], "strides": [1]}, "output_shape [9]: axis 0 has a full size of 7"),
        ({"group": 3}, "groups 3 does not divide in_channels 4"),
        ({"axis": 3}, "onnx.ConvTranspose has no parameter 'axis'."),
        ({"pads": [40, 0]}, "output length would be -33."),
    ],
)
def test_what_is_illegal_is_refused(attributes: dict[str, Any], fact: str, tmp_path: Path) -> None:
    (refused,) = looks(tmp_path, model(array(4, 6, 3), **attributes))
    assert isinstance(refused, NodeError)
    assert str(refused).startswith(f"up/1: {fact}")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    content = model(array(4, 6, 3)).SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(content[:-30])
    with pytest.raises(InputError, match=r"net\.onnx is no whole ONNX model: its field"):
        read_model(path, "net.onnx")
    for other, fact in (
        (b"", "is no .onnx model that is known here: it is empty."),
        (b"\xff" * 20, "its 20 bytes do not begin as those of one do."),
        (b"import onnx\n", "its 12 bytes do not begin as those of one do."),
        (b"version https://git-lfs.github.com/spec/v1\n", "which Git LFS has: git lfs pull."),
    ):
        path.write_bytes(other)
        assert is_model(path)  # By its name
        with pytest.raises(InputError, match=re.escape(fact)):
            read_model(path, "net.onnx")


def test_graphs_in_graphs_end(tmp_path: Path) -> None:
    graph = helper.make_graph([], "g", [], [])
    for _ in range(22):
        graph = helper.make_graph([helper.make_node("If", ["c"], ["r"], g=graph)], "g", [], [])
    proto = helper.make_model(graph, ir_version=8)
    with pytest.raises(InputError, match="nested more than 20 deep"):
        looks(tmp_path, proto)
