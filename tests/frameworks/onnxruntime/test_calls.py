"""ONNX's ConvTranspose in Python that builds graphs, and in texts that show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.lookup.models import read_model
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

NODE = 'helper.make_node("ConvTranspose", ["x", "w"], ["y"], {})'
SHAPE, WEIGHT = (1, 4, 5, 6), (4, 6, 3, 2)


def of_node(attributes: str, bias: str = "") -> Operator:
    text = NODE.format(attributes).replace('"w"]', f'"w"{bias}]')
    return read(text, input=SHAPE, weight=WEIGHT).operator


def operator(**settings: Any) -> Operator:
    return Operator.of(4, 6, (3, 2), **{"bias": False, **settings})


# Python.


@pytest.mark.parametrize(
    ("attributes", "settings"),
    [
        ("", {}),
        ("strides=[2, 3], dilations=(1, 2)", {"stride": (2, 3), "dilation": (1, 2)}),
        ("strides=None, pads=[]", {}),
        ("pads=[1, 2, 0, 1]", {"crop": ((1, 0), (2, 1))}),
        ("strides=[2, 2], output_padding=[1, 0]", {"stride": 2, "crop": ((0, -1), (0, 0))}),
        # The full size is 11 x 12; an odd element is taken from the beginning.
        ("strides=[2, 2], output_shape=[10, 11]", {"stride": 2, "crop": ((1, 0), (1, 0))}),
        ("strides=[2, 2], auto_pad='SAME_UPPER'", {"stride": 2, "crop": ((0, 1), (0, 0))}),
        ("strides=[2, 2], auto_pad='SAME_LOWER'", {"stride": 2, "crop": ((1, 0), (0, 0))}),
        ("auto_pad='VALID', domain='ai.onnx'", {}),
    ],
)
def test_attributes_of_a_node(attributes: str, settings: dict[str, Any]) -> None:
    assert of_node(attributes) == operator(**settings)


def test_a_third_input_is_the_bias() -> None:
    assert of_node("", ', "b"').bias
    assert not of_node("", ', ""').bias
    assert read(NODE.format("group=2"), weight=(4, 3, 3, 2)).operator.out_channels == 6


def test_other_nodes_are_none() -> None:
    text = """
from onnx import helper
nodes = [
    helper.make_node("Conv", ["x", "k"], ["a"], kernel_shape=[3, 3]),
    helper.make_node(op_type="ConvTranspose", inputs=["a", "w"], outputs=["b"], kernel_shape=[3]),
    helper.make_node("Relu", ["b"], ["y"]),
]
up = nn.ConvTranspose1d(4, 6, 3)
"""
    looks = look_up_every(text, to=["numpy"])
    assert [each.reading.framework for each in looks if isinstance(each, LookUp)] == [
        "onnxruntime",
        "pytorch",
    ]
    assert len(looks) == 2
    with pytest.raises(SnippetError, match="no transposed convolution that is known here"):
        read("helper.make_node('Conv', ['x'], ['y'])")


def test_shapes_are_where_graphs_have_them() -> None:
    text = f"""
node = {NODE.format("")}
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, 5, 6])
w = numpy_helper.from_array(np.zeros((4, 6, 3, 2), "float32"), name="w")
graph = helper.make_graph([node], "g", [x], [y], [w])
"""
    found = read(text)
    assert (found.operator, found.input) == (operator(), SHAPE)
    made = text.replace("numpy_helper.from_array(np.zeros((4, 6, 3, 2), 'float32'), name=", "")
    made = text.replace(
        'numpy_helper.from_array(np.zeros((4, 6, 3, 2), "float32"), name="w")',
        'helper.make_tensor("w", TensorProto.FLOAT, dims=[4, 6, 3, 2], vals=values)',
    )
    assert read(made).operator == operator()


def test_onnx_s_own_examples() -> None:
    """https://onnx.ai/onnx/operators/onnx__ConvTranspose.html."""
    text = """
x = np.array([[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]]).astype(np.float32)
W = np.ones((1, 2, 3, 3)).astype(np.float32)
node = onnx.helper.make_node("ConvTranspose", ["X", "W"], ["Y"], strides=[3, 2], pads=[1, 2, 1, 2])
expect(node, inputs=[x, W], outputs=[y], name="test_convtranspose_pads")
"""
    found = read(text)
    assert found.input == (1, 1, 3, 3)
    assert found.operator == Operator.of(
        1, 2, (3, 3), stride=(3, 2), crop=((1, 1), (2, 2)), bias=False
    )


