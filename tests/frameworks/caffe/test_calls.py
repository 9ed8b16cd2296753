"""What Caffe's ``Deconvolution`` means: in pycaffe's words, and in a part of a net."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.convention.registry import render
from harness.core.operators import Operator, operator_from_words
from harness.core.program import Program, Unsupported
from harness.lookup.every import look_up_texts
from harness.lookup.models import read_model
from harness.lookup.reading import find_every, read
from harness.syntax.tree import SnippetError

CALL = "n.up = L.Deconvolution(n.data, convolution_param=dict({}))"
LEAST = "num_output=6, kernel_size=3"

SETTINGS = {
    LEAST: "ic4_oc6_k3x3_b",
    "num_output=6, kernel_size=[3, 2], stride=[2, 3], pad=[1, 0]": "ic4_oc6_k3x2_s2x3_c1.1x0.0_b",
    "num_output=6, kernel_h=3, kernel_w=2, stride_h=2, stride_w=3": "ic4_oc6_k3x2_s2x3_b",
    "num_output=6, kernel_size=3, pad_h=1, pad_w=0, dilation=2": "ic4_oc6_k3x3_d2x2_c1.1x0.0_b",
    "num_output=6, kernel_size=3, group=2, bias_term=False": "ic4_oc6_k3x3_g2",
    "num_output=6, kernel_size=[1, 2, 3]": "ic4_oc6_k1x2x3_b",
}


@pytest.mark.parametrize(("settings", "descriptor"), SETTINGS.items())
def test_settings_in_pycaffe(settings: str, descriptor: str) -> None:
    operator = operator_from_words(descriptor.split("_"))
    result = read(CALL.format(settings), weight=operator.weight_shape)
    assert (result.framework, result.operator, result.notes) == ("caffe", operator, ())


# FCN's, in https://github.com/shelhamer/fcn.berkeleyvision.org: a text of several lines.
FCN = """
import caffe
from caffe import layers as L, params as P
def fcn(split):
    n = caffe.NetSpec()
    n.upscore = L.Deconvolution(n.score_fr,
        convolution_param=dict(num_output=21, kernel_size=64, stride=32, bias_term=False),
        param=[dict(lr_mult=0)])
    n.score = crop(n.upscore, n.data)
    return n.to_proto()
"""
BILINEAR = """
from caffe import layers as L
factor = 2
setting = dict(kernel_size=2 * factor - factor % 2, stride=factor, num_output=8, group=8,
               pad=1, weight_filler=dict(type="bilinear"), bias_term=False)
data = L.Input(shape=[dict(dim=[1, 8, 16, 20])])
up = L.Deconvolution(data, convolution_param=setting, param={"lr_mult": 0})
"""


def test_real_texts_of_pycaffe() -> None:
    fcn = read(FCN, weight=(21, 21, 64, 64))
    assert fcn.operator.descriptor == "ic21_oc21_k64x64_s32x32"
    assert fcn.notes == (
        "param: how w and b are trained; not part of the operator.",
        "What the text does with the output is not in the answer: crop is not read here.",
    )
    bilinear = read(BILINEAR)
    assert bilinear.operator.descriptor == "ic8_oc8_k4x4_s2x2_c1.1x1.1_g8"
    assert bilinear.input == (1, 8, 16, 20)


def test_a_call_of_mxnet_is_still_mxnets() -> None:
    text = "# as in caffe\nimport mxnet as mx\nup = mx.sym.Deconvolution(data, num_filter=6, {})"
    result = read(text.format("kernel=(3, 3)"), input=(1, 4, 8, 8))
    assert result.framework == "mxnet"


NET = """\
name: "net"
input: "data" input_shape { dim: 1 dim: 4 dim: 9 dim: 9 }
layer { name: "up" type: "Deconvolution" bottom: "data" top: "up"
  convolution_param { num_output: 6 kernel_size: 3 stride: 2 } }
