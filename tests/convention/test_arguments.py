"""Arguments completed by what stands around a call, where the two do not fit together."""

from __future__ import annotations

import pytest
from examples import wrong
from syntax_texts import first

from harness import parse
from harness.convention.values import shape_of
from harness.lookup.reading import read
from harness.syntax import python
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
    with pytest.raises(SnippetError, match="leaves in_channels open: add input") as caught:
        read(f"nn.ConvTranspose2d({size}, 4, 3)", "pytorch")
    assert ("above it" in str(caught.value)) == (offered is not None)
    assert (offered or "") in str(caught.value)


def test_what_a_call_computes_is_taken_from_the_weights_and_said() -> None:
    text = "layers.Conv2DTranspose(6, size(net), strides=2)"
    result = read(text, "tensorflow", weight=(4, 6, 3, 2))
    assert result.operator.kernel == (3, 2)
    assert result.notes == (
        "the call size(...) is not computed here: its value is that of weight.",
    )


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("nn.ConvTranspose2d(n, 4, 3)", "write n = ... above it"),
        ("n = count()\nnn.ConvTranspose2d(n, 4, 3)", "write n = ... above it"),
        ("[nn.ConvTranspose2d(n, 4, 3) for m in sizes]", "write n = ... above it"),
        ("def up(m):\n  return nn.ConvTranspose2d(n, 4, 3)", "write n = ... above it"),
        ("[nn.ConvTranspose2d(n, 4, 3) for n in sizes]", "write numbers in the call"),
        ("[nn.ConvTranspose2d(n, 4, 3) for m, (n, k) in sizes]", "write numbers in the call"),
        ("make = lambda n: nn.ConvTranspose2d(n, 4, 3)", "write numbers in the call"),
        ("for n in sizes:\n  nn.ConvTranspose2d(n, 4, 3)", "write numbers in the call"),
        ("def up(n):\n  return nn.ConvTranspose2d(n, 4, 3)", "write numbers in the call"),
        ("def up(n):\n  return nn.ConvTranspose2d(n * m, 4, 3)", "write numbers in the call"),
    ],
)
def test_a_line_above_is_offered_where_it_would_be_read(text: str, offered: str) -> None:
    with pytest.raises(SnippetError, match="leaves in_channels open: add input") as caught:
        read(text)
    assert f", or {offered}." in str(caught.value)


@pytest.mark.parametrize("extent", [8, 6])
def test_zeros_behind_the_last_tap_are_no_dilation(extent: int) -> None:
    text = f"w_ = torch.zeros(4, 6, {extent}, 7)\nw_[:, :, ::2, ::2] = w\n"
    with pytest.raises(SnippetError, match=rf"Write a kernel \[{extent - 1}, 7\], step \* "):
        read(f"{text}F.conv_transpose2d(x, w_)")


# A bias that may be None.

ADDED = {"pytorch": "F.conv_transpose2d(x, w, {})", "chainer": "F.deconvolution_2d(x, w, {})"}
LAYERS = """
class Up(nn.Module):
    def __init__(self, bias=True):
        {}
    def forward(self, x):
        return {}
"""
MAYBE = [
    "if bias:\n            self.bias = Parameter(zeros(6))\n"
    "        else:\n            self.bias = None",
    "if bias:\n            self.bias = Parameter(zeros(6))\n"
    "        else:\n            self.register_parameter('bias', None)",
    "self.bias = None\n        if bias:\n            self.bias = Parameter(zeros(6))",
    "self.register_parameter('bias', None)",
    "self.bias = make_bias()",
]


def notes_on_the_bias(text: str, framework: str) -> list[str]:
    result = read(text, framework, weight=(4, 6, 3, 2))
    assert result.operator.bias
    return [note for note in result.notes if note.startswith("The bias is taken to be there")]


@pytest.mark.parametrize("framework", ADDED)
@pytest.mark.parametrize(
    "bias", ["b if use_bias else None", "getattr(self, 'bias', None)", "b or None", "make()"]
)
def test_a_bias_that_may_be_none_is_noted(bias: str, framework: str) -> None:
    assert len(notes_on_the_bias(ADDED[framework].format(bias), framework)) == 1


@pytest.mark.parametrize("framework", ADDED)
def test_a_parameter_that_is_none_by_default_is_noted(framework: str) -> None:
    text = f"def up(x, w, b=None):\n  return {ADDED[framework].format('b')}"
    assert notes_on_the_bias(text, framework) == [
        "The bias is taken to be there: where b is None, leave it out of the call."
    ]


@pytest.mark.parametrize("framework", ADDED)
@pytest.mark.parametrize("made", MAYBE)
def test_a_bias_that_a_class_may_not_make_is_noted(made: str, framework: str) -> None:
    text = LAYERS.format(made, ADDED[framework].format("self.bias"))
    assert len(notes_on_the_bias(text, framework)) == 1


@pytest.mark.parametrize("framework", ADDED)
def test_nothing_is_said_of_a_bias_that_is_there(framework: str) -> None:
    expected: dict[str, list[str]] = {
        before + ADDED[framework].format(bias): []
        for bias in ("b", "self.bias", "weights['b']", "torch.zeros(6)", "up.b.to(d)")
        for before in ("", "b = torch.zeros(n)\n", "b = self.bias\n", "b = p[0]\n")
    }
    assert wrong(expected, lambda text: notes_on_the_bias(text, framework)) == {}


# Defaults of functions.


@pytest.mark.parametrize(
    ("text", "assumed"),
    [
        ("def f(x, k=4):\n  w = torch.randn(64, 32, k, k)\n  F.conv_transpose2d(x, w)", "k=4"),
        (
            "def f(x, s=[19, 19]):\n  up = nn.ConvTranspose2d(64, 32, 4, 2)\n"
            "  return up(x, output_size=s)",
            "s=[19, 19]",
        ),
        (
            "def f(c=64):\n  x = Input((8, 8, c))\n"
            "  return Conv2DTranspose(32, 4, padding='same')(x)",
            "c=64",
        ),
        (
            "def f(c=64):\n  m.add(Reshape((8, 8, c)))\n"
            "  m.add(Conv2DTranspose(32, 4, padding='same'))",
            "c=64",
        ),
    ],
)
def test_a_default_that_comes_by_another_line_is_said(text: str, assumed: str) -> None:
    result = read(text, input=(1, 64, 8, 8))
    assert result.operator.weight_shape == (64, 32, 4, 4)
    assert [note for note in result.notes if "defaults" in note] == [
        f"{assumed}: taken from the function's defaults; its caller may give others."
    ]


def test_a_default_that_changes_nothing_is_not_said() -> None:
    text = (
        "def f(x, k=4):\n  x = block(x, k)\n  return F.conv_transpose2d(x, torch.ones(4, 6, 3, 3))"
    )
    assert read(text).notes == ()


# Shapes of arrays.


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("torch.randn(4, 8, 1, 2)", (4, 8, 1, 2)),
        ("np.ones((4, 8))", (4, 8)),
        ("np.random.normal(1, 2, (4, 8))", (4, 8)),
        ("torch.arange(4, 8, 1, 2)", None),
        ("np.linspace(1, 2, 3)", None),
        ("np.random.uniform(1, 2)", None),
        ("np.random.randint(1, 10, 5)", None),
    ],
)
def test_shape_of_an_array_is_that_which_its_maker_takes(
    text: str, shape: tuple[int, ...] | None
) -> None:
    assert shape_of(first(python, text)) == shape
