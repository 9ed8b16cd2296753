"""Values that the text does not hold: what they do not decide is answered, with a note."""

from __future__ import annotations

import pytest

from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

ASSUMED = {
    "nn.ConvTranspose2d(6, 4, 3, bias=use_bias)": ("bias is use_bias", "True", "_b"),
    "nn.ConvTranspose2d(6, 4, 3, bias=not (norm or False))": ("bias is", "True", "_b"),
    "nn.ConvTranspose2d(6, 4, 3, padding_mode=mode)": ("padding_mode is mode", "'zeros'", "_b"),
    "L.Deconvolution2D(6, 4, 3, nobias=not bias)": ("nobias is not bias", "False", "_b"),
    "mx.gluon.nn.Conv2DTranspose(4, 3, use_bias=b)": ("use_bias is b", "True", "_b"),
    "mx.gluon.nn.Conv2DTranspose(4, 3, layout=order)": ("layout is order", "'NCHW'", "_b"),
    "mx.nd.Deconvolution(x, w, kernel=(3, 3), num_filter=4, layout=order)": (
        "layout is order",
        "None",
        "",
    ),
    "layers.Conv2DTranspose(4, 3, use_bias=b)": ("use_bias is b", "True", "_b"),
    "layers.Conv2DTranspose(4, 3, data_format=fmt)": ("data_format is fmt", "None", "_b"),
    "tf.layers.conv2d_transpose(x, 4, 3, data_format=fmt)": (
        "data_format is fmt",
        "'channels_last'",
        "_b",
    ),
    "tf.nn.conv2d_transpose(x, w, (1, 10, 10, 4), 1, 'VALID', data_format=fmt)": (
        "data_format is fmt",
        "'NHWC'",
        "",
    ),
}


@pytest.mark.parametrize(("text", "expected"), ASSUMED.items(), ids=ASSUMED)
def test_what_does_not_matter_is_assumed_with_a_note(
    text: str, expected: tuple[str, str, str]
) -> None:
    beginning, default, bias = expected
    found = read(text, input=(1, 6, 8, 8), weight=(6, 4, 3, 3))
    assert found.operator.descriptor == f"ic6_oc4_k3x3{bias}"
    end = f"whose value the text does not hold: taken for {default}, its default."
    assert any(note.startswith(beginning) and note.endswith(end) for note in found.notes)


@pytest.mark.parametrize("given", ["stride=s", "groups=g", "padding=p", "output_padding=o"])
def test_what_matters_is_asked_for(given: str) -> None:
    with pytest.raises(SnippetError, match="whose value the text does not hold: write the number"):
        read(f"nn.ConvTranspose2d(6, 4, 3, {given})")


def test_a_name_stands_for_the_size_that_a_shape_has_elsewhere_in_the_call_too() -> None:
    depthwise = read("nn.ConvTranspose2d(c, c, k, k // 2, groups=c)", weight=(6, 1, 4, 4))
    assert depthwise.operator.descriptor == "ic6_oc6_k4x4_s2x2_g6_b"
    by_input = read("nn.ConvTranspose2d(c, 2 * c, 3, groups=c)", input=(1, 6, 8, 8))
    assert by_input.operator.descriptor == "ic6_oc12_k3x3_g6_b"
    with pytest.raises(SnippetError, match="stride is 'k // 2', whose value"):
        read("nn.ConvTranspose2d(6, 4, k, k // 2)", weight=(6, 4, 3, 4))