layer { name: "relu" type: "ReLU" bottom: "up" top: "up" }
layer {
  name: "up2" type: 'Deconvolution' bottom: "up" top: "up2"
  param { lr_mult: 0 }
  convolution_param { num_output: 2 kernel_h: 4 kernel_w: 3 pad: 1 bias_term: false }
}
"""


def test_a_pasted_net_is_read_as_its_file_is(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    wanted = ["ic4_oc6_k3x3_s2x2_b", "ic6_oc2_k4x3_c1.1x1.1"]
    for looks in (look_up_texts([NET], to=["numpy"]), read_model(path, "net.prototxt", ["numpy"])):
        assert [each.reading.operator.descriptor for each in looks] == wanted  # type: ignore[union-attr]
        assert {each.reading.framework for each in looks} == {"caffe"}  # type: ignore[union-attr]
    assert [found.site.line for found in find_every(NET) if not isinstance(found, Exception)] == [
        3,
        7,
    ]


def test_a_layer_alone_leaves_its_input_open() -> None:
    text = 'layer { type: "Deconvolution" convolution_param { num_output: 6 kernel_size: 3 } }'
    (look,) = look_up_texts([text], to=["numpy"])
    assert look.names == ("in_channels",)  # type: ignore[union-attr]
    assert read(text, input=(1, 4, 5, 5)).operator == Operator.of(4, 6, (3, 3))
    # One number serves as many axes as the input has.
    assert read(text, input=(1, 4, 5, 5, 5)).operator.rank == 3


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("L.Deconvolution(x, num_output=6, kernel_size=3)", "only in convolution_param=dict"),
        (CALL.format(f"{LEAST}, pad=-1"), "pad .-1, -1. must be at least 0"),
        (CALL.format(f"{LEAST}, output_padding=1"), "has no setting output_padding"),
        (CALL.format(f"{LEAST}, bias_term=2"), "bias_term must be true or false"),
        ("L.Deconvolution(x, convolution_param=p)", "is p, whose settings the text does not hold"),
        ("L.Deconvolution(x)", "needs convolution_param"),
        ('layer { type: "Deconvolution" convolution_param { pads: 1 } }', "no parameter 'pads'"),
        ('layer { type: "Deconvolution" convolution_param {', "ends in the middle of a message"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, weight=(4, 6, 3, 3))


LAYER = """\
layer {
  name: "y"
  type: "Deconvolution"
  bottom: "x"
  top: "y"
  convolution_param {
    num_output: 6
    kernel_size: 3
    kernel_size: 2
    stride: 2
    pad: 1
    dilation: 2
    group: 2
    bias_term: false
  }
}"""


def test_as_a_layer_a_nets_text_is_written() -> None:
    operator = Operator.of(4, 6, (3, 2), stride=2, crop=1, dilation=2, groups=2, bias=False)
    written = render(operator, "caffe", style="layer")
    assert isinstance(written, Program)
    assert (written.call, written.language) == (LAYER, "prototxt")
    odd = Operator.of(4, 6, (3,), crop=((1, 0),))
    refused = render(odd, "caffe", style="layer")
    assert isinstance(refused, Unsupported)
    assert "crop ((1, 0),) takes a layer Crop" in refused.reason
    (look,) = look_up_texts(["nn.ConvTranspose2d(4, c, 3)"], to=["caffe"], style="layer")
    assert "holds numbers, and no names" in str(look.translations[0].answer.reason)  # type: ignore[union-attr]


def test_what_a_pad_cannot_say_is_a_slice() -> None:
    written = render(Operator.of(4, 6, (3, 3), stride=2, crop=((1, 0), (0, -1))), "caffe")
    assert isinstance(written, Program)
    assert written.call == (
        "spec.y = L.Deconvolution(spec.x, convolution_param="
        "dict(num_output=6, kernel_size=3, stride=2, bias_term=False))\n"
        'y_ = np.array(net.forward(x=x)["y"])\n'
        "y_ = np.pad(y_, [(0, 0), (0, 0), (0, 0), (0, 1)])\n"
        "y_ = y_[:, :, 1:, :]\n"
        "y_ = y_ + b.reshape((-1, 1, 1))"
    )
    assert written.reason
