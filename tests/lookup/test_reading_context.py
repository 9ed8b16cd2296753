"""What stands around a call: lines that are not understood, other calls, calls of the layer."""

from __future__ import annotations

import pytest

from harness.core.operators import Operator
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

UP = Operator.of(64, 32, (4, 4))

LEFT_OUT = {
    "Python 2": "k = 5\nprint 'a'\nup = nn.ConvTranspose2d(3, 4, k)\ny = up(x)[:, :, 1:]",
    "a notebook": "k = 5\n!pip install x\nup = nn.ConvTranspose2d(3, 4, k)\ny = up(x)[:, :, 1:]",
    "a branch": "k = 5\nif a b:\n  j = 1\nup = nn.ConvTranspose2d(3, 4, k)\ny = up(x)[:, :, 1:]",
    "a division": "k = 5\nz = 1 / 0\nup = nn.ConvTranspose2d(3, 4, k)\ny = up(x)[:, :, 1:]",
}


@pytest.mark.parametrize("text", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_line_that_is_not_understood_costs_itself_alone(text: str) -> None:
    found = read(text)
    assert found.operator == Operator.of(3, 4, (5, 5), crop=((1, 0), (0, 0)))
    (note,) = [note for note in found.notes if note.startswith("Line")]
    assert note.startswith("Line 2 was left out: ")


@pytest.mark.parametrize(
    "line",
    ["print k", "print 'a', k, 'b'", "k = 3 if", "for k in [3:", "k = 1 / 0", "del k", "k ++"],
)
def test_a_name_in_a_line_that_is_not_understood_has_no_value_after_it(line: str) -> None:
    with pytest.raises(SnippetError, match="leaves kernel open"):
        read(f"k = 5\n{line}\nnn.ConvTranspose2d(3, 4, k)")


@pytest.mark.parametrize(
    "text",
    [
        "- up = nn.ConvTranspose2d(64, 32, 3)\n+ up = nn.ConvTranspose2d(64, 32, 4)",
        "Sequential(\n  (0): ConvTranspose2d(64, 32, 4)\n  (1): ConvTranspose2d(32, 3, 4)\n)",
    ],
)
def test_several_calls_in_text_that_is_no_python_are_an_error(text: str) -> None:
    with pytest.raises(SnippetError, match="holds 2 transposed convolutions"):
        read(text)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("from torch.nn import ConvTranspose2d as CT\nDT(64, 32, 4)", "line 1, column 22"),
        ("Up = partial(nn.ConvTranspose2d, 64, 32, 4)", "line 1, column 17"),
        ("class Up(nn.ConvTranspose2d):\n  pass", "line 1, column 13"),
    ],
)
def test_a_name_that_is_not_called_is_pointed_at(text: str, column: str) -> None:
    with pytest.raises(SnippetError, match="names ConvTranspose2d, but does not call it") as error:
        read(text)
    assert str(error.value).startswith(column)


CALLED = {
    "a model that holds it": (
        "net = nn.Sequential(nn.ConvTranspose2d(64, 32, 4), nn.Conv2d(32, 3, 3))\n"
        "y = net(x)[:, :, 1:]"
    ),
    "a class of another layer": (
        "class B(nn.Module):\n  def forward(self, x):\n    return self.up(x)[:, :, 1:]\n"
        "class A(nn.Module):\n  def __init__(self):\n    self.up = nn.ConvTranspose2d(64, 32, 4)"
    ),
    "a model given to a function": "y = Decoder(nn.ConvTranspose2d(64, 32, 4))(x)[:, :, 1:]",
}


@pytest.mark.parametrize("text", CALLED.values(), ids=CALLED)
def test_a_call_of_something_else_says_nothing_of_the_layer(text: str) -> None:
    found = read(text)
    assert (found.operator, found.notes) == (UP, ())


@pytest.mark.parametrize(
    "text",
    [
        "up = spectral_norm(nn.ConvTranspose2d(64, 32, 4))\ny = up(x)[:, :, 1:]",
        "up = nn.ConvTranspose2d(64, 32, 4).cuda()\ny = up(x)[:, :, 1:]",
        "up = nn.ConvTranspose2d(64, 32, 4)\nup = up.to(device)\ny = up(x)[:, :, 1:]",
        "net = nn.Sequential(nn.ConvTranspose2d(64, 32, 4))\ny = net(x)[:, :, 1:]",
        "def forward(self, x):\n  return self.up(x)[:, :, 1:]\n"
        "def __init__(self):\n  self.up = nn.ConvTranspose2d(64, 32, 4)",
        "if a:\n  up = nn.ConvTranspose2d(64, 32, 4)\nelse:\n  up = Resize(2)\ny = up(x)[:, :, 1:]",
    ],
)
def test_the_layer_is_called_by_what_is_the_same_layer(text: str) -> None:
    found = read(text)
    assert found.operator.crop == ((1, 0), (0, 0))


def test_of_several_calls_of_a_layer_the_first_is_said_to_be_meant() -> None:
    found = read("up = nn.ConvTranspose2d(64, 32, 4)\na = up(x)\nb = up(a)[:, :, 1:]")
    assert found.operator == UP
    assert found.notes == ("The layer is called 2 times: the answer is about the first call.",)


def test_a_call_in_a_line_that_is_not_understood_counts() -> None:
    with pytest.raises(
        SnippetError, match=r"holds 2 transposed convolutions(.|\n)*line 1(.|\n)*line 2"
    ):
        read("print nn.ConvTranspose2d(3, 4, 5)\nnn.ConvTranspose2d(8, 4, 5)")


def test_text_that_cannot_be_mended_is_said_to_be_left_out() -> None:
    found = read("x = 3\n    up = nn.ConvTranspose2d(3, 4, 5)\n  y = up(x)")
    assert found.operator == Operator.of(3, 4, (5, 5))
    assert "Only the call itself was read, not the lines around it: line 2" in found.notes[0]


def test_what_a_line_of_a_list_leaves_is_not_worth_a_note() -> None:
    assert read("'up', nn.ConvTranspose2d(3, 4,\n5)),").notes == ()
