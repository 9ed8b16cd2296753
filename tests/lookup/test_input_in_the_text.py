"""The shape of the input, where the Python text shows how the array is made."""

from __future__ import annotations

import pytest

from harness.core.operators import Sizes
from harness.lookup.answer import look_up
from harness.syntax.tree import SnippetError

OUR = "n, c = 2, 6\nx = np.random.uniform(0, 1, (n, c, 5, 7)).astype(np.float32)\n"

SHOWN: dict[str, tuple[str, str, Sizes, Sizes]] = {
    "Chainer's own page": (
        "n, c_i, c_o = 10, 1, 3\nh_i, w_i = 5, 10\nh_k, w_k = 10, 10\nh_p, w_p = 5, 5\n"
        "x = np.random.uniform(0, 1, (n, c_i, h_i, w_i)).astype(np.float32)\n"
        "W = np.random.uniform(0, 1, (c_i, c_o, h_k, w_k)).astype(np.float32)\n"
        "b = np.random.uniform(0, 1, c_o).astype(np.float32)\ns_y, s_x = 5, 5\n"
        "y = F.deconvolution_2d(x, W, b, stride=(s_y, s_x), pad=(h_p, w_p))\ny.shape",
        "ic1_oc3_k10x10_s5x5_c5.5x5.5_b",
        (10, 1, 5, 10),
        (10, 3, 20, 45),
    ),
    "outsize": (
        f"{OUR}F.deconvolution_2d(x, np.ones((6, 4, 3, 3)), stride=2, outsize=(10, 14))",
        "ic6_oc4_k3x3_s2x2_c0.1x0.1",
        (2, 6, 5, 7),
        (2, 4, 10, 14),
    ),
    "a link with its channels left out": (
        f"{OUR}y = L.Deconvolution2D(None, 4, 3)(x)",
        "ic6_oc4_k3x3_b",
        (2, 6, 5, 7),
        (2, 4, 7, 9),
    ),
    "target_shape": (
        "x = mx.nd.zeros((2, 6, 5, 7))\n"
        "mx.nd.Deconvolution(x, w, kernel=(3, 3), num_filter=4, stride=(2, 2), "
        "target_shape=(10, 14))",
        "ic6_oc4_k3x3_s2x2_c1.0x1.0",
        (2, 6, 5, 7),
        (2, 4, 10, 14),
    ),
    "channels last": (
        "x = mx.nd.zeros((2, 5, 7, 6))\n"
        "mx.nd.Deconvolution(x, w, kernel=(3, 3), num_filter=4, layout='NHWC')",
        "ic6_oc4_k3x3",
        (2, 6, 5, 7),
        (2, 4, 7, 9),
    ),
    "Gluon": (
        "net = mx.gluon.nn.Conv2DTranspose(4, 3)\nnet(mx.nd.random.normal(shape=(2, 6, 5, 7)))",
        "ic6_oc4_k3x3_b",
        (2, 6, 5, 7),
        (2, 4, 7, 9),
    ),
    "a lazy layer": (
        "up = nn.LazyConvTranspose2d(4, 3)\ny = up(torch.randn(2, 6, 5, 7))",
        "ic6_oc4_k3x3_b",
        (2, 6, 5, 7),
        (2, 4, 7, 9),
    ),
    "output_size": (
        "x = torch.randn(2, 6, 5, 7)\nup = nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1)\n"
        "y = up(x, output_size=torch.Size([2, 4, 10, 14]))",
        "ic6_oc4_k3x3_s2x2_c1.0x1.0_b",
        (2, 6, 5, 7),
        (2, 4, 10, 14),
    ),
    "a function": (
        "F.conv_transpose2d(torch.randn(2, 6, 5, 7), torch.randn(6, 4, 3, 3))",
        "ic6_oc4_k3x3",
        (2, 6, 5, 7),
        (2, 4, 7, 9),
    ),
}


@pytest.mark.parametrize(("text", "descriptor", "shape", "output"), SHOWN.values(), ids=SHOWN)
def test_the_shape_of_the_input_is_used(
    text: str, descriptor: str, shape: Sizes, output: Sizes
) -> None:
    found = look_up(text, to=["numpy"])
    assert found.reading.operator.descriptor == descriptor
    assert (found.reading.input, found.output) == (shape, output)


def test_the_size_of_another_array_is_what_the_text_shows() -> None:
    text = (
        "input = torch.randn(1, 16, 12, 12)\ndown = nn.Conv2d(16, 16, 3, stride=2, padding=1)\n"
        "up = nn.ConvTranspose2d(16, 16, 3, stride=2, padding=1)\nh = down(input)\n"
        "output = up(h, output_size=input.size())"
    )
    assert look_up(text, to=["numpy"]).output == (1, 16, 12, 12)
    text = text.replace("nn.Conv2d", "my.layer")
    found = look_up(text, to=["numpy"], input=(1, 16, 6, 6))
    assert found.output == (1, 16, 12, 12)
    with pytest.raises(SnippetError, match="which depends on the input's"):
        look_up(text, to=["numpy"])


@pytest.mark.parametrize(
    "text",
    [
        "x = torch.randn(2, 6, 5, 7)\nx = f(x)\ny = nn.ConvTranspose2d(6, 4, 3)(x)",
        "x = torch.randn(n, 6, 5, 7)\ny = nn.ConvTranspose2d(6, 4, 3)(x)",
        "x = torch.randn(6, 5, 7)\ny = nn.ConvTranspose2d(6, 4, 3)(x)",
        "x = torch.randn(2, 6, 5, 7)\ndef f(x):\n  return nn.ConvTranspose2d(6, 4, 3)(x)",
        "x = torch.randn(2, 6, 5, 7)\nif a:\n  x = torch.randn(2, 6, 9, 9)\n"
        "y = nn.ConvTranspose2d(6, 4, 3)(x)",
    ],
)
def test_a_shape_that_is_not_certain_is_not_used(text: str) -> None:
    assert look_up(text, to=["numpy"]).reading.input is None


def test_the_users_shape_comes_first_and_another_layers_input_is_refused() -> None:
    text = "x = torch.randn(2, 6, 5, 7)\ny = nn.ConvTranspose2d({}, 4, 3)(x)"
    found = look_up(text.format(6), to=["numpy"], input=(1, 6, 9, 9))
    assert found.reading.input == (1, 6, 9, 9)
    with pytest.raises(SnippetError, match="in_channels is 8 in the text and 6 in its input"):
        look_up(text.format(8), to=["numpy"])
