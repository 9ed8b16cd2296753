"""OpenVINO's models: files, and parts of them as text."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reality
from reality import Job

import impl
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

DATA = 'strides="2, 3" pads_begin="1, 0" pads_end="2, 0" dilations="1, 2" auto_pad="explicit"'


def ports(*shapes: tuple[int, ...]) -> str:
    dims = ("".join(f"<dim>{size}</dim>" for size in shape) for shape in shapes)
    return "".join(f'<port id="{place}">{each}</port>' for place, each in enumerate(dims))


def layer(
    kind: str = "ConvolutionBackpropData",
    *inputs: tuple[int, ...],
    data: str = DATA,
    identity: str = "2",
    output: tuple[int, ...] = (),
) -> str:
    return (
        f'<layer id="{identity}" name="{kind} {identity}" type="{kind}" version="opset1">'
        f"<data {data}/><input>{ports(*inputs)}</input><output>{ports(output)}</output></layer>"
    )


X, W, GROUPED = (-1, 4, 5, 7), (4, 6, 3, 2), (2, 2, 6, 3, 2)
PLAIN = Operator.of(4, 6, (3, 2), stride=(2, 3), dilation=(1, 2), crop=((1, 2), (0, 0)), bias=False)


def net(*layers: str, edges: tuple[tuple[int, int, int], ...] = ()) -> str:
    written = "".join(
        f'<edge from-layer="{a}" from-port="0" to-layer="{b}" to-port="{port}"/>'
        for a, b, port in edges
    )
    return (
        f'<?xml version="1.0"?>\n<net name="net" version="11"><layers>{"".join(layers)}</layers>'
        f"<edges>{written}</edges></net>"
    )


def answered(folder: Path, text: str) -> list[Any]:
    path = folder / "net.xml"
    path.write_text(text)
    assert is_model(path)
    return read_model(path, "net.xml", ["pytorch"])


def one(folder: Path, text: str) -> LookUp:
    (look,) = answered(folder, text)
    assert isinstance(look, LookUp), look
    return look


def test_a_layer_is_read_with_what_it_is_given(tmp_path: Path) -> None:
    look = one(tmp_path, net(layer("ConvolutionBackpropData", X, W)))
    assert look.reading.operator == PLAIN
    assert look.reading.input == (1, 4, 5, 7)
    assert (look.reading.name, look.reading.framework) == ("ConvolutionBackpropData 2", "openvino")


def test_groups_are_the_first_size_of_the_weights(tmp_path: Path) -> None:
    look = one(tmp_path, net(layer("GroupConvolutionBackpropData", X, GROUPED)))
    assert (look.reading.operator.groups, look.reading.operator.out_channels) == (2, 12)
    assert look.translations[0].weights.pattern == "G I O H W -> (G I) O H W"


CONSTANT = '<layer id="3" type="Const"><output>{}</output></layer>'
ADD = '<layer id="4" type="Add"/>'
CONVERT = '<layer id="5" type="Convert"/>'
OTHER = '<layer id="6" type="ReLU"/>'


@pytest.mark.parametrize(
    ("shape", "edges", "has_bias"),
    [
        ((1, 6, 1, 1), ((2, 4, 0), (3, 4, 1)), True),
        ((6, 1, 1), ((3, 4, 0), (2, 4, 1)), True),
        ((1, 6, 1, 1), ((2, 4, 0), (3, 5, 0), (5, 4, 1)), True),
        ((1, 6, 8, 1), ((2, 4, 0), (3, 4, 1)), False),  # Something for each row
        ((6,), ((2, 4, 0), (3, 4, 1)), False),  # For each column
        ((1, 1, 1, 1), ((2, 4, 0), (3, 4, 1)), False),  # One for all
        ((1, 6, 1, 1), ((2, 4, 0), (3, 4, 1), (2, 6, 0)), False),  # Used without it, too
        ((1, 6, 1, 1), ((2, 4, 0), (6, 4, 1)), False),
        ((1, 6, 1, 1), ((2, 6, 0), (3, 4, 1)), False),
    ],
)
def test_a_constant_for_each_channel_that_is_added_is_the_bias(
    shape: tuple[int, ...],
    edges: tuple[tuple[int, int, int], ...],
    has_bias: bool,
    tmp_path: Path,
) -> None:
    layers = (
        layer("ConvolutionBackpropData", X, W, output=(-1, 6, 8, 21)),
        CONSTANT.format(ports(shape)),
        *(ADD, CONVERT, OTHER),
    )
    look = one(tmp_path, net(*layers, edges=edges))
    assert look.reading.operator.bias == has_bias


def test_an_output_shape_is_that_of_the_output(tmp_path: Path) -> None:
    data = 'strides="2,3" auto_pad="same_upper"'
    text = layer("ConvolutionBackpropData", X, W, (2,), data=data, output=(-1, 6, 8, 19))
    look = one(tmp_path, net(text))
    # 11 and 20 without a crop
    assert look.reading.operator.crop == ((2, 1), (1, 0))
    unknown = layer("ConvolutionBackpropData", X, W, (2,), data=data, output=(-1, 6, -1, -1))
    (error,) = answered(tmp_path, net(unknown))
    assert isinstance(error, NodeError)
    assert "output_shape is computed when the model runs" in str(error)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (net(layer())[:-9], "no whole XML"),
        (net(layer("Deconvolution")), "a layer of versions before 10"),
        (net(layer(data='strides="2,x"')), "must be numbers with commas between"),
        (f"<net><layers/>{'<x>' * 9}", "no whole XML"),
    ],
)
def test_what_is_no_whole_model_is_refused(text: str, fact: str, tmp_path: Path) -> None:
    path = tmp_path / "net.xml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_model(path, "net.xml", ["pytorch"])
    assert fact in str(caught.value)


def test_entities_are_refused_in_a_text() -> None:
    text = '<!DOCTYPE net [<!ENTITY a "bb">]>' + layer("ConvolutionBackpropData", X, W)
    with pytest.raises(SnippetError, match="no whole XML"):
        read(text)


def test_other_xml_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "pom.xml"
    path.write_text("<project/>")
    assert not is_model(path)


def test_a_layer_is_read_from_a_text() -> None:
    result = read(f"  {layer('ConvolutionBackpropData', X, W)}")
    assert (result.operator, result.framework) == (PLAIN, "openvino")
    alone = '<layer type="ConvolutionBackpropData"><data strides="2,2" pads_begin="1,0"/></layer>'
    wanted = Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (0, 0)), bias=False)
    assert read(alone, weight=W).operator == wanted


def test_an_error_is_where_the_layer_is() -> None:
    text = layer("ReLU") + "\n" + layer(data='strides="2,2" pads_begin="-1,0"')
    with pytest.raises(SnippetError) as caught:
        read(text, weight=W)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (2, 1)


# The real thing.

_MODEL = """
import openvino as ov, openvino.opset13 as ops, numpy as np
x_ = ops.parameter(x.shape, np.float32, name="x")
y_ = ops.convolution_backprop_data(x_, ops.constant(w), {options})
y_ = ops.add(y_, ops.constant(b.reshape(1, -1, 1, 1)))
model = ov.Model([y_], [x_], "net")
y = ov.compile_model(model, "CPU", {{"INFERENCE_PRECISION_HINT": "f32"}})(x)[0]
ov.save_model(model, "{path}", compress_to_fp16={half})
"""


@pytest.mark.frameworks
def test_saved_models_are_read_as_they_compute(tmp_path: Path) -> None:
    x, w = (
        (np.arange(np.prod(shape)) * 7 % 11 - 4).reshape(shape)
        for shape in ((1, 4, 5, 7), (4, 6, 3, 2))
    )
    b = np.arange(6)
    arrays = {"x": x.tolist(), "w": w.tolist(), "b": b.tolist()}
    jobs, paths = [], []
    words = itertools.product(("explicit", "same_upper", "same_lower", "valid"), (0, 1), (0, 1))
    for number, (auto_pad, more, sized) in enumerate(words):
        options = f"strides=[2, 3], pads_begin=[1, 0], pads_end=[0, 1], auto_pad={auto_pad!r}"
        options += f", output_padding=[0, {more}]" + ", output_shape=[8, 19]" * sized
        paths.append(tmp_path / f"{number}.xml")
        text = _MODEL.format(options=options, path=paths[-1], half=bool(number % 2))
        jobs.append(Job(text, ("y",), arrays))
    for path, real in zip(paths, reality.run("openvino", jobs), strict=True):
        (look,) = read_model(path, path.name, ["pytorch"])
        assert isinstance(look, LookUp), look
        operator = look.reading.operator
        assert operator.bias
        y = impl.conv_transpose(x, w, b, stride=operator.stride, crop=operator.crop)
        assert real["y"] == np.asarray(y).tolist(), path.read_text()
