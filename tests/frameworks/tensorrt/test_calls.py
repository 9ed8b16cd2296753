"""What ``add_deconvolution_nd`` means, with what is set on the layer, in people's code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.convention.registry import convention, render
from harness.core.operators import Operator, operator_from_words
from harness.core.program import Program, Unsupported
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

CALL = "layer = network.add_deconvolution_nd(x, 6, (3, 2), w, b)\n{}y = layer.get_output(0)"
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("", {"in_channels": 4, "out_channels": 6, "kernel": (3, 2), "bias": True}),
    ("layer.stride_nd = (2, 3)\n", {"stride": (2, 3)}),
    ("layer.stride = trt.DimsHW(2, 3)\n", {"stride": (2, 3)}),
    ("s = [2, 3]\nlayer.stride_nd = s\n", {"stride": (2, 3)}),
    ("layer.dilation_nd = (1, 2)\n", {"dilation": (1, 2)}),
    ("layer.num_groups = 2\n", {"groups": 2}),
    ("layer.padding_nd = (1, 0)\n", {"crop": ((1, 1), (0, 0))}),
    ("layer.padding = (1, 0)\n", {"crop": ((1, 1), (0, 0))}),
    ("layer.pre_padding = (1, 0)\n", {"crop": ((1, 0), (0, 0))}),
    # The last one that is set counts.
    ("layer.padding_nd = (1, 1)\nlayer.post_padding = (0, 2)\n", {"crop": ((1, 0), (1, 2))}),
    ("layer.post_padding = (0, 2)\nlayer.padding_nd = (1, 1)\n", {"crop": ((1, 1), (1, 1))}),
    ("layer.padding_mode = trt.PaddingMode.SAME_UPPER\n", {"crop": ((1, 1), (0, 1))}),
    ("layer.padding_mode = trt.PaddingMode.SAME_LOWER\n", {"crop": ((1, 1), (1, 0))}),
    (
        "layer.stride_nd = (4, 1)\nlayer.padding_mode = trt.PaddingMode.SAME_UPPER\n",
        {"crop": ((0, 0), (0, 1))},
    ),
    ("layer.padding_mode = trt.PaddingMode.EXPLICIT_ROUND_UP\n", {"crop": ((0, 0), (0, 0))}),
    # Another layer's.
    ("other.stride_nd = (2, 3)\n", {"stride": (1, 1)}),
]


@pytest.mark.parametrize(("lines", "fields"), SETTINGS)
def test_what_is_set_on_the_layer(lines: str, fields: dict[str, Any]) -> None:
    groups = fields.get("groups", 1)
    result = read(CALL.format(lines), input=IN, weight=(4, 6 // groups, 3, 2))
    assert (result.framework, result.notes) == ("tensorrt", ())
    assert {key: getattr(result.operator, key) for key in fields} == fields


def test_paddings_next_to_a_mode_have_no_effect() -> None:
    lines = "layer.padding_nd = (1, 1)\nlayer.padding_mode = trt.PaddingMode.SAME_UPPER\n"
    (note,) = read(CALL.format(lines), weight=WEIGHT).notes
    assert note == "padding_mode SAME_UPPER: the paddings that are set have no effect."


@pytest.mark.parametrize(
    ("bias", "is_there"),
    [("", False), (", None", False), (", trt.Weights()", False), (", trt.Weights(b)", True)],
)
def test_a_bias_may_be_empty(bias: str, is_there: bool) -> None:
    text = f"layer = network.add_deconvolution_nd(x, 6, (3, 2), w{bias})"
    assert read(text, weight=WEIGHT).operator.bias is is_there


TEXTS = {
    # Of torch2trt's converter, shortened.
    """
import tensorrt as trt
kernel_size, stride, padding = (4, 4), (2, 2), (1, 1)
layer = ctx.network.add_deconvolution(
    input=input_trt,
    num_output_maps=32,
    kernel_shape=kernel_size,
    kernel=np.zeros((64, 32, 4, 4), np.float32),
    bias=trt.Weights(b))
layer.stride = stride
layer.padding = padding
if groups is not None:
    layer.num_groups = 1
