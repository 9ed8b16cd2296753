"""Caffe's nets, new and old: each Deconvolution, with the channels that go into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model

DATA = 'input: "data" input_dim: 1 input_dim: 4 input_dim: 5 input_dim: 6\n'


def read(folder: Path, text: str) -> list[Any]:
    path = folder / "net.prototxt"
    path.write_text(text)
    assert is_model(path)
    return read_model(path, "net.prototxt", ["pytorch"])


def layer(kind: str, bottom: str, top: str, more: str = "", name: str = "") -> str:
    return (
        f'layer {{ name: "{name or top}" type: "{kind}" bottom: "{bottom}" top: "{top}" {more} }}\n'
    )


def up(settings: str, bottom: str = "data") -> str:
    return layer("Deconvolution", bottom, "up", f"convolution_param {{ {settings} }}")


@pytest.mark.parametrize(
    ("settings", "operator"),
    [
        (
            "num_output: 6 kernel_size: 3 stride: 2 pad: 1",
            Operator.of(4, 6, (3, 3), stride=2, crop=1),
        ),
        (
            "num_output: 6 kernel_h: 3 kernel_w: 5 stride_h: 2 stride_w: 3 pad_h: 1 pad_w: 2",
            Operator.of(4, 6, (3, 5), stride=(2, 3), crop=(1, 2)),
        ),
        (
            "num_output: 6 kernel_size: 3 kernel_size: 5 stride: [2, 3] dilation: 2 group: 2",
            Operator.of(4, 6, (3, 5), stride=(2, 3), dilation=2, groups=2),
        ),
        (
            "num_output: 4 kernel_size: 4 bias_term: false engine: CAFFE group: 4",
            Operator.of(4, 4, (4, 4), groups=4, bias=False),
        ),
        (
            "num_output: 2 kernel_size: [1, 2, 3]",
            Operator.of(4, 2, (1, 2, 3)),
        ),
    ],
)
def test_settings_are_by_axis_or_for_all(settings: str, operator: Operator, tmp_path: Path) -> None:
    (look,) = read(tmp_path, DATA + up(settings))
    assert isinstance(look, LookUp), look
    assert (look.reading.name, look.reading.operator) == ("up", operator)


def test_old_layers_have_names_in_capitals(tmp_path: Path) -> None:
    text = """
        input: 'data'
        input_shape { dim: 1 dim: 4 dim: 5 dim: 6 dim: 7 }
        layers <
          bottom: 'data'; top: 'up'; name: 'up' type: DECONVOLUTION  # blobs follow
          blobs_lr: 1 blobs_lr: 2
          convolution_param < num_output: 6, kernel_size: 3 >
        >
    """
    (look,) = read(tmp_path, text)
    assert look.reading.operator == Operator.of(4, 6, (3, 3, 3))


@pytest.mark.parametrize(
    ("before", "channels"),
    [
        (layer("ReLU", "data", "x") + layer("Dropout", "x", "x"), 4),
        (layer("Convolution", "data", "x", "convolution_param { num_output: 9 }"), 9),
        (layer("InnerProduct", "data", "x", "inner_product_param { num_output: 7 }"), 7),
        (layer("Concat", "data", "x", 'bottom: "data"'), 8),
        (layer("Input", "none", "x", "input_param { shape { dim: 1 dim: 5 dim: 2 dim: 2 } }"), 5),
    ],
)
def test_channels_come_through_the_net(before: str, channels: int, tmp_path: Path) -> None:
    (look,) = read(tmp_path, DATA + before + up("num_output: 1 kernel_size: 2", "x"))
    assert look.reading.operator.in_channels == channels


@pytest.mark.parametrize(
    "before",
    [
        layer("Reshape", "data", "x"),
        layer("Concat", "data", "x", 'bottom: "data" concat_param { axis: 2 }'),
        layer("Concat", "data", "x", 'bottom: "unknown"'),
    ],
)
def test_channels_that_are_not_known_stay_a_name(before: str, tmp_path: Path) -> None:
    (look,) = read(tmp_path, DATA + before + up("num_output: 6 kernel_size: 2", "x"))
    assert look.names == ("in_channels",)


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ("kernel_size: 3", "Deconvolution needs num_output: output channels."),
        ("num_output: 6", "kernel [0, 0] must be at least 1 on every axis."),
        ("num_output: 6 kernel_size: 3 kernel_h: 3", "kernel_size, kernel_h and kernel_w: either"),
        ("num_output: 6 kernel_h: 3", "kernel_size, kernel_h and kernel_w: either the first, or"),
        ("num_output: 6 kernel_size: 3 stride: [1, 2, 3]", "stride [1, 2, 3] has 3 numbers;"),
        ("num_output: 6 kernel_size: 3 axis: 2", "axis is 2; only 1, the second one, is read."),
        ("num_output: 6 num_output: 5 kernel_size: 3", "num_output has 2 values; there must be"),
        ("num_output: 6 kernel_size: 3 bias_term: 2", "bias_term must be true or false."),
        ("num_output: 6 kernel_size: x", "kernel_size must be an integer, found 'x'."),
    ],
)
def test_what_is_illegal_is_refused(settings: str, fact: str, tmp_path: Path) -> None:
    (refused,) = read(tmp_path, DATA + up(settings))
    assert isinstance(refused, NodeError)
    assert str(refused).startswith(f"up: {fact}")


def test_layers_that_are_like_one_are_refused(tmp_path: Path) -> None:
    (refused,) = read(tmp_path, DATA + layer("DeconvolutionDepthwise", "data", "up"))
    assert str(refused) == "up: DeconvolutionDepthwise is no layer of Caffe's that is read here."


def test_an_error_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, 'name: "n"\nlayer { pad: = }')
    assert str(caught.value).startswith("line 2, column 14: net.prototxt: '=' is not expected")
    with pytest.raises(InputError, match="the text ends in the middle of a message"):
        read(tmp_path, "layer { pad: 3")


def test_a_solver_is_no_net(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "train.prototxt"\nbase_lr: 1e-3 # layer\nsolver_mode: GPU\n')
    assert not is_model(path)
