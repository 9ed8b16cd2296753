"""What pages print of a form is read as its defaults; a call that passes on others' is refused."""

from __future__ import annotations

import re

import pytest

from harness.convention.registry import UnknownFrameworkError, convention
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

CHAINER = "x, W, b=None, stride=1, pad=0, outsize=None, *, dilate=1, groups=1"
OF_LINK = "in_channels, out_channels, ksize=None, stride=1, pad=0, nobias=False, outsize=None"
MXNET = (
    "data=None, weight=None, bias=None, kernel=_Null, stride=_Null, dilate=_Null, pad=_Null, "
    "adj=_Null, target_shape=_Null, num_filter=_Null, num_group=_Null, workspace=_Null, "
    "no_bias=_Null, cudnn_tune=_Null, cudnn_off=_Null, layout=_Null, out=None, name=None, **kwargs"
)
GLUON = (
    "channels, kernel_size, strides=(1, 1), padding=(0, 0), output_padding=(0, 0), "
    "dilation=(1, 1), groups=1, layout='NCHW', activation=None, use_bias=True, "
    "weight_initializer=None, bias_initializer='zeros', in_channels=0, **kwargs"
)
PYTORCH = (
    "in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, "
    "bias=True, dilation=1, padding_mode='zeros', device=None, dtype=None"
)
PADDLE = (
    "in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, "
    "dilation=1, weight_attr=None, bias_attr=None, data_format='NCHW'"
)
KERAS = (
    "\n    filters,\n    kernel_size,\n    strides=(1, 1),\n    padding='valid',\n"
    "    output_padding=None,\n    data_format=None,\n    use_bias=True,\n    **kwargs\n"
)


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        (f"chainer.functions.deconvolution_2d({CHAINER})", "ic4_oc6_k3x3"),
        (f"chainer.functions.deconvolution_2d({CHAINER})[source]¶", "ic4_oc6_k3x3"),
        (
            f"class chainer.links.Deconvolution2D({OF_LINK}, initialW=None, initial_bias=None, *, "
            "dilate=1, groups=1)[source]",
            "ic4_oc6_k3x3_b",
        ),
        (
            "chainer.functions.deconvolution_2d(\n  x,\n  W,\n  b=None,\n  *,\n  groups=1\n)",
            "ic4_oc6_k3x3",
        ),
        (f"mxnet.ndarray.Deconvolution({MXNET})", "ic4_oc6_k3x3"),
        (f"mxnet.symbol.Deconvolution({MXNET})[source]¶", "ic4_oc6_k3x3"),
        (f"class mxnet.gluon.nn.Conv2DTranspose({GLUON})", "ic4_oc6_k3x3_b"),
        (f"class torch.nn.ConvTranspose2d({PYTORCH})", "ic4_oc6_k3x3_b"),
        (
            "torch.nn.functional.conv_transpose2d(input, weight, bias=None, stride=1) → Tensor",
            "ic4_oc6_k3x3",
        ),
        (f"class paddle.nn.Conv2DTranspose({PADDLE})", "ic4_oc6_k3x3_b"),
        (
            "paddle.nn.functional.conv2d_transpose(x, weight, bias=None, stride=1, padding=0, "
            "output_padding=0, dilation=1, groups=1, output_size=None, data_format='NCHW', "
            "name=None)",
            "ic4_oc6_k3x3",
        ),
        (f"keras.layers.Conv2DTranspose({KERAS})", "ic4_oc6_k3x3_b"),
    ],
)
def test_signature_is_read_with_its_defaults(text: str, descriptor: str) -> None:
    reading = read(text, input=(1, 4, 8, 8), weight=(4, 6, 3, 3))
    assert reading.operator.descriptor == descriptor
    assert "This is a signature, not a call: it is read with its defaults." in reading.notes


@pytest.mark.parametrize(
    "text",
    [
        "nn.ConvTranspose2d(in_channels, out_channels, kernel_size, **kwargs)",
        "nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride=2, **kwargs)",
        "nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride=stride, **kwargs)",
        "up = nn.ConvTranspose2d(in_channels, out_channels, kernel_size, bias=True, **kw)\nup(x)",
        "def up(in_channels, out_channels, kernel_size, **kwargs):\n"
        "    return nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride=1, **kwargs)",
        "nn.ConvTranspose2d(*args, stride=1, **kwargs)",
    ],
)
def test_call_that_passes_arguments_on_is_no_signature(text: str) -> None:
    with pytest.raises(SnippetError, match="holds arguments that the text does not show"):
        read(text, weight=(4, 6, 3, 3))


def test_index_of_an_output_is_no_link_of_a_page() -> None:
    reading = read("F.conv_transpose2d(x, w, stride=2)[source]", weight=(4, 6, 3, 3))
    assert any("[source] of the output" in note for note in reading.notes)


def test_star_of_a_definition_stays() -> None:
    text = (
        "def up(i, o=6, *, k):\n    return nn.ConvTranspose2d(i, o, k)\n"
        "layer = up(4, k=3)\nx = print(y, *, z)"
    )
    assert read(text, weight=(4, 6, 3, 3)).operator.kernel == (3, 3)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("tf_keras", "tensorflow"), ("tf", "tensorflow"), ("tf.keras", "tensorflow")),
        *(("Keras", "keras"), ("keras:jx", "keras:jax"), ("torch", "pytorch")),
        *(("gluon", "mxnet"), ("mx", "mxnet"), ("octave", "matlab"), ("pytroch", "pytorch")),
    ],
)
def test_other_names_of_a_framework_lead_to_it(name: str, meant: str) -> None:
    with pytest.raises(UnknownFrameworkError, match=f"Did you mean '{meant}'"):
        convention(name)


LAYER = "Conv2DTranspose(32, 3, strides=2, padding='same'{})"


@pytest.mark.parametrize(
    "text",
    [
        LAYER.format(", input_shape=(8, 8, 64)"),
        "nn.Conv2DTranspose(32, 3, layout='NHWC', in_channels=64)",
    ],
)
def test_shape_of_the_input_in_the_texts_layout_gets_a_hint(text: str) -> None:
    message = (
        "in_channels is 64 in the text and 8 in input; they must agree. "
        "The input's shape has its channels second: give input 1,64,8,8."
    )
    with pytest.raises(SnippetError, match=re.escape(message)):
        read(text, input=(1, 8, 8, 64))


@pytest.mark.parametrize(
    ("text", "shape", "is_noted"),
    [
        (LAYER.format(""), (1, 8, 8, 64), True),
        (LAYER.format(""), (1, 64, 8, 8), False),
        (LAYER.format(""), (1, 8, 8, 8), False),
        (LAYER.format(", data_format='channels_first'"), (1, 8, 8, 64), False),
        ("nn.ConvTranspose2d(8, 4, 3)", (1, 8, 8, 64), False),
        ("Conv3DTranspose(32, 3)", (1, 8, 8, 8, 64), True),
    ],
)
def test_shape_that_looks_like_the_texts_layout_is_noted(
    text: str, shape: tuple[int, ...], is_noted: bool
) -> None:
    notes = [note for note in read(text, input=shape).notes if "channels second" in note]
    assert len(notes) == is_noted
    assert not notes or notes[0].endswith("If it has 64, give input 1,64,8,8.") or len(shape) == 5
