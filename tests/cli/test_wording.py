"""How the terminal words what an error asks for."""

from __future__ import annotations

import pytest
from command_line import every_option

from harness.cli.wording import in_options
from harness.core.errors import Ask, InputError, Mention
from harness.lookup.answer import look_up
from harness.lookup.reading import read


@pytest.mark.parametrize("ask", Ask)
def test_every_input_is_an_option(ask: Ask) -> None:
    assert in_options(Mention(ask)) in every_option()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Conv2DTranspose(32, 3, strides=2)",
         "the text leaves in_channels open: add --input 1,64,16,16 with your input's shape, "
         "(n, c_in, height, width)."),
        ("tf.nn.conv2d_transpose(x, w, [2, 4, 5, 7], 1)",
         "the text leaves in_channels and kernel open: add --weight 64,7,4,4 with your weights'"),
        ("L.Deconvolution2D(4, 3, 3, 2, outsize=(8, 8))",
         "depends on the input's: add --input 1,64,16,16 with your input's shape, (n, c_in, h"),
        ("F.deconvolution_2d(x, W, outsize=(8, 8))", "open: add --weight 64,32,4,4 with your wei"),
    ],
)  # fmt: skip
def test_an_error_names_options(text: str, printed: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert printed in caught.value.worded(in_options)


def test_a_name_of_two_frameworks_names_options() -> None:
    with pytest.raises(InputError) as caught:
        read("Conv2DTranspose(32, 2, strides=3)", input=(1, 64, 5, 5))
    assert "in 2 frameworks: add --from mxnet or --from tensorflow, or paste" in (
        caught.value.worded(in_options)
    )
    assert (caught.value.asks, caught.value.example) == (Ask.FRAMEWORK, "mxnet")


def test_another_frameworks_call_names_options() -> None:
    with pytest.raises(InputError) as caught:
        read("nn.ConvTranspose2d(1, 2, 3)", "mxnet")
    assert caught.value.worded(in_options) == (
        "this is a call of PyTorch, not of MXNet: leave --from out, or give --from pytorch."
    )


def test_a_note_about_the_output_names_options() -> None:
    text = "y = nn.ConvTranspose2d(4, 6, 3, stride=2)(x)\ny = y[:, :, -3:, :]"
    notes = look_up(text).worded(in_options).reading.notes
    assert any(
        "at an index counted from the other end: add --input with your input's shape" in note
        for note in notes
    )


def test_notes_and_problems_name_options() -> None:
    text = "transposedConv2dLayer(4, 2, 'NumChannels', 3, 'WeightLearnRateFactor', 2)"
    answer = look_up(text, to=["benchdnn"]).worded(in_options).to_json()
    assert (
        "The text says how the layer is trained: --style layer writes that too."
        in (answer["notes"])
    )
    assert answer["benchdnn"]["reason"] == (
        "a problem holds the sizes: add --input with your input's shape, channels first."
    )