output._trt = layer.get_output(0)
""": "ic64_oc32_k4x4_s2x2_c1.1x1.1_b",
    # Of a builder of TensorRT's cookbook.
    """
import tensorrt as trt
builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
network = builder.create_network()
w = np.ones([4, 3, 3, 3], dtype=np.float32)
layer = network.add_deconvolution_nd(
    tensor, 6, [3, 3], trt.Weights(np.ascontiguousarray(w)), trt.Weights(b))
layer.num_groups = 2
layer.dilation_nd = [2, 2]
""": "ic4_oc6_k3x3_d2x2_g2_b",
    """
w = np.zeros((4, 8, 2, 2, 2))
deconv = default_trtnet().add_deconvolution_nd(x, 8, (2, 2, 2), trt.Weights(w))
deconv.stride_nd = (2, 2, 2)
""": "ic4_oc8_k2x2x2_s2x2x2",
}


@pytest.mark.parametrize("text", TEXTS)
def test_whole_text(text: str) -> None:
    result = read(text)
    assert (result.framework, result.operator.descriptor) == ("tensorrt", TEXTS[text])


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("network.add_deconvolution_nd(x, 6, (3,), w)", "TensorRT takes two or three numbers"),
        ("network.add_deconvolution_nd(x, 6, 3, w)", "TensorRT takes two or three numbers"),
        ("network.add_deconvolution_nd(x, 6, (3, 2))", "needs kernel"),
        (CALL.format("layer.pre_padding = (-1, 0)\n"), "must be at least 0"),
        (CALL.format("layer.padding_mode = mode\n"), "padding_mode must be one of"),
        (CALL.format("layer.num_groups = 3\n"), "out_channels is 6 in the text and 18 in"),
        ("network.add_deconvolution_nd(x, 6, (3, 2), w, b, (2, 2))", "at most 5 arguments"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, weight=WEIGHT)


WRITTEN = {
    "ic4_oc6_k3x2_s2x1_c1.0x0.2_g2_b": (
        "layer = network.add_deconvolution_nd(x_, 6, (3, 2), trt.Weights(w), trt.Weights(b))\n"
        "layer.stride_nd = (2, 1)\nlayer.pre_padding = (1, 0)\nlayer.post_padding = (0, 2)\n"
        "layer.num_groups = 2\ny_ = layer.get_output(0)"
    ),
    "ic4_oc6_k3x2_d1x2_c1.1x1.1": (
        "layer = network.add_deconvolution_nd(x_, 6, (3, 2), trt.Weights(w))\n"
        "layer.padding_nd = (1, 1)\nlayer.dilation_nd = (1, 2)\ny_ = layer.get_output(0)"
    ),
    # A zero of the dilated kernel reaches two elements beyond, of which one is cropped.
    "ic4_oc6_k3x2_d1x2_c1.-1x-1.1": (
        "w_padded = np.pad(w, [(0, 0), (0, 0), (0, 1), (1, 0)])\n"
        "layer = network.add_deconvolution_nd(x_, 6, (4, 3), trt.Weights(w_padded))\n"
        "layer.pre_padding = (1, 1)\nlayer.post_padding = (0, 1)\nlayer.dilation_nd = (1, 2)\n"
        "y_ = layer.get_output(0)"
    ),
}


@pytest.mark.parametrize(("descriptor", "lines"), WRITTEN.items())
def test_what_is_written(descriptor: str, lines: str) -> None:
    program = render(operator_from_words(descriptor.split("_")), "tensorrt")
    assert isinstance(program, Program)
    shown = program.call.rpartition("\n")[0]
    assert shown == lines
    assert program.support == ("rewritten" if "np.pad" in lines else "native")


@pytest.mark.parametrize(
    ("rank", "dtype", "why"), [(1, "float32", "a height of 1"), (2, "float64", "no float64")]
)
def test_what_it_does_not_take(rank: int, dtype: str, why: str) -> None:
    refused = render(Operator.of(1, 1, (3,) * rank), "tensorrt", dtype)
    assert isinstance(refused, Unsupported)
    assert why in refused.reason
    assert convention("tensorrt").is_text_only