GRAPH = """
node = helper.make_node("ConvTranspose", ["x", "w"], ["t"], strides=[2, 2])
{}
"""
PAD = """
pad = helper.make_node("Pad", ["t", "p"], ["u"]{})
p = helper.make_tensor("p", TensorProto.INT64, [8], {})
"""


@pytest.mark.parametrize(
    ("after", "settings", "note"),
    [
        (PAD.format("", [0, 0, -1, 2, 0, 0, 0, -3]), {"crop": ((1, 0), (-2, 3))}, "node Pad"),
        (PAD.format(', mode="edge"', [0, 0, 1, 0, 0, 0, 0, 0]), {}, "not in the answer: a node"),
        (PAD.format("", [0, 1, 1, 0, 0, 0, 0, 0]), {}, "not in the answer: a node Pad"),
        (PAD.format("", "widths"), {}, "not in the answer: a node Pad"),
        ('helper.make_node("Slice", ["t", "s"], ["u"])', {}, "not in the answer: a node Slice"),
        ('helper.make_node("Add", ["t", "skip"], ["u"])', {}, ""),
        ('helper.make_node("Relu", ["t"], ["u"])' + PAD.format("", [0] * 8), {}, ""),
        (
            'helper.make_node("Add", ["b", "t"], ["u"])\nnumpy_helper.from_array(b, "b")',
            {"bias": True},
            "as the bias",
        ),
    ],
)
def test_nodes_after_it(after: str, settings: dict[str, Any], note: str) -> None:
    found = read(GRAPH.format(after), input=SHAPE, weight=WEIGHT)
    assert found.operator == operator(stride=2, **settings)
    assert note in " ".join(found.notes)
    assert bool(note) == bool(found.notes)


def test_zeros_beyond_a_bias_are_not_an_extension() -> None:
    text = GRAPH.format(PAD.format("", [0, 0, 1, 0, 0, 0, 0, 0])).replace('"w"', '"w", "b"')
    found = read(text, input=SHAPE, weight=WEIGHT)
    assert found.operator == operator(stride=2, bias=True)
    assert "whose zeros are beyond the bias" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("attributes", "fact"),
    [
        ("strides=[2]", "strides [2] has 1 numbers; there are 2 spatial axes"),
        ("stride=[2, 2]", "has no parameter 'stride'. Did you mean 'strides'?"),
        ("pads=[1, 1]", "for 2 spatial axes ONNX takes 4"),
        ("output_padding=[1, 0]", "must be less than the stride 1 on axis 0"),
        ("domain='com.microsoft'", "only ONNX's own operators are read"),
    ],
)
def test_what_is_illegal_is_refused(attributes: str, fact: str) -> None:
    with pytest.raises(SnippetError) as refused:
        of_node(attributes)
    assert fact in str(refused.value)


def test_what_inputs_holds_may_be_in_no_text() -> None:
    text = 'helper.make_node("ConvTranspose", names, ["y"])'
    found = read(text, input=SHAPE, weight=WEIGHT)
    assert not found.operator.bias
    assert found.notes[0].startswith("inputs is names, which the text does not hold")


