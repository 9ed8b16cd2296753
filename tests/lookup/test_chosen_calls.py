"""What a text chooses among classes is answered for each that it can be, and said to be chosen."""

from __future__ import annotations

import pytest

from harness.core.errors import InputError
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every

HEAD = "import torch.nn as nn\n"


def answers(text: str) -> list[tuple[str, str]]:
    """The operator of every answer, and its last note."""
    found = []
    for each in look_up_every(HEAD + text, to=["numpy"]):
        assert isinstance(each, LookUp), each
        operator = each.to_json()["operator"]
        sizes = [operator[key] for key in ("in_channels", "out_channels", "kernel")]
        found.append((f"{sizes[0]}->{sizes[1]} {sizes[2]}", " ".join(each.reading.notes)))
    return found


EACH_RANK = ["i->4 [5]", "i->4 [5, 5]", "i->4 [5, 5, 5]"]
CHOICES = {
    "a dictionary": (
        "def up(i, d):\n  op = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d,"
        " 3: nn.ConvTranspose3d}[d]\n  return op(i, 4, 5)",
        EACH_RANK,
    ),
    "a name with the rank in it": (
        'def up(i, d):\n  return getattr(nn, f"ConvTranspose{d}d")(i, 4, 5)',
        EACH_RANK,
    ),
    "a sum of texts": (
        'def up(i, d):\n  name = "ConvTranspose" + str(d) + "d"\n'
        "  return getattr(nn, name)(i, 4, 5)",
        EACH_RANK,
    ),
    "a text with a place for the rank": (
        'def up(i, d):\n  op = getattr(nn, "ConvTranspose%dd" % d)\n  return op(i, 4, 5)',
        EACH_RANK,
    ),
    "the text of an evaluated name": (
        'def up(i, d):\n  op = eval("nn.ConvTranspose%dd" % d)\n  return op(i, 4, 5)',
        EACH_RANK,
    ),
    "the text of a name that is evaluated in the call": (
        'def up(i, d):\n  return eval(f"nn.ConvTranspose{d}d")(i, 4, 5)',
        EACH_RANK,
    ),
    "a factory of layers": (
        "from monai.networks.layers.factories import Conv\n"
        "def up(i, d):\n  op = Conv[Conv.CONVTRANS, d]\n  return op(i, 4, 5)",
        EACH_RANK,
    ),
    "a factory's key by a condition, with another key of the same factory": (
        "from monai.networks.layers import Conv as Make\n"
        'def up(i, d, t=False):\n  Make["conv", d](i, 9, 5)\n'
        "  op = Make[Make.CONVTRANS if t else Make.CONV, d]\n  return op(i, 4, 5)",
        EACH_RANK,
    ),
    "a condition": (
        "def up(i, t):\n  return (nn.ConvTranspose2d if t else nn.Conv2d)(i, 4, 5)",
        EACH_RANK[1:2],
    ),
    "branches": (
        "def up(i, d):\n  if d == 2: op = nn.ConvTranspose2d\n"
        "  else: op = nn.ConvTranspose3d\n  return op(i, 4, 5)",
        EACH_RANK[1:],
    ),
    "a dictionary that has a name": (
        'OPS = {"up": nn.ConvTranspose2d, "down": nn.Conv2d}\n'
        "def up(i, kind):\n  return OPS[kind](i, 4, 5)",
        EACH_RANK[1:2],
    ),
    "a key with the rank in it": (
        'OPS = {"Conv2d": nn.Conv2d, "ConvTranspose2d": nn.ConvTranspose2d,'
        ' "ConvTranspose3d": nn.ConvTranspose3d}\n'
        'def flat(i, d):\n  return OPS[f"Conv{d}d"](i, 9, 5)\n'
        'def up(i, d):\n  op = OPS[f"ConvTranspose{d}d"]\n  return op(i, 4, 5)',
        EACH_RANK[1:],
    ),
    "what a function gives back": (
        "def kind(d):\n  if d == 2: return nn.ConvTranspose2d\n"
        "  elif d == 3: return nn.ConvTranspose3d\n  raise ValueError(d)\n"
        "def up(i, d):\n  op = kind(d)\n  return op(i, 4, 5)",
        EACH_RANK[1:],
    ),
    "a parameter that may be nothing": (
        "def up(i, op=None):\n  op = op or nn.ConvTranspose2d\n  return op(i, 4, 5)",
        EACH_RANK[1:2],
    ),
    "a class that is the default": (
        "def up(i, op=nn.ConvTranspose2d):\n  return op(i, 4, 5)",
        EACH_RANK[1:2],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CHOICES.values(), ids=CHOICES)
def test_each_that_the_text_may_choose_is_answered_with_a_note(
    text: str, expected: list[str]
) -> None:
    found = answers(text)
    assert [operator for operator, _ in found] == expected
    assert all("it is taken for torch.nn.ConvTranspose" in note for _, note in found)


@pytest.mark.parametrize(
    "choice",
    [
        'getattr(nn, "ConvTranspose{}d".format(d))',
        'getattr(nn, "ConvTranspose%dd" % d)',
        'getattr(nn, "ConvTranspose" + str(d) + "d")',
        'eval("nn.ConvTranspose%dd" % d)',
        'eval("nn." + "ConvTranspose{}d".format(d))',
        "(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[d - 1]",
        "nn.ConvTranspose1d if d == 1 else nn.ConvTranspose2d if d == 2 else nn.ConvTranspose3d",
        "nn.ConvTranspose3d if d == 3 else nn.ConvTranspose2d if d == 2 else nn.ConvTranspose1d",
        "{2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}.get(d, nn.ConvTranspose1d)",
    ],
)
def test_what_a_caller_chooses_is_answered_alone(choice: str) -> None:
    text = f"def up(d):\n  op = {choice}\n  return op(6, 4, 5)\nu = up(3)"
    assert [operator for operator, _ in answers(text)] == ["6->4 [5, 5, 5]"]


@pytest.mark.parametrize(
    "chosen",
    [
        "OPS[d]",
        'getattr(nn, f"ConvTranspose{d}d")',
        "(nn.ConvTranspose2d if d == 2 else nn.Conv2d)",
    ],
)
def test_what_a_loop_chooses_is_answered_in_each_turn(chosen: str) -> None:
    text = (
        "OPS = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}\ndef net(d, c):\n  m = []\n"
        f"  for i in range(2):\n    m.append({chosen}(c[i], c[i + 1], 5))\n"
        "  return nn.Sequential(*m)\nn = net(2, (6, 4, 3))"
    )
    found = [each for each in look_up_every(HEAD + text, to=["numpy"]) if isinstance(each, LookUp)]
    channels = [(each.reading.operator.in_channels, each.reading.operator.rank) for each in found]
    assert channels == [(6, 2), (4, 2)]


def test_classes_that_a_function_gives_back_together_are_followed() -> None:
    text = (
        "def kinds(d, up):\n  if d == 1: conv, norm = nn.ConvTranspose1d, nn.BatchNorm1d\n"
        "  elif d == 2:\n    conv = nn.ConvTranspose2d if up else nn.Conv2d\n"
        "    norm = nn.BatchNorm2d\n  else: raise ValueError(d)\n  return conv, norm\n"
        "conv, norm = kinds(2, True)\nu = conv(6, 4, 5)"
    )
    assert "6->4 [5, 5]" in [operator for operator, _ in answers(text) if "[5, 5]" in operator]


def test_a_dictionary_of_a_class_is_chosen_from() -> None:
    text = (
        "class Block(nn.Module):\n  OPS = {'up': nn.ConvTranspose2d, 'down': nn.Conv2d}\n"
        "  def __init__(self, i, mode):\n    self.c = self.OPS[mode](i, 4, 5)\n"
        "a = Block(6, 'up')\nb = Block(7, 'down')"
    )
    assert [operator for operator, _ in answers(text)] == ["6->4 [5, 5]"]


def test_arguments_that_are_chosen_with_the_class_are_not_mixed_with_the_other() -> None:
    text = (
        "def up(i, k, wide):\n  op = nn.ConvTranspose1d\n"
        "  if wide:\n    k, op = (k, 1), nn.ConvTranspose2d\n  return op(i, 4, k)\n"
    )
    with pytest.raises(InputError, match="which function op is"):
        answers(text)


@pytest.mark.parametrize(
    "lines",
    ["  if wide:\n    k = (k, 1)\n", "  k = (k, 1) if wide else k\n"],
)
def test_what_may_be_several_numbers_is_not_taken_for_one(lines: str) -> None:
    text = f"def up(i, k, wide):\n{lines}  return nn.ConvTranspose2d(i, 4, k)\n"
    assert [operator for operator, _ in answers(text)] == ["i->4 ['k[0]', 'k[1]']"]


def test_a_text_with_a_width_is_never_put_together() -> None:
    with pytest.raises(InputError):
        answers('ConvTranspose2d = getattr(nn, "ConvTranspose%999999999d" % 2)(4, 2, 3)')


WOLFRAM = {
    "a list of arguments": 'DeconvolutionLayer @@ {4, {5, 5}, "Stride" -> 2}',
    "lists of arguments": 'DeconvolutionLayer @@@ {{4, {5, 5}, "Stride" -> 2}}',
    "a sequence": 'o = {"Stride" -> 2}; DeconvolutionLayer[4, {5, 5}, Sequence @@ o]',
    "an association": 'o = <|"Stride" -> 2|>; DeconvolutionLayer[4, {5, 5}, Sequence @@ Normal[o]]',
    "a pure function": 'up = DeconvolutionLayer[#, {5, 5}, ##2] &; up[4, "Stride" -> 2]',
    "a condition": (
        'up[n_, b_: False] := DeconvolutionLayer[n, {5, 5}, "Stride" -> 2, '
        '"Biases" -> If[b, None, Automatic]]; up[4]'
    ),
}


@pytest.mark.parametrize("text", WOLFRAM.values(), ids=WOLFRAM)
def test_wolfram_layers_are_read_from_lists_and_functions(text: str) -> None:
    (found,) = look_up_every(f"d = ({text})" if ";" not in text else text, to=["numpy"])
    assert isinstance(found, LookUp), found
    operator = found.to_json()["operator"]
    assert (operator["out_channels"], operator["stride"]) == (4, [2, 2])
    assert operator["bias"] is True


@pytest.mark.parametrize(("given", "expected"), [("False", False), ("True", True), ("b", None)])
def test_biases_that_a_condition_leaves_out_are_none(given: str, expected: bool | None) -> None:
    text = (
        'up[n_, b_] := DeconvolutionLayer[n, {5, 5}, "Biases" -> If[b, Automatic, None]]; '
        f"up[4, {given}]"
    )
    (found,) = look_up_every(text, to=["numpy"])
    is_bias = found.to_json()["operator"]["bias"] if isinstance(found, LookUp) else None
    assert is_bias is expected


def test_a_name_that_is_put_together_may_be_of_another_framework_than_one_that_is_written() -> None:
    text = (
        "from keras.layers import Conv2DTranspose\na = Conv2DTranspose(8, 2)(x)\n"
        'def up(i, d):\n  return getattr(nn, f"ConvTranspose{d}d")(i, 4, 5)'
    )
    assert [operator for operator, _ in answers(text)][1:] == EACH_RANK


def test_a_factory_that_is_told_the_number_of_axes_gives_one_class() -> None:
    text = "from monai.networks.layers import Conv\nu = Conv['convtrans', 2](6, 4, 5)"
    assert [operator for operator, _ in answers(text)] == ["6->4 [5, 5]"]
