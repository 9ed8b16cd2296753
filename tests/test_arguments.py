"""Arguments completed by what stands around a call, where the two do not fit together."""

from __future__ import annotations

import pytest

from harness import parse
from harness.snippet import read
from harness.syntax.tree import SnippetError

DILATED = "w_ = np.zeros({shape})\nw_[{taps}] = w\n{call}"
TWO_AXES = {"shape": "(4, 6, 5, 5)", "input": (1, 4, 8, 8)}
ONE_AXIS = {"shape": "(4, 6, 5)", "input": (1, 4, 8)}
MXNET = "mx.nd.Deconvolution(x, mx.nd.array(w_), kernel=(5, 5), num_filter=6)"


@pytest.mark.parametrize(
    ("array", "taps", "call", "message"),
    [
        (TWO_AXES, ":, :, ::2", MXNET, r"on 1 spatial axes, with steps \[2\]; .* \[5, 5\] has 2: "),
        (
            TWO_AXES,
            ":, :, ::2",
            "F.conv_transpose2d(x, w_)",
            r"with steps \[2\]; the kernel \[5, 5",
        ),
        (
            ONE_AXIS,
            ":, :, ::2, ::2",
            "F.conv_transpose1d(x, w_)",
            r"steps \[2, 2\]; the kernel \[5\]",
        ),
    ],
)
def test_zeros_written_on_other_axes_than_the_kernel_has_are_refused(
    array: dict[str, object], taps: str, call: str, message: str
) -> None:
    text = DILATED.format(shape=array["shape"], taps=taps, call=call)
    with pytest.raises(SnippetError, match=message):
        parse(text, input=array["input"])  # type: ignore[arg-type]


def test_zeros_written_on_every_axis_are_the_dilation() -> None:
    text = DILATED.format(shape="(4, 6, 5, 3)", taps=":, :, ::2, ::1", call=MXNET)
    operator = parse(text.replace("(5, 5)", "(5, 3)"), input=(1, 4, 8, 8))
    assert (operator.kernel, operator.dilation) == ((3, 3), (2, 1))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("L.Deconvolution2D(4, 6, 3, initialW=np.ones((3, 6, 3, 3)))", "in_channels is 4"),
        (
            "mx.nd.Deconvolution(x, mx.nd.ones((4, 5, 3, 3)), kernel=(3, 3), num_filter=6)",
            "out_channels is 6",
        ),
    ],
)
def test_call_and_weights_that_disagree_are_told_apart(text: str, who: str) -> None:
    with pytest.raises(SnippetError, match=f"{who} in the text and . in the text's weights"):
        read(text)


@pytest.mark.parametrize(
    ("size", "offered"),
    [
        ("n", "write n = ... above it"),
        ("2 * n + m", "write n = ... and m = ... above it"),
        ("3j", None),
        ("j", None),
        ("Inf", None),
        ("None", None),
        ("a if b else c", None),
        ("n or 3", None),
        ("not n", None),
    ],
)
def test_lines_above_are_offered_for_variables_only(size: str, offered: str | None) -> None:
    with pytest.raises(SnippetError, match="leaves in_channels open: add --input") as caught:
        read(f"nn.ConvTranspose2d({size}, 4, 3)", "pytorch")
    assert ("above it" in str(caught.value)) == (offered is not None)
    assert (offered or "") in str(caught.value)


def test_what_a_call_computes_is_taken_from_the_weights_and_said() -> None:
    text = "layers.Conv2DTranspose(6, size(net), strides=2)"
    found = read(text, "tensorflow", weight=(4, 6, 3, 2))
    assert found.operator.kernel == (3, 2)
    assert found.notes == (
        "the call size(...) is not computed here: its value is that of --weight.",
    )