# Texts that show graphs.


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        ("y = ConvTranspose<kernel_shape=[3, 2]>(x, w)", "ic4_oc6_k3x2"),
        ("y = ConvTranspose <strides: ints = [2, 3]> (x, w, b)", "ic4_oc6_k3x2_s2x3_b"),
        ('y = ConvTranspose (x, w) <auto_pad = "SAME_LOWER">', "ic4_oc6_k3x2_c1.1x1.0"),
        ("%y = ConvTranspose[dilations = [2, 1]](%x, %w)", "ic4_oc6_k3x2_d2x1"),
        (
            "%y : Float(1, 6, 7, 7, strides=[294, 49, 7, 1], requires_grad=0, device=cpu) = "
            "onnx::ConvTranspose[dilations=[1, 1], group=1, kernel_shape=[3, 2], "
            'pads=[1, 0, 1, 0], strides=[1, 1], onnx_name="/up/ConvTranspose"](%x, %up.weight, '
            "%up.bias), scope: up # net.py:3:0",
            "ic4_oc6_k3x2_c1.1x0.0_b",
        ),
        ('input: "x"\ninput: "w"\noutput: "y"\nop_type: "ConvTranspose"', "ic4_oc6_k3x2"),
    ],
)
def test_a_node_alone(text: str, descriptor: str) -> None:
    found = read(text, input=SHAPE, weight=WEIGHT)
    assert (found.operator.descriptor, found.name) == (descriptor, "y")
    assert found.framework == "onnxruntime"


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("y = ConvTranspose <strides = [2, 2> (x, w)", "a comma or ] is expected here."),
        ("y = ConvTranspose <strides = [2, 2]> (x; w)", "a comma or a closing bracket"),
        ("y = ConvTranspose <strides = [2, 2] pads> (x, w)", "a comma or > is expected here."),
        ("y = ConvTranspose <strides = ?> (x, w)", "a value is expected here."),
        ('op_type: "ConvTranspose"\nattribute {', "ends in the middle of a message"),
    ],
)
def test_a_text_that_ends_or_breaks_off_is_refused_with_its_place(text: str, fact: str) -> None:
    with pytest.raises(SnippetError) as refused:
        read(text, input=SHAPE, weight=WEIGHT)
    assert fact in str(refused.value)
    assert refused.value.place is not None


SETTINGS: list[dict[str, Any]] = [
    {},
    {"strides": [2, 3], "pads": [1, 0, 0, 2], "output_padding": [1, 2]},
    {"strides": [2, 1], "dilations": [1, 2], "group": 2},
    {"strides": [3, 2], "output_shape": [15, 11], "auto_pad": "SAME_UPPER"},
    {"auto_pad": "SAME_LOWER", "kernel_shape": [3, 2]},
]


@pytest.mark.parametrize("attributes", SETTINGS, ids=str)
@pytest.mark.parametrize("has_bias", [False, True])
def test_what_onnx_prints_of_a_model_is_the_model(
    attributes: dict[str, Any], has_bias: bool, tmp_path: Path
) -> None:
    onnx: Any = pytest.importorskip("onnx")
    arrays = {"w": np.zeros((4, 6, 3, 2), "float32")}
    if has_bias:
        arrays["b"] = np.zeros(6 * attributes.get("group", 1), "float32")
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("ConvTranspose", ["x", *arrays], ["y"], **attributes)],
        "g",
        [info("x", onnx.TensorProto.FLOAT, ["n", 4, 5, 6])],
        [info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = onnx.helper.make_model(graph)
    onnx.save(model, tmp_path / "net.onnx")
    (look,) = read_model(tmp_path / "net.onnx", "net.onnx")
    assert isinstance(look, LookUp)
    del model.graph.initializer[:]
    model.graph.input.extend(
        info(name, onnx.TensorProto.FLOAT, array.shape) for name, array in arrays.items()
    )
    wanted = (look.reading.operator, SHAPE)
    with pytest.deprecated_call():
        printed = onnx.helper.printable_graph(model.graph)
    for text in (onnx.printer.to_text(model), printed, str(model), str(model.graph)):
        found = read(text)
        assert (found.operator, found.input) == wanted, text


def test_a_graph_with_code_around_it_is_read_as_code() -> None:
    text = (
        'graph = "y = ConvTranspose <strides = [2, 2]> (x, w)"\n'
        "up = nn.ConvTranspose2d(8, 4, 3)  # onnx::ConvTranspose[strides=[2, 2]](%x, %w)"
    )
    assert read(text).framework == "pytorch"


def test_what_describes_a_graph_in_another_function_is_found() -> None:
    text = f"""
def build():
    node = {NODE.format("")}
    return helper.make_graph([node], "g", inputs(), [], [])

def inputs():
    return [helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 6, 3, 2])]
"""
    assert read(text).operator == operator()
